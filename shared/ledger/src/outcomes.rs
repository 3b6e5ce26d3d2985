//! What became of a communication after its channel took it, and what a person decides about a doubtful one.
//!
//! A communication whose channel reports outcomes is in the sparse index `by-check` from its acceptance until
//! its outcome is known or given up. Every write is conditional on the state it moves from, so that two who
//! ask the same channel at once record one outcome.

use crate::{
    Entry, LedgerError,
    request::{conditional, made_at, millis, read, text},
    table::Ledger,
};
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use comms::{CommunicationId, State, WriteBackState, cut};
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
    /// Looks at it again later, whatever is the matter with it until then: also at an item that cannot be read, so
    /// that it is not in front of all others for ever.
    pub async fn check_again(&self, pk: &str, at: Timestamp) -> Result<(), LedgerError> {
        let update = self
            .update(pk)
            .update_expression("SET check_epoch_ms = :at")
            .condition_expression("attribute_exists(check_shop)")
            .expression_attribute_values(":at", millis(at));
        // whoever ended the checks meanwhile knows more
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
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match conditional("recording an outcome", update.send().await)? {
            Ok(output) => read(communication, output.attributes).map(Some),
            Err(item) => Ok(made_at(now, state, communication, item)),
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
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match conditional("settling an unknown send", update.send().await)? {
            Ok(output) => read(communication, output.attributes).map(Some),
            Err(item) => Ok(made_at(now, state, communication, item)),
        }
    }
}
