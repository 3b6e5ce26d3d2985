//! Several processes, one table, and a channel that has an outage.

use super::*;
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use serde_json::{Map, Value, json};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// One item, and how often it was read.
#[derive(Clone, Default)]
struct Table(Arc<(Mutex<Option<Item>>, AtomicUsize)>);

type Item = Map<String, Value>;

impl Table {
    async fn ledger(&self) -> Ledger {
        let router = Router::new().fallback(answer).with_state(self.clone());
        let url = fakes::serve(router).await;
        let config = fakes::aws_with(&url, fakes::RetryConfig::standard()).await;
        Ledger::new(aws_sdk_dynamodb::Client::new(&config), "table".to_owned())
    }

    fn item(&self) -> Option<Map<String, Value>> {
        self.0.0.lock().unwrap().clone()
    }

    fn reads(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }
}

async fn answer(State(table): State<Table>, headers: HeaderMap, body: Bytes) -> (StatusCode, Json<Value>) {
    let request: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(request["Key"]["pk"]["S"], "channel#acme.myshopify.com#t2api.example");
    let mut item = table.0.0.lock().unwrap();
    match fakes::operation(&headers) {
        "GetItem" => {
            table.0.1.fetch_add(1, Ordering::SeqCst);
            assert_eq!(request["ConsistentRead"], true);
            (StatusCode::OK, Json(item.as_ref().map_or(json!({}), |item| json!({"Item": item}))))
        }
        "DeleteItem" => {
            *item = None;
            (StatusCode::OK, Json(json!({})))
        }
        "UpdateItem" => match update(item.as_ref(), &request) {
            Some(updated) => {
                *item = Some(updated.clone());
                (StatusCode::OK, Json(json!({"Attributes": updated})))
            }
            None => {
                let kind = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
                (StatusCode::BAD_REQUEST, Json(json!({"__type": kind, "message": "no"})))
            }
        },
        other => panic!("{other}"),
    }
}

fn update(item: Option<&Map<String, Value>>, request: &Value) -> Option<Map<String, Value>> {
    let values = &request["ExpressionAttributeValues"];
    let number = |value: &Value| value["N"].as_str().and_then(|it| it.parse::<i64>().ok());
    let known = |name: &str| item.and_then(|item| item.get(name)).and_then(number);
    let holds = match request["ConditionExpression"].as_str() {
        None => true,
        Some("doubted_epoch_ms >= :recent") => known("doubted_epoch_ms") >= number(&values[":recent"]),
        Some("attribute_not_exists(doubted_epoch_ms) OR doubted_epoch_ms < :recent") => {
            known("doubted_epoch_ms") < number(&values[":recent"])
        }
        Some("attribute_exists(pk) AND attribute_not_exists(closed_until_epoch_ms)") => {
            item.is_some() && known("closed_until_epoch_ms").is_none()
        }
        Some("closed_until_epoch_ms = :known") => known("closed_until_epoch_ms") == number(&values[":known"]),
        Some(other) => panic!("{other}"),
    };
    if !holds {
        return None;
    }
    let mut item = item.cloned().unwrap_or_default();
    let (set, removed) = match request["UpdateExpression"].as_str().unwrap().split_once(" REMOVE ") {
        Some((set, removed)) => (set, removed),
        None => (request["UpdateExpression"].as_str().unwrap(), ""),
    };
    for clause in set.strip_prefix("SET ").unwrap().split(", ") {
        let (name, value) = clause.split_once(" = ").unwrap();
        let value = match value.split_once(" + ") {
            Some((name, _)) => json!({"N": (number(&item[name]).unwrap() + 1).to_string()}),
            None => values[value].clone(),
        };
        item.insert(name.to_owned(), value);
    }
    for name in removed.split(", ") {
        item.remove(name);
    }
    Some(item)
}

/// The error of a send.
#[derive(Debug, Clone, Copy)]
struct Failed(Class);

impl Classify for Failed {
    fn class(&self) -> Class {
        self.0
    }
}

/// Core Messaging behind a gateway.
#[derive(Default)]
struct Messaging {
    is_down: AtomicBool,
    /// The status service is up while sends fail.
    answers_questions: AtomicBool,
    sends: AtomicUsize,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
}

impl Messaging {
    async fn send(&self) -> Result<(), Failed> {
        let at_once = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(at_once, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        self.sends.fetch_add(1, Ordering::SeqCst);
        if self.is_down.load(Ordering::SeqCst) { Err(Failed(Class::Unknown)) } else { Ok(()) }
    }

    fn answers(&self) -> bool {
        self.answers_questions.load(Ordering::SeqCst) || !self.is_down.load(Ordering::SeqCst)
    }
}

/// What became of one message in one delivery.
#[derive(Debug, PartialEq, Eq)]
enum Delivery {
    Sent,
    Unknown,
    Waits(Duration),
}

async fn deliver(gates: &Gates, ledger: &Ledger, messaging: &Messaging) -> Delivery {
    let shop = "acme.myshopify.com".parse().unwrap();
    let route =
        Route { ledger, shop: &shop, channel: Channel::Email, host: "t2api.example", clock: Timestamp::now };
    match gates.enter(route, async || messaging.answers()).await {
        Ok(permit) => {
            let result = messaging.send().await;
            permit.done(&result).await;
            if result.is_ok() { Delivery::Sent } else { Delivery::Unknown }
        }
        Err(Halt::Retry { class: Class::Transient { retry_after: Some(after) }, unsent: false, .. }) => {
            Delivery::Waits(after)
        }
        Err(_) => panic!("it neither waits nor is sent"),
    }
}

fn process() -> Gates {
    Gates::new(Backoff { base: Duration::from_millis(50), cap: Duration::from_secs(2) })
}

/// Ten messages at once in each of so many processes, again and again, until none is left or `until` has passed.
async fn work(
    table: &Table,
    messaging: &Messaging,
    processes: &[Gates],
    messages: usize,
    until: Duration,
) -> (usize, usize, usize) {
    let ledger = table.ledger().await;
    let (mut left, mut sent, mut unknown) = (messages, 0, 0);
    let end = tokio::time::Instant::now() + until;
    while left > 0 && tokio::time::Instant::now() < end {
        let batch = processes.iter().flat_map(|process| (0..10).map(move |_| process)).take(left);
        let deliveries =
            futures::future::join_all(batch.map(|process| deliver(process, &ledger, messaging))).await;
        for delivery in deliveries {
            match delivery {
                Delivery::Sent => sent += 1,
                Delivery::Unknown => unknown += 1,
                Delivery::Waits(_) => continue,
            }
            left -= 1;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (sent, unknown, left)
}

/// Sixty messages, six processes that have just begun: each tries one, and then the channel is closed for all.
#[tokio::test]
async fn an_outage_costs_a_handful_and_the_rest_is_sent_after_it() {
    for answers_questions in [false, true] {
        let (table, messaging) = (Table::default(), Messaging::default());
        let processes: Vec<_> = (0..6).map(|_| process()).collect();
        messaging.is_down.store(true, Ordering::SeqCst);
        messaging.answers_questions.store(answers_questions, Ordering::SeqCst);
        let (sent, unknown, left) = work(&table, &messaging, &processes, 60, Duration::from_secs(3)).await;
        assert_eq!((sent, unknown + left), (0, 60));
        // one per process, a second one of the first two, and one for each time that the channel seemed to be back
        let most = if answers_questions { 12 } else { 8 };
        assert!((3..=most).contains(&unknown), "{unknown} of 60 are unknown");
        assert!(table.item().unwrap()["closings"]["N"] != "0");

        messaging.is_down.store(false, Ordering::SeqCst);
        let (sent, unknown, waiting) =
            work(&table, &messaging, &processes, left, Duration::from_secs(20)).await;
        assert_eq!((sent, unknown, waiting), (left, 0, 0));
        assert_eq!(messaging.sends.load(Ordering::SeqCst), 60, "each was sent at most once");
        assert_eq!(table.item(), None, "nothing is left of the outage");
    }
}

/// What is closed is tried by one at a time, and by none while the channel does not even answer a question.
#[tokio::test]
async fn a_closed_channel_is_tried_by_one_at_a_time() {
    let (table, messaging, gates) = (Table::default(), Messaging::default(), process());
    let ledger = table.ledger().await;
    messaging.is_down.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        assert_eq!(deliver(&gates, &ledger, &messaging).await, Delivery::Unknown);
    }
    let Delivery::Waits(first) = deliver(&gates, &ledger, &messaging).await else { panic!("not closed") };
    tokio::time::sleep(first + Duration::from_millis(5)).await;
    // the question is not answered
    let Delivery::Waits(second) = deliver(&gates, &ledger, &messaging).await else { panic!("sent") };
    assert!(second > first * 3, "{first:?} {second:?}");
    assert_eq!(messaging.sends.load(Ordering::SeqCst), 3);

    tokio::time::sleep(second + Duration::from_millis(5)).await;
    messaging.is_down.store(false, Ordering::SeqCst);
    let others: Vec<_> = (0..5).map(|_| process()).collect();
    let all = others.iter().chain([&gates]).map(|gates| deliver(gates, &ledger, &messaging));
    let deliveries = futures::future::join_all(all).await;
    assert!(deliveries.contains(&Delivery::Sent), "{deliveries:?}");
    assert_eq!(messaging.most_at_once.load(Ordering::SeqCst), 1, "{deliveries:?}");
}

/// One doubtful answer among good ones closes nothing.
#[tokio::test]
async fn a_single_doubt_makes_nobody_wait() {
    let (table, messaging, gates) = (Table::default(), Messaging::default(), process());
    let ledger = table.ledger().await;
    for _ in 0..4 {
        messaging.is_down.store(true, Ordering::SeqCst);
        assert_eq!(deliver(&gates, &ledger, &messaging).await, Delivery::Unknown);
        messaging.is_down.store(false, Ordering::SeqCst);
        assert_eq!(deliver(&gates, &ledger, &messaging).await, Delivery::Sent);
        assert_eq!(table.item(), None);
    }
}

/// The first answer is waited for, then all go at once; while answers are good the ledger is not asked again.
#[tokio::test]
async fn good_answers_cost_one_read() {
    let (table, messaging) = (Table::default(), Messaging::default());
    let processes = [process()];
    let done = work(&table, &messaging, &processes, 40, Duration::from_secs(20)).await;
    assert_eq!((done, table.reads()), ((40, 0, 0), 1));
    assert!(messaging.most_at_once.load(Ordering::SeqCst) >= 9);
    assert_eq!(table.item(), None);
}
