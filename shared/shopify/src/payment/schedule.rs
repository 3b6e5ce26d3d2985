//! Instalments of payment terms.

use super::{
    OrderWire,
    answer::{MoneyV2, read},
};
use crate::{
    AdminApi, AdminError, Call, Malformed,
    admin::Operation,
    connection::Nodes,
    decode::{decode, text},
};
use comms::{Gid, Money};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use std::fmt;

const SCHEDULE: Operation =
    Operation { name: "PaymentSchedule", text: include_str!("../../graphql/payment_schedule.graphql") };

/// An instalment, as of now.
#[derive(Clone, PartialEq, Eq)]
pub struct PaymentSchedule {
    pub id: Gid,
    /// When the invoice was sent.
    pub issued_at: Option<Timestamp>,
    pub due_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
    /// What the customer has neither paid nor authorized yet.
    pub balance: Money,
    /// The terms' name, such as `Net 30`.
    pub terms: String,
    /// Where the terms have several instalments.
    pub instalment: Option<Instalment>,
    /// Absent where the terms belong to a draft order.
    pub order: Option<Gid>,
    /// Where this customer can pay for this order.
    pub pay_url: Option<String>,
}

/// The how-manieth of how many, by due date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instalment {
    pub number: usize,
    pub of: usize,
}

// the address lets whoever has it pay, and see what for
impl fmt::Debug for PaymentSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaymentSchedule").field("id", &self.id).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    id: Gid,
    issued_at: Option<Timestamp>,
    due_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
    total_balance: MoneyV2,
    payment_terms: Terms,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Terms {
    #[serde(deserialize_with = "text")]
    payment_terms_name: Option<String>,
    payment_schedules: Nodes<Sibling>,
    order: Option<OrderWire>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sibling {
    id: Gid,
    due_at: Option<Timestamp>,
}

impl PaymentSchedule {
    /// Reads the `data` of a `PaymentSchedule` answer.
    ///
    /// # Errors
    /// Names the field that is missing or has another type.
    pub fn from_graphql(data: &str) -> Result<Option<Self>, Malformed> {
        #[derive(Deserialize)]
        struct Answer {
            node: Option<Wire>,
        }
        Ok(decode::<Answer>(data)?.node.map(Wire::read))
    }
}

impl AdminApi {
    /// An instalment, or nothing if Shopify has none of this id.
    pub async fn payment_schedule(
        &self,
        call: Call<'_>,
        id: &Gid,
    ) -> Result<Option<PaymentSchedule>, AdminError> {
        let data = self.execute(call, SCHEDULE, json!({"id": id})).await?;
        read(&data, PaymentSchedule::from_graphql)
    }
}

impl Wire {
    fn read(self) -> PaymentSchedule {
        let terms = self.payment_terms;
        let mut all = terms.payment_schedules.nodes;
        // those without a date come last: they are due when something else has happened
        all.sort_by_key(|one| (one.due_at.is_none(), one.due_at));
        let position = all.iter().position(|one| one.id == self.id);
        let instalment = position.filter(|_| all.len() > 1);
        let (order, collection) =
            terms.order.map(|order| (order.id, order.payment_collection_details)).unzip();
        PaymentSchedule {
            id: self.id,
            issued_at: self.issued_at,
            due_at: self.due_at,
            completed_at: self.completed_at,
            balance: self.total_balance.into(),
            terms: terms.payment_terms_name.unwrap_or_default(),
            instalment: instalment.map(|index| Instalment { number: index + 1, of: all.len() }),
            order,
            pay_url: collection.flatten().and_then(|it| it.additional_payment_collection_url),
        }
    }
}
