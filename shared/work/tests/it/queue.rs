use crate::sqs::Sqs;
use comms::{Class, Classify};
use serde_json::json;
use std::time::Duration;
use work::{Message, QueueError};

fn messages(texts: &[&str]) -> Vec<Message> {
    texts.iter().map(|text| Message::of(&json!({"note": text})).unwrap()).collect()
}

/// How each message fared: `.` sent, `!` never to be sent, `?` not this time.
fn fates(results: &[Result<(), QueueError>]) -> String {
    results
        .iter()
        .map(|result| match result {
            Ok(()) => '.',
            Err(error) if error.class() == Class::Permanent => '!',
            Err(_) => '?',
        })
        .collect()
}

#[tokio::test]
async fn what_a_customer_wrote_reaches_the_queue_as_it_was() {
    let sqs = Sqs::default();
    let queue = sqs.queue().await;
    let text = "a\u{fffe}b\u{ffff}c\u{0}\u{1f}\u{1fffe}\\\u{fffe}";
    let message = &messages(&[text])[0];
    queue.send(message).await.unwrap();
    queue.send_later(message, Duration::from_secs(5)).await.unwrap();
    assert_eq!(fates(&queue.send_all(&messages(&["x", text, "y"])).await), "...");
    let bodies = std::mem::take(&mut sqs.account().bodies);
    assert_eq!(bodies.len(), 5);
    for body in [&bodies[0], &bodies[1], &bodies[3]] {
        assert_eq!(serde_json::from_str::<serde_json::Value>(body).unwrap()["note"], text);
    }
}

/// Whether SQS refuses it inside the request, or the request because of it.
#[tokio::test]
async fn a_message_that_is_refused_fails_alone_and_is_named() {
    let large = "x".repeat(2 * 1024 * 1024);
    let mut texts = vec!["a"; 25];
    texts[7] = &large;
    texts[12] = "busy";
    for refuses_requests in [false, true] {
        let sqs = Sqs::default();
        let queue = sqs.queue().await;
        sqs.account().refuses_requests = refuses_requests;
        sqs.account().busy_with = Some("busy".to_owned());
        let results = queue.send_all(&messages(&texts)).await;
        assert_eq!(fates(&results), ".......!....?............");
        assert_eq!(sqs.account().bodies.len(), 23);
        let error = results.into_iter().find_map(Result::err).unwrap();
        assert_eq!(error.to_string(), "the queue refused the message (InvalidParameterValue)");
    }
}

/// One that SQS refuses together with others is sent by itself.
#[tokio::test]
async fn a_request_that_is_refused_is_sent_one_by_one() {
    let sqs = Sqs::default();
    sqs.account().refuses_requests = true;
    let texts = ["x".repeat(600 * 1024), "y".to_owned()];
    let queue = sqs.queue().await;
    let results = queue.send_all(&messages(&[&texts[1], &texts[0], &texts[1]])).await;
    assert_eq!(fates(&results), "...");
}

#[tokio::test]
async fn a_queue_that_is_down_refuses_nothing_for_good() {
    let sqs = Sqs::default();
    sqs.account().down = true;
    let queue = sqs.queue().await;
    assert_eq!(fates(&queue.send_all(&messages(&["a"; 12])).await), "????????????");
    assert_eq!(sqs.account().requests, 2, "nothing is sent one by one");
    let error = queue.send(&messages(&["a"])[0]).await.unwrap_err();
    assert_eq!(error.class(), Class::transient());
}

/// The group by which SQS serves shops in turn is the shop, in every way a message gets into a queue.
#[tokio::test]
async fn each_message_is_of_its_shop() {
    let sqs = Sqs::default();
    let queue = sqs.queue().await;
    let of = |shop: &str| Message::of(&json!({"v": 1, "shop": shop, "note": "\u{fffe}"})).unwrap();
    queue.send(&of("acme.myshopify.com")).await.unwrap();
    queue.send_later(&of("other.myshopify.com"), Duration::from_secs(5)).await.unwrap();
    queue
        .send_all(&[of("acme.myshopify.com"), of("no shop at all"), messages(&["of nobody"])[0].clone()])
        .await;
    let expected = ["acme.myshopify.com", "other.myshopify.com", "acme.myshopify.com", "", ""];
    assert_eq!(sqs.account().groups, expected);
}
