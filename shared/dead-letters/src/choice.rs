//! Which messages of a queue are meant.

use crate::Letter;
use comms::ShopDomain;
use work::GivenUp;

/// Everything that is named has to fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    pub cause: Option<GivenUp>,
    pub shop: Option<ShopDomain>,
    /// Text that the reason contains.
    pub reason_contains: Option<String>,
    /// The id of one message.
    pub message_id: Option<String>,
    /// Only what SQS took before this moment: what came after somebody has seen a plan was in no plan. Of what SQS moved
    /// here itself, that moment is when its work was queued.
    pub sent_before_ms: Option<i64>,
}

impl Choice {
    pub fn takes(&self, letter: &Letter) -> bool {
        let Self { cause, shop, reason_contains, message_id, sent_before_ms } = self;
        cause.is_none_or(|cause| letter.cause == Some(cause))
            && shop.as_ref().is_none_or(|shop| letter.shop.as_deref() == Some(shop.as_str()))
            && reason_contains.as_ref().is_none_or(|text| letter.reason.contains(text.as_str()))
            && message_id.as_ref().is_none_or(|id| letter.message_id == *id)
            && sent_before_ms.is_none_or(|before| letter.sent_epoch_ms.is_some_and(|sent| sent < before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_named_has_to_fit() {
        let letter = Letter {
            message_id: "m1".to_owned(),
            cause: Some(GivenUp::CannotWork),
            reason: "no field `total`".to_owned(),
            shop: Some("a.myshopify.com".to_owned()),
            about: None,
            sent_epoch_ms: Some(1000),
        };
        let of = |change: fn(&mut Choice)| {
            let mut choice = Choice::default();
            change(&mut choice);
            choice.takes(&letter)
        };
        assert!(of(|_| {}));
        assert!(of(|it| it.cause = Some(GivenUp::CannotWork)));
        assert!(!of(|it| it.cause = Some(GivenUp::WaitedTooLong)));
        assert!(!of(|it| it.shop = "b.myshopify.com".parse().ok()));
        assert!(of(|it| it.reason_contains = Some("total".to_owned())));
        assert!(!of(|it| it.message_id = Some("m".to_owned())));
        assert!(of(|it| it.sent_before_ms = Some(1001)) && !of(|it| it.sent_before_ms = Some(1000)));
        let unknown = Letter { sent_epoch_ms: None, ..letter.clone() };
        assert!(!Choice { sent_before_ms: Some(i64::MAX), ..Choice::default() }.takes(&unknown));
    }
}
