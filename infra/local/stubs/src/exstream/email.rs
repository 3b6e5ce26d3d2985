//! Core Messaging's outbound e-mail, as far as it is known.
//!
//! Every accepted request is one more e-mail: nothing is deduplicated, because no idempotency is
//! documented for the real service. Accepted e-mails are kept for the tests to count.

use super::{ExstreamStub, error};
use crate::http::{Answer, Request};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{
    sync::{PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

/// An accepted e-mail. Bodies and attachments are kept as sizes and hashes.
#[derive(Debug, Clone, Serialize)]
pub struct EmailRecord {
    pub job_id: String,
    pub message_id: Option<String>,
    pub customer_reference: Option<String>,
    pub submit_id: Option<String>,
    pub subject: String,
    pub from_display_name: Option<String>,
    pub destinations: Vec<Destination>,
    pub body: Vec<PartRecord>,
    pub attachments: Vec<PartRecord>,
    pub accepted_at: jiff::Timestamp,
    #[serde(skip)]
    since: Instant,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Destination {
    #[serde(rename = "ref", default)]
    pub reference: Option<String>,
    pub email: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct PartRecord {
    pub name: Option<String>,
    pub r#type: Option<String>,
    pub bytes: usize,
    pub sha256: String,
    /// The text of a text part.
    pub text: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    options: Options,
    #[serde(default)]
    destinations: Vec<Destination>,
    #[serde(default)]
    body: Vec<Part>,
    #[serde(default)]
    attachments: Vec<Part>,
}

#[derive(Default, Deserialize)]
struct Options {
    message_id: Option<String>,
    customer_reference: Option<String>,
    #[serde(default)]
    email_options: EmailOptions,
}

#[derive(Default, Deserialize)]
struct EmailOptions {
    subject: Option<String>,
    from_display_name: Option<String>,
}

#[derive(Deserialize)]
struct Part {
    name: Option<String>,
    r#type: Option<String>,
    data: String,
}

impl ExstreamStub {
    pub(super) async fn send_email(&self, request: &Request) -> Answer {
        let latency = self.settings().latency_ms;
        if latency > 0 {
            tokio::time::sleep(Duration::from_millis(latency)).await;
        }
        match self.accept_email(request) {
            Ok(job_id) => Answer::json(200, &json!({ "job_id": job_id })),
            Err(message) => error::messaging_error(400, "invalid_request", &message),
        }
    }

    fn accept_email(&self, request: &Request) -> Result<String, String> {
        let message: Message =
            serde_json::from_slice(&request.body).map_err(|e| format!("the body is not a message: {e}"))?;
        let email_options = message.options.email_options;
        let subject = email_options.subject.filter(|s| !s.trim().is_empty()).ok_or("subject is missing")?;
        if message.destinations.is_empty() || message.destinations.iter().any(|d| !is_address(&d.email)) {
            return Err("destinations must hold e-mail addresses".to_owned());
        }
        if message.body.is_empty() {
            return Err("body is missing".to_owned());
        }
        let job_id = format!("xsi-{}", 1_000_000 + self.serial.fetch_add(1, Ordering::Relaxed));
        let record = EmailRecord {
            job_id: job_id.clone(),
            message_id: message.options.message_id,
            customer_reference: message.options.customer_reference,
            submit_id: request.header("x-mra-submitid").map(str::to_owned),
            subject,
            from_display_name: email_options.from_display_name,
            destinations: message.destinations,
            body: message.body.into_iter().map(part).collect::<Result<_, _>>()?,
            attachments: message.attachments.into_iter().map(part).collect::<Result<_, _>>()?,
            accepted_at: jiff::Timestamp::now(),
            since: Instant::now(),
        };
        self.emails.lock().unwrap_or_else(PoisonError::into_inner).push(record);
        Ok(job_id)
    }

    pub(super) fn email_status(&self, request: &Request) -> Answer {
        let Some(job_id) = request.parameter("job_id") else {
            return error::messaging_error(400, "invalid_request", "job_id is missing");
        };
        let emails = self.emails.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(email) = emails.iter().find(|e| e.job_id == job_id) else {
            return error::messaging_error(404, "not_found", "the job does not exist");
        };
        let settings = self.settings();
        let attempted = email.since.elapsed() >= Duration::from_millis(settings.delivery_ms);
        let deliveries: Vec<_> = email
            .destinations
            .iter()
            .map(|d| {
                delivery(d, email, attempted, settings.bounce.iter().any(|b| d.email.contains(b.as_str())))
            })
            .collect();
        let state = if attempted { json!(["Complete", "Posted"]) } else { json!(["Active"]) };
        Answer::json(
            200,
            &json!({
                "job_id": email.job_id,
                "job_state": state,
                "customer_reference_base64": email.customer_reference.as_ref().map(|r| BASE64_STANDARD.encode(r)),
                "entry_time": email.accepted_at.to_string(),
                "deliveries": deliveries,
            }),
        )
    }

    pub(super) fn report_emails(&self) -> Answer {
        let emails = self.emails.lock().unwrap_or_else(PoisonError::into_inner);
        Answer::json(200, &json!({ "emails": *emails }))
    }
}

fn delivery(destination: &Destination, email: &EmailRecord, attempted: bool, bounces: bool) -> Value {
    let at = email.accepted_at.to_string();
    let (state, gamma_code) = if bounces { ("Failed", 550) } else { ("Sent", 0) };
    let attempts = if attempted {
        json!([{"state": state, "gamma_code": gamma_code, "first_attempt": at}])
    } else {
        json!([])
    };
    let dsn = if attempted && bounces {
        json!([{"action": "failed", "status": "5.1.1", "time": at}])
    } else {
        json!([])
    };
    json!({
        "ref_base64": destination.reference.as_ref().map(|r| BASE64_STANDARD.encode(r)),
        "email": destination.email,
        "delivery_attempts": attempts,
        "events": {"email_delivery_events": {"dsn": dsn, "html_open": [], "opt_out": []}},
    })
}

fn part(part: Part) -> Result<PartRecord, String> {
    let data = BASE64_STANDARD.decode(&part.data).map_err(|_| "a part's data is not base64".to_owned())?;
    let is_text = part.r#type.as_deref().is_none_or(|t| t.contains("text") || t.contains("html"));
    Ok(PartRecord {
        bytes: data.len(),
        sha256: hex::encode(Sha256::digest(&data)),
        text: is_text.then(|| String::from_utf8_lossy(&data).into_owned()),
        name: part.name,
        r#type: part.r#type,
    })
}

fn is_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && host.contains('.') && !text.contains(char::is_whitespace)
    })
}
