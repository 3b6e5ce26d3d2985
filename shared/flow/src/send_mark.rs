//! The beginning of a send: the time for it, and the mark in the ledger.
//!
//! From the mark on, a crash means "perhaps it was sent". So a send is marked only if there is time to make it, and
//! made only if there is still time after the mark.

use crate::{context::Attempt, fault, halt::Halt};
use comms::Class;
use exstream::Budget;
use jiff::SignedDuration;
use ledger::{ArchivedAs, Lease};
use shop_config::Channel;
use std::time::Duration;

/// Kept back from a send's time, to archive and record what came of it.
const RECORDING: Duration = Duration::from_secs(3);
/// A send that has less time than this is left to the next delivery.
const SHORTEST_SEND: SignedDuration = SignedDuration::from_secs(5);

/// Marks that a send begins and answers the time for it.
///
/// # Errors
/// When it must not begin. It does not, even if a mark was recorded whose answer was lost.
pub async fn begin_send(
    attempt: &Attempt<'_>,
    lease: &Lease,
    channel: Channel,
    archived: Option<&ArchivedAs>,
) -> Result<Budget, Halt> {
    time_to_send(attempt)?;
    let marked = attempt.clients.ledger.mark_sending(lease, channel.name(), archived, attempt.now()).await;
    marked.map_err(Halt::before_send)?;
    fault::point("mark-sending");
    time_to_send(attempt)
}

/// The time a call that sends may take, as of now. It ends well before the lease does, so that what another worker
/// finds after this one's death is all that this one has done. Asked before the mark, so that none is set in vain, and
/// again after it, as recording the mark may have taken all of the time.
///
/// # Errors
/// When it is too short to begin: a send that is cut off is a send whose outcome is unknown.
fn time_to_send(attempt: &Attempt<'_>) -> Result<Budget, Halt> {
    let last = attempt.invocation.answer_by();
    let last = last.saturating_sub(RECORDING).unwrap_or(last);
    if last.duration_since(attempt.now()) >= SHORTEST_SEND {
        return Ok(Budget::until(last, attempt.clients.clock));
    }
    let reason = "too little of the invocation is left for a send".to_owned();
    // whether or not it is marked, this send does not happen
    Err(Halt::Retry { class: Class::transient(), reason, unsent: true })
}
