//! The clients and settings the function works with, made once per cold start.

use account_statements::{Driver, ItemError};
use comms::Document;
use exstream::Batch;
use jiff::Timestamp;
use service::Secrets;
use shop_config::{ConfigStore, ShopConfig};
use shopify::AdminApi;
use std::{path::PathBuf, time::Duration};
use work::{Checkpoints, Inbox, Payloads, Queue};

/// Makes the driver data of one document from an item's payload; `None` if the account gets no such document.
pub type MakeDriver = fn(&str, Document, &ShopConfig) -> Result<Option<Driver>, ItemError>;

/// Checks whether an item with this payload can be worked on. The error names what cannot be read, and quotes nothing.
pub type Check = fn(&str) -> Result<(), ItemError>;

/// How long an invocation waits, and how much it does before it writes the state.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The longest wait inside an invocation.
    pub patience: Duration,
    /// The state is written after so many accounts.
    pub accounts: usize,
    /// The state is written after this time.
    pub interval: Duration,
    /// Kept back from the invocation's time, to write the state and to send the next message.
    pub reserve: Duration,
    pub limits: bulk_reader::Limits,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(2),
            accounts: 1000,
            interval: Duration::from_secs(10),
            reserve: Duration::from_secs(10),
            limits: bulk_reader::Limits::default(),
        }
    }
}

pub struct Tools {
    pub configs: ConfigStore,
    pub secrets: Secrets,
    pub shopify: AdminApi,
    /// For the files of bulk operations.
    pub http: reqwest::Client,
    pub exstream: Batch,
    pub checkpoints: Checkpoints,
    pub payloads: Payloads,
    /// The function's own queue.
    pub inbox: Inbox,
    /// The queue of the flow `account-statements`.
    pub flow_queue: Queue,
    pub driver: MakeDriver,
    pub check: Check,
    /// For files that have to be sorted. Emptied when it is needed.
    pub folder: PathBuf,
    pub pace: Pace,
    pub clock: fn() -> Timestamp,
}
