//! A collector of traces: OTLP over HTTP in its JSON encoding, by the rules of opentelemetry.io/docs/specs/otlp and the
//! messages of opentelemetry-proto 1.x. What the rules do not know is refused, unlike by real ones, which must ignore it.

use crate::serve;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CollectorMood {
    #[default]
    Well,
    /// Takes the request and never answers.
    Silent,
    /// Answers 503.
    Down,
    /// Takes what it is given, and says that one span was rejected.
    Partial,
}

#[derive(Default)]
struct Known {
    spans: Vec<Value>,
    refused: Vec<String>,
    requests: usize,
    mood: CollectorMood,
}

#[derive(Clone)]
pub struct Collector {
    known: Arc<Mutex<Known>>,
    /// Where traces are sent to.
    pub endpoint: String,
}

impl Collector {
    pub async fn start() -> Self {
        let known = Arc::new(Mutex::new(Known::default()));
        let url = serve(Router::new().fallback(answer).with_state(Arc::clone(&known))).await;
        Self { known, endpoint: format!("{url}/v1/traces") }
    }

    pub fn be(&self, mood: CollectorMood) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).mood = mood;
    }

    /// Every span that was taken, each with its `resource`.
    ///
    /// # Panics
    /// If anything was sent that is not as it has to be.
    pub fn spans(&self) -> Vec<Value> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(known.refused.is_empty(), "{:?}", known.refused);
        known.spans.clone()
    }

    pub fn requests(&self) -> usize {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).requests
    }
}

async fn answer(
    State(known): State<Arc<Mutex<Known>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mood = {
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        known.requests += 1;
        known.mood
    };
    match mood {
        CollectorMood::Silent => {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            return StatusCode::OK.into_response();
        }
        CollectorMood::Down => return (StatusCode::SERVICE_UNAVAILABLE, "no").into_response(),
        CollectorMood::Well | CollectorMood::Partial => {}
    }
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    match spans(&method, &uri, &headers, &body) {
        Ok(spans) => known.spans.extend(spans),
        Err(why) => {
            known.refused.push(why.clone());
            return (StatusCode::BAD_REQUEST, json!({"message": why}).to_string()).into_response();
        }
    }
    let partial = json!({"partialSuccess": {"rejectedSpans": "1", "errorMessage": "too old"}}).to_string();
    let body = if mood == CollectorMood::Partial { partial } else { "{}".to_owned() };
    ([("content-type", "application/json")], body).into_response()
}

/// The spans of an `ExportTraceServiceRequest`, or why it is none.
///
/// # Errors
/// What is wrong with it.
pub fn spans(method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Vec<Value>, String> {
    let content_type = headers.get("content-type").and_then(|value| value.to_str().ok());
    if method != Method::POST || uri.path() != "/v1/traces" || content_type != Some("application/json") {
        return Err(format!("{method} {uri} of {content_type:?}"));
    }
    let body: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let (mut all, mut ids) = (Vec::new(), HashSet::new());
    for group in list(object(&body, &["resourceSpans"])?, "resourceSpans")? {
        let group = object(group, &["resource", "scopeSpans", "schemaUrl"])?;
        let resource = group.get("resource").ok_or("no resource")?;
        let attributes = attributes(object(resource, &["attributes", "droppedAttributesCount"])?)?;
        if !attributes.iter().any(|(key, _)| *key == "service.name") {
            return Err("the resource has no service.name".to_owned());
        }
        for scope in list(group, "scopeSpans")? {
            let scope = object(scope, &["scope", "spans", "schemaUrl"])?;
            if let Some(scope) = scope.get("scope") {
                object(scope, &["name", "version", "attributes", "droppedAttributesCount"])?;
            }
            for span in list(scope, "spans")? {
                check(span).map_err(|why| format!("{why}: {span}"))?;
                if !ids.insert(span["spanId"].clone()) {
                    return Err(format!("two spans of one id: {span}"));
                }
                let mut span = span.clone();
                span["resource"] = resource.clone();
                all.push(span);
            }
        }
    }
    Ok(all)
}

/// A `Span`.
fn check(span: &Value) -> Result<(), String> {
    let fields = object(
        span,
        &[
            "traceId",
            "spanId",
            "traceState",
            "parentSpanId",
            "flags",
            "name",
            "kind",
            "startTimeUnixNano",
            "endTimeUnixNano",
            "attributes",
            "status",
        ],
    )?;
    for (name, length, must) in [("traceId", 32, true), ("spanId", 16, true), ("parentSpanId", 16, false)] {
        let Some(value) = fields.get(name) else {
            if must {
                return Err(format!("no {name}"));
            }
            continue;
        };
        let id = value.as_str().unwrap_or_default();
        let is_hex = id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if id.len() != length || !is_hex || id.bytes().all(|b| b == b'0') {
            return Err(format!("{name} is {value}"));
        }
    }
    if fields.get("name").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err("no name".to_owned());
    }
    if !fields.get("kind").and_then(Value::as_u64).is_some_and(|kind| (1..=5).contains(&kind)) {
        return Err("kind is no number of a kind".to_owned());
    }
    let time = |name: &str| {
        let text = fields.get(name).and_then(Value::as_str).unwrap_or_default();
        text.parse::<u64>().map_err(|_| format!("{name} is no decimal text"))
    };
    if time("startTimeUnixNano")? > time("endTimeUnixNano")? {
        return Err("it ends before it begins".to_owned());
    }
    attributes(fields)?;
    if let Some(status) = fields.get("status") {
        let status = object(status, &["code", "message"])?;
        if status.get("code").and_then(Value::as_u64).is_none_or(|code| code > 2) {
            return Err("status is no number of a status".to_owned());
        }
    }
    Ok(())
}

/// `KeyValue`s of text, each key once.
fn attributes(fields: &Map<String, Value>) -> Result<Vec<(&str, &str)>, String> {
    let Some(list) = fields.get("attributes") else { return Ok(Vec::new()) };
    let mut keys = HashSet::new();
    let read = |attribute| {
        let attribute = object(attribute, &["key", "value"])?;
        let key =
            attribute.get("key").and_then(Value::as_str).filter(|key| !key.is_empty()).ok_or("no key")?;
        let value = object(attribute.get("value").ok_or("no value")?, &["stringValue"])?;
        let value = value.get("stringValue").and_then(Value::as_str).ok_or("no text")?;
        if keys.insert(key) { Ok((key, value)) } else { Err(format!("{key} twice")) }
    };
    list.as_array().ok_or("attributes are no list")?.iter().map(read).collect()
}

fn list<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a Vec<Value>, String> {
    let list = fields.get(name).and_then(Value::as_array).filter(|list| !list.is_empty());
    list.ok_or_else(|| format!("no {name}"))
}

fn object<'a>(value: &'a Value, names: &[&str]) -> Result<&'a Map<String, Value>, String> {
    let fields = value.as_object().ok_or_else(|| format!("no object: {value}"))?;
    match fields.keys().find(|name| !names.contains(&name.as_str())) {
        Some(unknown) => Err(format!("{unknown} is not known here")),
        None => Ok(fields),
    }
}
