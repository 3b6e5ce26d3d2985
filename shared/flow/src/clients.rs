//! The clients the pipeline works with.

use crate::{breaker::Breakers, gate::Gates};
use archive::Archive;
use delivery::Channels;
use exstream::{Catalogue, Exstream, Memory};
use jiff::Timestamp;
use ledger::Ledger;
use service::{OutsideFiles, Secrets, Service, StartError, Traces};
use shop_config::ConfigStore;
use shopify::AdminApi;
use std::sync::Arc;
use work::{Payloads, Queue};

/// The clients the pipeline works with, made once per cold start.
pub struct Clients {
    pub configs: ConfigStore,
    pub secrets: Secrets,
    pub payloads: Payloads,
    pub shopify: AdminApi,
    pub exstream: Exstream,
    /// The same, for documents that Exstream sends while composing.
    pub sending_exstream: Exstream,
    pub catalogue: Catalogue,
    pub archive: Archive,
    pub ledger: Ledger,
    pub channels: Channels,
    /// What large documents may take of the function's memory at once.
    pub memory: Memory,
    pub gates: Gates,
    pub breakers: Breakers,
    /// Files that are attached and come from elsewhere.
    pub files: OutsideFiles,
    /// Where reports to Shopify are queued.
    pub write_back: Queue,
    /// Where spans are recorded.
    pub traces: Arc<Traces>,
    pub clock: fn() -> Timestamp,
}

impl Clients {
    /// Reads the environment and makes the clients. Sends nothing.
    ///
    /// # Errors
    /// Names the environment variable that is missing or wrong.
    pub fn new(service: &Service) -> Result<Self, StartError> {
        Ok(Self {
            configs: service.configs()?,
            secrets: service.secrets()?,
            payloads: service.payloads()?,
            shopify: AdminApi::new(service.http()),
            exstream: service.exstream(),
            sending_exstream: service.sending_exstream(),
            catalogue: service.catalogue(),
            archive: service.archive()?,
            ledger: service.ledger()?,
            channels: service.publishing_channels()?,
            memory: service.memory(),
            gates: Gates::new(service.backoff()?),
            breakers: Breakers::new(service.config_ttl()),
            files: OutsideFiles::default(),
            write_back: service.queue("WRITE_BACK_QUEUE_URL")?,
            traces: service.traces(),
            clock: Timestamp::now,
        })
    }
}
