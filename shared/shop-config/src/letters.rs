//! What shipping documents, return letters and exception letters say beyond Shopify's data.

use crate::{
    check::Check,
    language::{Texts, text_in},
};
use comms::{HttpsUrl, names};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What shipping documents say.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Shipping {
    /// Whether packing slips say what was paid for each item.
    pub prices_on_packing_slip: bool,
    /// Whether shipping documents say how to send something back. Needs `returns.instructions`.
    pub return_instructions: bool,
    /// The news of a shipment that lead to a delivery document, one of each per shipment.
    pub delivery_events: Vec<DeliveryEvent>,
}

impl Default for Shipping {
    fn default() -> Self {
        Self {
            prices_on_packing_slip: false,
            return_instructions: false,
            delivery_events: vec![DeliveryEvent::Delivered],
        }
    }
}

names! {
    /// What a carrier tells of a shipment on its way, in Shopify's words.
    DeliveryEvent, "delivery event", {
        InTransit = "in_transit",
        OutForDelivery = "out_for_delivery",
        ReadyForPickup = "ready_for_pickup",
        AttemptedDelivery = "attempted_delivery",
        Delayed = "delayed",
        Delivered = "delivered",
        Failure = "failure",
    }
}

/// How customers send something back. Texts are tables by locale: the closest one to the document's locale is taken,
/// else that of `default_locale`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Returns {
    /// What to do, by locale.
    pub instructions: Texts,
    /// The lines of the address returns go to.
    pub address: Vec<String>,
    /// Where a return is started or followed.
    pub url: Option<HttpsUrl>,
    /// Days after the approval within which a return may be sent in.
    #[schemars(range(min = 1))]
    pub deadline_days: Option<u16>,
    /// Send return instructions only once there is a label or a tracking number. Otherwise they are sent at approval,
    /// and again when there is a label.
    pub wait_for_label: bool,
    /// Why a return was declined: for each of `final_sale`, `return_period_ended` and `other` a text by locale.
    pub decline_reasons: BTreeMap<String, Texts>,
    /// What to do with a label: for each of `pdf`, `image` (often a code to show at the counter), `file` and `tracking`
    /// (a number without a file) a text by locale.
    pub label_instructions: BTreeMap<String, Texts>,
    /// Why a refund is more or less than what was returned: for each of `restock`, `damage`, `customer`, `balance` and
    /// `other` a text by locale.
    pub adjustment_reasons: BTreeMap<String, Texts>,
}

/// Shopify's reasons for declining a return, in lower case.
const DECLINE_REASONS: [&str; 3] = ["final_sale", "return_period_ended", "other"];

/// What a label can be.
const LABEL_KINDS: [&str; 4] = ["pdf", "image", "file", "tracking"];

/// Why a refund can be adjusted.
const ADJUSTMENT_REASONS: [&str; 5] = ["restock", "damage", "customer", "balance", "other"];

/// What exception letters tell a customer to do.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Exceptions {
    /// Whom to turn to, by locale, as lines: a telephone number, opening hours. None, or some for every locale.
    pub contact: BTreeMap<String, Vec<String>>,
    /// Where to pay, if Shopify has no address for the very order.
    pub payment_url: Option<HttpsUrl>,
    /// How to pay otherwise, by locale. None, or one for every locale.
    pub payment_instructions: Texts,
    /// Days from the letter within which a failed or overdue payment is to be made.
    #[schemars(range(min = 1))]
    pub payment_deadline_days: Option<u16>,
    /// How long after a failed attempt its letter is written. A customer who tries again meanwhile gets one letter
    /// about the last attempt, and none if it succeeds.
    #[schemars(range(max = 120))]
    pub payment_failure_delay_minutes: u16,
    /// How long the letter about a cancellation waits while nobody has decided what becomes of the money: a refund
    /// often follows the cancellation by moments.
    #[schemars(range(max = 120))]
    pub cancellation_delay_minutes: u16,
    /// Days within which a refund reaches the customer's card or account.
    #[schemars(range(min = 1))]
    pub refund_days: Option<u16>,
    /// Where to change the card that a subscription is paid with.
    pub card_update_url: Option<HttpsUrl>,
    /// How to change the card otherwise, by locale. None, or one for every locale.
    pub card_update_instructions: Texts,
    /// Days after a failed attempt at which the app bills a subscription again.
    #[schemars(range(min = 1))]
    pub subscription_retry_days: Option<u16>,
}

impl Default for Exceptions {
    fn default() -> Self {
        Self {
            contact: BTreeMap::new(),
            payment_url: None,
            payment_instructions: Texts::new(),
            payment_deadline_days: None,
            payment_failure_delay_minutes: 15,
            cancellation_delay_minutes: 15,
            refund_days: None,
            card_update_url: None,
            card_update_instructions: Texts::new(),
            subscription_retry_days: None,
        }
    }
}

impl Shipping {
    pub(crate) fn check(&self, check: &mut Check, returns: &Returns) {
        if self.return_instructions && returns.instructions.is_empty() {
            check.fail("shipping.return_instructions", "needs texts in [returns.instructions]");
        }
        if self.delivery_events.is_empty() {
            check.fail("shipping.delivery_events", "must name at least one; a document is off by `enabled`");
        }
    }
}

impl Returns {
    pub(crate) fn check(&self, check: &mut Check) {
        if self.deadline_days == Some(0) {
            check.fail("returns.deadline_days", "must be at least 1");
        }
        for (setting, texts, known) in [
            ("decline_reasons", &self.decline_reasons, &DECLINE_REASONS[..]),
            ("label_instructions", &self.label_instructions, &LABEL_KINDS),
            ("adjustment_reasons", &self.adjustment_reasons, &ADJUSTMENT_REASONS),
        ] {
            for name in texts.keys().filter(|it| !known.contains(&it.as_str())) {
                check.fail(
                    format!("returns.{setting}.{name}"),
                    format!("is none of those there are: {}", known.join(", ")),
                );
            }
        }
    }
}

impl Exceptions {
    /// Whom to turn to, in a locale or its language.
    pub fn contact(&self, locale: &str) -> &[String] {
        // which key fits is decided where texts are looked up
        let keys: Texts = self.contact.keys().map(|key| (key.clone(), key.clone())).collect();
        text_in(&keys, locale, locale).and_then(|key| self.contact.get(key)).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn check(&self, check: &mut Check, locales: &[String]) {
        check.speaks("exceptions.payment_instructions", &self.payment_instructions, locales);
        check.speaks("exceptions.card_update_instructions", &self.card_update_instructions, locales);
        let contact = self.contact.iter().map(|(locale, lines)| (locale.clone(), lines.join(", ")));
        check.speaks("exceptions.contact", &contact.collect(), locales);
        for (name, days) in [
            ("payment_deadline_days", self.payment_deadline_days),
            ("refund_days", self.refund_days),
            ("subscription_retry_days", self.subscription_retry_days),
        ] {
            if days == Some(0) {
                check.fail(format!("exceptions.{name}"), "must be at least 1");
            }
        }
        // the message waits in its queue, and each wait uses up one of its few deliveries
        for (name, minutes) in [
            ("payment_failure_delay_minutes", self.payment_failure_delay_minutes),
            ("cancellation_delay_minutes", self.cancellation_delay_minutes),
        ] {
            if minutes > 120 {
                check.fail(format!("exceptions.{name}"), "must be at most 120");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{InvalidConfig, ShopConfig};

    const SHOP: &str = include_str!("../tests/fixtures/shop.toml");

    fn with(exceptions: &str) -> Result<ShopConfig, InvalidConfig> {
        let text = SHOP.replace("[exstream]", &format!("[exceptions]\n{exceptions}\n\n[exstream]"));
        ShopConfig::parse(&text)
    }

    #[test]
    fn exception_letters_wait_by_default_and_not_for_long() {
        assert_eq!(with("").unwrap().exceptions.payment_failure_delay_minutes, 15);
        assert_eq!(ShopConfig::parse(SHOP).unwrap().exceptions.payment_failure_delay_minutes, 15);
        with("payment_failure_delay_minutes = 120").unwrap();
        for (line, problem) in [
            (
                "payment_failure_delay_minutes = 121",
                "exceptions.payment_failure_delay_minutes: must be at most",
            ),
            ("cancellation_delay_minutes = 121", "exceptions.cancellation_delay_minutes: must be at most"),
            ("contact = { en = [\"Ask us\"] }", "exceptions.contact: has no text for `fr`"),
            ("payment_deadline_days = 0", "exceptions.payment_deadline_days: must be at least 1"),
            ("refund_days = 0", "exceptions.refund_days: must be at least 1"),
        ] {
            let found = with(line).unwrap_err().to_string();
            assert!(found.starts_with(problem), "{found}");
        }
    }

    #[test]
    fn payment_instructions_speak_every_language_or_none() {
        with("payment_instructions = { en = \"Pay.\", fr = \"Payez.\" }").unwrap();
        let found = with("payment_instructions = { en = \"Pay.\" }").unwrap_err().to_string();
        assert_eq!(found, "exceptions.payment_instructions: has no text for `fr`");
    }
}
