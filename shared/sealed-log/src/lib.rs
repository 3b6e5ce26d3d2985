//! The log of a shop's evidence records in the archive bucket, and the secrets behind its leaves.
//!
//! Everything is below `log/<shop>/`, put once and locked like the evidence itself:
//!
//! ```text
//! key                        the public key that signs                      written with the first checkpoint
//! customers/<start>/<root>   whose leaves a batch has, by blinded labels    written before the batch that names its root
//! batch/<start>              which records are the leaves from <start> on   the lock: whoever puts it first decides
//! index/<date>/<start>       the same, found by the day of the records
//! tile/…, tile/entries/…     the tree and its entries, c2sp.org/tlog-tiles
//! checkpoint                 the signed root; each version is kept          the commit: replaced only if unchanged
//! time/<date>/…              a checkpoint and its time-stamps                see `time.rs`
//! ```
//!
//! The log grows by batches. A batch takes its place by a conditional put; all else follows from the checkpoint before it
//! and from the batch alone, so whoever finds a batch without a checkpoint, after a crash or beside another run, writes
//! the very same objects. No two checkpoints can contradict each other, and nothing but the bucket is asked.
//!
//! A leaf is `SHA-256(salt || SHA-256(record.json))`. The salt follows from a secret of the customer's
//! ([`CommitmentSecrets`]), which can be deleted: then nobody can tell what the leaf was, not even by guessing, and the
//! tree above it still holds.

#![warn(missing_docs)]

mod batch;
pub mod bundle;
pub mod completeness;
mod customer_proof;
mod customers;
mod error;
mod log;
mod proof;
mod store;
mod time;

pub use batch::{BATCH_LEAVES, Batch, Entry, Owned};
pub use commitments::{Commitment, CommitmentSecret, CommitmentSecrets, Owner, Salt, SecretError};
pub use customer_proof::CustomerProof;
pub use customers::{Customers, Header, LabelKey, Row};
pub use error::LogError;
pub use log::{Sealed, ShopLog, origin};
pub use proof::{Inclusion, LogReader};
pub use store::LogStore;
pub use time::{Stamped, StampedCheckpoint, TimeRules, TimeStamps};
