//! The payments of an order, which only the Admin API tells.

use super::MoneyBag;
use crate::method::{Method, WireMethod};
use comms::Gid;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

/// One movement of money, or the attempt at one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct OrderTransaction {
    pub id: Gid,
    /// The one before it: the authorization of a capture, the payment of a refund.
    pub parent: Option<Gid>,
    pub kind: TransactionKind,
    pub status: TransactionStatus,
    /// When it was processed, or else made.
    pub at: Timestamp,
    /// Without what cash was rounded by.
    pub amount: MoneyBag,
    /// What cash was rounded by: what was handed over is the amount and this. Absent where nothing was rounded.
    pub rounding: Option<MoneyBag>,
    pub method: Method,
    /// No money moved.
    pub test: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub enum TransactionKind {
    /// Money reserved, not moved.
    Authorization,
    /// Reserved money that moved.
    Capture,
    /// Money that moved at once.
    Sale,
    /// Cash handed back at the till, because too much was handed over.
    Change,
    Refund,
    /// A reservation given up.
    Void,
    /// One that Shopify has added since, or a suggestion.
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub enum TransactionStatus {
    Success,
    /// Declined, or the attempt went wrong.
    Failed,
    /// Everything that is not an end, and what Shopify may add.
    Open,
}

impl OrderTransaction {
    pub fn succeeded(&self) -> bool {
        self.status == TransactionStatus::Success
    }

    /// It took a customer's money.
    pub fn is_payment(&self) -> bool {
        self.succeeded() && matches!(self.kind, TransactionKind::Sale | TransactionKind::Capture)
    }
}

impl<'de> Deserialize<'de> for TransactionKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match String::deserialize(deserializer)?.to_ascii_uppercase().as_str() {
            "AUTHORIZATION" | "EMV_AUTHORIZATION" => Self::Authorization,
            "CAPTURE" => Self::Capture,
            "SALE" => Self::Sale,
            "CHANGE" => Self::Change,
            "REFUND" => Self::Refund,
            "VOID" => Self::Void,
            _ => Self::Other,
        })
    }
}

impl<'de> Deserialize<'de> for TransactionStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match String::deserialize(deserializer)?.to_ascii_uppercase().as_str() {
            "SUCCESS" => Self::Success,
            "FAILURE" | "ERROR" => Self::Failed,
            _ => Self::Open,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wire {
    id: Gid,
    kind: TransactionKind,
    status: TransactionStatus,
    created_at: Timestamp,
    processed_at: Option<Timestamp>,
    #[serde(default)]
    test: bool,
    amount_set: MoneyBag,
    amount_rounding_set: Option<MoneyBag>,
    parent_transaction: Option<Parent>,
    #[serde(flatten)]
    method: WireMethod,
}

#[derive(Deserialize)]
struct Parent {
    id: Gid,
    #[serde(flatten)]
    method: WireMethod,
}

impl Wire {
    pub fn read(self) -> OrderTransaction {
        let (parent, before) = match self.parent_transaction {
            Some(it) => (Some(it.id), Method::from(it.method)),
            None => (None, Method::default()),
        };
        let own = Method::from(self.method);
        // what is known of the authorization is true of its capture, as long as it is of the same gateway
        let same = own.gateway.is_none() || own.gateway == before.gateway;
        OrderTransaction {
            id: self.id,
            parent,
            kind: self.kind,
            status: self.status,
            at: self.processed_at.unwrap_or(self.created_at),
            amount: self.amount_set,
            rounding: self.amount_rounding_set.filter(|it| !it.is_zero()),
            method: if same { own.or(before) } else { own },
            test: self.test,
        }
    }
}
