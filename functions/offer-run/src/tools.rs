//! The clients the function works with, made once per cold start.

use jiff::Timestamp;
use service::Secrets;
use shop_config::ConfigStore;
use shopify::AdminApi;
use work::{Checkpoints, Inbox, Queue};

pub struct Tools {
    pub configs: ConfigStore,
    pub secrets: Secrets,
    pub shopify: AdminApi,
    pub checkpoints: Checkpoints,
    /// The function's own queue.
    pub inbox: Inbox,
    /// The queue of the flow `targeted-offers`.
    pub flow: Queue,
    pub clock: fn() -> Timestamp,
}
