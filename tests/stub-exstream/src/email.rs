//! Core Messaging's outbound e-mail, as far as it is known.
//!
//! Every accepted request is one more e-mail: nothing is deduplicated, because no idempotency is
//! documented for the real service. Accepted e-mails are kept for the tests to count.

use crate::{
    answers,
    email_record::{Destination, EmailRecord, Outcome, OutcomeRule, PartRecord},
    options::EventShape,
    stub::ExstreamStub,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{
    sync::{PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};
use stub_http::{Answer, Request};

/// Why a message is not accepted.
#[derive(Debug, thiserror::Error)]
enum EmailRefusal {
    #[error("the body is not a message: {0}")]
    Unreadable(serde_json::Error),
    #[error("subject is missing")]
    NoSubject,
    #[error("destinations must hold e-mail addresses")]
    Destinations,
    #[error("body is missing")]
    NoBody,
    #[error("a part's data is not base64")]
    PartData,
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
    pub(crate) async fn send_email(&self, request: &Request) -> Answer {
        let latency = self.settings().latency_ms;
        if latency > 0 {
            tokio::time::sleep(Duration::from_millis(latency)).await;
        }
        match self.accept_email(request) {
            Ok(job_id) => Answer::json(200, &json!({ "job_id": job_id })),
            Err(refused) => answers::messaging_error(400, "invalid_request", &refused.to_string()),
        }
    }

    fn accept_email(&self, request: &Request) -> Result<String, EmailRefusal> {
        let message: Message = serde_json::from_slice(&request.body).map_err(EmailRefusal::Unreadable)?;
        let email_options = message.options.email_options;
        let subject =
            email_options.subject.filter(|s| !s.trim().is_empty()).ok_or(EmailRefusal::NoSubject)?;
        if message.destinations.is_empty() || message.destinations.iter().any(|d| !is_address(&d.email)) {
            return Err(EmailRefusal::Destinations);
        }
        if message.body.is_empty() {
            return Err(EmailRefusal::NoBody);
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
            outcome: self.take_outcome(),
            since: Instant::now(),
        };
        self.emails.lock().unwrap_or_else(PoisonError::into_inner).push(record);
        Ok(job_id)
    }

    pub(crate) fn email_status(&self, request: &Request) -> Answer {
        let Some(job_id) = request.parameter("job_id") else {
            return answers::messaging_error(400, "invalid_request", "job_id is missing");
        };
        let emails = self.emails.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(email) = emails.iter().find(|e| e.job_id == job_id) else {
            return answers::messaging_error(404, "not_found", "the job does not exist");
        };
        let settings = self.settings();
        let rule = self.outcome_of(email);
        if rule.as_ref().is_some_and(|rule| rule.outcome == Outcome::Gone) {
            return answers::messaging_error(404, "not_found", "the job does not exist");
        }
        let delay = rule.as_ref().and_then(|rule| rule.delay_ms).unwrap_or(settings.delivery_ms);
        let silent = rule.as_ref().is_some_and(|rule| rule.outcome == Outcome::Silent);
        let attempted = !silent && email.since.elapsed() >= Duration::from_millis(delay);
        let deliveries: Vec<_> = email
            .destinations
            .iter()
            .map(|destination| {
                let rule = rule.clone().unwrap_or_else(|| {
                    let bounces = settings.bounce.iter().any(|b| destination.email.contains(b.as_str()));
                    let outcome = if bounces { Outcome::Bounced } else { Outcome::Delivered };
                    OutcomeRule { outcome, ..OutcomeRule::default() }
                });
                delivery(destination, email, &rule, attempted, settings.event_shape)
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

    pub(crate) fn report_emails(&self) -> Answer {
        let emails = self.emails.lock().unwrap_or_else(PoisonError::into_inner);
        Answer::json(200, &json!({ "emails": *emails }))
    }
}

fn delivery(
    destination: &Destination,
    email: &EmailRecord,
    rule: &OutcomeRule,
    attempted: bool,
    shape: EventShape,
) -> Value {
    let at = email.accepted_at.to_string();
    let bounces = attempted && rule.outcome == Outcome::Bounced;
    let returned = attempted && rule.outcome == Outcome::Returned;
    let arrived = attempted && !bounces;
    let (state, gamma_code) = if bounces { ("Failed", 550) } else { ("Sent", 0) };
    let attempts = json!([{"state": state, "gamma_code": gamma_code, "first_attempt": at}]);
    let mut dsn =
        json!({"action": "failed", "status": rule.status.as_deref().unwrap_or("5.1.1"), "time": at});
    if let Some(reason) = &rule.reason {
        dsn["reason"] = json!(reason);
    }
    let opened = arrived && rule.html_open;
    json!({
        "ref_base64": destination.reference.as_ref().map(|r| BASE64_STANDARD.encode(r)),
        "email": destination.email,
        "delivery_attempts": if attempted { attempts } else { json!([]) },
        "events": {"email_delivery_events": shape.events([
            ("dsn", (bounces || returned).then_some(dsn)),
            ("html_open", opened.then(|| json!({"time": at}))),
            ("opt_out", (arrived && rule.opt_out).then(|| json!({"time": at}))),
            ("pull", None),
        ])},
    })
}

fn part(part: Part) -> Result<PartRecord, EmailRefusal> {
    let data = BASE64_STANDARD.decode(&part.data).map_err(|_| EmailRefusal::PartData)?;
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
