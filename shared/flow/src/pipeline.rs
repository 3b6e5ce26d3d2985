//! One communication, from its claim to its outcome.

use crate::{fault, produce, report, send};
use archive::Archive;
use bytes::Bytes;
use comms::{
    Class, Classify, CommunicationId, CustomerKey, Document, Gid, MessageClass, Revision, State,
    WriteBackState, chain,
};
use delivery::{Channels, Recipient};
use exstream::{Catalogue, Exstream};
use jiff::Timestamp;
use ledger::{ArchivedAs, Claim, ClaimRequest, Lease, Ledger, Outcome, SendMark};
use secrecy::ExposeSecret;
use service::{Invocation, SecretError, Secrets, ShopSecrets};
use shop_config::{Channel, ConfigStore, DocumentConfig, Loaded, OnUnknown, ShopConfig};
use shopify::{AdminApi, Call};
use std::{fmt, sync::Arc, time::Duration};
use work::{Payloads, Queue, Retry, WorkItem, WriteBackItem};

/// What is specific to the documents of one flow.
pub trait DocumentFlow {
    /// The communications `item` leads to. Cheap and without I/O: it runs before anything is claimed.
    fn plan(&self, item: &WorkItem, config: &ShopConfig) -> Vec<Plan>;

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

/// The clients the pipeline works with, made once a cold start.
pub struct Tools {
    pub configs: ConfigStore,
    pub secrets: Secrets,
    pub payloads: Payloads,
    pub shopify: AdminApi,
    pub exstream: Exstream,
    pub catalogue: Catalogue,
    pub archive: Archive,
    pub ledger: Ledger,
    pub channels: Channels,
    pub write_back: Queue,
    pub clock: fn() -> Timestamp,
}

/// One communication while it is worked on.
pub struct Job<'a> {
    pub tools: &'a Tools,
    pub item: &'a WorkItem,
    pub payload: Option<&'a str>,
    pub plan: &'a Plan,
    pub communication: &'a CommunicationId,
    pub loaded: &'a Arc<Loaded>,
    pub settings: &'a DocumentConfig,
    pub secrets: &'a ShopSecrets,
    pub invocation: &'a Invocation,
    /// Unique to this invocation and record.
    pub owner: &'a str,
    pub receive_count: u32,
}

/// Where a communication stands after an attempt, and what Shopify is to be told.
#[derive(Debug)]
pub struct Settled {
    pub state: State,
    pub attempts: u32,
    /// Whether this very attempt brought it there.
    pub fresh: bool,
    pub report: Option<WriteBackItem>,
}

/// Long after a report should have arrived; a later delivery of the same work then queues it once more.
const REPORT_OVERDUE: Duration = Duration::from_secs(15 * 60);
/// A lease outlives the invocation that took it by this much, so that clocks may differ.
const LEASE_GRACE: Duration = Duration::from_secs(5);

impl Job<'_> {
    pub async fn run<F: DocumentFlow>(&self, flow: &F) -> Result<Settled, Retry> {
        let now = self.now();
        let claim = self
            .tools
            .ledger
            .claim(ClaimRequest {
                communication: self.communication,
                shop: &self.item.shop,
                flow: self.item.flow,
                document: self.plan.document,
                subject: &self.plan.subject,
                revision: &self.plan.revision,
                order: &self.plan.order,
                owner: self.owner,
                now,
                lease_until: self.invocation.deadline.max(now) + LEASE_GRACE,
            })
            .await
            .map_err(|error| Retry::of(&error))?;
        match claim {
            Claim::Started(lease) => {
                fault::point("claim");
                self.work(flow, &lease).await
            }
            Claim::AlreadyDone(entry) => {
                let updated = Timestamp::from_millisecond(entry.updated_epoch_ms).unwrap_or(now);
                let age = now.duration_since(updated).unsigned_abs();
                let owed = entry.write_back == WriteBackState::Pending
                    && (self.receive_count > 1 || age > REPORT_OVERDUE);
                let report = owed.then(|| report::item(&entry, &self.loaded.config));
                Ok(Settled { state: entry.state, attempts: entry.attempts, fresh: false, report })
            }
            Claim::InProgress { until } => {
                let after = Duration::try_from(until.duration_since(now)).unwrap_or_default();
                Err(Retry { reason: "another invocation works on it".to_owned(), after: Some(after) })
            }
        }
    }

    async fn work<F: DocumentFlow>(&self, flow: &F, lease: &Lease) -> Result<Settled, Retry> {
        let gather = Gather {
            plan: self.plan,
            item: self.item,
            payload: self.payload,
            communication: self.communication,
            config: &self.loaded.config,
            secrets: self.secrets,
            shopify: &self.tools.shopify,
            now: self.now(),
            time_left: self.time_left(),
        };
        let content = match flow.gather(gather).await {
            Ok(Gathered::Ready(content)) => content,
            Ok(Gathered::Suppressed(reason)) => {
                return self
                    .end(lease, State::Suppressed, End { reason: Some(reason), ..End::default() })
                    .await;
            }
            Err(GatherError { class: Class::Permanent, reason }) => {
                return self.end(lease, State::Failed, End { reason: Some(&reason), ..End::default() }).await;
            }
            Err(error) => return Err(self.give_back(lease, false, error.class, error.reason).await),
        };
        fault::point("gather");
        let customer = match self.customer_key(&content).await {
            Ok(key) => key,
            Err(error) => return Err(self.give_back(lease, false, error.class(), chain(&error)).await),
        };
        let test = content.test || self.settings.dry_run;
        let channel = if test { None } else { self.channel(lease, &content) };
        let end =
            End { customer: customer.as_ref(), channel: channel.map(Channel::name), test, ..End::default() };
        if channel.is_none() && !test && !self.settings.channels.is_empty() {
            let reason = Some("no channel can reach the recipient");
            return self.end(lease, State::Suppressed, End { reason, ..end }).await;
        }
        let draft = Draft { content: &content, channel, test, customer: customer.as_ref() };
        let archived = match produce::document(self, lease, &draft).await {
            Ok(archived) => archived,
            Err(halt) => return self.halt(lease, halt, end).await,
        };
        let end = End { archived: Some(&archived.as_recorded), ..end };
        let Some(channel) = channel else { return self.end(lease, State::Archived, end).await };
        match send::settle(self, lease, &draft, channel, &archived).await {
            Ok(reference) => {
                self.end(lease, State::Accepted, End { reference: Some(&reference), ..end }).await
            }
            Err(halt) => self.halt(lease, halt, end).await,
        }
    }

    /// The channel of a send that was begun stays the channel; otherwise the first that can reach anybody.
    fn channel(&self, lease: &Lease, content: &Content) -> Option<Channel> {
        let begun = match lease.send_mark() {
            SendMark::MayHaveHappened => lease.entry.channel.as_deref().and_then(Channel::from_name),
            SendMark::NeverBegun | SendMark::DidNotHappen => None,
        };
        begun.or_else(|| delivery::choose(&self.settings.channels, &content.recipient))
    }

    async fn customer_key(&self, content: &Content) -> Result<Option<CustomerKey>, SecretError> {
        let Some(customer) = &content.customer else { return Ok(None) };
        let key = self.tools.secrets.customer_key(self.now()).await?;
        Ok(Some(CustomerKey::derive(key.expose_secret().as_bytes(), &self.item.shop, customer)))
    }

    async fn halt(&self, lease: &Lease, halt: Halt, end: End<'_>) -> Result<Settled, Retry> {
        match halt {
            Halt::Failed(reason) => {
                self.end(lease, State::Failed, End { reason: Some(&reason), ..end }).await
            }
            Halt::Unknown(reason) => {
                self.end(lease, State::Unknown, End { reason: Some(&reason), ..end }).await
            }
            Halt::Retry { class, reason, unsent } => Err(self.give_back(lease, unsent, class, reason).await),
        }
    }

    async fn end(&self, lease: &Lease, state: State, end: End<'_>) -> Result<Settled, Retry> {
        let now = self.now();
        let write_back = report::owed(&self.loaded.config, end.test);
        let outcome = Outcome {
            archived: end.archived,
            channel: end.channel,
            reference: end.reference,
            reason: end.reason,
            customer: end.customer,
            write_back: Some(write_back),
        };
        self.tools.ledger.complete(lease, state, &outcome, now).await.map_err(|error| Retry::of(&error))?;
        fault::point("complete");
        let report = (write_back == WriteBackState::Pending).then(|| {
            let mut entry = lease.entry.clone();
            entry.state = state;
            entry.updated_epoch_ms = now.as_millisecond();
            entry.archived = end.archived.cloned().or(entry.archived);
            entry.channel = end.channel.map(str::to_owned).or(entry.channel);
            entry.reason = end.reason.map(str::to_owned);
            report::item(&entry, &self.loaded.config)
        });
        Ok(Settled { state, attempts: lease.entry.attempts, fresh: true, report })
    }

    /// Lets go of the lease, so that the retry need not wait for it to lapse.
    async fn give_back(&self, lease: &Lease, unsent: bool, class: Class, reason: String) -> Retry {
        // if this fails, too, the lease lapses by itself
        if let Err(error) = self.tools.ledger.release(lease, unsent, self.now()).await {
            tracing::debug!(error = %error, "lease not released");
        }
        let after = match class {
            Class::Transient { retry_after } => retry_after,
            Class::Permanent | Class::Unknown => None,
        };
        Retry { reason, after }
    }

    pub fn now(&self) -> Timestamp {
        (self.tools.clock)()
    }

    pub fn time_left(&self) -> Duration {
        self.invocation.time_left(self.now())
    }

    /// Whether a second copy does less harm than none, in this shop's opinion.
    pub fn may_resend(&self) -> bool {
        self.settings.on_unknown == OnUnknown::Resend
            && self.settings.class(self.plan.document) == MessageClass::Transactional
    }
}

/// A gathered document on its way.
pub struct Draft<'a> {
    pub content: &'a Content,
    pub channel: Option<Channel>,
    pub test: bool,
    pub customer: Option<&'a CustomerKey>,
}

/// Why work on a communication stops before its end.
pub enum Halt {
    Failed(String),
    /// It may have been sent, and nobody can tell.
    Unknown(String),
    /// `unsent`: a send was marked and did not happen.
    Retry {
        class: Class,
        reason: String,
        unsent: bool,
    },
}

impl Halt {
    /// For a call without effects that matter: what is not permanent is tried again.
    pub fn of<E: Classify + std::error::Error>(error: &E) -> Self {
        match error.class() {
            Class::Permanent => Self::Failed(chain(error)),
            class => Self::Retry { class, reason: chain(error), unsent: false },
        }
    }

    /// For a call that sends.
    pub fn of_send<E: Classify + std::error::Error>(error: &E) -> Self {
        match error.class() {
            Class::Permanent => Self::Failed(chain(error)),
            Class::Unknown => Self::Unknown(chain(error)),
            class @ Class::Transient { .. } => Self::Retry { class, reason: chain(error), unsent: true },
        }
    }
}

/// What is recorded at the end.
#[derive(Default, Clone, Copy)]
struct End<'a> {
    archived: Option<&'a ArchivedAs>,
    channel: Option<&'a str>,
    reference: Option<&'a str>,
    reason: Option<&'a str>,
    customer: Option<&'a CustomerKey>,
    test: bool,
}
