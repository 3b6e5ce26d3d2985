//! A queue with 50,000 dead letters, as SQS would have it.

use super::*;
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, Method, Uri},
};
use serde_json::{Value, json};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
};

#[derive(Default)]
struct Account {
    /// Dead letters that can be received.
    visible: VecDeque<(usize, String, &'static str)>,
    hidden: HashMap<usize, (String, &'static str)>,
    /// Bodies in the queue that they go back to, and how often each was put there.
    back: HashMap<String, u32>,
    groups: HashMap<String, u32>,
    requests: usize,
    /// After so many messages were sent back, the connection to the queue is lost.
    sends_left: Option<usize>,
    /// Every received message can be received again at once: its time was up.
    shows_at_once: bool,
    /// After so many receipts, no more are answered.
    receipts_left: Option<usize>,
    /// Nothing can be deleted.
    deletes_nothing: bool,
    /// Objects that were put, by their keys; none whose key has this text.
    put: Vec<String>,
    puts_none_with: Option<&'static str>,
}

const DOWN: (axum::http::StatusCode, String) = (axum::http::StatusCode::FORBIDDEN, String::new());

/// Puts of objects, and requests for queues.
async fn any(
    State(sqs): State<Sqs>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (axum::http::StatusCode, String) {
    if method != Method::PUT {
        return answer(State(sqs), headers, body).await;
    }
    let mut account = sqs.lock().unwrap();
    if account.puts_none_with.is_some_and(|text| uri.path().contains(text)) {
        return DOWN;
    }
    account.put.push(uri.path().to_owned());
    (axum::http::StatusCode::OK, String::new())
}

type Sqs = Arc<Mutex<Account>>;

async fn answer(State(sqs): State<Sqs>, headers: HeaderMap, body: Bytes) -> (axum::http::StatusCode, String) {
    let request: Value = serde_json::from_slice(&body).unwrap();
    let mut account = sqs.lock().unwrap();
    account.requests += 1;
    let entries = || request["Entries"].as_array().unwrap().iter();
    let number = |entry: &Value| entry["ReceiptHandle"].as_str().unwrap().parse::<usize>().unwrap();
    let all_done = || json!({"Successful": entries().map(|it| json!({"Id": it["Id"]})).collect::<Vec<_>>(), "Failed": []});
    let answer = match headers["x-amz-target"].to_str().unwrap() {
        "AmazonSQS.GetQueueAttributes" => json!({"Attributes": {
            "ApproximateNumberOfMessages": account.visible.len().to_string(),
            "ApproximateNumberOfMessagesNotVisible": account.hidden.len().to_string(),
        }}),
        "AmazonSQS.ReceiveMessage" => {
            if account.receipts_left == Some(0) {
                return DOWN;
            }
            account.receipts_left = account.receipts_left.map(|left| left - 1);
            let count = account.visible.len().min(10);
            let batch: Vec<_> = account.visible.drain(..count).collect();
            let messages = batch.iter().map(|(id, body, cause)| {
                json!({
                    "MessageId": format!("m{id}"), "ReceiptHandle": id.to_string(), "Body": body,
                    "MessageAttributes": {
                        "Cause": {"DataType": "String", "StringValue": cause},
                        "Reason": {"DataType": "String", "StringValue": "no field `total`"},
                    },
                })
            });
            let answer = json!({"Messages": messages.collect::<Vec<_>>()});
            match account.shows_at_once {
                true => account.visible.extend(batch),
                false => {
                    account.hidden.extend(batch.into_iter().map(|(id, body, cause)| (id, (body, cause))));
                }
            }
            answer
        }
        "AmazonSQS.SendMessageBatch" => {
            if account.sends_left.is_some_and(|left| left == 0) {
                return (axum::http::StatusCode::SERVICE_UNAVAILABLE, "{}".to_owned());
            }
            assert!((1..=10).contains(&entries().len()));
            for entry in entries() {
                *account.back.entry(entry["MessageBody"].as_str().unwrap().to_owned()).or_default() += 1;
                *account.groups.entry(entry["MessageGroupId"].as_str().unwrap().to_owned()).or_default() += 1;
            }
            account.sends_left = account.sends_left.map(|left| left.saturating_sub(entries().len()));
            all_done()
        }
        "AmazonSQS.DeleteMessageBatch" if account.deletes_nothing => return DOWN,
        "AmazonSQS.DeleteMessageBatch" => {
            for entry in entries() {
                let (body, _) = account.hidden.remove(&number(entry)).expect("it was received");
                let _ = body;
            }
            all_done()
        }
        "AmazonSQS.ChangeMessageVisibilityBatch" => {
            for entry in entries().filter(|entry| entry["VisibilityTimeout"] == 0) {
                if let Some((body, cause)) = account.hidden.remove(&number(entry)) {
                    account.visible.push_back((number(entry), body, cause));
                }
            }
            all_done()
        }
        other => panic!("{other}"),
    };
    (axum::http::StatusCode::OK, answer.to_string())
}

async fn queue(count: usize) -> (Sqs, aws_sdk_sqs::Client, String) {
    let sqs = Sqs::default();
    let letter = |id| {
        let shop = if id % 5 == 0 { "quiet" } else { "busy" };
        let body = json!({"v": 1, "shop": format!("{shop}.myshopify.com"), "subject": format!("gid://shopify/Order/{id}")});
        (id, body.to_string(), if id % 2 == 0 { "cannot-work" } else { "waited-too-long" })
    };
    sqs.lock().unwrap().visible = (0..count).map(letter).collect();
    let router = Router::new().fallback(any).with_state(Arc::clone(&sqs));
    let url = fakes::serve(router.layer(DefaultBodyLimit::disable())).await;
    (sqs, aws_sdk_sqs::Client::new(&fakes::aws(&url).await), url)
}

fn of(cause: Option<GivenUp>, shop: Option<&str>) -> Of {
    let shop = shop.map(|shop| shop.parse().unwrap());
    Of { queue: "order-confirmation".to_owned(), cause, shop, reason_contains: None }
}

async fn redrive(
    client: &aws_sdk_sqs::Client,
    url: &str,
    of: &Of,
    most: u64,
) -> (Result<(), Failure>, Progress) {
    let way = Way::Queue { sqs: client.clone(), url: format!("{url}/queue") };
    let mut progress = Progress::default();
    let moved =
        move_all(client, &format!("{url}/queue-dlq"), of, &way, (Duration::ZERO, most), &mut progress).await;
    (moved, progress)
}

#[tokio::test]
async fn fifty_thousand_go_back_each_once_with_a_cancel_and_a_lost_connection_in_between() {
    const ALL: usize = 50_000;
    let (sqs, client, url) = queue(ALL).await;
    let everything = of(None, None);
    // cancelled: within one batch
    let (moved, progress) = redrive(&client, &url, &everything, 20_003).await;
    assert!(moved.is_ok() && progress.done == 20_003, "{progress:?}");
    assert_eq!(sqs.lock().unwrap().visible.len(), ALL - 20_003, "what is left can be received at once");
    // the queue is lost: what it did not take stays
    sqs.lock().unwrap().sends_left = Some(10_000);
    let (moved, progress) = redrive(&client, &url, &everything, u64::MAX).await;
    assert!(moved.is_err(), "it stops by itself");
    assert_eq!((progress.done, progress.failed), (10_000, 30));
    sqs.lock().unwrap().sends_left = None;
    let (moved, progress) = redrive(&client, &url, &everything, u64::MAX).await;
    assert!(moved.is_ok() && progress.failed == 0, "{progress:?}");
    let account = sqs.lock().unwrap();
    assert_eq!((account.visible.len(), account.hidden.len(), account.back.len()), (0, 0, ALL));
    assert!(account.back.values().all(|times| *times == 1), "each once");
    assert_eq!(account.groups["quiet.myshopify.com"], 10_000);
    assert!(account.requests < ALL * 2 / 5, "{} requests", account.requests);
}

#[tokio::test]
async fn only_what_is_meant_moves_and_the_rest_is_there_at_once() {
    let (sqs, client, url) = queue(100).await;
    let meant = of(Some(GivenUp::CannotWork), Some("quiet.myshopify.com"));
    let (moved, progress) = redrive(&client, &url, &meant, u64::MAX).await;
    assert!(moved.is_ok());
    assert_eq!((progress.done, progress.skipped), (10, 90));
    let account = sqs.lock().unwrap();
    assert_eq!((account.visible.len(), account.hidden.len(), account.back.len()), (90, 0, 10));
}

#[tokio::test]
async fn what_is_discarded_goes_nowhere() {
    let (sqs, client, url) = queue(20).await;
    let mut progress = Progress::default();
    let dead = format!("{url}/queue-dlq");
    let pace = (Duration::ZERO, u64::MAX);
    move_all(&client, &dead, &of(None, None), &Way::Nowhere, pace, &mut progress).await.unwrap();
    let account = sqs.lock().unwrap();
    assert_eq!((progress.done, account.visible.len(), account.back.len()), (20, 0, 0));
}

/// Of a large queue, the first messages show again before the last ones were looked at.
#[tokio::test]
async fn a_queue_whose_messages_show_again_meanwhile_has_an_end() {
    let (sqs, client, url) = queue(40).await;
    sqs.lock().unwrap().shows_at_once = true;
    let dead = format!("{url}/queue-dlq");
    let mut batches = Batches::of(&client, &dead);
    let mut seen = 0;
    let all = async {
        while let Some(batch) = batches.next().await.unwrap() {
            seen += batch.len();
        }
    };
    tokio::time::timeout(Duration::from_secs(20), all).await.expect("it ends");
    assert_eq!(seen, 40);
    assert!(sqs.lock().unwrap().requests < 40, "none is asked for many times");
}

#[tokio::test]
async fn whatever_ends_a_move_the_rest_can_be_received_at_once() {
    let all = of(None, None);
    // deleting fails: what was sent back is in both queues
    let (sqs, client, url) = queue(30).await;
    sqs.lock().unwrap().deletes_nothing = true;
    let (moved, progress) = redrive(&client, &url, &all, u64::MAX).await;
    assert!(moved.is_err() && progress.done == 0);
    let left = |sqs: &Sqs| {
        let account = sqs.lock().unwrap();
        (account.visible.len(), account.hidden.len(), account.back.len())
    };
    assert_eq!(left(&sqs), (30, 0, 10));
    // receiving fails after two batches that are left alone
    let (sqs, client, url) = queue(30).await;
    sqs.lock().unwrap().receipts_left = Some(2);
    let nobody = of(None, Some("nobody.myshopify.com"));
    let (moved, progress) = redrive(&client, &url, &nobody, u64::MAX).await;
    assert!(moved.is_err() && progress.skipped == 20);
    assert_eq!(left(&sqs), (30, 0, 0));
}

/// A deployment with this queue.
async fn stack(url: &str) -> Stack {
    let outputs = json!({
        "BusName": "b", "EventSource": "e", "SecretPrefix": "s", "TableName": "t", "ArchiveBucket": "archive",
        "OperationsBucket": "operations", "FunctionIntake": "intake",
        "QueueUrlOrderConfirmation": format!("{url}/queue"),
        "DeadLetterUrlOrderConfirmation": format!("{url}/queue-dlq"),
    });
    Stack::of(&fakes::aws(url).await, serde_json::from_value(outputs).unwrap(), "ctl-dlq-redrive")
}

fn confirmed() -> Move {
    let decision = Decision { actor: "ops".to_owned(), reason: "fixed".to_owned() };
    Move { of: of(None, None), decision, confirm: true, rate: 1000, most: None, sample: 10 }
}

#[tokio::test]
async fn a_plan_or_a_look_that_fails_leaves_nothing_hidden() {
    let (sqs, _, url) = queue(30).await;
    let stack = stack(&url).await;
    for sample in [20, 1000] {
        sqs.lock().unwrap().receipts_left = Some(1);
        let way = Way::back(&stack, "order-confirmation").unwrap();
        let request = Move { sample, ..confirmed() };
        assert!(carry_out(&stack, request, way, "redrive").await.is_err());
        sqs.lock().unwrap().receipts_left = Some(1);
        assert!(show(&stack, &of(None, None), 30, true).await.is_err());
        let account = sqs.lock().unwrap();
        assert_eq!((account.visible.len(), account.hidden.len()), (30, 0), "sample {sample}");
        assert_eq!(
            (account.receipts_left, account.put.len()),
            (Some(0), 0),
            "it got as far as the second batch"
        );
    }
}

#[tokio::test]
async fn why_a_move_failed_is_said_even_if_its_end_cannot_be_put_on_record() {
    let (sqs, _, url) = queue(50).await;
    let stack = stack(&url).await;
    let carry = async || {
        let way = Way::back(&stack, "order-confirmation").unwrap();
        carry_out(&stack, confirmed(), way, "redrive").await.unwrap_err().to_string()
    };
    sqs.lock().unwrap().puts_none_with = Some("-failed");
    sqs.lock().unwrap().sends_left = Some(0);
    assert_eq!(carry().await, "batch after batch fails as a whole, so nothing more is tried");
    // where only the record fails, that is the error
    sqs.lock().unwrap().puts_none_with = Some("-ended");
    sqs.lock().unwrap().sends_left = None;
    assert!(!carry().await.contains("batch after batch"));
    let account = sqs.lock().unwrap();
    assert_eq!((account.visible.len(), account.back.len(), account.put.len()), (0, 50, 2));
}

#[test]
fn a_letter_says_what_it_is_about_and_nothing_of_a_customer() {
    let attributes = HashMap::from([("Cause", "cannot-work"), ("Reason", "no field")]);
    let body = r#"{"v":1,"shop":"a.myshopify.com","subject":"gid://shopify/Order/1","payload":{"email":"zoe@example.com"}}"#;
    let letter = Letter::read("m", body, &attributes);
    assert_eq!(letter.to_string(), "m  a.myshopify.com  gid://shopify/Order/1  cannot-work: no field");
    let refused = r#"{"requestPayload":{"detail":{"metadata":{"X-Shopify-Topic":"orders/create","X-Shopify-Shop-Domain":"a.myshopify.com"},
        "payload":{"email":"zoe@example.com"}}},"responsePayload":{"errorMessage":"no configuration"}}"#;
    let letter = Letter::read("m", refused, &HashMap::new());
    assert_eq!(letter.to_string(), "m  a.myshopify.com  orders/create  no configuration");
    assert_eq!(Letter::read("m", "{", &HashMap::new()).why(), "its queue or EventBridge gave it up");
}
