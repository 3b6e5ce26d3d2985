//! The function against a bus and a dead-letter queue over the wire.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    reason = "an overflow or a missing value is a failed test"
)]

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use fakes::{Seen, Server};
use jiff::Timestamp;
use outcome_events::{Bus, Failure, OutcomeEvents, StreamEvent, Tools};
use serde_json::{Value, json};
use service::Invocation;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use work::Queue;

const NOW: &str = "2026-11-27T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// What the bus took, what it refuses and how often, and the dead letters.
#[derive(Default)]
struct Store {
    taken: Vec<Value>,
    /// By communication: the code of the refusal and how many there will be.
    refuses: HashMap<String, (&'static str, usize)>,
    /// How many requests fail as a whole.
    fails: usize,
    letters: Vec<Value>,
    queue_fails: bool,
}

struct World {
    store: Arc<Mutex<Store>>,
    server: Server,
    function: OutcomeEvents,
}

impl World {
    async fn new(store: Store) -> Self {
        let store = Arc::new(Mutex::new(store));
        let shared = Arc::clone(&store);
        let server = Server::start(move |seen| answer(&mut shared.lock().unwrap(), seen)).await;
        let aws = fakes::aws(&server.base).await;
        let function = OutcomeEvents::with(Tools {
            bus: Bus::new(aws_sdk_eventbridge::Client::new(&aws), "outcomes".to_owned()),
            dead_letters: Queue::new(aws_sdk_sqs::Client::new(&aws), format!("{}/dlq", server.base)),
            clock: now,
        });
        Self { store, server, function }
    }

    /// What is to be delivered again.
    async fn handle(&self, records: Vec<Value>) -> Vec<String> {
        let batch: StreamEvent = serde_json::from_value(json!({"Records": records})).unwrap();
        let deadline = now() + Duration::from_secs(60);
        let response = self.function.handle(&batch, &Invocation { request_id: "r".into(), deadline }).await;
        response.failures.into_iter().map(|Failure { sequence_number }| sequence_number).collect()
    }

    /// The numbers of the communications whose events the bus took, in order.
    fn taken(&self) -> Vec<u32> {
        let store = self.store.lock().unwrap();
        store.taken.iter().map(|event| number(event["communication"].as_str().unwrap())).collect()
    }

    fn letters(&self) -> Vec<Value> {
        self.store.lock().unwrap().letters.clone()
    }

    fn requests(&self) -> usize {
        let puts = |seen: &&Seen| seen.header("x-amz-target").is_some_and(|it| it.ends_with("PutEvents"));
        self.server.seen().iter().filter(puts).count()
    }
}

fn answer(store: &mut Store, seen: &Seen) -> Response {
    let request: Value = serde_json::from_slice(&seen.body).unwrap();
    if seen.header("x-amz-target").unwrap().ends_with("SendMessage") {
        if store.queue_fails {
            return (StatusCode::BAD_REQUEST, r#"{"__type":"AccessDenied"}"#).into_response();
        }
        store.letters.push(serde_json::from_str(request["MessageBody"].as_str().unwrap()).unwrap());
        return json!({"MessageId": "m", "MD5OfMessageBody": "m"}).to_string().into_response();
    }
    if store.fails > 0 {
        store.fails -= 1;
        return (StatusCode::INTERNAL_SERVER_ERROR, r#"{"__type":"InternalException"}"#).into_response();
    }
    let entries = request["Entries"].as_array().unwrap();
    assert!((1..=10).contains(&entries.len()), "EventBridge takes ten at most");
    let results: Vec<_> = entries.iter().map(|entry| put(store, entry)).collect();
    let failed = results.iter().filter(|result| result["ErrorCode"].is_string()).count();
    json!({"FailedEntryCount": failed, "Entries": results}).to_string().into_response()
}

fn put(store: &mut Store, entry: &Value) -> Value {
    assert_eq!(
        (&entry["EventBusName"], &entry["Source"], &entry["DetailType"]),
        (&json!("outcomes"), &json!("shopify-exstream"), &json!("CommunicationOutcome"))
    );
    let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
    match store.refuses.get_mut(detail["communication"].as_str().unwrap()) {
        Some((code, left)) if *left > 0 => {
            *left -= 1;
            json!({"ErrorCode": code, "ErrorMessage": "no"})
        }
        _ => {
            store.taken.push(detail);
            json!({"EventId": "e"})
        }
    }
}

fn id(number: u32) -> String {
    format!("{number:032x}")
}

fn number(id: &str) -> u32 {
    u32::from_str_radix(id, 16).unwrap()
}

fn image(number: u32, state: &str) -> Value {
    let text = |text: &str| json!({"S": text});
    json!({
        "pk": text(&id(number)), "shop": text("acme.myshopify.com"), "flow": text("order-confirmation"),
        "document": text("receipt"), "subject": text("gid://shopify/Order/1"), "revision": text("initial"),
        "reported_on": text("gid://shopify/Order/1"), "state": text(state), "attempts": {"N": "1"},
        "created_epoch_ms": {"N": "1"}, "updated_epoch_ms": {"N": "1790000000000"},
        "channel": text("email"), "write_back": text("pending"),
    })
}

/// A change from one state to another, made so many hours ago.
fn change(number: u32, from: &str, to: &str, hours: i64) -> Value {
    let made = now().as_second() - hours * 3600;
    json!({
        "eventName": "MODIFY",
        "dynamodb": {
            "SequenceNumber": format!("s{number}"), "ApproximateCreationDateTime": made,
            "Keys": {"pk": {"S": id(number)}}, "OldImage": image(number, from), "NewImage": image(number, to),
        }
    })
}

fn failed(number: u32) -> Value {
    change(number, "claimed", "failed", 0)
}

fn refusing(number: u32, code: &'static str, times: usize) -> Store {
    Store { refuses: HashMap::from([(id(number), (code, times))]), ..Store::default() }
}

#[tokio::test]
async fn each_outcome_is_one_event_in_the_order_of_the_stream() {
    let world = World::new(Store::default()).await;
    let mut records: Vec<_> = (0..23).map(failed).collect();
    // nothing of these is an outcome
    records.insert(3, change(900, "failed", "failed", 0));
    records.insert(7, change(901, "claimed", "sending", 0));
    assert_eq!(world.handle(records).await, [""; 0]);
    assert_eq!(world.taken(), (0..23).collect::<Vec<_>>());
    assert_eq!(world.requests(), 3, "ten at a time");
}

#[tokio::test]
async fn a_batch_that_comes_again_makes_equal_events() {
    let world = World::new(Store::default()).await;
    for _ in 0..2 {
        assert_eq!(world.handle(vec![failed(1)]).await, [""; 0]);
    }
    let store = world.store.lock().unwrap();
    assert_eq!(store.taken.len(), 2);
    assert_eq!(store.taken[0], store.taken[1]);
}

#[tokio::test]
async fn of_a_batch_without_an_outcome_the_bus_hears_nothing() {
    let world = World::new(Store::default()).await;
    world.handle(vec![change(1, "delivered", "delivered", 0)]).await;
    assert_eq!(world.requests(), 0);
}

#[tokio::test]
async fn a_refused_entry_is_put_again_by_itself() {
    let world = World::new(refusing(4, "ThrottlingException", 2)).await;
    assert_eq!(world.handle((0..10).map(failed).collect()).await, [""; 0]);
    assert_eq!(world.taken(), [0, 1, 2, 3, 5, 6, 7, 8, 9, 4]);
    assert_eq!(world.requests(), 3);
}

#[tokio::test]
async fn what_the_bus_refuses_for_now_comes_again_with_all_after_it() {
    let world = World::new(refusing(4, "InternalFailure", 99)).await;
    assert_eq!(world.handle((0..25).map(failed).collect()).await, ["s4"]);
    assert_eq!(world.letters(), [Value::Null; 0]);
    assert!(world.taken().iter().all(|number| *number < 10), "nothing after its chunk was put");
    world.store.lock().unwrap().refuses.clear();
    assert_eq!(world.handle((4..25).map(failed).collect()).await, [""; 0]);
    let mut taken = world.taken();
    taken.sort();
    taken.dedup();
    assert_eq!(taken, (0..25).collect::<Vec<_>>(), "at least once");
}

#[tokio::test]
async fn what_the_bus_refuses_for_good_becomes_a_dead_letter_that_can_be_put_again() {
    let world = World::new(refusing(4, "MalformedDetail", 99)).await;
    assert_eq!(world.handle((0..10).map(failed).collect()).await, [""; 0]);
    assert_eq!(world.taken(), [0, 1, 2, 3, 5, 6, 7, 8, 9]);
    assert_eq!(world.requests(), 1, "no repetition helps");
    let letters = world.letters();
    assert_eq!((letters.len(), &letters[0]["EventBusName"]), (1, &json!("outcomes")));
    let detail: Value = serde_json::from_str(letters[0]["Detail"].as_str().unwrap()).unwrap();
    assert_eq!(detail["communication"], id(4));
}

#[tokio::test]
async fn after_six_hours_a_bus_that_is_gone_keeps_nothing_back() {
    let world = World::new(refusing(1, "ResourceNotFoundException", 99)).await;
    assert_eq!(world.handle(vec![change(1, "claimed", "failed", 5), failed(2)]).await, ["s1"]);
    assert_eq!(world.handle(vec![change(1, "claimed", "failed", 7), failed(2)]).await, [""; 0]);
    assert_eq!(world.letters().len(), 1);
}

#[tokio::test]
async fn a_bus_that_does_not_answer_keeps_everything_back() {
    let world = World::new(Store { fails: 1, ..Store::default() }).await;
    assert_eq!(world.handle((0..3).map(failed).collect()).await, ["s0"]);
    assert_eq!(world.handle((0..3).map(failed).collect()).await, [""; 0]);
    assert_eq!(world.taken(), [0, 1, 2]);
}

#[tokio::test]
async fn a_poisoned_record_becomes_a_dead_letter_and_its_neighbours_are_told() {
    let world = World::new(Store::default()).await;
    let mut poisoned = failed(2);
    poisoned["dynamodb"]["NewImage"]["document"] = json!({"S": "postcard"});
    assert_eq!(world.handle(vec![failed(1), poisoned, failed(3)]).await, [""; 0]);
    assert_eq!(world.taken(), [1, 3]);
    let letters = world.letters();
    assert_eq!((letters.len(), &letters[0]["communication"]), (1, &json!(id(2))));
}

/// Nothing is let go of that nobody has.
#[tokio::test]
async fn without_a_dead_letter_queue_it_comes_again() {
    let world = World::new(Store { queue_fails: true, ..refusing(1, "MalformedDetail", 99) }).await;
    assert_eq!(world.handle(vec![failed(0), failed(1)]).await, ["s1"]);
    let mut poisoned = failed(2);
    poisoned["dynamodb"]["NewImage"]["document"] = json!({"S": "postcard"});
    assert_eq!(world.handle(vec![failed(0), poisoned, failed(3)]).await, ["s2"]);
    assert_eq!(world.taken(), [0, 0]);
}
