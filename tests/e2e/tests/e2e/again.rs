//! A person asks for a document again, or says what became of it.

use comms::{CommunicationId, Document, Gid, Revision, State, WriteBackState};
use e2e::{eventually, order_number, shop::Shop, stack::Stack};
use ledger::Entry;
use serde_json::{Value, json};

/// A request for another issue, as `ctl resend` makes it.
fn request(entry: &Entry, revision: &str, recompose: bool) -> (Value, CommunicationId) {
    let id = CommunicationId::derive(&entry.shop, entry.document, &entry.subject, &Revision::named(revision));
    let item = json!({
        "v": 1, "shop": entry.shop, "flow": entry.flow, "subject": entry.subject,
        "trigger": {"topic": "resend", "webhook_id": format!("resend-{id}")},
        "resend": {
            "of": entry.communication, "revision": revision, "actor": "ops@northwind.example",
            "reason": "the customer asked for it", "recompose": recompose,
        },
    });
    (item, id)
}

/// Not even an order that is gone keeps what was sent from being sent again.
#[tokio::test]
async fn the_archived_bytes_go_out_again_as_a_communication_of_their_own() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let number = order_number();
    let first = shop.confirmed(&stack, number, |_| {}).await;
    let composed = shop.outputs().await.len();

    let (item, id) = request(&first, "resend-1", false);
    let bodies = [item.to_string(), item.to_string()];
    stack.send_batch("QueueUrlOrderConfirmation", &bodies).await;
    let again = shop.settled(&stack, &id).await;
    assert_eq!(again.state, State::Accepted);
    assert_eq!(again.archived.as_ref().unwrap().sha256, first.archived.as_ref().unwrap().sha256);
    assert_ne!(again.archived.as_ref().unwrap().archive_key, first.archived.as_ref().unwrap().archive_key);
    assert_eq!(again.customer, first.customer, "the customer is still found by the same key");
    assert_eq!(shop.outputs().await.len(), composed, "Exstream was not asked");
    assert_eq!(shop.emails().await.len(), 2, "one send each, however often it was asked for");
    assert_eq!(shop.emails().await[0]["subject"], shop.emails().await[1]["subject"]);

    let (evidence, _) = stack.record(&again).await;
    let resend = evidence.resend.as_ref().unwrap();
    assert_eq!((resend.actor.as_str(), &resend.of), ("ops@northwind.example", &first.communication));
    let previous = evidence.previous.as_ref().unwrap();
    assert_eq!(previous.record_sha256, first.archived.as_ref().unwrap().record_sha256);
    let (bytes, _) = stack.object(&again.archived.as_ref().unwrap().archive_key).await;
    archive::verify(&evidence, &bytes).unwrap();
    let list = shop.metafield(number).await;
    assert_eq!(list["communications"].as_array().unwrap().len(), 2, "{list}");
    let shown = list["communications"].as_array().unwrap().iter().find(|it| it["id"] == id.as_str()).unwrap();
    assert_eq!(shown["issue_of"], first.communication.as_str(), "{shown}");
    assert_eq!(
        (&shown["decision"]["kind"], &shown["decision"]["actor"]),
        (&json!("resend"), &json!("ops@northwind.example"))
    );
    assert_eq!(
        (&shown["address"], &shown["label"]["de"]),
        (&json!("c…@example.com"), &json!("Auftragsbestätigung"))
    );
    assert!(shown["sent"].is_string() && !list.to_string().contains("camille"), "{list}");
}

/// The letter goes out; there is nothing to report on, which is recorded with its reason and not tried for ever.
#[tokio::test]
async fn a_report_on_a_deleted_order_is_given_up_with_its_reason() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let number = order_number();
    let first = shop.confirmed(&stack, number, |_| {}).await;
    let gone = format!("documents?id=gid://shopify/Order/{number}");
    shop.control(shop.shopify, "DELETE", &gone, None).await;

    let (item, id) = request(&first, "resend-1", false);
    stack.send_batch("QueueUrlOrderConfirmation", &[item.to_string()]).await;
    let again = shop.settled(&stack, &id).await;
    assert_eq!((again.state, again.write_back), (State::Accepted, WriteBackState::Failed));
    assert_eq!(again.write_back_reason.as_deref(), Some("resource not found"));
    assert_eq!(shop.emails().await.len(), 2, "each issue once");
    let dead = stack.receive(stack.output("DeadLetterUrlWriteBack"), shop.domain.as_str()).await;
    assert_eq!(dead, Vec::<String>::new());
}

#[tokio::test]
async fn a_correction_is_composed_from_what_shopify_has_now() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let number = order_number();
    let first = shop.confirmed(&stack, number, |_| {}).await;
    let corrected = shop.event("orders/create", number, |payload| {
        payload["billing_address"]["city"] = "Lille".into();
    });
    shop.register(&corrected).await;

    let (item, id) = request(&first, "resend-1", true);
    stack.send_batch("QueueUrlOrderConfirmation", &[item.to_string()]).await;
    let again = shop.settled(&stack, &id).await;
    assert_eq!(again.state, State::Accepted);
    let (evidence, _) = stack.record(&again).await;
    let data = evidence.driver_data.data.unwrap().get().to_owned();
    assert!(data.contains("\"Lille\""), "{data}");
    assert_ne!(again.archived.unwrap().sha256, first.archived.unwrap().sha256);
}

/// A request for another shop's communication is nobody's.
#[tokio::test]
async fn one_shop_cannot_have_anothers_document() {
    let stack = Stack::open().await;
    let (owner, other) = tokio::join!(Shop::open(&stack, str::to_owned), Shop::open(&stack, str::to_owned));
    let number = order_number();
    let first = owner.confirmed(&stack, number, |_| {}).await;
    let (mut item, id) = request(&first, "resend-1", false);
    item["shop"] = other.domain.as_str().into();
    stack.send_batch("QueueUrlOrderConfirmation", &[item.to_string()]).await;
    let dead = stack.output("DeadLetterUrlOrderConfirmation");
    eventually("the request is in the dead letters", || async {
        (!stack.receive(dead, other.domain.as_str()).await.is_empty()).then_some(())
    })
    .await;
    let stolen = CommunicationId::derive(
        &other.domain,
        Document::OrderConfirmation,
        &Gid::new("Order", number),
        &Revision::named("resend-1"),
    );
    assert!(stack.ledger.get(&id).await.unwrap().is_none());
    assert!(stack.ledger.get(&stolen).await.unwrap().is_none());
    assert!(other.emails().await.is_empty());
}

/// A whole shop can run beside the old sender.
#[tokio::test]
async fn a_dry_run_archives_under_test_and_delivers_and_reports_nothing() {
    let stack = Stack::open().await;
    let shop =
        Shop::open(&stack, |config| config.replace("version = 1", "version = 1\ndry_run = true")).await;
    let number = order_number();
    let entry = shop.confirmed(&stack, number, |_| {}).await;
    assert_eq!(entry.state, State::Archived);
    assert!(entry.archived.as_ref().unwrap().archive_key.starts_with("test/"));
    assert!(stack.record(&entry).await.0.test);
    assert!(shop.emails().await.is_empty());
    assert_eq!(shop.metafield(number).await, Value::Null);
}

/// What was rehearsed is not issued; composed again after the dry run it is a first issue, with none before it.
#[tokio::test]
async fn a_rehearsal_is_not_issued_and_is_before_nothing() {
    let stack = Stack::open().await;
    let shop =
        Shop::open(&stack, |config| config.replace("version = 1", "version = 1\ndry_run = true")).await;
    let rehearsed = shop.confirmed(&stack, order_number(), |_| {}).await;
    shop.configure(&stack, &shop.config.replace("dry_run = true", "dry_run = false")).await;

    let (item, id) = request(&rehearsed, "resend-1", false);
    stack.send_batch("QueueUrlOrderConfirmation", &[item.to_string()]).await;
    let dead = stack.output("DeadLetterUrlOrderConfirmation");
    eventually("the request is in the dead letters", || async {
        (!stack.receive(dead, shop.domain.as_str()).await.is_empty()).then_some(())
    })
    .await;
    assert!(stack.ledger.get(&id).await.unwrap().is_none());
    assert!(shop.emails().await.is_empty());

    let (item, id) = request(&rehearsed, "resend-2", true);
    stack.send_batch("QueueUrlOrderConfirmation", &[item.to_string()]).await;
    let real = shop.settled(&stack, &id).await;
    assert_eq!(real.state, State::Accepted);
    let (record, _) = stack.record(&real).await;
    assert!(!record.test);
    assert_eq!(record.previous, None);
}
