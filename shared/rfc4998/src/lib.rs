//! Evidence records by [RFC 4998]: time-stamps that outlive the algorithms and certificates they were made with.
//!
//! A record begins with one time-stamp over the hash of the data. Before that stamp ages it is renewed, in one of two ways.
//! While the hash function is good, the stamp itself is stamped ([`EvidenceRecord::renewal`]): the next member of the same
//! chain. Before the hash function ages, the data and everything that was stamped so far is hashed by another one and
//! stamped ([`EvidenceRecord::rehashing`]): a chain of its own. Many records are renewed by one stamp over the root of a
//! tree ([`HashTree`]), and each keeps its way up.
//!
//! Only what this system needs is read: no encryption, no attributes, hash functions by the stamps. Anything else is
//! refused. No I/O and no clock.
//!
//! [RFC 4998]: https://www.rfc-editor.org/rfc/rfc4998

#![warn(missing_docs)]

mod hash_tree;
mod record;

pub use hash_tree::{HashTree, ReducedTree};
pub use record::{EvidenceRecord, InvalidRecord, Proved, Unproven};
