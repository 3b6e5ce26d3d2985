//! Every flow on its samples: from the event on the bus to the archived, delivered and reported document.

use crate::cases::work;
use comms::{CommunicationId, Document, Flow, State, WriteBackState};
use e2e::{
    eventually,
    evidence::{stable, told},
    runtime::repository,
    shop::Shop,
    stack::Stack,
};
use flow::LookUp;
use ledger::Entry;
use secrecy::SecretString;
use serde_json::Value;
use service::ShopSecrets;
use shop_config::ShopConfig;
use shopify::{AdminApi, Credentials};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// The documents that follow from an event, by their ids.
async fn expected(shop: &Shop, event: &Value) -> Vec<(CommunicationId, Document)> {
    let config = ShopConfig::parse(&shop.config).unwrap();
    let item = work(shop, event);
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

/// Sends each sample event of a flow twice, once in each direction, and waits until all has settled. Every document of the
/// flow follows from one of them, is proven, and is sent once.
async fn run(flow: Flow) {
    let stack = Stack::open().await;
    let shop = Shop::open_demo(&stack, str::to_owned).await;
    shop.register_samples(flow.name()).await;
    let events: Vec<_> = sample_events(flow).iter().map(|file| shop.sample(file)).collect();
    let mut ids = BTreeMap::new();
    for event in &events {
        let found = expected(&shop, event).await;
        assert!(!found.is_empty(), "{} leads to a document", event["detail"]["metadata"]["X-Shopify-Topic"]);
        ids.extend(found);
    }
    let made: BTreeSet<_> = ids.values().collect();
    let wanted = Document::ALL.iter().filter(|document| document.flow() == flow);
    let missing: Vec<_> = wanted.filter(|document| !made.contains(document)).collect();
    assert!(missing.is_empty(), "no event in infra/local/samples/{flow} leads to {missing:?}");
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
    let documents: Vec<_> = entries.iter().map(|entry| entry.document).collect();
    insta::assert_json_snapshot!(format!("documents-of-{flow}"), documents);
    let mailed = entries.iter().filter(|entry| entry.channel.as_deref() == Some("email")).count();
    assert_eq!(shop.emails().await.len(), mailed, "each was sent once");
}

/// The events that the demo sends, too.
fn sample_events(flow: Flow) -> Vec<String> {
    let folder = repository().join("infra/local/samples").join(flow.name());
    let names = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap());
    let mut events: Vec<_> =
        names.filter(|name| name.ends_with(".json")).map(|name| format!("{flow}/{name}")).collect();
    events.sort();
    events
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
    let (record, json) = stack.record(entry).await;
    let bytes = stack.archive().read_document(&record.outputs[0]).await.unwrap();
    archive::verify(&record, &bytes).unwrap();
    assert_eq!(record.reported_on, entry.reported_on, "{}", entry.document);
    names_no_person(stack, entry, &json).await;
    let name = format!("record-{}-{}", entry.document, entry.subject.number());
    insta::assert_json_snapshot!(name, stable(json, shop, entry));
    let listed = eventually("Shopify shows it", || async {
        let told = shop.metafield_of(entry.reported_on.as_str()).await;
        let list = told["communications"].as_array()?.clone();
        list.into_iter().find(|it| it["id"] == entry.communication.as_str())
    })
    .await;
    assert_eq!(listed["state"], "accepted", "{listed}");
}

/// Whoever may list or look at objects, or reads an inventory or an access log, learns nothing of a customer.
async fn names_no_person(stack: &Stack, entry: &Entry, record: &Value) {
    let told = told(record);
    assert!(told.len() > 5, "the record says something: {told:?}");
    let document = entry.archived.as_ref().unwrap().archive_key.as_str();
    let record_key = format!("{}/record.json", document.rsplit_once('/').unwrap().0);
    let mut objects = vec![("ArchiveBucket", document.to_owned()), ("ArchiveBucket", record_key)];
    if entry.channel.as_deref() == Some("print") {
        let spooled = entry.reference.clone().unwrap();
        let manifest = format!("{}.manifest.json", spooled.rsplit_once('.').unwrap().0);
        objects.extend([("OperationsBucket", spooled), ("OperationsBucket", manifest)]);
    }
    for (bucket, key) in objects {
        let said = stack.said_of(bucket, &key).await;
        let named: Vec<_> = told.iter().filter(|text| said.contains(text.as_str())).collect();
        assert!(named.is_empty(), "{key}: {named:?}");
    }
}

#[tokio::test]
async fn shipments_lead_to_notice_slip_and_delivery_document() {
    run(Flow::ShippingDocuments).await;
}

#[tokio::test]
async fn returns_lead_to_authorization_instructions_refusal_and_refund() {
    run(Flow::ReturnLetters).await;
}

#[tokio::test]
async fn what_went_wrong_leads_to_its_letter() {
    run(Flow::ExceptionLetters).await;
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

    let statements = fire(&stack, &shop, "club-points", "2026-11-01", Document::LoyaltyStatement, 4).await;
    let sent = statements.iter().filter(|entry| entry.state == State::Accepted).count();
    assert_eq!(sent, 3, "one has unsubscribed");
    assert_eq!(shop.emails().await.len(), sent + 1, "the welcome and the statements, once each");
}

/// Of three who bought what runs out, one has unsubscribed.
#[tokio::test]
async fn what_runs_out_is_reminded_of_once() {
    let stack = Stack::open().await;
    let shop = Shop::open_demo(&stack, str::to_owned).await;
    shop.register_samples("targeted-offers").await;
    let document = Document::ReplenishmentReminder;
    let reminders = fire(&stack, &shop, "refill", "2026-11-23", document, 3).await;
    let sent = reminders.iter().filter(|entry| entry.state == State::Accepted).count();
    assert_eq!((sent, shop.emails().await.len()), (2, 2));
}

/// Fires a campaign twice and waits until so many of its documents have settled. Each is proven, or says why
/// it was not sent.
async fn fire(
    stack: &Stack,
    shop: &Shop,
    run: &str,
    period: &str,
    document: Document,
    count: usize,
) -> Vec<Entry> {
    let firing = serde_json::json!({"v": 1, "shop": shop.domain, "run": run, "period": period}).to_string();
    stack.send_batch("QueueUrlOfferRun", &[firing.clone(), firing]).await;
    let entries = eventually(&format!("{run} has its {count} documents"), || async {
        let mut found = Vec::new();
        for number in 1..=4u64 {
            let owner = format!("gid://shopify/Customer/{}", 7_100_000_000_000_000 + number);
            let entries = shop.about(stack, &owner).await;
            found.extend(entries.into_iter().filter(|entry| entry.document == document));
        }
        let settled = |entry: &Entry| !entry.state.is_open() && entry.write_back != WriteBackState::Pending;
        (found.len() == count && found.iter().all(settled)).then_some(found)
    })
    .await;
    for entry in &entries {
        match entry.state {
            State::Accepted => proven(stack, shop, entry).await,
            state => assert!(state == State::Suppressed && entry.reason.is_some(), "{state}"),
        }
    }
    entries
}

#[tokio::test]
async fn orders_lead_to_confirmation_and_receipt() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let [created, paid] = ["orders-create", "orders-paid"].map(|name| shop.sample(&format!("{name}.json")));
    shop.register(&created).await;
    for event in [&created, &paid, &paid, &created] {
        stack.put(event).await;
    }
    for (event, document) in [(&created, Document::OrderConfirmation), (&paid, Document::Receipt)] {
        let found = expected(&shop, event).await;
        let [(id, planned)] = &found[..] else { panic!("{found:?}") };
        assert_eq!(*planned, document);
        let entry = shop.settled(&stack, id).await;
        proven(&stack, &shop, &entry).await;
    }
    assert_eq!((shop.emails().await.len(), stack.spooled(&shop.domain).await), (1, 1));
}

/// Whoever adds a document shows its driver data and what is recorded of it.
#[test]
fn every_document_has_its_driver_data_and_its_record_on_file() {
    let root = repository();
    let snapshots = std::fs::read_dir(root.join("tests/e2e/tests/e2e/snapshots")).unwrap();
    let snapshots: Vec<_> = snapshots.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    for &document in Document::ALL {
        let sample = format!("functions/{}/samples/{document}.v1.json", document.flow());
        assert!(root.join(&sample).exists(), "{sample}");
        let named = |name: &String| name.ends_with(".snap") && name.contains(&format!("__record-{document}"));
        assert!(snapshots.iter().any(named), "no snapshot of a record of a {document}");
    }
}
