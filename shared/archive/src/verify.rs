//! Offline verification: does a document match its record? Needs the two files and nothing else.

use crate::{EvidenceRecord, sha256_hex};

/// How a document and its record contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// Another number of bytes.
    #[error("the document has {found} bytes, the record says {recorded}")]
    Length {
        /// By the record.
        recorded: u64,
        /// Of the document.
        found: u64,
    },
    /// Other bytes.
    #[error("the document's SHA-256 is {found}, the record says {recorded}")]
    Hash {
        /// By the record, in hexadecimal.
        recorded: String,
        /// Of the document, in hexadecimal.
        found: String,
    },
    /// Nothing is known of the rest of such a record.
    #[error("the record is of version {0}, this software reads 1")]
    Version(u32),
}

/// Checks a document against its record.
///
/// # Errors
/// The first thing that does not match.
pub fn verify(record: &EvidenceRecord, document: &[u8]) -> Result<(), Mismatch> {
    if record.v != EvidenceRecord::VERSION {
        return Err(Mismatch::Version(record.v));
    }
    let found = document.len() as u64;
    if found != record.output.bytes {
        return Err(Mismatch::Length { recorded: record.output.bytes, found });
    }
    let found = sha256_hex(document);
    if found == record.output.sha256 {
        Ok(())
    } else {
        Err(Mismatch::Hash { recorded: record.output.sha256.clone(), found })
    }
}
