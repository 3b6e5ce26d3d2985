//! What became of a communication after its channel took it, and what a person decides about a doubtful one.
//!
//! A communication whose channel reports outcomes is in the sparse index `by-check` from its acceptance until
//! nothing more is expected of the channel: a bounce or an opt-out may follow a delivery by days. Every write is
//! conditional on the state it moves from, so that two who ask the same channel at once record one outcome.

use crate::{
    Entry, LedgerError,
    request::{conditional, made_at, millis, number, read, text},
    search::is_undelivered,
    table::Ledger,
};
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use comms::{CommunicationId, State, WriteBackState, cut, one_line};
use jiff::Timestamp;

/// What a channel, or its silence, says of what it accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelOutcome {
    /// Handed to the recipient's side.
    Delivered,
    /// Not delivered, or returned after it was.
    Bounced {
        /// The channel's.
        reason: String,
    },
    /// Nothing was heard for so long that nothing may ever be. It stays accepted.
    Unconfirmed {
        /// Recorded and reported.
        reason: String,
    },
    /// The recipient of what was delivered wants no more of the kind. It stays delivered.
    OptedOut {
        /// Recorded and reported.
        reason: String,
    },
}

impl ChannelOutcome {
    /// The state it leads to, and its reason.
    fn outcome(&self) -> (State, Option<&str>) {
        match self {
            Self::Delivered => (State::Delivered, None),
            Self::Bounced { reason } => (State::Bounced, Some(reason)),
            Self::Unconfirmed { reason } => (State::Accepted, Some(reason)),
            Self::OptedOut { reason } => (State::Delivered, Some(reason)),
        }
    }
}

impl Ledger {
    /// Puts the next check of the item `pk` off until `at`. Also for an item that cannot be read, which would otherwise
    /// stay in front of all others for ever.
    pub async fn check_again(&self, pk: &str, at: Timestamp) -> Result<(), LedgerError> {
        let update = self
            .update(pk)
            .update_expression("SET check_epoch_ms = :at")
            .condition_expression("attribute_exists(check_shop)")
            .expression_attribute_values(":at", millis(at));
        // whoever ended the checks meanwhile knows more
        conditional("putting off a check", update.send().await).map(drop)
    }

    /// Records what became of a communication that a channel took. `None` if its state has moved since `entry` was
    /// read. It stays in the index until [`checked`](Self::checked) or [`check_again`](Self::check_again), so that an
    /// outcome whose report was not queued is met again.
    pub async fn record_outcome(
        &self,
        entry: &Entry,
        outcome: &ChannelOutcome,
        write_back: WriteBackState,
        now: Timestamp,
    ) -> Result<Option<Entry>, LedgerError> {
        let (state, _) = outcome.outcome();
        let legal = entry.state.may_become(state) || entry.state == state;
        if !legal || !matches!(entry.state, State::Accepted | State::Delivered) {
            return Ok(None);
        }
        self.move_on(entry, outcome, write_back, " AND attribute_exists(check_shop)", now).await
    }

    /// The same of a channel that reports by itself and is never asked, such as a print provider. Its word also settles
    /// a send whose outcome was unknown. `None` if the state cannot become that, or has moved since `entry` was read.
    pub async fn record_report(
        &self,
        entry: &Entry,
        outcome: &ChannelOutcome,
        write_back: WriteBackState,
        now: Timestamp,
    ) -> Result<Option<Entry>, LedgerError> {
        let (state, _) = outcome.outcome();
        if entry.state.is_open() || !entry.state.may_become(state) {
            return Ok(None);
        }
        self.move_on(entry, outcome, write_back, "", now).await
    }

    async fn move_on(
        &self,
        entry: &Entry,
        outcome: &ChannelOutcome,
        write_back: WriteBackState,
        also: &str,
        now: Timestamp,
    ) -> Result<Option<Entry>, LedgerError> {
        let (state, reason) = outcome.outcome();
        let mut expression = "SET #state = :state, updated_epoch_ms = :now, write_back = :write_back, \
             accepted_epoch_ms = if_not_exists(accepted_epoch_ms, updated_epoch_ms)"
            .to_owned();
        let mut update = self
            .update(entry.communication.as_str())
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":state", text(state.name()))
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":write_back", text(write_back.name()))
            .expression_attribute_values(":from", text(entry.state.name()))
            .expression_attribute_values(":read", number(entry.updated_epoch_ms));
        match reason {
            Some(reason) => {
                expression.push_str(", reason = :reason REMOVE write_back_reason");
                let most = if state == State::Bounced {
                    crate::table::MAX_REASON_BYTES_RETURNED
                } else {
                    crate::table::MAX_REASON_BYTES
                };
                let reason = text(cut(&one_line(reason), most));
                update = update.expression_attribute_values(":reason", reason);
            }
            // an earlier "unconfirmed", or a report that failed, no longer holds
            None => expression.push_str(" REMOVE reason, write_back_reason"),
        }
        // a delivery settles what was unknown, a bounce is one more that was not delivered
        if is_undelivered(state) {
            expression = expression.replacen("SET ", "SET undelivered_ms = :now, ", 1);
        } else {
            expression.push_str(", undelivered_ms");
        }
        let update = update
            .update_expression(expression)
            .condition_expression(format!("#state = :from AND updated_epoch_ms = :read{also}"))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match conditional("recording an outcome", update.send().await)? {
            Ok(output) => read(&entry.communication, output.attributes).map(Some),
            Err(item) => Ok(made_at(now, state, &entry.communication, item)),
        }
    }

    /// Takes a communication out of the index: its outcome is recorded, its report queued, and nothing more expected.
    pub async fn checked(&self, communication: &CommunicationId) -> Result<(), LedgerError> {
        let update = self
            .update(communication.as_str())
            .update_expression("REMOVE check_shop, check_epoch_ms")
            .condition_expression("attribute_exists(pk)");
        conditional("ending the checks", update.send().await).map(drop)
    }

    /// Notes that the recipient has opened it. The first time holds; it changes no state.
    pub async fn record_opening(
        &self,
        communication: &CommunicationId,
        at: Timestamp,
    ) -> Result<(), LedgerError> {
        let update = self
            .update(communication.as_str())
            .update_expression("SET opened_epoch_ms = if_not_exists(opened_epoch_ms, :opened)")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":opened", millis(at));
        conditional("recording an opening", update.send().await).map(drop)
    }

    /// Records what a person says became of a send whose outcome is unknown. `None` if it is not, or no longer, unknown.
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
            .update_expression(format!(
                "SET #state = :state, reason = :reason, updated_epoch_ms = :now, write_back = :write_back{}",
                if is_undelivered(state) { ", undelivered_ms = :now" } else { " REMOVE undelivered_ms" }
            ))
            .condition_expression("#state = :unknown")
            .expression_attribute_values(":state", text(state.name()))
            .expression_attribute_values(
                ":reason",
                text(cut(&one_line(reason), crate::table::MAX_REASON_BYTES)),
            )
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
