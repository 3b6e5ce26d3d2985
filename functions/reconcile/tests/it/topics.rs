//! Intake and the flows agree on which topic's events belong to which flow, and the samples and pages agree with them.

use account_statements::AccountStatements;
use comms::{Document, Flow};
use exception_letters::ExceptionLetters;
use flow::DocumentEntry;
use order_confirmation::OrderConfirmation;
use return_letters::ReturnLetters;
use serde_json::json;
use shipping_documents::ShippingDocuments;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};
use targeted_offers::TargetedOffers;

/// The topics of work that the system makes by itself, which never passes intake, and what the pages say of them.
const OF_RUNS: [(&str, &str); 2] =
    [("statement-run", "a schedule, by `statement-run`"), ("campaign", "campaigns, by `offer-run`")];

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

/// What can be asked for is the first issue of one document about the order, by an event that needs no payload.
#[test]
fn what_can_be_asked_for_follows_from_the_order_alone() {
    let config = include_str!("../../../../infra/local/config/demo-shop.toml");
    let config = shop_config::ShopConfig::parse(config).unwrap();
    let requestable = Document::ALL.iter().filter_map(|it| Some((*it, it.event_of_order()?)));
    for (document, topic) in requestable {
        let item = json!({
            "v": 1, "shop": config.shop, "flow": document.flow(), "subject": "gid://shopify/Order/1",
            "trigger": {"topic": topic, "webhook_id": "request-1"},
            "request": {"document": document, "actor": "a", "reason": "r"},
        });
        let item = work::WorkItem::from_json(&item.to_string()).unwrap();
        let event = flow::Event { item: &item, payload: None, config: &config };
        let entry = documents(document.flow()).iter().find(|it| it.document == document).unwrap();
        assert!(entry.topics.contains(&topic), "{document}");
        let planned = (entry.plan)(&event).unwrap();
        assert_eq!(planned, flow::Planned::one(event.plan(document)), "{document}");
    }
}

fn is_of_run(topic: &str) -> bool {
    OF_RUNS.iter().any(|(known, _)| *known == topic)
}

fn flows(topic: &str) -> impl Iterator<Item = Flow> {
    PAYLOADS.map(|payload| intake::flows_of(topic, payload)).into_iter().flatten().copied()
}

/// Otherwise the document is never made, and nothing says so.
#[test]
fn intake_routes_the_topics_of_every_document_to_its_flow() {
    let routed = routed();
    let lost: Vec<_> =
        wanted().into_iter().filter(|it| !is_of_run(it.0)).filter(|it| !routed.contains(it)).collect();
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
    for topic in OF_RUNS.map(|(topic, _)| topic) {
        assert!(wanted().iter().any(|it| it.0 == topic), "{topic}");
        assert_eq!(flows(topic).count(), 0, "{topic}");
    }
}

fn topics_of(document: Document) -> &'static [&'static str] {
    let entry = documents(document.flow()).iter().find(|entry| entry.document == document);
    entry.unwrap_or_else(|| panic!("{document} is in no flow")).topics
}

/// The topics of the sample events, which the demo and the end-to-end tests send.
fn topics_of_samples() -> BTreeSet<String> {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/local/samples");
    let flows = Flow::ALL.iter().map(|flow| samples.join(flow.name()));
    let folders = flows.filter(|folder| folder.exists()).chain([samples.clone()]);
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap()).map(|file| file.unwrap().path());
    let events = files.filter(|path| path.is_file()).map(|path| fs::read_to_string(path).unwrap());
    let topic = |event: String| {
        let event: serde_json::Value = serde_json::from_str(&event).unwrap();
        event["detail"]["metadata"]["X-Shopify-Topic"].as_str().unwrap_or_default().to_owned()
    };
    events.map(topic).collect()
}

/// Otherwise neither the demo nor an end-to-end test makes the document.
#[test]
fn every_document_has_a_sample_of_an_event_that_can_lead_to_it() {
    let sampled = topics_of_samples();
    let known = |topic: &&str| is_of_run(topic) || sampled.contains(*topic);
    let missing: Vec<_> =
        Document::ALL.iter().filter(|document| !topics_of(**document).iter().any(&known)).collect();
    assert!(missing.is_empty(), "infra/local/samples has no event of a topic of {missing:?}");
}

/// The lists of all documents in the pages, which nobody keeps by hand.
#[test]
fn the_pages_list_every_document() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let say = |topic: &&str| match OF_RUNS.iter().find(|(known, _)| known == topic) {
        Some((_, text)) => (*text).to_owned(),
        None => format!("`{topic}`"),
    };
    let (mut uses, mut dictionary) = (String::new(), String::new());
    for &flow in Flow::ALL {
        for document in documents(flow).iter().map(|entry| entry.document) {
            let topics: Vec<_> = topics_of(document).iter().map(say).collect();
            let (about, topics) = (document.about(), topics.join(", "));
            uses += &format!("| `{document}` | {about} | {topics} | `{flow}` |\n");
            dictionary += &format!("| [{document}](data/{document}.md) | `{flow}` |\n");
        }
    }
    let table = format!(
        "| document | tells | triggered by | flow, function and queue |\n| --- | --- | --- | --- |\n{uses}"
    );
    contract::published_part(&docs.join("use-cases.md"), "documents", &table);
    let table = format!("| document | flow |\n| --- | --- |\n{dictionary}");
    contract::published_part(&docs.join("template-designers.md"), "documents", &table);
}

/// What the Shopify app subscribes to and may do follows from the documents that a shop has switched on.
#[test]
fn the_app_knows_the_flow_and_the_topics_of_every_document() {
    let of_documents: BTreeMap<_, _> = Flow::ALL
        .iter()
        .flat_map(|flow| documents(*flow))
        .map(|it| {
            let topics: BTreeSet<_> = it.topics.iter().filter(|topic| !is_of_run(topic)).collect();
            (it.document.name(), json!({"flow": it.document.flow(), "topics": topics}))
        })
        .collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/shopify-app/documents.json");
    contract::published(&path, &json!(of_documents));
}
