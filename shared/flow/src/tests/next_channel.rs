//! A refusal leads to the next channel, once; a corrected address gets the archived bytes.

use super::shop::{EMAIL, SMS_THEN_WEB, Shop, ready};
use comms::{Revision, State};
use serde_json::Value;
use work::Resend;

const NO: (u16, &str) = (400, "{}");

async fn refused() -> (Shop, work::WorkItem) {
    let shop = Shop::new(SMS_THEN_WEB).await;
    shop.set(|outside| outside.email = (NO.0, NO.1.to_owned()));
    let settled = shop.run(ready).await.unwrap().settled.unwrap();
    assert_eq!(settled.state, State::Failed);
    assert!(settled.reason.unwrap().contains("status 400"));
    let item = settled.next_channel.unwrap();
    assert_eq!(item.next_channel.as_ref().unwrap().of, *shop.communication());
    (shop, item)
}

fn record(shop: &Shop, document: &str) -> Value {
    let text = shop.outside.lock().unwrap().archived(&format!("{document}/record.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn what_a_channel_refused_goes_out_by_the_next_one() {
    let (shop, item) = refused().await;
    let next = shop.next_channel(&item).await.unwrap();
    assert_ne!(next.communication(), shop.communication());
    let settled = next.run(ready).await.unwrap().settled.unwrap();
    assert_eq!(
        (settled.state, settled.next_channel.is_none()),
        (State::Accepted, true),
        "{:?}",
        settled.reason
    );
    next.set(|outside| assert_eq!(outside.links(), 1));
    assert_eq!(shop.count("compose") + next.count("compose"), 1, "the archived bytes");
    let record = record(&next, next.communication().as_str());
    assert_eq!((&record["revision"], &record["channel"]), (&"next-web".into(), &"web".into()));
    assert_eq!(record["resend"]["of"], shop.communication().as_str());
    assert_eq!(record["resend"]["reason"], "sms: refused");
    // asked for again, it is there
    let again = shop.next_channel(&item).await.unwrap();
    let settled = again.run(ready).await.unwrap().settled.unwrap();
    assert_eq!((settled.state, settled.fresh, again.count("publish")), (State::Accepted, false, 0));
}

/// Whoever recorded the refusal may have died before it asked for the next channel.
#[tokio::test]
async fn a_message_that_comes_back_asks_again() {
    let (mut shop, item) = refused().await;
    let settled = shop.run(ready).await.unwrap().settled.unwrap();
    assert!(settled.next_channel.is_none(), "a duplicate");
    shop.receive_count = 2;
    let settled = shop.run(ready).await.unwrap().settled.unwrap();
    assert_eq!(settled.next_channel.unwrap().next_channel, item.next_channel);
}

#[tokio::test]
async fn doubt_and_what_was_never_tried_lead_to_no_next_channel() {
    let doubt = Shop::new(SMS_THEN_WEB).await;
    doubt.set(|outside| outside.email = (500, "<html>".to_owned()));
    let settled = doubt.run(ready).await.unwrap().settled.unwrap();
    assert_eq!((settled.state, settled.next_channel.is_none()), (State::Unknown, true));

    let composed = Shop::new(SMS_THEN_WEB).await;
    composed.set(|outside| outside.compose = (400, String::new()));
    let settled = composed.run(ready).await.unwrap().settled.unwrap();
    assert_eq!((settled.state, settled.next_channel.is_none()), (State::Failed, true));
}

/// The state may have changed since it was asked for.
#[tokio::test]
async fn a_request_that_is_not_due_any_more_does_nothing() {
    let (shop, item) = refused().await;
    let pk = shop.communication().as_str().to_owned();
    shop.set(|outside| {
        outside.items.get_mut(&pk).unwrap().insert("state".to_owned(), serde_json::json!({"S": "unknown"}));
    });
    assert!(shop.next_channel(&item).await.is_none());
}

fn to(shop: &Shop, address: &str) -> Resend {
    Resend {
        of: shop.communication().clone(),
        revision: Revision::named("resend-1"),
        actor: "ops".to_owned(),
        reason: "misspelt".to_owned(),
        recompose: false,
        to: Some(address.to_owned()),
    }
}

#[tokio::test]
async fn a_corrected_address_gets_the_archived_bytes() {
    let shop = Shop::new(EMAIL).await;
    shop.run(ready).await.unwrap();
    let first = shop.outside.lock().unwrap().archived("record.json").unwrap();
    let again = shop.resend(&to(&shop, "zoe@example.org")).await.unwrap();
    let settled = again.run(ready).await.unwrap().settled.unwrap();
    assert_eq!((settled.state, again.count("compose"), again.count("send")), (State::Accepted, 0, 1));
    let record = record(&again, again.communication().as_str());
    assert_eq!(record["recipient"]["email"], "zoe@example.org");
    assert_eq!(record["resend"]["corrected"]["from"], "zoe@example.com");
    assert_eq!(record["resend"]["corrected"]["to"], "zoe@example.org");
    let id = shop.communication().as_str();
    let kept = shop.outside.lock().unwrap().archived(&format!("{id}/record.json")).unwrap();
    assert_eq!(kept, first, "the first record is as it was");
}

#[tokio::test]
async fn an_address_that_the_document_cannot_go_to_is_refused_and_not_named() {
    let shop = Shop::new(EMAIL).await;
    shop.run(ready).await.unwrap();
    for (address, expected) in [
        ("+33 6 12 34 56 78", "the document has no channel for such an address"),
        ("zoe", "neither an e-mail address nor the number of a mobile telephone"),
        ("zoe@example.org\r\nBcc: x@y.z", "neither an e-mail address"),
    ] {
        let Err(retry) = shop.resend(&to(&shop, address)).await else { panic!("{address}") };
        assert!(retry.reason.contains(expected) && !retry.reason.contains("zoe@"), "{}", retry.reason);
        assert_eq!(retry.after, Some(std::time::Duration::ZERO), "no wait makes it possible");
        assert!(!format!("{:?}", to(&shop, address)).contains("zoe"));
    }
}

/// `ctl dispose` has destroyed it: no wait brings it back, so no message waits for it.
#[tokio::test]
async fn what_was_disposed_of_is_neither_issued_again_nor_waited_for() {
    let (shop, item) = refused().await;
    let mut resend = to(&shop, "zoe@example.org");
    resend.to = None;
    shop.set(super::outside::Outside::dispose);
    assert!(shop.next_channel(&item).await.is_none());
    let Err(retry) = shop.resend(&resend).await else { panic!("nothing is left to send") };
    assert_eq!(retry.after, Some(std::time::Duration::ZERO), "no wait makes it possible");
    assert!(retry.reason.contains("ask for it to be composed again"), "{}", retry.reason);
}
