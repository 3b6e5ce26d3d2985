//! The tables.

use crate::{
    counts::LATENCIES,
    results::{Results, Row, Spread},
};

pub fn print(results: &Results) {
    println!("{}, {}. Medians with the extremes of all repetitions.\n", results.date, results.machine);
    let head = [
        "FUNCTION",
        "SCENARIO",
        "START ms",
        "CPU ms/msg",
        "MSGS/CPU s",
        "BATCH ms",
        "LATE BATCH ms",
        "LATE ONE ms",
        "RATIO",
        "PEAK MB",
    ];
    table(&head, results.rows.iter().map(timings));
    let latencies: Vec<_> =
        LATENCIES.iter().map(|(service, ms)| format!("{} {ms} ms", service.name())).collect();
    println!("\nlate: {}. BATCH is ten messages; of intake, one event.\n", latencies.join(", "));
    let head = [
        "FUNCTION",
        "SCENARIO",
        "DOCS/MSG",
        "WRITES/DOC",
        "ITEM B",
        "LOG B/DOC",
        "METRIC B/MSG",
        "REQUESTS PER MESSAGE",
    ];
    table(&head, results.rows.iter().map(counts));
}

fn timings(row: &Row) -> Vec<String> {
    vec![
        row.function.clone(),
        row.scenario.clone(),
        spread(row.start_ms, 1),
        spread(row.cpu_ms, 2),
        format!("{:.0}", row.messages_per_cpu_second),
        spread(row.batch_ms, 1),
        spread(row.late_batch_ms, 0),
        spread(row.late_single_ms, 0),
        format!("{:.2}", row.late_ratio.median),
        spread(row.peak_mb, 1),
    ]
}

fn counts(row: &Row) -> Vec<String> {
    let makes = row.communications > 0.0;
    let requests: Vec<_> =
        row.requests.iter().map(|(name, count)| format!("{name} {}", short(*count))).collect();
    vec![
        row.function.clone(),
        row.scenario.clone(),
        if makes { short(row.communications) } else { "-".to_owned() },
        short(if makes { row.each(row.dynamo_writes) } else { row.dynamo_writes }),
        row.item_bytes.to_string(),
        format!("{:.0}", row.log_bytes),
        format!("{:.0}", row.metric_bytes),
        requests.join(", "),
    ]
}

fn spread(spread: Spread, decimals: usize) -> String {
    let Spread { median, min, max } = spread;
    format!("{median:.decimals$} ({min:.decimals$}–{max:.decimals$})")
}

/// With two decimals, if there are any.
fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn table<const N: usize>(head: &[&str; N], rows: impl Iterator<Item = Vec<String>>) {
    let head = head.iter().map(|text| (*text).to_owned()).collect();
    let lines: Vec<Vec<String>> = [head].into_iter().chain(rows).collect();
    let width = |column: usize| {
        lines
            .iter()
            .filter_map(|line| line.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<_> = (0..N).map(width).collect();
    for line in &lines {
        let cells: Vec<_> = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        println!("{}", cells.join("  ").trim_end());
    }
}
