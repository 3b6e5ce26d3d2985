//! One scenario, run in virtual time: the product's batch loop and back-off between modelled services.

use crate::{
    feed::{self, HOUR, PEAK},
    mapping::Mapping,
    product::{Product, ProductError, Recipe, StatementRun},
    queue::{MOST_IN_FLIGHT, Tally, Tenants},
    services::{Exstream, MUTATION, Outage, STATUS_READ, Services},
};
use futures::{StreamExt, future::join_all, stream};
use shopify::MAX_METAFIELDS;
use std::{collections::BTreeMap, time::Duration};
use work::{Backoff, Limits, Record, Retry, each};
use write_back::TAGGING;

const STATEMENTS: &str = "account-statements";
/// What a large shop sends in a day, and how it is made up.
const DAY_OF: [(&str, f64); 3] =
    [("order-confirmation", 0.6), ("shipping-documents", 0.3), ("return-letters", 0.1)];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    Day,
    StatementsOnDemand,
    StatementsByJobs,
    /// What one shop sends at once, while another sends a message each second for five minutes.
    Neighbours,
}

/// For how long the quiet one of two neighbours sends.
const QUIET: Duration = Duration::from_secs(300);

#[derive(Debug, Clone)]
pub struct Scenario {
    pub name: &'static str,
    pub work: Work,
    pub messages: usize,
    /// All on Shopify Plus, with a share each.
    pub shops: usize,
    /// Documents that Exstream composes at once.
    pub exstream: usize,
    pub outage: Option<Outage>,
    /// Instead of the setting, for flows that ask Shopify or for those that do not.
    pub max_concurrency: Option<usize>,
    pub max_concurrency_of_look_ups: Option<usize>,
    pub max_receive_count: Option<u32>,
    pub customers_per_file: Option<usize>,
    /// Whether documents carry tags back to Shopify.
    pub tags: bool,
    /// Whether messages name their shop as their group.
    pub fair: bool,
}

impl Scenario {
    pub const fn new(name: &'static str, work: Work, messages: usize, exstream: usize) -> Self {
        Self {
            name,
            work,
            messages,
            shops: 1,
            exstream,
            outage: None,
            max_concurrency: None,
            max_concurrency_of_look_ups: None,
            max_receive_count: None,
            customers_per_file: None,
            tags: matches!(work, Work::Day),
            fair: true,
        }
    }

    /// Exstream is down for the peak hour.
    pub const fn down(self, hangs: bool) -> Self {
        let (from, to) = (PEAK, Duration::from_secs(PEAK.as_secs() + HOUR.as_secs()));
        Self { outage: Some(Outage { from, to, hangs }), ..self }
    }

    /// # Errors
    /// Where the product's settings are not found.
    pub fn run(&self, seed: u64) -> Result<Outcome, ProductError> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
        runtime.block_on(self.play(seed))
    }

    async fn play(&self, seed: u64) -> Result<Outcome, ProductError> {
        let product = Product::read()?;
        let services = Services::new(seed, Exstream::new(self.exstream, self.outage), self.shops);
        let backoff = Backoff { base: product.retry_base(), ..Backoff::default() };
        let flows = self.flows(&product, backoff)?;
        let reports = Mapping::new(product.source("write-back")?, backoff, self.tenants());
        let run = StatementRun::default();
        let customers_per_file = self.customers_per_file.unwrap_or(run.customers_per_file);
        let run = StatementRun { customers_per_file, ..run };
        let feeding = async {
            match (self.work, &flows[..]) {
                (Work::StatementsOnDemand, [(flow, ..)]) => {
                    feed::on_demand(&flow.queue, run, self.messages).await;
                }
                (Work::StatementsByJobs, [(flow, ..)]) => feed::jobs(&flow.queue, run, self.messages).await,
                (Work::Neighbours, [(flow, ..)]) => feed::neighbours(&flow.queue, self.messages, QUIET).await,
                _ => {
                    let queues: Vec<_> = flows.iter().map(|(flow, _, share)| (&flow.queue, *share)).collect();
                    feed::day(&services, &queues, self.messages).await;
                }
            }
        };
        let working = async {
            let fetched = self.work == Work::StatementsByJobs;
            join_all(flows.iter().map(|(flow, recipe, _)| {
                let (services, reports) = (&services, &reports);
                flow.run(async move |records, limits| {
                    let work = async |record| {
                        services.communication(record, recipe, fetched).await?;
                        flow.queue.note_done(record);
                        Ok(())
                    };
                    let results = each(records, limits, work).await;
                    reports.queue.send(results.iter().filter(|result| result.is_ok()).count());
                    results
                })
            }))
            .await;
            reports.queue.close();
        };
        let reporting =
            reports.run(async |records, limits| write_back(&services, records, limits, self.tags).await);
        tokio::join!(feeding, working, reporting);
        Ok(self.outcome(&services, &flows, &reports))
    }

    fn flows(
        &self,
        product: &Product,
        backoff: Backoff,
    ) -> Result<Vec<(Mapping, Recipe, f64)>, ProductError> {
        let names: &[(&str, f64)] = match self.work {
            Work::Day => &DAY_OF,
            Work::Neighbours => &DAY_OF[..1],
            Work::StatementsOnDemand | Work::StatementsByJobs => &[(STATEMENTS, 1.0)],
        };
        let flow = |(name, share): &(&str, f64)| {
            let (mut source, recipe) = (product.source(name)?, product.recipe(name, "e-mail")?);
            let asks = !recipe.queries.is_empty();
            let set = if asks { self.max_concurrency_of_look_ups } else { self.max_concurrency };
            source.max_concurrency = set.unwrap_or(source.max_concurrency);
            source.max_receive_count = self.max_receive_count.unwrap_or(source.max_receive_count);
            Ok((Mapping::new(source, backoff, self.tenants()), recipe, *share))
        };
        names.iter().map(flow).collect()
    }

    fn tenants(&self) -> Tenants {
        Tenants { shops: self.shops, fair: self.fair }
    }

    fn outcome(&self, services: &Services, flows: &[(Mapping, Recipe, f64)], reports: &Mapping) -> Outcome {
        let tallies: Vec<_> = flows.iter().map(|(flow, ..)| flow.queue.tally()).collect();
        let sum = |count: fn(&Tally) -> u64| tallies.iter().map(count).sum();
        let most = |count: fn(&Tally) -> usize| tallies.iter().map(count).max().unwrap_or(0);
        let latest = |time: fn(&Tally) -> Duration| tallies.iter().map(time).max().unwrap_or_default();
        let reported = reports.queue.tally();
        // a day has no end to wait for, but an hour that is behind
        let (from, drained, reports_drained) = match (self.work, self.outage) {
            (Work::Day, None) => (PEAK, latest(|it| it.late_until), reported.late_until),
            (Work::Day, Some(outage)) => (outage.to, latest(|it| it.late_until), reported.late_until),
            _ => (Duration::ZERO, latest(|it| it.last), reported.last),
        };
        let flow = flows.iter().map(|(flow, ..)| flow.share()).fold(0.0, f64::max);
        let in_flight = most(|it| it.peak_in_flight);
        let mut shares = services.shares().to_vec();
        shares.extend([
            ("maxConcurrency", flow),
            ("write-back", reports.share()),
            ("messages in flight", in_flight as f64 / MOST_IN_FLIGHT as f64),
        ]);
        Outcome {
            name: self.name,
            sent: sum(|it| it.sent),
            done: sum(|it| it.done),
            again: sum(|it| it.again),
            dead: sum(|it| it.dead),
            drained: drained.saturating_sub(from),
            longest_wait: latest(|it| it.longest_wait),
            last_shop: flows
                .iter()
                .map(|(flow, ..)| flow.queue.wait_of_last_shop())
                .max()
                .unwrap_or_default(),
            in_flight,
            sandboxes: flows.iter().map(|(flow, ..)| flow.peak.get()).sum(),
            calls_at_once: services.exstream.peak.get(),
            calls: services.exstream.calls.get(),
            refused: services.exstream.refused.get(),
            reports: reported,
            reports_drained: reports_drained.saturating_sub(from),
            shares,
        }
    }
}

/// What a scenario came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub name: &'static str,
    pub sent: u64,
    pub done: u64,
    /// Messages that were received more than once.
    pub again: u64,
    pub dead: u64,
    /// Statements: until the last one. A day: from the peak hour's beginning, or from the end of the outage,
    /// until nothing waits for more than a minute.
    pub drained: Duration,
    pub longest_wait: Duration,
    /// The time within which 95 of 100 messages of the last shop were done.
    pub last_shop: Duration,
    /// Peaks: messages of a queue, sandboxes of all flows, calls of Exstream.
    pub in_flight: usize,
    pub sandboxes: usize,
    pub calls_at_once: usize,
    pub calls: u64,
    pub refused: u64,
    pub reports: Tally,
    pub reports_drained: Duration,
    /// How much of each limit was used in its busiest minute.
    pub shares: Vec<(&'static str, f64)>,
}

impl Outcome {
    pub fn share(&self, limit: &str) -> f64 {
        self.shares.iter().find(|(name, _)| *name == limit).map_or(f64::NAN, |(_, share)| *share)
    }

    /// The limits that were used up for a minute or more.
    pub fn used_up(&self) -> String {
        let full = self.shares.iter().filter(|(_, share)| *share > 0.95).map(|(name, _)| *name);
        full.collect::<Vec<_>>().join(", ")
    }
}

/// The function `write-back`: shop by shop, metafields of many owners at once and tags one by one; then the
/// ledger.
async fn write_back(
    services: &Services,
    records: &[Record],
    limits: Limits,
    tags: bool,
) -> Vec<Result<(), Retry>> {
    let mut shops: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, record) in records.iter().enumerate() {
        shops.entry(services.shop_of(record)).or_default().push(index);
    }
    let telling = shops.into_iter().map(async |(shop, indexes)| {
        let mut told = Vec::with_capacity(indexes.len());
        for chunk in indexes.chunks(MAX_METAFIELDS) {
            let written = match services.ask(shop, STATUS_READ, STATUS_READ).await {
                Ok(()) => services.ask(shop, MUTATION, MUTATION).await,
                refused => refused,
            };
            told.extend(chunk.iter().map(|_| written.clone()));
        }
        let finishing = told.into_iter().map(async |told| {
            if tags && told.is_ok() {
                services.ask(shop, MUTATION, MUTATION).await?;
            }
            told
        });
        let mut told: Vec<_> = stream::iter(finishing).buffered(TAGGING).collect().await;
        let reported = told.iter().filter(|told| told.is_ok()).count();
        if let Err(retry) = services.record(reported, limits.concurrency).await {
            told.iter_mut().filter(|told| told.is_ok()).for_each(|told| *told = Err(retry.clone()));
        }
        indexes.into_iter().zip(told).collect::<Vec<_>>()
    });
    let told: Vec<_> = stream::iter(telling).buffer_unordered(limits.concurrency).concat().await;
    let mut results = vec![Ok(()); records.len()];
    told.into_iter().for_each(|(index, result)| results[index] = result);
    results
}
