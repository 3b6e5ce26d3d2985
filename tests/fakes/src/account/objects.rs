//! S3: a bucket with conditional writes.

use axum::{
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use std::collections::BTreeMap;

/// Texts by their keys.
#[derive(Debug, Clone, Default)]
pub struct Objects {
    /// Text and version, by key.
    pub texts: BTreeMap<String, (String, u64)>,
    /// So many writes find that somebody else has just written.
    pub overtaken: u32,
    writes: u64,
}

impl Objects {
    /// What an operator or another function writes.
    pub fn set(&mut self, key: impl Into<String>, text: impl Into<String>) {
        self.writes += 1;
        self.texts.insert(key.into(), (text.into(), self.writes));
    }

    pub fn json(&self, key: &str) -> Option<Value> {
        let (text, _) = self.texts.get(key)?;
        Some(serde_json::from_str(text).expect("the object is JSON"))
    }

    pub fn get(&self, uri: &Uri) -> Response {
        if uri.query().is_some_and(|query| query.contains("list-type=2")) {
            return self.listed();
        }
        match self.texts.get(key(uri)) {
            Some((text, version)) => {
                let headers = [("etag", tag(*version)), ("x-amz-version-id", format!("v{version}"))];
                (headers, text.clone()).into_response()
            }
            None => error(StatusCode::NOT_FOUND, "NoSuchKey"),
        }
    }

    /// What is there is locked for a hundred years.
    pub fn head(&self, uri: &Uri) -> Response {
        let until = "2126-01-01T00:00:00Z".to_owned();
        match self.texts.get(key(uri)) {
            Some(_) => [("x-amz-object-lock-retain-until-date", until)].into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        }
    }

    /// All keys: a listing's prefix leaves out nothing that the tests have.
    fn listed(&self) -> Response {
        let keys = self.texts.keys().map(|key| format!("<Contents><Key>{key}</Key></Contents>"));
        let keys: String = keys.collect();
        format!("<ListBucketResult><IsTruncated>false</IsTruncated>{keys}</ListBucketResult>").into_response()
    }

    /// A checkpoint's write always says what it expects to be there.
    pub fn put(&mut self, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Response {
        let key = key(uri).to_owned();
        if self.overtaken > 0 {
            self.overtaken -= 1;
            self.writes += 1;
            self.texts.entry(key.clone()).or_default().1 = self.writes;
        }
        let found = self.texts.get(&key).map(|(_, version)| tag(*version));
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let holds = match (header("if-match"), header("if-none-match")) {
            (Some(wanted), _) => found.as_deref() == Some(wanted),
            (None, Some(_)) => found.is_none(),
            (None, None) if key.starts_with("runs/") => panic!("{key} is written whatever is there"),
            (None, None) => true,
        };
        if !holds {
            return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
        }
        self.set(key, String::from_utf8(decoded(headers, body)).expect("the object is text"));
        [("etag", tag(self.writes)), ("x-amz-version-id", format!("v{}", self.writes))].into_response()
    }
}

/// The key in a path that begins with the bucket.
fn key(uri: &Uri) -> &str {
    uri.path().trim_start_matches('/').split_once('/').map_or("", |(_, key)| key)
}

fn tag(version: u64) -> String {
    format!("\"{version}\"")
}

fn error(status: StatusCode, code: &str) -> Response {
    (status, format!("<Error><Code>{code}</Code></Error>")).into_response()
}

/// The SDK sends streams in chunks with a checksum behind them.
fn decoded(headers: &HeaderMap, body: &[u8]) -> Vec<u8> {
    let encoding = headers.get("content-encoding").and_then(|value| value.to_str().ok());
    if !encoding.is_some_and(|it| it.contains("aws-chunked")) {
        return body.to_vec();
    }
    let (mut out, mut rest) = (Vec::new(), body);
    loop {
        let end = rest.windows(2).position(|pair| pair == b"\r\n").expect("a chunk begins with its size");
        let size = std::str::from_utf8(&rest[..end]).ok().and_then(|text| text.split(';').next());
        let size = size.and_then(|text| usize::from_str_radix(text, 16).ok()).expect("a size is hexadecimal");
        if size == 0 {
            return out;
        }
        out.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
}
