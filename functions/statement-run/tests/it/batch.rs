//! Batch mode, against the stub of Exstream.

use crate::world::{World, lines, text};
use account_statements::{Driver, ItemError};
use comms::{CommunicationId, Document, Revision};
use exstream::{Basis, Kept};
use letter_render::read_text;
use serde_json::{Value, json};
use shop_config::ShopConfig;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};
use stub_exstream::{ExstreamOptions, ExstreamSettings, ExstreamStub, Identify};
use stub_http::Running;

/// Every account has a statement, every other one a summary; that of account 5 cannot be made.
pub fn driver(payload: &str, document: Document, config: &ShopConfig) -> Result<Option<Driver>, ItemError> {
    let payload: Value = serde_json::from_str(payload).unwrap();
    let number: u32 = payload["account"]["id"].as_str().unwrap().rsplit('/').next().unwrap().parse().unwrap();
    match document {
        Document::PurchaseSummary if number == 5 => return Err(ItemError::ForeignDocument(document)),
        Document::PurchaseSummary if number % 2 == 1 => return Ok(None),
        _ => {}
    }
    let subject = payload["account"]["id"].as_str().unwrap().parse().unwrap();
    let revision = Revision::named("period-2026-10");
    let communication = CommunicationId::derive(&config.shop, document, &subject, &revision);
    let data =
        json!({"communication": communication, "account": payload["account"], "document": document.name()});
    Ok(Some(Driver { bytes: data.to_string().into(), communication }))
}

const BATCH: &str = "compose = { mode = \"batch\", customers_per_file = 4 }";

async fn stub() -> Running {
    stub_with(ExstreamSettings::default()).await
}

async fn stub_with(settings: ExstreamSettings) -> Running {
    let settings = ExstreamSettings { job_step_ms: 1, authenticate: false, ..settings };
    let options = ExstreamOptions { settings, ..ExstreamOptions::default() };
    ExstreamStub::start(SocketAddr::from(([127, 0, 0, 1], 0)), options).await.unwrap()
}

async fn control(stub: &Running, what: &str, body: &Value) {
    let client = reqwest::Client::new();
    let answer = client.put(format!("{}/__stub/{what}", stub.url())).body(body.to_string()).send().await;
    assert!(answer.unwrap().status().is_success());
}

async fn jobs_left(stub: &Running) -> usize {
    let text = reqwest::get(format!("{}/__stub/jobs", stub.url())).await.unwrap().text().await.unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["jobs"].as_array().unwrap().len()
}

async fn world(stub: &Running) -> World {
    let mut world = World::new("").await;
    world.configure(BATCH, &stub.url());
    world.found(&text(&lines(&[1; 10])));
    world.schedule();
    world
}

/// The documents that jobs composed: id and document of each item, from the bytes that were stored. An item that was
/// sent twice may name the outputs of two jobs.
fn composed(world: &World) -> BTreeMap<String, String> {
    let account = world.aws.account();
    let config = ShopConfig::parse(&account.objects.texts["config/acme.myshopify.com.toml"].0).unwrap();
    let mut found = BTreeMap::new();
    for body in &account.flow {
        let item = work::WorkItem::from_json(body).unwrap();
        let text = item.payload.unwrap().get().to_owned();
        let payload: Value = serde_json::from_str(&text).unwrap();
        let Some(key) = payload["composed"]["output_key"].as_str() else { continue };
        let document: Document = serde_json::from_value(payload["composed"]["document"].clone()).unwrap();
        let Kept { outputs, template } = serde_json::from_str(&account.objects.texts[key].0).unwrap();
        assert_eq!(template.map(|it| it.basis), Some(Basis::Traced));
        let communication = driver(&text, document, &config).unwrap().unwrap().communication;
        let [output] = &outputs[..] else { panic!("one output") };
        assert_eq!(output.named(), BTreeSet::from([communication]));
        let pages = read_text(&output.bytes).concat();
        let name = payload["account"]["name"].as_str().unwrap();
        assert!(pages.lines().any(|line| line.contains(name)), "{}: {pages}", item.trigger.webhook_id);
        found.insert(item.trigger.webhook_id, document.name().to_owned());
    }
    found
}

/// Nobody has an output of a job, every account is left to the flow.
fn all_on_demand(world: &World) {
    assert_eq!(composed(world), BTreeMap::new());
    let ids: Vec<_> = world.items().into_keys().collect();
    assert_eq!(ids.len(), 10);
    assert!(ids.iter().all(|id| id.starts_with("account-statements-2026-10-location-")), "{ids:?}");
    assert_eq!(world.state()["outcome"], json!({"is": "done"}));
}

fn expected() -> BTreeMap<String, String> {
    let statement = |n: u32| (format!("statement-2026-10-location-{n}"), "account-statement".to_owned());
    let summary = |n: u32| (format!("summary-2026-10-location-{n}"), "purchase-summary".to_owned());
    (1..=10).map(statement).chain((1..=10).filter(|n| n % 2 == 0).map(summary)).collect()
}

#[tokio::test]
async fn items_name_the_output_that_a_job_composed_for_them() {
    let stub = stub().await;
    let mut world = world(&stub).await;
    world.drain().await;
    assert_eq!(composed(&world), expected());
    assert_eq!(jobs_left(&stub).await, 0, "jobs are deleted when their outputs are fetched");
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
    control(&stub, "faults", &json!([{"match": "batch", "kind": "status", "status": 400}])).await;
    world.drain().await;
    all_on_demand(&world);
    assert_eq!(world.state()["counts"]["failed_jobs"], 12, "three files, two documents, twice");
}

/// The engine counts from elsewhere, or leaves somebody out: all get what is another's.
#[tokio::test]
async fn nobody_gets_the_output_of_another_number() {
    let shifted = stub_with(ExstreamSettings { customer_shift: 1, ..ExstreamSettings::default() }).await;
    let mut world = world(&shifted).await;
    world.drain().await;
    all_on_demand(&world);
    let state = world.state();
    // each file's last account has nothing at all
    assert_eq!((&state["counts"]["unproven"], &state["counts"]["missing"]), (&json!(9), &json!(6)));
    assert!(
        state["problems"][0]["what"].as_str().unwrap().contains("do not prove whose they are"),
        "{state}"
    );
    assert_eq!(jobs_left(&shifted).await, 0);
}

#[tokio::test]
async fn an_output_proves_whose_it_is_or_is_not_used() {
    for identify in [Identify::Text, Identify::FileName, Identify::Nowhere] {
        let stub = stub_with(ExstreamSettings { identify, ..ExstreamSettings::default() }).await;
        let mut world = world(&stub).await;
        world.drain().await;
        if identify == Identify::Nowhere {
            all_on_demand(&world);
            assert_eq!(world.state()["counts"]["unproven"], 15);
            continue;
        }
        let items = world.items();
        let named = items.values().filter(|item| item.payload.contains("output_key")).count();
        assert_eq!((named, &world.state()["counts"]["unproven"]), (expected().len(), &json!(0)));
    }
}

#[tokio::test]
async fn a_file_of_several_customers_is_nobodys_document() {
    let settings = ExstreamSettings { unsplit_files: true, ..ExstreamSettings::default() };
    let stub = stub_with(settings).await;
    let mut world = world(&stub).await;
    world.drain().await;
    // the only customer of its file
    let only = ("summary-2026-10-location-10".to_owned(), "purchase-summary".to_owned());
    assert_eq!(composed(&world), BTreeMap::from([only]));
    assert_eq!(world.state()["counts"]["unproven"], 14);
}

#[tokio::test]
async fn an_output_that_is_not_there_is_left_to_the_flow() {
    let stub = stub().await;
    control(&stub, "jobs", &json!([{"missing": [2]}])).await;
    let mut world = world(&stub).await;
    world.drain().await;
    let mut left = expected();
    assert_eq!(left.remove("statement-2026-10-location-2").as_deref(), Some("account-statement"));
    assert_eq!(composed(&world), left);
    assert!(world.items().contains_key("account-statements-2026-10-location-2"));
    assert_eq!(world.state()["counts"]["missing"], 1);
}

/// An outage of Exstream is waited for, but not for ever.
#[tokio::test]
async fn an_output_that_cannot_be_fetched_for_long_is_left_to_the_flow() {
    for (times, missing) in [(3, 0), (10_000, 15)] {
        let stub = stub().await;
        let fault = json!([{"match": "customer_artifact", "kind": "status", "status": 503, "times": times}]);
        control(&stub, "faults", &fault).await;
        let mut world = world(&stub).await;
        world.drain().await;
        assert_eq!(world.state()["counts"]["missing"], missing);
        assert!(world.returned > 0);
    }
}

#[tokio::test]
async fn a_held_job_is_reported_and_waited_for() {
    let stub = stub().await;
    control(&stub, "jobs", &json!([{"end": "holding"}])).await;
    let mut world = world(&stub).await;
    let function = world.function().await;
    for _ in 0..30 {
        world.deliver(&function).await;
    }
    let state = world.state();
    assert_eq!((&state["outcome"], state["chunks"].as_array().unwrap().len()), (&Value::Null, 1));
    let problems = state["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 1, "said once: {state}");
    assert!(problems[0]["what"].as_str().unwrap().contains("is held in Exstream"), "{state}");
    let client = reqwest::Client::new();
    client.post(format!("{}/__stub/release-jobs", stub.url())).send().await.unwrap();
    world.drain().await;
    assert_eq!(composed(&world), expected());
    assert_eq!(world.state()["counts"]["failed_jobs"], 0);
}

#[tokio::test]
async fn a_worker_that_dies_at_any_request_gives_nobody_anothers_document() {
    for served in [false, true] {
        for n in (1..120).step_by(5) {
            let stub = stub().await;
            let mut world = world(&stub).await;
            world.faults.die_at(n, served);
            world.drain().await;
            assert_eq!(composed(&world), expected(), "death at {n}");
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
