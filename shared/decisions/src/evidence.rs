//! Decisions as facts, beside what is archived of the communication.

use crate::Decision;
use archive::{Archive, ArchiveError, Fact, FactKind};
use jiff::Timestamp;
use ledger::Entry;

/// A decision as a fact.
pub(crate) fn decided(kind: FactKind, decision: &Decision, now: Timestamp) -> Fact {
    Fact { decision: Some(decision.fact()), ..Fact::new(kind, now) }
}

/// Adds a fact to what is archived of a communication. Of a test, or where nothing is archived, there is nothing to add to.
///
/// # Errors
/// When the archive does not take it: then nothing may follow from it.
pub(crate) async fn add_fact(
    archive: &Archive,
    entry: &Entry,
    fact: &Fact,
    now: Timestamp,
) -> Result<(), ArchiveError> {
    let Some(record) = flow::record_of(entry) else { return Ok(()) };
    archive.add_fact(&record, fact, now).await?;
    Ok(())
}
