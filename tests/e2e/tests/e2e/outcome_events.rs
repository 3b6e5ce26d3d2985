//! Events of outcomes, from what documents come to as far as a queue behind the deployer's bus.

use comms::{CommunicationId, Document, State};
use e2e::{eventually, order_number, shop::Shop, stack::Stack};
use serde_json::{Value, json};
use std::cell::RefCell;

/// A queue that gets every event of one shop.
struct Listener<'a> {
    stack: &'a Stack,
    queue_url: String,
}

impl<'a> Listener<'a> {
    async fn to(stack: &'a Stack, shop: &Shop) -> Self {
        let name = format!("outcomes-{}", shop.domain.as_str().split('.').next().unwrap());
        let queue = stack.sqs.create_queue().queue_name(&name).send().await.unwrap();
        let queue_url = queue.queue_url().unwrap().to_owned();
        let pattern = json!({"source": ["shopify-exstream"], "detail": {"shop": [shop.domain]}});
        stack.listen("OutcomeBusName", &name, &pattern, &queue_url).await;
        Self { stack, queue_url }
    }

    /// The outcomes of a communication that have come, once there are `count`, each counted once.
    async fn outcomes(&self, communication: &CommunicationId, count: usize) -> Vec<Value> {
        let known: RefCell<Vec<Value>> = RefCell::default();
        eventually("the outcomes are told", || async {
            for body in self.stack.receive(&self.queue_url, communication.as_str()).await {
                let event: Value = serde_json::from_str(&body).unwrap();
                assert_eq!(event["detail-type"], "CommunicationOutcome");
                let mut known = known.borrow_mut();
                if known.iter().all(|it| it["id"] != event["detail"]["id"]) {
                    known.push(event["detail"].clone());
                }
            }
            (known.borrow().len() >= count).then_some(())
        })
        .await;
        let mut known = known.into_inner();
        known.sort_by_key(|detail| detail["step"].as_u64());
        known
    }
}

fn names(details: &[Value]) -> Vec<&str> {
    details.iter().map(|detail| detail["outcome"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_email_is_told_of_when_it_is_delivered_and_again_when_it_comes_back() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let listener = Listener::to(&stack, &shop).await;
    let entry = shop.confirmed(&stack, order_number(), |_| {}).await;
    assert_eq!(entry.state, State::Accepted);
    let pass = async |state| {
        stack.ledger.check_again(entry.communication.as_str(), jiff::Timestamp::now()).await.unwrap();
        crate::passes::settles_as(&stack, &shop, &entry, state).await;
    };
    pass(State::Delivered).await;
    let rule = json!([{"email": "camille.moreau@example.com", "outcome": "returned", "status": "5.7.1"}]);
    shop.control(shop.exstream, "PUT", "outcomes", Some(&rule)).await;
    pass(State::Bounced).await;
    let told = listener.outcomes(&entry.communication, 2).await;
    assert_eq!(names(&told), ["delivered", "bounced"], "being accepted is no outcome of an e-mail");
    assert_eq!(told[1]["sha256"], entry.archived.unwrap().sha256);
    let schema = include_str!("../../../../functions/outcome-events/schemas/outcome-event.v1.json");
    let text = format!("{told:?}");
    for detail in &told {
        contract::conforms(&serde_json::from_str(schema).unwrap(), detail);
    }
    for personal in ["camille", "Camille", "example.com"] {
        assert!(!text.contains(personal), "{text}");
    }
}

#[tokio::test]
async fn what_is_archived_printed_or_not_sent_is_told_once() {
    let stack = Stack::open().await;
    let only_archived = |text: &str| text.replace(r#"channels = ["email", "print"]"#, "channels = []");
    let shop = Shop::open(&stack, only_archived).await;
    let listener = Listener::to(&stack, &shop).await;
    let number = order_number();
    let created = shop.event("orders/create", number, |_| {});
    shop.register(&created).await;
    stack.put(&created).await;
    stack.put(&shop.event("orders/paid", number, |_| {})).await;
    let cancelled = order_number();
    let event = shop.event("orders/create", cancelled, |order| {
        order["cancelled_at"] = json!("2026-11-22T10:00:00+01:00")
    });
    stack.put(&event).await;
    for (document, number, outcome) in [
        (Document::OrderConfirmation, number, "archived"),
        (Document::Receipt, number, "accepted"),
        (Document::OrderConfirmation, cancelled, "suppressed"),
    ] {
        let id = shop.id(document, number);
        shop.settled(&stack, &id).await;
        let told = listener.outcomes(&id, 1).await;
        assert_eq!(names(&told), [outcome]);
        assert_eq!(told[0]["subject"], format!("gid://shopify/Order/{number}"));
    }
}
