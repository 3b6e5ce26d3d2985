//! A result as the storage behind its URL serves it: whole or in ranges, with an entity tag.

use super::Planned;
use crate::{
    body::Stream,
    http::{Answer, Request},
};
use axum::http::header;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use std::{path::PathBuf, time::UNIX_EPOCH};

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

    /// The result that a control call gave; `None` if it left the query to be executed.
    pub(super) fn planned(planned: &Planned) -> Option<Result<Self, String>> {
        if let Some(text) = &planned.jsonl {
            let (mut objects, mut roots) = (0, 0);
            for line in text.lines().filter(|line| !line.trim().is_empty()) {
                objects += 1;
                roots += u64::from(!line.contains("\"__parentId\""));
            }
            let objects = planned.objects.unwrap_or(objects);
            return Some(Ok(Self::text(text.clone(), objects, planned.root_objects.unwrap_or(roots))));
        }
        if let Some(path) = &planned.file {
            let metadata = std::fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()));
            // lines are not counted: the file may be very large
            let objects = planned.objects.unwrap_or(1);
            return Some(metadata.map(|metadata| Self {
                len: metadata.len(),
                source: Source::File(path.clone()),
                objects,
                root_objects: planned.root_objects.unwrap_or(objects),
            }));
        }
        let ends_empty = planned.status.as_deref().is_some_and(|status| status != "COMPLETED");
        (ends_empty && !planned.partial).then(|| Ok(Self::text(String::new(), 0, 0)))
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
