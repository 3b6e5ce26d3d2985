//! The figures, and the two files they are written to: all of them, and the counts that do not depend on the
//! machine, which are kept in the repository.

use crate::{process, scenarios};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A median with the extremes around it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    pub fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<_> = values.collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        let middle = values.len() / 2;
        let median = match values.len() % 2 {
            1 => at(middle),
            _ => (at(middle) + at(middle.wrapping_sub(1))) / 2.0,
        };
        Self { median, min: at(0), max: at(values.len().wrapping_sub(1)) }
    }
}

/// One scenario. Everything that is counted is a message's, but for what says otherwise.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    pub function: String,
    pub scenario: String,
    /// From the start of the process to its first response.
    pub start_ms: Spread,
    pub cpu_ms: Spread,
    /// A whole batch, with services that answer at once.
    pub batch_ms: Spread,
    /// With the latencies of real ones.
    pub late_batch_ms: Spread,
    /// The slowest message by itself, with the same latencies.
    pub late_single_ms: Spread,
    pub late_ratio: Spread,
    pub messages_per_cpu_second: f64,
    pub peak_mb: Spread,
    /// Messages in a batch.
    pub batch: usize,
    /// By `service:operation`.
    pub requests: BTreeMap<String, f64>,
    pub communications: f64,
    pub dynamo_writes: f64,
    /// The largest ledger item.
    pub item_bytes: usize,
    /// A communication's; a message's, where the function makes none.
    pub log_bytes: f64,
    pub metric_bytes: f64,
    /// Warnings and errors in the log.
    pub complaints: usize,
}

impl Row {
    pub fn is_flow(&self) -> bool {
        scenarios::is_flow(&self.function)
    }

    /// How often something happens a communication.
    pub fn each(&self, count: f64) -> f64 {
        count / self.communications
    }
}

#[derive(Debug, Serialize)]
pub struct Results {
    pub date: String,
    pub machine: String,
    pub rows: Vec<Row>,
}

/// What one function asks for in one scenario, a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Counted {
    pub batch: usize,
    pub communications: f64,
    pub requests: BTreeMap<String, f64>,
    pub dynamo_writes: f64,
    pub item_bytes: usize,
    pub log_bytes: f64,
    pub metric_bytes: f64,
    /// What a batch, and a message alone, take with the latencies of real services.
    pub batch_ms: f64,
    pub single_ms: f64,
}

/// By function and scenario.
#[derive(Debug, Serialize, Deserialize)]
pub struct Requests {
    pub measured: String,
    pub functions: BTreeMap<String, BTreeMap<String, Counted>>,
}

impl Results {
    pub fn new(rows: Vec<Row>) -> Self {
        let date = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
        Self { date, machine: process::machine(), rows }
    }

    /// The text of the file of request counts.
    pub fn requests(&self) -> Result<String, serde_json::Error> {
        let mut functions: BTreeMap<String, BTreeMap<String, Counted>> = BTreeMap::new();
        for row in &self.rows {
            functions.entry(row.function.clone()).or_default().insert(row.scenario.clone(), row.counted());
        }
        serde_json::to_string_pretty(&Requests { measured: self.date.clone(), functions })
    }
}

impl Row {
    pub fn counted(&self) -> Counted {
        // to what a reader of a difference wants to see; times to what is the same on another day
        let round = |value: f64| (value * 1000.0).round() / 1000.0;
        let tens = |value: f64| (value / 10.0).round() * 10.0;
        Counted {
            batch: self.batch,
            communications: round(self.communications),
            requests: self.requests.iter().map(|(name, count)| (name.clone(), round(*count))).collect(),
            dynamo_writes: round(self.dynamo_writes),
            item_bytes: self.item_bytes,
            log_bytes: self.log_bytes.round(),
            metric_bytes: self.metric_bytes.round(),
            batch_ms: tens(self.late_batch_ms.median),
            single_ms: tens(self.late_single_ms.median),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_in_the_middle() {
        let of = |values: &[f64]| Spread::of(values.iter().copied());
        assert_eq!(of(&[3.0, 1.0, 2.0]), Spread { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(of(&[4.0, 1.0, 2.0, 3.0]).median, 2.5);
        assert!(of(&[]).median.is_nan());
    }

    #[test]
    fn the_kept_counts_name_every_function_and_scenario() {
        let kept: Requests = serde_json::from_str(include_str!("../requests.json")).unwrap();
        for scenario in scenarios::all() {
            let function = kept.functions.get(scenario.function);
            let counted = function.and_then(|function| function.get(scenario.name));
            assert!(counted.is_some(), "{} {}: write it with --update", scenario.function, scenario.name);
        }
    }
}
