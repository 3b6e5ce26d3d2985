//! What is known of a customer as the recipient of marketing: whether they want none, and what they got lately.
//!
//! One item per customer, `pk = recipient#<shop>#<customer's keyed hash>`, in the ledger's table. Admission is
//! counted before the send and once per communication, whatever is repeated: two documents that compete for the
//! last place of a cap never both get it, and one that is admitted and then fails has used its place.

use crate::{
    LedgerError,
    request::{conditional, number, text},
    table::Ledger,
};
use aws_sdk_dynamodb::types::AttributeValue;
use comms::{CommunicationId, CustomerKey, ShopDomain};
use jiff::{Timestamp, ToSpan};
use std::collections::HashMap;

/// At most so many within so many days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cap {
    /// How many.
    pub most: usize,
    /// Within how many days, counted back from now.
    pub days: u16,
}

/// The answer to [`Ledger::admit`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It may be sent, and is counted.
    Admitted,
    /// The customer is on the suppression list, for this reason.
    Suppressed(String),
    /// The customer got as many as the cap allows.
    Capped,
}

/// How often admission is tried while others change the same customer's item.
const TRIES: u32 = 5;

impl Ledger {
    /// Whether a communication may go to a customer. Counts it if so.
    pub async fn admit(
        &self,
        shop: &ShopDomain,
        customer: &CustomerKey,
        communication: &CommunicationId,
        cap: Option<Cap>,
        now: Timestamp,
    ) -> Result<Admission, LedgerError> {
        for _ in 0..TRIES {
            let item = self.recipient(shop, customer).await?;
            if let Some(AttributeValue::S(reason)) = item.get("suppressed") {
                return Ok(Admission::Suppressed(reason.clone()));
            }
            let Some(cap) = cap else { return Ok(Admission::Admitted) };
            let mut sent = sent(&item);
            if sent.contains_key(communication.as_str()) {
                return Ok(Admission::Admitted);
            }
            let window = i64::from(cap.days) * 24;
            let since = now.checked_sub(window.hours()).unwrap_or(Timestamp::UNIX_EPOCH).as_millisecond();
            sent.retain(|_, at| *at > since);
            if sent.len() >= cap.most {
                return Ok(Admission::Capped);
            }
            sent.insert(communication.to_string(), now.as_millisecond());
            if self.count(shop, customer, &item, sent, now, window).await? {
                return Ok(Admission::Admitted);
            }
        }
        Err(LedgerError::Request { doing: "counting a customer's offers", source: "too many at once".into() })
    }

    /// Adds the customer to the suppression list. Nothing is sent to them until they are removed from it.
    pub async fn suppress(
        &self,
        shop: &ShopDomain,
        customer: &CustomerKey,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        self.update(&key(shop, customer))
            .update_expression(
                "SET suppressed = :reason, suppressed_epoch_ms = :now, \
                 version = if_not_exists(version, :zero) + :one REMOVE expires_epoch_s",
            )
            .expression_attribute_values(":reason", text(comms::cut(&comms::one_line(reason), 200)))
            .expression_attribute_values(":now", number(now.as_millisecond()))
            .expression_attribute_values(":zero", number(0))
            .expression_attribute_values(":one", number(1))
            .send()
            .await
            .map(drop)
            .map_err(|error| LedgerError::Request { doing: "suppressing a customer", source: error.into() })
    }

    /// Forgets what a customer got and when, and keeps that they want no more: nothing is sent to them from then on. The
    /// keyed hash is all that is left of them.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn forget_recipient(
        &self,
        shop: &ShopDomain,
        customer: &CustomerKey,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        self.suppress(shop, customer, reason, now).await?;
        self.remove(shop, customer, "sent", "forgetting a recipient").await
    }

    /// Takes out of a communication what stands for its customer. The communication itself is never forgotten.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn forget_customer(&self, communication: &CommunicationId) -> Result<(), LedgerError> {
        let update = self
            .update(communication.as_str())
            .update_expression("REMOVE customer, email_key, name_key")
            .condition_expression("attribute_exists(pk)");
        // one that is not there has nothing to forget
        conditional("forgetting a customer", update.send().await).map(drop)
    }

    /// Removes the customer from the suppression list.
    pub async fn lift(&self, shop: &ShopDomain, customer: &CustomerKey) -> Result<(), LedgerError> {
        let doing = "taking a customer off the suppression list";
        self.remove(shop, customer, "suppressed, suppressed_epoch_ms", doing).await
    }

    /// Takes attributes out of a customer's item. Whoever has read it before sees that it has changed.
    async fn remove(
        &self,
        shop: &ShopDomain,
        customer: &CustomerKey,
        attributes: &str,
        doing: &'static str,
    ) -> Result<(), LedgerError> {
        self.update(&key(shop, customer))
            .update_expression(format!("REMOVE {attributes} ADD version :one"))
            .expression_attribute_values(":one", number(1))
            .send()
            .await
            .map(drop)
            .map_err(|error| LedgerError::Request { doing, source: error.into() })
    }

    /// Why a customer is on the suppression list, if they are.
    pub async fn suppression(
        &self,
        shop: &ShopDomain,
        customer: &CustomerKey,
    ) -> Result<Option<String>, LedgerError> {
        let item = self.recipient(shop, customer).await?;
        Ok(item.get("suppressed").and_then(|reason| reason.as_s().ok()).cloned())
    }

    async fn recipient(
        &self,
        shop: &ShopDomain,
        customer: &CustomerKey,
    ) -> Result<HashMap<String, AttributeValue>, LedgerError> {
        let item = self.item(&key(shop, customer), "reading a recipient").await?;
        Ok(item.unwrap_or_default())
    }

    /// Writes what was sent, unless the item has changed since it was read.
    async fn count(
        &self,
        shop: &ShopDomain,
        customer: &CustomerKey,
        item: &HashMap<String, AttributeValue>,
        sent: HashMap<String, i64>,
        now: Timestamp,
        window_hours: i64,
    ) -> Result<bool, LedgerError> {
        let sent = sent.into_iter().map(|(id, at)| (id, number(at))).collect();
        let update = self
            .update(&key(shop, customer))
            .expression_attribute_values(":sent", AttributeValue::M(sent))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":expires", number(now.as_second() + window_hours * 3600));
        let set = "SET sent = :sent, expires_epoch_s = :expires ADD version :one";
        let update = match item.get("version") {
            Some(version) => update
                .update_expression(set)
                .condition_expression("version = :known")
                .expression_attribute_values(":known", version.clone()),
            None => update.update_expression(set).condition_expression("attribute_not_exists(version)"),
        };
        Ok(conditional("counting a customer's offers", update.send().await)?.is_ok())
    }
}

fn key(shop: &ShopDomain, customer: &CustomerKey) -> String {
    format!("recipient#{shop}#{}", customer.as_str())
}

fn sent(item: &HashMap<String, AttributeValue>) -> HashMap<String, i64> {
    let map = item.get("sent").and_then(|sent| sent.as_m().ok());
    let read = |at: &AttributeValue| at.as_n().ok()?.parse().ok();
    map.into_iter().flatten().filter_map(|(id, at)| Some((id.clone(), read(at)?))).collect()
}
