//! Sample files of driver data in the design repository, which designers make data sources of.
//!
//! The service knows no key that makes a repetition harmless, so nothing is repeated here: an upload whose answer is lost is an
//! error that says so, and whoever repeats it may find the sample there.

use crate::{
    Budget, Credentials, ExstreamError, Fault, Outgoing, TokenCall, TokenSource,
    answer::is_unauthorized,
    request::{self, headers},
};
use bytes::Bytes;
use comms::ShopDomain;
use jiff::Timestamp;
use reqwest::{Client, Method, header::CONTENT_TYPE};
use serde::Deserialize;
use std::{sync::Arc, time::Duration};

const CREATED: u16 = 201;
const ANSWER_BYTES: usize = 64 * 1024;

/// One sample to upload.
#[derive(Debug, Clone, Copy)]
pub struct SampleCall<'a> {
    pub shop: &'a ShopDomain,
    pub settings: &'a shop_config::Exstream,
    pub credentials: &'a Credentials,
    /// What it is called: letters, digits, dots and hyphens.
    pub name: &'a str,
    pub content: &'a [u8],
    pub now: Timestamp,
    pub timeout: Duration,
}

/// Where samples are uploaded.
pub struct SampleStore {
    http: Client,
    tokens: Arc<TokenSource>,
}

impl SampleStore {
    pub fn new(http: Client) -> Self {
        Self { tokens: Arc::new(TokenSource::new(http.clone())), http }
    }

    /// Uploads a sample as driver data. Answers what the service calls it, if it says so.
    ///
    /// # Errors
    /// [`ExstreamError`], also where a sample of that name is there already.
    pub async fn upload(&self, call: SampleCall<'_>) -> Result<Option<String>, ExstreamError> {
        let settings = call.settings;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
        if !call.name.bytes().all(is_plain) {
            return Err(ExstreamError::Settings("the name of a sample is letters, digits, dots and hyphens"));
        }
        let path = "resources/{domain}/content?name={name}&type=samplefile&subtype=driver";
        let path = format!("{}/{path}", settings.design_path.trim_end_matches('/'));
        let values = [("domain", settings.domain.as_str()), ("name", call.name)];
        let boundary = boundary(call.content);
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let outgoing = Outgoing {
            method: Method::POST,
            url: request::url(settings.base_url.as_str(), &path, &values)?,
            headers: headers(settings, [(CONTENT_TYPE, &content_type)])?,
            body: form(&boundary, call.name, call.content),
            limit: ANSWER_BYTES,
        };
        let token = TokenCall {
            shop: call.shop,
            token: &settings.token,
            credentials: call.credentials,
            now: call.now,
            budget: Budget::new(call.timeout),
        };
        let reply = self.tokens.exchange(&self.http, token, &outgoing, is_unauthorized).await?;
        if reply.status == CREATED {
            return Ok(id_of(&reply.body));
        }
        let (_, fault) = Fault::read(&reply.body, b"{}");
        match reply.is_success() {
            // nothing else is documented as success
            true => Err(ExstreamError::Unintelligible("the sample was not created")),
            false => Err(ExstreamError::from_status(reply.status, reply.retry_after, fault)),
        }
    }
}

/// A text that is nowhere in the content.
fn boundary(content: &[u8]) -> String {
    let is_in = |boundary: &String| content.windows(boundary.len()).any(|it| it == boundary.as_bytes());
    let mut candidates = (0_u64..).map(|number| format!("sample-{number:016x}"));
    candidates.find(|boundary| !is_in(boundary)).unwrap_or_default()
}

/// The content as the one part of a form: `file`.
fn form(boundary: &str, name: &str, content: &[u8]) -> Bytes {
    let kind = if name.ends_with(".xml") { "application/xml" } else { "application/json" };
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {kind}\r\n\r\n"
    );
    [head.as_bytes(), content, format!("\r\n--{boundary}--\r\n").as_bytes()].concat().into()
}

/// Whether an answer names what was created is not documented. One that does is read in either of the service's shapes.
fn id_of(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Created {
        id: Option<String>,
        data: Option<Resource>,
    }
    #[derive(Deserialize)]
    struct Resource {
        id: String,
    }
    let created: Created = serde_json::from_slice(body).ok()?;
    created.id.or(created.data.map(|it| it.id)).filter(|id| comms::is_one_line(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boundary_is_nowhere_in_the_content() {
        assert_eq!(boundary(b"{}"), "sample-0000000000000000");
        assert_eq!(boundary(b"a sample-0000000000000000 b"), "sample-0000000000000001");
    }

    #[test]
    fn what_was_created_is_read_where_it_is_named() {
        assert_eq!(id_of(br#"{"id":"a"}"#).as_deref(), Some("a"));
        assert_eq!(id_of(br#"{"status":"success","data":{"id":"b"}}"#).as_deref(), Some("b"));
        for nothing in ["", "{}", "created", r#"{"id":"a\nb"}"#] {
            assert_eq!(id_of(nothing.as_bytes()), None, "{nothing}");
        }
    }
}
