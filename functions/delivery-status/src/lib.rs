//! Asks the channels that report outcomes what became of what they accepted.
//!
//! Runs on a schedule and makes a pass over all shops. A communication moves from `accepted` to `delivered`
//! or `bounced` only if a channel reports it; silence for a day is noted as "unconfirmed" and never leads to
//! another send. `delivered` is not the end: for as many days as the shop says, ever more rarely, the channel is asked
//! whether the message was returned or its recipient opted out of marketing, who is then put on the suppression list
//! (`watch.rs`).
//!
//! What a channel says becomes a fact beside the record (`facts.rs`), in its own words; then the outcome is recorded, once,
//! whoever asks; its report to Shopify is queued after that, and only then is the communication put off or left alone.
//! After a death in between, the next pass does the rest.
//!
//! Print providers put status files into the operations bucket, which are read first (`print_files.rs`).
//!
//! What goes wrong with one communication is its own problem: it is counted and logged, and put off, so that those
//! behind it have their turn and a later pass asks again.

// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]

mod error;
mod facts;
mod print_files;
mod printed;
mod watch;

use archive::Archive;
use comms::{CustomerKey, Flow, MessageClass, ShopDomain, State, WriteBackState, chain};
use delivery::{Channels, JobOutcome, StatusCall};
use error::CheckError;
use flow::{
    channel_of,
    next_channel::{self, is_unconfirmed},
    report,
};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use ledger::{ChannelOutcome, Entry, Ledger, Problem};
use serde::{Serialize, de::IgnoredAny};
use service::{
    Invocation, Metric, Metrics, Secrets, Service, Serving, ShopSecrets, StartError, function_name,
    pass_over_shops,
};
use shop_config::{ConfigError, ConfigStore, Loaded, ShopConfig};
use std::{borrow::Cow, collections::HashMap};
use tokio::time::Instant;
use watch::{Step, Watch};
use work::{Message, Queue, QueueError};

pub use print_files::{FileResult, PrintFiles};

/// How many communications of a shop are listed at once.
const PAGE: u16 = 500;

/// How many shops at once; how many questions per shop is a setting.
const SHOPS_AT_ONCE: usize = 4;

/// The function's clients and settings.
pub struct Tools {
    pub configs: ConfigStore,
    pub secrets: Secrets,
    pub ledger: Ledger,
    /// Where what channels say becomes evidence.
    pub archive: Archive,
    pub channels: Channels,
    pub write_back: Queue,
    /// Where the next channel is asked for.
    pub flows: HashMap<Flow, Queue>,
    /// How many questions of a shop at once.
    pub concurrency: usize,
    pub clock: fn() -> Timestamp,
}

pub struct DeliveryStatus {
    tools: Tools,
    /// Where print providers put status files.
    files: Option<PrintFiles>,
    function: String,
}

/// What a pass did: the function's answer, which people read.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct PassResult {
    pub shops: usize,
    pub asked: u64,
    pub delivered: u64,
    pub bounced: u64,
    pub opted_out: u64,
    pub unconfirmed: u64,
    /// Communications that could not be dealt with; the log says which and why.
    pub problems: u64,
    /// Shops whose pass was aborted; the log says why.
    pub failed_shops: usize,
}

impl DeliveryStatus {
    /// Reads the environment and makes the clients. Sends nothing.
    pub fn new(service: &Service) -> Result<Self, StartError> {
        let files = PrintFiles::new(service.s3(), service::required("OPERATIONS_BUCKET")?);
        Ok(Self::with(Tools {
            configs: service.configs()?,
            secrets: service.secrets()?,
            ledger: service.ledger()?,
            archive: service.archive()?,
            channels: service.channels()?,
            write_back: service.queue("WRITE_BACK_QUEUE_URL")?,
            flows: service.flow_queues()?,
            concurrency: service.concurrency()?,
            clock: Timestamp::now,
        })
        .reading(files))
    }

    pub fn with(tools: Tools) -> Self {
        Self { tools, files: None, function: function_name() }
    }

    /// The same, which also reads the status files of print providers.
    pub fn reading(self, files: PrintFiles) -> Self {
        Self { files: Some(files), ..self }
    }

    /// One pass over all shops.
    ///
    /// # Errors
    /// When the shops cannot be listed. A shop that fails is counted, logged, and asked about again by the next pass.
    pub async fn pass(&self, invocation: &Invocation) -> Result<PassResult, ConfigError> {
        let now = (self.tools.clock)();
        let shops = self.tools.configs.shops().await?;
        let time = invocation.time_left(now);
        // no page is begun that could be cut off, so that what was done is counted
        let last_page = Instant::now() + time / 2;
        let pass = async |shop: &ShopDomain| self.shop(shop, last_page).await;
        let made = pass_over_shops(shops, now, time, SHOPS_AT_ONCE, pass).await;
        let shops = made.done.len() + made.failed;
        let mut pass = PassResult { shops, failed_shops: made.failed, ..PassResult::default() };
        made.done.iter().for_each(|asked| pass.add(asked));
        let mut metrics = Metrics::default();
        metrics.count(Metric::Asked, pass.asked);
        metrics.count(Metric::Delivered, pass.delivered);
        metrics.count(Metric::Bounced, pass.bounced);
        metrics.count(Metric::OptedOut, pass.opted_out);
        metrics.count(Metric::Unconfirmed, pass.unconfirmed);
        metrics.count(Metric::Problems, pass.problems);
        metrics.count(Metric::FailedShops, pass.failed_shops as u64);
        metrics.emit(&self.function, now);
        Ok(pass)
    }

    /// What print providers say, then what other channels answer.
    async fn shop(&self, shop: &ShopDomain, last_page: Instant) -> Result<Asked, CheckError> {
        let printed = self.printed(shop, last_page).await;
        let mut asked = self.pages(shop, last_page).await?;
        asked.outcomes.extend(printed.outcomes);
        asked.problems += printed.problems;
        Ok(asked)
    }

    /// Page by page until nothing is due.
    async fn pages(&self, shop: &ShopDomain, last_page: Instant) -> Result<Asked, CheckError> {
        let mut asked = Asked::default();
        loop {
            let page = self.page(shop).await?;
            let is_last = page.is_last || page.asked.outcomes.is_empty() || Instant::now() >= last_page;
            asked.outcomes.extend(page.asked.outcomes);
            asked.problems += page.asked.problems;
            match page.last_error {
                // not one: the cause is the shop's and no communication's
                Some(error) if asked.outcomes.is_empty() => return Err(error),
                _ if is_last => return Ok(asked),
                _ => {}
            }
        }
    }

    async fn page(&self, shop: &ShopDomain) -> Result<Page, CheckError> {
        let now = (self.tools.clock)();
        let due = self.tools.ledger.due_checks(shop, now, PAGE).await?;
        for problem in &due.problems {
            self.not_read(shop, problem, now).await;
        }
        let is_last = due.entries.len() + due.problems.len() < usize::from(PAGE);
        let asked = Asked { outcomes: Vec::new(), problems: due.problems.len() as u64 };
        let mut page = Page { asked, last_error: None, is_last };
        // the index may still list what was put off or left alone a moment ago
        let is_due = |entry: &&Entry| entry.check_epoch_ms.is_some_and(|at| at <= now.as_millisecond());
        let entries: Vec<_> = due.entries.iter().filter(is_due).collect();
        if entries.is_empty() {
            return Ok(page);
        }
        let loaded = self.tools.configs.get(shop, now).await?;
        let secrets = self.tools.secrets.shop(shop, now).await?;
        let results: Vec<_> = stream::iter(entries)
            .map(|entry| self.attempt(entry, &loaded, &secrets))
            .buffer_unordered(self.tools.concurrency.max(1))
            .collect()
            .await;
        for result in results {
            match result {
                Ok(outcome) => page.asked.outcomes.push(outcome),
                Err(error) => {
                    page.asked.problems += 1;
                    page.last_error = Some(error);
                }
            }
        }
        Ok(page)
    }

    /// An item that this release cannot read is put off behind the others. One that the table was too busy
    /// for stays where it is.
    async fn not_read(&self, shop: &ShopDomain, problem: &Problem, now: Timestamp) {
        let communication = problem.pk.as_str();
        tracing::warn!(%shop, communication, reason = chain(&problem.error), "cannot be read");
        if problem.is_unreadable() {
            let at = now.checked_add(watch::FIRST_PAUSE).unwrap_or(now);
            if let Err(error) = self.tools.ledger.check_again(communication, at).await {
                tracing::warn!(%shop, communication, reason = chain(&error), "not put off");
            }
        }
    }

    /// Deals with one. What fails is put off, whatever it is.
    async fn attempt(
        &self,
        entry: &Entry,
        loaded: &Loaded,
        secrets: &ShopSecrets,
    ) -> Result<Option<ChannelOutcome>, CheckError> {
        let result = self.settle(entry, loaded, secrets).await;
        if let Err(error) = &result {
            let Entry { shop, communication, .. } = entry;
            tracing::warn!(%shop, %communication, reason = chain(error), "could not be asked about");
            let now = (self.tools.clock)();
            if let Err(error) = self.put_off(entry, Watch::new(entry, &loaded.config, now), now).await {
                tracing::warn!(%shop, %communication, reason = chain(&error), "not put off");
            }
        }
        result
    }

    async fn settle(
        &self,
        entry: &Entry,
        loaded: &Loaded,
        secrets: &ShopSecrets,
    ) -> Result<Option<ChannelOutcome>, CheckError> {
        let now = (self.tools.clock)();
        // an earlier pass may have recorded an outcome and got no further
        if entry.state != State::Accepted || is_unconfirmed(entry) {
            self.report(entry, loaded).await?;
            self.try_next_channel(entry, loaded).await?;
        }
        if watch::is_settled(entry) {
            return self.leave(entry).await.map(|()| None);
        }
        let watch = Watch::new(entry, &loaded.config, now);
        let answer = self.ask(entry, loaded, secrets, now).await;
        if let Ok(Some(JobOutcome { opted_out: true, .. })) = answer {
            self.opted_out(entry, watch.class, now).await?;
        }
        if let Ok(Some(JobOutcome { opened: true, .. })) = answer {
            self.opened(entry, &loaded.config, now).await?;
        }
        let Step { outcome, is_last } = watch.step(entry, answer)?;
        let mut known = Cow::Borrowed(entry);
        if let Some(outcome) = &outcome {
            let owed = report::owed(&loaded.config, &entry.reported_on, false);
            facts::add(&self.tools.archive, entry, outcome, None, now).await?;
            let recorded = self.tools.ledger.record_outcome(entry, outcome, owed, now).await?;
            // whoever was faster reports it, too
            let Some(recorded) = recorded else { return Ok(None) };
            log(&recorded);
            self.report(&recorded, loaded).await?;
            self.try_next_channel(&recorded, loaded).await?;
            known = Cow::Owned(recorded);
        }
        if is_last {
            self.leave(&known).await?;
        } else {
            self.put_off(&known, watch, now).await?;
        }
        Ok(outcome)
    }

    /// Queues what is owed to Shopify. A report that is queued twice makes no difference there.
    async fn report(&self, entry: &Entry, loaded: &Loaded) -> Result<(), CheckError> {
        if entry.write_back != WriteBackState::Pending {
            return Ok(());
        }
        let item = report::item(entry, &loaded.config);
        let message = Message::of(&item).map_err(QueueError::from)?;
        Ok(self.tools.write_back.send(&message).await?)
    }

    /// Asks the flow to try the next channel, if this one did not deliver and the shop wants it. Asked for twice, it is
    /// tried once.
    async fn try_next_channel(&self, entry: &Entry, loaded: &Loaded) -> Result<(), CheckError> {
        let Some(item) = next_channel::item(entry, &loaded.config) else { return Ok(()) };
        let queue = self.tools.flows.get(&entry.flow).ok_or(CheckError::NoQueue(entry.flow))?;
        let message = Message::of(&item).map_err(QueueError::from)?;
        Ok(queue.send(&message).await?)
    }

    async fn leave(&self, entry: &Entry) -> Result<(), CheckError> {
        Ok(self.tools.ledger.checked(&entry.communication).await?)
    }

    /// `None` from a channel that does not report outcomes.
    async fn ask(
        &self,
        entry: &Entry,
        loaded: &Loaded,
        secrets: &ShopSecrets,
        now: Timestamp,
    ) -> Result<Option<JobOutcome>, CheckError> {
        let channel = channel_of(entry).filter(|channel| channel.is_messaging());
        let (Some(channel), Some(job_id)) = (channel, entry.reference.as_deref()) else {
            return Ok(None);
        };
        let class = watch::class(entry, &loaded.config);
        let settings = loaded.config.delivery.messaging(channel, class);
        let settings = settings.ok_or(CheckError::NoSettings(channel))?;
        let call = StatusCall {
            shop: &entry.shop,
            channel,
            settings,
            credentials: secrets.messaging(channel),
            job_id,
            now,
            timeout: settings.timeout,
        };
        Ok(Some(self.tools.channels.job_status(call).await?))
    }

    async fn opted_out(&self, entry: &Entry, class: MessageClass, now: Timestamp) -> Result<(), CheckError> {
        let customer = entry.customer.as_deref().and_then(|key| key.parse::<CustomerKey>().ok());
        let (MessageClass::Marketing, Some(customer)) = (class, customer) else { return Ok(()) };
        Ok(self.tools.ledger.suppress(&entry.shop, &customer, watch::OPTED_OUT, now).await?)
    }

    /// The first opening that is heard of, if the shop wants to know.
    async fn opened(&self, entry: &Entry, config: &ShopConfig, now: Timestamp) -> Result<(), CheckError> {
        let noted = config.delivery.email.as_ref().is_some_and(|email| email.note_openings);
        match noted && entry.opened_epoch_ms.is_none() {
            true => Ok(self.tools.ledger.record_opening(&entry.communication, now).await?),
            false => Ok(()),
        }
    }

    async fn put_off(&self, entry: &Entry, watch: Watch, now: Timestamp) -> Result<(), CheckError> {
        let at = now.checked_add(watch.pause(entry)).unwrap_or(now);
        Ok(self.tools.ledger.check_again(entry.communication.as_str(), at).await?)
    }
}

/// The result of one page of a shop's communications.
struct Page {
    asked: Asked,
    /// Why one of them could not be dealt with.
    last_error: Option<CheckError>,
    is_last: bool,
}

/// The results of one shop's communications.
#[derive(Debug, Default)]
struct Asked {
    outcomes: Vec<Option<ChannelOutcome>>,
    problems: u64,
}

impl PassResult {
    fn add(&mut self, Asked { outcomes, problems }: &Asked) {
        self.asked += outcomes.len() as u64;
        self.problems += problems;
        for outcome in outcomes.iter().flatten() {
            match outcome {
                ChannelOutcome::Delivered => self.delivered += 1,
                ChannelOutcome::Bounced { .. } => self.bounced += 1,
                ChannelOutcome::OptedOut { .. } => self.opted_out += 1,
                ChannelOutcome::Unconfirmed { .. } => self.unconfirmed += 1,
            }
        }
    }
}

fn log(entry: &Entry) {
    let Entry { shop, flow, document, communication, state, reason, .. } = entry;
    match (state, reason) {
        (State::Delivered, None) => tracing::info!(%shop, %flow, %document, %communication, %state),
        (_, reason) => tracing::warn!(%shop, %flow, %document, %communication, %state, reason),
    }
}

/// Starts the function and serves its invocations until Lambda ends the process.
pub fn serve() -> Serving {
    Box::pin(async {
        let service = Service::start().await?;
        let status = DeliveryStatus::new(&service)?;
        service::run(async |_: IgnoredAny, invocation| status.pass(&invocation).await).await
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_counts_what_it_learned() {
        let mut pass = PassResult::default();
        let bounced = ChannelOutcome::Bounced { reason: "550".to_owned() };
        let outcomes =
            vec![Some(ChannelOutcome::Delivered), None, Some(bounced), Some(ChannelOutcome::Delivered)];
        pass.add(&Asked { outcomes, problems: 2 });
        pass.add(&Asked { outcomes: vec![None], problems: 1 });
        assert_eq!((pass.asked, pass.delivered, pass.bounced, pass.unconfirmed), (5, 2, 1, 0));
        assert_eq!(pass.problems, 3);
    }
}
