//! The functions that make passes: what channels say later, and missed events.

use comms::{CommunicationId, Document, Revision, State, WriteBackState};
use e2e::{
    eventually, order_number,
    runtime::{Ended, Worker},
    samples::Samples,
    shop::Shop,
    stack::Stack,
};
use ledger::Entry;
use serde_json::{Value, json};
use std::time::Duration;

async fn pass(stack: &Stack, function: &str) -> Value {
    let mut worker = Worker::start(function, &stack.environment()).await;
    match worker.invoke(&json!({}), Duration::from_secs(60)).await {
        Ended::Response(pass) => pass,
        other => panic!("{function}: {other:?}"),
    }
}

/// An order whose confirmation went out by e-mail, due to be asked about.
async fn accepted(stack: &Stack, shop: &Shop) -> (u64, Entry) {
    let number = order_number();
    let entry = shop.confirmed(stack, number, |_| {}).await;
    assert_eq!(entry.state, State::Accepted);
    let now = jiff::Timestamp::now();
    let due = stack
        .ledger
        .due_checks(&shop.domain, now + jiff::SignedDuration::from_mins(6), 10)
        .await
        .unwrap()
        .entries;
    assert_eq!(due.len(), 1, "it will be asked about within six minutes");
    assert!(
        stack.ledger.due_checks(&shop.domain, now, 10).await.unwrap().entries.is_empty(),
        "but not at once"
    );
    stack.ledger.check_again(entry.communication.as_str(), now).await.unwrap();
    (number, entry)
}

pub async fn settles_as(stack: &Stack, shop: &Shop, entry: &Entry, state: State) -> Entry {
    eventually(&format!("it becomes {state} and Shopify knows"), || async {
        pass(stack, "delivery-status").await;
        let entry = shop.settled(stack, &entry.communication).await;
        if entry.state != state {
            // asked before the mail server had answered: the next question comes in minutes
            let _ = stack.ledger.check_again(entry.communication.as_str(), jiff::Timestamp::now()).await;
        }
        (entry.state == state && entry.write_back == WriteBackState::Reported).then_some(entry)
    })
    .await
}

#[tokio::test]
async fn an_accepted_email_becomes_delivered_on_the_channels_word() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let (number, entry) = accepted(&stack, &shop).await;
    settles_as(&stack, &shop, &entry, State::Delivered).await;
    let told = shop.metafield(number).await;
    assert_eq!(told["communications"][0]["state"], "delivered", "{told}");
    let due = |hours: i64| jiff::Timestamp::now() + jiff::SignedDuration::from_mins(hours * 60 - 25);
    for (hours, expected) in [(0, 0), (1, 1)] {
        let due = stack.ledger.due_checks(&shop.domain, due(hours), 10).await.unwrap().entries;
        assert_eq!(due.len(), expected, "asked again after half an hour, for it may still come back");
    }
}

/// The mail server took it and returned it hours later.
#[tokio::test]
async fn a_dsn_after_sent_turns_delivered_into_bounced() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let (number, entry) = accepted(&stack, &shop).await;
    settles_as(&stack, &shop, &entry, State::Delivered).await;
    assert_eq!(shop.metafield(number).await["communications"][0]["state"], "delivered");

    let rule = json!([{"email": "camille.moreau@example.com", "outcome": "returned", "status": "5.7.1"}]);
    shop.control(shop.exstream, "PUT", "outcomes", Some(&rule)).await;
    for shape in ["lists", "documented"] {
        shop.exstream_settings(json!({"event_shape": shape})).await;
    }
    let bounced = settles_as(&stack, &shop, &entry, State::Bounced).await;
    let reason = bounced.reason.unwrap();
    assert!(reason.ends_with("5.7.1"), "{reason}");
    let told = shop.metafield(number).await;
    let told = &told["communications"][0];
    assert_eq!((&told["state"], &told["reason"]), (&json!("bounced"), &json!(reason)));
    assert_eq!(shop.emails().await.len(), 1, "and nothing is sent again");
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * 30);
    let due = stack.ledger.due_checks(&shop.domain, later, 10).await.unwrap().entries;
    assert!(due.is_empty(), "that was the last word");
}

#[tokio::test]
async fn a_bounce_is_recorded_with_its_reason_and_nothing_is_sent_again() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let rule = json!([{"email": "camille.moreau@example.com", "outcome": "bounced", "status": "5.1.1"}]);
    shop.control(shop.exstream, "PUT", "outcomes", Some(&rule)).await;
    let (number, entry) = accepted(&stack, &shop).await;
    let bounced = settles_as(&stack, &shop, &entry, State::Bounced).await;
    assert!(bounced.reason.is_some());
    assert_eq!(shop.metafield(number).await["communications"][0]["state"], "bounced");
    assert_eq!(shop.emails().await.len(), 1);
}

/// A regulated letter is of the kind that must not be thought delivered when it was not, and not sent twice either.
#[tokio::test]
async fn a_regulated_letter_that_bounces_says_so_and_is_not_sent_again() {
    let stack = Stack::open().await;
    let shop = Shop::open_demo(&stack, str::to_owned).await;
    shop.register_samples("exception-letters").await;
    let rule = json!([{"email": "paula.keller@example.org", "outcome": "bounced", "status": "5.1.1"}]);
    shop.control(shop.exstream, "PUT", "outcomes", Some(&rule)).await;
    stack.put(&shop.sample("exception-letters/payment-schedules-due.json")).await;
    let entry = eventually("the letter is on its way", || async {
        stack.entries(&shop.domain).await.into_iter().find(|entry| entry.state == State::Accepted)
    })
    .await;
    assert_eq!(entry.document, Document::PaymentOverdueLetter);
    let entry = shop.settled(&stack, &entry.communication).await;
    stack.ledger.check_again(entry.communication.as_str(), jiff::Timestamp::now()).await.unwrap();
    let bounced = settles_as(&stack, &shop, &entry, State::Bounced).await;
    assert!(bounced.reason.is_some());
    let told = shop.metafield_of(&entry.reported_on.to_string()).await;
    assert_eq!(told["communications"][0]["state"], "bounced", "{told}");
    assert!(told["communications"][0]["reason"].is_string(), "{told}");
    let emails = shop.emails().await;
    assert_eq!(emails.len(), 1, "by no other channel and not again");
    assert_eq!(stack.spooled(&shop.domain).await, 0);
}

/// A worker that died between recording an outcome and queueing its report leaves the report to the next pass.
#[tokio::test]
async fn an_outcome_whose_report_was_lost_is_reported_by_the_next_round() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let (number, entry) = accepted(&stack, &shop).await;
    let now = jiff::Timestamp::now();
    let outcome = ledger::ChannelOutcome::Delivered;
    let recorded = stack.ledger.record_outcome(&entry, &outcome, WriteBackState::Pending, now).await;
    assert_eq!(recorded.unwrap().unwrap().state, State::Delivered);
    let later = now + jiff::SignedDuration::from_millis(1);
    assert!(
        stack
            .ledger
            .record_outcome(&entry, &outcome, WriteBackState::Pending, later)
            .await
            .unwrap()
            .is_none()
    );
    settles_as(&stack, &shop, &entry, State::Delivered).await;
    assert_eq!(shop.metafield(number).await["communications"][0]["state"], "delivered");
}

#[tokio::test]
async fn a_day_of_silence_is_unconfirmed_and_no_reason_to_send_again() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let rule = json!([{"email": "camille.moreau@example.com", "outcome": "silent"}]);
    shop.control(shop.exstream, "PUT", "outcomes", Some(&rule)).await;
    let (number, entry) = accepted(&stack, &shop).await;
    pass(&stack, "delivery-status").await;
    assert_eq!(stack.ledger.get(&entry.communication).await.unwrap().unwrap().reason, None, "not yet");
    // as if it had been accepted yesterday
    let yesterday = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(25);
    let update = stack.dynamodb.update_item().table_name(stack.output("TableName"));
    update
        .key("pk", aws_sdk_dynamodb::types::AttributeValue::S(entry.communication.to_string()))
        .update_expression("SET updated_epoch_ms = :then, check_epoch_ms = :then")
        .expression_attribute_values(
            ":then",
            aws_sdk_dynamodb::types::AttributeValue::N(yesterday.as_millisecond().to_string()),
        )
        .send()
        .await
        .unwrap();
    let unconfirmed = eventually("the silence is noted", || async {
        pass(&stack, "delivery-status").await;
        let entry = shop.settled(&stack, &entry.communication).await;
        entry.reason.is_some().then_some(entry)
    })
    .await;
    assert_eq!(unconfirmed.state, State::Accepted);
    eventually("Shopify is told", || async {
        let told = shop.metafield(number).await;
        told["communications"][0]["reason"]
            .as_str()
            .is_some_and(|it| it.starts_with("unconfirmed"))
            .then_some(())
    })
    .await;
    assert_eq!(shop.emails().await.len(), 1);
}

/// The event was lost; the order and its payment are found in Shopify and lead to the very ids the events name.
#[tokio::test]
async fn what_no_event_brought_is_found_and_made_once() {
    let stack = Stack::open().await;
    let now = jiff::Timestamp::now();
    let since = now - jiff::SignedDuration::from_hours(10);
    let shop = Shop::open(&stack, |config| format!("{config}\n[reconcile]\nsince = \"{since}\"\n")).await;
    let at = |minutes: i64| (now - jiff::SignedDuration::from_mins(minutes)).to_string();
    let order = |number: u64, created: String| {
        shop.event("orders/create", number, |payload| {
            for field in ["created_at", "updated_at", "processed_at"] {
                payload[field] = created.clone().into();
            }
        })
    };
    let (lost, young, old) = (order_number(), order_number(), order_number());
    shop.register(&order(lost, at(60))).await;
    shop.register(&order(young, at(2))).await;
    shop.register(&order(old, at(60 * 20))).await;
    // this pass or another test's that runs at the same time
    pass(&stack, "reconcile").await;
    let id = shop.id(Document::OrderConfirmation, lost);
    assert_eq!(shop.settled(&stack, &id).await.state, State::Accepted);
    let created = shop.requests(shop.shopify, "ChangedOrders").await;
    assert!(created >= 1);

    // the event comes after all, and another pass is made
    stack.put(&order(lost, at(60))).await;
    pass(&stack, "reconcile").await;
    let entry = shop.settled(&stack, &id).await;
    assert_eq!((entry.state, entry.attempts), (State::Accepted, 1));
    assert_eq!(shop.emails().await.len(), 1, "one of what was lost; none of the young and of the old one");
    for number in [young, old] {
        assert!(stack.ledger.get(&shop.id(Document::OrderConfirmation, number)).await.unwrap().is_none());
    }
}

/// A return asked for before the look-back and declined now, and an inquiry that became a chargeback: of neither does
/// Shopify say when. Among more payments than a page of orders shows.
#[tokio::test]
async fn what_shopify_keeps_no_time_of_is_found_too() {
    let stack = Stack::open().await;
    let now = jiff::Timestamp::now();
    let ago = |hours: i64| (now - jiff::SignedDuration::from_hours(hours)).to_string();
    let since = ago(24 * 10);
    let shop =
        Shop::open_demo(&stack, |config| format!("{config}\n[reconcile]\nsince = \"{since}\"\n")).await;

    let mut returns = Samples::of("return-letters");
    let (declined, order) = (returns["return-declined"]["id"].clone(), &mut returns["order"]);
    order["updatedAt"] = ago(1).into();
    order["returns"] = json!([
        {"id": declined, "createdAt": ago(24 * 5), "requestApprovedAt": null, "status": "DECLINED"},
        // and one from before the shop began
        {"id": "gid://shopify/Return/1", "createdAt": ago(24 * 11), "requestApprovedAt": null, "status": "DECLINED"},
    ]);
    let amount = json!({"amount": "1.00", "currencyCode": "EUR"});
    order["transactions"] = (0..60)
        .map(|number| {
            json!({
                "id": format!("gid://shopify/OrderTransaction/{number}"), "kind": "SALE", "status": "SUCCESS",
                "createdAt": ago(24 * 5), "processedAt": null, "test": false, "gateway": "manual",
                "amountSet": {"shopMoney": amount, "presentmentMoney": amount},
            })
        })
        .collect();
    let mut disputes = Samples::of("exception-letters");
    let dispute = disputes["dispute-open"]["id"].as_str().unwrap().to_owned();
    let number = dispute.rsplit('/').next().unwrap();
    disputes["order-disputed"]["disputes"] = json!([{
        "id": format!("gid://shopify/OrderDisputeSummary/{number}"), "initiatedAs": "INQUIRY", "status": "NEEDS_RESPONSE",
    }]);
    disputes["dispute-open"]["initiatedAt"] = ago(24 * 6).into();
    for resource in returns.all().chain(disputes.all()) {
        shop.resource(resource).await;
    }

    let id = |document, subject: &Value, revision| {
        CommunicationId::derive(
            &shop.domain,
            document,
            &subject.as_str().unwrap().parse().unwrap(),
            &revision,
        )
    };
    let letter = id(Document::ReturnDeclined, &declined, Revision::Initial);
    let notice = id(Document::DisputeNotice, &dispute.clone().into(), Revision::named("chargeback"));
    pass(&stack, "reconcile").await;
    for id in [&letter, &notice] {
        let entry = shop.settled(&stack, id).await;
        assert_eq!(entry.state, State::Accepted, "{:?}", entry.reason);
    }
    assert!(shop.requests(shop.shopify, "ChangedOrder").await >= 1);
    let before = id(Document::ReturnDeclined, &"gid://shopify/Return/1".into(), Revision::Initial);
    assert!(stack.ledger.get(&before).await.unwrap().is_none());

    // the event comes after all, and another pass is made
    stack.put(&shop.sample("return-letters/returns-decline.json")).await;
    pass(&stack, "reconcile").await;
    let entry = shop.settled(&stack, &letter).await;
    assert_eq!((entry.state, entry.attempts), (State::Accepted, 1));
}

/// A shipment that was updated and a refund with its transaction: two occurrences name one communication. And in the
/// same look-back an order of which a part cannot be read, before another that was lost, and an order whose text SQS
/// does not take as it is.
#[tokio::test]
async fn occurrences_that_share_a_communication_and_what_cannot_be_read_stop_nothing() {
    let stack = Stack::open().await;
    let now = jiff::Timestamp::now();
    let ago = |hours: i64| (now - jiff::SignedDuration::from_hours(hours)).to_string();
    let since = ago(24 * 10);
    let shop =
        Shop::open_demo(&stack, |config| format!("{config}\n[reconcile]\nsince = \"{since}\"\n")).await;

    let mut shipments = Samples::of("shipping-documents");
    let long_ago = |order: &mut Value| {
        order["createdAt"] = ago(24 * 11).into();
        order["updatedAt"] = ago(3).into();
    };
    long_ago(&mut shipments["order"]);
    shipments["fulfillment-corrected"]["createdAt"] = ago(4).into();
    shipments["fulfillment-corrected"]["updatedAt"] = ago(3).into();
    let mut returns = Samples::of("return-letters");
    long_ago(&mut returns["order"]);
    returns["refund"]["createdAt"] = ago(3).into();
    let mut transaction = returns["refund"]["transactions"]["nodes"][0].clone();
    transaction["createdAt"] = ago(3).into();
    transaction["processedAt"] = ago(3).into();
    returns["order"]["transactions"] = json!([transaction]);
    let refund = returns["refund"]["id"].clone();
    let mut damaged = returns["order"].clone();
    damaged["id"] = format!("gid://shopify/Order/{}", order_number()).into();
    damaged["transactions"] = json!([]);
    damaged["refunds"] = json!([{"id": "gid://shopify/Refund/1", "createdAt": "soon"}]);
    returns.add("order-damaged", damaged);
    for resource in shipments.all().chain(returns.all()) {
        shop.resource(resource).await;
    }
    let lost = order_number();
    let event = shop.event("orders/create", lost, |payload| {
        for field in ["created_at", "updated_at", "processed_at"] {
            payload[field] = ago(1).into();
        }
        payload["note"] = "left \u{fffe}\u{ffff} of the door".into();
    });
    shop.register(&event).await;

    let found = pass(&stack, "reconcile").await;
    assert!(found["problems"].as_u64().unwrap() >= 1, "{found}");
    let confirmation = shop.id(Document::OrderConfirmation, lost);
    assert_eq!(shop.settled(&stack, &confirmation).await.state, State::Accepted);
    let refund = refund.as_str().unwrap().parse().unwrap();
    let letter =
        CommunicationId::derive(&shop.domain, Document::RefundConfirmation, &refund, &Revision::Initial);
    let entry = shop.settled(&stack, &letter).await;
    assert_eq!(entry.state, State::Accepted, "{:?}", entry.reason);
    let order = shipments["order"]["id"].as_str().unwrap().to_owned();
    let shipment = shipments["fulfillment-corrected"]["id"].as_str().unwrap();
    let notices = eventually("the notice is made", || async {
        let about = shop.about(&stack, &order).await;
        let notices: Vec<_> = about
            .into_iter()
            .filter(|it| it.document == Document::ShippingNotice && it.subject.as_str() == shipment)
            .collect();
        (notices.len() == 1 && !notices[0].state.is_open()).then_some(notices)
    })
    .await;
    assert_eq!(notices[0].state, State::Accepted, "{:?}", notices[0].reason);

    // nothing more is made by another pass
    pass(&stack, "reconcile").await;
    for id in [&confirmation, &letter, &notices[0].communication] {
        assert_eq!(shop.settled(&stack, id).await.attempts, 1);
    }
}

/// An item that cannot be read is counted and put off; the communication behind it is asked about.
#[tokio::test]
async fn an_item_that_cannot_be_read_keeps_no_other_from_its_outcome() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let (_, damaged) = accepted(&stack, &shop).await;
    let set = |document: &str| {
        let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
        stack
            .dynamodb
            .update_item()
            .table_name(stack.output("TableName"))
            .key("pk", text(damaged.communication.as_str()))
            .update_expression("SET #document = :document")
            .expression_attribute_names("#document", "document")
            .expression_attribute_values(":document", text(document))
            .send()
    };
    set("a-document-of-a-later-release").await.unwrap();
    let entry = shop.confirmed(&stack, order_number(), |_| {}).await;
    stack.ledger.check_again(entry.communication.as_str(), jiff::Timestamp::now()).await.unwrap();
    settles_as(&stack, &shop, &entry, State::Delivered).await;

    // a release that can read it asks about it again
    let now = jiff::Timestamp::now();
    for (at, problems) in [(now, 0), (now + jiff::SignedDuration::from_mins(6), 1)] {
        let due = stack.ledger.due_checks(&shop.domain, at, 10).await.unwrap();
        assert_eq!(
            (due.entries.len(), due.problems.len()),
            (0, problems),
            "it was put off, and not for long"
        );
    }
    set("order-confirmation").await.unwrap();
    stack.ledger.check_again(damaged.communication.as_str(), now).await.unwrap();
    settles_as(&stack, &shop, &damaged, State::Delivered).await;
}
