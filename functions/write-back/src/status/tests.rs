use super::*;
use comms::{Gid, Revision};
use proptest::prelude::*;
use std::path::Path;
use work::DecisionKind;

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
        period: None,
        issue_of: None,
        sent: None,
        delivered: None,
        failed: None,
        channel: None,
        address: None,
        link: None,
        reason: None,
        decision: None,
        template: None,
    }
}

fn status(reports: impl IntoIterator<Item = Report>) -> Status {
    let mut status = Status::default();
    reports.into_iter().for_each(|report| status.add(report));
    status
}

fn intact(status: Status) -> Existing {
    Existing { status, damaged: false, outdated: false }
}

fn merged(a: &Status, b: &Status) -> Status {
    let mut merged = a.clone();
    merged.merge(b.clone());
    merged
}

fn decided(second: i64, kind: DecisionKind, reason: &str) -> Decision {
    Decision { at: at(second), kind, actor: "support@acme.example".into(), reason: reason.into() }
}

/// Few ids, states, times and texts, so that reports meet; within the cut.
fn reports() -> impl Strategy<Value = Vec<Report>> {
    let text = || prop::option::of("[ab]");
    let time = || prop::option::of((0..3i64).prop_map(at));
    let decision = prop::option::of((0..2i64, prop::sample::select(DecisionKind::ALL.to_vec()), "[ab]"));
    let state = (0..6u64, prop::sample::select(State::ALL.to_vec()), 0..4i64, text());
    let rest = (text(), text(), time(), time(), time(), decision, prop::option::of((0..2u64).prop_map(id)));
    let one = (state, rest).prop_map(|((n, state, second, reason), rest)| {
        let (period, address, sent, delivered, failed, decision, issue_of) = rest;
        let decision = decision.map(|(second, kind, reason)| decided(second, kind, &reason));
        let known = report(n, state, second);
        Report { reason, period, address, sent, delivered, failed, decision, issue_of, ..known }
    });
    prop::collection::vec(one, 0..12)
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
        prop_assert_eq!(Status::read(&status.value().unwrap()), intact(status));
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

/// One of every kind that a reader meets: the published sample.
fn everything() -> Status {
    let sent = |n, state, second| Report {
        sent: Some(at(0)),
        channel: Some("email".into()),
        address: Some("z…@example.com".into()),
        template: Some("receipt@12".into()),
        ..report(n, state, second)
    };
    let other = |n, document, state, second| Report { document, ..report(n, state, second) };
    status([
        Report {
            delivered: Some(at(10)),
            decision: Some(Decision {
                actor: "Shopify Flow".into(),
                ..decided(5, DecisionKind::Request, "released from the fraud hold")
            }),
            ..sent(1, State::Delivered, 10)
        },
        Report {
            failed: Some(at(20)),
            reason: Some("5.1.1 mailbox unknown".into()),
            ..sent(2, State::Bounced, 20)
        },
        Report {
            sent: Some(at(30)),
            issue_of: Some(id(2)),
            decision: Some(decided(25, DecisionKind::Resend, "the address was wrong")),
            ..sent(3, State::Accepted, 30)
        },
        Report {
            reason: Some("ops@acme.example: the customer has it".into()),
            decision: Some(decided(40, DecisionKind::Settle, "the customer has it")),
            sent: None,
            ..sent(4, State::Delivered, 40)
        },
        Report {
            subject: Some(Gid::new("Dispute", 7)),
            reason: Some("a send may have happened".into()),
            ..other(5, Document::DisputeNotice, State::Unknown, 50)
        },
        Report {
            period: Some("2026-10".into()),
            failed: Some(at(60)),
            reason: Some("Exstream refused the request".into()),
            ..other(6, Document::AccountStatement, State::Failed, 60)
        },
        Report {
            reason: Some("no channel can reach the recipient".into()),
            ..other(7, Document::PromotionalOffer, State::Suppressed, 70)
        },
        Report {
            sent: Some(at(75)),
            channel: Some("web".into()),
            link: Some("0123456789ab".into()),
            ..other(9, Document::RefundConfirmation, State::Accepted, 75)
        },
        other(8, Document::PackingSlip, State::Archived, 80),
    ])
}

/// Others read it: themes, apps, this project's extension of the admin.
#[test]
fn the_format_is_published_with_a_sample() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let schema = schemars::schema_for!(Value<'_>).to_value();
    contract::published(&folder.join("schemas/status-metafield.v2.json"), &schema);
    let sample: serde_json::Value = serde_json::from_str(&everything().value().unwrap()).unwrap();
    contract::conforms(&schema, &sample);
    contract::published_text(
        &folder.join("samples/status-metafield.v2.json"),
        &(serde_json::to_string_pretty(&sample).unwrap() + "\n"),
    );
}

#[test]
fn a_value_of_the_version_before_is_read_and_written_as_this_one() {
    let before = r#"{"v":1,"communications":[{"id":"774b935f68ecbc9f925a8d6d5f95935b","document":"receipt","state":"bounced","at":"2027-01-15T08:00:00Z","channel":"email","reason":"mailbox full","template":"order-confirmation"}]}"#;
    let Existing { status, damaged, outdated } = Status::read(before);
    assert!(!damaged && outdated);
    let [report] = status.newest()[..] else { panic!() };
    assert_eq!((report.state, report.reason.as_deref()), (State::Bounced, Some("mailbox full")));
    let after = status.value().unwrap();
    assert!(after.starts_with(r#"{"v":2,"#) && after.contains(r#""de":"Beleg""#), "{after}");
    assert_eq!(Status::read(&after), intact(status));
}

/// The report of an outcome does not know where the document was sent, nor who asked for it.
#[test]
fn what_one_report_knows_outlasts_the_next() {
    let sent = Report {
        sent: Some(at(0)),
        address: Some("z…@example.com".into()),
        issue_of: Some(id(9)),
        decision: Some(decided(0, DecisionKind::Resend, "asked for it")),
        reason: Some("of this state alone".into()),
        ..report(1, State::Accepted, 0)
    };
    let outcome = Report { sent: Some(at(5)), delivered: Some(at(60)), ..report(1, State::Delivered, 60) };
    let back = Report { failed: Some(at(90)), reason: Some("5.1.1".into()), ..report(1, State::Bounced, 90) };
    let expected = Report {
        state: State::Bounced,
        at: at(90),
        delivered: Some(at(60)),
        failed: Some(at(90)),
        reason: Some("5.1.1".into()),
        ..sent.clone()
    };
    for reports in [[&sent, &outcome, &back], [&back, &sent, &outcome], [&outcome, &back, &sent]] {
        assert_eq!(status(reports.map(Clone::clone)).newest(), [&expected]);
    }
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
        r#"{"v":3,"communications":[]}"#,
        r#"{"v":2,"communications":{}}"#,
    ] {
        assert_eq!(
            Status::read(foreign),
            Existing { damaged: true, ..intact(Status::default()) },
            "{foreign}"
        );
    }
}

#[test]
fn what_can_be_read_of_a_damaged_list_is_kept() {
    let known = status([report(1, State::Delivered, 10)]);
    let value = known.value().unwrap().replace("]}", r#",{"id":"?"},7]}"#);
    assert_eq!(Status::read(&value), Existing { damaged: true, ..intact(known) });
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
        address: bad.clone(),
        period: bad.clone(),
        decision: bad
            .clone()
            .map(|bad| Decision { actor: bad.clone(), ..decided(0, DecisionKind::Settle, &bad) }),
        template: bad,
        ..report(1, State::Unknown, 0)
    });
    let value = serde_json::json!({"v": 2, "communications": [report.unwrap()]}).to_string();
    let written = Status::read(&value).status.value().unwrap();
    assert!(comms::is_one_line(&written), "{written}");
    assert!(!written.contains("\\u"), "{written}");
    assert_eq!(Status::read(&written).status.value().unwrap(), written, "what was cut is not cut again");
}

#[test]
fn the_value_stays_far_below_shopifys_limit() {
    let long = Some("\u{1F4E8}\"\n".repeat(10_000));
    let value = serde_json::to_string(&serde_json::json!({"v": 2, "communications": (0..100).map(|n| {
        let mut report = serde_json::to_value(report(n, State::Unknown, 0)).unwrap();
        for field in ["channel", "reason", "template", "address", "link", "period"] {
            report[field] = long.clone().into();
        }
        let text = long.as_deref().unwrap();
        let decision = Decision { actor: text.into(), ..decided(0, DecisionKind::Resend, text) };
        report["decision"] = serde_json::to_value(decision).unwrap();
        report
    }).collect::<Vec<_>>()}))
    .unwrap();
    let written = Status::read(&value).status.value().unwrap();
    assert_eq!(Status::read(&written).status.newest().len(), KEEP);
    assert!(written.len() < 96 * 1024, "{}", written.len());
}
