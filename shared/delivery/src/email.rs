//! E-mail through OpenText Core Messaging.
//!
//! Request and answer are those of OpenText's public API description, but for one thing: the
//! `attachments` member of a request is inferred from the documented `body` and from the `attachments` of a
//! status answer. Core Messaging promises no deduplication and finds jobs by their job id only, so a message
//! that may have been accepted is reported as such and never sent again from here:
//!
//! - Not taken, certainly: the request did not leave in full, 4xx, and the gateway's rate limit under any status.
//! - Possibly taken: no complete answer after the request had left, any other status, a success without a job id. No 5xx
//!   of a gateway is a proof: each kind of 502, 503 and 504 is known to be said, by one gateway or another, after the
//!   request had reached the service, also with `Retry-After` and in the gateway's own format.

use crate::{
    Accepted, DeliveryError, SendCall, SendOutput,
    wording::{self, header_text},
};
use base64::{display::Base64Display, prelude::BASE64_STANDARD};
use bytes::Bytes;
use comms::Format;
use exstream::{Outgoing, Reply, TokenCall, TokenSource};
use reqwest::{
    Client, Method, Url,
    header::{ACCEPT, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use shop_config::Use;

const PATH: &str = "/mra/v1/outbound/emails";
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(crate) const CLOSE: HeaderValue = HeaderValue::from_static("close");
pub(crate) const ANSWER_BYTES: usize = 1024 * 1024;

#[derive(Serialize)]
struct Message<'a> {
    options: Options<'a>,
    destinations: [Destination<'a>; 1],
    body: [Part<'a>; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<Part<'a>>,
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
            // be one whose outcome is unknown
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
    let subject = wording::subject(call);
    let attached: Vec<_> = call.outputs_for(Use::EmailAttachment).collect();
    let names = wording::file_names(call, &attached);
    let text;
    let body = match call.outputs_for(Use::EmailBody).next() {
        Some(output) => body_part(call, output)?,
        None if attached.is_empty() => return Err(call.no_output(Use::EmailBody)),
        None => {
            text = wording::message(call);
            Part { name: "message.txt", kind: "text", charset: Some(UTF8), data: text.as_bytes() }
        }
    };
    let attachments: Vec<_> = names
        .iter()
        .zip(&attached)
        .map(|(name, output)| Part { name, kind: "pdf", charset: None, data: &output.bytes[..] })
        .collect();
    let bytes: usize = attachments.iter().map(|part| part.data.len()).sum::<usize>() + body.data.len();
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
    let mut json = Vec::with_capacity(bytes / 3 * 4 + 2048);
    serde_json::to_writer(&mut json, &message)
        .map_err(|_| DeliveryError::Settings("they cannot be written as JSON"))?;
    Ok(Bytes::from(json))
}

/// An output as the message's text.
fn body_part<'a>(call: &SendCall<'_>, output: &'a SendOutput<'_>) -> Result<Part<'a>, DeliveryError> {
    let (name, kind) = match Format::of(output.media_type) {
        Some(Format::Html) => ("document.html", "html"),
        Some(Format::Text) => ("document.txt", "text"),
        _ => return Err(DeliveryError::media_type(call.channel, output.media_type)),
    };
    Ok(Part { name, kind, charset: Some(UTF8), data: &output.bytes[..] })
}

pub(crate) fn url(settings: &shop_config::Email) -> Result<Url, DeliveryError> {
    settings.base_url.with_path(PATH).parse().map_err(|_| DeliveryError::Settings("`base_url` is not a URL"))
}

pub(crate) fn is_unauthorized(reply: &Reply) -> bool {
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

/// What a failure status says about a message. 403 is for an operator to fix, like 401. A redirect is not
/// followed; what stands behind it is not known.
pub(crate) fn refusal(reply: &Reply) -> DeliveryError {
    let (status, retry_after) = (reply.status, reply.retry_after);
    match status {
        401 | 403 => DeliveryError::Unauthorized { status },
        408 | 429 => DeliveryError::Unavailable { status, retry_after },
        400..=499 => DeliveryError::Refused { status },
        500..=599 if is_rate_limit(&reply.body) => DeliveryError::Unavailable { status, retry_after },
        _ => DeliveryError::Unclear { status },
    }
}

/// A refusal by the gateway's rate limit, which is applied before a request is passed on. Apigee, which OpenText's
/// gateway speaks like, gives it under 429, and under 500 where it is set up so.
fn is_rate_limit(body: &[u8]) -> bool {
    let code = serde_json::from_slice::<Value>(body);
    let code = code.as_ref().ok().and_then(|body| body.pointer("/fault/detail/errorcode")?.as_str());
    code.is_some_and(|code| code.starts_with("policies.ratelimit."))
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
