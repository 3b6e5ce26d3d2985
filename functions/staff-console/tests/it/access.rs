//! Who read what is on record in the archive before it is shown, and a decision before anything follows from it.

use crate::{
    aws::SHOP,
    world::{DELIVERED, UNKNOWN, World, body, pdf},
};
use archive::{AccessKind, FactKind};
use base64::{Engine, prelude::BASE64_STANDARD};
use comms::State;
use serde_json::json;
use std::collections::BTreeMap;

fn with(mut fields: BTreeMap<String, String>, more: &[(&str, &str)]) -> BTreeMap<String, String> {
    fields.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    fields
}

#[tokio::test]
async fn what_is_read_is_on_record() {
    let world = World::new().await;
    let operator = world.log_in("operator").await;
    let page = format!("/c/{DELIVERED}");
    for (address, what) in [
        (page.clone(), AccessKind::Record),
        (format!("{page}/evidence"), AccessKind::Record),
        (format!("{page}/document/0"), AccessKind::Document),
    ] {
        assert_eq!(world.get(&address, &operator).await["statusCode"], 200, "{address}");
        let aws = world.aws.lock().unwrap();
        let entry = aws.entries().pop().unwrap();
        assert_eq!((entry.what, &*entry.by), (what, "console"), "{address}");
        assert_eq!(entry.communication.as_str(), DELIVERED);
        assert!(!entry.actor.is_empty() && !entry.actor.contains('@'), "{}", entry.actor);
    }
    // a part is a reading, too, wherever it begins
    let range = json!({"cookie": operator, "range": "bytes=4-7"});
    assert_eq!(world.send("GET", &format!("{page}/document/0"), range, None).await["statusCode"], 206);
    assert_eq!(world.aws.lock().unwrap().entries().len(), 4);
    // what the ledger says of many is no reading of any
    world.get("/?q=1", &operator).await;
    world.get("/failures", &operator).await;
    assert_eq!(world.aws.lock().unwrap().entries().len(), 4);
}

#[tokio::test]
async fn what_cannot_be_put_on_record_is_neither_shown_nor_done() {
    let world = World::new().await;
    let operator = world.log_in("operator").await;
    let page = format!("/c/{DELIVERED}");
    let (resend, settle) = (format!("{page}/resend"), format!("/c/{UNKNOWN}/settle"));
    let again = with(world.form(&page, &resend, &operator).await, &[("reason", "asked for it")]);
    let settled = with(
        world.form(&format!("/c/{UNKNOWN}"), &settle, &operator).await,
        &[("reason", "the customer has it"), ("state", "delivered")],
    );
    world.change(|aws| aws.archive_is_full = true);
    for address in [page.clone(), format!("{page}/evidence"), format!("{page}/document/0")] {
        let answer = world.get(&address, &operator).await;
        assert_eq!(answer["statusCode"], 503, "{address}");
        assert!(!body(&answer).contains("#1001") && !body(&answer).contains("JVBERi"), "{address}");
    }
    assert_eq!(world.post(&resend, &operator, &again).await["statusCode"], 503);
    assert_eq!(world.post(&settle, &operator, &settled).await["statusCode"], 503);
    assert_eq!(world.sent(), []);
    world.change(|aws| {
        assert_eq!(aws.items[UNKNOWN]["state"]["S"], "unknown", "its decision is not in the archive");
        aws.archive_is_full = false;
    });
    // the same forms do it once the archive takes it
    assert_eq!(world.post(&resend, &operator, &again).await["statusCode"], 303);
    assert_eq!(world.post(&settle, &operator, &settled).await["statusCode"], 303);
    assert_eq!(world.sent().len(), 2);
}

#[tokio::test]
async fn decisions_are_facts_and_deciding_twice_adds_none() {
    let world = World::new().await;
    let operator = world.log_in("operator").await;
    let (page, unknown) = (format!("/c/{DELIVERED}"), format!("/c/{UNKNOWN}"));
    let (resend, settle) = (format!("{page}/resend"), format!("{unknown}/settle"));
    let again = with(world.form(&page, &resend, &operator).await, &[("reason", "asked for it")]);
    let settled = with(
        world.form(&unknown, &settle, &operator).await,
        &[("reason", "the customer has it"), ("state", "delivered")],
    );
    for _ in 0..2 {
        assert_eq!(world.post(&resend, &operator, &again).await["statusCode"], 303);
        assert_eq!(world.post(&settle, &operator, &settled).await["statusCode"], 303);
    }
    let aws = world.aws.lock().unwrap();
    let [reissued] = &aws.facts(DELIVERED)[..] else { panic!("not one fact") };
    assert_eq!(reissued.fact.kind, FactKind::Reissued);
    assert!(reissued.fact.issue.is_some());
    let decision = reissued.fact.decision.as_ref().unwrap();
    assert_eq!((&*decision.actor, &*decision.reason), ("operator@example.com", "asked for it"));
    let [fact] = &aws.facts(UNKNOWN)[..] else { panic!("not one fact") };
    assert_eq!((fact.fact.kind, fact.fact.settled_as), (FactKind::Settled, Some(State::Delivered)));
    assert_eq!(fact.previous_sha256, fact.record_sha256, "chained to the record");
    let entry = aws.entries().into_iter().find(|entry| entry.what == AccessKind::Resend).unwrap();
    assert_eq!(entry.why, "asked for it");
}

#[tokio::test]
async fn what_is_encrypted_is_read_until_its_customer_is_forgotten() {
    let world = World::new().await;
    let operator = world.log_in("operator").await;
    world.change(|aws| aws.encrypt(DELIVERED));
    let page = format!("/c/{DELIVERED}");
    let document = world.get(&format!("{page}/document/0"), &operator).await;
    assert_eq!(BASE64_STANDARD.decode(body(&document)).unwrap(), pdf());
    let evidence = world.get(&format!("{page}/evidence"), &operator).await;
    assert!(!body(&evidence).contains("checks failed"), "{}", body(&evidence));
    world.change(|aws| aws.commitments.items.clear());
    let answer = world.get(&page, &operator).await;
    assert_eq!(answer["statusCode"], 200, "what the ledger says stays");
    assert!(body(&answer).contains("It was erased, as the customer asked."));
    for address in [format!("{page}/evidence"), format!("{page}/document/0")] {
        let answer = world.get(&address, &operator).await;
        assert_eq!(answer["statusCode"], 410, "{address}");
        assert!(!body(&answer).contains("#1001"));
    }
}

/// Its leaf is salted with the secret that it is encrypted with.
#[tokio::test]
async fn the_leaf_of_what_is_encrypted_is_found_to_be_its_own() {
    let world = World::new().await;
    let operator = world.log_in("operator").await;
    world.change(|aws| {
        let folder = format!("{SHOP}/2026/11/27/receipt/{DELIVERED}");
        let sha256 = archive::sha256_hex(&pdf());
        let output = json!({
            "object": format!("{folder}/document.pdf"), "version_id": "v1", "media_type": "application/pdf",
            "bytes": pdf().len(), "sha256": sha256, "sealed": {"bytes": 1, "sha256": "0".repeat(64)},
        });
        let more = json!({"customer": "7", "message_class": "marketing", "outputs": [output]});
        aws.archive(DELIVERED, SHOP, "application/pdf", pdf(), more);
    });
    world.seal(DELIVERED, &crate::aws::secret()).await;
    world.change(|aws| aws.encrypt(DELIVERED));
    let evidence = world.get(&format!("/c/{DELIVERED}/evidence"), &operator).await;
    let page = body(&evidence);
    assert!(page.contains("leaf 0 of the log") && !page.contains("checks failed"), "{page}");
}
