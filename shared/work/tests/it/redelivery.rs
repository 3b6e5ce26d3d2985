//! What becomes of the messages of a batch that failed, as SQS sees it.

use crate::sqs::Sqs;
use comms::Class;
use jiff::{Timestamp, ToSpan};
use serde_json::json;
use std::time::Duration;
use work::{BatchResponse, LONGEST_WAIT, MOST_ATTEMPTS, Next, Retry, SqsEvent};

fn now() -> Timestamp {
    "2026-11-28T12:00:00Z".parse().unwrap()
}

/// Messages as Lambda hands them over: how often each was delivered, and how many hours ago it was sent.
fn batch(messages: &[(u32, i64)]) -> SqsEvent {
    let record = |(index, (count, hours)): (usize, &(u32, i64))| {
        let sent = now().checked_sub(hours.hours()).unwrap().as_millisecond().to_string();
        let attributes = json!({"ApproximateReceiveCount": count.to_string(), "SentTimestamp": sent});
        json!({
            "messageId": format!("m{index}"), "receiptHandle": format!("r{index}"), "body": format!("body {index}"),
            "attributes": attributes,
        })
    };
    let records: Vec<_> = messages.iter().enumerate().map(record).collect();
    serde_json::from_value(json!({"Records": records})).unwrap()
}

fn again(response: &BatchResponse) -> Vec<&str> {
    response.failures.iter().map(|failure| failure.message_id.as_str()).collect()
}

#[tokio::test]
async fn an_outage_of_days_makes_no_dead_letter_and_what_cannot_work_is_one_soon() {
    let sqs = Sqs::default();
    let inbox = sqs.inbox().await;
    let days = i64::try_from(LONGEST_WAIT.as_secs() / 3600).unwrap();
    let event = batch(&[(1, 0), (40, 72), (60, days), (MOST_ATTEMPTS, 1), (MOST_ATTEMPTS - 1, 1), (1, 0)]);
    let down = || Err::<(), _>(Retry::because(Class::transient(), "Exstream is down"));
    let broken = || Err(Retry::because(Class::Stuck, "no field `total`\u{fffe}\nat line 1"));
    let results = vec![down(), down(), down(), broken(), broken(), Ok(())];
    let settled = inbox.settle(&event.records, results, now()).await;
    let response = BatchResponse::of(&event.records, &settled);
    assert_eq!(again(&response), ["m0", "m1", "m4"]);
    let account = sqs.account();
    let hidden: Vec<_> = account.hidden.iter().map(|(it, seconds)| (it.as_str(), *seconds)).collect();
    assert_eq!(hidden, [("r0", 10), ("r1", 6 * 3600), ("r4", 900)]);
    let dead: Vec<_> =
        account.dead.iter().map(|(body, values)| (body.as_str(), values["Cause"].as_str())).collect();
    assert_eq!(dead, [("body 2", "waited-too-long"), ("body 3", "cannot-work")]);
    let broken = &account.dead[1].1;
    assert_eq!(
        (broken["Deliveries"].as_str(), broken["Reason"].as_str()),
        ("6", "no field `total` at line 1")
    );
}

/// A dead letter that SQS does not take is no lost message.
#[tokio::test]
async fn what_cannot_be_put_among_the_dead_letters_is_delivered_again() {
    let sqs = Sqs::default();
    let inbox = sqs.inbox().await;
    sqs.account().no_dead_letters = true;
    let event = batch(&[(MOST_ATTEMPTS, 0), (30, 24 * 13)]);
    let results = vec![Err::<(), _>(Retry::new("broken")), Err(Retry::waiting("down"))];
    let settled = inbox.settle(&event.records, results, now()).await;
    assert_eq!(again(&BatchResponse::of(&event.records, &settled)), ["m0", "m1"]);
    // and is counted as what it is
    let next = settled.iter().map(|result| result.as_ref().unwrap_err().next);
    assert!(next.into_iter().all(|next| matches!(next, Next::Again(_))), "{settled:?}");
    assert_eq!(sqs.account().hidden.len(), 2, "neither is tried again at once");
}

/// Whoever named a moment waits until then, for no longer than SQS lets a message be hidden.
#[tokio::test]
async fn quiet_hours_name_the_moment() {
    let sqs = Sqs::default();
    let inbox = sqs.inbox().await;
    let until = |hours: u64| Retry {
        after: Some(Duration::from_secs(3600 * hours)),
        ..Retry::waiting("quiet hours")
    };
    let event = batch(&[(3, 30), (3, 30)]);
    inbox.settle(&event.records, vec![Err::<(), _>(until(9)), Err(until(20))], now()).await;
    let hidden: Vec<_> = sqs.account().hidden.values().copied().collect();
    assert_eq!(hidden, [9 * 3600, 12 * 3600 - 900]);
}
