//! CloudWatch metrics in the embedded metric format: one line a batch, which CloudWatch reads from the log.

use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::json;
use std::{collections::BTreeMap, io::Write};

/// Counts of one invocation. Names are stable: alarms and dashboards use them.
#[derive(Debug, Default)]
pub struct Metrics {
    counts: BTreeMap<&'static str, u64>,
}

const NAMESPACE: &str = "ShopifyExstream";

impl Metrics {
    pub fn count(&mut self, name: &'static str, by: u64) {
        // nothing counted is nothing to say
        if by > 0 {
            *self.counts.entry(name).or_default() += by;
        }
    }

    /// Writes the line, if anything was counted.
    pub fn emit(&self, function: &str, now: Timestamp) {
        if let Some(line) = self.line(function, now) {
            // a log that cannot be written to is not a reason to fail the work
            let _ = std::io::stdout().lock().write_all(line.as_bytes());
        }
    }

    fn line(&self, function: &str, now: Timestamp) -> Option<String> {
        if self.counts.is_empty() {
            return None;
        }
        let line = Line { function, now, counts: &self.counts };
        serde_json::to_string(&line).ok().map(|line| line + "\n")
    }
}

struct Line<'a> {
    function: &'a str,
    now: Timestamp,
    counts: &'a BTreeMap<&'static str, u64>,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names: Vec<_> = self.counts.keys().map(|name| json!({"Name": name})).collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(
            "_aws",
            &json!({"Timestamp": self.now.as_millisecond(), "CloudWatchMetrics": [
                {"Namespace": NAMESPACE, "Dimensions": [["Function"]], "Metrics": names}
            ]}),
        )?;
        map.serialize_entry("Function", self.function)?;
        for (name, count) in self.counts {
            map.serialize_entry(name, count)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_embedded_metric_format() {
        let mut metrics = Metrics::default();
        let now = Timestamp::from_millisecond(1_700_000_000_000).unwrap();
        assert_eq!(metrics.line("intake", now), None);
        metrics.count("Unknown", 1);
        metrics.count("Unknown", 1);
        let line = metrics.line("intake", now).unwrap();
        assert!(line.ends_with("}\n") && line.trim_end().lines().count() == 1, "one line an invocation");
        let expected = json!({
            "_aws": {"Timestamp": 1700000000000u64, "CloudWatchMetrics": [{
                "Namespace": "ShopifyExstream", "Dimensions": [["Function"]], "Metrics": [{"Name": "Unknown"}],
            }]},
            "Function": "intake",
            "Unknown": 2,
        });
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap(), expected);
    }
}
