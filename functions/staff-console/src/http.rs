//! The request as an HTTP API hands it over (payload format 2.0), and the one cookie of its answers.
//!
//! Only what is used is read, each within a bound: what is longer counts as not sent. Addresses and browsers' names are
//! never looked at.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, de::DeserializeOwned};
use std::{collections::HashMap, time::Duration};
use url::form_urlencoded;

/// A token of an identity provider with many groups fits; Lambda is sent no more than 10 KB of headers.
const MAX_HEADER_BYTES: usize = 8 * 1024;
const MAX_QUERY_BYTES: usize = 4 * 1024;
/// The longest body is that of fifty communications to print.
pub const MAX_BODY_BYTES: usize = 16 * 1024;

/// The one cookie. Browsers take a cookie of such a name from this very host only, and only with TLS.
const COOKIE: &str = "__Host-console";

#[derive(Debug, Deserialize)]
pub struct HttpRequest {
    #[serde(rename = "rawPath", default)]
    path: String,
    #[serde(rename = "rawQueryString", default)]
    query: String,
    #[serde(default)]
    headers: HashMap<String, String>,
    #[serde(default)]
    cookies: Vec<String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(rename = "isBase64Encoded", default)]
    is_base64_encoded: bool,
    #[serde(rename = "requestContext")]
    context: RequestContext,
}

#[derive(Debug, Deserialize)]
struct RequestContext {
    http: Http,
}

#[derive(Debug, Deserialize)]
struct Http {
    method: String,
}

/// Why a body is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadBody {
    #[error("the request is longer than {MAX_BODY_BYTES} bytes")]
    TooLarge,
    #[error("the request has another type than it should have")]
    Type,
    #[error("the request cannot be read")]
    Malformed,
}

/// The fields of a form or a query. Of a field that is there twice, the first one counts.
#[derive(Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    pub fn of(text: &str) -> Self {
        Self(form_urlencoded::parse(text.as_bytes()).into_owned().take(50).collect())
    }

    /// A field without the spaces around it; one that is empty counts as not sent.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }
}

impl HttpRequest {
    pub fn path(&self) -> &str {
        &self.path
    }

    /// With its query.
    pub fn path_and_query(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }

    pub fn method(&self) -> &str {
        &self.context.http.method
    }

    /// A header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.get(name).or_else(|| {
            self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        });
        found.map(String::as_str).filter(|value| value.len() <= MAX_HEADER_BYTES)
    }

    /// The console's cookie.
    pub fn cookie(&self) -> Option<&str> {
        let header = self.header("cookie").into_iter().flat_map(|header| header.split(';'));
        let mut pairs = self.cookies.iter().map(String::as_str).chain(header);
        let value = pairs.find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='));
        value.filter(|value| value.len() <= MAX_HEADER_BYTES)
    }

    pub fn query(&self) -> Fields {
        Fields::of(if self.query.len() <= MAX_QUERY_BYTES { &self.query } else { "" })
    }

    /// The token of the header `Authorization`.
    pub fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }

    /// The body as it was sent, to the byte.
    pub fn body(&self, content_type: &str) -> Result<Vec<u8>, BadBody> {
        let sent = self.header("content-type").unwrap_or_default();
        let sent = sent.split(';').next().unwrap_or_default().trim();
        if !sent.eq_ignore_ascii_case(content_type) {
            return Err(BadBody::Type);
        }
        let body = self.body.as_deref().unwrap_or_default();
        if body.len() > MAX_BODY_BYTES.div_ceil(3) * 4 {
            return Err(BadBody::TooLarge);
        }
        let bytes = match self.is_base64_encoded {
            true => BASE64_STANDARD.decode(body).map_err(|_| BadBody::Malformed)?,
            false => body.as_bytes().to_vec(),
        };
        if bytes.len() > MAX_BODY_BYTES { Err(BadBody::TooLarge) } else { Ok(bytes) }
    }

    /// The fields of a form that was sent.
    pub fn form(&self) -> Result<Fields, BadBody> {
        let bytes = self.body("application/x-www-form-urlencoded")?;
        std::str::from_utf8(&bytes).map(Fields::of).map_err(|_| BadBody::Malformed)
    }

    pub fn json<T: DeserializeOwned>(&self) -> Result<T, BadBody> {
        serde_json::from_slice(&self.body("application/json")?).map_err(|_| BadBody::Malformed)
    }
}

/// The header `set-cookie` that keeps `value` in the browser for as long as it serves; no time ends it.
pub fn set_cookie(value: &str, valid: Duration) -> String {
    let seconds = valid.as_secs();
    format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; Secure; SameSite=Lax")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn request(more: Value) -> HttpRequest {
        let mut event = json!({"rawPath": "/", "requestContext": {"http": {"method": "POST"}}});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn finds_its_own_cookie_and_no_other() {
        let value = "v.1";
        for found in [
            json!({"cookies": ["a=b", "__Host-console=v.1"]}),
            json!({"headers": {"Cookie": "a=b; __Host-console=v.1"}}),
        ] {
            assert_eq!(request(found).cookie(), Some(value));
        }
        for other in [
            json!({"cookies": ["__Host-console2=x", "x__Host-console=y"]}),
            json!({"cookies": [format!("__Host-console={}", "x".repeat(9000))]}),
        ] {
            assert_eq!(request(other).cookie(), None);
        }
    }

    #[test]
    fn a_body_has_its_type_and_its_bound() {
        let form = |body: &str, kind: &str| {
            request(json!({"headers": {"content-type": kind}, "body": body}))
                .form()
                .map(|it| it.get("a").map(str::to_owned))
        };
        let kind = "application/x-www-form-urlencoded";
        assert_eq!(form("a=+b%20&a=c", kind), Ok(Some("b".to_owned())));
        assert_eq!(form("a=", "application/x-www-form-urlencoded; charset=utf-8"), Ok(None));
        assert_eq!(
            form("a=b", "text/plain"),
            Err(BadBody::Type),
            "what a page elsewhere can send without asking"
        );
        assert_eq!(form(&format!("a={}", "b".repeat(MAX_BODY_BYTES)), kind), Err(BadBody::TooLarge));
        let encoded =
            request(json!({"headers": {"content-type": kind}, "body": "YT1i", "isBase64Encoded": true}));
        assert_eq!(encoded.form().unwrap().get("a"), Some("b"));
    }
}
