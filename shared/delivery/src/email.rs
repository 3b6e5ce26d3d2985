//! E-mail through OpenText Core Messaging.
//!
//! Request, answer and status are those of OpenText's public API description, but for one thing: the
//! `attachments` member of a request is inferred from the documented `body` and from the `attachments` of a
//! status answer. Core Messaging promises no deduplication and finds jobs by their job id only, so a message
//! that may have been accepted is reported as such and never sent again from here:
//!
//! - Refused before it was taken, certainly: 4xx, and a 503 whose body is an error of the service's own.
//! - Possibly accepted: no complete answer after the request had left, any other 5xx (a gateway gives up on
//!   a service that may still be working), a success answer without a job id.

use crate::{Accepted, DeliveryError, SendCall};
use base64::{display::Base64Display, prelude::BASE64_STANDARD};
use bytes::Bytes;
use comms::ShopDomain;
use exstream::{Budget, Credentials, ExchangeError, Outgoing, Reply, TokenCall, TokenSource};
use jiff::Timestamp;
use reqwest::{
    Client, Method, Url,
    header::{ACCEPT, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use shop_config::Channel;
use std::time::Duration;

const PATH: &str = "/mra/v1/outbound/emails";
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const CLOSE: HeaderValue = HeaderValue::from_static("close");
const ANSWER_BYTES: usize = 1024 * 1024;
const SUBJECT_CHARS: usize = 200;
const FILE_NAME_CHARS: usize = 60;

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
    Bounced {
        reason: String,
    },
}

#[derive(Clone, Copy)]
pub struct StatusCall<'a> {
    pub shop: &'a ShopDomain,
    pub settings: &'a shop_config::Email,
    pub credentials: &'a Credentials,
    /// [`Accepted::reference`] of the send.
    pub job_id: &'a str,
    pub now: Timestamp,
    pub timeout: Duration,
}

#[derive(Serialize)]
struct Message<'a> {
    options: Options<'a>,
    destinations: [Destination<'a>; 1],
    body: [Part<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    attachments: Option<[Part<'a>; 1]>,
}

#[derive(Serialize)]
struct Options<'a> {
    message_id: &'a str,
    customer_reference: &'a str,
    email_options: EmailOptions<'a>,
}

#[derive(Serialize)]
struct EmailOptions<'a> {
    subject: &'a str,
    from_display_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    forward_reply: Option<&'a str>,
    charset: &'static str,
}

#[derive(Serialize)]
struct Destination<'a> {
    #[serde(rename = "ref")]
    reference: &'a str,
    email: &'a str,
}

#[derive(Serialize)]
struct Part<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    charset: Option<&'static str>,
    /// Written as base64 straight into the request.
    #[serde(serialize_with = "base64")]
    data: &'a [u8],
}

fn base64<S: Serializer>(data: &&[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Base64Display::new(data, &BASE64_STANDARD))
}

const UTF8: &str = "UTF-8";

pub(crate) async fn send(
    http: &Client,
    tokens: &TokenSource,
    call: &SendCall<'_>,
) -> Result<Accepted, DeliveryError> {
    let settings = call.config.delivery.email.as_ref().ok_or(DeliveryError::Settings("there are none"))?;
    let submit_id = HeaderValue::from_str(call.communication.as_str())
        .map_err(|_| DeliveryError::Settings("the communication cannot be a header"))?;
    let outgoing = Outgoing {
        method: Method::POST,
        url: url(settings)?,
        headers: HeaderMap::from_iter([
            (ACCEPT, JSON),
            (CONTENT_TYPE, JSON),
            // a connection kept while the process was frozen may be dead, and a message written to it would
            // be one of which nobody knows
            (CONNECTION, CLOSE),
            (HeaderName::from_static("x-mra-submitid"), submit_id),
        ]),
        body: message(call)?,
        limit: ANSWER_BYTES,
    };
    let token = TokenCall {
        shop: call.shop,
        token: &settings.token,
        credentials: call.email_credentials,
        now: call.now,
        budget: call.budget.at_most(settings.timeout()),
    };
    let reply = tokens.exchange(http, token, &outgoing, is_unauthorized).await?;
    match reply.status {
        200..=299 => {
            let reference = job_id(&reply.body).ok_or(DeliveryError::NoReference { status: reply.status })?;
            Ok(Accepted { reference })
        }
        _ => Err(refusal(&reply)),
    }
}

fn message(call: &SendCall<'_>) -> Result<Bytes, DeliveryError> {
    let id = call.communication.as_str();
    let email = call.recipient.usable_email().ok_or(DeliveryError::NoAddress)?;
    let brand = call.config.brand(call.document);
    let sender = header_text(brand.sender.as_ref().unwrap_or(&brand.name));
    let subject = subject(call);
    // said in the subject already, and so in the recipient's language
    let cover = format!("{subject}\n\n{}\n", header_text(&brand.name));
    let file_name = format!("{}.pdf", file_stem(call));
    let part = |name, kind, charset, data| Part { name, kind, charset, data };
    let (body, attachments) = match call.media_type {
        "text/html" => (part("document.html", "html", Some(UTF8), &call.content[..]), None),
        "application/pdf" => (
            part("message.txt", "text", Some(UTF8), cover.as_bytes()),
            Some([part(&file_name, "pdf", None, &call.content[..])]),
        ),
        other => {
            return Err(DeliveryError::MediaType {
                channel: Channel::Email.name(),
                media_type: other.chars().filter(char::is_ascii_graphic).take(80).collect(),
            });
        }
    };
    let message = Message {
        options: Options {
            message_id: id,
            customer_reference: id,
            email_options: EmailOptions {
                subject: &subject,
                from_display_name: &sender,
                forward_reply: brand.reply_to.as_deref(),
                charset: UTF8,
            },
        },
        destinations: [Destination { reference: id, email }],
        body: [body],
        attachments,
    };
    let mut json = Vec::with_capacity(call.content.len() / 3 * 4 + 2048);
    serde_json::to_writer(&mut json, &message)
        .map_err(|_| DeliveryError::Settings("they cannot be written as JSON"))?;
    Ok(Bytes::from(json))
}

/// The subject in the recipient's language, else in the shop's, else the brand's name.
fn subject(call: &SendCall<'_>) -> String {
    let subjects = &call.settings.subject;
    let template = subjects
        .get(&call.recipient.locale)
        .or_else(|| subjects.get(&call.config.default_locale))
        .unwrap_or(&call.config.brand(call.document).name);
    let name = call.order_name.unwrap_or_default();
    header_text(&template.replace("{order}", name).replace("{name}", name))
}

/// One line of bounded length: what it becomes part of cannot be given another header.
fn header_text(text: &str) -> String {
    let words = text.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    line.chars().take(SUBJECT_CHARS).collect()
}

/// The order's name in letters and digits, else the document's name.
fn file_stem(call: &SendCall<'_>) -> String {
    let name: String = call
        .order_name
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' })
        .take(FILE_NAME_CHARS)
        .collect();
    let name = name.trim_matches('-');
    if name.is_empty() { call.document.name().to_owned() } else { name.to_owned() }
}

fn url(settings: &shop_config::Email) -> Result<Url, DeliveryError> {
    let url = format!("{}{PATH}", settings.base_url.trim_end_matches('/'));
    url.parse().map_err(|_| DeliveryError::Settings("`base_url` is not a URL"))
}

fn is_unauthorized(reply: &Reply) -> bool {
    reply.status == 401
}

#[derive(Deserialize)]
struct WireJob {
    job_id: String,
}

fn job_id(body: &[u8]) -> Option<String> {
    let job: WireJob = serde_json::from_slice(body).ok()?;
    let plausible = (1..=128).contains(&job.job_id.len()) && job.job_id.bytes().all(|b| b.is_ascii_graphic());
    plausible.then_some(job.job_id)
}

/// What a failure status says about a message. 403 is for an operator to mend, like 401. A redirect is not
/// followed; what stands behind it is not known.
fn refusal(reply: &Reply) -> DeliveryError {
    let (status, retry_after) = (reply.status, reply.retry_after);
    match status {
        401 | 403 => DeliveryError::Unauthorized { status },
        408 | 429 => DeliveryError::Unavailable { status, retry_after },
        400..=499 => DeliveryError::Refused { status },
        503 if says_not_accepted(&reply.body) => DeliveryError::Unavailable { status, retry_after },
        _ => DeliveryError::Unclear { status },
    }
}

/// An error in the service's or the gateway's own format, and no job.
fn says_not_accepted(body: &[u8]) -> bool {
    serde_json::from_slice::<Value>(body).is_ok_and(|body| {
        body.get("job_id").is_none()
            && ["fault", "error", "errors", "error_code", "errorCode"]
                .iter()
                .any(|name| body.get(name).is_some_and(|it| !it.is_null()))
    })
}

pub(crate) async fn status(
    http: &Client,
    tokens: &TokenSource,
    call: StatusCall<'_>,
) -> Result<EmailOutcome, DeliveryError> {
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
    let reply = match tokens.exchange(http, token, &outgoing, is_unauthorized).await {
        Err(exstream::CallError::Exchange(ExchangeError::TooLarge { .. })) => {
            return Err(DeliveryError::Unintelligible);
        }
        other => other?,
    };
    match refusal(&reply) {
        _ if reply.is_success() => read_outcome(&reply.body),
        DeliveryError::Unclear { status } => {
            Err(DeliveryError::Unavailable { status, retry_after: reply.retry_after })
        }
        refusal => Err(refusal),
    }
}

#[derive(Deserialize)]
struct WireStatus {
    #[serde(default)]
    job_state: Vec<String>,
    #[serde(default)]
    deliveries: Vec<WireDelivery>,
}

#[derive(Deserialize)]
struct WireDelivery {
    #[serde(default)]
    delivery_attempts: Vec<WireAttempt>,
    #[serde(default)]
    events: WireEvents,
}

#[derive(Deserialize, Default)]
struct WireEvents {
    #[serde(default)]
    email_delivery_events: WireEmailEvents,
}

/// Only whether there are any: what an event says is not documented.
#[derive(Deserialize, Default)]
struct WireEmailEvents {
    #[serde(default)]
    opt_out: Vec<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct WireAttempt {
    state: String,
    gamma_code: Option<i64>,
}

fn read_outcome(body: &[u8]) -> Result<EmailOutcome, DeliveryError> {
    let wire: WireStatus = serde_json::from_slice(body).map_err(|_| DeliveryError::Unintelligible)?;
    let opted_out =
        wire.deliveries.iter().any(|delivery| !delivery.events.email_delivery_events.opt_out.is_empty());
    Ok(EmailOutcome { status: read_status(&wire), opted_out })
}

/// A message is delivered once an attempt is `Sent`. It has bounced when the job is over without one: until
/// then a failed attempt may be followed by another.
fn read_status(status: &WireStatus) -> EmailStatus {
    let attempts: Vec<_> = status.deliveries.iter().flat_map(|it| &it.delivery_attempts).collect();
    let is = |state: &str, names: &[&str]| names.iter().any(|name| state.eq_ignore_ascii_case(name));
    if attempts.iter().any(|attempt| is(&attempt.state, &["Sent"])) {
        return EmailStatus::Delivered;
    }
    let over = |names: &[&str]| status.job_state.iter().any(|state| is(state, names));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_text_is_one_bounded_line() {
        assert_eq!(
            header_text(" Your order\r\nBcc: a@b.co\u{0}\u{85}\u{2028}x\t "),
            "Your order Bcc: a@b.co x"
        );
        assert_eq!(header_text(&"é".repeat(500)).chars().count(), 200);
    }

    #[test]
    fn only_a_plausible_job_id_is_one() {
        assert_eq!(job_id(br#"{"job_id":"xsi-1234567","extra":1}"#).unwrap(), "xsi-1234567");
        for bad in [
            "",
            "{}",
            r#"{"job_id":""}"#,
            r#"{"job_id":"a b"}"#,
            r#"{"job_id":null}"#,
            r#"{"job_id":7}"#,
            "<html>",
        ] {
            assert_eq!(job_id(bad.as_bytes()), None, "{bad}");
        }
    }

    fn status(job: &[&str], attempts: &[&str]) -> EmailStatus {
        let attempts: Vec<_> =
            attempts.iter().map(|state| serde_json::json!({"state": state, "gamma_code": 550})).collect();
        let body = serde_json::json!({
            "job_id": "xsi-1", "job_state": job,
            "deliveries": [{"email": "a@b.co", "delivery_attempts": attempts, "events": {}}],
        });
        read_outcome(&serde_json::to_vec(&body).unwrap()).unwrap().status
    }

    #[test]
    fn a_status_is_only_final_when_it_cannot_change() {
        let bounced = |reason: &str| EmailStatus::Bounced { reason: reason.to_owned() };
        assert_eq!(status(&["Complete", "Posted"], &["Submitted", "Sent"]), EmailStatus::Delivered);
        assert_eq!(status(&["Active"], &["Sent"]), EmailStatus::Delivered);
        assert_eq!(status(&["Active"], &["Error"]), EmailStatus::Pending, "may be tried again");
        assert_eq!(status(&["Complete"], &["Error", "Sent"]), EmailStatus::Delivered);
        assert_eq!(status(&["Complete"], &["Error"]), bounced("delivery failed with code 550"));
        assert_eq!(status(&["Cancelled"], &[]), bounced("the job was cancelled"));
        assert_eq!(status(&["Complete"], &["Submitted"]), EmailStatus::Pending);
        assert_eq!(read_outcome(b"{}").unwrap().status, EmailStatus::Pending);
        assert!(read_outcome(b"<html>").is_err());
        let events = br#"{"deliveries":[{"events":{"email_delivery_events":{"opt_out":[{"at":"x"}]}}}]}"#;
        assert!(read_outcome(events).unwrap().opted_out);
    }
}
