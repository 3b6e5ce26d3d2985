//! The facts of outcomes: what is written when, and what a death around it leaves.

use super::shop::{ARCHIVE_ONLY, EMAIL, PRINT, Shop, content, ready};
use crate::{content::Consent, gather_error::GatherError, verdict::Gathered};
use comms::State;
use serde_json::Value;

fn fact(shop: &Shop) -> Option<Value> {
    let text = shop.outside.lock().unwrap().archived("fact-01.json")?;
    serde_json::from_str(&text).ok()
}

#[tokio::test]
async fn a_send_has_one_fact_and_what_is_only_archived_has_none() {
    for (channel, address) in [(EMAIL, Some("email")), (PRINT, Some("postal_address")), (ARCHIVE_ONLY, None)]
    {
        let shop = Shop::new(channel).await;
        shop.run(ready).await.unwrap();
        let Some(fact) = fact(&shop) else {
            assert_eq!(address, None);
            continue;
        };
        assert_eq!((fact["fact"].as_str(), fact["address"].as_str()), (Some("accepted"), address));
        let record = shop.outside.lock().unwrap().archived("record.json").unwrap();
        assert_eq!(fact["previous_sha256"], archive::sha256_hex(record.as_bytes()));
        assert!(!fact.to_string().contains("zoe@"), "{fact}");
        let record: Value = serde_json::from_str(&record).unwrap();
        assert_eq!(record["kept_under"]["class"], "statutory");
        assert_eq!(record["recipient"]["postal_address"].is_null(), channel != PRINT, "{record}");
    }
}

/// The channel's words are in the fact in full, without whom they name.
#[tokio::test]
async fn a_refusal_is_a_fact_with_the_channels_words() {
    let shop = Shop::new(EMAIL).await;
    shop.set(|outside| outside.email = (400, String::new()));
    shop.run(ready).await.unwrap();
    let fact = fact(&shop).unwrap();
    assert_eq!(fact["fact"], "refused");
    assert!(fact["words"].as_str().is_some_and(|words| words.contains("400")), "{fact}");
}

/// Between the fact and the ledger: the next worker finds the channel's answer instead of a doubt.
#[tokio::test]
async fn a_death_after_the_fact_leaves_no_doubt() {
    let shop = Shop::new(EMAIL).await;
    shop.died_after_the_fact(ready, State::Sending, true).await;
    let outcome = shop.run(ready).await.unwrap();
    assert_eq!(outcome.settled.unwrap().state, State::Accepted);
    assert_eq!(shop.count("send"), 1);
    let entry = shop.entry().await;
    assert_eq!(entry.reference.as_deref(), Some("job-1"));
    // before the fact, the doubt is as it was
    let shop = Shop::new(EMAIL).await;
    shop.died_in(State::Sending, true).await;
    assert_eq!(shop.run(ready).await.unwrap().settled.unwrap().state, State::Unknown);
}

/// The outcome is recorded although the archive does not take its fact, which the next delivery adds.
#[tokio::test]
async fn an_archive_that_takes_no_fact_loses_none() {
    let mut shop = Shop::new(EMAIL).await;
    shop.set(|outside| outside.takes_facts = false);
    let retry = shop.run(ready).await.unwrap_err();
    assert!(retry.reason.contains("archiving"), "{retry:?}");
    assert_eq!((shop.state().await, fact(&shop)), (Some(State::Accepted), None));
    shop.receive_count = 2;
    assert!(shop.run(ready).await.is_err(), "not yet");
    shop.set(|outside| outside.takes_facts = true);
    let settled = shop.run(ready).await.unwrap().settled.unwrap();
    assert_eq!((settled.state, settled.fresh, shop.count("send")), (State::Accepted, false, 1));
    let fact = fact(&shop).unwrap();
    assert_eq!((fact["fact"].as_str(), fact["reference"].as_str()), (Some("accepted"), Some("job-1")));
    shop.run(ready).await.unwrap();
    assert_eq!(shop.count("archive fact-02.json"), 0);
}

/// The record of an attempt that died names another address than the one that is used in the end.
#[tokio::test]
async fn a_send_to_another_address_than_the_records_is_a_fact_before_it() {
    let shop = Shop::new(EMAIL).await;
    shop.died_in(State::Claimed, false).await;
    let before = shop.steps().len();
    shop.run(|| content(Some("zoe@other.example"))).await.unwrap();
    let addressed = fact(&shop).unwrap();
    assert_eq!(addressed["fact"], "addressed");
    assert_eq!(addressed["recipient"]["email"], "zoe@other.example");
    let steps = shop.steps().split_off(before);
    let step = |name: &str| steps.iter().position(|it| it == name).unwrap();
    assert!(step("archive fact-01.json") < step("send"), "{steps:?}");
    assert!(step("archive fact-02.json") > step("send"), "{steps:?}");
}

fn offer() -> Result<Gathered, GatherError> {
    let Gathered::Ready(mut content) = ready()? else { return ready() };
    content.consent = Consent::Given(archive::Consent {
        channel: "email".to_owned(),
        state: "SUBSCRIBED".to_owned(),
        level: Some("CONFIRMED_OPT_IN".to_owned()),
        given_at: None,
        source: "shopify".to_owned(),
        found_at: super::outside::clock(),
    });
    Ok(Gathered::Ready(content))
}

/// What was found is in the record, before anything is sent.
#[tokio::test]
async fn the_consent_that_was_found_is_in_the_record() {
    let shop = Shop::new(EMAIL).await;
    shop.run(offer).await.unwrap();
    let record = shop.outside.lock().unwrap().archived("record.json").unwrap();
    let record: Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["consent"]["state"], "SUBSCRIBED");
    assert_eq!(record["consent"]["level"], "CONFIRMED_OPT_IN");
}
