//! Offline verification: does a document match its record? Needs the files and nothing else.

use crate::{EvidenceRecord, Output, sha256_hex};

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
    /// Not a record that this software wrote.
    #[error("the record names no output")]
    NoOutput,
    /// Nothing is known of the rest of such a record.
    #[error("the record is of version {0}, this software reads 1")]
    Version(u32),
}

/// Compares a file with the record of its document; answers which output it is.
///
/// # Errors
/// The first thing that does not match. Of a file that is none of several outputs, that of the primary one.
pub fn verify<'a>(record: &'a EvidenceRecord, file: &[u8]) -> Result<&'a Output, Mismatch> {
    if record.v != EvidenceRecord::VERSION {
        return Err(Mismatch::Version(record.v));
    }
    let primary = record.outputs.first().ok_or(Mismatch::NoOutput)?;
    let (bytes, sha256) = (file.len() as u64, sha256_hex(file));
    let is_it = |output: &&Output| output.bytes == bytes && output.sha256 == sha256;
    match record.outputs.iter().find(is_it) {
        Some(output) => Ok(output),
        None if primary.bytes != bytes => Err(Mismatch::Length { recorded: primary.bytes, found: bytes }),
        None => Err(Mismatch::Hash { recorded: primary.sha256.clone(), found: sha256 }),
    }
}
