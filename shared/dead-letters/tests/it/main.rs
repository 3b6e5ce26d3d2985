//! A queue with 50,000 dead letters, as SQS would have it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the way tests do"
)]

use dead_letters::{Batches, Bounds, Choice, DeadLetterError, Patience, Progress, Way, look, move_all};
use fakes::DeadLetterQueue;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::Instant;
use work::GivenUp;

type Sqs = Arc<Mutex<DeadLetterQueue>>;

async fn queue(count: usize) -> (Sqs, aws_sdk_sqs::Client, String) {
    let (sqs, aws, url) = fakes::dead_letters(count).await;
    (sqs, aws_sdk_sqs::Client::new(&aws), url)
}

fn of(cause: Option<GivenUp>, shop: Option<&str>) -> Choice {
    let shop = shop.map(|shop| shop.parse().unwrap());
    Choice { cause, shop, ..Choice::default() }
}

async fn redrive(
    client: &aws_sdk_sqs::Client,
    url: &str,
    choice: &Choice,
    most: u64,
) -> (Result<(), DeadLetterError>, Progress) {
    let way = Way::Queue { sqs: client.clone(), url: format!("{url}/queue") };
    moved(client, url, choice, &way, most).await
}

async fn moved(
    client: &aws_sdk_sqs::Client,
    url: &str,
    choice: &Choice,
    way: &Way,
    most: u64,
) -> (Result<(), DeadLetterError>, Progress) {
    let (mut progress, dead) = (Progress::default(), format!("{url}/queue-dlq"));
    let batches = Batches::of(client, &dead, Patience::THOROUGH);
    let bounds = Bounds { pace: Duration::ZERO, most, until: None };
    let moved = move_all(batches, choice, way, bounds, &mut progress, |_, _| {}).await;
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
    let (result, progress) = moved(&client, &url, &of(None, None), &Way::Nowhere, u64::MAX).await;
    result.unwrap();
    let account = sqs.lock().unwrap();
    assert_eq!((progress.done, account.visible.len(), account.back.len()), (20, 0, 0));
}

/// Of a large queue, the first messages show again before the last ones were looked at.
#[tokio::test]
async fn a_queue_whose_messages_show_again_meanwhile_has_an_end() {
    let (sqs, client, url) = queue(40).await;
    sqs.lock().unwrap().shows_at_once = true;
    let dead = format!("{url}/queue-dlq");
    let mut batches = Batches::of(&client, &dead, Patience::THOROUGH);
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

/// Somebody waits for the page: what is left is there at once, and what came after the plan is in no plan.
#[tokio::test]
async fn what_a_page_moves_has_bounds_in_time_and_number() {
    let (sqs, client, url) = queue(100).await;
    let (mut progress, dead) = (Progress::default(), format!("{url}/queue-dlq"));
    let choice = Choice { sent_before_ms: Some(50), ..Choice::default() };
    let plan = look(Batches::of(&client, &dead, Patience::QUICK), &choice, 1000).await.unwrap();
    assert_eq!((plan.looked_at, plan.meant.len()), (100, 50));
    assert_eq!(plan.counts(|letter| letter.shop.clone().unwrap())[0], ("busy.myshopify.com".to_owned(), 40));
    let moved = async |bounds, progress: &mut Progress| {
        let batches = Batches::of(&client, &dead, Patience::QUICK);
        let way = Way::Queue { sqs: client.clone(), url: format!("{url}/queue") };
        move_all(batches, &choice, &way, bounds, progress, |_, _| {}).await.unwrap();
    };
    let late = Bounds { pace: Duration::ZERO, most: u64::MAX, until: Some(Instant::now()) };
    moved(late, &mut progress).await;
    assert_eq!(progress.done, 0, "no batch begins late");
    moved(Bounds { pace: Duration::ZERO, most: 20, until: None }, &mut progress).await;
    moved(Bounds { pace: Duration::ZERO, most: u64::MAX, until: None }, &mut progress).await;
    let account = sqs.lock().unwrap();
    assert_eq!((progress.done, account.visible.len(), account.hidden.len()), (50, 50, 0));
    assert!(account.visible.iter().all(|(id, ..)| *id >= 50), "what came later stays");
}
