//! What the product is set to: the table that it is deployed by, the constants of its crates and the requests that the
//! benchmark counted, so that a changed default is a changed simulation.

use deployment::{Deployment, TableError};
use serde::Deserialize;
use std::{collections::BTreeMap, time::Duration};

const REQUESTS: &str = include_str!("../../bench/requests.json");

#[derive(Debug, thiserror::Error)]
pub enum ProductError {
    #[error("the deployment table")]
    Table(#[from] TableError),
    #[error("tests/bench/requests.json cannot be read")]
    Counts(#[from] serde_json::Error),
    #[error("tests/bench/requests.json has no counts of {flow}, {channel}")]
    NotCounted { flow: String, channel: String },
    #[error("a runtime for virtual time")]
    Runtime(#[from] std::io::Error),
}

pub struct Product {
    deployment: Deployment,
    counts: Counts,
}

/// An event source mapping: the queue, and how its function is fed.
#[derive(Debug, Clone)]
pub struct Source {
    pub batch: usize,
    pub window: Duration,
    pub max_concurrency: usize,
    /// Messages of a batch that are worked on at once.
    pub at_once: usize,
    pub max_receive_count: u32,
    pub timeout: Duration,
}

/// What one communication of a flow asks for, as the benchmark counted it.
#[derive(Debug, Clone)]
pub struct Recipe {
    pub ledger_writes: u32,
    pub puts: u32,
    /// Names of Shopify's operations.
    pub queries: Vec<String>,
    pub sends: u32,
}

/// How a statement run hands accounts on.
#[derive(Debug, Clone, Copy)]
pub struct StatementRun {
    pub sent_at_once: usize,
    pub accounts_per_save: usize,
    pub chunks: usize,
    pub customers_per_file: usize,
    /// The longest wait that is made inside an invocation.
    pub patience: Duration,
}

impl Default for StatementRun {
    fn default() -> Self {
        let pace = statement_run::Pace::default();
        Self {
            sent_at_once: statement_run::SENT_AT_ONCE,
            accounts_per_save: pace.accounts,
            chunks: statement_run::CHUNKS,
            customers_per_file: shop_config::CUSTOMERS_PER_FILE.into(),
            patience: pace.patience,
        }
    }
}

/// The file that `bench` writes: by function and scenario.
#[derive(Deserialize)]
struct Counts {
    functions: BTreeMap<String, BTreeMap<String, Counted>>,
}

/// Per message.
#[derive(Deserialize)]
struct Counted {
    communications: f64,
    requests: BTreeMap<String, f64>,
}

impl Product {
    pub fn read() -> Result<Self, ProductError> {
        Ok(Self { deployment: Deployment::read()?, counts: serde_json::from_str(REQUESTS)? })
    }

    pub fn retry_base(&self) -> Duration {
        self.deployment.queues.retry_base()
    }

    pub fn max_receive_count(&self) -> u32 {
        self.deployment.queues.max_receive_count
    }

    /// How a function is fed from its queue.
    pub fn source(&self, name: &str) -> Result<Source, ProductError> {
        let batches = self.deployment.batches(name)?;
        Ok(Source {
            batch: batches.batch_size,
            window: batches.window(),
            max_concurrency: batches.max_concurrency,
            at_once: batches.batch_concurrency.unwrap_or(service::BATCH_CONCURRENCY),
            max_receive_count: self.max_receive_count(),
            timeout: batches.timeout(),
        })
    }

    /// What is asked about one communication of `flow` that goes out by `channel`; what is asked about fewer than
    /// half of them is left out.
    pub fn recipe(&self, flow: &str, channel: &str) -> Result<Recipe, ProductError> {
        let of_flow = self.counts.functions.get(flow);
        let Counted { communications, requests } = of_flow
            .and_then(|channels| channels.get(channel))
            .ok_or_else(|| ProductError::NotCounted { flow: flow.to_owned(), channel: channel.to_owned() })?;
        let each = |name: &str| {
            let count = requests.get(name).copied().unwrap_or(0.0);
            (count / communications).round() as u32
        };
        let shopify = requests.keys().filter_map(|name| Some((name, name.strip_prefix("Shopify:")?)));
        Ok(Recipe {
            ledger_writes: each("DynamoDB:UpdateItem"),
            puts: each("S3:PutObject"),
            queries: shopify.filter(|(name, _)| each(name) > 0).map(|(_, query)| query.to_owned()).collect(),
            sends: each("CoreMessaging:send"),
        })
    }
}
