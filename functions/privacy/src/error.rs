//! Why a request was not carried out.

use archive::ArchiveError;
use commitments::SecretError;
use comms::{Class, Classify};
use ledger::LedgerError;
use links::LinkError;
use shop_config::ConfigError;
use work::{CheckpointError, MalformedBatch, QueueError};

/// Each says itself what was being done. All steps can be done again, so the message is delivered again whatever it was.
#[derive(Debug, thiserror::Error)]
pub enum PrivacyError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Stored(#[from] service::SecretError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Batch(#[from] MalformedBatch),
    #[error("{doing} {key}")]
    Request {
        doing: &'static str,
        key: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A request for a customer that names none.
    #[error("the request names no customer")]
    NoCustomer,
    /// What is not known to be free of a hold keeps everything of the customer from being erased.
    #[error("communication {0} of the customer cannot be read, so nobody knows whether it is held")]
    Unread(String),
    #[error("writing the export")]
    Export(#[source] std::io::Error),
}

impl PrivacyError {
    pub(crate) fn request(
        doing: &'static str,
        key: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Request { doing, key: key.into(), source: source.into() }
    }
}

impl Classify for PrivacyError {
    /// A request of a person's is never given up quietly: it ends in a dead-letter queue with an alarm at worst.
    fn class(&self) -> Class {
        match self {
            Self::Archive(_)
            | Self::Secret(_)
            | Self::Stored(_)
            | Self::Ledger(_)
            | Self::Link(_)
            | Self::Queue(_)
            | Self::Checkpoint(_)
            | Self::Batch(_)
            | Self::Request { .. }
            | Self::NoCustomer
            | Self::Unread(_)
            | Self::Config(_)
            | Self::Export(_) => Class::transient(),
        }
    }
}
