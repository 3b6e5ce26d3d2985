//! Why a shop's log was not continued.

use archive::ArchiveError;
use commitments::SecretError;
use sealed_log::LogError;

/// Each says itself what was being done. None ends more than the pass of one shop, and the next pass continues.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("{doing}")]
    Request {
        doing: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the key that signs is not an Ed25519 key")]
    Key,
}

impl SealError {
    pub fn request(
        doing: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Request { doing: doing.into(), source: source.into() }
    }

    /// The log itself contradicts what it should be: a person has to look.
    pub const fn is_contradiction(&self) -> bool {
        matches!(self, Self::Log(error) if error.is_contradiction())
    }
}
