//! Asking Core Messaging what became of a message that it took.
//!
//! Asking has no effect, so every failure means: ask again later. An answer counts only if it is about the job
//! that was asked for. `Sent` is not the end: a bounce (a DSN) and an opt-out come hours or days later, and the
//! answer to a later question shows them. Both are documented for e-mail; of an SMS or a WhatsApp message only the
//! state of its attempts is. A job is forgotten after some time, which nobody has published.

use crate::{
    DeliveryError,
    messaging::{StatusCall, ask, refusal},
};
use exstream::TokenSource;
use reqwest::Client;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// What became of a message, as far as Core Messaging knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobOutcome {
    pub status: JobStatus,
    /// The recipient asked for no more of this kind.
    pub opted_out: bool,
    /// The recipient's mail program has loaded the message's pictures.
    pub opened: bool,
}

/// What Core Messaging says of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobStatus {
    Pending,
    /// Handed to the recipient's mail server, or to the network that brings it.
    Delivered,
    /// Not delivered, or returned after it was.
    Bounced {
        reason: String,
    },
    /// Core Messaging has no such job, or has it no more.
    Gone,
}

pub(crate) async fn status(
    http: &Client,
    tokens: &TokenSource,
    call: StatusCall<'_>,
) -> Result<JobOutcome, DeliveryError> {
    let reply = ask(http, tokens, call).await?;
    match refusal(&reply) {
        _ if reply.is_success() => read_outcome(&reply.body, call.job_id),
        // a gateway that has lost its route says 404, too, and not in the service's words
        DeliveryError::Refused { status: 404 } if reports_error(&reply.body) => {
            Ok(JobOutcome { status: JobStatus::Gone, opted_out: false, opened: false })
        }
        DeliveryError::Unclear { status } => {
            Err(DeliveryError::Unavailable { status, retry_after: reply.retry_after })
        }
        refusal => Err(refusal),
    }
}

/// Whether a body is an error in the service's own format.
fn reports_error(body: &[u8]) -> bool {
    let names = ["fault", "error", "errors", "error_code", "errorCode"];
    serde_json::from_slice::<Value>(body)
        .is_ok_and(|body| names.iter().any(|name| body.get(name).is_some_and(|it| !it.is_null())))
}

#[derive(Deserialize)]
struct WireStatus {
    #[serde(default, deserialize_with = "nullable")]
    job_id: Option<String>,
    /// One state, or a list of states.
    #[serde(default)]
    job_state: Value,
    #[serde(default)]
    deliveries: Option<Vec<WireDelivery>>,
}

#[derive(Deserialize)]
struct WireDelivery {
    #[serde(default, deserialize_with = "nullable")]
    delivery_attempts: Vec<WireAttempt>,
    #[serde(default, deserialize_with = "nullable")]
    events: WireEvents,
}

#[derive(Deserialize, Default)]
struct WireEvents {
    #[serde(default, deserialize_with = "nullable")]
    email_delivery_events: WireEmailEvents,
}

/// Documented are an object for `opt_out` and one for `dsn`; what they hold is not. A list, null or nothing is
/// understood as well.
#[derive(Deserialize, Default)]
struct WireEmailEvents {
    #[serde(default)]
    opt_out: Value,
    #[serde(default)]
    dsn: Value,
    /// A list by the documentation.
    #[serde(default)]
    html_open: Value,
}

#[derive(Deserialize)]
struct WireAttempt {
    #[serde(default, deserialize_with = "nullable")]
    state: String,
    gamma_code: Option<i64>,
}

/// Null means the same as nothing.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

/// What happened, of an event that may be one object or a list. An object without a value says nothing.
fn events(value: &Value) -> Vec<&Value> {
    let says_something = |event: &Value| match event {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(members) => members.values().any(|member| !member.is_null()),
        _ => true,
    };
    match value {
        Value::Array(events) => events.iter().filter(|event| !event.is_null()).collect(),
        event if says_something(event) => vec![event],
        _ => Vec::new(),
    }
}

fn read_outcome(body: &[u8], job_id: &str) -> Result<JobOutcome, DeliveryError> {
    let wire: WireStatus = serde_json::from_slice(body).map_err(|_| DeliveryError::Unintelligible)?;
    let is_another = wire.job_id.as_deref().is_some_and(|id| id != job_id);
    // a success that reports an error instead of a job says nothing of it
    let is_none = wire.job_state.is_null() && wire.deliveries.is_none();
    if is_another || is_none {
        return Err(DeliveryError::Unintelligible);
    }
    let deliveries = wire.deliveries.as_deref().unwrap_or_default();
    let mut of_deliveries = deliveries.iter().map(|it| &it.events.email_delivery_events);
    let opted_out = of_deliveries.clone().any(|it| !events(&it.opt_out).is_empty());
    let opened = of_deliveries.any(|it| !events(&it.html_open).is_empty());
    Ok(JobOutcome { status: read_status(&wire.job_state, deliveries), opted_out, opened })
}

/// A failed DSN has the last word. Without a DSN, a message is delivered once an attempt is `Sent`, and has bounced
/// when the job has ended without one: until then a failed attempt may be followed by another.
fn read_status(job_state: &Value, deliveries: &[WireDelivery]) -> JobStatus {
    let dsns = deliveries.iter().flat_map(|it| events(&it.events.email_delivery_events.dsn));
    if let Some(reason) = dsns.filter_map(returned).next() {
        return JobStatus::Bounced { reason };
    }
    let attempts: Vec<_> = deliveries.iter().flat_map(|it| &it.delivery_attempts).collect();
    let is = |state: &str, names: &[&str]| names.iter().any(|name| state.eq_ignore_ascii_case(name));
    if attempts.iter().any(|attempt| is(&attempt.state, &["Sent"])) {
        return JobStatus::Delivered;
    }
    let states = events(job_state);
    let over = |names: &[&str]| states.iter().any(|state| state.as_str().is_some_and(|it| is(it, names)));
    if over(&["Cancelled", "Canceled"]) {
        return JobStatus::Bounced { reason: "the job was cancelled".to_owned() };
    }
    let failed = attempts.iter().rev().find(|attempt| is(&attempt.state, &["Error", "Failed"]));
    match failed {
        Some(attempt) if over(&["Complete", "Completed"]) => JobStatus::Bounced {
            reason: match attempt.gamma_code {
                Some(code) => format!("delivery failed with code {code}"),
                None => "delivery failed".to_owned(),
            },
        },
        _ => JobStatus::Pending,
    }
}

/// Why a message was returned, by a delivery status notification (RFC 3464). `None` for one that reports a delay or a
/// success. Of its texts only the status code is kept: others may quote the recipient's address.
fn returned(dsn: &Value) -> Option<String> {
    let text = |name: &str| dsn.get(name).and_then(Value::as_str).map(str::trim);
    let code = text("status").filter(|code| is_status_code(code));
    match text("action") {
        Some(action)
            if ["delayed", "delivered", "relayed", "expanded"]
                .iter()
                .any(|it| action.eq_ignore_ascii_case(it)) =>
        {
            None
        }
        None if code.is_some_and(|code| code.starts_with('2')) => None,
        _ => Some(match code {
            Some(code) => format!("returned by the recipient's mail server with status {code}"),
            None => "returned by the recipient's mail server".to_owned(),
        }),
    }
}

/// An enhanced status code of RFC 3463, such as `5.1.1`.
fn is_status_code(text: &str) -> bool {
    let mut parts = text.split('.');
    let mut next = |most: usize| {
        parts
            .next()
            .is_some_and(|it| (1..=most).contains(&it.len()) && it.bytes().all(|b| b.is_ascii_digit()))
    };
    next(1) && next(3) && next(3) && parts.next().is_none()
}

#[cfg(test)]
mod tests;
