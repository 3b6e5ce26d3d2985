//! Whether a customer wants offers, and the address that may be used for them.
//!
//! Only what Shopify states counts. E-mail, and what Exstream sends itself, needs a subscription. Paper needs the
//! shop's tag for it; where the shop has none, a subscription to e-mail, because Shopify records no other
//! agreement to marketing. A shop that made a document transactional has decided that it needs none.

use comms::MessageClass;
use delivery::{Recipient, choose};
use flow::Consent;
use shop_config::{Channel, Marketing};
use shopify::marketing::{Prospect, Subscription};
use std::borrow::Cow;

/// Whether the customer agreed, and the address if it may be used.
#[derive(Debug, PartialEq, Eq)]
pub struct Permission {
    pub consent: Consent,
    pub email: Option<String>,
}

pub fn permission(
    prospect: &Prospect,
    class: MessageClass,
    channels: &[Channel],
    marketing: &Marketing,
) -> Permission {
    let email = prospect.customer.email.clone();
    if class != MessageClass::Marketing {
        return Permission { consent: Consent::NotAsked, email };
    }
    // Shopify's tags do not differ by case
    let tagged = |tag: &str| prospect.tags.iter().any(|own| own.to_lowercase() == tag.to_lowercase());
    if let Some(tag) = marketing.suppression_tags.iter().find(|tag| tagged(tag)) {
        let why = format!("the customer has the suppression tag {tag}");
        return Permission { consent: Consent::Refused(why.into()), email };
    }
    let subscribed = prospect.subscription == Subscription::Subscribed;
    let by_post = marketing.post_consent_tag.as_deref().map_or(subscribed, tagged);
    // an address that may not be used must not decide the channel
    let usable = email.clone().filter(|_| subscribed);
    let reachable = Recipient { email: usable.clone(), ..Recipient::default() };
    let given = match choose(channels, &reachable) {
        Some(Channel::Email | Channel::Exstream) => subscribed,
        Some(Channel::Print) => by_post && prospect.address.is_some(),
        None => false,
    };
    if given {
        return Permission { consent: Consent::Given, email: usable };
    }
    let mut reasons: Vec<Cow<'static, str>> = Vec::new();
    for channel in channels {
        let reason = why_not_by(*channel, prospect, marketing, by_post);
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    if reasons.is_empty() {
        reasons.push(why_not(prospect.subscription).into());
    }
    Permission { consent: Consent::Refused(reasons.join("; ").into()), email }
}

/// Why a channel may not be used, from what Shopify says.
fn why_not_by(
    channel: Channel,
    prospect: &Prospect,
    marketing: &Marketing,
    by_post: bool,
) -> Cow<'static, str> {
    match (channel, &marketing.post_consent_tag) {
        (Channel::Email | Channel::Exstream, _) => why_not(prospect.subscription).into(),
        (Channel::Print, Some(tag)) if !by_post => {
            format!("no agreement to offers by post (tag {tag})").into()
        }
        (Channel::Print, None) if !by_post => why_not(prospect.subscription).into(),
        (Channel::Print, _) => "the customer has no postal address".into(),
    }
}

const fn why_not(subscription: Subscription) -> &'static str {
    match subscription {
        // no message can be sent to this address
        Subscription::Subscribed => "the customer's e-mail address cannot be used",
        Subscription::Pending => "the customer has not confirmed the subscription to e-mail marketing",
        Subscription::NotSubscribed => "the customer is not subscribed to e-mail marketing",
        Subscription::Unsubscribed => "the customer has unsubscribed from e-mail marketing",
        Subscription::Invalid => "the customer's subscription to e-mail marketing is invalid",
        Subscription::NoAddress => "the customer has no e-mail address",
        Subscription::Other => "the customer's consent to e-mail marketing is in a state that is not known",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Channel::{Email, Exstream, Print};
    use comms::Gid;
    use shopify::Customer;

    fn prospect(subscription: Subscription, tags: &[&str]) -> Prospect {
        let email = (subscription != Subscription::NoAddress).then(|| "noor@example.com".to_owned());
        Prospect {
            customer: Customer {
                id: Gid::new("Customer", 1),
                first_name: None,
                last_name: None,
                email,
                phone: None,
                locale: None,
            },
            subscription,
            tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
            address: serde_json::from_str(r#"{"address1": "1 High Street"}"#).ok(),
            balance: None,
        }
    }

    fn marketing(post: Option<&str>) -> Marketing {
        Marketing {
            suppression_tags: vec!["No Marketing".to_owned()],
            post_consent_tag: post.map(str::to_owned),
            ..Marketing::default()
        }
    }

    /// The answer, and whether the address may be used.
    fn ask(who: &Prospect, channels: &[Channel], post: Option<&str>) -> (Result<(), String>, bool) {
        let answer = permission(who, MessageClass::Marketing, channels, &marketing(post));
        let consent = match answer.consent {
            Consent::Given => Ok(()),
            Consent::Refused(why) => Err(why.into_owned()),
            Consent::NotAsked => panic!("marketing is always asked for"),
        };
        (consent, answer.email.is_some())
    }

    #[test]
    fn only_a_subscription_is_a_yes() {
        use Subscription::{Invalid, NoAddress, NotSubscribed, Other, Pending, Subscribed, Unsubscribed};
        for channels in [&[Email][..], &[Exstream], &[Email, Print], &[Print]] {
            assert_eq!(ask(&prospect(Subscribed, &[]), channels, None), (Ok(()), true), "{channels:?}");
            for state in [Pending, NotSubscribed, Unsubscribed, Invalid, NoAddress, Other] {
                let (answer, _) = ask(&prospect(state, &[]), channels, None);
                assert_eq!(answer, Err(why_not(state).to_owned()), "{state:?} by {channels:?}");
            }
        }
    }

    #[test]
    fn a_tag_for_post_opens_the_post_and_nothing_else() {
        let agreed = prospect(Subscription::Unsubscribed, &["Post-OK"]);
        // the address is withheld, so that the pipeline cannot choose e-mail
        assert_eq!(ask(&agreed, &[Email, Print], Some("post-ok")), (Ok(()), false));
        assert!(ask(&agreed, &[Email], Some("post-ok")).0.is_err());
        assert!(ask(&agreed, &[Exstream, Print], Some("post-ok")).0.is_err());
        let subscribed = prospect(Subscription::Subscribed, &[]);
        assert_eq!(ask(&subscribed, &[Email, Print], Some("post-ok")), (Ok(()), true));
        let no_post = Err("no agreement to offers by post (tag post-ok)".to_owned());
        assert_eq!(ask(&subscribed, &[Print], Some("post-ok")).0, no_post);
    }

    /// An unsubscription is on record as one, whatever else could have been used.
    #[test]
    fn each_channel_says_what_keeps_it() {
        let post = "no agreement to offers by post (tag post-ok)";
        for state in [Subscription::Unsubscribed, Subscription::Pending, Subscription::NoAddress] {
            let no = Err(format!("{}; {post}", why_not(state)));
            assert_eq!(ask(&prospect(state, &[]), &[Email, Print], Some("post-ok")).0, no);
            let no = Err(format!("{post}; {}", why_not(state)));
            assert_eq!(ask(&prospect(state, &[]), &[Print, Exstream], Some("post-ok")).0, no);
        }
        let unsubscribed = prospect(Subscription::Unsubscribed, &[]);
        let once = Err(why_not(Subscription::Unsubscribed).to_owned());
        assert_eq!(ask(&unsubscribed, &[Exstream, Email, Print], None).0, once);
    }

    #[test]
    fn paper_needs_a_place_to_go() {
        let nowhere = Prospect { address: None, ..prospect(Subscription::Unsubscribed, &["post-ok"]) };
        let (answer, _) = ask(&nowhere, &[Email, Print], Some("post-ok"));
        let no = "the customer has unsubscribed from e-mail marketing; the customer has no postal address";
        assert_eq!(answer, Err(no.to_owned()));
    }

    #[test]
    fn a_suppression_tag_beats_everything() {
        let who = prospect(Subscription::Subscribed, &["vip", "no marketing", "post-ok"]);
        let no = Err("the customer has the suppression tag No Marketing".to_owned());
        assert_eq!(ask(&who, &[Email, Print], Some("post-ok")).0, no);
    }

    #[test]
    fn a_document_that_is_no_marketing_is_not_asked_about() {
        let who = prospect(Subscription::Unsubscribed, &["no marketing"]);
        let answer = permission(&who, MessageClass::Transactional, &[Email], &marketing(None));
        assert_eq!((answer.consent, answer.email.is_some()), (Consent::NotAsked, true));
    }
}
