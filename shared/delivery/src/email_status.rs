//! Asking Core Messaging what became of an e-mail that it took.
//!
//! Asking has no effect, so every failure means: ask again later. An answer counts only if it is about the job
//! that was asked for. `Sent` is not the end: a bounce (a DSN) and an opt-out come hours or days later, and the
//! answer to a later question shows them. A job is forgotten after some time, which nobody has published.

use crate::{
    DeliveryError,
    email::{ANSWER_BYTES, CLOSE, JSON, is_unauthorized, refusal, url},
};
use bytes::Bytes;
use comms::ShopDomain;
use exstream::{Budget, CallError, Credentials, ExchangeError, Outgoing, Reply, TokenCall, TokenSource};
use jiff::Timestamp;
use reqwest::{
    Client, Method,
    header::{ACCEPT, CONNECTION, HeaderMap},
};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::time::Duration;

/// What became of a message, as far as Core Messaging knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailOutcome {
    pub status: EmailStatus,
    /// The recipient asked for no more of this kind.
    pub opted_out: bool,
}

/// What Core Messaging says of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmailStatus {
    Pending,
    /// Handed to the recipient's mail server.
    Delivered,
    /// Not delivered, or returned after it was.
    Bounced {
        reason: String,
    },
    /// Core Messaging has no such job, or has it no more.
    Gone,
}

#[derive(Clone, Copy)]
pub struct StatusCall<'a> {
    pub shop: &'a ShopDomain,
    pub settings: &'a shop_config::Email,
    pub credentials: &'a Credentials,
    /// [`crate::Accepted::reference`] of the send.
    pub job_id: &'a str,
    pub now: Timestamp,
    pub timeout: Duration,
}

pub(crate) async fn status(
    http: &Client,
    tokens: &TokenSource,
    call: StatusCall<'_>,
) -> Result<EmailOutcome, DeliveryError> {
    let reply = ask(http, tokens, call).await?;
    match refusal(&reply) {
        _ if reply.is_success() => read_outcome(&reply.body, call.job_id),
        // a gateway that has lost its route says 404, too, and not in the service's words
        DeliveryError::Refused { status: 404 } if reports_error(&reply.body) => {
            Ok(EmailOutcome { status: EmailStatus::Gone, opted_out: false })
        }
        DeliveryError::Unclear { status } => {
            Err(DeliveryError::Unavailable { status, retry_after: reply.retry_after })
        }
        refusal => Err(refusal),
    }
}

/// Whether the service itself answers: a job's status, or that there is none. Not a gateway's error or a page.
pub(crate) async fn answers(http: &Client, tokens: &TokenSource, call: StatusCall<'_>) -> bool {
    match ask(http, tokens, call).await {
        Ok(reply) if reply.is_success() => {
            serde_json::from_slice::<serde::de::IgnoredAny>(&reply.body).is_ok()
        }
        Ok(reply) => (400..=499).contains(&reply.status),
        Err(_) => false,
    }
}

async fn ask(http: &Client, tokens: &TokenSource, call: StatusCall<'_>) -> Result<Reply, DeliveryError> {
    let mut url = url(call.settings)?;
    url.set_path(&format!("{}/status", url.path()));
    url.query_pairs_mut().append_pair("job_id", call.job_id);
    let outgoing = Outgoing {
        method: Method::GET,
        url,
        headers: HeaderMap::from_iter([(ACCEPT, JSON), (CONNECTION, CLOSE)]),
        body: Bytes::new(),
        limit: ANSWER_BYTES,
    };
    let token = TokenCall {
        shop: call.shop,
        token: &call.settings.token,
        credentials: call.credentials,
        now: call.now,
        budget: Budget::new(call.timeout.min(call.settings.timeout())),
    };
    match tokens.exchange(http, token, &outgoing, is_unauthorized).await {
        Err(CallError::Exchange(ExchangeError::TooLarge { .. })) => Err(DeliveryError::Unintelligible),
        other => Ok(other?),
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

fn read_outcome(body: &[u8], job_id: &str) -> Result<EmailOutcome, DeliveryError> {
    let wire: WireStatus = serde_json::from_slice(body).map_err(|_| DeliveryError::Unintelligible)?;
    let is_another = wire.job_id.as_deref().is_some_and(|id| id != job_id);
    // a success that reports an error instead of a job says nothing of it
    let is_none = wire.job_state.is_null() && wire.deliveries.is_none();
    if is_another || is_none {
        return Err(DeliveryError::Unintelligible);
    }
    let deliveries = wire.deliveries.as_deref().unwrap_or_default();
    let opted_out = deliveries.iter().any(|it| !events(&it.events.email_delivery_events.opt_out).is_empty());
    Ok(EmailOutcome { status: read_status(&wire.job_state, deliveries), opted_out })
}

/// A failed DSN has the last word. Without one a message is delivered once an attempt is `Sent`, and has bounced
/// when the job is over without: until then a failed attempt may be followed by another.
fn read_status(job_state: &Value, deliveries: &[WireDelivery]) -> EmailStatus {
    let dsns = deliveries.iter().flat_map(|it| events(&it.events.email_delivery_events.dsn));
    if let Some(reason) = dsns.filter_map(returned).next() {
        return EmailStatus::Bounced { reason };
    }
    let attempts: Vec<_> = deliveries.iter().flat_map(|it| &it.delivery_attempts).collect();
    let is = |state: &str, names: &[&str]| names.iter().any(|name| state.eq_ignore_ascii_case(name));
    if attempts.iter().any(|attempt| is(&attempt.state, &["Sent"])) {
        return EmailStatus::Delivered;
    }
    let states = events(job_state);
    let over = |names: &[&str]| states.iter().any(|state| state.as_str().is_some_and(|it| is(it, names)));
    if over(&["Cancelled", "Canceled"]) {
        return EmailStatus::Bounced { reason: "the job was cancelled".to_owned() };
    }
    let failed = attempts.iter().rev().find(|attempt| is(&attempt.state, &["Error", "Failed"]));
    match failed {
        Some(attempt) if over(&["Complete", "Completed"]) => EmailStatus::Bounced {
            reason: match attempt.gamma_code {
                Some(code) => format!("delivery failed with code {code}"),
                None => "delivery failed".to_owned(),
            },
        },
        _ => EmailStatus::Pending,
    }
}

/// Why a message came back, by a delivery status notification (RFC 3464). `None` for one that reports a delay or a
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
mod tests {
    use super::*;
    use serde_json::json;

    fn outcome(body: &Value) -> EmailOutcome {
        read_outcome(&serde_json::to_vec(body).unwrap(), "xsi-1").unwrap()
    }

    fn status(job: &[&str], attempts: &[&str]) -> EmailStatus {
        let attempts: Vec<_> =
            attempts.iter().map(|state| json!({"state": state, "gamma_code": 550})).collect();
        outcome(&json!({
            "job_id": "xsi-1", "job_state": job,
            "deliveries": [{"email": "a@b.co", "delivery_attempts": attempts, "events": {}}],
        }))
        .status
    }

    fn bounced(reason: &str) -> EmailStatus {
        EmailStatus::Bounced { reason: reason.to_owned() }
    }

    #[test]
    fn a_status_is_only_final_when_it_cannot_change() {
        assert_eq!(status(&["Complete", "Posted"], &["Submitted", "Sent"]), EmailStatus::Delivered);
        assert_eq!(status(&["Active"], &["Sent"]), EmailStatus::Delivered);
        assert_eq!(status(&["Active"], &["Error"]), EmailStatus::Pending, "may be tried again");
        assert_eq!(status(&["Complete"], &["Error", "Sent"]), EmailStatus::Delivered);
        assert_eq!(status(&["Complete"], &["Error"]), bounced("delivery failed with code 550"));
        assert_eq!(status(&["Cancelled"], &[]), bounced("the job was cancelled"));
        assert_eq!(status(&["Complete"], &["Submitted"]), EmailStatus::Pending);
    }

    /// Every shape for every event, in every combination: each parses, and means the same in each.
    #[test]
    fn each_event_is_understood_in_every_shape() {
        let event = || json!({"time": "2026-01-03T10:50:58Z", "detail": null});
        let shapes = [
            (None, false),
            (Some(Value::Null), false),
            (Some(json!({})), false),
            (Some(json!({"time": null})), false),
            (Some(json!([])), false),
            (Some(json!([null])), false),
            (Some(event()), true),
            (Some(json!([event()])), true),
            (Some(json!([event(), event()])), true),
        ];
        for (opt_out, opted_out) in &shapes {
            for (dsn, returned) in &shapes {
                for (open, _) in &shapes {
                    for (pull, _) in &shapes {
                        let mut events = serde_json::Map::new();
                        for (name, shape) in
                            [("opt_out", opt_out), ("dsn", dsn), ("html_open", open), ("pull", pull)]
                        {
                            events.extend(shape.clone().map(|shape| (name.to_owned(), shape)));
                        }
                        let body = json!({"job_state": ["Complete"], "deliveries": [{
                            "delivery_attempts": [{"state": "Sent"}], "events": {"email_delivery_events": events},
                        }]});
                        let expected = if *returned {
                            bounced("returned by the recipient's mail server")
                        } else {
                            EmailStatus::Delivered
                        };
                        assert_eq!(
                            outcome(&body),
                            EmailOutcome { status: expected, opted_out: *opted_out },
                            "{body}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn every_part_of_an_answer_may_be_null_or_absent() {
        for body in [
            json!({"job_state": "Active"}),
            json!({"job_id": null, "job_state": null, "deliveries": []}),
            json!({"job_state": ["Active"], "deliveries": null}),
            json!({"job_state": [], "deliveries": [{}]}),
            json!({"deliveries": [{"delivery_attempts": null, "events": null}]}),
            json!({"deliveries": [{"delivery_attempts": [{"state": null, "gamma_code": null}], "events": {}}]}),
            json!({"deliveries": [{"events": {"email_delivery_events": null}}]}),
        ] {
            assert_eq!(
                outcome(&body),
                EmailOutcome { status: EmailStatus::Pending, opted_out: false },
                "{body}"
            );
        }
        assert_eq!(outcome(&json!({"job_state": "Cancelled"})).status, bounced("the job was cancelled"));
    }

    #[test]
    fn a_dsn_says_whether_the_message_came_back() {
        let with_code = bounced("returned by the recipient's mail server with status 5.1.1");
        let without = bounced("returned by the recipient's mail server");
        for (dsn, expected) in [
            (json!({"action": "failed", "status": "5.1.1"}), &with_code),
            (json!({"status": "5.1.1"}), &with_code),
            (
                json!([{"action": "delayed", "status": "4.4.1"}, {"action": "Failed", "status": "5.1.1"}]),
                &with_code,
            ),
            (json!({"action": "failed", "status": "zoe@example.com is full"}), &without),
            (json!({"action": "failed", "reason": "zoe@example.com is full"}), &without),
            (json!({"status": 5}), &without),
            (json!("2026-01-03T10:50:58Z"), &without),
            (json!({"action": "delayed", "status": "4.4.1"}), &EmailStatus::Delivered),
            (json!({"action": "Delivered"}), &EmailStatus::Delivered),
            (json!({"status": "2.0.0"}), &EmailStatus::Delivered),
        ] {
            let body = json!({"deliveries": [{
                "delivery_attempts": [{"state": "Sent"}], "events": {"email_delivery_events": {"dsn": dsn}},
            }]});
            assert_eq!(&outcome(&body).status, expected, "{dsn}");
        }
    }

    #[test]
    fn what_is_not_about_the_job_says_nothing_of_it() {
        for body in [
            "<html>",
            "{}",
            "[]",
            "null",
            r#"{"error":{"code":"internal_error","message":"no"}}"#,
            r#"{"job_id":"xsi-1","error":"busy"}"#,
            r#"{"job_id":"xsi-2","job_state":["Complete"],"deliveries":[{"delivery_attempts":[{"state":"Sent"}]}]}"#,
        ] {
            let error = read_outcome(body.as_bytes(), "xsi-1").unwrap_err();
            assert!(matches!(error, DeliveryError::Unintelligible), "{body}: {error}");
        }
    }

    #[test]
    fn only_a_status_code_is_one() {
        for good in ["5.1.1", "4.4.7", "5.7.123"] {
            assert!(is_status_code(good), "{good}");
        }
        for bad in ["", "5", "5.1", "5.1.1.1", "55.1.1", "5.1.x", "5.1.1234", "5..1", "550 5.1.1"] {
            assert!(!is_status_code(bad), "{bad}");
        }
    }
}
