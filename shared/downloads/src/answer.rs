//! An answer as an HTTP API takes it (payload format 2.0), with the headers that every one has.

use crate::{NOWHERE, PARTS_SCRIPT, Part, content, disposition};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde::Serialize;
use std::collections::BTreeMap;

/// An answer: status, headers by their lower-case names, and a body that is text or base64.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpResponse {
    pub status_code: u16,
    pub headers: BTreeMap<&'static str, String>,
    pub body: String,
    pub is_base64_encoded: bool,
}

/// What every answer says, whatever it is: nobody keeps it, frames it, guesses its type, or learns where its reader
/// came from.
const EVERYWHERE: [(&str, &str); 9] = [
    ("cache-control", "no-store, private"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), clipboard-read=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("referrer-policy", "no-referrer"),
    ("strict-transport-security", "max-age=63072000; includeSubDomains"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("x-robots-tag", "noindex, nofollow, noarchive, nosnippet"),
];

impl HttpResponse {
    /// Without a body yet.
    pub fn new(status_code: u16, content_type: &str, policy: &str) -> Self {
        let mut headers: BTreeMap<_, _> =
            EVERYWHERE.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        headers.insert("content-type", content_type.to_owned());
        headers.insert("content-security-policy", policy.to_owned());
        Self { status_code, headers, body: String::new(), is_base64_encoded: false }
    }

    /// To another page. The request is not repeated there.
    pub fn redirect(location: &str) -> Self {
        let policy = format!("default-src 'none'; {NOWHERE}");
        Self::new(303, "text/html; charset=utf-8", &policy).header("location", location)
    }

    /// What a part of a document of `size` bytes is answered with, without the bytes yet.
    pub fn of_part(part: &Part, size: u64, media_type: &str, name: &str, extension: &str) -> Self {
        let (status, range) = match part {
            Part::Whole => (200, None),
            Part::Bytes(range) => {
                (206, Some(format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1))))
            }
            Part::Unsatisfiable => (416, Some(format!("bytes */{size}"))),
        };
        let (content_type, policy) = content(media_type);
        let response = Self::new(status, content_type, &policy)
            .header("accept-ranges", "bytes")
            .header("content-disposition", disposition(name, extension));
        match range {
            Some(range) => response.header("content-range", range),
            None => response,
        }
    }

    /// The script that saves large documents.
    pub fn parts_script() -> Self {
        Self::new(200, "text/javascript; charset=utf-8", &format!("default-src 'none'; {NOWHERE}"))
            .text(PARTS_SCRIPT.to_owned())
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.insert(name, value.into());
        self
    }

    pub fn status(mut self, status_code: u16) -> Self {
        self.status_code = status_code;
        self
    }

    pub fn text(mut self, body: String) -> Self {
        self.body = body;
        self
    }

    pub fn bytes(mut self, body: &Bytes) -> Self {
        self.body = BASE64_STANDARD.encode(body);
        self.is_base64_encoded = true;
        self
    }

    /// The answer to `HEAD`: everything but the body.
    pub fn without_body(mut self) -> Self {
        self.body.clear();
        self.is_base64_encoded = false;
        self
    }
}
