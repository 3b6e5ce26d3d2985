//! A bulk operation's file, from any byte on, over connections that break.
//!
//! The address is signed, so no token is sent and the address is in no error. A connection that breaks is
//! made again from the next byte with `Range` and `If-Range`; a server that ignores the range sends what was
//! read already, which is skipped. Two answers belong together only if they agree on entity tag and length:
//! anything else is [`DownloadError::Changed`].

use bytes::Bytes;
use comms::{Class, Classify, HttpsUrl};
use reqwest::{
    Client, Response, StatusCode,
    header::{CONTENT_RANGE, ETAG, HeaderMap, IF_RANGE, RANGE},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// For the head of an answer, and for each piece of its body.
const SILENCE: Duration = Duration::from_secs(30);

/// Connections in a row that bring nothing.
const FRUITLESS: u32 = 4;

/// What a file is recognised by.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BulkFile {
    pub length: Option<u64>,
    pub etag: Option<String>,
}

impl BulkFile {
    /// Whether nothing says that the two are different files.
    fn may_be(&self, other: &Self) -> bool {
        let differ = |one: Option<&str>, other: Option<&str>| one.zip(other).is_some_and(|(a, b)| a != b);
        !differ(self.etag.as_deref(), other.etag.as_deref())
            && self.length.zip(other.length).is_none_or(|(a, b)| a == b)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The address is too old, or never was one.
    #[error("the result of the bulk operation is not at its address any more: status {status}")]
    Gone { status: u16 },
    #[error("the server of bulk results answered with status {status}")]
    Status { status: u16 },
    /// Reading has to begin again.
    #[error("the result of the bulk operation is not the file that was being read")]
    Changed,
    #[error("the connection broke {FRUITLESS} times at byte {at}")]
    Broken { at: u64, source: Option<reqwest::Error> },
}

impl Classify for DownloadError {
    fn class(&self) -> Class {
        match self {
            Self::Gone { .. } | Self::Status { .. } | Self::Changed | Self::Broken { .. } => {
                Class::transient()
            }
        }
    }
}

/// Where a bulk operation's result can be fetched: at a host where Shopify keeps results, over TLS.
///
/// Seen in recordings: `storage.googleapis.com`. Where the Admin API itself is asked on this very machine, as in the
/// local run, results may lie there too.
#[derive(Clone, PartialEq, Eq)]
pub struct ResultUrl(HttpsUrl);

const RESULT_HOST: &str = "storage.googleapis.com";
const SHOPIFY_DOMAINS: [&str; 4] = [".shopify.com", ".myshopify.com", ".shopifycdn.com", ".shopifycloud.com"];

impl ResultUrl {
    /// Reads an address that the Admin API gave.
    pub fn parse(text: &str, asked: &shop_config::Shopify) -> Option<Self> {
        let url: HttpsUrl = text.parse().ok()?;
        let host = url.host();
        let is_shopify = host == RESULT_HOST || SHOPIFY_DOMAINS.iter().any(|domain| host.ends_with(domain));
        let is_local = || url.is_loopback() && asked.base_url.as_ref().is_some_and(HttpsUrl::is_loopback);
        (is_shopify || is_local()).then_some(Self(url))
    }
}

// the address is signed: who has it has the file
impl std::fmt::Debug for ResultUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ResultUrl")
    }
}

/// A file being fetched.
pub struct Download {
    http: Client,
    url: reqwest::Url,
    /// Of the next byte to hand on.
    at: u64,
    file: BulkFile,
    body: Option<Response>,
    /// Bytes of the body that were passed on before.
    skip: u64,
}

impl Download {
    /// The file at `url` from byte `from`; `file` is what it was recognised by when the bytes before were read.
    pub fn new(http: Client, url: &ResultUrl, from: u64, file: BulkFile) -> Self {
        Self { http, url: url.0.as_url().clone(), at: from, file, body: None, skip: 0 }
    }

    /// What the file is recognised by; complete after the first chunk.
    pub const fn file(&self) -> &BulkFile {
        &self.file
    }

    /// The next bytes; nothing at the end of the file.
    ///
    /// # Errors
    /// See [`DownloadError`]. Connections that break are made again first.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, DownloadError> {
        let mut last = None;
        for pause in 0..FRUITLESS {
            if pause > 0 {
                tokio::time::sleep(Duration::from_millis(250) * 2u32.pow(pause - 1)).await;
            }
            match self.attempt().await {
                Ok(chunk) => return Ok(chunk),
                Err(Attempt::Over(error)) => return Err(error),
                Err(Attempt::Broken(source)) => {
                    self.body = None;
                    last = source;
                }
            }
        }
        Err(DownloadError::Broken { at: self.at, source: last })
    }

    async fn attempt(&mut self) -> Result<Option<Bytes>, Attempt> {
        if self.body.is_none() {
            self.body = self.connect().await?;
        }
        loop {
            let Some(body) = &mut self.body else { return Ok(None) };
            let mut chunk = match tokio::time::timeout(SILENCE, body.chunk()).await {
                Ok(Ok(Some(chunk))) => chunk,
                // a body that ends early is told from one that ends by the length alone
                Ok(Ok(None)) if self.file.length.is_some_and(|length| self.at < length) => {
                    return Err(Attempt::Broken(None));
                }
                Ok(Ok(None)) => return Ok(None),
                Ok(Err(error)) => return Err(Attempt::Broken(Some(error.without_url()))),
                Err(_) => return Err(Attempt::Broken(None)),
            };
            let skipped = self.skip.min(chunk.len() as u64);
            self.skip -= skipped;
            let chunk = chunk.split_off(usize::try_from(skipped).unwrap_or(chunk.len()));
            if !chunk.is_empty() {
                self.at += chunk.len() as u64;
                return Ok(Some(chunk));
            }
        }
    }

    /// A body whose next byte, after `skip` others, is the one at `at`; nothing if there is none.
    async fn connect(&mut self) -> Result<Option<Response>, Attempt> {
        if self.file.length == Some(self.at) {
            return Ok(None);
        }
        let mut request = self.http.get(self.url.clone());
        if self.at > 0 {
            request = request.header(RANGE, format!("bytes={}-", self.at));
            // a weak tag may not be compared with
            if let Some(etag) = self.file.etag.as_deref().filter(|etag| !etag.starts_with("W/")) {
                request = request.header(IF_RANGE, etag);
            }
        }
        let response = match tokio::time::timeout(SILENCE, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(Attempt::Broken(Some(error.without_url()))),
            Err(_) => return Err(Attempt::Broken(None)),
        };
        let etag = text(response.headers(), ETAG.as_str()).map(str::to_owned);
        let (begin, length) = match response.status() {
            StatusCode::OK => (0, response.content_length()),
            StatusCode::PARTIAL_CONTENT => {
                range(response.headers()).filter(|(begin, _)| *begin == self.at).ok_or(CHANGED)?
            }
            StatusCode::RANGE_NOT_SATISFIABLE => return Err(CHANGED),
            status if matches!(status.as_u16(), 400 | 401 | 403 | 404 | 410) => {
                return Err(Attempt::Over(DownloadError::Gone { status: status.as_u16() }));
            }
            status if status.is_server_error() || matches!(status.as_u16(), 408 | 429) => {
                return Err(Attempt::Broken(None));
            }
            status => return Err(Attempt::Over(DownloadError::Status { status: status.as_u16() })),
        };
        let found = BulkFile { length, etag };
        if !self.file.may_be(&found) || length.is_some_and(|length| length < self.at) {
            return Err(CHANGED);
        }
        self.file.length = self.file.length.or(found.length);
        self.file.etag = self.file.etag.take().or(found.etag);
        self.skip = self.at - begin;
        Ok(Some(response))
    }
}

enum Attempt {
    /// Another connection may help.
    Broken(Option<reqwest::Error>),
    Over(DownloadError),
}

const CHANGED: Attempt = Attempt::Over(DownloadError::Changed);

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// `bytes 5-9/10` as 5 and 10.
fn range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let (places, length) = text(headers, CONTENT_RANGE.as_str())?.strip_prefix("bytes ")?.split_once('/')?;
    let (begin, _) = places.split_once('-')?;
    Some((begin.parse().ok()?, length.parse().ok()))
}
