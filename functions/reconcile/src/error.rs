//! Why a shop's pass was aborted, and why an occurrence was not planned.

use flow::GatherError;
use service::SecretError;
use shop_config::ConfigError;
use shopify::AdminError;

/// What ends the pass of a shop. Each says itself what was being done; the next pass tries again.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Shopify(#[from] AdminError),
}

/// Why it is not known what an occurrence leads to.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error("the occurrence cannot be written as a work item")]
    Item(#[from] serde_json::Error),
    #[error("{}", .0.reason)]
    Flow(GatherError),
}
