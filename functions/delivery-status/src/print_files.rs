//! The status files of print providers: what each line says of a letter is recorded as the channel's word.
//!
//! A provider puts files below `print-status/<shop>/in/`; each pass reads those that it has not finished and writes what
//! came of a file below `done/`, named by the file's name and content, so that a file that is put again with other
//! content is read again. Lines are independent: a bad one is named in the result and loses none beside it. Reading a
//! file again changes nothing, so a pass that dies half-way, or cannot finish a file, leaves it to the next one.
//!
//! Nothing is believed of a communication that is not the shop's own, or was not printed. What came back stays so,
//! whatever a line that comes later says.

use aws_sdk_s3::{Client, error::ProvideErrorMetadata, primitives::ByteStream};
use comms::{ShopDomain, State, chain};
use delivery::{PrintStatus, PrintStatusLine};
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use ledger::{ChannelOutcome, Entry};
use serde::Serialize;
use std::collections::BTreeSet;
use tokio::time::Instant;

/// A larger file is not read: a line needs 130 bytes, so that is a month of a large provider.
const MAX_FILE_BYTES: i64 = 8 * 1024 * 1024;

/// Files per shop and pass. The rest has its turn in the next one.
const MAX_FILES: usize = 50;

/// Lines at once.
const LINES: usize = 10;

/// Bad lines that a result names one by one.
const MAX_NAMED: usize = 100;

/// For so long a line may be ahead of the ledger: it is looked at again until then.
const EARLY: SignedDuration = SignedDuration::from_hours(24);

type Cause = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
#[error("{doing} {key}")]
pub struct FileError {
    doing: &'static str,
    key: String,
    source: Cause,
}

/// The files of one deployment.
pub struct PrintFiles {
    s3: Client,
    bucket: String,
}

/// A file that is to be read.
#[derive(Debug)]
pub struct StatusFile {
    key: String,
    done: String,
    put: Option<Timestamp>,
    bytes: i64,
}

/// What one line came to.
#[derive(Debug)]
pub enum LineResult {
    Recorded(Box<Entry>),
    /// The ledger knows it, or something later.
    Known,
    /// The ledger does not know the send yet.
    Early,
    Bad(String),
    /// It could not be handled now.
    Failed(String),
}

/// What came of a file: kept beside it.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct FileResult {
    pub v: u8,
    pub file: String,
    /// Lines that moved a communication.
    pub recorded: u64,
    /// Lines that said nothing new.
    pub known: u64,
    /// Lines that were not understood or not believed.
    pub bad: u64,
    /// The first of them by their numbers, and why.
    pub bad_lines: Vec<BadLine>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct BadLine {
    pub line: usize,
    pub reason: String,
}

/// What came of a pass over a shop's files.
#[derive(Debug, Default)]
pub struct FilesResult {
    pub recorded: Vec<Entry>,
    pub problems: u64,
}

impl PrintFiles {
    pub fn new(s3: Client, bucket: String) -> Self {
        Self { s3, bucket }
    }

    /// Reads a shop's files. `handle` records what one line says.
    ///
    /// # Errors
    /// When the files cannot be listed.
    pub async fn pass(
        &self,
        shop: &ShopDomain,
        now: Timestamp,
        until: Instant,
        handle: impl AsyncFn(PrintStatusLine) -> LineResult,
    ) -> Result<FilesResult, FileError> {
        let mut result = FilesResult::default();
        for file in self.unread(shop).await? {
            if Instant::now() >= until {
                break;
            }
            if let Err(error) = self.file(&file, now, &handle, &mut result).await {
                tracing::warn!(%shop, key = file.key, reason = chain(&error), "status file not finished");
                result.problems += 1;
            }
        }
        Ok(result)
    }

    async fn file(
        &self,
        file: &StatusFile,
        now: Timestamp,
        handle: &impl AsyncFn(PrintStatusLine) -> LineResult,
        result: &mut FilesResult,
    ) -> Result<(), FileError> {
        let mut done = FileResult { v: 1, file: file.key.clone(), ..FileResult::default() };
        if file.bytes > MAX_FILE_BYTES {
            done.bad = 1;
            done.bad_lines
                .push(BadLine { line: 0, reason: format!("the file has more than {MAX_FILE_BYTES} bytes") });
            return self.finish(file, &done).await;
        }
        let get = self.s3.get_object().bucket(&self.bucket).key(&file.key).send().await;
        let get = get.map_err(|error| failed("reading", &file.key, error))?;
        let bytes =
            get.body.collect().await.map_err(|error| failed("reading", &file.key, error))?.into_bytes();
        let may_wait = file.put.is_some_and(|put| now.duration_since(put) < EARLY);
        let handled: Vec<_> = stream::iter(PrintStatusLine::read(&bytes))
            .map(|(number, line)| async move {
                let came = match line {
                    Ok(line) => handle(line).await,
                    Err(error) => LineResult::Bad(error.to_string()),
                };
                (number, came)
            })
            .buffered(LINES)
            .collect()
            .await;
        let mut is_finished = true;
        for (line, came) in handled {
            match came {
                LineResult::Recorded(entry) => {
                    done.recorded += 1;
                    result.recorded.push(*entry);
                }
                LineResult::Known => done.known += 1,
                LineResult::Early if may_wait => is_finished = false,
                LineResult::Early => done.name(line, "it was not sent, or is not printed".to_owned()),
                LineResult::Bad(reason) => done.name(line, reason),
                LineResult::Failed(reason) => {
                    tracing::warn!(key = file.key, line, reason, "line not handled");
                    result.problems += 1;
                    is_finished = false;
                }
            }
        }
        if is_finished {
            if done.bad > 0 {
                tracing::warn!(key = file.key, bad = done.bad, "lines of a status file were not believed");
                result.problems += 1;
            }
            self.finish(file, &done).await?;
        }
        Ok(())
    }

    /// Files without a result.
    async fn unread(&self, shop: &ShopDomain) -> Result<Vec<StatusFile>, FileError> {
        let prefix = format!("print-status/{shop}/");
        let list = self.s3.list_objects_v2().bucket(&self.bucket).prefix(&prefix);
        let mut objects = list.into_paginator().send();
        let (mut files, mut done) = (Vec::new(), BTreeSet::new());
        while let Some(page) = objects.next().await {
            for object in page.map_err(|error| failed("listing", &prefix, error))?.contents() {
                let Some(key) = object.key() else { continue };
                if key.starts_with(&format!("{prefix}done/")) {
                    done.insert(key.to_owned());
                } else if let Some(name) = key.strip_prefix(&format!("{prefix}in/"))
                    && !name.is_empty()
                    && !name.ends_with('/')
                {
                    let tag: String = object
                        .e_tag()
                        .unwrap_or_default()
                        .chars()
                        .filter(char::is_ascii_alphanumeric)
                        .collect();
                    let put = object.last_modified().and_then(|at| Timestamp::from_second(at.secs()).ok());
                    files.push(StatusFile {
                        key: key.to_owned(),
                        done: format!("{prefix}done/{name}.{tag}.json"),
                        put,
                        bytes: object.size().unwrap_or_default(),
                    });
                }
            }
        }
        files.retain(|file| !done.contains(&file.done));
        files.truncate(MAX_FILES);
        Ok(files)
    }

    async fn finish(&self, file: &StatusFile, done: &FileResult) -> Result<(), FileError> {
        let json = serde_json::to_vec(done).map_err(|error| failed("describing", &file.done, error))?;
        let put = self.s3.put_object().bucket(&self.bucket).key(&file.done).if_none_match("*");
        match put.content_type("application/json").body(ByteStream::from(json)).send().await {
            Ok(_) => Ok(()),
            // another pass has finished it
            Err(error) if error.code() == Some("PreconditionFailed") => Ok(()),
            Err(error) => Err(failed("putting", &file.done, error)),
        }
    }
}

impl FileResult {
    fn name(&mut self, line: usize, reason: String) {
        self.bad += 1;
        if self.bad_lines.len() < MAX_NAMED {
            self.bad_lines.push(BadLine { line, reason });
        }
    }
}

/// What a line says of what the ledger has: an outcome to record, or how it ends without one.
pub fn judge(
    line: &PrintStatusLine,
    shop: &ShopDomain,
    entry: Option<&Entry>,
) -> Result<ChannelOutcome, LineResult> {
    let Some(entry) = entry else { return Err(LineResult::Early) };
    if entry.shop != *shop {
        return Err(LineResult::Bad("it is not the shop's".to_owned()));
    }
    if entry.state.is_open() {
        return Err(LineResult::Early);
    }
    if entry.channel.as_deref() != Some("print") {
        return Err(LineResult::Bad("it was not printed".to_owned()));
    }
    let (state, outcome) = match line.status {
        PrintStatus::Delivered => (State::Delivered, ChannelOutcome::Delivered),
        PrintStatus::Returned => {
            let reason = line.reason.map_or_else(String::new, |reason| format!(": {reason}"));
            (State::Bounced, ChannelOutcome::Bounced { reason: format!("returned{reason}") })
        }
    };
    match entry.state {
        from if from.may_become(state) => Ok(outcome),
        State::Delivered | State::Bounced => Err(LineResult::Known),
        State::Failed | State::Suppressed | State::Archived => {
            Err(LineResult::Bad("it was not sent".to_owned()))
        }
        _ => Err(LineResult::Known),
    }
}

fn failed(doing: &'static str, key: &str, source: impl Into<Cause>) -> FileError {
    FileError { doing, key: key.to_owned(), source: source.into() }
}
