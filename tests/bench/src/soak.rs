//! `bench soak`: many events through the release binaries while everything around them fails now and then.
//!
//! Events come twice, late and in any order; queues deliver twice; Exstream, Core Messaging, Shopify and AWS fail
//! before or after they have acted; processes are killed in the midst of a batch. Events are spread over the time
//! that is asked for, with an outage of Exstream and Core Messaging among them; then the queues empty, while faults continue. The answer is which promises are broken
//! afterwards.
//!
//! Time-outs and waits are those of the deployment, all shortened by the same factor, so that what has to wait for
//! a dead process to be given up does not take a quarter of an hour. The waits that are written in the functions
//! stay as they are.

mod aws;
mod breach;
mod bucket;
mod events;
mod kinds;
mod oracle;
mod queue;
mod random;
mod report;
mod sandboxes;
mod table;
mod tally;
mod traces;
mod vendors;

use crate::{
    Failure,
    server::lock,
    vendors::shopify,
    world::{SHOP, environment, repository},
};
use aws::Aws;
use clap::Args;
use deployment::Deployment;
use events::Plan;
use fakes::Collector;
use oracle::Evidence;
use queue::Queue;
use random::Random;
use report::Progress;
use sandboxes::{Deployed, INTAKE, Sandboxes};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, atomic::Ordering},
    time::{Duration, Instant},
};
use stub_http::{Fault, FaultKind, Running};
use stub_shopify::ShopifySettings;
use tally::Tally;
use tokio::task::JoinSet;
use vendors::{Messaging, OUTAGE};

#[derive(Args)]
pub struct Options {
    /// Fixes the events, their times and their duplicates.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Deliveries on the bus, duplicates included.
    #[arg(long, default_value_t = 20_000)]
    events: usize,
    /// Time over which they are spread.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// How long Exstream and Core Messaging are down, from a third of that time on; 0 for no outage.
    #[arg(long, default_value_t = 2.5)]
    outage_minutes: f64,
    /// Have the functions record traces, and check that each is whole.
    #[arg(long)]
    traces: bool,
    /// Time in which the queues must be empty then. What waited out an outage is tried again after eleven minutes at most.
    #[arg(long, default_value_t = 20.0)]
    drain_minutes: f64,
    /// The deployment's time-outs and waits are divided by this.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=5))]
    shorten: u32,
    /// In one of so many batches its process is killed; 0 for none.
    #[arg(long, default_value_t = 300)]
    batches_per_kill: u32,
    /// Where the release binaries are.
    #[arg(long, default_value = "target/release")]
    binaries: PathBuf,
}

/// What the deployment waits for an answer of Exstream and Core Messaging, and of Shopify, in milliseconds.
const VENDOR_TIMEOUT: u32 = 20_000;
const SHOPIFY_TIMEOUT: u32 = 10_000;

/// Everything that runs.
struct Soak {
    plan: Arc<Plan>,
    sandboxes: Arc<Sandboxes>,
    messaging: Messaging,
    shopify: Running,
    http: reqwest::Client,
    /// When each event of the plan was put on the bus.
    sent: Mutex<Vec<Instant>>,
    tally: Tally,
    /// Where traces are sent, if there are any.
    collector: Option<Collector>,
}

/// Answers the promises that are broken.
pub async fn run(options: &Options) -> Result<Vec<String>, Failure> {
    let duration = Duration::from_secs_f64(options.minutes * 60.0);
    let plan = Arc::new(Plan::new(options.seed, options.events, duration)?);
    println!(
        "seed {}: {} events over {:.1} minutes, {} of them duplicates; {} documents are due",
        options.seed,
        plan.events.len(),
        options.minutes,
        plan.duplicates,
        plan.due.len()
    );
    let mut processes = JoinSet::new();
    let soak = Arc::new(Soak::start(options, plan, &mut processes).await?);
    let begun = Instant::now();
    let mut progress = Progress::new(begun, duration);
    let moods = tokio::spawn(Arc::clone(&soak).moods());
    let sending = tokio::spawn(Arc::clone(&soak).send(begun));
    let outage = Duration::from_secs_f64(options.outage_minutes * 60.0);
    let down = tokio::spawn(Arc::clone(&soak).outage(begun + duration / 3, outage));
    let latest = begun + duration + Duration::from_secs_f64(options.drain_minutes * 60.0);
    while !(sending.is_finished() && down.is_finished() && soak.left().iter().all(|(_, count)| *count == 0))
        && Instant::now() < latest
    {
        if let Some(ended) = processes.try_join_next() {
            return Err(ended?.err().unwrap_or_else(|| "a sandbox ended".into()));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        progress.tick(&soak);
    }
    sending.await??;
    let drained = begun.elapsed().saturating_sub(duration);
    moods.abort();
    let memory = progress.memory();
    soak.sandboxes.over.store(true, Ordering::Relaxed);
    while let Some(ended) = processes.join_next().await {
        ended??;
    }
    let mut evidence = soak.evidence(memory).await?;
    if !outage.is_zero() && soak.tally.of("faults").iter().all(|(kind, _)| kind != OUTAGE) {
        evidence.never.push("the outage kept nothing back".to_owned());
    }
    report::print(&soak, &evidence, duration, drained);
    Ok(oracle::broken(&evidence))
}

impl Soak {
    async fn start(
        options: &Options,
        plan: Arc<Plan>,
        processes: &mut JoinSet<Result<(), Failure>>,
    ) -> Result<Self, Failure> {
        // what happens to whom depends on time; only the plan can be repeated
        let (random, tally) = (Random::new(options.seed ^ 0x5eed), Tally::default());
        let deployment = Deployment::read()?;
        let retry_base = deployment.queues.retry_base() / options.shorten;
        let functions = Deployed::all(&deployment, options.shorten)?;
        let queues = functions.iter().map(|function| {
            (function.name.to_owned(), Queue::new(function.hidden, function.most_receives, random.clone()))
        });
        let (aws, address) = Aws::start(queues.collect(), random.clone(), tally.clone()).await?;
        let vendor_timeout = VENDOR_TIMEOUT / options.shorten;
        let hang = Duration::from_millis((vendor_timeout + 1000).into());
        let (messaging, exstream) = Messaging::start(random, tally.clone(), hang).await?;
        let shopify = shopify(generous()).await?;
        let config = config(&exstream.to_string(), &shopify.addr.to_string(), options.shorten)?;
        let key = format!("/operations/config/{SHOP}.toml");
        lock(&aws.buckets).put(&key, &Default::default(), config.into());
        let sandboxes = Arc::new(Sandboxes {
            aws,
            plan: Arc::clone(&plan),
            binaries: options.binaries.clone(),
            batches_per_kill: options.batches_per_kill,
            struck: Mutex::default(),
            resident: Mutex::default(),
            over: false.into(),
        });
        let http = reqwest::Client::new();
        let sent = Mutex::default();
        let collector = if options.traces { Some(Collector::start().await) } else { None };
        let soak = Self { plan, sandboxes, messaging, shopify, http, sent, tally, collector };
        soak.teach().await?;
        let personal = Arc::new(soak.plan.personal());
        for function in functions {
            let mut variables = environment(function.name, address)?;
            variables.push(("RETRY_BASE_SECONDS".to_owned(), retry_base.as_secs().to_string()));
            if let Some(collector) = &soak.collector {
                let endpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT".to_owned();
                variables.push((endpoint, collector.endpoint.clone()));
            }
            for number in 0..function.processes {
                let watch = soak.tally.watch(function.name, Arc::clone(&personal));
                let sandboxes = Arc::clone(&soak.sandboxes);
                processes.spawn(sandboxes.run(function, number, variables.clone(), watch));
            }
        }
        Ok(soak)
    }

    /// Makes Shopify know what the events are about.
    async fn teach(&self) -> Result<(), Failure> {
        for (what, document) in self.plan.known() {
            self.control("PUT", what, document).await?;
        }
        Ok(())
    }

    async fn control(&self, method: &str, what: &str, body: String) -> Result<Value, Failure> {
        let url = format!("{}/__stub/{what}", self.shopify.url());
        let request = self.http.request(method.parse()?, url).header("X-Stub-Shop", SHOP).body(body);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    /// Puts the events on the bus, each at its time.
    async fn send(self: Arc<Self>, begun: Instant) -> Result<(), Failure> {
        for event in &self.plan.events {
            tokio::time::sleep_until((begun + event.at).into()).await;
            let (body, now) = (self.plan.event(event)?, Instant::now());
            lock(&self.sent).push(now);
            self.sandboxes.aws.queue(INTAKE, |queue| queue.send(body, now));
        }
        Ok(())
    }

    /// Exstream and Core Messaging are down for a while.
    async fn outage(self: Arc<Self>, from: Instant, time: Duration) {
        if !time.is_zero() {
            tokio::time::sleep_until(from.into()).await;
            self.messaging.down.store(true, Ordering::Relaxed);
            tokio::time::sleep(time).await;
            self.messaging.down.store(false, Ordering::Relaxed);
        }
    }

    /// Each minute Shopify is short of breath for a while: it throttles by cost and by number, as to a shop that
    /// other apps ask for much. All the time it loses an answer to a written metafield now and then.
    async fn moods(self: Arc<Self>) {
        let rate = |operation: &str, kind, rate| Fault { rate: Some(rate), ..Fault::new(operation, kind) };
        let lost =
            || rate("metafieldsSet", FaultKind::TimeoutAfterSuccess, 0.01).delay_ms(SHOPIFY_TIMEOUT.into());
        let refused =
            || Fault { retry_after_seconds: Some(1), ..rate("graphql", FaultKind::Throttled, 0.15) };
        let burst = [lost(), refused().status(429), rate("graphql", FaultKind::Throttled, 0.15)];
        let scarce = ShopifySettings { bucket_size: 4000, restore_rate: 200, ..ShopifySettings::default() };
        loop {
            for (settings, faults, seconds) in
                [(generous(), &burst[..1], 50), (scarce.clone(), &burst[..], 10)]
            {
                let set = async {
                    self.control("PUT", "settings", json!(settings).to_string()).await?;
                    self.control("PUT", "faults", json!(faults).to_string()).await
                };
                if let Err(error) = set.await {
                    self.tally.add("not understood", &error.to_string());
                }
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                self.count_faults().await;
            }
        }
    }

    async fn count_faults(&self) {
        let report = self.control("GET", "faults", String::new()).await.unwrap_or_default();
        for rule in report["faults"].as_array().into_iter().flatten() {
            let kind = match rule["fault"]["kind"].as_str() {
                Some("throttled") if rule["fault"]["status"] == 429 => "Shopify throttled by number",
                Some("throttled") => "Shopify throttled by cost",
                _ => "Shopify answer late",
            };
            self.tally.add_many("faults", kind, rule["hits"].as_u64().unwrap_or_default());
        }
    }

    /// By queue, messages that are not done.
    fn left(&self) -> Vec<(String, usize)> {
        lock(&self.sandboxes.aws.queues).iter().map(|(name, queue)| (name.clone(), queue.len())).collect()
    }

    async fn evidence(&self, memory: Vec<(String, f64, f64)>) -> Result<Evidence, Failure> {
        let aws = &self.sandboxes.aws;
        let mut told = HashMap::new();
        for due in &self.plan.due {
            if !told.contains_key(&due.order) {
                let found =
                    self.control("GET", &format!("metafields?owner={}", due.order), String::new()).await?;
                let value = found["metafields"][0]["value"].as_str().unwrap_or("null");
                told.insert(due.order.clone(), serde_json::from_str(value)?);
            }
        }
        let never = ["personal", "panics", "not understood"];
        let never = never.iter().flat_map(|group| {
            let of_group = self.tally.of(group).into_iter();
            of_group.map(move |(what, count)| format!("{group}: {what}, {count} times"))
        });
        let dead = lock(&aws.queues).iter().map(|(name, queue)| (name.clone(), queue.dead.len())).collect();
        // communications, and what is known of shops and channels
        let (ledger, others): (HashMap<_, _>, HashMap<_, _>) =
            lock(&aws.table).items.clone().into_iter().partition(|(pk, _)| !pk.contains('#'));
        let ill = others.iter().flat_map(|(pk, item)| {
            let ill = item.keys().filter(|name| name.starts_with("ill_"));
            ill.map(move |name| format!("{pk}: {name} is still there"))
        });
        let mut never: Vec<_> = never.chain(ill).collect();
        if let Some(collector) = &self.collector {
            let whole = traces::whole(collector, ledger.keys().map(String::as_str));
            println!("{whole} of {} documents have one trace from the event to the report", ledger.len());
            never.extend(traces::broken(whole, ledger.len()));
        }
        let (objects, overwritten) = {
            let buckets = lock(&aws.buckets);
            (buckets.objects.clone(), buckets.overwritten.clone())
        };
        Ok(Evidence {
            due: self.plan.due.clone(),
            ledger,
            objects,
            overwritten,
            emails: lock(&self.messaging.sent).clone(),
            untold: lock(&self.messaging.untold).clone(),
            struck: lock(&self.sandboxes.struck).clone(),
            told,
            dead,
            left: self.left(),
            never,
            memory,
        })
    }
}

/// The limits of a shop on the largest plan: one that so many events come from has no smaller one.
fn generous() -> ShopifySettings {
    ShopifySettings { bucket_size: 40_000, restore_rate: 2000, ..ShopifySettings::default() }
}

/// The demonstration's configuration with the addresses of this world and its waits, and a document for the archive
/// alone.
fn config(exstream: &str, shopify: &str, shorten: u32) -> Result<String, Failure> {
    let text = fs::read_to_string(repository().join("infra/local/config/demo-shop.toml"))?
        .replace("127.0.0.1:4601", exstream)
        .replace("127.0.0.1:4602", shopify);
    let mut config: toml::Table = text.parse()?;
    for (path, value) in [
        (&["exstream", "timeout_ms"][..], toml::Value::from(VENDOR_TIMEOUT / shorten)),
        (&["delivery", "email", "timeout_ms"], (VENDOR_TIMEOUT / shorten).into()),
        (&["shopify", "timeout_ms"], (SHOPIFY_TIMEOUT / shorten).into()),
        (&["documents", "receipt", "channels"], toml::Value::Array(Vec::new())),
    ] {
        let (name, tables) = path.split_last().ok_or("no setting")?;
        let mut table = &mut config;
        for key in tables {
            let inner = table.get_mut(*key).and_then(toml::Value::as_table_mut);
            table = inner.ok_or_else(|| format!("the configuration has no {key}"))?;
        }
        table.insert((*name).to_owned(), value);
    }
    Ok(config.to_string())
}
