//! `ctl cost`: what AWS charges per month.
//!
//! Multiplies the requests the benchmark counted with a table of prices; where the benchmark cannot know, the
//! constants below say what is assumed. Talks to nobody. Sums are upper bounds for events of up to 64 KB: nothing
//! is compressed, no free tier is used, and a message travels in a batch of its own unless told otherwise.

use crate::{failure::Failure, out::say, rows};
use clap::Args;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Deserialize;
use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

/// By the functions' settings: delivery-status every five minutes, reconcile every fifteen, for 30 days.
const SCHEDULED: f64 = 30.0 * 24.0 * (12.0 + 4.0);
/// What such a pass takes, if there is little to do.
const SCHEDULED_MS: f64 = 1000.0;
/// Queues that Lambda polls: six flows, two kinds of runs, reports.
const QUEUES: f64 = 9.0;
/// Lambda keeps five connections to a queue open, each asking again every twenty seconds when nothing comes.
const IDLE_POLLS: f64 = 5.0 * 3.0 * 60.0 * 24.0 * 30.0;
/// A function reads each secret it needs again after five minutes.
const SECRET_READS: f64 = 12.0 * 24.0 * 30.0;
/// Functions that read secrets.
const READERS: f64 = 11.0;
/// Metric names the functions count under, and metrics that the CDK stack's alarms look at, for which AWS charges one by
/// one, as a deployment of all flows has them.
const METRICS: f64 = 43.0;
const ALARMS: f64 = 149.0;
/// Composite alarms of the stack.
const ALARM_GROUPS: f64 = 9.0;
/// The archive's key, with its first two yearly rotations, which AWS charges for, and the key of the logs.
const KEYS: f64 = 4.0;
/// With a bucket key, S3 asks KMS for few of its puts.
const PUTS_PER_KMS_REQUEST: f64 = 100.0;
/// A record beside its document.
const RECORD_KB: f64 = 4.0;
const LOG_MONTHS: f64 = 3.0;

#[derive(Args)]
pub struct Question {
    /// Documents per month that follow from events.
    #[arg(long, default_value_t = 0)]
    communications: u64,
    /// Accounts per month that get their statements.
    #[arg(long, default_value_t = 0)]
    statements: u64,
    /// The flow whose counts stand for all communications.
    #[arg(long, default_value = "order-confirmation")]
    flow: String,
    /// How they are delivered: archive-only, e-mail or print; order confirmations also `e-mail-html`, `text-message` and
    /// `web-page`.
    #[arg(long, default_value = "e-mail")]
    channel: String,
    /// Messages that Lambda gets at once: 1 where little happens, 10 at night.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=10))]
    batch: u8,
    /// Months whose documents are in store.
    #[arg(long, default_value_t = 12)]
    months: u32,
    /// Print one JSON object per line instead of text.
    #[arg(long)]
    json: bool,
    /// A document's size.
    #[arg(long, default_value_t = 100)]
    document_kb: u32,
    /// Memory of a function.
    #[arg(long, default_value_t = 256)]
    memory_mb: u32,
    /// Processors of the functions: arm64 or x86_64.
    #[arg(long, default_value = "arm64", value_parser = ["arm64", "x86_64"])]
    architecture: String,
    /// Shops of the deployment.
    #[arg(long, default_value_t = 1)]
    shops: u32,
    /// Another table of prices, in the form of infra/ctl/prices.toml.
    #[arg(long)]
    prices: Option<PathBuf>,
    /// Other request counts, as `make bench` writes them.
    #[arg(long)]
    requests: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Prices {
    region: String,
    date: String,
    currency: String,
    prices: BTreeMap<String, Price>,
}

#[derive(Deserialize)]
struct Price {
    usd: Decimal,
    per: u64,
    unit: String,
    source: String,
}

/// What the benchmark counted of a function per message.
#[derive(Deserialize, Clone)]
struct Counted {
    batch: usize,
    communications: f64,
    requests: BTreeMap<String, f64>,
    item_bytes: f64,
    log_bytes: f64,
    metric_bytes: f64,
    batch_ms: f64,
    single_ms: f64,
}

#[derive(Deserialize)]
struct Requests {
    measured: String,
    functions: BTreeMap<String, BTreeMap<String, Counted>>,
}

/// Units by the name of their price.
type Usage = BTreeMap<&'static str, f64>;

pub fn run(question: &Question) -> Result<ExitCode, Failure> {
    let text = |file: &Option<PathBuf>, built_in: &str| match file {
        Some(file) => std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display())),
        None => Ok(built_in.to_owned()),
    };
    let prices: Prices = toml::from_str(&text(&question.prices, include_str!("../prices.toml"))?)?;
    let built_in = include_str!("../../../tests/bench/requests.json");
    let requests: Requests = serde_json::from_str(&text(&question.requests, built_in)?)?;
    let usage = usage(question, &requests)?;
    if question.json {
        return rows_of(&usage, &prices);
    }
    say!(
        "{} communications and {} statements per month, by {}, {} per batch; {}, prices of {}, requests of {}\n",
        question.communications,
        question.statements,
        question.channel,
        question.batch,
        prices.region,
        prices.date,
        requests.measured
    );
    print(&usage, &prices)?;
    say!(
        "\nNot in it: data transfer, what delivery-status and reconcile ask for, Exstream, Core Messaging, Shopify."
    );
    Ok(ExitCode::SUCCESS)
}

fn rows_of(usage: &Usage, prices: &Prices) -> Result<ExitCode, Failure> {
    let lines = lines(usage, prices)?;
    let currency = prices.currency.as_str();
    for (name, quantity, _, cost) in &lines {
        rows::print(&rows::Cost { name, quantity: Some(*quantity), cost: cost.to_string(), currency })?;
    }
    let total: Decimal = lines.iter().map(|(.., cost)| *cost).sum();
    rows::print(&rows::Cost { name: "total", quantity: None, cost: total.to_string(), currency })?;
    Ok(ExitCode::SUCCESS)
}

fn print(usage: &Usage, prices: &Prices) -> Result<(), Failure> {
    let lines = lines(usage, prices)?;
    for (name, quantity, price, cost) in &lines {
        say!(
            "{name:18} {quantity:>16.2} {:12} at {:>13} per {:<9} {cost:>12}",
            price.unit,
            price.usd.to_string(),
            price.per
        );
    }
    let total: Decimal = lines.iter().map(|(.., cost)| *cost).sum();
    say!("{:76} {:>12} {}", "total", total.to_string(), prices.currency);
    Ok(())
}

/// Why a use has no cost.
#[derive(Debug, thiserror::Error)]
enum PriceError {
    #[error("the table has no price `{name}`")]
    Missing { name: &'static str },
    #[error("the price `{name}` needs a source, and a `per` above 0")]
    Incomplete { name: &'static str },
    #[error("the quantity for the price `{name}`")]
    Quantity { name: &'static str, source: rust_decimal::Error },
    #[error("the cost by the price `{name}` is more than can be calculated")]
    TooMuch { name: &'static str },
}

type Line<'a> = (&'static str, f64, &'a Price, Decimal);

/// Each to the cent, so that the total is the sum of what is shown.
fn lines<'a>(usage: &Usage, prices: &'a Prices) -> Result<Vec<Line<'a>>, PriceError> {
    let line = |(name, quantity): (&&'static str, &f64)| {
        let name = *name;
        let price = prices.prices.get(name).ok_or(PriceError::Missing { name })?;
        if price.per == 0 || price.source.is_empty() {
            return Err(PriceError::Incomplete { name });
        }
        let exact = Decimal::try_from(*quantity).map_err(|source| PriceError::Quantity { name, source })?;
        let cost = exact.checked_mul(price.usd).and_then(|cost| cost.checked_div(Decimal::from(price.per)));
        let cost = cost.ok_or(PriceError::TooMuch { name })?;
        let cost = cost.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
        Ok((name, *quantity, price, cost))
    };
    usage.iter().map(line).collect()
}

fn usage(question: &Question, requests: &Requests) -> Result<Usage, Failure> {
    let find = |function: &str, scenario: &str| {
        let function_counts = requests.functions.get(function);
        function_counts
            .and_then(|scenarios| scenarios.get(scenario))
            .ok_or_else(|| format!("the benchmark has not counted {function} ({scenario})"))
    };
    let (intake, write_back) = (find("intake", "order")?, find("write-back", "ten orders")?);
    let flow = find(&question.flow, &question.channel)?;
    let statements = match question.statements {
        0 => None,
        _ => Some(find("account-statements", &question.channel)?),
    };
    let mut month = Month { question, usage: Usage::new(), puts: 0.0, stored_bytes: 0.0, log_bytes: 0.0 };
    let messages = question.communications as f64 / flow.communications;
    let accounts = question.statements as f64;
    month.add("events", messages);
    month.invocations(intake, messages, 1.0);
    month.requests(intake, messages);
    // statement-run sends ten per request
    month.add("sqs-requests", (accounts / 10.0).ceil());
    for (counted, messages) in
        [Some((flow, messages)), statements.map(|it| (it, accounts))].into_iter().flatten()
    {
        let documents = messages * counted.communications;
        month.flow(counted, messages, documents);
        month.invocations(write_back, documents, question.batch.into());
        month.polled(documents);
        month.requests(write_back, documents);
        // the report changes an item of the ledger, which is as large as the flow left it
        month.writes(write_back, documents, counted.item_bytes);
    }
    month.fixed();
    Ok(month.usage)
}

/// A month while it is added up.
struct Month<'a> {
    question: &'a Question,
    usage: Usage,
    puts: f64,
    stored_bytes: f64,
    log_bytes: f64,
}

impl Month<'_> {
    fn add(&mut self, name: &'static str, quantity: f64) {
        *self.usage.entry(name).or_default() += quantity;
    }

    fn flow(&mut self, counted: &Counted, messages: f64, documents: f64) {
        self.invocations(counted, messages, self.question.batch.into());
        self.polled(messages);
        self.requests(counted, messages);
        self.writes(counted, messages, counted.item_bytes);
        // the index by order gets an entry; the one of open checks gets one and loses it
        let watched = ["e-mail", "e-mail-html", "text-message"].contains(&self.question.channel.as_str());
        let entries = if watched { 3.0 } else { 1.0 };
        self.add("dynamodb-writes", documents * entries);
        self.stored_bytes += documents * counted.item_bytes;
        let kilobytes = f64::from(self.question.document_kb) + RECORD_KB;
        self.add("s3-storage", documents * kilobytes / 1e6 * f64::from(self.question.months));
    }

    /// Calls of a function for so many messages, `batch` at once, and what they log.
    fn invocations(&mut self, counted: &Counted, messages: f64, batch: f64) {
        let calls = (messages / batch).ceil();
        let milliseconds = if batch > 1.0 { counted.batch_ms } else { counted.single_ms };
        self.lambda(calls, milliseconds);
        let lines = if counted.communications > 0.0 { messages * counted.communications } else { messages };
        // one line of metrics per call; the benchmark's are shared by its batch
        let metrics = counted.metric_bytes * counted.batch as f64;
        self.log_bytes += lines * counted.log_bytes + calls * metrics;
    }

    fn lambda(&mut self, calls: f64, milliseconds: f64) {
        let gigabytes = f64::from(self.question.memory_mb) / 1024.0;
        let price = if self.question.architecture == "arm64" { "lambda-arm64" } else { "lambda-x86_64" };
        self.add("lambda-requests", calls);
        self.add(price, calls * milliseconds / 1000.0 * gigabytes);
    }

    /// Lambda's own requests for a batch: one to receive, one to delete.
    fn polled(&mut self, messages: f64) {
        self.add("sqs-requests", 2.0 * (messages / f64::from(self.question.batch)).ceil());
    }

    /// What the function asked for. Requests that a whole batch shares are as many as there are batches.
    fn requests(&mut self, counted: &Counted, messages: f64) {
        for (operation, count) in &counted.requests {
            let batches = if operation == "SQS:SendMessageBatch" {
                counted.batch as f64 / f64::from(self.question.batch)
            } else {
                1.0
            };
            let count = messages * count * batches;
            match operation.split_once(':') {
                Some(("S3", "PutObject" | "ListObjectsV2")) => {
                    self.puts += count;
                    self.add("s3-puts", count);
                }
                Some(("S3", _)) => self.add("s3-gets", count),
                Some(("SQS", _)) => self.add("sqs-requests", count),
                Some(("SecretsManager", _)) => self.add("secrets-requests", count),
                Some(("DynamoDB", "GetItem" | "Query")) => self.add("dynamodb-reads", count),
                _ => {}
            }
        }
    }

    fn writes(&mut self, counted: &Counted, messages: f64, item_bytes: f64) {
        let units = (item_bytes / 1024.0).ceil().max(1.0);
        for operation in ["UpdateItem", "PutItem", "DeleteItem"] {
            let count = counted.requests.get(&format!("DynamoDB:{operation}")).copied().unwrap_or_default();
            self.add("dynamodb-writes", messages * count * units);
        }
    }

    /// What is there whether or not anything happens, and what follows from the sums.
    fn fixed(&mut self) {
        let shops = f64::from(self.question.shops);
        self.lambda(SCHEDULED, SCHEDULED_MS);
        self.add("scheduler", SCHEDULED + shops);
        self.add("sqs-requests", QUEUES * IDLE_POLLS);
        self.add("secrets", shops + 1.0);
        self.add("secrets-requests", READERS * SECRET_READS * (shops + 1.0));
        self.add("kms-keys", KEYS);
        self.add("kms-requests", self.puts / PUTS_PER_KMS_REQUEST);
        self.add("metrics", METRICS);
        self.add("alarms", ALARMS);
        self.add("alarm-groups", ALARM_GROUPS);
        self.add("dashboards", 1.0);
        self.add("logs-ingested", self.log_bytes / 1e9);
        self.add("logs-stored", self.log_bytes / 1e9 * LOG_MONTHS);
        let stored = self.stored_bytes / 1e9 * f64::from(self.question.months);
        self.add("dynamodb-storage", stored);
        self.add("dynamodb-recovery", stored);
    }
}

#[cfg(test)]
mod tests;
