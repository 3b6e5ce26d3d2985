//! OpenText Core Messaging: one client for all channels that it carries.
//!
//! Requests and answers are those of OpenText's public API description. Core Messaging promises no deduplication and
//! finds jobs by their job id only, so a message that may have been accepted is reported as such and never sent again
//! from here:
//!
//! - Not taken, certainly: the request did not leave in full, 4xx, and the gateway's rate limit under any status.
//! - Possibly taken: no complete answer after the request had left, any other status, a success without a job id. No 5xx
//!   of a gateway is a proof: each kind of 502, 503 and 504 is known to be said, by one gateway or another, after the
//!   request had reached the service, also with `Retry-After` and in the gateway's own format.

use crate::{Accepted, DeliveryError, SendCall};
use bytes::Bytes;
use comms::ShopDomain;
use exstream::{Budget, CallError, Credentials, ExchangeError, Outgoing, Reply, TokenCall, TokenSource};
use jiff::Timestamp;
use reqwest::{
    Client, Method, Url,
    header::{ACCEPT, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shop_config::{Channel, Messaging};
use std::time::Duration;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const CLOSE: HeaderValue = HeaderValue::from_static("close");
const ANSWER_BYTES: usize = 1024 * 1024;

/// A question about a job.
#[derive(Clone, Copy)]
pub struct StatusCall<'a> {
    pub shop: &'a ShopDomain,
    pub channel: Channel,
    pub settings: Messaging<'a>,
    pub credentials: &'a Credentials,
    /// [`crate::Accepted::reference`] of the send.
    pub job_id: &'a str,
    pub now: Timestamp,
    pub timeout: Duration,
}

/// Where a channel's messages are submitted, and where it is asked about them.
const fn paths(channel: Channel) -> Option<(&'static str, &'static str)> {
    match channel {
        Channel::Email => Some(("/mra/v1/outbound/emails", "/mra/v1/outbound/emails/status")),
        Channel::Sms => Some(("/mra/v1/outbound/sms", "/mra/v1/outbound/sms/status")),
        Channel::WhatsApp => {
            Some(("/mra/v1/outbound/whatsapp/template_message", "/mra/v1/outbound/whatsapp/status"))
        }
        Channel::Exstream | Channel::Print | Channel::Web => None,
    }
}

const OTHER_CHANNEL: DeliveryError = DeliveryError::Settings("Core Messaging has no such channel");

/// Submits a message once.
pub(crate) async fn submit(
    http: &Client,
    tokens: &TokenSource,
    call: &SendCall<'_>,
    message: Bytes,
) -> Result<Accepted, DeliveryError> {
    let class = call.settings.class(call.document);
    let settings = call.config.delivery.messaging(call.channel, class);
    let settings = settings.ok_or(DeliveryError::Settings("there are none"))?;
    let (path, _) = paths(call.channel).ok_or(OTHER_CHANNEL)?;
    let mut headers = HeaderMap::from_iter([
        (ACCEPT, JSON),
        (CONTENT_TYPE, JSON),
        // a connection kept while the process was frozen may be dead, and a message written to it would
        // be one whose outcome is unknown
        (CONNECTION, CLOSE),
    ]);
    // documented for e-mail only
    if call.channel == Channel::Email {
        let submit_id = HeaderValue::from_str(call.communication.as_str())
            .map_err(|_| DeliveryError::Settings("the communication cannot be a header"))?;
        headers.insert(HeaderName::from_static("x-mra-submitid"), submit_id);
    }
    let outgoing = Outgoing {
        method: Method::POST,
        url: url(settings, path)?,
        headers,
        body: message,
        limit: ANSWER_BYTES,
    };
    let token = TokenCall {
        shop: call.shop,
        token: settings.token,
        credentials: call.credentials,
        now: call.now,
        budget: call.budget.at_most(settings.timeout),
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

/// The message as JSON. `bytes` is about its size.
pub(crate) fn json(message: &impl Serialize, bytes: usize) -> Result<Bytes, DeliveryError> {
    let mut json = Vec::with_capacity(bytes);
    serde_json::to_writer(&mut json, message)
        .map_err(|_| DeliveryError::Settings("they cannot be written as JSON"))?;
    Ok(Bytes::from(json))
}

/// Asks about a job.
pub(crate) async fn ask(
    http: &Client,
    tokens: &TokenSource,
    call: StatusCall<'_>,
) -> Result<Reply, DeliveryError> {
    let (_, path) = paths(call.channel).ok_or(OTHER_CHANNEL)?;
    let mut url = url(call.settings, path)?;
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
        token: call.settings.token,
        credentials: call.credentials,
        now: call.now,
        budget: Budget::new(call.timeout.min(call.settings.timeout)),
    };
    match tokens.exchange(http, token, &outgoing, is_unauthorized).await {
        Err(CallError::Exchange(ExchangeError::TooLarge { .. })) => Err(DeliveryError::Unintelligible),
        other => Ok(other?),
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

fn url(settings: Messaging<'_>, path: &str) -> Result<Url, DeliveryError> {
    settings.base_url.with_path(path).parse().map_err(|_| DeliveryError::Settings("`base_url` is not a URL"))
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
