//! Stage 1: taking the lease of a communication, or learning that nothing is left to do.

use crate::{context::Attempt, facts, next_channel, outcome::Settled, report};
use comms::WriteBackState;
use jiff::Timestamp;
use ledger::{Claim, ClaimRequest, Entry, Lease};
use std::time::Duration;
use work::Retry;

/// Long after a report should have arrived; a later delivery of the same work then queues it once more.
const REPORT_OVERDUE: Duration = Duration::from_secs(15 * 60);
/// How long a message stays away at first whose communication somebody else works on. Four such waits, the
/// second four times as long and so on, outlast every lease.
const IN_PROGRESS: Duration = Duration::from_secs(10);
/// A lease outlives the invocation that took it by this much, so that clocks may differ.
const LEASE_GRACE: Duration = Duration::from_secs(5);

/// The answer to [`claim`].
pub enum Claimed {
    /// The work is this attempt's until the lease lapses.
    Leased(Box<Lease>),
    /// An earlier attempt has ended it. With a report, if one is owed.
    Finished(Box<Settled>),
}

/// Takes the lease.
///
/// # Errors
/// When the ledger does not answer, or another attempt is at work.
pub async fn claim(attempt: &Attempt<'_>) -> Result<Claimed, Retry> {
    let now = attempt.now();
    let request = ClaimRequest {
        communication: attempt.communication,
        shop: &attempt.item.shop,
        flow: attempt.item.flow,
        document: attempt.plan.document,
        subject: &attempt.plan.subject,
        revision: &attempt.plan.revision,
        reported_on: &attempt.plan.reported_on,
        lease_holder: attempt.lease_holder,
        now,
        lease_until: attempt.invocation.deadline.max(now).saturating_add(LEASE_GRACE).unwrap_or(now),
    };
    match attempt.clients.ledger.claim(request).await? {
        Claim::Started(lease) => Ok(Claimed::Leased(Box::new(lease))),
        Claim::AlreadyDone(entry) => {
            if attempt.receive_count > 1 {
                // whoever recorded it may not have been able to archive its fact
                facts::ensure(attempt, &entry).await?;
            }
            Ok(Claimed::Finished(Box::new(finished(attempt, entry, now))))
        }
        Claim::InProgress { until } => {
            let lease = Duration::try_from(until.duration_since(now)).unwrap_or_default();
            // whoever works on it is done long before that, unless they have died
            let after = lease.min(IN_PROGRESS.saturating_mul(attempt.receive_count.pow(2)));
            Err(Retry::elsewhere(after))
        }
    }
}

/// What an earlier attempt has made of it. The report is queued again if its message is delivered again or it is overdue.
fn finished(attempt: &Attempt<'_>, entry: Entry, now: Timestamp) -> Settled {
    let updated = Timestamp::from_millisecond(entry.updated_epoch_ms).unwrap_or(now);
    let age = now.duration_since(updated).unsigned_abs();
    let owed =
        entry.write_back == WriteBackState::Pending && (attempt.receive_count > 1 || age > REPORT_OVERDUE);
    let report = owed.then(|| report::attempted(attempt, &entry));
    // whoever recorded a refusal may have died before it was queued
    let again = attempt.receive_count > 1;
    let next_channel = again.then(|| next_channel::item(&entry, &attempt.loaded.config)).flatten();
    let (state, attempts, reason) = (entry.state, entry.attempts, entry.reason);
    Settled { state, attempts, reason, fresh: false, report, next_channel }
}
