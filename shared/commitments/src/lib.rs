//! The secrets of customers, and what follows from them: the salts of the log's leaves, and the keys that documents of
//! erasable classes are encrypted with.
//!
//! A secret is one item of one table. It is made once and never changed, only destroyed; and with it goes everything that
//! follows from it, in the archive and in every copy of the archive. So the table keeps no history, and nothing else
//! keeps a secret.

#![warn(missing_docs)]

mod commitment;
mod secrets;

pub use commitment::{Commitment, CommitmentSecret, KeyId, Owner, Salt};
pub use secrets::{CommitmentSecrets, KEY_INDEX, SecretError};
