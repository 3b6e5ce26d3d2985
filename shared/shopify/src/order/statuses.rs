//! Where payment and fulfilment of an order stand, in one spelling.

use serde::{Deserialize, Deserializer};

/// Where payment stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub enum FinancialStatus {
    Pending,
    Authorized,
    PartiallyPaid,
    Paid,
    PartiallyRefunded,
    Refunded,
    Voided,
    Expired,
    /// One Shopify has added since, in lower case.
    Other(String),
}

/// Where fulfilment stands. The GraphQL API knows more reasons for "not yet"; events do not, so they are
/// one here.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub enum FulfilmentStatus {
    Unfulfilled,
    Partial,
    Fulfilled,
    Restocked,
}

impl FinancialStatus {
    pub fn name(&self) -> &str {
        match self {
            Self::Pending => "pending",
            Self::Authorized => "authorized",
            Self::PartiallyPaid => "partially_paid",
            Self::Paid => "paid",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
            Self::Voided => "voided",
            Self::Expired => "expired",
            Self::Other(name) => name,
        }
    }
}

impl FulfilmentStatus {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Unfulfilled => "unfulfilled",
            Self::Partial => "partial",
            Self::Fulfilled => "fulfilled",
            Self::Restocked => "restocked",
        }
    }
}

/// Without a status, nothing has been paid yet.
impl<'de> Deserialize<'de> for FinancialStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Option::<String>::deserialize(deserializer)?.unwrap_or_default().to_ascii_lowercase();
        Ok(match name.as_str() {
            "pending" | "" => Self::Pending,
            "authorized" => Self::Authorized,
            "partially_paid" => Self::PartiallyPaid,
            "paid" => Self::Paid,
            "partially_refunded" => Self::PartiallyRefunded,
            "refunded" => Self::Refunded,
            "voided" => Self::Voided,
            "expired" => Self::Expired,
            _ => Self::Other(name),
        })
    }
}

/// Without a status, or with one of the reasons for "not yet", nothing is fulfilled.
impl<'de> Deserialize<'de> for FulfilmentStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Option::<String>::deserialize(deserializer)?.unwrap_or_default().to_ascii_lowercase();
        Ok(match name.as_str() {
            "partial" | "partially_fulfilled" => Self::Partial,
            "fulfilled" => Self::Fulfilled,
            "restocked" => Self::Restocked,
            _ => Self::Unfulfilled,
        })
    }
}
