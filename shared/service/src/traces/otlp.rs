//! OTLP 1.x over HTTP in its JSON encoding (opentelemetry.io/docs/specs/otlp): ids in lower-case hexadecimal, 64-bit numbers
//! as decimal text, enumerations as numbers.

use super::{Span, SpanName};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Of an answer, so much is read.
const MOST_ANSWER_BYTES: usize = 64 * 1024;

/// `SpanKind`
const INTERNAL: u8 = 1;
const CLIENT: u8 = 3;
const CONSUMER: u8 = 5;
/// `StatusCode`
const ERROR: u8 = 2;

#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    #[error("sending spans")]
    Http(#[from] reqwest::Error),
    #[error("the collector answered {0}")]
    Status(u16),
    #[error("the collector's answer is too long")]
    TooLong,
}

/// An `ExportTraceServiceRequest`.
pub(super) fn request(function: &str, spans: &[Span]) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let resource = [
        attribute("service.namespace", "shopify-exstream"),
        attribute("service.name", function),
        attribute("service.version", version),
    ];
    json!({"resourceSpans": [{
        "resource": {"attributes": resource},
        "scopeSpans": [{
            "scope": {"name": "shopify-exstream", "version": version},
            "spans": spans.iter().map(span).collect::<Vec<_>>(),
        }],
    }]})
    .to_string()
}

fn attribute(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn span(span: &Span) -> Value {
    let Span { begun, ended, failed, attributes } = span;
    let mut value = json!({
        "traceId": format!("{:032x}", begun.place.trace),
        "spanId": format!("{:016x}", begun.id),
        "name": begun.name.name(),
        "kind": kind(begun.name),
        "startTimeUnixNano": nanoseconds(begun.at),
        "endTimeUnixNano": nanoseconds(*ended),
    });
    if let Some(parent) = begun.place.parent {
        value["parentSpanId"] = format!("{parent:016x}").into();
    }
    if !attributes.is_empty() {
        let attributes: Vec<_> = attributes.iter().map(|(key, value)| attribute(key, value)).collect();
        value["attributes"] = attributes.into();
    }
    if *failed {
        value["status"] = json!({"code": ERROR});
    }
    value
}

const fn kind(name: SpanName) -> u8 {
    match name {
        SpanName::Intake | SpanName::Communication => CONSUMER,
        SpanName::Compose | SpanName::Send | SpanName::WriteBack => CLIENT,
        SpanName::QueueWait | SpanName::Claim | SpanName::Gather | SpanName::Archive | SpanName::Complete => {
            INTERNAL
        }
    }
}

fn nanoseconds(at: Timestamp) -> String {
    at.as_nanosecond().max(0).to_string()
}

/// How many spans the collector has rejected. Its answer is read whole, so that the connection can be used again.
pub(super) async fn answer(request: reqwest::RequestBuilder) -> Result<u64, SendError> {
    let mut answer = request.send().await?;
    if !answer.status().is_success() {
        return Err(SendError::Status(answer.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > MOST_ANSWER_BYTES {
            return Err(SendError::TooLong);
        }
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let rejected = &body["partialSuccess"]["rejectedSpans"];
    Ok(rejected.as_u64().or_else(|| rejected.as_str()?.parse().ok()).unwrap_or(0))
}
