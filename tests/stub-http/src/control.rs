//! The control routes that both stubs have: faults and the record of requests.

use crate::{
    fault::{Fault, FaultBook},
    journal::Journal,
    message::{Answer, Request},
};
use axum::http::Method;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What both stubs share: the fault settings and the record of requests.
#[derive(Debug, Default)]
pub struct Controls {
    pub faults: FaultBook,
    pub journal: Journal,
}

pub(crate) fn answer(controls: &Controls, what: &str, request: &Request) -> Option<Answer> {
    Some(match (&request.method, what) {
        (&Method::PUT, "faults") => match request.json::<Vec<Fault>>() {
            Ok(faults) => {
                controls.faults.set(faults);
                done()
            }
            Err(refused) => refused,
        },
        (&Method::DELETE, "faults") => {
            controls.faults.set(Vec::new());
            done()
        }
        (&Method::GET, "faults") => {
            let report = controls.faults.report();
            let rules: Vec<_> =
                report.iter().map(|(fault, hits)| json!({"fault": fault, "hits": hits})).collect();
            Answer::json(200, &json!({ "faults": rules }))
        }
        (&Method::GET, "requests") => {
            let limit = request.parameter("limit").and_then(|l| l.parse().ok()).unwrap_or(100);
            let entries = controls.journal.entries(request.parameter("operation"), limit);
            let statistics = controls.journal.statistics();
            let counts: BTreeMap<_, _> = statistics.iter().map(|(name, s)| (name, s.requests)).collect();
            Answer::json(200, &json!({"counts": counts, "statistics": statistics, "requests": entries}))
        }
        (&Method::DELETE, "requests") => {
            controls.journal.clear();
            done()
        }
        (&Method::GET, "health") => Answer::json(200, &json!({"status": "ok"})),
        _ => return None,
    })
}

/// What a control route answers that has nothing to tell.
pub fn done() -> Answer {
    Answer::json(200, &json!({"ok": true}))
}

/// Lays the keys of a JSON object over settings; an unknown key or a wrong type changes nothing.
///
/// # Errors
/// The refusal, if the request does not fit the settings.
pub fn merge<T: Serialize + DeserializeOwned>(settings: &T, request: &Request) -> Result<T, Answer> {
    let refuse = |error: serde_json::Error| Answer::text(400, &format!("bad settings: {error}\n"));
    let mut whole = serde_json::to_value(settings).map_err(refuse)?;
    let changes: serde_json::Map<String, Value> = request.json()?;
    if let Some(map) = whole.as_object_mut() {
        map.extend(changes);
    }
    serde_json::from_value(whole).map_err(refuse)
}
