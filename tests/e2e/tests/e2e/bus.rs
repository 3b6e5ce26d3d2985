//! The whole way: an event on the bus, a document, a report in Shopify.

use comms::{Document, Gid, State, WriteBackState};
use e2e::{eventually, order_number, runtime::Worker, shop::Shop, stack::Stack};
use serde_json::json;

#[tokio::test]
async fn a_paid_order_becomes_archived_delivered_and_reported_documents() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let number = order_number();
    let created = shop.event("orders/create", number, |_| {});
    shop.register(&created).await;
    stack.put(&created).await;
    stack.put(&shop.event("orders/paid", number, |_| {})).await;

    let confirmation = shop.settled(&stack, &shop.id(Document::OrderConfirmation, number)).await;
    assert_eq!((confirmation.state, confirmation.channel.as_deref()), (State::Accepted, Some("email")));
    assert_eq!(confirmation.write_back, WriteBackState::Reported);
    let receipt = shop.settled(&stack, &shop.id(Document::Receipt, number)).await;
    assert_eq!((receipt.state, receipt.channel.as_deref()), (State::Accepted, Some("print")));

    let emails = shop.emails().await;
    assert_eq!(emails.len(), 1);
    assert!(emails[0].to_string().contains("camille.moreau@example.com"), "{}", emails[0]);

    let spooled = receipt.reference.unwrap();
    let get =
        stack.s3.get_object().bucket(stack.output("OperationsBucket")).key(&spooled).send().await.unwrap();
    let bytes = get.body.collect().await.unwrap().to_vec();
    assert_eq!(
        archive::sha256_hex(&bytes),
        receipt.archived.unwrap().sha256,
        "the spool holds the archived bytes"
    );

    let metafield = shop.metafield(number).await;
    let reported = metafield["communications"].as_array().unwrap();
    let states: Vec<_> = reported.iter().map(|it| (it["document"].as_str(), it["state"].as_str())).collect();
    assert!(states.contains(&(Some("order-confirmation"), Some("accepted"))), "{metafield}");
    assert!(states.contains(&(Some("receipt"), Some("accepted"))), "{metafield}");
    let text = metafield.to_string();
    assert!(
        text.contains("6f1f3ad0-7a55-4a07-9d0e-0c9b5b1f6a01@12"),
        "the template's version is reported: {text}"
    );
    let tags = eventually("both tags are on the order", || async {
        let tags = shop.tags(number).await;
        (tags.as_array().is_some_and(|tags| tags.len() == 2)).then_some(tags)
    });
    assert_eq!(tags.await, json!(["confirmation-sent", "receipt-printed"]));
}

#[tokio::test]
async fn fifty_deliveries_of_both_topics_in_any_order_make_one_of_each() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let number = order_number();
    let created = shop.event("orders/create", number, |_| {});
    let paid = shop.event("orders/paid", number, |_| {});
    shop.register(&created).await;
    for round in 0..50 {
        // paid overtakes created in every other pass
        let (first, second) = if round % 2 == 0 { (&paid, &created) } else { (&created, &paid) };
        stack.put(first).await;
        stack.put(second).await;
    }
    let confirmation = shop.settled(&stack, &shop.id(Document::OrderConfirmation, number)).await;
    let receipt = shop.settled(&stack, &shop.id(Document::Receipt, number)).await;
    assert_eq!((confirmation.state, receipt.state), (State::Accepted, State::Accepted));
    // whatever is still on its way meets what these meet now: another twenty, ten at once
    let mut worker = Worker::start("order-confirmation", &stack.environment()).await;
    for event in [&created, &paid] {
        let items = vec![shop.work_item(event); 10];
        worker.deliver_all(&items, 1).await;
    }
    assert_eq!(
        stack.ledger.of_resource(&shop.domain, &Gid::new("Order", number)).await.unwrap().entries.len(),
        2
    );
    assert_eq!(shop.emails().await.len(), 1, "one confirmation was sent");
    assert_eq!(shop.outputs().await.len(), 2, "each document was composed once");
    for entry in [&confirmation, &receipt] {
        assert_eq!(stack.versions_of(entry).await, 2, "one document, one record");
    }
}

#[tokio::test]
async fn a_poison_message_goes_to_the_dead_letters_alone() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let numbers: Vec<_> = (0..9).map(|_| order_number()).collect();
    let mut bodies = Vec::new();
    for &number in &numbers {
        let event = shop.event("orders/create", number, |_| {});
        shop.register(&event).await;
        bodies.push(shop.work_item(&event).to_string());
    }
    let poison = format!("{{\"v\":1,\"shop\":\"not a shop\",\"marker\":\"{}\"}}", shop.domain);
    bodies.insert(4, poison);
    stack.send_batch("QueueUrlOrderConfirmation", &bodies).await;
    for &number in &numbers {
        let entry = shop.settled(&stack, &shop.id(Document::OrderConfirmation, number)).await;
        assert_eq!(entry.state, State::Accepted);
    }
    let dead = stack.output("DeadLetterUrlOrderConfirmation");
    let found = eventually("the poison is in the dead-letter queue", || async {
        stack.receive(dead, shop.domain.as_str()).await.pop()
    });
    assert!(found.await.contains("not a shop"));
    assert_eq!(shop.emails().await.len(), 9);
}

#[tokio::test]
async fn shopify_throttling_delays_the_report_and_loses_nothing() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let number = order_number();
    shop.shopify_faults(json!([{"match": "StatusWrite", "kind": "throttled", "times": 2}])).await;
    let entry = shop.confirmed(&stack, number, |_| {}).await;
    assert_eq!((entry.state, entry.write_back), (State::Accepted, WriteBackState::Reported));
    assert_eq!(shop.metafield(number).await["communications"][0]["state"], "accepted");
}

/// The order was deleted in Shopify: there is nowhere to report to, which is recorded and ends there.
#[tokio::test]
async fn a_report_on_a_deleted_order_is_recorded_as_failed() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let number = order_number();
    stack.put(&shop.event("orders/create", number, |_| {})).await;
    let entry = shop.settled(&stack, &shop.id(Document::OrderConfirmation, number)).await;
    assert_eq!((entry.state, entry.write_back), (State::Accepted, WriteBackState::Failed));
    assert!(entry.write_back_reason.unwrap().contains("not found"));
}
