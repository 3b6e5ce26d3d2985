//! The control routes that both stubs have: faults and the record of requests.

use crate::{
    fault::Fault,
    http::{Answer, Core, Request},
};
use axum::http::Method;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(crate) fn answer(core: &Core, what: &str, request: &Request) -> Option<Answer> {
    Some(match (&request.method, what) {
        (&Method::PUT, "faults") => match request.json::<Vec<Fault>>() {
            Ok(faults) => {
                core.faults.set(faults);
                done()
            }
            Err(refused) => refused,
        },
        (&Method::DELETE, "faults") => {
            core.faults.set(Vec::new());
            done()
        }
        (&Method::GET, "faults") => {
            let report = core.faults.report();
            let rules: Vec<_> =
                report.iter().map(|(fault, hits)| json!({"fault": fault, "hits": hits})).collect();
            Answer::json(200, &json!({ "faults": rules }))
        }
        (&Method::GET, "requests") => {
            let limit = request.parameter("limit").and_then(|l| l.parse().ok()).unwrap_or(100);
            let entries = core.journal.entries(request.parameter("operation"), limit);
            let statistics = core.journal.statistics();
            let counts: BTreeMap<_, _> = statistics.iter().map(|(name, s)| (name, s.requests)).collect();
            Answer::json(200, &json!({"counts": counts, "statistics": statistics, "requests": entries}))
        }
        (&Method::DELETE, "requests") => {
            core.journal.clear();
            done()
        }
        (&Method::GET, "health") => Answer::json(200, &json!({"status": "ok"})),
        _ => return None,
    })
}

pub(crate) fn done() -> Answer {
    Answer::json(200, &json!({"ok": true}))
}

/// Lays the keys of a JSON object over settings; an unknown key or a wrong type changes nothing.
pub(crate) fn merge<T: Serialize + DeserializeOwned>(settings: &T, request: &Request) -> Result<T, Answer> {
    let refuse = |error: serde_json::Error| Answer::text(400, &format!("bad settings: {error}\n"));
    let mut whole = serde_json::to_value(settings).map_err(refuse)?;
    let changes: serde_json::Map<String, Value> = request.json()?;
    if let Some(map) = whole.as_object_mut() {
        map.extend(changes);
    }
    serde_json::from_value(whole).map_err(refuse)
}
