//! Carries out Shopify's privacy requests: exports what is held of a customer, and erases a customer or a shop.
//!
//! An erasure is recorded before it begins, by a locked object that names nobody (`tombstone.rs`); then the secret is
//! destroyed, which is the erasure of documents and records; then what is left elsewhere is removed. Each step can be done
//! again, so a request that dies is done from its beginning, and the erasure of a shop from its last page. Every request is done once
//! more after a while, for the documents that were being made when it came.
//!
//! What has to be kept is refused with its legal basis, and destroyed with a certificate once its retention has ended
//! (`retention.rs`). A legal hold blocks the erasure of the documents of the customer until it is released.

// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]

mod customer;
mod erase;
mod error;
mod export;
mod page;
mod person;
mod retention;
mod shop;
mod state;
mod tombstone;

pub use error::PrivacyError;
pub use state::{Noted, Outcome, Refusal, State, requests_of, state_key};
pub use tombstone::Tombstone;

use archive::Archive;
use commitments::CommitmentSecrets;
use comms::{ShopDomain, chain};
use jiff::Timestamp;
use ledger::Ledger;
use links::Links;
use serde::{Deserialize, Serialize};
use service::{BatchTime, Invocation, Metric, Metrics, Secrets, Service, Serving, StartError, function_name};
use shop_config::ConfigStore;
use std::time::Duration;
use work::{
    BatchResponse, Checkpoints, Inbox, MalformedBatch, Message, PrivacyItem, PrivacyTopic, Record, Retry,
    SqsEvent, each,
};

/// A lease of a flow has ended by then, so what was being made at the first time is found at the second.
const ONCE_MORE: Duration = Duration::from_secs(900);

/// The function's clients and settings.
pub struct Tools {
    pub configs: ConfigStore,
    pub secrets: Secrets,
    pub ledger: Ledger,
    pub links: Links,
    pub archive: Archive,
    pub commitments: CommitmentSecrets,
    pub checkpoints: Checkpoints,
    pub s3: aws_sdk_s3::Client,
    pub operations_bucket: String,
    pub archive_bucket: String,
    pub max_retention_days: u16,
    pub inbox: Inbox,
    pub clock: fn() -> Timestamp,
}

/// What the function is called for.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// Messages of its queue.
    Messages(SqsEvent),
    /// By a person, after something was restored from a backup: all erasures of a shop are done again.
    Reapply { reapply: ShopDomain },
    /// By the schedule: refused and blocked requests are looked at again.
    Pass {},
}

/// What it answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Response {
    Messages(BatchResponse),
    Count { requests: usize },
}

pub struct Privacy {
    tools: Tools,
    function: String,
}

impl Privacy {
    /// Reads the environment and makes the clients. Sends nothing.
    pub fn new(service: &Service) -> Result<Self, StartError> {
        Ok(Self::with(Tools {
            configs: service.configs()?,
            secrets: service.secrets()?,
            ledger: service.ledger()?,
            links: service.links()?,
            archive: service.archive()?,
            commitments: service.commitments()?,
            checkpoints: service.checkpoints()?,
            s3: service.s3(),
            operations_bucket: service::required("OPERATIONS_BUCKET")?,
            archive_bucket: service::required("ARCHIVE_BUCKET")?,
            max_retention_days: service.max_retention_days()?,
            inbox: service.inbox()?,
            clock: Timestamp::now,
        }))
    }

    pub fn with(tools: Tools) -> Self {
        Self { tools, function: function_name() }
    }

    /// Handles what the function was called for.
    ///
    /// # Errors
    /// When a batch cannot be answered in part, or a pass cannot list what it looks at.
    pub async fn handle(&self, event: Event, invocation: &Invocation) -> Result<Response, PrivacyError> {
        match event {
            Event::Messages(event) => Ok(Response::Messages(self.messages(&event, invocation).await?)),
            Event::Reapply { reapply } => {
                Ok(Response::Count { requests: tombstone::reapply(&self.tools, &reapply).await? })
            }
            Event::Pass {} => Ok(Response::Count { requests: self.pass().await? }),
        }
    }

    async fn messages(
        &self,
        event: &SqsEvent,
        invocation: &Invocation,
    ) -> Result<BatchResponse, MalformedBatch> {
        let time = BatchTime::of(event, invocation, (self.tools.clock)())?;
        let results = each(&event.records, time.one_by_one(), async |record| self.record(record).await).await;
        let settled = self.tools.inbox.settle(&event.records, results, (self.tools.clock)()).await;
        let mut metrics = Metrics::default();
        let duration_ms = time.duration_ms();
        for (record, result) in event.records.iter().zip(&settled) {
            match result {
                Ok((item, state)) => {
                    let blocked = state.outcome == Outcome::Held;
                    metrics.count(if blocked { Metric::PrivacyBlocked } else { Metric::PrivacyDone }, 1);
                    tracing::info!(
                        shop = %item.shop, topic = item.topic.name(), request = item.request,
                        state = state.outcome.name(), erased = state.erased, refused = state.refused.len(), duration_ms,
                        "privacy request"
                    );
                }
                Err(failed) => metrics.failed(record, None, failed, (self.tools.clock)()),
            }
        }
        metrics.emit(&self.function, (self.tools.clock)());
        Ok(BatchResponse::of(&event.records, &settled))
    }

    async fn record(&self, record: &Record) -> Result<(PrivacyItem, State), Retry> {
        let item = PrivacyItem::from_json(&record.body).map_err(|error| Retry::new(chain(&error)))?;
        let state = self.request(&item).await?;
        Ok((item, state))
    }

    /// Does what one request asks for, and notes what came of it.
    async fn request(&self, item: &PrivacyItem) -> Result<State, PrivacyError> {
        let state = match item.topic {
            PrivacyTopic::DataRequest => export::run(&self.tools, item).await?,
            PrivacyTopic::CustomerRedact => customer::erase(&self.tools, item).await?,
            PrivacyTopic::ShopRedact => shop::erase(&self.tools, item).await?,
        };
        if item.topic != PrivacyTopic::DataRequest && !item.again {
            // an erasure needs no address
            let again = PrivacyItem { again: true, email: None, phone: None, ..item.clone() };
            let message = Message::of(&again).map_err(work::QueueError::from)?;
            self.tools.inbox.queue.send_later(&message, ONCE_MORE).await?;
        }
        state::note(&self.tools, item, &state).await?;
        Ok(state)
    }

    /// Does again what was refused until a day that has come, and what a hold blocked.
    async fn pass(&self) -> Result<usize, PrivacyError> {
        let due = state::due(&self.tools).await?;
        let mut done = 0;
        for (key, item) in due {
            // one that fails is due again tomorrow
            match self.request(&item).await {
                Ok(_) => {
                    state::forget_due(&self.tools, &key).await?;
                    done += 1;
                }
                Err(error) => {
                    tracing::error!(shop = %item.shop, request = item.request, reason = chain(&error), "not done again");
                }
            }
        }
        Ok(done)
    }
}

/// Starts the function and serves its invocations until Lambda ends the process.
pub fn serve() -> Serving {
    Box::pin(async {
        let service = Service::start().await?;
        let privacy = Privacy::new(&service)?;
        service::run(async |event: Event, invocation| privacy.handle(event, &invocation).await).await
    })
}
