//! What earlier attempts of a communication have archived, where this one ends without a document of its own.
//!
//! An archived document cannot be removed, so the ledger has to answer for it, whatever becomes of its
//! communication meanwhile: such a communication is never forgotten, and the entry of its end names the document.
//! Asked only of a takeover, so what ends at the first attempt costs nothing.

use crate::{context::Attempt, evidence::archived_as};
use archive::ArchiveError;
use comms::{Class, Classify, chain};
use ledger::{ArchivedAs, Lease};

pub enum LeftBehind {
    Nothing,
    /// A document whose record is missing or cannot be read. Its place follows from the entry.
    Document,
    Proven(ArchivedAs),
}

impl LeftBehind {
    pub fn proven(self) -> Option<ArchivedAs> {
        match self {
            Self::Proven(archived) => Some(archived),
            Self::Nothing | Self::Document => None,
        }
    }
}

/// Looks where a real document would be, and then where one of a test would be: only a document that was gathered
/// says which it is.
///
/// # Errors
/// When the archive does not answer.
pub async fn look(attempt: &Attempt<'_>, lease: &Lease) -> Result<LeftBehind, ArchiveError> {
    if let Some(archived) = &lease.entry.archived {
        return Ok(LeftBehind::Proven(archived.clone()));
    }
    if !lease.is_takeover() {
        return Ok(LeftBehind::Nothing);
    }
    for test in [false, true] {
        let found = match attempt.clients.archive.find(&attempt.location(lease, test)).await {
            Err(error) if error.class() == Class::Permanent => {
                tracing::warn!(communication = %attempt.communication, error = %chain(&error), "left in the archive by an earlier attempt");
                return Ok(LeftBehind::Document);
            }
            found => found?,
        };
        match (found.document, found.record) {
            (Some(stored), Some((_, version, sha256))) => {
                return Ok(LeftBehind::Proven(archived_as(&stored, (version, sha256))));
            }
            (None, None) => {}
            _ => return Ok(LeftBehind::Document),
        }
    }
    Ok(LeftBehind::Nothing)
}
