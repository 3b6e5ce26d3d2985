//! With what somebody paid, or what money goes back to.
//!
//! Owns how Shopify's answers name a payment method, for payments of an order, refunds and failed attempts
//! alike. Promises that no more than four digits of a card or account leave this module.

use crate::decode::text;
use serde::Deserialize;
use std::fmt;

/// Where Shopify says nothing, nothing is known.
#[derive(Clone, PartialEq, Eq, Default)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct Method {
    /// Such as `shopify_payments`, `gift_card`, `shopify_store_credit`, `manual`.
    pub gateway: Option<String>,
    /// The gateway's name for people.
    pub gateway_name: Option<String>,
    /// Such as `visa` or `ideal`.
    pub name: Option<String>,
    /// Such as `Visa`.
    pub card_company: Option<String>,
    /// The last digits of the card or account, at most four.
    pub last_digits: Option<String>,
}

/// What a method is, however its gateway is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MethodKind {
    Card,
    GiftCard,
    StoreCredit,
    Cash,
    /// By hand, such as a bank transfer.
    Manual,
    Other,
}

impl Method {
    /// The method of which only the gateway is known.
    pub fn of_gateway(gateway: &str) -> Self {
        Self { gateway: Some(gateway.to_owned()), ..Self::default() }
    }

    pub fn kind(&self) -> MethodKind {
        match self.gateway.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("gift_card") => MethodKind::GiftCard,
            Some("shopify_store_credit" | "store_credit") => MethodKind::StoreCredit,
            Some("cash") => MethodKind::Cash,
            Some("manual" | "bank_deposit" | "bank deposit" | "money_order" | "money order") => {
                MethodKind::Manual
            }
            _ if self.card_company.is_some() => MethodKind::Card,
            _ => MethodKind::Other,
        }
    }

    /// What a customer calls it: `Visa`, `ideal`, `PayPal`, `Gift Card`.
    pub fn known_as(&self) -> Option<&str> {
        let known = self.card_company.as_deref().or(self.name.as_deref());
        known.or(self.gateway_name.as_deref()).or(self.gateway.as_deref())
    }

    /// This, and what the other knows beyond it.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            gateway: self.gateway.or(other.gateway),
            gateway_name: self.gateway_name.or(other.gateway_name),
            name: self.name.or(other.name),
            card_company: self.card_company.or(other.card_company),
            last_digits: self.last_digits.or(other.last_digits),
        }
    }
}

// how somebody pays is not for logs
impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Method").field("gateway", &self.gateway).finish_non_exhaustive()
    }
}

/// The fields of an `OrderTransaction` that say it. Can be flattened into another.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireMethod {
    #[serde(default, deserialize_with = "text")]
    gateway: Option<String>,
    #[serde(default, deserialize_with = "text")]
    formatted_gateway: Option<String>,
    #[serde(default, deserialize_with = "text")]
    account_number: Option<String>,
    payment_details: Option<Details>,
}

/// Empty, if it is of a kind that is not known.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Details {
    #[serde(default, deserialize_with = "text")]
    payment_method_name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    company: Option<String>,
    #[serde(default, deserialize_with = "text")]
    number: Option<String>,
}

impl From<WireMethod> for Method {
    fn from(wire: WireMethod) -> Self {
        let details = wire.payment_details.unwrap_or_default();
        let number = details.number.or(wire.account_number);
        Self {
            gateway: wire.gateway,
            gateway_name: wire.formatted_gateway,
            name: details.payment_method_name,
            card_company: details.company,
            last_digits: number.as_deref().and_then(last_digits),
        }
    }
}

/// `1234` of `•••• •••• •••• 1234`. Nothing that is not masked is passed on whole.
fn last_digits(number: &str) -> Option<String> {
    let digits: Vec<char> =
        number.trim_end().chars().rev().take_while(char::is_ascii_digit).take(4).collect();
    (!digits.is_empty()).then(|| digits.into_iter().rev().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_four_digits_are_passed_on() {
        for (number, digits) in [
            ("•••• •••• •••• 4242", Some("4242")),
            ("4111111111111111", Some("1111")),
            ("XXXX 12", Some("12")),
            ("hidden", None),
            ("", None),
        ] {
            assert_eq!(last_digits(number).as_deref(), digits, "{number}");
        }
    }

    #[test]
    fn a_gateway_says_what_the_method_is() {
        for (gateway, kind) in [
            ("gift_card", MethodKind::GiftCard),
            ("shopify_store_credit", MethodKind::StoreCredit),
            ("cash", MethodKind::Cash),
            ("Bank Deposit", MethodKind::Manual),
            ("shopify_payments", MethodKind::Other),
            ("a_gateway_of_tomorrow", MethodKind::Other),
        ] {
            assert_eq!(Method::of_gateway(gateway).kind(), kind, "{gateway}");
        }
        let card = Method { card_company: Some("Visa".into()), ..Method::of_gateway("shopify_payments") };
        assert_eq!((card.kind(), card.known_as()), (MethodKind::Card, Some("Visa")));
    }
}
