//! A result as the storage behind its URL serves it: whole or in ranges, with an entity tag.

use axum::http::header;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use std::{
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};
use stub_http::{Answer, Request, Stream};

/// Why the stub could not give a result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BulkError {
    #[error("no single operation")]
    Operation,
    #[error("a bulk query has no variables")]
    Variables,
    #[error("{0}")]
    Execution(String),
    #[error("{message} at {path}")]
    Field { message: String, path: String },
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
}

#[derive(Debug)]
pub(crate) struct Content {
    source: Source,
    pub len: u64,
    pub objects: u64,
    pub root_objects: u64,
}

#[derive(Debug)]
enum Source {
    Text { bytes: Bytes, tag: String },
    File(PathBuf),
}

impl Content {
    pub fn text(text: String, objects: u64, root_objects: u64) -> Self {
        let tag = format!("\"{}\"", hex::encode(&Sha256::digest(&text)[..16]));
        let bytes = Bytes::from(text);
        Self { len: bytes.len() as u64, source: Source::Text { bytes, tag }, objects, root_objects }
    }

    /// A file as it is when it is asked for; its lines are not counted, for it may be very large.
    pub fn file(path: &Path, objects: u64, root_objects: u64) -> Result<Self, BulkError> {
        let failed = |source| BulkError::File { path: path.to_owned(), source };
        let len = std::fs::metadata(path).map_err(failed)?.len();
        Ok(Self { source: Source::File(path.to_owned()), len, objects, root_objects })
    }

    /// The length and the tag now: a file may have been replaced.
    fn state(&self) -> Option<(u64, String)> {
        match &self.source {
            Source::Text { tag, .. } => Some((self.len, tag.clone())),
            Source::File(path) => {
                let metadata = std::fs::metadata(path).ok()?;
                let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
                Some((metadata.len(), format!("\"{:x}-{:x}\"", metadata.len(), modified.as_nanos())))
            }
        }
    }

    pub fn serve(&self, request: &Request) -> Answer {
        let Some((total, tag)) = self.state() else { return storage_error(404, "NoSuchKey") };
        let current = request.header("if-range").is_none_or(|sent| sent == tag);
        let range = request.header("range").filter(|_| current).and_then(|range| Range::parse(range, total));
        let answer = match range {
            Some(Range::Outside) => {
                return storage_error(416, "InvalidRange")
                    .with_header(header::CONTENT_RANGE, format!("bytes */{total}"));
            }
            Some(Range::Part { from, to }) => self
                .part(206, from, to + 1 - from)
                .with_header(header::CONTENT_RANGE, format!("bytes {from}-{to}/{total}")),
            None => self.part(200, 0, total),
        };
        answer.with_header(header::ACCEPT_RANGES, "bytes").with_header(header::ETAG, tag)
    }

    fn part(&self, status: u16, from: u64, len: u64) -> Answer {
        const TYPE: &str = "application/jsonl";
        match &self.source {
            Source::Text { bytes, .. } => {
                Answer::new(status, TYPE, bytes.slice(from as usize..(from + len) as usize))
            }
            Source::File(path) => {
                let mut answer = Answer::new(status, TYPE, Bytes::new());
                answer.stream = Some(Box::new(Stream { path: path.clone(), from, len }));
                answer
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Range {
    /// Both ends included.
    Part {
        from: u64,
        to: u64,
    },
    Outside,
}

impl Range {
    /// `None` for what a server may overlook: another unit, several ranges, no numbers.
    fn parse(header: &str, total: u64) -> Option<Self> {
        let (first, last) = header.strip_prefix("bytes=")?.trim().split_once('-')?;
        let (from, to) = match (first.trim(), last.trim()) {
            ("", last) => match last.parse::<u64>().ok()? {
                0 => return Some(Self::Outside),
                count => (total.saturating_sub(count), total.saturating_sub(1)),
            },
            (first, "") => (first.parse().ok()?, total.saturating_sub(1)),
            (first, last) => (first.parse().ok()?, last.parse::<u64>().ok()?.min(total.saturating_sub(1))),
        };
        Some(if from >= total || from > to { Self::Outside } else { Self::Part { from, to } })
    }
}

/// An error as the storage words it.
pub(crate) fn storage_error(status: u16, code: &str) -> Answer {
    let body = format!("<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code></Error>");
    Answer::new(status, "application/xml; charset=UTF-8", body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_http_defines_them() {
        let part = |from, to| Some(Range::Part { from, to });
        assert_eq!(Range::parse("bytes=0-9", 100), part(0, 9));
        assert_eq!(Range::parse("bytes=90-", 100), part(90, 99));
        assert_eq!(Range::parse("bytes=90-200", 100), part(90, 99));
        assert_eq!(Range::parse("bytes=-10", 100), part(90, 99));
        assert_eq!(Range::parse("bytes=-200", 100), part(0, 99));
        assert_eq!(Range::parse("bytes=100-", 100), Some(Range::Outside));
        assert_eq!(Range::parse("bytes=-0", 100), Some(Range::Outside));
        assert_eq!(Range::parse("bytes=0-1,4-5", 100), None);
        assert_eq!(Range::parse("lines=0-1", 100), None);
    }
}
