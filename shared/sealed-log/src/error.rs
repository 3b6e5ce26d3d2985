//! What can go wrong with a log.

use std::error::Error;

/// Why a log could not be read or continued.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// S3, DynamoDB or KMS did not do it. Repeating is safe: every write is conditional.
    #[error("{doing} {what}")]
    Request {
        /// What was being done.
        doing: &'static str,
        /// To what.
        what: String,
        /// Why not.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// An object that a checkpoint presupposes is not there.
    #[error("{0} is missing from the log")]
    Missing(String),
    /// An object is not what this software wrote: somebody else did.
    #[error("{key} is not what the log needs there: {what}")]
    Contradiction {
        /// The object.
        key: String,
        /// How it contradicts the rest.
        what: &'static str,
    },
    /// Another run replaced the checkpoint at this moment. What it sealed is kept; the next pass continues.
    #[error("another run sealed at the same time")]
    Overtaken,
    /// The secrets behind the leaves cannot be had.
    #[error(transparent)]
    Secret(#[from] commitments::SecretError),
}

impl LogError {
    pub(crate) fn request(
        doing: &'static str,
        what: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Request { doing, what: what.into(), source: source.into() }
    }

    pub(crate) fn contradiction(key: impl Into<String>, what: &'static str) -> Self {
        Self::Contradiction { key: key.into(), what }
    }

    /// Whether somebody has to look: the log was tampered with, or this software is wrong.
    pub const fn is_contradiction(&self) -> bool {
        matches!(self, Self::Missing(_) | Self::Contradiction { .. })
    }
}
