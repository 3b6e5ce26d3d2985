//! The archive: every document as it was composed, beside a record that proves what it is.
//!
//! Two objects per communication, `document.<ext>` and then `record.json`, put once and locked: neither can be
//! overwritten or deleted before its retention ends. The location is derived from the communication alone,
//! so a second attempt finds what the first one left ([`Archive::find`]) and adopts it. A crash between the
//! two puts leaves a document without a record; its metadata carries what the record needs.
//!
//! Where a composition has further outputs, each is an object of its own, `document-<hash>.<ext>`, put before
//! `document.<ext>`, whose metadata lists them. That put is the commit: it succeeds once, so all outputs are those of
//! one composition. What an attempt put that did not get that far belongs to nothing.
//!
//! What can be erased is encrypted with a secret of its customer's (`envelope.rs`), each object by itself. Whoever reads
//! goes through `open.rs` and sees no difference, until the secret is destroyed.
//!
//! What becomes of a communication later stands beside its record, as a chain of facts (`fact.rs`, `chain.rs`). What must
//! not be deleted is held (`hold.rs`), what has expired is destroyed only on request and with a certificate
//! (`disposal.rs`), and who reads a document is on record (`access.rs`).

#![warn(missing_docs)]

mod access;
mod chain;
mod details;
mod disposal;
pub mod envelope;
mod fact;
mod hold;
mod location;
mod metadata;
mod open;
mod pdf;
mod record;
mod sealed;
mod store;
mod verify;

pub use access::{Access, AccessEntry, AccessKind, AccessLog, access_folder, accessed};
pub use chain::{Protection, RecordRef};
pub use details::{About, Composed, ComposedOutput, Details};
pub use disposal::{
    Certificate, Destroyed, DestroyedObject, Disposal, DisposalRule, Plan, Verdict, YOUNGEST_DAYS,
};
pub use fact::{
    AddressField, Decision, Fact, FactKind, FactRecord, fact_number, name as fact_name, open_matters,
};
pub use hold::{HoldChange, ObjectVersion};
pub use location::{Location, folder_of, is_test, media_type, place, record_key};
pub use pdf::{Examined, Pdf, PdfFault, examine};
pub use record::{
    Consent, CorrectedAddress, DriverData, EvidenceRecord, KeptUnder, Output, Part, Parts, Previous,
    Recipient, Resend, Retention, Software, Template, TemplateBasis, Trigger,
};
pub use sealed::Sealed;
pub use store::{Archive, ArchiveError, Found, LockMode, Stored};
pub use verify::{Mismatch, verify};

/// The hexadecimal SHA-256 of `bytes`, the form used in records and in the ledger.
pub fn sha256_hex(bytes: &[u8]) -> String {
    use aws_lc_rs::digest::{SHA256, digest};
    hex::encode(digest(&SHA256, bytes))
}
