//! Asks the channels that report outcomes what became of what they accepted.
//!
//! Runs on a schedule and makes a round over all shops. A communication moves from `accepted` to `delivered`
//! or `bounced` only on a channel's word; silence for a day is noted as "unconfirmed" and never leads to
//! another send. An outcome is recorded once, whoever asks; its report to Shopify is queued after that, and
//! only then is the communication left alone: after a death in between, the next round queues the report. A
//! recipient who opted out of marketing goes on the suppression list.
//!
//! What goes wrong with one communication is its own problem: it is counted and logged, and put off, so that those
//! behind it have their turn and a later round comes back to it.

// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]

use comms::{CustomerKey, MessageClass, ShopDomain, State, WriteBackState, chain};
use delivery::{Channels, EmailOutcome, EmailStatus, StatusCall};
use flow::report;
use futures::{StreamExt, stream};
use jiff::Timestamp;
use ledger::{Entry, Fate, Ledger, Problem};
use serde::{Serialize, de::IgnoredAny};
use service::{
    Invocation, Metric, Metrics, Secrets, Service, Serving, ShopSecrets, StartError, function_name,
    round_of_shops,
};
use shop_config::{Channel, ConfigError, ConfigStore, Loaded};
use std::time::Duration;
use work::{Message, Queue};

/// How many communications of a shop are asked about in one round.
const A_ROUND: u16 = 500;

/// How many shops at once; how many questions a shop is a setting.
const SHOPS_AT_ONCE: usize = 4;

/// After so long nothing more is expected to be heard.
const SILENCE: Duration = Duration::from_secs(24 * 3600);

const UNCONFIRMED: &str = "unconfirmed: nothing was heard of it for 24 h";

/// The means the function works with.
pub struct Tools {
    pub configs: ConfigStore,
    pub secrets: Secrets,
    pub ledger: Ledger,
    pub channels: Channels,
    pub write_back: Queue,
    /// How many questions of a shop at once.
    pub concurrency: usize,
    pub clock: fn() -> Timestamp,
}

pub struct DeliveryStatus {
    tools: Tools,
    function: String,
}

/// What a round did: the function's answer, which people read.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Round {
    pub shops: usize,
    pub asked: u64,
    pub delivered: u64,
    pub bounced: u64,
    pub unconfirmed: u64,
    /// Communications that could not be dealt with; the log says which and why.
    pub problems: u64,
    /// Shops whose pass was aborted; the log says why.
    pub troubled: usize,
}

impl DeliveryStatus {
    /// Reads the environment and makes the clients. Sends nothing.
    pub fn new(service: &Service) -> Result<Self, StartError> {
        Ok(Self::with(Tools {
            configs: service.configs()?,
            secrets: service.secrets()?,
            ledger: service.ledger()?,
            channels: service.channels()?,
            write_back: service.queue("WRITE_BACK_QUEUE_URL")?,
            concurrency: service.concurrency()?,
            clock: Timestamp::now,
        }))
    }

    pub fn with(tools: Tools) -> Self {
        Self { tools, function: function_name() }
    }

    /// One round over all shops.
    ///
    /// # Errors
    /// When the shops cannot be listed. A shop in trouble is counted, logged, and asked again next time.
    pub async fn round(&self, invocation: &Invocation) -> Result<Round, ConfigError> {
        let now = (self.tools.clock)();
        let shops = self.tools.configs.shops().await?;
        let time = invocation.time_left(now);
        let made = round_of_shops(shops, now, time, SHOPS_AT_ONCE, async |shop| self.shop(shop).await).await;
        let shops = made.done.len() + made.troubled;
        let mut round = Round { shops, troubled: made.troubled, ..Round::default() };
        made.done.iter().for_each(|asked| round.add(asked));
        let mut metrics = Metrics::default();
        metrics.count(Metric::Asked, round.asked);
        metrics.count(Metric::Delivered, round.delivered);
        metrics.count(Metric::Bounced, round.bounced);
        metrics.count(Metric::Unconfirmed, round.unconfirmed);
        metrics.count(Metric::Problems, round.problems);
        metrics.count(Metric::Troubled, round.troubled as u64);
        metrics.emit(&self.function, now);
        Ok(round)
    }

    async fn shop(&self, shop: &ShopDomain) -> Result<Asked, String> {
        let now = (self.tools.clock)();
        let due = self.tools.ledger.due_checks(shop, now, A_ROUND).await.map_err(|error| chain(&error))?;
        for problem in &due.problems {
            self.not_read(shop, problem, now).await;
        }
        let mut asked = Asked { fates: Vec::new(), problems: due.problems.len() as u64 };
        if due.entries.is_empty() {
            return Ok(asked);
        }
        let loaded = self.tools.configs.get(shop, now).await.map_err(|error| chain(&error))?;
        let secrets = self.tools.secrets.shop(shop, now).await.map_err(|error| chain(&error))?;
        let results: Vec<_> = stream::iter(&due.entries)
            .map(|entry| self.attempt(entry, &loaded, &secrets))
            .buffer_unordered(self.tools.concurrency.max(1))
            .collect()
            .await;
        let mut trouble = None;
        for result in results {
            match result {
                Ok(fate) => asked.fates.push(fate),
                Err(reason) => {
                    asked.problems += 1;
                    trouble = Some(reason);
                }
            }
        }
        match trouble {
            // not one: that is the shop's trouble and no communication's
            Some(reason) if asked.fates.is_empty() => Err(reason),
            _ => Ok(asked),
        }
    }

    /// An item that this release cannot read has its turn again after the others. One that the table was too busy
    /// for stays where it is.
    async fn not_read(&self, shop: &ShopDomain, problem: &Problem, now: Timestamp) {
        let communication = problem.pk.as_str();
        tracing::warn!(%shop, communication, reason = chain(&problem.error), "cannot be read");
        if problem.is_unreadable() {
            let at = now.checked_add(pause(Duration::ZERO)).unwrap_or(now);
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
    ) -> Result<Option<Fate>, String> {
        let result = self.settle(entry, loaded, secrets).await;
        if let Err(reason) = &result {
            let Entry { shop, communication, .. } = entry;
            tracing::warn!(%shop, %communication, reason, "could not be asked about");
            let now = (self.tools.clock)();
            if let Err(reason) = self.later(entry, age(entry, now), now).await {
                tracing::warn!(%shop, %communication, reason, "not put off");
            }
        }
        result
    }

    async fn settle(
        &self,
        entry: &Entry,
        loaded: &Loaded,
        secrets: &ShopSecrets,
    ) -> Result<Option<Fate>, String> {
        let now = (self.tools.clock)();
        if entry.state != State::Accepted || entry.reason.as_deref() == Some(UNCONFIRMED) {
            // an earlier round recorded its outcome and got no further
            return self.finish(entry, loaded).await.map(|()| None);
        }
        let age = age(entry, now);
        let asked = self.ask(entry, loaded, secrets, now).await;
        let fate = match asked {
            Ok(Some(EmailOutcome { status, opted_out })) => {
                if opted_out {
                    self.opted_out(entry, loaded, now).await?;
                }
                match status {
                    EmailStatus::Delivered => Some(Fate::Delivered),
                    EmailStatus::Bounced { reason } => Some(Fate::Bounced { reason }),
                    EmailStatus::Pending | EmailStatus::Gone => None,
                }
            }
            Ok(None) => None,
            // a channel that cannot be asked is silent, too: it is not asked for ever
            Err(reason) if age < SILENCE => return Err(reason),
            Err(_) => None,
        };
        let fate = match fate {
            None if age >= SILENCE => Fate::Unconfirmed { reason: UNCONFIRMED.to_owned() },
            None => return self.later(entry, age, now).await.map(|()| None),
            Some(fate) => fate,
        };
        let owed = report::owed(&loaded.config, &entry.order, false);
        let recorded = self.tools.ledger.record_fate(&entry.communication, &fate, owed, now).await;
        let Some(entry) = recorded.map_err(|error| chain(&error))? else { return Ok(None) };
        log(&entry);
        self.finish(&entry, loaded).await?;
        Ok(Some(fate))
    }

    async fn finish(&self, entry: &Entry, loaded: &Loaded) -> Result<(), String> {
        if entry.write_back == WriteBackState::Pending {
            let item = report::item(entry, &loaded.config);
            let message = Message::of(&item).map_err(|error| chain(&error))?;
            self.tools.write_back.send(&message).await.map_err(|error| chain(&error))?;
        }
        self.tools.ledger.checked(&entry.communication).await.map_err(|error| chain(&error))
    }

    /// Nothing, where the channel has nothing to say.
    async fn ask(
        &self,
        entry: &Entry,
        loaded: &Loaded,
        secrets: &ShopSecrets,
        now: Timestamp,
    ) -> Result<Option<EmailOutcome>, String> {
        let channel = entry.channel.as_deref().and_then(|name| name.parse::<Channel>().ok());
        let (Some(Channel::Email), Some(job_id)) = (channel, entry.reference.as_deref()) else {
            return Ok(None);
        };
        let settings = loaded.config.delivery.email.as_ref();
        let settings = settings.ok_or("the section [delivery.email] is gone from the configuration")?;
        let call = StatusCall {
            shop: &entry.shop,
            settings,
            credentials: &secrets.email,
            job_id,
            now,
            timeout: settings.timeout(),
        };
        self.tools.channels.email_status(call).await.map(Some).map_err(|error| chain(&error))
    }

    async fn opted_out(&self, entry: &Entry, loaded: &Loaded, now: Timestamp) -> Result<(), String> {
        let settings = loaded.config.documents.get(&entry.document);
        let class =
            settings.map_or(entry.document.default_class(), |settings| settings.class(entry.document));
        let customer = entry.customer.as_deref().and_then(|key| key.parse::<CustomerKey>().ok());
        let (MessageClass::Marketing, Some(customer)) = (class, customer) else { return Ok(()) };
        let suppressed = self.tools.ledger.suppress(&entry.shop, &customer, "opted out of e-mail", now).await;
        suppressed.map_err(|error| chain(&error))
    }

    async fn later(&self, entry: &Entry, age: Duration, now: Timestamp) -> Result<(), String> {
        let at = now.checked_add(pause(age)).unwrap_or(now);
        self.tools.ledger.check_again(entry.communication.as_str(), at).await.map_err(|error| chain(&error))
    }
}

/// What came of one shop's communications.
#[derive(Debug, Default)]
struct Asked {
    fates: Vec<Option<Fate>>,
    problems: u64,
}

impl Round {
    fn add(&mut self, Asked { fates, problems }: &Asked) {
        self.asked += fates.len() as u64;
        self.problems += problems;
        for fate in fates.iter().flatten() {
            match fate {
                Fate::Delivered => self.delivered += 1,
                Fate::Bounced { .. } => self.bounced += 1,
                Fate::Unconfirmed { .. } => self.unconfirmed += 1,
            }
        }
    }
}

/// Since the channel took it.
fn age(entry: &Entry, now: Timestamp) -> Duration {
    let millis = now.as_millisecond().saturating_sub(entry.updated_epoch_ms);
    Duration::from_millis(u64::try_from(millis).unwrap_or_default())
}

/// Most is heard soon, and what is not is worth few questions.
fn pause(age: Duration) -> Duration {
    const HOUR: u64 = 3600;
    Duration::from_secs(match age.as_secs() {
        0..HOUR => HOUR / 12,
        HOUR..21_600 => HOUR / 2,
        _ => 2 * HOUR,
    })
}

fn log(entry: &Entry) {
    let Entry { shop, flow, document, communication, state, reason, .. } = entry;
    match (state, reason) {
        (State::Delivered, _) => tracing::info!(%shop, %flow, %document, %communication, %state),
        (_, reason) => tracing::warn!(%shop, %flow, %document, %communication, %state, reason),
    }
}

/// Starts the function and serves its invocations until Lambda ends the process.
pub fn serve() -> Serving {
    Box::pin(async {
        let service = Service::start().await?;
        let status = DeliveryStatus::new(&service)?;
        service::run(async |_: IgnoredAny, invocation| status.round(&invocation).await).await
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_get_rarer_and_end_after_a_day() {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        assert_eq!(pause(minutes(1)), minutes(5));
        assert_eq!(pause(minutes(60)), minutes(30));
        assert_eq!(pause(minutes(600)), minutes(120));
        let (mut age, mut questions) = (Duration::ZERO, 0);
        while age < SILENCE {
            age += pause(age);
            questions += 1;
        }
        assert!(questions < 40, "{questions} questions about a silent e-mail");
    }

    #[test]
    fn a_round_counts_what_it_learned() {
        let mut round = Round::default();
        let bounced = Fate::Bounced { reason: "550".to_owned() };
        let fates = vec![Some(Fate::Delivered), None, Some(bounced), Some(Fate::Delivered)];
        round.add(&Asked { fates, problems: 2 });
        round.add(&Asked { fates: vec![None], problems: 1 });
        assert_eq!((round.asked, round.delivered, round.bounced, round.unconfirmed), (5, 2, 1, 0));
        assert_eq!(round.problems, 3);
    }
}
