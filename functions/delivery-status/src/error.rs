//! Why asking about a communication failed.

use archive::ArchiveError;
use comms::Flow;
use delivery::DeliveryError;
use ledger::LedgerError;
use service::SecretError;
use shop_config::{Channel, ConfigError};
use work::QueueError;

/// Each says itself what was being done. None ends more than the pass of one shop, and the next pass asks again.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error("its state has moved meanwhile")]
    Moved,
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Channel(#[from] DeliveryError),
    #[error("the section [delivery.{0}] is gone from the configuration")]
    NoSettings(Channel),
    #[error("this deployment does not serve the flow {0}")]
    NoQueue(Flow),
}
