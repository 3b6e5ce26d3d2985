//! What a channel says, as a fact beside the record: in full, where the ledger has room for a few words. It is put before
//! the ledger records the outcome, so that a death in between loses neither: the next pass hears the same and finds the
//! fact there.

use archive::{Archive, ArchiveError, Fact, FactKind};
use jiff::Timestamp;
use ledger::{ChannelOutcome, Entry};

/// Adds the fact of an outcome. `said_at` is the channel's own time of it. Of what is not archived, or not any more,
/// there is nothing to add to.
///
/// # Errors
/// When the archive does not take it: the outcome is to be recorded by a later pass.
pub async fn add(
    archive: &Archive,
    entry: &Entry,
    outcome: &ChannelOutcome,
    said_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), ArchiveError> {
    let Some(record) = flow::record_of(entry) else { return Ok(()) };
    let (kind, words) = match outcome {
        ChannelOutcome::Delivered => (FactKind::Delivered, None),
        ChannelOutcome::Bounced { reason } => (FactKind::Bounced, Some(reason.as_str())),
        ChannelOutcome::Unconfirmed { reason } => (FactKind::Unconfirmed, Some(reason.as_str())),
        ChannelOutcome::OptedOut { reason } => (FactKind::OptedOut, Some(reason.as_str())),
    };
    let (channel, reference) = (entry.channel.clone(), entry.reference.clone());
    let fact = Fact { said_at, channel, reference, ..Fact::new(kind, now).saying(words) };
    match archive.add_fact(&record, &fact, now).await {
        Ok(_) | Err(ArchiveError::Absent { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
