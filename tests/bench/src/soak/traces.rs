//! Whether what happened to a document is one trace, from the event to the report to Shopify.

use fakes::Collector;
use std::collections::{HashMap, HashSet};

/// Of a hundred documents, so many have their whole trace at least: what a process has not sent when it is killed is lost.
const WHOLE: usize = 80;
const WAY: [&str; 7] = ["intake", "queue wait", "communication", "claim", "gather", "complete", "write-back"];

/// How many of these communications have one trace with every step of the way.
pub fn whole<'a>(collector: &Collector, communications: impl Iterator<Item = &'a str>) -> usize {
    let spans = collector.spans();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let (mut steps, mut traces) = (HashMap::<_, HashSet<_>>::new(), HashMap::<_, HashSet<_>>::new());
    for span in &spans {
        let trace = text(&span["traceId"]);
        steps.entry(trace.clone()).or_default().insert(text(&span["name"]));
        for attribute in span["attributes"].as_array().into_iter().flatten() {
            if attribute["key"] == "communication" {
                let communication = text(&attribute["value"]["stringValue"]);
                traces.entry(communication).or_default().insert(trace.clone());
            }
        }
    }
    let is_whole =
        |trace: &String| steps.get(trace).is_some_and(|it| WAY.iter().all(|step| it.contains(*step)));
    communications.filter(|id| traces.get(*id).is_some_and(|of| of.iter().any(is_whole))).count()
}

/// What is wrong if so few of all are whole.
pub fn broken(whole: usize, all: usize) -> Option<String> {
    (whole * 100 < all * WHOLE)
        .then(|| format!("{whole} of {all} documents have one trace from the event to the report"))
}
