//! Looks back in Shopify for missed events, and queues it through the same ids.
//!
//! Runs on a schedule and makes a pass over all shops. Looks at everything that changed within the last 48
//! hours, makes up the events that must have happened, plans them as the flows would, and queues those of
//! which the ledger does not know every communication. Events that are still on their way are given time
//! first; one that arrives after all names the same communication. Nothing is kept between passes, so a pass
//! that is aborted costs a quarter of an hour, and what has nothing to tell yet, such as a refund whose
//! payment is pending, is queued by every pass: what was lost is counted by the flows, once it is made.
//!
//! What cannot be read, planned, looked up or queued is counted and logged, and costs nothing beside it; the next
//! passes meet it again for as long as it is looked back at. Only what concerns a whole shop, such as a missing
//! scope, ends the shop's pass.
//!
//! The pass also renews the access tokens of apps whose tokens expire (`tokens.rs`), for shops that are not looked back
//! at as well: it is what comes to every shop every quarter of an hour.
//!
//! It sees what Shopify still shows. It cannot see order edits, labels that come after the approval,
//! instalments that are due, subscriptions, segments, a state of a shipment that another has followed,
//! payments that succeed or fail more than 48 hours after they were begun, and disputes that were opened more
//! than 120 days ago. Of a decline and of an inquiry that became a chargeback Shopify keeps no time: they are
//! left alone if they may have been before the shop's or the document's `since`, which is when the return was
//! requested or the inquiry opened before it.

// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]

mod error;
mod occurrence;
mod tokens;
mod tools;

use occurrence::Window;
pub use occurrence::{Occurrence, of_dispute, of_order};
pub use tools::Tools;

use account_statements::AccountStatements;
use comms::{CommunicationId, Flow, ShopDomain, chain};
use error::{PassError, PlanError};
use exception_letters::ExceptionLetters;
use flow::{GatherError, LookUp, Plan};
use jiff::Timestamp;
use order_confirmation::OrderConfirmation;
use return_letters::ReturnLetters;
use serde::{Serialize, de::IgnoredAny};
use serde_json::value::to_raw_value;
use service::{
    Invocation, Metric, Metrics, Service, Serving, ShopSecrets, StartError, function_name, pass_over_shops,
};
use shipping_documents::ShippingDocuments;
use shop_config::{ConfigError, ShopConfig};
use shopify::{AdminApi, AdminError, Call, changes::Page};
use std::time::Duration;
use targeted_offers::TargetedOffers;
use tokio::time::Instant;
use work::{Message, Queue, QueueError, Trigger, WorkItem};

/// Events come up to a day late, and not at all now and then.
const LOOK_BACK: Duration = Duration::from_secs(48 * 3600);

/// What is younger than this may still be on its way.
const GRACE: Duration = Duration::from_secs(10 * 60);

/// A dispute takes months to be decided.
const DISPUTES_LOOK_BACK: Duration = Duration::from_secs(120 * 24 * 3600);

const SHOPS_AT_ONCE: usize = 4;

pub struct Reconciliation {
    tools: Tools,
    function: String,
}

/// What a pass did: the function's answer, which people read.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct PassResult {
    pub shops: usize,
    /// Occurrences looked at.
    pub seen: u64,
    /// Occurrences queued because the ledger did not know their documents. Some have nothing to tell yet.
    pub queued: u64,
    /// Orders, rows of their lists, occurrences and pages that could not be dealt with; the log says which and why.
    pub problems: u64,
    /// Shops whose pass was aborted; the log says why.
    pub failed_shops: usize,
    /// Shops whose access token was renewed.
    pub renewed: usize,
}

#[derive(Default)]
struct PassCounts {
    seen: u64,
    queued: u64,
    problems: u64,
    renewed: bool,
}

impl Reconciliation {
    /// Reads the environment and makes the clients. Sends nothing.
    pub fn new(service: &Service) -> Result<Self, StartError> {
        Ok(Self::with(Tools {
            configs: service.configs()?,
            secrets: service.secrets()?,
            ledger: service.ledger()?,
            shopify: AdminApi::new(service.http()),
            queues: service.flow_queues()?,
            clock: Timestamp::now,
        }))
    }

    pub fn with(tools: Tools) -> Self {
        Self { tools, function: function_name() }
    }

    /// One pass over all shops.
    ///
    /// # Errors
    /// When the shops cannot be listed. A shop that fails is counted, logged, and looked at again by the next pass.
    pub async fn pass(&self, invocation: &Invocation) -> Result<PassResult, ConfigError> {
        let now = (self.tools.clock)();
        let time = invocation.time_left(now);
        let deadline = Instant::now() + time;
        let shops = self.tools.configs.shops().await?;
        let work = async |shop: &ShopDomain| self.shop(shop, now, deadline).await;
        let made = pass_over_shops(shops, now, time, SHOPS_AT_ONCE, work).await;
        let pass = PassResult {
            shops: made.done.len() + made.failed,
            seen: made.done.iter().map(|counts| counts.seen).sum(),
            queued: made.done.iter().map(|counts| counts.queued).sum(),
            problems: made.done.iter().map(|counts| counts.problems).sum(),
            failed_shops: made.failed,
            renewed: made.done.iter().filter(|counts| counts.renewed).count(),
        };
        let mut metrics = Metrics::default();
        metrics.count(Metric::Seen, pass.seen);
        metrics.count(Metric::Queued, pass.queued);
        metrics.count(Metric::Problems, pass.problems);
        metrics.count(Metric::FailedShops, pass.failed_shops as u64);
        metrics.emit(&self.function, now);
        Ok(pass)
    }

    async fn shop(
        &self,
        shop: &ShopDomain,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<PassCounts, PassError> {
        let loaded = self.tools.configs.get(shop, now).await?;
        let secrets = async || self.tools.secrets.shop(shop, now).await;
        let mut found = secrets().await?;
        // before anything that takes its time
        let renewed = tokens::renew(&self.tools, &loaded.config, &found, now, deadline).await?;
        let mut counts = PassCounts { renewed, ..PassCounts::default() };
        let Some(reconcile) = loaded.config.reconcile else { return Ok(counts) };
        if renewed {
            self.tools.secrets.forget(shop, &found).await;
            found = secrets().await?;
        }
        let back = |by: Duration| now.checked_sub(by).unwrap_or(now);
        let look = ShopPass {
            tools: &self.tools,
            config: &loaded.config,
            secrets: &found,
            window: Window {
                since: reconcile.since,
                from: back(LOOK_BACK).max(reconcile.since),
                to: back(GRACE),
            },
            now,
            deadline,
        };
        // few, and not to be left out where there are too many orders for the time
        let wants = |document| loaded.config.document(document).is_some();
        let disputes = match DISPUTE_DOCUMENTS.into_iter().any(wants) {
            true => look.disputes(back(DISPUTES_LOOK_BACK), &mut counts).await,
            false => Ok(()),
        };
        look.orders(&mut counts).await.and(disputes)?;
        Ok(counts)
    }
}

const DISPUTE_DOCUMENTS: [comms::Document; 2] =
    [comms::Document::DisputeNotice, comms::Document::DisputeResolution];

/// The pass of one shop.
struct ShopPass<'a> {
    tools: &'a Tools,
    config: &'a ShopConfig,
    secrets: &'a ShopSecrets,
    window: Window,
    now: Timestamp,
    deadline: Instant,
}

impl ShopPass<'_> {
    fn call(&self) -> Call<'_> {
        Call {
            shop: &self.config.shop,
            settings: &self.config.shopify,
            credentials: &self.secrets.shopify,
            now: self.now,
            deadline: self.deadline,
        }
    }

    async fn orders(&self, counts: &mut PassCounts) -> Result<(), PassError> {
        let since = self.window.from;
        let page = async |after: Option<String>| {
            self.tools.shopify.changed_orders(self.call(), since, after.as_deref()).await
        };
        self.pages(page, of_order, counts).await
    }

    async fn disputes(&self, since: Timestamp, counts: &mut PassCounts) -> Result<(), PassError> {
        let page = async |after: Option<String>| {
            self.tools.shopify.recent_disputes(self.call(), since, after.as_deref()).await
        };
        self.pages(page, of_dispute, counts).await
    }

    /// Deals with page after page.
    async fn pages<T>(
        &self,
        page: impl AsyncFn(Option<String>) -> Result<Page<T>, AdminError>,
        occurrences: fn(&T) -> Vec<Occurrence>,
        counts: &mut PassCounts,
    ) -> Result<(), PassError> {
        let mut after = None;
        loop {
            let Page { items, problems, next } = match page(after.clone()).await {
                // a budget that others have used up is no reason to begin again from the first page
                Err(AdminError::Throttled { retry_after: Some(wait) }) if self.has_time_for(wait) => {
                    tokio::time::sleep(wait).await;
                    continue;
                }
                page => page?,
            };
            for problem in problems {
                counts.problems += 1;
                tracing::warn!(shop = %self.config.shop, problem = chain(&problem), "cannot be read");
            }
            self.recover(items.iter().flat_map(occurrences).collect(), counts).await;
            match next {
                // a page that leads to itself has no end
                Some(next) if after.as_ref() != Some(&next) => after = Some(next),
                _ => return Ok(()),
            }
        }
    }

    fn has_time_for(&self, wait: Duration) -> bool {
        Instant::now() + wait < self.deadline
    }

    /// Queues those occurrences of which the ledger does not know every communication.
    async fn recover(&self, found: Vec<Occurrence>, counts: &mut PassCounts) {
        let shop = &self.config.shop;
        let mut candidates = Vec::new();
        for occurrence in found.into_iter().filter(|it| self.window.has(it)) {
            counts.seen += 1;
            let (topic, subject) = (occurrence.topic, &occurrence.subject);
            for flow in occurrence.flows() {
                match self.candidate(&occurrence, flow).await {
                    Ok(candidate) => candidates.extend(candidate),
                    Err(error) => {
                        counts.problems += 1;
                        tracing::warn!(%shop, %flow, topic, %subject, reason = chain(&error), "cannot be planned");
                    }
                }
            }
        }
        let ids: Vec<CommunicationId> = candidates.iter().flat_map(|(_, ids)| ids).cloned().collect();
        let known = match self.tools.ledger.known(&ids).await {
            Ok(known) => known,
            Err(error) => {
                counts.problems += 1;
                tracing::warn!(%shop, communications = ids.len(), reason = chain(&error), "not looked up");
                return;
            }
        };
        for (item, ids) in candidates {
            let Some(missing) = ids.iter().find(|id| !known.contains(*id)) else { continue };
            let Some(queue) = self.tools.queues.get(&item.flow) else { continue };
            let WorkItem { flow, trigger, .. } = &item;
            match send(queue, &item).await {
                Ok(()) => {
                    counts.queued += 1;
                    tracing::info!(%shop, %flow, communication = %missing, topic = trigger.topic, "queued: its event was missed");
                }
                Err(error) => {
                    counts.problems += 1;
                    tracing::warn!(%shop, %flow, communication = %missing, reason = chain(&error), "not queued");
                }
            }
        }
    }

    /// The work an occurrence means, and its communications; nothing, if the shop wants none of them.
    async fn candidate(
        &self,
        occurrence: &Occurrence,
        flow: Flow,
    ) -> Result<Option<(WorkItem, Vec<CommunicationId>)>, PlanError> {
        if !self.config.follows_events(flow) {
            return Ok(None);
        }
        let earliest = occurrence.earliest;
        let mut item = work_item(&self.config.shop, occurrence, flow)?;
        let look_up = LookUp {
            item: &item,
            payload: item.payload.as_ref().map(|payload| payload.get()),
            config: self.config,
            secrets: self.secrets,
            shopify: &self.tools.shopify,
            now: self.now,
            time_left: self.deadline.saturating_duration_since(Instant::now()),
        };
        let plans = plans(look_up).await.map_err(PlanError::Flow)?;
        let wanted = plans.iter().filter(|plan| plan.is_wanted(&item, self.config, Some(earliest)));
        let id =
            |plan: &Plan| CommunicationId::derive(&item.shop, plan.document, &plan.subject, &plan.revision);
        let ids: Vec<_> = wanted.map(id).collect();
        let Some(first) = ids.first() else { return Ok(None) };
        item.trigger.webhook_id = format!("{}{first}", Trigger::RECONCILED);
        Ok(Some((item, ids)))
    }
}

async fn send(queue: &Queue, item: &WorkItem) -> Result<(), QueueError> {
    queue.send(&Message::of(item)?).await
}

/// The work an occurrence means for a flow.
fn work_item(shop: &ShopDomain, occurrence: &Occurrence, flow: Flow) -> Result<WorkItem, serde_json::Error> {
    let trigger = Trigger {
        topic: occurrence.topic.to_owned(),
        // says that the event was missed; the communication's id follows once it is planned
        webhook_id: Trigger::RECONCILED.to_owned(),
        event_id: None,
        triggered_at: occurrence.at(),
        test: false,
    };
    Ok(WorkItem {
        v: WorkItem::VERSION,
        shop: shop.clone(),
        flow,
        trigger,
        subject: occurrence.subject.clone(),
        payload: occurrence.payload.as_ref().map(to_raw_value).transpose()?,
        payload_key: None,
        resend: None,
        next_channel: None,
        request: None,
        trace: None,
    })
}

/// What a flow would make of an item.
///
/// # Errors
/// When the flow does not understand the item, or Shopify has to be asked and cannot be.
pub async fn plans(look_up: LookUp<'_>) -> Result<Vec<Plan>, GatherError> {
    match look_up.item.flow {
        Flow::OrderConfirmation => flow::plans(&OrderConfirmation, look_up).await,
        Flow::ShippingDocuments => flow::plans(&ShippingDocuments, look_up).await,
        Flow::ReturnLetters => flow::plans(&ReturnLetters, look_up).await,
        Flow::TargetedOffers => flow::plans(&TargetedOffers, look_up).await,
        Flow::AccountStatements => flow::plans(&AccountStatements, look_up).await,
        Flow::ExceptionLetters => flow::plans(&ExceptionLetters, look_up).await,
    }
}

/// Starts the function and serves its invocations until Lambda ends the process.
pub fn serve() -> Serving {
    Box::pin(async {
        let service = Service::start().await?;
        let reconciliation = Reconciliation::new(&service)?;
        service::run(async |_: IgnoredAny, invocation| reconciliation.pass(&invocation).await).await
    })
}
