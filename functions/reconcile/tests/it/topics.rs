//! Intake and the flows agree on which topic's events belong to which flow.

use account_statements::AccountStatements;
use comms::Flow;
use exception_letters::ExceptionLetters;
use flow::DocumentEntry;
use order_confirmation::OrderConfirmation;
use return_letters::ReturnLetters;
use shipping_documents::ShippingDocuments;
use std::collections::BTreeSet;
use targeted_offers::TargetedOffers;

/// The topics of work that the system makes by itself, which never passes intake.
const OF_RUNS: [&str; 2] = ["statement-run", "campaign"];

/// What ends or changes a return: `return-letters` understands it, and makes nothing of it.
const WITHOUT_LETTER: [&str; 5] =
    ["returns/cancel", "returns/close", "returns/process", "returns/reopen", "returns/update"];

/// Whose event an event is can depend on what became of the money.
const PAYLOADS: [&str; 3] =
    ["{}", r#"{"kind":"refund","status":"success"}"#, r#"{"kind":"sale","status":"failure"}"#];

type Route = (&'static str, Flow);

fn documents(flow: Flow) -> &'static [DocumentEntry] {
    match flow {
        Flow::OrderConfirmation => OrderConfirmation::DOCUMENTS,
        Flow::ShippingDocuments => ShippingDocuments::DOCUMENTS,
        Flow::ReturnLetters => ReturnLetters::DOCUMENTS,
        Flow::TargetedOffers => TargetedOffers::DOCUMENTS,
        Flow::AccountStatements => AccountStatements::DOCUMENTS,
        Flow::ExceptionLetters => ExceptionLetters::DOCUMENTS,
    }
}

/// What the documents' `TOPICS` say.
fn wanted() -> BTreeSet<Route> {
    let topics = |flow| documents(flow).iter().flat_map(|it| it.topics).map(move |topic| (*topic, flow));
    Flow::ALL.iter().copied().flat_map(topics).collect()
}

/// What `flows_of` says of each topic that it names: nobody can ask it for all of them, so they are read from its text.
fn routed() -> BTreeSet<Route> {
    let text = include_str!("../../../intake/src/route.rs");
    let body = text.split_once("pub fn flows_of").and_then(|(_, rest)| rest.split_once("\n}\n")).unwrap().0;
    let code: Vec<_> = body.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let topics = code.iter().flat_map(|line| line.split('"').skip(1).step_by(2));
    topics.flat_map(|topic| flows(topic).map(move |flow| (topic, flow))).collect()
}

fn is_exempt(topic: &str) -> bool {
    OF_RUNS.contains(&topic) || WITHOUT_LETTER.contains(&topic)
}

fn flows(topic: &str) -> impl Iterator<Item = Flow> {
    PAYLOADS.map(|payload| intake::flows_of(topic, payload)).into_iter().flatten().copied()
}

/// Otherwise the document is never made, and nothing says so.
#[test]
fn intake_routes_the_topics_of_every_document_to_its_flow() {
    let routed = routed();
    let lost: Vec<_> =
        wanted().into_iter().filter(|it| !is_exempt(it.0)).filter(|it| !routed.contains(it)).collect();
    assert!(lost.is_empty(), "a document follows from these, and `flows_of` does not route them: {lost:?}");
}

/// Otherwise each of its events ends in the dead letters.
#[test]
fn intake_routes_no_topic_to_a_flow_without_a_document_of_it() {
    let wanted = wanted();
    let stray: Vec<_> = routed().into_iter().filter(|it| !wanted.contains(it)).collect();
    assert!(stray.is_empty(), "`flows_of` routes these, and no document follows from them: {stray:?}");
}

/// Otherwise the exemption hides something.
#[test]
fn what_is_exempt_is_a_topic_of_a_document_and_is_not_routed() {
    for topic in OF_RUNS.into_iter().chain(WITHOUT_LETTER) {
        assert!(wanted().iter().any(|it| it.0 == topic), "{topic}");
        assert_eq!(flows(topic).count(), 0, "{topic}");
    }
}
