//! What Lambda and its event source mappings do: processes that are given batches, die in the midst of one, and are
//! replaced. A batch whose process died is not answered for: its queue delivers its messages again.

use super::{aws::Aws, events::Plan, queue::Delivery};
use crate::{
    Failure,
    runtime::{Answer, Watch, Worker},
    server::lock,
};
use bytes::Bytes;
use deployment::{Deployment, TableError};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

pub const INTAKE: &str = "intake";

/// The functions that take part, and how many processes each has.
const PROCESSES: [(&str, usize); 6] = [
    (INTAKE, 2),
    ("order-confirmation", 3),
    ("shipping-documents", 3),
    ("return-letters", 2),
    ("exception-letters", 2),
    ("write-back", 2),
];
/// Lambda repeats a failed invocation after this time, and again later.
const REPEATED_AFTER: Duration = Duration::from_secs(60);

/// How a function is deployed: as the CDK app says by default, with all times shortened by the same factor.
#[derive(Debug, Clone, Copy)]
pub struct Deployed {
    pub name: &'static str,
    pub processes: usize,
    pub hidden: Duration,
    pub most_receives: u32,
    batch: usize,
    timeout: Duration,
    window: Duration,
}

impl Deployed {
    pub fn all(deployment: &Deployment, shorten: u32) -> Result<Vec<Self>, TableError> {
        PROCESSES.iter().map(|(name, processes)| Self::of(deployment, name, *processes, shorten)).collect()
    }

    fn of(
        deployment: &Deployment,
        name: &'static str,
        processes: usize,
        shorten: u32,
    ) -> Result<Self, TableError> {
        if name == INTAKE {
            // invoked by the bus: as a queue that delivers one event at a time
            let function = deployment.per_event(name)?;
            return Ok(Self {
                name,
                processes,
                hidden: REPEATED_AFTER / shorten,
                most_receives: 1 + function.async_retries,
                batch: 1,
                timeout: function.timeout() / shorten,
                window: Duration::ZERO,
            });
        }
        let batches = deployment.batches(name)?;
        Ok(Self {
            name,
            processes,
            hidden: batches.hidden() / shorten,
            most_receives: deployment.queues.max_receive_count,
            batch: batches.batch_size,
            timeout: batches.timeout() / shorten,
            window: batches.window() / shorten,
        })
    }
}

/// All processes of all functions.
pub struct Sandboxes {
    pub aws: Aws,
    pub plan: Arc<Plan>,
    pub binaries: PathBuf,
    /// In one of so many batches the process dies; in none if zero.
    pub batches_per_kill: u32,
    /// Cases whose messages were in the hands of a process that died.
    pub struck: Mutex<HashSet<usize>>,
    /// The memory of each process, by function and process.
    pub resident: Mutex<BTreeMap<(&'static str, usize), f64>>,
    pub over: AtomicBool,
}

impl Sandboxes {
    /// Runs one process of a function, and its successors, until the soak ends.
    pub async fn run(
        self: Arc<Self>,
        function: Deployed,
        number: usize,
        environment: Vec<(String, String)>,
        watch: Watch,
    ) -> Result<(), Failure> {
        let binary = self.binaries.join(function.name);
        let start = || Worker::start(&binary, &environment, Arc::clone(&watch));
        let mut worker = start().await?;
        let (mut doomed, mut usual) = (false, Duration::from_millis(200));
        while !self.over.load(Ordering::Relaxed) {
            let now = Instant::now();
            let receive =
                |queue: &mut super::queue::Queue| queue.receive(function.batch, function.window, now);
            let batch = self.aws.queue(function.name, receive).unwrap_or_default();
            if batch.is_empty() {
                tokio::time::sleep(Duration::from_millis(30)).await;
                continue;
            }
            self.aws.tally.add("batches", function.name);
            doomed |=
                self.batches_per_kill > 0 && self.aws.random.happens(1.0 / f64::from(self.batches_per_kill));
            // somewhere within the time that a batch takes; one that was faster leaves it to the next
            let life = if doomed { self.aws.random.up_to(usual) } else { Duration::MAX };
            let event = event(function.name, &batch);
            let outcome = tokio::select! {
                answer = worker.call(&event, function.timeout) => answer.ok_or("ended or timed out"),
                () = sleep(life) => Err("killed"),
            };
            match outcome {
                Ok(answer) => {
                    usual = now.elapsed();
                    self.settle(&function, &batch, &answer);
                    self.note_memory(&function, number, &worker);
                }
                Err(death) => {
                    doomed = false;
                    self.aws.tally.add("deaths", &format!("{} {death}", function.name));
                    self.strike(&batch);
                    worker.end().await?;
                    worker = start().await?;
                }
            }
        }
        worker.end().await.map(drop)
    }

    /// Deletes what was done.
    fn settle(&self, function: &Deployed, batch: &[Delivery], answer: &Answer) {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if answer.is_error {
            self.aws.tally.add("failed invocations", function.name);
            return;
        }
        let failures = body["batchItemFailures"].as_array().map(Vec::as_slice).unwrap_or_default();
        let failed: BTreeSet<_> = failures.iter().filter_map(|it| it["itemIdentifier"].as_str()).collect();
        self.aws.queue(function.name, |queue| {
            let done =
                batch.iter().filter(|delivery| !failed.contains(delivery.message.to_string().as_str()));
            done.for_each(|delivery| queue.delete(delivery.message, Instant::now()));
        });
    }

    fn strike(&self, batch: &[Delivery]) {
        let items = batch.iter().filter_map(|delivery| serde_json::from_str(&delivery.body).ok());
        lock(&self.struck).extend(items.filter_map(|item: Value| self.plan.case_of(&item)));
    }

    fn note_memory(&self, function: &Deployed, number: usize, worker: &Worker) {
        /// A young process has not met everything yet.
        const GROWN: Duration = Duration::from_secs(20);
        let mut resident = lock(&self.resident);
        match worker.resident_mb().filter(|_| worker.age(Instant::now()) > GROWN) {
            Some(megabytes) => resident.insert((function.name, number), megabytes),
            None => resident.remove(&(function.name, number)),
        };
    }

    /// The mean of each function's processes.
    pub fn memory(&self) -> BTreeMap<&'static str, f64> {
        let mut sums: BTreeMap<&'static str, (f64, f64)> = BTreeMap::new();
        for ((function, _), megabytes) in lock(&self.resident).iter() {
            let sum = sums.entry(function).or_default();
            *sum = (sum.0 + megabytes, sum.1 + 1.0);
        }
        sums.into_iter().map(|(function, (sum, count))| (function, sum / count)).collect()
    }
}

/// The bus hands over one event as it is, a queue one batch.
fn event(function: &str, batch: &[Delivery]) -> Bytes {
    if function == INTAKE {
        return batch.first().map(|delivery| Bytes::from(delivery.body.clone())).unwrap_or_default();
    }
    let record = |delivery: &Delivery| {
        json!({
            "messageId": delivery.message.to_string(), "receiptHandle": delivery.message.to_string(),
            "body": delivery.body, "attributes": {
                "ApproximateReceiveCount": delivery.receives.to_string(),
                "SentTimestamp": delivery.sent_epoch_ms.to_string(),
            },
            "messageAttributes": {}, "eventSource": "aws:sqs", "awsRegion": "us-east-1",
            "eventSourceARN": format!("arn:aws:sqs:us-east-1:000000000000:{function}"),
        })
    };
    json!({"Records": batch.iter().map(record).collect::<Vec<_>>()}).to_string().into()
}

async fn sleep(time: Duration) {
    match time {
        Duration::MAX => std::future::pending().await,
        time => tokio::time::sleep(time).await,
    }
}
