//! CloudWatch metrics in the embedded metric format: one line per batch, which CloudWatch reads from the log.

use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::json;
use std::{collections::BTreeMap, io::Write};

macro_rules! metrics {
    ($($name:ident: $by:literal, $meaning:literal;)*) => {
        /// What the functions count. Names are stable: alarms and dashboards use them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Metric {
            $(#[doc = $meaning] $name,)*
        }

        impl Metric {
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// The functions that count it.
            pub const fn counted_by(self) -> &'static str {
                match self { $(Self::$name => $by,)* }
            }

            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }
        }
    };
}

metrics! {
    Queued: "intake, offer-run, reconcile", "Work items that were put into a flow's queue.";
    Ignored: "intake", "Events that lead to no document.";
    Refused: "intake", "Events that were refused: not trusted, not readable, or of a shop without a configuration.";
    Test: "intake", "Events that Shopify marks as tests.";
    Accepted: "flows", "Documents that their channel accepted.";
    Archived: "flows", "Documents that were archived and not sent on purpose.";
    Suppressed: "flows", "Documents that were not sent on purpose, with a reason.";
    Failed: "flows", "Documents that cannot be made or sent.";
    Unknown: "flows", "Documents that may or may not have been sent.";
    Duplicate: "flows", "Deliveries of work whose communication is finished.";
    Open: "flows", "Communications that another worker works on.";
    Skipped: "flows", "Work items that lead to no document now.";
    Recovered: "flows", "Of `Accepted` and `Archived`, those that reconcile had queued for a missed event.";
    Retried: "flows, statement-run, offer-run, write-back, privacy", "Messages that are delivered again.";
    Waiting: "flows, statement-run, offer-run, write-back, privacy", "Of `Retried`, messages that wait for something that passes by itself, such as an outage.";
    PutOff: "flows", "Messages whose work was not begun, because a person has paused it or a service that it needs is ill.";
    BecameIll: "flows", "Services that a function stopped asking for a shop, because half of their latest answers were failures.";
    Overdue: "flows, statement-run, offer-run, write-back, privacy", "Of `Waiting`, messages that have done so for more than an hour; not those that wait for a moment that is known, such as the end of quiet hours.";
    GivenUp: "flows, statement-run, offer-run, write-back, privacy", "Messages that became dead letters because they cannot work until somebody changes something.";
    WaitedTooLong: "flows, statement-run, offer-run, write-back, privacy", "Messages that became dead letters because what they waited for did not come within 13 days.";
    StatementsQueued: "statement-run", "Accounts whose statement was queued.";
    StatementsWithoutOrders: "statement-run", "Accounts without orders, which get no statement.";
    StatementsUnreadable: "statement-run", "Accounts that get no statement because they or their orders could not be read.";
    BatchJobsFailed: "statement-run", "Batch jobs of Exstream that failed; their documents are composed on demand.";
    BatchOutputsUnproven: "statement-run", "Outputs of batch jobs that do not prove whose they are; composed on demand.";
    BatchOutputsMissing: "statement-run", "Outputs that a finished batch job does not have; composed on demand.";
    RunsDone: "statement-run", "Runs that ended.";
    RunsFailed: "statement-run", "Runs that failed.";
    MembersUnreadable: "offer-run", "Members of a campaign's audience that could not be read.";
    Reported: "write-back", "Reports that Shopify took.";
    ReportRefused: "write-back", "Reports that Shopify refused for good.";
    ReportSkipped: "write-back", "Reports that were not needed.";
    Asked: "delivery-status", "Messages whose outcome was asked for.";
    Delivered: "delivery-status", "Messages and letters that were delivered.";
    Bounced: "delivery-status", "Messages that bounced, and letters that came back.";
    OptedOut: "delivery-status", "E-mails whose recipient opted out of marketing after they were delivered.";
    Unconfirmed: "delivery-status", "Messages without an outcome after a day.";
    Seen: "reconcile", "Occurrences in Shopify that were looked up in the ledger.";
    Opened: "documents", "Pages and documents behind links that were opened.";
    Unsubscribed: "documents", "Uses of links that end marketing to a customer.";
    LinkEnded: "documents", "Requests whose link has expired or was revoked.";
    NotFound: "documents", "Requests without a link: mistyped, or guessed.";
    NotShown: "documents", "Published documents that could not be shown to whoever holds their link.";
    PrivacyRequests: "documents", "Privacy requests of Shopify's that were queued.";
    PrivacyRefused: "documents", "Privacy requests that Shopify did not sign, or that are not what they say.";
    PrivacyDone: "privacy", "Privacy requests that were carried out, exports and erasures.";
    PrivacyBlocked: "privacy", "Erasures that a legal hold blocks.";
    OutcomesPublished: "outcome-events", "Events of outcomes that the deployer's bus took.";
    OutcomesRefused: "outcome-events", "Events of outcomes that became dead letters.";
    Sealed: "archive-seal", "Evidence records that became leaves of their shop's log.";
    EvidenceMissing: "archive-seal", "Archived objects that are not there any more.";
    EvidenceAltered: "archive-seal", "Communications in whose folder an archived object was overwritten or deleted, records or documents that are not as they were archived, and logs that contradict themselves.";
    TimeStamped: "archive-seal", "Checkpoints that an authority time-stamped, and evidence records whose time-stamp was renewed.";
    Unstamped: "archive-seal", "Logs that got no time-stamp, or no renewal that was due.";
    Problems: "archive-seal, delivery-status, reconcile", "Orders, items, records or requests that could not be handled.";
    FailedShops: "archive-seal, delivery-status, reconcile", "Shops whose pass was aborted.";
}

/// Counts of one invocation.
#[derive(Debug, Default)]
pub struct Metrics {
    counts: BTreeMap<Metric, u64>,
}

const NAMESPACE: &str = "ShopifyExstream";

impl Metrics {
    pub fn count(&mut self, metric: Metric, by: u64) {
        // nothing counted is nothing to say
        if by > 0 {
            *self.counts.entry(metric).or_default() += by;
        }
    }

    /// Writes the line, if anything was counted.
    pub fn emit(&self, function: &str, now: Timestamp) {
        if let Some(line) = self.line(function, now) {
            // a log that cannot be written to is not a reason to fail the work
            let _ = std::io::stdout().lock().write_all(line.as_bytes());
        }
    }

    fn line(&self, function: &str, now: Timestamp) -> Option<String> {
        if self.counts.is_empty() {
            return None;
        }
        let line = Line { function, now, counts: &self.counts };
        serde_json::to_string(&line).ok().map(|line| line + "\n")
    }
}

struct Line<'a> {
    function: &'a str,
    now: Timestamp,
    counts: &'a BTreeMap<Metric, u64>,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names: Vec<_> = self.counts.keys().map(|metric| json!({"Name": metric.name()})).collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(
            "_aws",
            &json!({"Timestamp": self.now.as_millisecond(), "CloudWatchMetrics": [
                {"Namespace": NAMESPACE, "Dimensions": [["Function"]], "Metrics": names}
            ]}),
        )?;
        map.serialize_entry("Function", self.function)?;
        for (metric, count) in self.counts {
            map.serialize_entry(metric.name(), count)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_has_every_metric() {
        let mut rows = String::from("| metric | counted by | what it counts |\n| --- | --- | --- |\n");
        for metric in Metric::ALL {
            let row = format!("| `{}` | {} | {} |\n", metric.name(), metric.counted_by(), metric.meaning());
            rows.push_str(&row);
        }
        let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md");
        contract::published_part(&page, "metrics", &rows);
    }

    #[test]
    fn writes_the_embedded_metric_format() {
        let mut metrics = Metrics::default();
        let now = Timestamp::from_millisecond(1_700_000_000_000).unwrap();
        assert_eq!(metrics.line("intake", now), None);
        metrics.count(Metric::Unknown, 1);
        metrics.count(Metric::Unknown, 1);
        let line = metrics.line("intake", now).unwrap();
        assert!(line.ends_with("}\n") && line.trim_end().lines().count() == 1, "one line per invocation");
        let expected = json!({
            "_aws": {"Timestamp": 1700000000000u64, "CloudWatchMetrics": [{
                "Namespace": "ShopifyExstream", "Dimensions": [["Function"]], "Metrics": [{"Name": "Unknown"}],
            }]},
            "Function": "intake",
            "Unknown": 2,
        });
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap(), expected);
    }
}
