//! Disputes about payments: a customer's bank asks about a charge, or takes it back.
//!
//! Owns what a letter about a dispute is made from. Types, states and reasons are lower-case text: Shopify
//! adds to them, and one that is new must not keep a letter from being made.

use crate::{
    AdminApi, AdminError, Call, Malformed,
    admin::Operation,
    decode::decode,
    payment::{MoneyV2, read, word},
};
use comms::{Gid, Money};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

const DISPUTE: Operation = Operation { name: "Dispute", text: include_str!("../graphql/dispute.graphql") };

/// A dispute, as of now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    pub id: Gid,
    /// `inquiry` or `chargeback`.
    pub kind: String,
    /// The kind it began as. Absent where Shopify knows no order of it.
    pub began_as: Option<String>,
    /// Such as `needs_response` or `won`.
    pub status: String,
    /// In the currency of the charge.
    pub amount: Money,
    /// Such as `product_not_received`.
    pub reason: String,
    pub initiated_at: Timestamp,
    pub finalized_at: Option<Timestamp>,
    /// Absent where the charge belongs to no order, or Shopify keeps it from the app.
    pub order: Option<Gid>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    id: Gid,
    #[serde(rename = "type", deserialize_with = "word")]
    kind: Option<String>,
    #[serde(deserialize_with = "word")]
    status: Option<String>,
    initiated_at: Timestamp,
    finalized_on: Option<Timestamp>,
    amount: MoneyV2,
    reason_details: Reason,
    order: Option<OrderWire>,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(deserialize_with = "word")]
    reason: Option<String>,
}

#[derive(Deserialize)]
struct OrderWire {
    id: Gid,
    #[serde(default)]
    disputes: Vec<Summary>,
}

/// What an order says of a dispute about it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    id: Gid,
    #[serde(deserialize_with = "word")]
    initiated_as: Option<String>,
}

impl Summary {
    /// The kind that a dispute began as, from those of its order.
    pub(crate) fn began_as<'a>(disputes: &'a [Self], id: &Gid) -> Option<&'a str> {
        // the order calls the same dispute by an id of another type and the same number
        let same = |summary: &&Self| summary.id.number() == id.number();
        disputes.iter().find(same)?.initiated_as.as_deref()
    }
}

impl Dispute {
    /// Reads the `data` of a `Dispute` answer.
    ///
    /// # Errors
    /// Names the field that is missing or has another type.
    pub fn from_graphql(data: &str) -> Result<Option<Self>, Malformed> {
        #[derive(Deserialize)]
        struct Answer {
            dispute: Option<Wire>,
        }
        Ok(decode::<Answer>(data)?.dispute.map(Wire::read))
    }
}

impl AdminApi {
    /// A dispute, or nothing if Shopify has none of this id.
    pub async fn dispute(&self, call: Call<'_>, id: &Gid) -> Result<Option<Dispute>, AdminError> {
        let data = self.execute(call, DISPUTE, json!({"id": id})).await?;
        read(&data, Dispute::from_graphql)
    }
}

impl Wire {
    fn read(self) -> Dispute {
        let began_as = self.order.as_ref().and_then(|order| Summary::began_as(&order.disputes, &self.id));
        let began_as = began_as.map(str::to_owned);
        Dispute {
            kind: self.kind.unwrap_or_default(),
            began_as,
            status: self.status.unwrap_or_default(),
            amount: self.amount.into(),
            reason: self.reason_details.reason.unwrap_or_default(),
            initiated_at: self.initiated_at,
            finalized_at: self.finalized_on,
            order: self.order.map(|order| order.id),
            id: self.id,
        }
    }
}

#[cfg(test)]
mod tests;
