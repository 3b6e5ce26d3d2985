//! What must not be deleted, for which matter: evidence is held, and released again, with the decision as a fact.

use crate::{Decision, Refusal};
use archive::{Archive, RecordRef};
use comms::is_one_line;
use jiff::Timestamp;
use ledger::Entry;

/// The name of a matter that evidence is held for, such as the number of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matter(String);

impl Matter {
    /// The most bytes of a name.
    pub const MOST: usize = 100;

    /// # Errors
    /// When it is empty, too long, or not one visible line.
    pub fn new(name: String) -> Result<Self, Refusal> {
        let is_name = !name.trim().is_empty() && name.len() <= Self::MOST && is_one_line(&name);
        if is_name { Ok(Self(name)) } else { Err(Refusal::Matter) }
    }
}

/// Holds what is archived of a communication. Answers all matters that it is held for afterwards.
///
/// Dying in between leaves some objects held; deciding the same again holds the rest and adds no second fact.
///
/// # Errors
/// When there is no evidence, or the archive does not answer.
pub async fn hold(
    archive: &Archive,
    entry: &Entry,
    Matter(matter): &Matter,
    decision: &Decision,
    now: Timestamp,
) -> Result<Vec<String>, Refusal> {
    Ok(archive.hold(&evidence(entry)?, matter, &decision.fact(), now).await?.matters)
}

/// Ends the hold for one matter. What others hold it for keeps it.
///
/// # Errors
/// As [`hold`].
pub async fn release(
    archive: &Archive,
    entry: &Entry,
    Matter(matter): &Matter,
    decision: &Decision,
    now: Timestamp,
) -> Result<Vec<String>, Refusal> {
    Ok(archive.release(&evidence(entry)?, matter, &decision.fact(), now).await?.matters)
}

/// What a communication is held for. What has no evidence is held for nothing.
///
/// # Errors
/// When the archive does not answer, or its facts contradict each other.
pub async fn matters(archive: &Archive, entry: &Entry) -> Result<Vec<String>, Refusal> {
    match flow::record_of(entry) {
        Some(record) => Ok(archive.matters(&record).await?),
        None => Ok(Vec::new()),
    }
}

fn evidence(entry: &Entry) -> Result<RecordRef, Refusal> {
    flow::record_of(entry).ok_or(Refusal::NoEvidence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matter_is_one_visible_line() {
        assert!(Matter::new("case 4711".to_owned()).is_ok());
        for bad in ["", " ", "a\nb", "a\u{202e}b", &"x".repeat(101)] {
            assert!(matches!(Matter::new(bad.to_owned()), Err(Refusal::Matter)), "{bad}");
        }
    }
}
