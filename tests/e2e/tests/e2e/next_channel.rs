//! The next channel of the list, and a corrected address.

use crate::sms::{NUMBER, ordered, texting};
use comms::{CommunicationId, Revision, State};
use e2e::{
    order_number,
    runtime::{Worker, die_at},
    shop::Shop,
    stack::Stack,
};
use ledger::Entry;
use serde_json::{Value, json};
use std::time::Duration;

fn issue(entry: &Entry, revision: &str) -> CommunicationId {
    CommunicationId::derive(&entry.shop, entry.document, &entry.subject, &Revision::named(revision))
}

fn refusal() -> Value {
    json!([{"match": "sms", "kind": "status", "status": 400}])
}

#[tokio::test]
async fn what_a_channel_refuses_goes_out_by_the_next_one_with_a_record_of_its_own() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, texting).await;
    shop.exstream_faults(refusal()).await;
    let first = shop.confirmed(&stack, order_number(), |order| order["phone"] = NUMBER.into()).await;
    assert_eq!((first.state, first.channel.as_deref()), (State::Failed, Some("sms")), "{:?}", first.reason);
    let next = shop.settled(&stack, &issue(&first, "next-print")).await;
    assert_eq!((next.state, next.channel.as_deref()), (State::Accepted, Some("print")), "{:?}", next.reason);
    assert_eq!((shop.texts().await.len(), shop.outputs().await.len()), (0, 1), "the archived bytes");
    assert_eq!(stack.ever_spooled(&shop.domain).await, 1);
    let (record, _) = stack.record(&next).await;
    let resend = record.resend.unwrap();
    assert_eq!((resend.of, resend.reason.as_str()), (first.communication, "sms: refused"));
    assert_eq!(next.archived.unwrap().sha256, first.archived.unwrap().sha256);
}

/// The refusal is recorded, and the worker dies before it asks for the next channel.
#[tokio::test]
async fn a_death_after_the_refusal_loses_no_next_channel_and_makes_no_second_one() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, texting).await;
    shop.exstream_faults(refusal()).await;
    let (id, item) = ordered(&shop).await;
    die_at("complete", "order-confirmation", stack.environment(), &item).await;
    for _ in 0..2 {
        let mut worker = Worker::start("order-confirmation", &stack.environment()).await;
        worker.deliver(&item, 2).await;
    }
    let first = shop.settled(&stack, &id).await;
    // the deployed function takes what the worker has queued
    let next = shop.settled(&stack, &issue(&first, "next-print")).await;
    assert_eq!((first.state, next.state), (State::Failed, State::Accepted), "{:?}", next.reason);
    assert_eq!(stack.ever_spooled(&shop.domain).await, 1, "printed once");
}

/// Doubt is settled by a person, and by no other channel.
#[tokio::test]
async fn a_doubtful_send_leads_to_no_next_channel() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, texting).await;
    shop.exstream_faults(
        json!([{"match": "sms", "kind": "timeout_after_success", "delay_ms": 1, "times": 1}]),
    )
    .await;
    let first = shop.confirmed(&stack, order_number(), |order| order["phone"] = NUMBER.into()).await;
    assert_eq!((first.state, shop.texts().await.len()), (State::Unknown, 1), "{:?}", first.reason);
    // long enough for a request to have been worked on
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(stack.ledger.get(&issue(&first, "next-print")).await.unwrap().is_none());
    assert_eq!(stack.ever_spooled(&shop.domain).await, 0);
}

#[tokio::test]
async fn a_corrected_address_gets_the_archived_bytes_and_both_are_evidence() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let first = shop.confirmed(&stack, order_number(), |_| {}).await;
    let (before, _) = stack.record(&first).await;
    let id = issue(&first, "resend-1");
    let item = json!({
        "v": 1, "shop": first.shop, "flow": first.flow, "subject": first.subject,
        "trigger": {"topic": "resend", "webhook_id": format!("resend-{id}")},
        "resend": {
            "of": first.communication, "revision": "resend-1", "actor": "ops@northwind.example",
            "reason": "misspelt", "to": "corrected@example.org",
        },
    });
    stack.send_batch("QueueUrlOrderConfirmation", &[item.to_string(), item.to_string()]).await;
    let again = shop.settled(&stack, &id).await;
    assert_eq!(again.state, State::Accepted, "{:?}", again.reason);
    let emails = shop.emails().await;
    assert_eq!((emails.len(), &emails[1]["destinations"][0]["email"]), (2, &"corrected@example.org".into()));
    let (record, _) = stack.record(&again).await;
    let corrected = record.resend.unwrap().corrected.unwrap();
    let old = before.recipient.unwrap().email;
    assert_eq!((corrected.from, corrected.to.as_str()), (old, "corrected@example.org"));
    assert_eq!(stack.versions_of(&first).await, 2, "the first record is untouched");
}
