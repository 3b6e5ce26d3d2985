//! Payments of an order: attempts, cancellations, instalments, and the billing of subscriptions.
//!
//! Owns what a letter about money that did not come, or that goes back, is made from. States, kinds and
//! codes are lower-case text: Shopify adds to them, and one that is new must not keep a letter from being
//! made. Nothing here changes anything; every call can be repeated.

mod answer;
mod schedule;
mod subscription;
mod taken_out;

pub use schedule::{Instalment, PaymentSchedule};
pub use subscription::{BillingAttempt, EarlierAttempt, Subscriber, SubscriptionLine};
pub use taken_out::{LineTakenOut, PartTakenOut, TakenOut};

pub(crate) use answer::{MoneyV2, read, word};

use crate::{
    AdminApi, AdminError, Call, Malformed, MoneyBag,
    admin::Operation,
    decode::{decode, text},
    method::{Method, WireMethod},
};
use comms::Gid;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use std::fmt;

const TRANSACTION: Operation =
    Operation { name: "OrderTransaction", text: include_str!("../graphql/order_transaction.graphql") };
const CANCELLATION: Operation =
    Operation { name: "OrderCancellation", text: include_str!("../graphql/order_cancellation.graphql") };

/// One transaction of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    pub id: Gid,
    /// Such as `sale` or `refund`.
    pub kind: String,
    /// Such as `success` or `failure`.
    pub status: String,
    /// When it was processed, or else made.
    pub at: Timestamp,
    pub amount: MoneyBag,
    /// What the transaction before it was about: the authorization that a void releases.
    pub parent_amount: Option<MoneyBag>,
    pub method: Method,
    /// Such as `insufficient_funds`. Absent where nothing failed, and where the provider did not say.
    pub error_code: Option<String>,
    /// No money moved.
    pub test: bool,
}

/// An attempt to take a payment, and the order it was for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentAttempt {
    pub payment: Payment,
    /// Absent where Shopify knows no order of it, or keeps it from the app.
    pub order: Option<PaidOrder>,
}

/// The payments of an order.
#[derive(Clone, PartialEq, Eq)]
pub struct PaidOrder {
    pub id: Gid,
    /// Where this customer can pay for this order.
    pub pay_url: Option<String>,
    pub payments: Vec<Payment>,
}

/// Why an order was cancelled, and what became of its money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancellation {
    pub order: Gid,
    /// Absent: it is not cancelled.
    pub cancelled_at: Option<Timestamp>,
    /// Such as `customer` or `inventory`.
    pub reason: Option<String>,
    pub payments: Vec<Payment>,
    /// What was taken out of the order, before its cancellation and with it.
    pub taken_out: Vec<TakenOut>,
}

// the address that lets somebody pay is not for logs
impl fmt::Debug for PaidOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaidOrder").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Payment {
    pub fn succeeded(&self) -> bool {
        self.status == "success"
    }

    pub fn failed(&self) -> bool {
        matches!(self.status.as_str(), "failure" | "error")
    }

    /// It takes, or reserves, a customer's money.
    pub fn is_charge(&self) -> bool {
        matches!(self.kind.as_str(), "sale" | "authorization" | "capture" | "emv_authorization")
    }

    /// Whether this happened after the other. Of two at the same moment, the higher number is the later one.
    pub fn is_later_than(&self, other: &Self) -> bool {
        let number = |payment: &Self| payment.id.number().parse::<u64>().unwrap_or_default();
        (self.at, number(self)) > (other.at, number(other))
    }
}

impl PaymentAttempt {
    /// Reads the `data` of an `OrderTransaction` answer.
    ///
    /// # Errors
    /// Names the field that is missing or has another type.
    pub fn from_graphql(data: &str) -> Result<Option<Self>, Malformed> {
        #[derive(Deserialize)]
        struct Answer {
            node: Option<Wire>,
        }
        Ok(decode::<Answer>(data)?.node.map(|mut node| {
            let order = node.order.take().map(|order| PaidOrder {
                id: order.id,
                pay_url: order.payment_collection_details.and_then(|it| it.additional_payment_collection_url),
                payments: order.transactions.into_iter().map(Wire::read).collect(),
            });
            Self { payment: node.read(), order }
        }))
    }
}

/// The place of a refund in its order, and where its next lines begin.
type NextLines = (usize, String);

impl Cancellation {
    /// Reads the `data` of an `OrderCancellation` answer.
    ///
    /// # Errors
    /// Names the field that is missing or has another type.
    pub fn from_graphql(data: &str) -> Result<Option<Self>, Malformed> {
        Ok(Self::page(data)?.map(|(cancellation, _)| cancellation))
    }

    /// The same, and by the place of a refund where its lines continue.
    fn page(data: &str) -> Result<Option<(Self, Vec<NextLines>)>, Malformed> {
        #[derive(Deserialize)]
        struct Answer {
            order: Option<OrderWire>,
        }
        Ok(decode::<Answer>(data)?.order.map(|order| {
            let next = order.refunds.iter().map(taken_out::Wire::next).enumerate();
            let next = next.filter_map(|(place, next)| Some((place, next?))).collect();
            let cancellation = Self {
                order: order.id,
                cancelled_at: order.cancelled_at,
                reason: order.cancel_reason,
                payments: order.transactions.into_iter().map(Wire::read).collect(),
                taken_out: order.refunds.into_iter().map(taken_out::Wire::read).collect(),
            };
            (cancellation, next)
        }))
    }
}

impl AdminApi {
    /// The transaction and the others of its order, or nothing if Shopify has none of this id.
    pub async fn payment_attempt(
        &self,
        call: Call<'_>,
        id: &Gid,
    ) -> Result<Option<PaymentAttempt>, AdminError> {
        let data = self.execute(call, TRANSACTION, json!({"id": id})).await?;
        read(&data, PaymentAttempt::from_graphql)
    }

    /// How an order was cancelled, or nothing if Shopify has none of this id.
    pub async fn cancellation(
        &self,
        call: Call<'_>,
        order: &Gid,
    ) -> Result<Option<Cancellation>, AdminError> {
        let data = self.execute(call, CANCELLATION, json!({"id": order})).await?;
        let Some((mut cancellation, more)) = read(&data, Cancellation::page)? else { return Ok(None) };
        for (place, next) in more {
            let Some(taken) = cancellation.taken_out.get_mut(place) else { continue };
            let rest = self.lines_taken_out(call, &taken.id, next).await?;
            taken.lines.extend(rest);
        }
        Ok(Some(cancellation))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrderWire {
    pub id: Gid,
    pub cancelled_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "word")]
    pub cancel_reason: Option<String>,
    pub payment_collection_details: Option<Collection>,
    #[serde(default)]
    transactions: Vec<Wire>,
    #[serde(default)]
    refunds: Vec<taken_out::Wire>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Collection {
    #[serde(default, deserialize_with = "text")]
    pub additional_payment_collection_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Wire {
    id: Gid,
    #[serde(deserialize_with = "word")]
    kind: Option<String>,
    #[serde(deserialize_with = "word")]
    status: Option<String>,
    #[serde(default, deserialize_with = "word")]
    error_code: Option<String>,
    created_at: Timestamp,
    processed_at: Option<Timestamp>,
    #[serde(default)]
    test: bool,
    amount_set: MoneyBag,
    #[serde(flatten)]
    method: WireMethod,
    parent_transaction: Option<Parent>,
    /// Asked for of the transaction a query is about, not of its siblings.
    order: Option<OrderWire>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parent {
    amount_set: MoneyBag,
}

impl Wire {
    pub fn read(self) -> Payment {
        Payment {
            id: self.id,
            kind: self.kind.unwrap_or_default(),
            status: self.status.unwrap_or_default(),
            at: self.processed_at.unwrap_or(self.created_at),
            amount: self.amount_set,
            parent_amount: self.parent_transaction.map(|parent| parent.amount_set),
            method: self.method.into(),
            error_code: self.error_code,
            test: self.test,
        }
    }
}

#[cfg(test)]
mod tests;
