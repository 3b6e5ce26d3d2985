//! The tables.

use crate::scenario::Outcome;
use std::{iter, time::Duration};

/// What became of the messages, and what was in flight at most.
pub fn print_outcomes(outcomes: &[Outcome]) {
    let head = [
        "",
        "messages",
        "drained",
        "waited",
        "dead",
        "twice+",
        "in flight",
        "sandboxes",
        "Exstream",
        "calls",
        "refused",
        "reported",
        "used up",
    ];
    let rows = outcomes.iter().map(|it| {
        vec![
            it.name.to_owned(),
            it.sent.to_string(),
            clock(it.drained),
            clock(it.longest_wait),
            it.dead.to_string(),
            it.again.to_string(),
            it.in_flight.to_string(),
            it.sandboxes.to_string(),
            it.calls_at_once.to_string(),
            it.calls.to_string(),
            it.refused.to_string(),
            clock(it.reports_drained),
            it.used_up(),
        ]
    });
    print(&head, rows);
}

/// How much of each limit was used in its busiest minute.
pub fn print_shares(outcomes: &[Outcome]) {
    let Some(first) = outcomes.first() else { return };
    let head: Vec<_> = iter::once("").chain(first.shares.iter().map(|(name, _)| *name)).collect();
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let rows = outcomes.iter().map(|it| {
        iter::once(it.name.to_owned()).chain(it.shares.iter().map(|(_, share)| percent(*share))).collect()
    });
    print(&head, rows);
}

fn print(head: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let head = head.iter().map(|cell| (*cell).to_owned()).collect();
    let table: Vec<Vec<String>> = iter::once(head).chain(rows).collect();
    let width =
        |column: usize| table.iter().filter_map(|row| Some(row.get(column)?.len())).max().unwrap_or(0);
    for row in &table {
        let cells = row.iter().enumerate().map(|(column, cell)| match column {
            0 => format!("{cell:<width$}", width = width(column)),
            _ => format!("{cell:>width$}", width = width(column)),
        });
        println!("{}", cells.collect::<Vec<_>>().join("  "));
    }
    println!();
}

fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
