//! The request as an HTTP API hands it over (payload format 2.0).
//!
//! Only what is used is read: method, path, few headers, and the body of a privacy request, each within a bound. Cookies, addresses and browsers'
//! names are never looked at.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;
use std::{borrow::Cow, collections::HashMap};

/// No header that is read needs more.
const MAX_HEADER_BYTES: usize = 256;

#[derive(Debug, Deserialize)]
pub struct HttpRequest {
    #[serde(rename = "rawPath", default)]
    path: String,
    #[serde(default)]
    headers: HashMap<String, String>,
    #[serde(rename = "requestContext")]
    context: RequestContext,
    #[serde(default)]
    body: Option<String>,
    #[serde(rename = "isBase64Encoded", default)]
    is_base64_encoded: bool,
}

#[derive(Debug, Deserialize)]
struct RequestContext {
    http: Http,
}

#[derive(Debug, Deserialize)]
struct Http {
    method: String,
}

impl HttpRequest {
    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn method(&self) -> &str {
        &self.context.http.method
    }

    /// The body as it was sent, to the byte. None if it is longer than `most`, or damaged on the way.
    pub fn body(&self, most: usize) -> Option<Cow<'_, [u8]>> {
        let text = self.body.as_deref().unwrap_or_default();
        if !self.is_base64_encoded {
            return (text.len() <= most).then_some(Cow::Borrowed(text.as_bytes()));
        }
        if text.len() > most.div_ceil(3).saturating_mul(4) {
            return None;
        }
        BASE64_STANDARD.decode(text).ok().filter(|body| body.len() <= most).map(Cow::Owned)
    }

    /// A header by its lower-case name. One that is longer than it can sensibly be counts as not sent.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.get(name).or_else(|| {
            self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        });
        found.map(String::as_str).filter(|value| value.len() <= MAX_HEADER_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_what_an_http_api_sends() {
        let event = json!({
            "version": "2.0", "routeKey": "ANY /d/{token}", "rawPath": "/d/abc", "rawQueryString": "x=y",
            "cookies": ["a=b"], "headers": {"accept-language": "de", "Range": "bytes=0-1", "host": "h"},
            "requestContext": {
                "accountId": "1", "apiId": "x", "domainName": "d", "requestId": "r", "stage": "$default",
                "http": {"method": "GET", "path": "/d/abc", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "u"}
            },
            "isBase64Encoded": false
        });
        let request: HttpRequest = serde_json::from_value(event).unwrap();
        assert_eq!((request.method(), request.path()), ("GET", "/d/abc"));
        assert_eq!(
            (request.header("accept-language"), request.header("range")),
            (Some("de"), Some("bytes=0-1"))
        );
        assert_eq!(request.header("cookie"), None);
    }

    #[test]
    fn a_header_that_is_too_long_is_not_read() {
        let event =
            |value: &str| json!({"headers": {"range": value}, "requestContext": {"http": {"method": "GET"}}});
        let read = |value: &str| -> HttpRequest { serde_json::from_value(event(value)).unwrap() };
        assert!(read(&"x".repeat(256)).header("range").is_some());
        assert!(read(&"x".repeat(257)).header("range").is_none());
    }
}
