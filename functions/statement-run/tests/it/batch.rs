//! Batch mode, against the stub of Exstream.

use crate::world::{World, lines, text};
use bytes::Bytes;
use comms::Document;
use exstream::{Batch, BatchCall, Credentials, TokenSource};
use jiff::Timestamp;
use local_stubs::{ExstreamOptions, ExstreamSettings, ExstreamStub, Running, render::read_text};
use serde_json::{Value, json};
use shop_config::ShopConfig;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

/// Every account has a statement, every other one a summary; that of account 5 cannot be made.
pub fn driver(payload: &str, document: Document, _: &ShopConfig) -> Result<Option<Bytes>, String> {
    let payload: Value = serde_json::from_str(payload).unwrap();
    let number: u32 = payload["account"]["id"].as_str().unwrap().rsplit('/').next().unwrap().parse().unwrap();
    match document {
        Document::PurchaseSummary if number == 5 => Err("unlucky".to_owned()),
        Document::PurchaseSummary if number % 2 == 1 => Ok(None),
        _ => Ok(Some(json!({"account": payload["account"], "what": document}).to_string().into())),
    }
}

const BATCH: &str = "compose = { mode = \"batch\", customers_per_file = 4 }";

async fn stub() -> Running {
    let settings = ExstreamSettings { job_step_ms: 1, authenticate: false, ..ExstreamSettings::default() };
    let options = ExstreamOptions { settings, ..ExstreamOptions::default() };
    ExstreamStub::start(SocketAddr::from(([127, 0, 0, 1], 0)), options).await.unwrap()
}

async fn world(stub: &Running) -> World {
    let mut world = World::new("").await;
    world.configure(BATCH, &stub.url());
    world.found(&text(&lines(&[1; 10])));
    world.schedule();
    world
}

/// The documents that jobs composed: account and document of each item, from the bytes of the artifact.
async fn composed(world: &World) -> BTreeMap<String, String> {
    let text = world.aws.account().objects["config/acme.myshopify.com.toml"].0.clone();
    let config = ShopConfig::parse(&text).unwrap();
    let http = reqwest::Client::new();
    let batch = Batch::new(http.clone(), Arc::new(TokenSource::new(http)));
    let mut found = BTreeMap::new();
    for (id, item) in world.items() {
        let payload: Value = serde_json::from_str(&item.payload).unwrap();
        let Some(job) = payload["composed"]["job"].as_str() else { continue };
        let index = payload["composed"]["index"].as_u64().unwrap();
        let call = BatchCall {
            shop: &config.shop,
            settings: &config.exstream,
            document: config.document(Document::AccountStatement).unwrap(),
            credentials: &Credentials::None,
            now: Timestamp::UNIX_EPOCH,
            timeout: Duration::from_secs(10),
        };
        let output = batch.artifact(call, job, u32::try_from(index).unwrap()).await.unwrap();
        let pages = read_text(&output.bytes).concat();
        assert!(pages.contains(payload["account"]["name"].as_str().unwrap()), "{id}: {pages}");
        found.insert(id, payload["composed"]["document"].as_str().unwrap().to_owned());
    }
    found
}

fn expected() -> BTreeMap<String, String> {
    let statement = |n: u32| (format!("statement-2026-10-location-{n}"), "account-statement".to_owned());
    let summary = |n: u32| (format!("summary-2026-10-location-{n}"), "purchase-summary".to_owned());
    (1..=10).map(statement).chain((1..=10).filter(|n| n % 2 == 0).map(summary)).collect()
}

#[tokio::test]
async fn items_name_the_job_that_composed_their_document() {
    let stub = stub().await;
    let mut world = world(&stub).await;
    world.drain().await;
    assert_eq!(composed(&world).await, expected());
    let items = world.items();
    let alone: Vec<_> = items.keys().filter(|id| id.starts_with("account-statements-")).collect();
    assert_eq!(alone, ["account-statements-2026-10-location-5"], "the flow finds out what is wrong with it");
    let state = world.state();
    assert_eq!((&state["outcome"]["is"], &state["counts"]["queued"]), (&json!("done"), &json!(16)));
    assert_eq!((state["next_chunk"].as_u64(), state["chunks"].as_array().map(Vec::len)), (Some(3), Some(0)));
}

#[tokio::test]
async fn a_job_that_fails_twice_leaves_its_accounts_to_the_flow() {
    let stub = stub().await;
    let mut world = world(&stub).await;
    let client = reqwest::Client::new();
    let faults = json!([{"match": "batch", "kind": "status", "status": 400}]);
    client.put(format!("{}/__stub/faults", stub.url())).body(faults.to_string()).send().await.unwrap();
    world.drain().await;
    let ids: Vec<_> = world.items().into_keys().collect();
    assert_eq!(ids.len(), 10);
    assert!(ids.iter().all(|id| id.starts_with("account-statements-2026-10-location-")), "{ids:?}");
    assert_eq!(world.state()["counts"]["failed_jobs"], 12, "three files, two documents, twice");
    assert_eq!(world.state()["outcome"], json!({"is": "done"}));
}

#[tokio::test]
async fn a_worker_that_dies_at_any_request_gives_nobody_anothers_document() {
    for served in [false, true] {
        for n in (1..60).step_by(3) {
            let stub = stub().await;
            let mut world = world(&stub).await;
            world.fate.die_at(n, served);
            world.drain().await;
            let ids: Vec<_> = world.items_by_any_job();
            assert_eq!(
                ids,
                expected()
                    .into_keys()
                    .chain(["account-statements-2026-10-location-5".to_owned()])
                    .collect::<BTreeSet<_>>()
                    .into_iter()
                    .collect::<Vec<_>>(),
                "death at {n}"
            );
        }
    }
}
