//! One send of an archived document: what each answer means, and that none begins without time.

use super::{
    outside::Answer,
    shop::{EMAIL, EXSTREAM, PRINT, Shop, ready},
};
use crate::{
    content::Content,
    context::{Archived, Attempt, Draft},
    halt::Halt,
    produce::produce,
    send::send,
    verdict::Gathered,
};
use comms::State;
use jiff::SignedDuration;
use ledger::Lease;
use shop_config::Channel;

fn gathered() -> Box<Content> {
    match ready() {
        Ok(Gathered::Ready(content)) => content,
        _ => panic!("there is content"),
    }
}

/// What is archived for one channel, sent by another.
async fn sent(shop: &Shop, composed_for: Channel, channel: Channel) -> Result<String, Halt> {
    let lease = shop.lease("this", 0).await;
    let content = gathered();
    let archived =
        shop.attempt(async |attempt| archived(attempt, &lease, &content, composed_for).await).await;
    let draft = Draft { content: &content, channel: Some(channel), test: false, customer: None };
    shop.attempt(async |attempt| send(attempt, &lease, &draft, channel, &archived).await).await
}

async fn archived(attempt: &Attempt<'_>, lease: &Lease, content: &Content, channel: Channel) -> Archived {
    // as composed for a channel of which composing is no send
    let channel = (channel != Channel::Exstream).then_some(channel);
    let draft = Draft { content, channel, test: false, customer: None };
    produce(attempt, lease, &draft).await.unwrap()
}

fn word(result: &Result<String, Halt>) -> &'static str {
    match result {
        Ok(_) => "accepted",
        Err(Halt::Failed(_)) => "failed",
        Err(Halt::Refused(_)) => "refused",
        Err(Halt::Unknown(_)) => "unknown",
        Err(Halt::Retry { unsent: true, .. }) => "unsent",
        Err(Halt::Retry { unsent: false, .. }) => "again",
    }
}

#[tokio::test]
async fn an_answer_of_core_messaging_means_one_thing() {
    let answer = |status, body: &str| -> Answer { (status, body.to_owned()) };
    for (answer, expected) in [
        (answer(202, r#"{"job_id":"job-1"}"#), "accepted"),
        (answer(202, "{}"), "unknown"),
        (answer(400, ""), "refused"),
        (answer(429, ""), "unsent"),
        (answer(500, "<html></html>"), "unknown"),
        (answer(503, "<html></html>"), "unknown"),
    ] {
        let shop = Shop::new(EMAIL).await;
        shop.set(|outside| outside.email = answer.clone());
        let result = sent(&shop, Channel::Email, Channel::Email).await;
        assert_eq!(word(&result), expected, "{answer:?} {result:?}");
        // each was marked before, and what came of it is for the ledger to be told by the last stage
        assert_eq!(shop.state().await, Some(State::Sending), "{answer:?}");
        assert_eq!(shop.steps()[4..], ["sending", "send"], "{answer:?}");
    }
}

#[tokio::test]
async fn the_spool_takes_a_document_once() {
    let shop = Shop::new(PRINT).await;
    assert_eq!(word(&sent(&shop, Channel::Print, Channel::Print).await), "accepted");
    assert_eq!(shop.steps()[4..], ["sending", "spool document", "spool manifest"]);
}

#[tokio::test]
async fn exstream_sends_nothing_that_was_composed_for_another_channel() {
    let shop = Shop::new(EXSTREAM).await;
    assert_eq!(word(&sent(&shop, Channel::Email, Channel::Exstream).await), "failed");
    assert_eq!(shop.count("sending"), 0);
}

/// The answer has to be recorded, so the last eight seconds of the work's time begin no send.
#[tokio::test]
async fn no_send_is_begun_without_time() {
    for (seconds, begins) in [(60, true), (20, true), (9, false), (2, false)] {
        for (settings, channel) in [(EMAIL, Channel::Email), (PRINT, Channel::Print)] {
            let mut shop = Shop::new(settings).await;
            shop.time = SignedDuration::from_secs(seconds);
            let result = sent(&shop, channel, channel).await;
            assert_eq!(word(&result), if begins { "accepted" } else { "unsent" }, "{seconds} {channel:?}");
            assert_eq!(shop.count("sending"), usize::from(begins), "{seconds} {channel:?}: no mark in vain");
        }
    }
}

/// Marking may take all of the time. The send does not happen, and the ledger learns that it did not.
#[tokio::test]
async fn a_mark_that_took_all_the_time_is_followed_by_no_send() {
    for settings in [EMAIL, PRINT, EXSTREAM] {
        let shop = Shop::new(settings).await;
        shop.set(|outside| outside.marking_takes = 55);
        let result = shop.run(ready).await;
        assert!(result.is_err(), "{settings} {result:?}");
        let steps = shop.steps();
        assert_eq!(steps[steps.len() - 2..], ["sending", "release"], "{settings}");
        assert_eq!((shop.state().await, shop.is_unsent().await), (Some(State::Sending), true), "{settings}");
    }
}
