//! Payments, whichever way the money went: with what, how much, when.

use crate::{day, iso};
use comms::Money;
use jiff::{Timestamp, tz::TimeZone};
use schemars::JsonSchema;
use serde::Serialize;
use shopify::{Method, MethodKind};

/// Money that moved, or is reserved, in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PaymentData {
    /// What it is.
    pub method: MethodKindData,
    /// What people call it, such as `Visa`, `PayPal` or `Gift Card`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"Visa")]
    pub name: Option<String>,
    /// Shopify's name of the payment provider, such as `shopify_payments`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"shopify_payments")]
    pub gateway: Option<String>,
    /// What people call the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"Shopify Payments")]
    pub gateway_name: Option<String>,
    /// Shopify's word for what was paid with, such as `visa` or `ideal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"visa")]
    pub method_name: Option<String>,
    /// The card's company.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"Visa")]
    pub card_company: Option<String>,
    /// Of the card or account, at most four.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"4242")]
    pub last_digits: Option<String>,
    /// How much. Absent where Shopify does not tell which of several ways took what.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "payment"))]
    pub amount: Option<Money>,
    /// When. Absent where Shopify does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// The day of it in the shop's time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_on: Option<String>,
}

/// With what somebody pays. `manual` is by hand, such as a bank transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MethodKindData {
    Card,
    GiftCard,
    StoreCredit,
    Cash,
    Manual,
    Other,
}

impl PaymentData {
    pub fn new(method: &Method, amount: Money, at: Timestamp, zone: &TimeZone) -> Self {
        Self {
            amount: Some(amount),
            date: Some(iso(at, zone)),
            date_on: Some(day(at, zone)),
            ..Self::of(method)
        }
    }

    /// A way of paying of which no amount is known.
    pub fn of(method: &Method) -> Self {
        Self {
            method: method.kind().into(),
            name: method.known_as().map(in_words),
            gateway: method.gateway.clone(),
            gateway_name: method.gateway_name.clone(),
            method_name: method.name.clone(),
            card_company: method.card_company.clone(),
            last_digits: method.last_digits.clone(),
            amount: None,
            date: None,
            date_on: None,
        }
    }
}

/// `Gift card` of `gift_card`, where Shopify gives no name but the gateway's own. Names stay as they are.
fn in_words(name: &str) -> String {
    if !name.contains('_') {
        return name.to_owned();
    }
    let mut letters = name.replace('_', " ");
    if let Some(first) = letters.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    letters
}

impl From<MethodKind> for MethodKindData {
    fn from(kind: MethodKind) -> Self {
        match kind {
            MethodKind::Card => Self::Card,
            MethodKind::GiftCard => Self::GiftCard,
            MethodKind::StoreCredit => Self::StoreCredit,
            MethodKind::Cash => Self::Cash,
            MethodKind::Manual => Self::Manual,
            MethodKind::Other => Self::Other,
        }
    }
}
