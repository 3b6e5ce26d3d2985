//! What a flow function provides: the part of the work that is its own.

use crate::history::History;
use archive::Previous;
use bytes::Bytes;
use comms::{Class, Classify, CommunicationId, CustomerKey, Document, Flow, Gid, Revision, chain};
use delivery::Recipient;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use service::ShopSecrets;
use shop_config::ShopConfig;
use shopify::{AdminApi, Call};
use std::{borrow::Cow, fmt, time::Duration};
use work::WorkItem;

/// What is specific to the documents of one flow.
pub trait DocumentFlow {
    const FLOW: Flow;

    /// The communications `item` leads to, whether or not the shop wants them. Without I/O: it runs before
    /// anything is claimed.
    ///
    /// # Errors
    /// What keeps the item from being understood. The message comes back and ends in the dead letters.
    fn plan(&self, item: &WorkItem, payload: Option<&str>, config: &ShopConfig) -> Result<Planned, String>;

    /// The communications of an item for which [`plan`](Self::plan) answered [`Planned::AskShopify`].
    fn look_up(&self, look_up: LookUp<'_>) -> impl Future<Output = Result<Vec<Plan>, GatherError>> {
        let topic = look_up.item.trigger.topic.clone();
        async move { Err(GatherError::permanent(format!("the topic {topic} says what it leads to"))) }
    }

    /// Everything one document needs: from the event's own payload where it is complete, else from Shopify.
    fn gather(&self, gather: Gather<'_>) -> impl Future<Output = Result<Gathered, GatherError>>;

    /// The same for a document that takes up what an earlier one said. A preview has no earlier ones.
    fn gather_after(
        &self,
        gather: Gather<'_>,
        _history: History<'_>,
    ) -> impl Future<Output = Result<Gathered, GatherError>> {
        self.gather(gather)
    }
}

/// The communications an item leads to, asked of Shopify where the event does not say.
///
/// # Errors
/// Permanent, where the item is not understood.
pub async fn plans<F: DocumentFlow>(flow: &F, look_up: LookUp<'_>) -> Result<Vec<Plan>, GatherError> {
    match flow.plan(look_up.item, look_up.payload, look_up.config).map_err(GatherError::permanent)? {
        Planned::Known(plans) => Ok(plans),
        Planned::AskShopify => flow.look_up(look_up).await,
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planned {
    Known(Vec<Plan>),
    /// The event does not name what the documents are about.
    AskShopify,
}

impl Planned {
    pub fn one(plan: Plan) -> Self {
        Self::Known(vec![plan])
    }
}

/// One communication to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub document: Document,
    pub subject: Gid,
    pub revision: Revision,
    /// The order, customer or company location that is told about it. The subject itself where the event does
    /// not name it; then the one [`Content::reported_on`] names.
    pub reported_on: Gid,
    /// Whether the shop has switched it on. What was begun before it was switched off is still settled.
    pub wanted: bool,
}

/// An item of which only Shopify knows what follows.
pub struct LookUp<'a> {
    pub item: &'a WorkItem,
    pub payload: Option<&'a str>,
    pub config: &'a ShopConfig,
    pub secrets: &'a ShopSecrets,
    pub shopify: &'a AdminApi,
    pub now: Timestamp,
    pub time_left: Duration,
}

impl<'a> LookUp<'a> {
    /// How to ask this item's shop for data.
    pub fn call(&self) -> Call<'a> {
        call(self.item, self.config, self.secrets, self.now, self.time_left)
    }

    /// What it means that Shopify has no `what`, such as `order`, although the item names one.
    pub async fn absent(&self, what: &str) -> GatherError {
        absent(self.shopify, self.call(), self.item, what).await
    }
}

/// For so long after its event, Shopify's answer that it has no such thing is taken for one that lags.
const LAG: SignedDuration = SignedDuration::from_hours(1);

fn is_recent(item: &WorkItem, now: Timestamp) -> bool {
    item.trigger.triggered_at.is_none_or(|at| now.duration_since(at) < LAG)
}

/// Soon after the event, the answer may lag behind it: the work waits. Later there is no such thing, or the app
/// may not see it; the reason names the scope that it lacks.
async fn absent(shopify: &AdminApi, call: Call<'_>, item: &WorkItem, what: &str) -> GatherError {
    if is_recent(item, call.now) {
        let reason = format!("Shopify has no such {what} yet");
        return GatherError { class: Class::transient(), reason };
    }
    match shopify.sees_all_orders(call).await {
        Ok(true) => GatherError::permanent(format!("Shopify has no such {what}")),
        Ok(false) => GatherError::permanent(format!(
            "Shopify has no such {what}, or keeps it from the app: what belongs to orders older than 60 days needs the scope read_all_orders"
        )),
        Err(error) => GatherError::of(&error),
    }
}

fn call<'a>(
    item: &'a WorkItem,
    config: &'a ShopConfig,
    secrets: &'a ShopSecrets,
    now: Timestamp,
    time_left: Duration,
) -> Call<'a> {
    Call {
        shop: &item.shop,
        settings: &config.shopify,
        credentials: &secrets.shopify,
        now,
        deadline: tokio::time::Instant::now() + time_left,
    }
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
    /// The only locale to consider, where a person asks for one.
    pub locale: Option<&'a str>,
    pub now: Timestamp,
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

pub enum Gathered {
    Ready(Box<Content>),
    /// The document is not to be sent; the reason is recorded, and reported on the resource, if the plan did not name
    /// it.
    Suppressed {
        reason: Cow<'static, str>,
        reported_on: Option<Gid>,
    },
    /// Nothing is to be made of this event: too early, or somebody else's matter. Nothing is recorded, so that
    /// a later event, or reconciliation, can lead to the same communication.
    NotDue(Cow<'static, str>),
    /// What the event told of is no longer so; this is due in its place. Nothing is recorded of the plan that
    /// was asked for. If the other one was made before, it stays made once.
    Replaced(Box<Plan>),
}

impl Gathered {
    pub fn suppressed(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Suppressed { reason: reason.into(), reported_on: None }
    }
}

/// A document before it is composed.
pub struct Content {
    /// The driver data's schema, such as `order-confirmation/1`.
    pub schema: String,
    /// The driver data, as JSON.
    pub driver: Bytes,
    pub recipient: Recipient,
    /// What a person calls the order, or whatever the document is about, for a subject line.
    pub name: Option<String>,
    pub customer: Option<Gid>,
    /// The customer's keyed hash, where the customer's id is not at hand.
    pub known_customer: Option<CustomerKey>,
    /// The order, customer or company location that is told about it, where the plan could not name it.
    pub reported_on: Option<Gid>,
    /// Whether the customer agreed to marketing. Looked at for that class only.
    pub consent: Consent,
    /// The issue that came before this one.
    pub previous: PreviousIssue,
    /// What a batch job composed.
    pub composed: Option<BatchOutput>,
    /// Compose and archive under `test/`, never deliver.
    pub test: bool,
}

impl Content {
    /// A document of this driver data; everything that not every document has is absent.
    ///
    /// # Errors
    /// When the data cannot be written as JSON.
    pub fn of(
        schema: impl Into<String>,
        data: &impl Serialize,
        recipient: Recipient,
    ) -> Result<Self, GatherError> {
        let driver = serde_json::to_vec(data).map_err(GatherError::unusable)?;
        Ok(Self { driver: driver.into(), ..Self::empty(schema, recipient) })
    }

    pub(crate) fn empty(schema: impl Into<String>, recipient: Recipient) -> Self {
        Self {
            schema: schema.into(),
            driver: Bytes::new(),
            recipient,
            name: None,
            customer: None,
            known_customer: None,
            reported_on: None,
            consent: Consent::NotAsked,
            previous: PreviousIssue::AskLedger,
            composed: None,
            test: false,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consent {
    /// The document needs none.
    NotAsked,
    Given,
    /// Says why not.
    Refused(Cow<'static, str>),
}

/// The issue of the same document that came before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PreviousIssue {
    /// The one that the ledger shows.
    AskLedger,
    /// The flow has looked already.
    Known(Option<Previous>),
}

/// One customer's output of a batch job, fetched and stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchOutput {
    /// Of an [`exstream::Output`], among the payloads.
    pub output_key: String,
    /// Of the driver data that was handed in: another one's output is not this document.
    pub driver_sha256: String,
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

    /// What Shopify answered cannot be made into the document. The work comes back and ends in the dead letters,
    /// from where a later release can take it up again.
    pub fn unusable(reason: impl fmt::Display) -> Self {
        Self { class: Class::transient(), reason: reason.to_string() }
    }

    /// Takes an error's class and its whole chain of causes.
    pub fn of<E: Classify + std::error::Error>(error: &E) -> Self {
        Self { class: error.class(), reason: chain(error) }
    }
}
