//! Facts and access entries as leaves of the log, and what was destroyed with a certificate.

use crate::pass::{DAY, pass, sealed_objects};
use fakes::{Edit, EvidenceAws};
use serde_json::json;

/// Fact `at` of communication `number`, of a record with this hash.
fn fact(number: u64, at: u32, record_sha256: &str) -> String {
    json!({
        "v": 1, "communication": format!("{number:032x}"), "number": at, "record_sha256": record_sha256,
        "previous_sha256": record_sha256, "fact": "accepted", "at": "2026-11-27T10:00:00Z",
        "software": {"name": "shopify-exstream", "version": "0.1.0"},
    })
    .to_string()
}

fn add(aws: &EvidenceAws, number: u64) {
    let mut evidence = aws.evidence();
    let sha256 = archive::sha256_hex(evidence.record(number).as_bytes());
    let facts = evidence.facts.entry(number).or_default();
    let at = u32::try_from(facts.len()).unwrap() + 1;
    facts.push(fact(number, at, &sha256));
}

fn id(number: u64) -> String {
    format!("{number:032x}")
}

#[tokio::test]
async fn facts_are_leaves_with_their_record_or_after_it_and_once() {
    let aws = EvidenceAws::start(DAY, 5, 2).await;
    add(&aws, 1);
    let result = pass(&aws).await;
    assert_eq!((result.sealed, result.missing, result.altered, result.problems), (6, 0, 0, 0));
    add(&aws, 1);
    add(&aws, 3);
    assert_eq!(pass(&aws).await.sealed, 2);
    assert_eq!(pass(&aws).await.sealed, 0);
    let sealed = sealed_objects(&aws).await;
    let facts: Vec<_> =
        sealed.iter().filter_map(|(id, object)| Some((id.as_str(), object.as_deref()?))).collect();
    let (one, three) = (id(1), id(3));
    assert_eq!(
        facts,
        [(one.as_str(), "fact-01.json"), (one.as_str(), "fact-02.json"), (three.as_str(), "fact-01.json")]
    );
}

#[tokio::test]
async fn a_fact_of_another_record_is_reported_and_holds_up_nothing() {
    let aws = EvidenceAws::start(DAY, 5, 2).await;
    aws.evidence().facts.insert(1, vec![fact(1, 1, &"0".repeat(64))]);
    aws.evidence().facts.insert(2, vec![fact(3, 1, &"0".repeat(64))]);
    aws.evidence().facts.insert(4, vec!["no fact".to_owned()]);
    let result = pass(&aws).await;
    assert_eq!((result.sealed, result.altered), (5, 3));
}

#[tokio::test]
async fn a_fact_that_is_gone_after_it_was_sealed_is_missing() {
    let aws = EvidenceAws::start(DAY, 5, 2).await;
    add(&aws, 1);
    pass(&aws).await;
    aws.evidence().facts.clear();
    assert_eq!(pass(&aws).await.missing, 1);
}

fn access(number: u64, shop: &str) -> String {
    json!({
        "v": 1, "at": "2026-11-27T10:00:00Z", "shop": shop, "communication": id(number), "what": "document",
        "actor": "support@acme.example", "why": "asked", "by": "ctl-show",
        "software": {"name": "shopify-exstream", "version": "0.1.0"},
    })
    .to_string()
}

#[tokio::test]
async fn who_read_what_is_a_leaf_and_once() {
    let aws = EvidenceAws::start(DAY, 5, 2).await;
    let key = |at: &str| format!("access/acme.myshopify.com/2026/11/27/{at}-{}-0.json", id(1));
    aws.evidence().others.insert(key("1"), access(1, "acme.myshopify.com"));
    assert_eq!(pass(&aws).await.sealed, 6);
    aws.evidence().others.insert(key("2"), access(1, "acme.myshopify.com"));
    aws.evidence().others.insert(key("3"), access(1, "other.myshopify.com"));
    let result = pass(&aws).await;
    assert_eq!((result.sealed, result.altered), (1, 1));
    assert!(sealed_objects(&aws).await.contains(&(id(1), Some(key("2")))));
    // one that is taken away is noticed
    aws.evidence().others.remove(&key("1"));
    assert_eq!(pass(&aws).await.missing, 1);
}

/// What was destroyed with a certificate is not missing; what has gone without one is.
#[tokio::test]
async fn what_was_destroyed_with_a_certificate_is_not_missing() {
    let aws = EvidenceAws::start(DAY, 5, 2).await;
    pass(&aws).await;
    aws.evidence().edits.insert(1, Edit::RecordGone);
    assert_eq!(pass(&aws).await.missing, 1);
    let object = |name: &str| json!({"name": name, "version_id": "v1"});
    let destroyed = json!({
        "communication": id(1), "document": "order-confirmation", "folder": format!("{DAY}order-confirmation/{}/", id(1)),
        "expired_at": "2026-11-27T10:00:00Z", "rule": {"class": "books", "legal_basis": "law"}, "record_version": "v1",
        "record_sha256": "0", "objects": [object("document.pdf"), object("record.json")],
    });
    let certificate = json!({
        "v": 1, "plan": "p", "plan_sha256": "0", "shop": "acme.myshopify.com", "at": "2026-11-27T10:00:00Z",
        "decision": {"actor": "a", "reason": "r"}, "destroyed": [destroyed], "kept": [],
        "software": {"name": "shopify-exstream", "version": "0.1.0"},
    });
    let key = "disposal/acme.myshopify.com/r1/certificate-0001.json".to_owned();
    aws.evidence().others.insert(key, certificate.to_string());
    assert_eq!(pass(&aws).await.missing, 0);
    aws.evidence().edits.insert(2, Edit::RecordGone);
    assert_eq!(pass(&aws).await.missing, 1);
}
