//! Batch jobs, their outputs, and the design look-ups.

use crate::support::{COMMUNICATION, Stub, driver, exstream};
use local_stubs::{ExstreamOptions, render::read_text};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

async fn call(stub: &Stub, token: &str, method: Method, path: &str) -> reqwest::Response {
    stub.http.request(method, stub.url(path)).bearer_auth(token).send().await.unwrap()
}

async fn get(stub: &Stub, token: &str, path: &str) -> Value {
    call(stub, token, Method::GET, path).await.json().await.unwrap()
}

async fn submit(stub: &Stub, token: &str, body: String) -> String {
    let url = stub.url("/orchestration/api/v1/inputs/batch/dev/generate");
    let request = stub.http.post(url).bearer_auth(token).header("communicationId", COMMUNICATION);
    let request = request.header("driverDataSource", "orders").header("content-type", "application/json");
    let answer: Value = request.body(body).send().await.unwrap().json().await.unwrap();
    answer["data"][0]["jobId"].as_str().unwrap().to_owned()
}

/// The states a job passes until it stops changing.
async fn states(stub: &Stub, token: &str, job: &str) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    loop {
        let answer = get(stub, token, &format!("/orchestration/api/v1/runtime/dev/jobs/{job}")).await;
        let state = answer["data"]["status"].as_str().unwrap().to_owned();
        if seen.last() != Some(&state) {
            seen.push(state.clone());
        }
        if matches!(state.as_str(), "complete" | "error" | "canceled") {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_job_advances_and_then_gives_its_files() {
    let stub = exstream(ExstreamOptions::default()).await;
    stub.set("settings", json!({"job_step_ms": 60})).await;
    let token = stub.token().await;
    let job = submit(&stub, &token, json!({"customers": [driver(1), driver(2)]}).to_string()).await;
    let runtime = "/orchestration/api/v1/runtime/dev";
    let early = format!("{runtime}/flow-steps/step-{job}/delivery-file/output-files");
    assert_eq!(call(&stub, &token, Method::GET, &early).await.status(), 409);
    assert_eq!(states(&stub, &token, &job).await, ["waiting", "started", "complete"]);
    let steps = get(&stub, &token, &format!("{runtime}/flow-steps?jobId={job}")).await;
    let step = format!("{runtime}/flow-steps/{}/delivery-file", steps["data"][0]["id"].as_str().unwrap());
    let files = get(&stub, &token, &format!("{step}/output-files")).await;
    let name = files["data"][0]["name"].as_str().unwrap();
    let file = call(&stub, &token, Method::GET, &format!("{step}/artifact/{name}")).await;
    let bytes = file.bytes().await.unwrap();
    assert_eq!(files["data"][0]["size"], bytes.len());
    assert_eq!(read_text(&bytes).len(), 2);
    let zip = call(&stub, &token, Method::GET, &format!("{step}/customer-artifacts/2")).await;
    let zip = zip.bytes().await.unwrap();
    assert!(zip.starts_with(b"PK\x03\x04") && zip.windows(4).any(|w| w == b"PK\x05\x06"));
    let missing = call(&stub, &token, Method::GET, &format!("{step}/customer-artifacts/3")).await;
    assert_eq!(missing.status(), 404);
}

#[tokio::test]
async fn a_job_can_fail_and_can_be_stopped() {
    let stub = exstream(ExstreamOptions::default()).await;
    stub.set("settings", json!({"job_step_ms": 1})).await;
    let token = stub.token().await;
    let job = submit(&stub, &token, "{\"a\":".to_owned()).await;
    assert_eq!(states(&stub, &token, &job).await.last().unwrap(), "error");
    let answer = get(&stub, &token, &format!("/orchestration/api/v1/runtime/dev/jobs/{job}")).await;
    assert!(answer["data"]["msg"].as_str().unwrap().contains("not valid JSON"));
    stub.set("settings", json!({"job_step_ms": 60_000})).await;
    let job = submit(&stub, &token, driver(1).to_string()).await;
    let stop = format!("/orchestration/api/v1/runtime/dev/jobs/{job}/stop");
    assert_eq!(call(&stub, &token, Method::POST, &stop).await.status(), 200);
    assert_eq!(states(&stub, &token, &job).await, ["canceled"]);
    assert_eq!(call(&stub, &token, Method::POST, &stop).await.status(), 409);
}

#[tokio::test]
async fn templates_can_be_looked_up_and_traced() {
    let stub = exstream(ExstreamOptions::default()).await;
    let known = json!([{"id": COMMUNICATION, "name": "Confirmation", "version": 7, "data_source": "orders"}]);
    stub.set("communications", known).await;
    let token = stub.token().await;
    let query =
        "filter.types=exstrapplication&filter.states=APPROVED&filter.latestVersion=true&count=1&offset=0";
    let list = get(&stub, &token, &format!("/design/api/v1/resources/dev?{query}")).await;
    assert_eq!((&list["data"][0]["name"], &list["data"][0]["version"]), (&json!("Confirmation"), &json!(7)));
    let manifest =
        get(&stub, &token, &format!("/design/api/v1/manifests/dev/communication-set/{COMMUNICATION}")).await;
    assert_eq!(manifest["data"]["dsnlist"][0]["prodDsn"], "orders");
    let job = submit(&stub, &token, driver(1).to_string()).await;
    let path = format!("/design/api/v1/flow-instances/flow-{job}/collection-resources");
    let used = get(&stub, &token, &path).await;
    let url = stub.url("/design/api/v1/collection-resources/collection-details");
    let request = stub.http.post(url).bearer_auth(&token).json(&used["data"]);
    let details: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(details["data"][0]["version"], 7);
    stub.set("settings", json!({"job_tracing": false})).await;
    assert_eq!(call(&stub, &token, Method::GET, &path).await.status(), 403);
}
