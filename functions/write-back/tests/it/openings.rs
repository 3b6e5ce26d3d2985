//! Messages about openings, beside reports.

use crate::{
    handler::{LONG, failures, function, recorded},
    order, shop,
};
use comms::{CommunicationId, Document, Revision};
use fakes::FakeAws;
use serde_json::{Value, json};

fn communication() -> CommunicationId {
    CommunicationId::derive(&shop("acme"), Document::Receipt, &order(1), &Revision::Initial)
}

fn folder() -> String {
    format!("acme.myshopify.com/2026/11/27/receipt/{}/", communication())
}

fn archived(aws: &FakeAws) {
    let (order, sha256) = (order(1), "0".repeat(64));
    let output = json!({
        "object": format!("{}document.pdf", folder()), "version_id": "v1", "media_type": "application/pdf", "bytes": 1,
        "sha256": sha256,
    });
    let record = json!({
        "v": 1, "communication": communication(), "shop": shop("acme"), "flow": "order-confirmation",
        "document": "receipt", "message_class": "transactional", "subject": order, "revision": "initial",
        "reported_on": order, "trigger": {"topic": "orders/paid", "webhook_id": "w"},
        "composed_at": "2026-11-27T09:00:00Z", "locale": "en", "outputs": [output],
        "template": {"communication": "c", "data_source": "d", "basis": "assumed"},
        "driver_data": {"schema": "receipt/1", "format": "json", "sha256": sha256}, "channel": "web",
        "retention": {"mode": "COMPLIANCE", "until": "2126-01-01T00:00:00Z"},
        "software": {"name": "shopify-exstream", "version": "0.1.0"}, "test": false,
    });
    aws.account().objects.set(format!("{}record.json", folder()), record.to_string());
}

fn opened(what: &str, at: &str) -> String {
    json!({
        "v": 1, "kind": "opened", "shop": shop("acme"), "communication": communication(),
        "object": format!("{}document.pdf", folder()), "what": what, "at": at,
    })
    .to_string()
}

fn facts(aws: &FakeAws) -> Vec<(String, String)> {
    let account = aws.account();
    let facts = account.objects.texts.iter().filter(|(key, _)| key.contains("/fact-"));
    let text = |fact: &Value, name: &str| fact[name].as_str().unwrap().to_owned();
    facts
        .map(|(_, (json, _))| serde_json::from_str::<Value>(json).unwrap())
        .map(|fact| (text(&fact, "opened"), text(&fact, "at")))
        .collect()
}

#[tokio::test]
async fn the_first_opening_of_each_thing_is_a_fact_however_often_it_comes() {
    let aws = FakeAws::start().await;
    archived(&aws);
    let function = function(&aws).await;
    let messages = [opened("page", "2026-11-27T10:00:00Z"), opened("document.pdf", "2026-11-27T10:01:00Z")];
    for _ in 0..2 {
        assert_eq!(failures(&function, &messages[..1], LONG).await, [""; 0]);
        assert_eq!(failures(&function, &messages[1..], LONG).await, [""; 0]);
    }
    let fact = |what: &str, at: &str| (what.to_owned(), at.to_owned());
    let expected = [fact("page", "2026-11-27T10:00:00Z"), fact("document.pdf", "2026-11-27T10:01:00Z")];
    assert_eq!(facts(&aws), expected);
    assert!(recorded(&aws).is_empty(), "it is no report");
}

#[tokio::test]
async fn what_is_not_archived_has_no_facts_and_what_is_somebody_elses_gets_none() {
    let aws = FakeAws::start().await;
    let function = function(&aws).await;
    let message = opened("page", "2026-11-27T10:00:00Z");
    assert_eq!(failures(&function, std::slice::from_ref(&message), LONG).await, [""; 0], "it was destroyed");
    archived(&aws);
    let others = [
        message.replace("\"acme.myshopify.com\"", "\"other.myshopify.com\""),
        message.replace("/receipt/", "/receipt/x/"),
        message.replace(&format!("{}/document", communication()), "x/document"),
    ];
    assert_eq!(
        failures(&function, &others, LONG).await.len(),
        2,
        "a folder of that name below another is not there"
    );
    assert_eq!(facts(&aws), []);
}
