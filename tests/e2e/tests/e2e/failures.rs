//! The other side misbehaves: Exstream, Core Messaging, Shopify.

use comms::{Document, State};
use e2e::{order_number, runtime::Worker, shop::Shop, stack::Stack};
use serde_json::{Value, json};

/// One worker, one shop, one order: the message is delivered as often as the queue would.
struct Case {
    stack: Stack,
    shop: Shop,
    worker: Worker,
    number: u64,
}

impl Case {
    async fn open(change: impl FnOnce(&str) -> String) -> Self {
        let stack = Stack::open().await;
        let shop = Shop::open(&stack, change).await;
        let worker = Worker::start("order-confirmation", &stack.environment()).await;
        Self { stack, shop, worker, number: order_number() }
    }

    /// Delivers the work until it is acknowledged; answers the entry and how many deliveries it took.
    async fn deliver(&mut self, topic: &str) -> (ledger::Entry, u32) {
        let event = self.shop.event(topic, self.number, |_| {});
        self.shop.register(&event).await;
        let item = self.shop.work_item(&event);
        self.deliver_item(topic, &item).await
    }

    async fn deliver_item(&mut self, topic: &str, item: &Value) -> (ledger::Entry, u32) {
        let deliveries = self.worker.deliver(item, 1).await;
        let document = if topic == "orders/paid" { Document::Receipt } else { Document::OrderConfirmation };
        (self.shop.settled(&self.stack, &self.shop.id(document, self.number)).await, deliveries)
    }
}

pub fn impatient(text: &str) -> String {
    text.replace("timeout_ms = 20000", "timeout_ms = 1000")
        .replace("[delivery.email]\n", "[delivery.email]\ntimeout_ms = 1000\n")
}

/// What passes by itself is tried again and leaves one document.
#[tokio::test]
async fn exstream_recovers_from_what_passes() {
    for fault in [
        json!({"match": "ondemand", "kind": "status", "status": 500, "times": 2}),
        json!({"match": "ondemand", "kind": "status", "status": 429, "retry_after_seconds": 1, "times": 2}),
        json!({"match": "ondemand", "kind": "drop_connection", "times": 1}),
        json!({"match": "ondemand", "kind": "timeout_after_success", "times": 1}),
        json!({"match": "ondemand", "kind": "malformed_200", "times": 1}),
        json!({"match": "ondemand", "kind": "non_json_error", "times": 1}),
        // the first is met by the look-up of the template, which may fail
        json!({"match": "token", "kind": "status", "status": 503, "times": 2}),
    ] {
        let mut case = Case::open(impatient).await;
        case.shop.exstream_faults(json!([fault])).await;
        let (entry, deliveries) = case.deliver("orders/create").await;
        assert_eq!(entry.state, State::Accepted, "{fault}: {:?}", entry.reason);
        assert!(deliveries > 1, "{fault}: the fault was not met");
        assert_eq!((case.stack.versions_of(&entry).await, case.shop.emails().await.len()), (2, 1), "{fault}");
    }
}

/// HTTP 200 with an error inside is never taken for a document.
#[tokio::test]
async fn a_success_that_is_none_fails_with_its_reason() {
    for fault in ["error_200", "empty_200", "wrong_type_200"] {
        let mut case = Case::open(str::to_owned).await;
        case.shop.exstream_faults(json!([{"match": "ondemand", "kind": fault, "times": 1}])).await;
        let (entry, deliveries) = case.deliver("orders/create").await;
        match entry.state {
            // Exstream said so: the reason is on record, and Shopify has been told
            State::Failed => {
                assert!(entry.reason.is_some(), "{fault}");
                let reported = case.shop.metafield(case.number).await;
                assert_eq!(reported["communications"][0]["state"], "failed", "{fault}: {reported}");
                assert_eq!(
                    (case.shop.emails().await.len(), case.stack.versions_of(&entry).await),
                    (0, 0),
                    "{fault}"
                );
            }
            // not an answer of Exstream's: tried again
            State::Accepted => assert!(deliveries > 1, "{fault}"),
            other => panic!("{fault}: {other}"),
        }
    }
}

#[tokio::test]
async fn a_request_exstream_refuses_fails_at_once() {
    let mut case = Case::open(str::to_owned).await;
    case.shop.exstream_faults(json!([{"match": "ondemand", "kind": "status", "status": 400}])).await;
    let (entry, deliveries) = case.deliver("orders/create").await;
    assert_eq!((entry.state, deliveries), (State::Failed, 1));
    assert!(entry.reason.unwrap().contains("400"));
    assert!(entry.archived.is_none());
}

#[tokio::test]
async fn an_expired_token_is_replaced_within_the_same_delivery() {
    let mut case = Case::open(str::to_owned).await;
    case.deliver("orders/create").await;
    case.shop.control(case.shop.exstream, "POST", "expire-tokens", None).await;
    let (entry, deliveries) = case.deliver("orders/paid").await;
    assert_eq!((entry.state, deliveries), (State::Accepted, 1));
}

/// A time-out of a send is not a failed send.
#[tokio::test]
async fn an_email_whose_answer_is_lost_is_unknown_and_never_repeated() {
    let mut case = Case::open(impatient).await;
    case.shop.exstream_faults(json!([{"match": "email", "kind": "timeout_after_success", "times": 1}])).await;
    let (entry, _) = case.deliver("orders/create").await;
    assert_eq!((entry.state, case.shop.emails().await.len()), (State::Unknown, 1));
    // a later delivery of the same work changes nothing
    let (entry, deliveries) = case.deliver("orders/create").await;
    assert_eq!((entry.state, deliveries, case.shop.emails().await.len()), (State::Unknown, 1, 1));
    assert_eq!(case.shop.metafield(case.number).await["communications"][0]["state"], "unknown");
}

#[tokio::test]
async fn an_email_that_was_certainly_not_taken_is_sent_later() {
    let mut case = Case::open(str::to_owned).await;
    case.shop
        .exstream_faults(
            json!([{"match": "email", "kind": "throttled", "retry_after_seconds": 1, "times": 2}]),
        )
        .await;
    let (entry, deliveries) = case.deliver("orders/create").await;
    assert_eq!((entry.state, deliveries), (State::Accepted, 3));
    assert_eq!(
        (case.shop.emails().await.len(), case.shop.outputs().await.len()),
        (1, 1),
        "composed once, sent once"
    );
}

/// The event was too large to carry its order: it is fetched, through throttling and all.
#[tokio::test]
async fn an_order_is_fetched_through_throttling() {
    let mut case = Case::open(str::to_owned).await;
    let event = case.shop.event("orders/create", case.number, |_| {});
    case.shop.register(&event).await;
    case.shop.shopify_faults(json!([{"match": "OrderForDocuments", "kind": "throttled", "times": 1}])).await;
    let mut item = case.shop.work_item(&event);
    item.as_object_mut().unwrap().remove("payload");
    let (entry, _) = case.deliver_item("orders/create", &item).await;
    assert_eq!(entry.state, State::Accepted, "{:?}", entry.reason);

    // the fetched order makes the same document as the event's own payload
    let (_, object) = case.stack.object(&entry.archived.unwrap().archive_key).await;
    let details = object.metadata().unwrap()["details"].clone();
    assert!(!details.is_empty());
}

#[tokio::test]
async fn an_order_shopify_does_not_have_fails_with_that_reason() {
    let mut case = Case::open(str::to_owned).await;
    let event = case.shop.event("orders/create", case.number, |_| {});
    let mut item = case.shop.work_item(&event);
    item.as_object_mut().unwrap().remove("payload");
    let hours_ago = |hours| (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours)).to_string();
    item["trigger"]["triggered_at"] = hours_ago(2).into();
    let (entry, deliveries) = case.deliver_item("orders/create", &item).await;
    assert_eq!((entry.state, deliveries), (State::Failed, 1));
    assert_eq!(entry.reason.as_deref(), Some("Shopify has no such order"));
}

/// Shopify's answer can lag behind its event: soon after the event, an order that is not there is waited for.
#[tokio::test]
async fn an_order_shopify_does_not_show_yet_is_waited_for() {
    let mut case = Case::open(str::to_owned).await;
    let event = case.shop.event("orders/create", case.number, |_| {});
    let mut item = case.shop.work_item(&event);
    item.as_object_mut().unwrap().remove("payload");
    item["trigger"]["triggered_at"] = jiff::Timestamp::now().to_string().into();
    let waiting = case.worker.deliver_once(std::slice::from_ref(&item), 1).await;
    assert_eq!(waiting, [0], "it comes back");
    case.shop.register(&event).await;
    let (entry, _) = case.deliver_item("orders/create", &item).await;
    assert_eq!(entry.state, State::Accepted, "{:?}", entry.reason);
}

/// A payload is a hint: one that cannot be read leads to a question.
#[tokio::test]
async fn an_order_whose_payload_cannot_be_read_is_fetched() {
    let mut case = Case::open(str::to_owned).await;
    let event = case.shop.event("orders/create", case.number, |_| {});
    case.shop.register(&event).await;
    let mut item = case.shop.work_item(&event);
    item["payload"]["line_items"][1]["price_set"]["presentment_money"]["amount"] = "a lot".into();
    let (entry, deliveries) = case.deliver_item("orders/create", &item).await;
    assert_eq!((entry.state, deliveries), (State::Accepted, 1), "{:?}", entry.reason);
}

#[tokio::test]
async fn nobody_to_send_to_is_suppressed_with_the_reason() {
    let mut case =
        Case::open(|text| text.replace("channels = [\"email\", \"print\"]", "channels = [\"email\"]")).await;
    let event = case.shop.event("orders/create", case.number, |payload| {
        payload["email"] = Value::Null;
        payload["contact_email"] = Value::Null;
        payload["customer"]["email"] = Value::Null;
    });
    case.shop.register(&event).await;
    let (entry, _) = case.deliver_item("orders/create", &case.shop.work_item(&event)).await;
    assert_eq!(entry.state, State::Suppressed);
    assert_eq!(entry.reason.as_deref(), Some("no channel can reach the recipient"));
    assert_eq!(case.shop.metafield(case.number).await["communications"][0]["state"], "suppressed");
}

/// Six workers with a batch of ten each, and a gateway that answers every send with a page.
#[tokio::test]
async fn an_outage_that_answers_502_costs_a_handful_and_the_rest_is_sent_once_after_it() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let down = |operation: &str| json!({"match": operation, "kind": "non_json_error", "status": 502});
    shop.exstream_faults(json!([down("email"), down("email_status")])).await;
    let mut batches = Vec::new();
    for _ in 0..6 {
        let mut items = Vec::new();
        for _ in 0..10 {
            let event = shop.event("orders/create", order_number(), |_| {});
            shop.register(&event).await;
            items.push(shop.work_item(&event));
        }
        batches.push((Worker::start("order-confirmation", &stack.environment()).await, items));
    }
    let mut receive_count = 0;
    while receive_count < 3 {
        receive_count += 1;
        redeliver(&mut batches, receive_count).await;
    }
    let unknown = count(&stack, &shop, State::Unknown).await;
    assert!((3..=10).contains(&unknown), "{unknown} of 60 are unknown");
    assert_eq!(
        (shop.requests(shop.exstream, "email").await as usize, shop.emails().await.len()),
        (unknown, 0)
    );

    shop.exstream_faults(json!([])).await;
    let until = tokio::time::Instant::now() + std::time::Duration::from_secs(120);
    while batches.iter().any(|(_, items)| !items.is_empty()) {
        assert!(tokio::time::Instant::now() < until, "some are still not sent");
        receive_count += 1;
        redeliver(&mut batches, receive_count).await;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    let accepted = count(&stack, &shop, State::Accepted).await;
    assert_eq!((accepted, count(&stack, &shop, State::Unknown).await), (60 - unknown, unknown));
    let emails = shop.emails().await;
    let distinct: std::collections::BTreeSet<_> =
        emails.iter().map(|email| email["customer_reference"].as_str().unwrap()).collect();
    assert_eq!((emails.len(), distinct.len()), (60 - unknown, 60 - unknown), "each once");
}

/// Gives each worker what it has not acknowledged, all workers at once.
async fn redeliver(batches: &mut [(Worker, Vec<Value>)], receive_count: u32) {
    let deliveries =
        batches.iter_mut().filter(|(_, items)| !items.is_empty()).map(async |(worker, items)| {
            let failed = worker.deliver_once(items, receive_count).await;
            *items = failed.iter().map(|place| items[*place].clone()).collect();
        });
    futures::future::join_all(deliveries).await;
}

async fn count(stack: &Stack, shop: &Shop, state: State) -> usize {
    stack.entries(&shop.domain).await.iter().filter(|entry| entry.state == state).count()
}
