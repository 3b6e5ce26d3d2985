//! The value of the status metafield: what an order, customer or company location has been sent.
//!
//! Owns the public format `{"v":1,"communications":[…]}` and the rules of its change. Reports arrive in any
//! order and more than once, and others may write in between; merging is therefore a join: it does not
//! matter in which order or how often reports are merged, and a state never goes back. The list keeps the
//! newest [`KEEP`]; texts are cut, so that the value stays far below the 128 KB Shopify takes.

use comms::{CommunicationId, Document, Gid, State, one_line};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use std::{cmp::Reverse, collections::BTreeMap};
use work::WriteBackItem;

/// How many communications the list holds.
pub const KEEP: usize = 20;

/// In characters. Twenty reports with texts of this length, four bytes a character, are under 64 KB.
const TEXT: usize = 200;

const VERSION: u32 = 1;

/// One communication, as far as a merchant may read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub id: CommunicationId,
    pub document: Document,
    pub state: State,
    /// What it is about, where that is not the resource that carries the list: a return, a dispute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Gid>,
    /// When the state was reached.
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text")]
    pub channel: Option<String>,
    /// Why it failed, was suppressed, or is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text")]
    pub reason: Option<String>,
    /// The Exstream communication, and its version where that is known: `<id>@12`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text")]
    pub template: Option<String>,
}

impl From<&WriteBackItem> for Report {
    fn from(item: &WriteBackItem) -> Self {
        Self {
            id: item.communication.clone(),
            document: item.document,
            state: item.state,
            subject: item.subject.clone(),
            at: item.at,
            channel: item.channel.as_deref().map(cut),
            reason: item.reason.as_deref().map(cut),
            template: item.template.as_deref().map(|template| match item.template_version {
                Some(version) => format!("{}@{version}", cut(template)),
                None => cut(template),
            }),
        }
    }
}

impl Report {
    /// A total order, so that of two reports about one communication every merge keeps the same: the one
    /// further along, then the later one, and then any, as long as it is always that one.
    fn weight(&self) -> impl Ord {
        let Self { id, document, state, subject, at, channel, reason, template } = self;
        (
            state.rank(),
            *at,
            state.name(),
            document.name(),
            channel.clone(),
            reason.clone(),
            template.clone(),
            subject.clone(),
            id.clone(),
        )
    }
}

/// The list, without duplicates.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    communications: BTreeMap<CommunicationId, Report>,
}

/// A value read from Shopify.
#[derive(Debug, PartialEq, Eq)]
pub struct Existing {
    pub status: Status,
    /// What was there could not be understood, or not in full, and is given up with the next write.
    pub damaged: bool,
}

impl Status {
    /// Reads a metafield's value. Whatever it is, a status comes out of it: that somebody wrote something
    /// else there must not keep the merchant from being told.
    pub fn read(value: &str) -> Existing {
        #[derive(Deserialize)]
        struct Value<'a> {
            v: u32,
            #[serde(borrow)]
            communications: Vec<&'a RawValue>,
        }
        match serde_json::from_str::<Value<'_>>(value) {
            Ok(value) if value.v == VERSION => {
                let reports: Vec<_> = value
                    .communications
                    .iter()
                    .map(|raw| serde_json::from_str::<Report>(raw.get()))
                    .collect();
                let damaged = reports.iter().any(Result::is_err);
                let mut status = Self::default();
                reports.into_iter().flatten().for_each(|report| status.add(report));
                Existing { status, damaged }
            }
            _ => Existing { status: Self::default(), damaged: true },
        }
    }

    /// Takes in a report, unless a weightier one about the same communication is there.
    pub fn add(&mut self, report: Report) {
        match self.communications.get_mut(&report.id) {
            Some(known) if known.weight() >= report.weight() => {}
            Some(known) => *known = report,
            None => drop(self.communications.insert(report.id.clone(), report)),
        }
    }

    pub fn merge(&mut self, other: Self) {
        other.communications.into_values().for_each(|report| self.add(report));
    }

    /// The newest [`KEEP`], newest first.
    pub fn newest(&self) -> Vec<&Report> {
        let mut reports: Vec<_> = self.communications.values().collect();
        reports.sort_by_key(|report| (Reverse(report.at), &report.id));
        reports.truncate(KEEP);
        reports
    }

    /// The metafield's value.
    pub fn value(&self) -> Result<String, serde_json::Error> {
        #[derive(Serialize)]
        struct Value<'a> {
            v: u32,
            communications: Vec<&'a Report>,
        }
        serde_json::to_string(&Value { v: VERSION, communications: self.newest() })
    }
}

/// One line that hides nothing, cut. What was cut so is not cut again.
fn cut(text: &str) -> String {
    one_line(&one_line(text).chars().take(TEXT).collect::<String>())
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.as_deref().map(cut))
}

#[cfg(test)]
mod tests {
    use super::*;
    use comms::{Gid, Revision};
    use proptest::prelude::*;

    fn id(n: u64) -> CommunicationId {
        let shop = "acme.myshopify.com".parse().unwrap();
        CommunicationId::derive(&shop, Document::Receipt, &Gid::new("Order", n), &Revision::Initial)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn report(n: u64, state: State, second: i64) -> Report {
        Report {
            subject: None,
            id: id(n),
            document: Document::Receipt,
            state,
            at: at(second),
            channel: None,
            reason: None,
            template: None,
        }
    }

    fn status(reports: impl IntoIterator<Item = Report>) -> Status {
        let mut status = Status::default();
        reports.into_iter().for_each(|report| status.add(report));
        status
    }

    fn merged(a: &Status, b: &Status) -> Status {
        let mut merged = a.clone();
        merged.merge(b.clone());
        merged
    }

    /// Few ids, states and times, so that reports meet; within the cut.
    fn reports() -> impl Strategy<Value = Vec<Report>> {
        let one = (0..6u64, prop::sample::select(State::ALL.to_vec()), 0..4i64, prop::option::of("[ab]"));
        prop::collection::vec(
            one.prop_map(|(n, state, second, reason)| Report { reason, ..report(n, state, second) }),
            0..12,
        )
    }

    proptest! {
        #[test]
        fn merging_is_a_join(a in reports(), b in reports(), c in reports()) {
            let (a, b, c) = (status(a), status(b), status(c));
            prop_assert_eq!(merged(&a, &b), merged(&b, &a));
            prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
            prop_assert_eq!(merged(&a, &a), a.clone());
            let both = merged(&a, &b);
            prop_assert_eq!(merged(&both, &b), both);
        }

        #[test]
        fn no_state_is_ever_lowered(a in reports(), b in reports()) {
            let (a, b) = (status(a), status(b));
            let both = merged(&a, &b);
            for report in a.communications.values().chain(b.communications.values()) {
                let kept = &both.communications[&report.id];
                prop_assert!(kept.state.rank() >= report.state.rank());
                prop_assert!(kept.state.rank() > report.state.rank() || kept.at >= report.at);
            }
        }

        #[test]
        fn what_is_written_is_what_is_read(reports in reports()) {
            let status = status(reports);
            prop_assert_eq!(Status::read(&status.value().unwrap()), Existing { status, damaged: false });
        }

        #[test]
        fn the_newest_are_kept(seconds in prop::collection::vec(0..50i64, 0..60)) {
            let status = status(seconds.iter().enumerate().map(|(n, second)| report(n as u64, State::Accepted, *second)));
            let kept: Vec<_> = status.newest().iter().map(|report| report.at).collect();
            let mut all: Vec<_> = seconds.iter().map(|second| at(*second)).collect();
            all.sort_by_key(|at| Reverse(*at));
            all.truncate(KEEP);
            prop_assert_eq!(kept, all);
        }
    }

    #[test]
    fn the_format_is_fixed() {
        let full = Report {
            channel: Some("email".into()),
            reason: Some("mailbox full".into()),
            template: Some("order-confirmation".into()),
            ..report(1, State::Bounced, 0)
        };
        assert_eq!(
            status([full, report(2, State::Accepted, 5)]).value().unwrap(),
            "{\"v\":1,\"communications\":[\
             {\"id\":\"2b706c1bf2a6cefed14ac0788edd2bd6\",\"document\":\"receipt\",\"state\":\"accepted\",\"at\":\"2027-01-15T08:00:05Z\"},\
             {\"id\":\"774b935f68ecbc9f925a8d6d5f95935b\",\"document\":\"receipt\",\"state\":\"bounced\",\"at\":\"2027-01-15T08:00:00Z\",\
             \"channel\":\"email\",\"reason\":\"mailbox full\",\"template\":\"order-confirmation\"}]}"
        );
    }

    #[test]
    fn a_late_report_of_an_earlier_state_changes_nothing() {
        let known = status([report(1, State::Delivered, 10)]);
        let late = status([report(1, State::Accepted, 99)]);
        assert_eq!(merged(&known, &late), known);
    }

    #[test]
    fn the_later_outcome_of_an_email_wins_in_whichever_order_reports_come() {
        let told = |state, second, reason: Option<&str>| Report {
            reason: reason.map(str::to_owned),
            ..report(1, state, second)
        };
        let reports = [
            told(State::Accepted, 0, None),
            told(State::Accepted, 90, Some("unconfirmed")),
            told(State::Delivered, 10, None),
            told(State::Delivered, 20, Some("opted out of e-mail")),
            // by a clock that is behind
            told(State::Bounced, 5, Some("5.1.1")),
        ];
        for count in 1..=reports.len() {
            let last = status([reports[count - 1].clone()]);
            for rotation in 0..count {
                let mut some = reports[..count].to_vec();
                some.rotate_left(rotation);
                assert_eq!(status(some.clone()), last, "{some:?}");
                some.reverse();
                assert_eq!(status(some.clone()), last, "{some:?}");
            }
        }
    }

    #[test]
    fn a_foreign_value_is_given_up_and_said_so() {
        for foreign in [
            "",
            "null",
            "[]",
            "{}",
            "\"hello\"",
            r#"{"v":2,"communications":[]}"#,
            r#"{"v":1,"communications":{}}"#,
        ] {
            assert_eq!(
                Status::read(foreign),
                Existing { status: Status::default(), damaged: true },
                "{foreign}"
            );
        }
    }

    #[test]
    fn what_can_be_read_of_a_damaged_list_is_kept() {
        let known = status([report(1, State::Delivered, 10)]);
        let value = known.value().unwrap().replace("]}", r#",{"id":"?"},7]}"#);
        assert_eq!(Status::read(&value), Existing { status: known, damaged: true });
        let later = status([report(1, State::Delivered, 10)])
            .value()
            .unwrap()
            .replace("\"at\"", "\"later_field\":{},\"at\"");
        assert!(!Status::read(&later).damaged, "a field added since is no damage");
    }

    /// Staff and apps read it, in whatever shows it to them.
    #[test]
    fn no_text_of_the_value_steers_or_hides() {
        let bad = Some("x\u{9b}2J\ny\u{202e}z\u{200b}\u{1b}[0m".repeat(50));
        let report = serde_json::to_value(Report {
            channel: bad.clone(),
            reason: bad.clone(),
            template: bad,
            ..report(1, State::Unknown, 0)
        });
        let value = serde_json::json!({"v": 1, "communications": [report.unwrap()]}).to_string();
        let written = Status::read(&value).status.value().unwrap();
        assert!(comms::is_one_line(&written), "{written}");
        assert!(!written.contains("\\u"), "{written}");
        assert_eq!(Status::read(&written).status.value().unwrap(), written, "what was cut is not cut again");
    }

    #[test]
    fn the_value_stays_far_below_shopifys_limit() {
        let long = Some("\u{1F4E8}\"\n".repeat(10_000));
        let value = serde_json::to_string(&serde_json::json!({"v": 1, "communications": (0..100).map(|n| {
            let mut report = serde_json::to_value(report(n, State::Unknown, 0)).unwrap();
            for field in ["channel", "reason", "template"] {
                report[field] = long.clone().into();
            }
            report
        }).collect::<Vec<_>>()}))
        .unwrap();
        let written = Status::read(&value).status.value().unwrap();
        assert!(written.len() < 64 * 1024, "{}", written.len());
    }
}
