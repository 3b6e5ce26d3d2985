//! Tables for people and lines for programs, from the same rows.

use crate::{Failure, stack::Stack};
use comms::{CommunicationId, WriteBackState};
use ledger::Entry;
use serde::Serialize;
use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

/// One communication, as `ctl` prints it. The JSON form is a contract: fields are only ever added.
#[derive(Debug, Serialize)]
pub struct Row<'a> {
    pub communication: &'a str,
    pub flow: &'a str,
    pub document: &'a str,
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
            state: entry.state.name(),
            reason: entry.reason.as_deref(),
            channel: entry.channel.as_deref(),
            reference: entry.reference.as_deref(),
            archive_key: archived.map(|it| it.archive_key.as_str()),
            archive_version: archived.map(|it| it.archive_version.as_str()),
            sha256: archived.map(|it| it.sha256.as_str()),
            attempts: entry.attempts,
            write_back: entry.write_back.name(),
            write_back_reason: entry.write_back_reason.as_deref(),
        }
    }
}

pub fn print(rows: &[Row<'_>], json: bool) -> Result<(), serde_json::Error> {
    if json {
        for row in rows {
            println!("{}", serde_json::to_string(row)?);
        }
        return Ok(());
    }
    let head = ["DOCUMENT", "STATE", "CHANNEL", "WRITE-BACK", "COMMUNICATION"];
    let cells: Vec<[&str; 5]> = rows
        .iter()
        .map(|row| [row.document, row.state, row.channel.unwrap_or("-"), row.write_back, row.communication])
        .collect();
    let width = |column: usize| {
        cells.iter().chain([&head]).map(|cells| cells[column].len()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &[&str; 5]| {
        let padded: Vec<_> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        println!("{}", padded.join("  ").trim_end());
    };
    line(&head);
    for (row, cells) in rows.iter().zip(&cells) {
        line(cells);
        for (name, value) in [
            ("reason", row.reason),
            ("archive", row.archive_key),
            ("version", row.archive_version),
            ("sha256", row.sha256),
            ("reference", row.reference),
            ("write-back", row.write_back_reason),
        ] {
            if let Some(value) = value {
                println!("    {name:10} {value}");
            }
        }
    }
    Ok(())
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
                return Ok(ExitCode::SUCCESS);
            }
            eprintln!("ctl: {open} of {} have not settled within {} s", expected.len(), wait.as_secs());
            return Ok(ExitCode::FAILURE);
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}
