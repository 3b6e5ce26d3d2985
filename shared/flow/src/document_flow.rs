//! What a flow function provides: the part of the work that is its own.

use bytes::Bytes;
use comms::{Class, Classify, CommunicationId, Document, Flow, Gid, Revision, chain};
use delivery::Recipient;
use jiff::Timestamp;
use service::ShopSecrets;
use shop_config::ShopConfig;
use shopify::{AdminApi, Call};
use std::{fmt, time::Duration};
use work::WorkItem;

/// What is specific to the documents of one flow.
pub trait DocumentFlow {
    const FLOW: Flow;

    /// The communications `item` leads to, whether or not the shop wants them. Without I/O: it runs before
    /// anything is claimed.
    ///
    /// # Errors
    /// What keeps the item from being understood. The message comes back and ends in the dead letters.
    fn plan(&self, item: &WorkItem, payload: Option<&str>, config: &ShopConfig) -> Result<Vec<Plan>, String>;

    /// Everything one document needs: from the event's own payload where it is complete, else from Shopify.
    fn gather(&self, gather: Gather<'_>) -> impl Future<Output = Result<Gathered, GatherError>>;
}

/// One communication to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub document: Document,
    pub subject: Gid,
    pub revision: Revision,
    /// The order, customer or company location that is told about it.
    pub order: Gid,
    /// Whether the shop has switched it on. What was begun before it was switched off is still settled.
    pub wanted: bool,
}

pub struct Gather<'a> {
    pub plan: &'a Plan,
    pub item: &'a WorkItem,
    /// The event's payload, if it had one.
    pub payload: Option<&'a str>,
    pub communication: &'a CommunicationId,
    pub config: &'a ShopConfig,
    pub secrets: &'a ShopSecrets,
    pub shopify: &'a AdminApi,
    pub now: Timestamp,
    pub time_left: Duration,
}

impl<'a> Gather<'a> {
    /// How to ask this item's shop for data.
    pub fn call(&self) -> Call<'a> {
        Call {
            shop: &self.item.shop,
            settings: &self.config.shopify,
            credentials: &self.secrets.shopify,
            now: self.now,
            deadline: tokio::time::Instant::now() + self.time_left,
        }
    }
}

pub enum Gathered {
    Ready(Box<Content>),
    /// The document is not to be sent; the reason is recorded.
    Suppressed(&'static str),
}

/// A document before it is composed.
pub struct Content {
    /// The driver data's schema, such as `order-confirmation/1`.
    pub schema: &'static str,
    /// The driver data, as JSON.
    pub driver: Bytes,
    pub recipient: Recipient,
    /// What a person calls the order, for a subject line.
    pub order_name: Option<String>,
    pub customer: Option<Gid>,
    /// Compose and archive under `test/`, never deliver.
    pub test: bool,
}

/// Gathering failed. The message names the field or the call, never a value of a customer's.
#[derive(Debug)]
pub struct GatherError {
    pub class: Class,
    pub reason: String,
}

impl GatherError {
    pub fn permanent(reason: impl fmt::Display) -> Self {
        Self { class: Class::Permanent, reason: reason.to_string() }
    }

    /// Takes an error's class and its whole chain of causes.
    pub fn of<E: Classify + std::error::Error>(error: &E) -> Self {
        Self { class: error.class(), reason: chain(error) }
    }
}
