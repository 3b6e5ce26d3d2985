//! What a document is made with: its plan, the item it follows from, and how to ask the item's shop.

use crate::{
    absent::{absent, call, is_recent},
    gather_error::GatherError,
    history::History,
    plan::Plan,
};
use comms::{CommunicationId, Gid};
use jiff::Timestamp;
use service::ShopSecrets;
use shop_config::ShopConfig;
use shopify::{AdminApi, AdminError, Call, Order};
use std::time::Duration;
use work::WorkItem;

/// The work on one document.
#[derive(Clone, Copy)]
pub struct Gather<'a> {
    /// The communication to make.
    pub plan: &'a Plan,
    /// The work item it follows from.
    pub item: &'a WorkItem,
    /// The event's payload, if it had one.
    pub payload: Option<&'a str>,
    /// The plan's identity.
    pub communication: &'a CommunicationId,
    /// The shop's configuration.
    pub config: &'a ShopConfig,
    /// The shop's secrets.
    pub secrets: &'a ShopSecrets,
    /// Whom to ask.
    pub shopify: &'a AdminApi,
    /// What was said before. A preview has none, and shows a document as if it were the first.
    pub history: Option<History<'a>>,
    /// The only locale to consider, where a person asks for one.
    pub locale: Option<&'a str>,
    /// The address of the page that ends marketing to the customer. Only for marketing, where there are pages.
    pub unsubscribe_url: Option<&'a str>,
    /// When the document is made.
    pub now: Timestamp,
    /// For all questions together.
    pub time_left: Duration,
}

impl<'a> Gather<'a> {
    /// How to ask this item's shop for data.
    pub fn call(&self) -> Call<'a> {
        call(self.item, self.config, self.secrets, self.now, self.time_left)
    }

    /// What it means that Shopify has no `what`, such as `order`, although the event names one.
    pub async fn absent(&self, what: &str) -> GatherError {
        absent(self.shopify, self.call(), self.item, what).await
    }

    /// What Shopify `answered` about the `what` that the event names, if it has one.
    ///
    /// # Errors
    /// When Shopify did not answer, or has none; see [`absent`](Self::absent).
    pub async fn found<T>(
        &self,
        what: &str,
        answered: Result<Option<T>, AdminError>,
    ) -> Result<T, GatherError> {
        match answered? {
            Some(found) => Ok(found),
            None => Err(self.absent(what).await),
        }
    }

    /// The order `id`.
    ///
    /// # Errors
    /// When Shopify did not answer, or has no such order.
    pub async fn order(&self, id: &Gid) -> Result<Order, GatherError> {
        self.found("order", self.shopify.order(self.call(), id).await).await
    }

    /// Somebody asked for this issue of the document, and knows that time has passed: what only spares a customer
    /// documents does not apply.
    pub fn is_asked_for(&self) -> bool {
        self.item.resend.is_some() || self.item.request.is_some()
    }

    /// Whether it is so soon after the event that what Shopify does not show may only lag behind it. A document that
    /// can do without waits for it no longer than this.
    pub fn is_recent(&self) -> bool {
        is_recent(self.item, self.now)
    }

    /// The locale to write in, of those wanted the first that the document's template speaks; else the shop's.
    ///
    /// # Errors
    /// For a regulated document that speaks none of the languages the customer reads.
    pub fn locale(&self, wanted: &[Option<&str>]) -> Result<String, GatherError> {
        let asked = [self.locale];
        let wanted = if self.locale.is_some() { &asked } else { wanted };
        let locale = self.config.locale_to_send(self.plan.document, wanted);
        locale.map(str::to_owned).map_err(GatherError::permanent)
    }
}
