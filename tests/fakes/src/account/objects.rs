//! S3: a bucket with conditional writes that keeps every version.

use axum::{
    http::{HeaderMap, HeaderName, StatusCode, Uri},
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
    /// All that was ever written, the oldest first.
    versions: Vec<Written>,
}

#[derive(Debug, Clone)]
struct Written {
    key: String,
    text: String,
    version: u64,
    /// Headers of the metadata.
    metadata: Vec<(String, String)>,
}

impl Objects {
    /// What an operator or another function writes.
    pub fn set(&mut self, key: impl Into<String>, text: impl Into<String>) {
        self.write(key.into(), text.into(), Vec::new());
    }

    fn write(&mut self, key: String, text: String, metadata: Vec<(String, String)>) {
        self.writes += 1;
        self.versions.push(Written { key: key.clone(), text: text.clone(), version: self.writes, metadata });
        self.texts.insert(key, (text, self.writes));
    }

    pub fn json(&self, key: &str) -> Option<Value> {
        let (text, _) = self.texts.get(key)?;
        Some(serde_json::from_str(text).expect("the object is JSON"))
    }

    pub fn get(&self, uri: &Uri) -> Response {
        if uri.query().is_some_and(|query| query.contains("list-type=2")) {
            return self.listed();
        }
        if let Some(prefix) = parameter(uri, "prefix").filter(|_| parameter(uri, "versions").is_some()) {
            return self.listed_versions(&prefix);
        }
        let key = key(uri);
        let (version, missing) = match parameter(uri, "versionId") {
            Some(id) => (id.strip_prefix('v').and_then(|it| it.parse().ok()), "NoSuchVersion"),
            None => (self.texts.get(key).map(|(_, version)| *version), "NoSuchKey"),
        };
        let Some(version) = version else { return error(StatusCode::NOT_FOUND, missing) };
        let written = self.versions.iter().find(|it| it.key == key && it.version == version);
        // what a test has put there by hand, it has put in the place of what was written
        let text = self.texts.get(key).filter(|(_, current)| *current == version).map(|(text, _)| text);
        let Some(text) = text.or_else(|| written.map(|it| &it.text)) else {
            return error(StatusCode::NOT_FOUND, missing);
        };
        let mut answer =
            ([("etag", tag(version)), ("x-amz-version-id", format!("v{version}"))], text.clone())
                .into_response();
        for (name, value) in written.iter().flat_map(|it| &it.metadata) {
            let name: HeaderName = name.parse().expect("the name of a header");
            answer.headers_mut().insert(name, value.parse().expect("the value of a header"));
        }
        answer
    }

    /// The newest first, each a second after the one before.
    fn listed_versions(&self, prefix: &str) -> Response {
        let of = |it: &Written| {
            let latest = self.texts.get(&it.key).is_some_and(|(_, version)| *version == it.version);
            format!(
                "<Version><Key>{}</Key><VersionId>v{}</VersionId><IsLatest>{latest}</IsLatest>\
                 <LastModified>2026-11-22T08:{:02}:{:02}.000Z</LastModified><Size>{}</Size></Version>",
                it.key,
                it.version,
                it.version / 60,
                it.version % 60,
                it.text.len(),
            )
        };
        let mine = self.versions.iter().rev().filter(|it| it.key.starts_with(prefix));
        let listed: String = mine.map(of).collect();
        format!("<ListVersionsResult><IsTruncated>false</IsTruncated>{listed}</ListVersionsResult>")
            .into_response()
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
        if !holds && found.is_none() {
            return error(StatusCode::NOT_FOUND, "NoSuchKey");
        }
        if !holds {
            return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
        }
        let named = headers.iter().filter(|(name, _)| name.as_str().starts_with("x-amz-meta-"));
        let metadata = named
            .map(|(name, value)| (name.to_string(), value.to_str().expect("metadata are ASCII").to_owned()));
        let text = String::from_utf8(decoded(headers, body)).expect("the object is text");
        self.write(key, text, metadata.collect());
        [("etag", tag(self.writes)), ("x-amz-version-id", format!("v{}", self.writes))].into_response()
    }
}

/// The key in a path that begins with the bucket.
fn key(uri: &Uri) -> &str {
    uri.path().trim_start_matches('/').split_once('/').map_or("", |(_, key)| key)
}

/// What a query says of a name: nothing where it only stands there.
fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let query = uri.query()?.split('&').map(|part| part.split_once('=').unwrap_or((part, "")));
    let found = query.into_iter().find(|(key, _)| *key == name)?;
    Some(found.1.replace("%2F", "/"))
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
