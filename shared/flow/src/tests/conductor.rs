//! The order of the stages, and what a communication comes to for each thing that a stage can find.

use super::shop::{ARCHIVE_ONLY, EMAIL, EMAIL_TWICE, EXSTREAM, EXSTREAM_TWICE, PRINT, Shop, content, ready};
use crate::{gather_error::GatherError, outcome::AttemptOutcome, plan::Plan, verdict::Gathered};
use comms::{Document, Gid, Revision, State};
use jiff::SignedDuration;
use service::Traces;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use work::{Retry, TraceContext};

/// The state it came to, `again`, or `nothing`; with a `+` if another communication is due in its place.
fn word(result: &Result<AttemptOutcome, Retry>) -> String {
    let Ok(outcome) = result else { return "again".to_owned() };
    let state = outcome.settled.as_ref().map_or("nothing", |settled| settled.state.name());
    format!("{state}{}", if outcome.replacement.is_some() { "+" } else { "" })
}

/// The archive precedes the mark, and the mark the send; where composing sends, the mark precedes composing.
#[tokio::test]
async fn nothing_is_sent_before_it_is_archived_and_marked() {
    let document = ["compose", "archive document.html", "archive record.json"];
    let spool = ["sending", "spool document", "spool manifest", "archive fact-01.json", "accepted"];
    for (channel, steps) in [
        (ARCHIVE_ONLY, [&["claim"], &document[..], &["archived"]].concat()),
        (
            EMAIL,
            [&["claim"], &document[..], &["sending", "send", "archive fact-01.json", "accepted"]].concat(),
        ),
        (PRINT, [&["claim"], &document[..], &spool[..]].concat()),
        (EXSTREAM, [&["claim", "sending"], &document[..], &["archive fact-01.json", "accepted"]].concat()),
    ] {
        let shop = Shop::new(channel).await;
        let result = shop.run(ready).await;
        assert_eq!(shop.steps(), steps, "{channel} {result:?}");
        // the same message once more finds it done
        let again = shop.run(ready).await.unwrap().settled.unwrap();
        assert_eq!((again.fresh, shop.steps().len()), (false, steps.len() + 1), "{channel}");
    }
}

fn replacement() -> Result<Gathered, GatherError> {
    let order = Gid::new("Order", 1);
    Ok(Gathered::Replaced(Box::new(Plan {
        document: Document::OrderConfirmation,
        subject: order.clone(),
        revision: Revision::named("later"),
        reported_on: order,
        wanted: true,
    })))
}

const BUSY: &str = "<html>busy</html>";

/// What a stage finds, and what the communication comes to: where no send was begun; where one was begun that did not
/// happen; where one may have happened and the shop has it repeated.
struct Case {
    stage: &'static str,
    letters: fn() -> Result<Gathered, GatherError>,
    arrange: fn(&mut Shop),
    expected: [&'static str; 3],
}

const NONE: fn(&mut Shop) = |_| {};

const CASES: [Case; 14] = [
    Case {
        stage: "switched off",
        letters: ready,
        arrange: |shop| shop.plan.wanted = false,
        expected: ["suppressed", "suppressed", "unknown"],
    },
    Case {
        stage: "gather: suppressed",
        letters: || Ok(Gathered::suppressed("cancelled")),
        arrange: NONE,
        expected: ["suppressed", "suppressed", "unknown"],
    },
    Case {
        stage: "gather: not due, before anything was begun",
        letters: || Ok(Gathered::NotDue("too early".into())),
        arrange: NONE,
        // what was marked cannot be forgotten: the ledger refuses, and the message is delivered again
        expected: ["nothing", "again", "unknown"],
    },
    Case {
        stage: "gather: replaced",
        letters: replacement,
        arrange: NONE,
        expected: ["nothing+", "again", "unknown+"],
    },
    Case {
        stage: "gather: fails for good",
        letters: || Err(GatherError::permanent("no such order")),
        arrange: NONE,
        expected: ["failed", "failed", "unknown"],
    },
    Case {
        stage: "gather: fails for now",
        letters: || Err(GatherError::unusable("no total")),
        arrange: NONE,
        expected: ["again", "again", "again"],
    },
    Case {
        stage: "admit: no address",
        letters: || content(None),
        arrange: NONE,
        // a send that was begun stays with its channel, which then has nobody to send it to
        expected: ["suppressed", "failed", "unknown"],
    },
    Case {
        stage: "produce: refused",
        letters: ready,
        arrange: |shop| shop.set(|outside| outside.compose = (400, BUSY.to_owned())),
        expected: ["failed", "failed", "unknown"],
    },
    Case {
        stage: "produce: busy",
        letters: ready,
        arrange: |shop| shop.set(|outside| outside.compose = (503, BUSY.to_owned())),
        expected: ["again", "again", "again"],
    },
    Case { stage: "send: taken", letters: ready, arrange: NONE, expected: ["accepted"; 3] },
    Case {
        stage: "send: refused",
        letters: ready,
        arrange: |shop| shop.set(|outside| outside.email = (400, String::new())),
        expected: ["failed", "failed", "unknown"],
    },
    Case {
        stage: "send: not now",
        letters: ready,
        arrange: |shop| shop.set(|outside| outside.email = (429, String::new())),
        expected: ["again", "again", "again"],
    },
    Case {
        stage: "send: no clear answer",
        letters: ready,
        arrange: |shop| shop.set(|outside| outside.email = (503, BUSY.to_owned())),
        // once more if the shop wants it so, and twice at most
        expected: ["again", "unknown", "unknown"],
    },
    Case {
        stage: "send: no time",
        letters: ready,
        arrange: |shop| shop.time = SignedDuration::from_secs(9),
        expected: ["again", "again", "again"],
    },
];

#[tokio::test]
async fn each_doubt_and_each_stage_lead_to_one_outcome() {
    for Case { stage, letters, arrange, expected } in CASES {
        for (doubt, expected) in ["none", "withdrawn", "open"].into_iter().zip(expected) {
            let mut shop = Shop::new(EMAIL_TWICE).await;
            match doubt {
                "withdrawn" => shop.withdrawn("email").await,
                "open" => shop.marked("email").await,
                _ => {}
            }
            arrange(&mut shop);
            let result = shop.run(letters).await;
            assert_eq!(word(&result), expected, "{stage}, doubt: {doubt}: {result:?}");
            let state = shop.state().await;
            match expected.trim_end_matches('+') {
                "again" => assert!(state.is_some_and(State::is_open), "{stage}, doubt: {doubt}: {state:?}"),
                "nothing" => assert_eq!(state, None, "{stage}, doubt: {doubt}"),
                name => assert_eq!(state.map(State::name), Some(name), "{stage}, doubt: {doubt}"),
            }
            if doubt == "open" {
                let allowed = [Some(State::Sending), Some(State::Unknown), Some(State::Accepted)];
                assert!(allowed.contains(&state), "{stage}: {state:?} after an open doubt");
                assert!(!shop.is_unsent().await, "{stage}: the mark of the earlier send is taken back");
            }
        }
    }
}

/// Where the shop does not want a doubtful send repeated, or nobody can say that it did not happen, no stage is reached.
#[tokio::test]
async fn an_open_doubt_that_is_not_repeated_ends_as_unknown_whatever_a_stage_would_find() {
    for Case { stage, letters, arrange, .. } in CASES {
        for (settings, channel) in [(EMAIL, "email"), (EXSTREAM, "exstream"), (EMAIL_TWICE, "pigeon")] {
            let settings = if channel == "pigeon" { EMAIL } else { settings };
            let mut shop = Shop::new(settings).await;
            shop.marked(channel).await;
            arrange(&mut shop);
            let result = shop.run(letters).await;
            assert_eq!(word(&result), "unknown", "{stage}, {channel}: {result:?}");
            assert_eq!(shop.state().await, Some(State::Unknown));
            assert_eq!(shop.count("compose") + shop.count("send"), 0, "{stage}, {channel}");
        }
    }
}

/// A send that is known to have happened is accepted, whatever has become of the order and the configuration.
#[tokio::test]
async fn what_was_spooled_is_accepted_and_nothing_else_is_looked_at() {
    for Case { stage, letters, arrange, .. } in CASES {
        let mut shop = Shop::new(PRINT).await;
        shop.died_in(State::Sending, true).await;
        let before = shop.steps().len();
        arrange(&mut shop);
        let result = shop.run(letters).await;
        assert_eq!(word(&result), "accepted", "{stage}: {result:?}");
        assert_eq!(shop.steps()[before..], ["claim", "archive fact-01.json", "accepted"], "{stage}");
    }
}

/// A spool that cannot be asked leaves the mark: the message is delivered again until it can.
#[tokio::test]
async fn a_channel_that_does_not_answer_settles_nothing() {
    let shop = Shop::new(PRINT).await;
    shop.died_in(State::Sending, true).await;
    shop.set(|outside| outside.is_spool_down = true);
    assert_eq!(word(&shop.run(ready).await), "again");
    assert_eq!((shop.state().await, shop.is_unsent().await), (Some(State::Sending), false));
    shop.set(|outside| outside.is_spool_down = false);
    assert_eq!(word(&shop.run(ready).await), "accepted");
    assert_eq!(shop.count("spool manifest"), 1);
}

/// A doubt that cannot be settled for good is open: a failure to settle it is no failure to send.
#[tokio::test]
async fn a_doubt_that_can_never_be_settled_ends_as_unknown() {
    let shop = Shop::new(EXSTREAM).await;
    shop.died_in(State::Sending, false).await;
    shop.set(|outside| outside.spoil_archive());
    assert_eq!(word(&shop.run(ready).await), "unknown");
    assert_eq!((shop.state().await, shop.count("compose")), (Some(State::Unknown), 1));
}

/// What Exstream sent while composing is in the archive: it is not composed again, and never recorded as not sent.
#[tokio::test]
async fn what_exstream_has_sent_is_never_recorded_as_not_sent() {
    for Case { stage, letters, arrange, expected } in CASES {
        let mut shop = Shop::new(EXSTREAM).await;
        shop.died_in(State::Sending, false).await;
        arrange(&mut shop);
        let result = shop.run(letters).await;
        let expected = match (stage.split(':').next(), expected[2]) {
            // composed, archived and sent already
            (Some("admit" | "produce" | "send"), _) => "accepted",
            (_, expected) => expected,
        };
        assert_eq!(word(&result), expected, "{stage}: {result:?}");
        assert_eq!(shop.count("compose"), 1, "{stage}");
    }
}

/// An archived document stays the document: a later attempt sends its bytes and composes no others.
#[tokio::test]
async fn an_archived_document_is_adopted() {
    let shop = Shop::new(PRINT).await;
    shop.died_in(State::Claimed, false).await;
    let archived = shop.outside.lock().unwrap().archived("document.html");
    shop.set(|outside| outside.compose = (200, "<html>another</html>".to_owned()));
    assert_eq!(word(&shop.run(ready).await), "accepted");
    assert_eq!((shop.count("compose"), shop.count("archive document.html")), (1, 1));
    assert_eq!(shop.outside.lock().unwrap().archived("document.html"), archived);
}

/// An archived document is answered for: its communication is suppressed with it, not forgotten.
#[tokio::test]
async fn a_communication_with_an_archived_document_is_not_forgotten() {
    let shop = Shop::new(ARCHIVE_ONLY).await;
    shop.died_in(State::Claimed, false).await;
    let result = shop.run(|| Ok(Gathered::NotDue("too early".into()))).await;
    assert_eq!(word(&result), "suppressed");
    shop.set(|outside| {
        let item = outside.items.values().next().unwrap();
        assert!(item.contains_key("archive_key") && item.contains_key("record_version"), "{item:?}");
    });
}

/// Whoever is late finds another at work, and leaves it alone.
#[tokio::test]
async fn a_communication_that_another_works_on_is_left_alone() {
    let shop = Shop::new(EMAIL).await;
    shop.lease("other", 0).await;
    let retry = shop.run(ready).await.unwrap_err();
    assert!(retry.elsewhere && retry.after.is_some(), "{retry:?}");
    assert_eq!(shop.steps(), ["claim", "claim"]);
}

/// A doubtful send is repeated once if the shop wants it so, where composing sends, too.
#[tokio::test]
async fn a_doubtful_send_is_repeated_once() {
    let shop = Shop::new(EXSTREAM_TWICE).await;
    shop.set(|outside| outside.compose = (500, BUSY.to_owned()));
    assert_eq!(word(&shop.run(ready).await), "again");
    assert_eq!(shop.state().await, Some(State::Sending));
    assert_eq!(word(&shop.run(ready).await), "unknown");
    assert_eq!((shop.count("sending"), shop.count("compose")), (2, 2));
}

/// The item says where it belongs; the report says below which span.
#[tokio::test]
async fn a_recorded_communication_is_one_trace_and_its_report_carries_it() {
    let collector = fakes::Collector::start().await;
    let mut shop = Shop::new(EMAIL).await;
    shop.item.trace = TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    // one that records nothing hands it on
    let mut off = Shop::new(EMAIL).await;
    off.item.trace = shop.item.trace;
    let report = off.run(ready).await.unwrap().settled.unwrap().report.unwrap();
    assert_eq!(report.trace, off.item.trace);
    let endpoint = collector.endpoint.clone();
    shop.clients.traces =
        Arc::new(Traces::to(reqwest::Client::new(), endpoint, "order-confirmation".to_owned(), 1.0));
    let report = shop.run(ready).await.unwrap().settled.unwrap().report.unwrap();
    shop.clients.traces.send(Instant::now() + Duration::from_secs(10)).await;
    let spans = collector.spans();
    let names: Vec<_> = spans.iter().map(|span| span["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["claim", "gather", "compose", "archive", "archive", "send", "complete"]);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    assert!(spans.iter().all(|span| span["traceId"] == trace && span["parentSpanId"] == "00f067aa0ba902b7"));
    assert_eq!(report.trace, shop.item.trace, "below the span that it was made in");
    // and of an item that carries nothing, nothing is in the report
    assert_eq!(Shop::new(EMAIL).await.run(ready).await.unwrap().settled.unwrap().report.unwrap().trace, None);
}
