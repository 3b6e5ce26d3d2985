//! Tables for people and lines for programs, from the same rows.

use crate::{
    failure::Failure,
    out::{self, Paint, note},
    stack::Stack,
};
use comms::{CommunicationId, State, WriteBackState, one_line};
use jiff::Timestamp;
use ledger::Entry;
use schemars::JsonSchema;
use serde::Serialize;
use std::{
    ops::Range,
    process::ExitCode,
    time::{Duration, Instant},
};

/// An outcome is unknown, or something could not be asked, and nothing is known to be wrong.
pub const UNKNOWN: u8 = 3;
/// Not everything has settled in time.
pub const NOT_SETTLED: u8 = 4;
/// Everything has settled, and something was not delivered.
pub const NOT_DELIVERED: u8 = 5;

/// One communication, as `ctl` prints it. The JSON form is a contract: fields are only added.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Communication")]
pub struct Row<'a> {
    pub communication: &'a str,
    pub flow: &'a str,
    pub document: &'a str,
    /// The global id of what the document is about.
    pub subject: &'a str,
    /// When it was claimed first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// When its state changed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<String>,
    /// When the channel took it, if its outcome is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<String>,
    pub state: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<String>,
    pub attempts: u32,
    pub write_back: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write_back_reason: Option<&'a str>,
}

impl<'a> From<&'a Entry> for Row<'a> {
    fn from(entry: &'a Entry) -> Self {
        let archived = entry.archived.as_ref();
        Self {
            communication: entry.communication.as_str(),
            flow: entry.flow.name(),
            document: entry.document.name(),
            subject: entry.subject.as_str(),
            created_at: moment(Some(entry.created_epoch_ms)),
            updated_at: moment(Some(entry.updated_epoch_ms)),
            accepted_at: moment(entry.accepted_epoch_ms),
            state: entry.state.name(),
            reason: entry.reason.as_deref(),
            channel: entry.channel.as_deref(),
            reference: entry.reference.as_deref(),
            archive_key: archived.map(|it| it.archive_key.as_str()),
            archive_version: archived.map(|it| it.archive_version.as_str()),
            sha256: archived.map(|it| it.sha256.as_str()),
            opened_at: moment(entry.opened_epoch_ms),
            attempts: entry.attempts,
            write_back: entry.write_back.name(),
            write_back_reason: entry.write_back_reason.as_deref(),
        }
    }
}

fn moment(epoch_ms: Option<i64>) -> Option<String> {
    Some(Timestamp::from_millisecond(epoch_ms?).ok()?.to_string())
}

/// What a program is told of communications that have settled.
fn exit_code(states: impl Iterator<Item = State>) -> ExitCode {
    let code = states.map(|state| match state {
        State::Unknown => (2, UNKNOWN),
        State::Failed | State::Bounced => (1, NOT_DELIVERED),
        State::Claimed
        | State::Sending
        | State::Archived
        | State::Accepted
        | State::Delivered
        | State::Suppressed => (0, 0),
    });
    ExitCode::from(code.max().map_or(0, |(_, code)| code))
}

pub fn print(rows: &[Row<'_>], json: bool) -> Result<(), serde_json::Error> {
    if json {
        for row in rows {
            out::json(&serde_json::to_string(row)?);
        }
    } else {
        for Line { text, part, paint } in lines(rows) {
            match paint {
                Some(paint) => out::painted(&text, part, paint),
                None => out::line(&text),
            }
        }
    }
    Ok(())
}

/// A line of the table, and which part of it is painted.
#[derive(Debug)]
struct Line {
    text: String,
    part: Range<usize>,
    paint: Option<Paint>,
}

impl Line {
    fn plain(text: String) -> Self {
        Self { text, part: 0..0, paint: None }
    }
}

/// What a state means for who looks at a list.
fn paint(state: &str) -> Option<Paint> {
    match state.parse().ok()? {
        State::Failed | State::Bounced => Some(Paint::Bad),
        State::Unknown | State::Claimed | State::Sending => Some(Paint::Doubt),
        State::Accepted | State::Delivered | State::Archived => Some(Paint::Good),
        State::Suppressed => None,
    }
}

/// A line for each row, and below it what is long. A text from outside is one line, so that it cannot look like
/// another row.
fn lines(rows: &[Row<'_>]) -> Vec<Line> {
    let head = ["DOCUMENT", "STATE", "CHANNEL", "WRITE-BACK", "COMMUNICATION"].map(str::to_owned);
    let cells = |row: &Row<'_>| {
        [row.document, row.state, row.channel.unwrap_or("-"), row.write_back, row.communication].map(one_line)
    };
    let cells: Vec<[String; 5]> = [head].into_iter().chain(rows.iter().map(cells)).collect();
    let width = |column: usize| cells.iter().map(|cells| cells[column].len()).max().unwrap_or_default();
    let widths: [usize; 5] = std::array::from_fn(width);
    let aligned = |cells: &[String; 5]| {
        let padded: Vec<_> = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let head = aligned(&cells[0]);
    let mut lines = vec![Line { part: 0..head.len(), text: head, paint: Some(Paint::Head) }];
    for (row, cells) in rows.iter().zip(&cells[1..]) {
        let begin = widths[0].saturating_add(2);
        let part = begin..begin.saturating_add(cells[1].len());
        lines.push(Line { text: aligned(cells), part, paint: paint(row.state) });
        for (name, value) in [
            ("about", Some(row.subject)),
            ("begun", row.created_at.as_deref()),
            ("changed", row.updated_at.as_deref()),
            ("accepted", row.accepted_at.as_deref()),
            ("opened", row.opened_at.as_deref()),
            ("reason", row.reason),
            ("archive", row.archive_key),
            ("version", row.archive_version),
            ("sha256", row.sha256),
            ("reference", row.reference),
            ("write-back", row.write_back_reason),
        ] {
            if let Some(value) = value {
                lines.push(Line::plain(format!("    {name:10} {}", one_line(value))));
            }
        }
    }
    lines
}

/// Polls the ledger until every communication has ended and its report is through.
pub async fn settle(
    stack: &Stack,
    expected: &[CommunicationId],
    json: bool,
    wait: Duration,
) -> Result<ExitCode, Failure> {
    let begun = Instant::now();
    loop {
        let mut entries = Vec::with_capacity(expected.len());
        let mut open = 0;
        for id in expected {
            match stack.ledger.get(id).await? {
                Some(entry) => {
                    open += usize::from(entry.state.is_open() || entry.write_back == WriteBackState::Pending);
                    entries.push(entry);
                }
                None => open += 1,
            }
        }
        if open == 0 || begun.elapsed() > wait {
            let rows: Vec<_> = entries.iter().map(Row::from).collect();
            print(&rows, json)?;
            if open == 0 {
                return Ok(exit_code(entries.iter().map(|entry| entry.state)));
            }
            note!("ctl: {open} of {} have not settled within {} s", expected.len(), wait.as_secs());
            return Ok(ExitCode::from(NOT_SETTLED));
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every text of a row may come from outside.
    #[test]
    fn a_row_is_what_it_seems() {
        let bad = "x\u{9b}2J\ny\u{202e}\u{1b}]0;z\u{7}";
        let row = Row {
            communication: bad,
            flow: bad,
            document: bad,
            subject: bad,
            created_at: Some(bad.to_owned()),
            updated_at: Some(bad.to_owned()),
            accepted_at: Some(bad.to_owned()),
            state: bad,
            reason: Some(bad),
            channel: Some(bad),
            reference: Some(bad),
            archive_key: Some(bad),
            archive_version: Some(bad),
            sha256: Some(bad),
            opened_at: Some(bad.to_owned()),
            attempts: 1,
            write_back: bad,
            write_back_reason: Some(bad),
        };
        let json = serde_json::to_string(&row).unwrap();
        let lines = lines(&[row]);
        assert_eq!(lines.len(), 2 + 11, "{lines:?}");
        assert!(lines.iter().all(|line| comms::is_one_line(&line.text)), "{lines:?}");
        let visible = comms::visible_json(&json);
        assert!(comms::is_one_line(&visible), "{visible}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&visible).unwrap()["reason"], bad);
    }

    /// Scripts that read the table get the same with and without colours.
    #[test]
    fn the_state_of_a_row_is_painted() {
        let painted = |state: &str| paint(state);
        assert_eq!((painted("failed"), painted("delivered")), (Some(Paint::Bad), Some(Paint::Good)));
        assert_eq!((painted("unknown"), painted("x")), (Some(Paint::Doubt), None));
        let row = Row {
            communication: "c",
            flow: "f",
            document: "receipt",
            subject: "s",
            created_at: None,
            updated_at: None,
            accepted_at: None,
            state: "failed",
            reason: None,
            channel: None,
            reference: None,
            archive_key: None,
            archive_version: None,
            sha256: None,
            opened_at: None,
            attempts: 1,
            write_back: "none",
            write_back_reason: None,
        };
        let lines = lines(&[row]);
        assert_eq!(lines[1].text.get(lines[1].part.clone()), Some("failed"));
    }

    #[test]
    fn rows_are_a_published_contract() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/communication-row.v1.json");
        contract::published(&path, &schemars::schema_for!(Row<'static>).to_value());
    }

    #[test]
    fn programs_can_tell_what_became_of_it() {
        let code = |states: &[State]| exit_code(states.iter().copied());
        assert_eq!(code(&[]), ExitCode::SUCCESS);
        assert_eq!(code(&[State::Delivered, State::Suppressed, State::Archived]), ExitCode::SUCCESS);
        assert_eq!(code(&[State::Delivered, State::Bounced]), ExitCode::from(NOT_DELIVERED));
        assert_eq!(
            code(&[State::Unknown, State::Failed]),
            ExitCode::from(UNKNOWN),
            "what is open comes first"
        );
    }
}
