//! How the functions are deployed by default, for tests that imitate AWS: `infra/functions.json`, the table that the
//! CDK app deploys by. It is part of the program, so a changed table is a changed test; a value that is missing is an
//! error that names the function.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::time::Duration;

const TABLE: &str = include_str!("../../../infra/functions.json");

/// The kinds of functions; their descriptions are in `infra/functions.schema.json`.
pub const FLOW: &str = "flow";
pub const RUN: &str = "run";
pub const EVENTS: &str = "events";
pub const PASS: &str = "pass";
pub const WRITE_BACK: &str = "write-back";
pub const PRIVACY: &str = "privacy";
pub const HTTP: &str = "http";
pub const STREAM: &str = "stream";
const KINDS: [&str; 8] = [FLOW, RUN, EVENTS, PASS, WRITE_BACK, PRIVACY, HTTP, STREAM];

#[derive(Debug, thiserror::Error)]
pub enum TableError {
    #[error("infra/functions.json cannot be read")]
    Malformed(#[source] serde_json::Error),
    #[error("infra/functions.json has no function `{0}`")]
    NoFunction(String),
    #[error("infra/functions.json: `{name}`")]
    Function { name: String, source: serde_json::Error },
}

/// All functions, in the order of the table.
#[derive(Debug, Clone)]
pub struct Deployment {
    pub queues: Queues,
    functions: Vec<(&'static str, String, Value)>,
}

/// What holds for every queue.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Queues {
    pub max_receive_count: u32,
    retry_base_seconds: u32,
}

impl Queues {
    /// First delay of a message that failed and may succeed later.
    #[must_use]
    pub fn retry_base(&self) -> Duration {
        Duration::from_secs(self.retry_base_seconds.into())
    }
}

/// An event source mapping: a queue, and how its function is fed from it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Batches {
    timeout_seconds: u32,
    pub batch_size: usize,
    window_seconds: u32,
    /// Messages of a batch that are worked on at once, where the deployment says it.
    pub batch_concurrency: Option<usize>,
    pub max_concurrency: usize,
    hidden_timeouts: u32,
}

impl Batches {
    /// When an invocation is cut off.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.into())
    }

    /// How long Lambda collects messages for a batch.
    #[must_use]
    pub fn window(&self) -> Duration {
        Duration::from_secs(self.window_seconds.into())
    }

    /// How long a message stays hidden that is neither deleted nor given back.
    #[must_use]
    pub fn hidden(&self) -> Duration {
        self.timeout() * self.hidden_timeouts
    }
}

/// A function that is invoked per event.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PerEvent {
    timeout_seconds: u32,
    /// How often Lambda repeats an invocation that failed.
    pub async_retries: u32,
}

impl PerEvent {
    /// When an invocation is cut off.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.into())
    }
}

/// A function that fills the queue of a flow.
#[derive(Debug, Clone, Deserialize)]
pub struct Run {
    pub fills: String,
}

#[derive(Deserialize)]
struct Kind {
    shared: Map<String, Value>,
    functions: Map<String, Value>,
}

impl Deployment {
    /// # Errors
    /// Where the table does not have the form that its schema describes.
    pub fn read() -> Result<Self, TableError> {
        let table: Map<String, Value> = parse(serde_json::from_str(TABLE).map_err(TableError::Malformed)?)?;
        let part = |name: &str| table.get(name).cloned().unwrap_or_default();
        let every: Map<String, Value> = parse(part("every"))?;
        let mut functions = Vec::new();
        for kind in KINDS {
            let Kind { shared, functions: rows } = parse(part(kind))?;
            for (name, own) in rows {
                // the last one wins
                let row = every.clone().into_iter().chain(shared.clone()).chain(parse::<Map<_, _>>(own)?);
                functions.push((kind, name, Value::Object(row.collect())));
            }
        }
        Ok(Self { queues: parse(part("queues"))?, functions })
    }

    /// The names of the functions of a kind, in the order of the table.
    pub fn names(&self, kind: &str) -> impl Iterator<Item = &str> {
        self.functions.iter().filter(move |(of, ..)| *of == kind).map(|(_, name, _)| name.as_str())
    }

    /// How a function is fed from its queue.
    ///
    /// # Errors
    /// Where the table has no such function, or the function has no queue.
    pub fn batches(&self, name: &str) -> Result<Batches, TableError> {
        self.row(name)
    }

    /// How a function that is invoked per event is deployed.
    ///
    /// # Errors
    /// Where the table has no such function, or it is not invoked per event.
    pub fn per_event(&self, name: &str) -> Result<PerEvent, TableError> {
        self.row(name)
    }

    /// What a run fills.
    ///
    /// # Errors
    /// Where the table has no such run.
    pub fn run(&self, name: &str) -> Result<Run, TableError> {
        self.row(name)
    }

    fn row<T: DeserializeOwned>(&self, name: &str) -> Result<T, TableError> {
        let found = self.functions.iter().find(|(_, of, _)| of == name);
        let (_, _, row) = found.ok_or_else(|| TableError::NoFunction(name.to_owned()))?;
        serde_json::from_value(row.clone())
            .map_err(|source| TableError::Function { name: name.to_owned(), source })
    }
}

fn parse<T: DeserializeOwned>(value: Value) -> Result<T, TableError> {
    serde_json::from_value(value).map_err(TableError::Malformed)
}

#[cfg(test)]
mod tests;
