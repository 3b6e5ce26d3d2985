//! What became of a communication after its channel took it, and what a person decides about a doubtful one.
//!
//! A communication whose channel reports outcomes is in the sparse index `by-check` from its acceptance until
//! its outcome is known or given up. Every write is conditional on the state it moves from, so that two who
//! ask the same channel at once record one outcome.

use crate::{
    Entry, LedgerError,
    request::{conditional, millis, read, text},
    table::Ledger,
};
use aws_sdk_dynamodb::types::ReturnValue;
use comms::{CommunicationId, ShopDomain, State, WriteBackState, cut};
use futures::future::try_join_all;
use jiff::Timestamp;

/// What a channel, or its silence, says of what it accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    Delivered,
    Bounced {
        reason: String,
    },
    /// Nothing was heard for so long that nothing will be. It stays accepted.
    Unconfirmed {
        reason: String,
    },
}

impl Ledger {
    /// The communications of a shop whose channel is to be asked by now, the longest due first, `limit` at the
    /// most. Eventually consistent: reads the index.
    pub async fn due_checks(
        &self,
        shop: &ShopDomain,
        now: Timestamp,
        limit: u16,
    ) -> Result<Vec<Entry>, LedgerError> {
        let output = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("by-check")
            .key_condition_expression("check_shop = :shop AND check_epoch_ms <= :now")
            .expression_attribute_values(":shop", text(shop.as_str()))
            .expression_attribute_values(":now", millis(now))
            .limit(i32::from(limit))
            .send()
            .await
            .map_err(|error| LedgerError::Request { doing: "listing due checks", source: error.into() })?;
        let ids = output.items().iter().filter_map(|item| item.get("pk")?.as_s().ok()?.parse().ok());
        let ids: Vec<CommunicationId> = ids.collect();
        Ok(try_join_all(ids.iter().map(|id| self.get(id))).await?.into_iter().flatten().collect())
    }

    /// Asks again later.
    pub async fn check_again(
        &self,
        communication: &CommunicationId,
        at: Timestamp,
    ) -> Result<(), LedgerError> {
        let update = self
            .update(communication.as_str())
            .expression_attribute_names("#state", "state")
            .update_expression("SET check_epoch_ms = :at")
            .condition_expression("#state = :accepted AND attribute_exists(check_shop)")
            .expression_attribute_values(":at", millis(at))
            .expression_attribute_values(":accepted", text(State::Accepted.name()));
        // whoever moved it meanwhile knows more
        conditional("putting off a check", update.send().await).map(drop)
    }

    /// Records what became of an accepted communication. Nothing, if it has moved on meanwhile. It stays in the
    /// index until [`checked`](Self::checked), so that an outcome whose report was not queued is met again.
    pub async fn record_fate(
        &self,
        communication: &CommunicationId,
        fate: &Fate,
        write_back: WriteBackState,
        now: Timestamp,
    ) -> Result<Option<Entry>, LedgerError> {
        let (state, reason) = match fate {
            Fate::Delivered => (State::Delivered, None),
            Fate::Bounced { reason } => (State::Bounced, Some(reason)),
            Fate::Unconfirmed { reason } => (State::Accepted, Some(reason)),
        };
        let mut set = "SET #state = :state, updated_epoch_ms = :now, write_back = :write_back".to_owned();
        let mut update = self
            .update(communication.as_str())
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":state", text(state.name()))
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":write_back", text(write_back.name()))
            .expression_attribute_values(":accepted", text(State::Accepted.name()));
        if let Some(reason) = reason {
            set.push_str(", reason = :reason");
            update = update
                .expression_attribute_values(":reason", text(cut(reason, crate::table::MAX_REASON_BYTES)));
        }
        let update = update
            .update_expression(set)
            .condition_expression("#state = :accepted AND attribute_exists(check_shop)")
            .return_values(ReturnValue::AllNew);
        match conditional("recording an outcome", update.send().await)? {
            Ok(output) => read(communication, output.attributes).map(Some),
            Err(_) => Ok(None),
        }
    }

    /// Takes a communication out of the index: its outcome is recorded and its report queued.
    pub async fn checked(&self, communication: &CommunicationId) -> Result<(), LedgerError> {
        let update = self
            .update(communication.as_str())
            .update_expression("REMOVE check_shop, check_epoch_ms")
            .condition_expression("attribute_exists(pk)");
        conditional("ending the checks", update.send().await).map(drop)
    }

    /// A person says what became of a send that nobody knew of. Nothing, if it is not, or no more, unknown.
    pub async fn settle(
        &self,
        communication: &CommunicationId,
        state: State,
        reason: &str,
        write_back: WriteBackState,
        now: Timestamp,
    ) -> Result<Option<Entry>, LedgerError> {
        if !State::Unknown.may_become(state) {
            return Ok(None);
        }
        let update = self
            .update(communication.as_str())
            .expression_attribute_names("#state", "state")
            .update_expression(
                "SET #state = :state, reason = :reason, updated_epoch_ms = :now, write_back = :write_back",
            )
            .condition_expression("#state = :unknown")
            .expression_attribute_values(":state", text(state.name()))
            .expression_attribute_values(":reason", text(cut(reason, crate::table::MAX_REASON_BYTES)))
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":write_back", text(write_back.name()))
            .expression_attribute_values(":unknown", text(State::Unknown.name()))
            .return_values(ReturnValue::AllNew);
        match conditional("settling an unknown send", update.send().await)? {
            Ok(output) => read(communication, output.attributes).map(Some),
            Err(_) => Ok(None),
        }
    }

    /// Which of these communications the ledger knows.
    pub async fn known(&self, ids: &[CommunicationId]) -> Result<Vec<CommunicationId>, LedgerError> {
        use aws_sdk_dynamodb::types::KeysAndAttributes;
        /// DynamoDB's bound on one request.
        const MOST: usize = 100;
        let mut known = Vec::new();
        for chunk in ids.chunks(MOST) {
            let mut keys: Vec<_> =
                chunk.iter().map(|id| [("pk".to_owned(), text(id.as_str()))].into()).collect();
            // an answer may leave some out, when it gets too large or the table is busy
            while !keys.is_empty() {
                let asked = KeysAndAttributes::builder()
                    .set_keys(Some(keys))
                    .projection_expression("pk")
                    .consistent_read(true)
                    .build()
                    .map_err(|error| LedgerError::Request {
                        doing: "asking what is known",
                        source: error.into(),
                    })?;
                let output = self.client.batch_get_item().request_items(&self.table, asked).send().await;
                let output = output.map_err(|error| LedgerError::Request {
                    doing: "asking what is known",
                    source: error.into(),
                })?;
                let items = output.responses().and_then(|tables| tables.get(&self.table));
                let found =
                    items.into_iter().flatten().filter_map(|item| item.get("pk")?.as_s().ok()?.parse().ok());
                known.extend(found);
                let left = output.unprocessed_keys.unwrap_or_default().remove(&self.table);
                keys = left.map(|left| left.keys).unwrap_or_default();
            }
        }
        Ok(known)
    }
}
