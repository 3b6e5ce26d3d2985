//! The services around a function, as models: how long they take, how much they take, and how they refuse.

use crate::product::Recipe;
use comms::Class;
use shopify::{MAX_PAUSE, MAX_PAUSES};
use std::{
    cell::{Cell, RefCell},
    time::Duration,
};
use tokio::time::{Instant, sleep};
use work::{Record, Retry};

/// Middle latencies, those of `make bench`. What is drawn spreads around them like a logarithmic normal
/// distribution: one in a hundred takes 2.5 times as long.
const LEDGER: Duration = Duration::from_millis(4);
pub const ARCHIVE: Duration = Duration::from_millis(25);
const COMPOSE: Duration = Duration::from_millis(200);
const SEND: Duration = Duration::from_millis(100);
pub const SHOPIFY: Duration = Duration::from_millis(150);
/// One output of a batch job.
pub const FETCH: Duration = Duration::from_millis(60);
const REFUSAL: Duration = Duration::from_millis(20);
const SPREAD: f64 = 0.4;

/// The functions' time for one document (`timeout_ms` of the shop's Exstream).
const COMPOSE_TIME_OUT: Duration = Duration::from_secs(30);
/// What Exstream asks for when it refuses.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The share of a limit that is used, in its busiest minute.
#[derive(Default)]
pub struct Usage {
    minute: Cell<u64>,
    used: Cell<f64>,
    peak: Cell<f64>,
}

impl Usage {
    pub fn add(&self, since: Duration, amount: f64) {
        let minute = since.as_secs() / 60;
        if self.minute.replace(minute) != minute {
            self.used.set(0.0);
        }
        self.used.set(self.used.get() + amount);
        self.peak.set(self.peak.get().max(self.used.get()));
    }

    pub fn share_of(&self, limit: f64) -> f64 {
        // what began in the minute before, or came out of a bucket, can make it more
        (self.peak.get() / (limit * 60.0)).min(1.0)
    }
}

/// So much per second, and so much at once where little was taken before.
pub struct Rate {
    per_second: f64,
    most: f64,
    left: Cell<f64>,
    at: Cell<Instant>,
    epoch: Instant,
    usage: Usage,
}

impl Rate {
    fn new(per_second: f64, most: f64) -> Self {
        let now = Instant::now();
        let usage = Usage::default();
        Self { per_second, most, left: Cell::new(most), at: Cell::new(now), epoch: now, usage }
    }

    /// Takes `amount`, or says in how long there will be as much.
    fn take(&self, amount: f64) -> Result<(), Duration> {
        let now = Instant::now();
        let restored = now.duration_since(self.at.replace(now)).as_secs_f64() * self.per_second;
        self.left.set((self.left.get() + restored).min(self.most));
        if self.left.get() < amount {
            return Err(Duration::from_secs_f64((amount - self.left.get()) / self.per_second));
        }
        self.add(-amount);
        Ok(())
    }

    fn add(&self, amount: f64) {
        self.left.set((self.left.get() + amount).min(self.most));
        self.usage.add(self.epoch.elapsed(), -amount);
    }

    fn share(&self) -> f64 {
        self.usage.share_of(self.per_second)
    }
}

/// When and how Exstream is down, counted from the beginning.
#[derive(Debug, Clone, Copy)]
pub struct Outage {
    pub from: Duration,
    pub to: Duration,
    /// Requests are not refused but never answered.
    pub hangs: bool,
}

/// Composes `limit` documents at once and refuses the next with 429.
pub struct Exstream {
    pub limit: usize,
    pub outage: Option<Outage>,
    epoch: Instant,
    now: Cell<usize>,
    pub peak: Cell<usize>,
    pub calls: Cell<u64>,
    pub refused: Cell<u64>,
    usage: Usage,
}

impl Exstream {
    pub fn new(limit: usize, outage: Option<Outage>) -> Self {
        let (epoch, zero) = (Instant::now(), || Cell::new(0));
        let (now, peak, usage) = (Cell::new(0), Cell::new(0), Usage::default());
        Self { limit, outage, epoch, now, peak, calls: zero(), refused: zero(), usage }
    }

    async fn compose(&self, latency: Duration) -> Result<(), Retry> {
        self.calls.set(self.calls.get() + 1);
        let since = self.epoch.elapsed();
        if let Some(outage) = self.outage.filter(|it| (it.from..it.to).contains(&since)) {
            self.refused.set(self.refused.get() + 1);
            sleep(if outage.hangs { COMPOSE_TIME_OUT } else { REFUSAL }).await;
            return Err(Retry::because(Class::transient(), "Exstream is down"));
        }
        if self.now.get() >= self.limit {
            self.refused.set(self.refused.get() + 1);
            sleep(REFUSAL).await;
            let class = Class::Transient { retry_after: Some(RETRY_AFTER) };
            return Err(Retry::because(class, "Exstream has enough to do"));
        }
        let _place = Place::take(&self.now, &self.peak);
        sleep(latency).await;
        self.usage.add(self.epoch.elapsed(), latency.as_secs_f64());
        Ok(())
    }

    fn share(&self) -> f64 {
        self.usage.share_of(self.limit as f64)
    }
}

/// Given back when dropped: a call can be cut off by the end of its invocation.
pub struct Place<'c>(&'c Cell<usize>);

impl<'c> Place<'c> {
    pub fn take(now: &'c Cell<usize>, peak: &Cell<usize>) -> Self {
        now.set(now.get() + 1);
        peak.set(peak.get().max(now.get()));
        Self(now)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// What a shop has for itself.
struct Shop {
    /// Its query budget on Shopify Plus.
    points: Rate,
    /// Its partition of the index `by-check`.
    by_check: Rate,
    /// Its prefix of the archive.
    archive: Rate,
}

/// All services of one deployment.
pub struct Services {
    pub exstream: Exstream,
    ledger: Rate,
    shops: Vec<Shop>,
    random: RefCell<fastrand::Rng>,
}

impl Services {
    pub fn new(seed: u64, exstream: Exstream, shops: usize) -> Self {
        let shop = || Shop {
            points: Rate::new(1000.0, 20_000.0),
            by_check: Rate::new(1000.0, 1000.0),
            archive: Rate::new(3500.0, 3500.0),
        };
        Self {
            exstream,
            // a table that never had more to do
            ledger: Rate::new(4000.0, 4000.0),
            shops: (0..shops).map(|_| shop()).collect(),
            random: RefCell::new(fastrand::Rng::with_seed(seed)),
        }
    }

    /// Messages come from all shops in turn.
    pub fn shop_of(&self, record: &Record) -> usize {
        record.message_id.parse::<usize>().unwrap_or(0) % self.shops.len()
    }

    /// One document from claim to outcome. `fetched`: a batch job has composed it.
    pub async fn communication(&self, record: &Record, recipe: &Recipe, fetched: bool) -> Result<(), Retry> {
        let shop = self.shop_of(record);
        self.aws(&self.ledger, recipe.ledger_writes).await?;
        for query in &recipe.queries {
            let (requested, actual) = cost(query);
            self.ask(shop, requested, actual).await?;
        }
        if fetched {
            sleep(self.draw(FETCH)).await;
        } else {
            self.exstream.compose(self.draw(COMPOSE)).await?;
        }
        let Shop { archive, by_check, .. } = &self.shops[shop];
        self.aws(archive, recipe.puts).await?;
        self.aws(by_check, recipe.sends).await?;
        // the claim's time, too: one wait less to simulate
        let rest = [(ARCHIVE, recipe.puts), (LEDGER, recipe.ledger_writes), (SEND, recipe.sends)];
        sleep(rest.iter().flat_map(|(each, count)| (0..*count).map(|_| self.draw(*each))).sum()).await;
        Ok(())
    }

    /// Writes to the ledger, `at_once` beside each other.
    pub async fn record(&self, writes: usize, at_once: usize) -> Result<(), Retry> {
        self.aws(&self.ledger, writes as u32).await?;
        sleep((0..writes.div_ceil(at_once)).map(|_| self.draw(LEDGER)).sum()).await;
        Ok(())
    }

    /// A request to Shopify, with the pauses that its client makes.
    pub async fn ask(&self, shop: usize, requested: f64, actual: f64) -> Result<(), Retry> {
        let points = &self.shops[shop].points;
        for pauses in 0..=MAX_PAUSES {
            let taken = points.take(requested);
            sleep(self.draw(SHOPIFY)).await;
            let Err(wait) = taken else { break };
            if pauses == MAX_PAUSES || wait > MAX_PAUSE {
                let class = Class::Transient { retry_after: Some(wait) };
                return Err(Retry::because(class, "Shopify throttles"));
            }
            sleep(wait).await;
        }
        points.add(requested - actual);
        Ok(())
    }

    /// A request to AWS, with the three attempts of its SDK.
    async fn aws(&self, rate: &Rate, amount: u32) -> Result<(), Retry> {
        for attempt in 0..3 {
            if amount == 0 || rate.take(amount.into()).is_ok() {
                return Ok(());
            }
            let most = Duration::from_millis(1000 << attempt);
            let jitter = self.random.borrow_mut().f64();
            sleep(most.mul_f64(jitter)).await;
        }
        Err(Retry::because(Class::transient(), "AWS throttles"))
    }

    /// How much of each service's limit was used in its busiest minute, of the busiest shop's where each has one.
    pub fn shares(&self) -> [(&'static str, f64); 5] {
        let busiest =
            |rate: fn(&Shop) -> &Rate| self.shops.iter().map(|it| rate(it).share()).fold(0.0, f64::max);
        [
            ("Exstream", self.exstream.share()),
            ("Shopify points", busiest(|shop| &shop.points)),
            ("ledger writes", self.ledger.share()),
            ("by-check partition", busiest(|shop| &shop.by_check)),
            ("archive prefix", busiest(|shop| &shop.archive)),
        ]
    }

    fn draw(&self, middle: Duration) -> Duration {
        let mut random = self.random.borrow_mut();
        let (radius, angle) = ((1.0 - random.f64()).ln() * -2.0, random.f64() * std::f64::consts::TAU);
        middle.mul_f64((SPREAD * radius.sqrt() * angle.cos()).exp())
    }

    /// How much of an average moment's work falls to this one.
    pub fn surge(&self) -> f64 {
        -(1.0 - self.random.borrow_mut().f64()).ln()
    }
}

/// Points requested and points charged, by Shopify's rules, of an order with few lines.
fn cost(query: &str) -> (f64, f64) {
    match query {
        "OrderForDocuments" => (86.0, 15.0),
        _ => (43.0, 14.0),
    }
}
pub const STATUS_READ: f64 = 2.0;
pub const MUTATION: f64 = 10.0;
