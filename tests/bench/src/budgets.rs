//! The budgets that do not depend on the machine, and the counts that are kept in the repository.

use crate::{
    counts::Service,
    results::{Requests, Results, Row},
    scenarios::{self, ARCHIVE_ONLY, OFFERS},
};

/// Claim, two puts, complete. Beside these, ten reports to Shopify are one request, and a later issue of a document
/// looks up the earlier one, whose record its own refers to: by its id, where the flow knows that, and else in the list
/// of its order's. A statement reads the record of the last one; an account's first finds none by its id, and lists.
const AWS_REQUESTS: f64 = 4.0;
const REPORT: &str = "SQS:SendMessageBatch";
const EARLIER_ISSUE: [&str; 2] = ["DynamoDB:GetItem", "DynamoDB:Query"];
const LOOK_UPS: f64 = 2.0;
/// Its link, and which of the document's links is in force.
const WRITES_OF_A_PAGE: f64 = 2.0;
const PUT: &str = "S3:PutObject";
/// The document, its record, and the fact that it was sent.
const PUTS_OF_A_SEND: f64 = 3.0;
const COMPOSE: &str = "Exstream:compose";
const DYNAMO_WRITES: f64 = 2.0;
const ITEM_BYTES: usize = 1024;
const LOG_BYTES: f64 = 300.0;
/// Of the programs that are built here; as they are deployed they are smaller, and take 4 MB less.
const PEAK_MB: f64 = 26.0;
/// What is known about the numbers of all countries, for a text message.
const NUMBERS_MB: f64 = 5.0;
/// A batch of ten, to the slowest of its messages alone.
const LATE_RATIO: f64 = 1.15;
/// What is read once a process and kept.
const NEVER_AGAIN: [&str; 5] = [
    "SecretsManager:GetSecretValue",
    "S3:GetObject",
    "Exstream:token",
    "Exstream:templates",
    "Exstream:parts",
];
/// Counts a message are exact; this is for their decimals.
const EXACT: f64 = 0.005;

/// One line each.
pub fn broken(results: &Results) -> Vec<String> {
    results.rows.iter().flat_map(of_row).collect()
}

fn of_row(row: &Row) -> Vec<String> {
    let mut broken = Vec::new();
    let mut check = |fine: bool, what: &str, is: f64, bound: f64| {
        if !fine {
            broken.push(format!("{} ({}): {what}: {is:.2}, not {bound}", row.function, row.scenario));
        }
    };
    let mut at_most = |what: &str, is: f64, bound: f64| check(is <= bound + EXACT, what, is, bound);
    at_most("bytes of log a message", row.log_bytes, LOG_BYTES);
    let numbers = if scenarios::has_numbers(&row.scenario) { NUMBERS_MB } else { 0.0 };
    at_most("megabytes of memory", row.peak_mb.median, PEAK_MB + numbers);
    at_most("warnings", row.complaints as f64, 0.0);
    for name in NEVER_AGAIN {
        at_most(name, row.requests.get(name).copied().unwrap_or_default(), 0.0);
    }
    if row.is_flow() {
        let reports = row.requests.get(REPORT).copied().unwrap_or_default();
        let documents = row.communications * row.batch as f64;
        at_most("reports per batch", reports * row.batch as f64, (documents / 10.0).ceil());
        at_most("bytes of the largest ledger item", row.item_bytes as f64, ITEM_BYTES as f64);
        // one busy moment of the machine is not a batch that runs one by one
        at_most("a batch of ten to its slowest message", row.late_ratio.min, LATE_RATIO);
        let sends = if row.scenario == ARCHIVE_ONLY { 0.0 } else { 1.0 };
        // what is counted against the frequency cap is the customer's, not the communication's
        let counted = if row.function == OFFERS { sends } else { 0.0 };
        // an erasable document asks for its customer's secret, and the first one makes it: here each is the first
        let secret = if row.function == OFFERS { 1.0 } else { 0.0 };
        let published = if scenarios::is_published(&row.scenario) { WRITES_OF_A_PAGE } else { 0.0 };
        at_most(
            "DynamoDB writes per communication",
            row.each(row.dynamo_writes),
            DYNAMO_WRITES + sends + counted + secret + published,
        );
        if row.scenario == ARCHIVE_ONLY {
            let aws: f64 =
                row.requests.iter().filter(|(name, _)| Service::is_aws(name)).map(|(_, count)| count).sum();
            let earlier = EARLIER_ISSUE.iter().filter_map(|name| row.requests.get(*name)).sum::<f64>();
            at_most("look-ups of earlier issues a communication", row.each(earlier), LOOK_UPS + secret);
            at_most(
                "AWS requests per communication",
                row.each(aws - reports - earlier),
                AWS_REQUESTS + secret,
            );
        }
        let puts = row.requests.get(PUT).copied().unwrap_or_default();
        if scenarios::further_outputs(&row.scenario) > 0 {
            let allowed = PUTS_OF_A_SEND + scenarios::further_outputs(&row.scenario) as f64;
            at_most("objects put a communication", row.each(puts), allowed);
        }
        // a scenario that composes nothing would measure nothing
        let composed = row.each(row.requests.get(COMPOSE).copied().unwrap_or_default());
        check((composed - 1.0).abs() < EXACT, "documents composed a communication", composed, 1.0);
    }
    broken
}

/// Where what was measured is not what the repository keeps, and `ctl cost` calculates with.
pub fn differing(results: &Results, kept: &str) -> Result<Vec<String>, serde_json::Error> {
    let kept: Requests = serde_json::from_str(kept)?;
    let mut differing = Vec::new();
    for row in &results.rows {
        let name = format!("{} ({})", row.function, row.scenario);
        let of = kept.functions.get(&row.function).and_then(|function| function.get(&row.scenario));
        let Some(kept) = of else {
            differing.push(format!("{name}: not in the file of request counts; add it with --update"));
            continue;
        };
        let now = row.counted();
        if now.requests != kept.requests || now.communications != kept.communications {
            differing.push(format!(
                "{name}: requests per message are {:?}, the file of request counts says {:?}; if that is meant, write it with --update",
                now.requests, kept.requests
            ));
        }
    }
    Ok(differing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Spread;
    use std::collections::BTreeMap;

    fn row() -> Row {
        let spread = |value: f64| Spread { median: value, min: value, max: value };
        let requests = [("DynamoDB:UpdateItem", 2.0), ("S3:PutObject", 2.0), (REPORT, 0.1), (COMPOSE, 1.0)];
        Row {
            function: "order-confirmation".to_owned(),
            scenario: ARCHIVE_ONLY.to_owned(),
            start_ms: spread(10.0),
            cpu_ms: spread(0.5),
            batch_ms: spread(10.0),
            late_batch_ms: spread(280.0),
            late_single_ms: spread(260.0),
            late_ratio: spread(1.08),
            messages_per_cpu_second: 2000.0,
            peak_mb: spread(20.0),
            batch: 10,
            requests: requests.map(|(name, count)| (name.to_owned(), count)).into(),
            communications: 1.0,
            dynamo_writes: 2.0,
            item_bytes: 900,
            log_bytes: 280.0,
            metric_bytes: 23.0,
            complaints: 0,
        }
    }

    #[test]
    fn a_row_within_its_budgets_breaks_none() {
        assert_eq!(of_row(&row()), [""; 0]);
    }

    #[test]
    fn each_budget_can_be_broken() {
        let spread = |value: f64| Spread { median: value, min: value, max: value };
        let changes: [fn(&mut Row); 7] = [
            |row| *row.requests.entry(COMPOSE.to_owned()).or_default() = 0.0,
            |row| row.dynamo_writes = 3.0,
            |row| row.item_bytes = 1025,
            |row| row.log_bytes = 301.0,
            |row| row.complaints = 1,
            |row| *row.requests.entry("S3:PutObject".to_owned()).or_default() += 1.0,
            |row| *row.requests.entry(REPORT.to_owned()).or_default() = 1.0,
        ];
        for change in changes {
            let mut row = row();
            change(&mut row);
            assert_eq!(of_row(&row).len(), 1, "{:?}", of_row(&row));
        }
        let row = Row { peak_mb: spread(27.0), late_ratio: spread(1.3), ..row() };
        assert_eq!(of_row(&row).len(), 2);
    }

    #[test]
    fn a_send_may_write_once_more() {
        let mut row = Row { scenario: "print".to_owned(), dynamo_writes: 3.0, ..row() };
        assert_eq!(of_row(&row), [""; 0]);
        row.dynamo_writes = 4.0;
        assert_eq!(of_row(&row).len(), 1);
    }

    #[test]
    fn other_counts_than_those_kept_are_seen() {
        let mut results = Results { date: String::new(), machine: String::new(), rows: vec![row()] };
        let kept = results.requests().unwrap();
        assert_eq!(differing(&results, &kept).unwrap(), [""; 0]);
        results.rows[0].requests = BTreeMap::new();
        assert_eq!(differing(&results, &kept).unwrap().len(), 1);
        results.rows[0].function = "another".to_owned();
        assert_eq!(differing(&results, &kept).unwrap().len(), 1);
    }
}
