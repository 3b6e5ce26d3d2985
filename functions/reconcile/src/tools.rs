//! What the function works with.

use comms::Flow;
use jiff::Timestamp;
use ledger::Ledger;
use service::Secrets;
use shop_config::ConfigStore;
use shopify::AdminApi;
use std::collections::HashMap;
use work::Queue;

/// The function's clients and settings.
pub struct Tools {
    pub configs: ConfigStore,
    pub secrets: Secrets,
    pub ledger: Ledger,
    pub shopify: AdminApi,
    pub queues: HashMap<Flow, Queue>,
    pub clock: fn() -> Timestamp,
}
