//! Every flow on its samples: from the event on the bus to the archived, delivered and reported document.

use archive::EvidenceRecord;
use comms::{CommunicationId, Document, State, WriteBackState};
use e2e::{eventually, evidence::stable, shop::Shop, stack::Stack};
use flow::LookUp;
use intake::{Intaken, work_item};
use ledger::Entry;
use secrecy::SecretString;
use serde_json::Value;
use service::ShopSecrets;
use shop_config::ShopConfig;
use shopify::{AdminApi, Credentials, Event};
use std::{collections::BTreeMap, time::Duration};

/// The documents an event leads to, by their ids.
async fn expected(shop: &Shop, event: &Value) -> Vec<(CommunicationId, Document)> {
    let config = ShopConfig::parse(&shop.config).unwrap();
    let event = Event::parse(event.to_string().as_bytes()).unwrap();
    let item = match work_item(&event, &config).unwrap() {
        Intaken::Work(item) => item,
        Intaken::Ignored(reason) => panic!("{}: {reason}", event.topic),
    };
    let shopify = Credentials::AccessToken { access_token: SecretString::from("shpat_local") };
    let secrets = ShopSecrets { shopify, ..ShopSecrets::default() };
    let look_up = LookUp {
        item: &item,
        payload: item.payload.as_ref().map(|payload| payload.get()),
        config: &config,
        secrets: &secrets,
        shopify: &AdminApi::new(reqwest::Client::new()),
        now: jiff::Timestamp::now(),
        time_left: Duration::from_secs(20),
    };
    let plans = reconcile::plans(look_up).await.unwrap();
    plans
        .iter()
        .filter(|plan| plan.wanted)
        .map(|plan| {
            let id = CommunicationId::derive(&shop.domain, plan.document, &plan.subject, &plan.revision);
            (id, plan.document)
        })
        .collect()
}

/// Sends each sample twice, once in each direction, and waits until all has settled.
async fn run(flow: &str, samples: &[&str]) -> (Stack, Shop, Vec<Entry>) {
    let stack = Stack::open().await;
    let shop = Shop::open_demo(&stack, str::to_owned).await;
    shop.register_samples(flow).await;
    let events: Vec<_> = samples.iter().map(|file| shop.sample(&format!("{flow}/{file}.json"))).collect();
    let mut ids = BTreeMap::new();
    for event in &events {
        let found = expected(&shop, event).await;
        assert!(!found.is_empty(), "{} leads to a document", event["detail"]["metadata"]["X-Shopify-Topic"]);
        ids.extend(found);
    }
    for event in events.iter().chain(events.iter().rev()) {
        stack.put(event).await;
    }
    let mut entries = Vec::new();
    for (id, document) in ids {
        let entry = shop.settled(&stack, &id).await;
        assert_eq!(entry.document, document);
        proven(&stack, &shop, &entry).await;
        entries.push(entry);
    }
    entries.sort_by_key(|entry| entry.document);
    (stack, shop, entries)
}

/// It was made, archived with a record that proves it, and told to Shopify.
async fn proven(stack: &Stack, shop: &Shop, entry: &Entry) {
    assert_eq!(entry.state, State::Accepted, "{}: {:?}", entry.document, entry.reason);
    assert_eq!(
        entry.write_back,
        WriteBackState::Reported,
        "{}: {:?}",
        entry.document,
        entry.write_back_reason
    );
    let archived = entry.archived.as_ref().unwrap();
    let (bytes, _) = stack.object(&archived.archive_key).await;
    let key = format!("{}/record.json", archived.archive_key.rsplit_once('/').unwrap().0);
    let (json, _) = stack.object(&key).await;
    let record: EvidenceRecord = serde_json::from_slice(&json).unwrap();
    contract::conforms(&EvidenceRecord::schema(), &serde_json::from_slice(&json).unwrap());
    archive::verify(&record, &bytes).unwrap();
    assert_eq!(record.order, entry.order, "{}", entry.document);
    let name = format!("record-{}-{}", entry.document, entry.subject.number());
    insta::assert_json_snapshot!(name, stable(serde_json::from_slice(&json).unwrap(), shop, entry));
    let listed = eventually("Shopify shows it", || async {
        let told = shop.metafield_of(entry.order.as_str()).await;
        let list = told["communications"].as_array()?.clone();
        list.into_iter().find(|it| it["id"] == entry.communication.as_str())
    })
    .await;
    assert_eq!(listed["state"], "accepted", "{listed}");
}

fn documents(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.document.name()).collect()
}

#[tokio::test]
async fn shipments_lead_to_notice_slip_and_delivery_document() {
    let samples = ["fulfillments-create", "fulfillments-update", "fulfillment-events-create"];
    let (_, shop, entries) = run("shipping-documents", &samples).await;
    assert_eq!(
        documents(&entries),
        ["shipping-notice", "shipping-notice", "packing-slip", "delivery-document"]
    );
    let mailed = entries.iter().filter(|entry| entry.channel.as_deref() == Some("email")).count();
    assert_eq!(shop.emails().await.len(), mailed, "each was sent once");
}

#[tokio::test]
async fn returns_lead_to_authorization_instructions_refusal_and_refund() {
    let samples = ["returns-approve", "returns-decline", "refunds-create", "order-transactions-create"];
    let (_, _, entries) = run("return-letters", &samples).await;
    let names = documents(&entries);
    for name in ["return-authorization", "return-instructions", "return-declined", "refund-confirmation"] {
        assert_eq!(names.iter().filter(|it| **it == name).count(), 1, "{name} in {names:?}");
    }
}

#[tokio::test]
async fn what_went_wrong_leads_to_its_letter() {
    let samples = [
        "order-transactions-create",
        "orders-cancelled",
        "disputes-create",
        "disputes-update",
        "payment-schedules-due",
        "subscription-billing-attempts-failure",
    ];
    let (_, _, entries) = run("exception-letters", &samples).await;
    let wanted = [
        "payment-failure-letter",
        "payment-failure-letter",
        "cancellation-letter",
        "dispute-notice",
        "dispute-resolution",
        "payment-overdue-letter",
    ];
    assert_eq!(documents(&entries), wanted);
}

/// Consent, the suppression tag and the cap decide when an offer is sent, and what was not sent says why.
#[tokio::test]
async fn offers_go_to_those_who_want_them_and_once() {
    let stack = Stack::open().await;
    let shop = Shop::open_demo(&stack, str::to_owned).await;
    shop.register_samples("targeted-offers").await;
    let [joined, unsubscribed] = ["customer-joined-segment", "customer-joined-segment-unsubscribed"]
        .map(|name| shop.sample(&format!("targeted-offers/{name}.json")));
    for event in [&joined, &unsubscribed, &unsubscribed, &joined] {
        stack.put(event).await;
    }
    let (welcome, refused) = tokio::join!(expected(&shop, &joined), expected(&shop, &unsubscribed));
    let welcome = shop.settled(&stack, &welcome[0].0).await;
    proven(&stack, &shop, &welcome).await;
    let refused = shop.settled(&stack, &refused[0].0).await;
    assert_eq!(refused.state, State::Suppressed);
    assert!(refused.reason.is_some());

    let firing = |run: &str| {
        let item = serde_json::json!({"v": 1, "shop": shop.domain, "run": run, "period": "2026-11-01"});
        item.to_string()
    };
    stack.send_batch("QueueUrlOfferRun", &[firing("club-points"), firing("club-points")]).await;
    let entries = eventually("four members of the club have their statements", || async {
        let mut found = Vec::new();
        for number in 1..=4u64 {
            let owner = format!("gid://shopify/Customer/{}", 7_100_000_000_000_000 + number);
            let entries = shop.about(&stack, &owner).await;
            found.extend(entries.into_iter().filter(|entry| entry.document == Document::LoyaltyStatement));
        }
        let settled = |entry: &Entry| !entry.state.is_open() && entry.write_back != WriteBackState::Pending;
        (found.len() == 4 && found.iter().all(settled)).then_some(found)
    })
    .await;
    for entry in &entries {
        match entry.state {
            State::Accepted => proven(&stack, &shop, entry).await,
            state => assert!(state == State::Suppressed && entry.reason.is_some(), "{state}"),
        }
    }
    let sent = entries.iter().filter(|entry| entry.state == State::Accepted).count();
    assert_eq!(sent, 3, "one has unsubscribed");
    assert_eq!(shop.emails().await.len(), sent + 1, "the welcome and the statements, once each");
}
