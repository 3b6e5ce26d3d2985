//! Batch jobs against the stub, and against answers the stub does not give.

use crate::support::{Server, at, client_credentials, config, document, json};
use bytes::Bytes;
use comms::{Class, Classify};
use exstream::{Batch, BatchCall, Credentials, ExstreamError, JobState, TokenSource};
use local_stubs::{ExstreamOptions, ExstreamSettings, ExstreamStub, Running};
use shop_config::ShopConfig;
use std::{net::SocketAddr, sync::Arc, time::Duration};

const CUSTOMERS: &str = r##"{"customers":[{"account":{"name":"One & Co"}},{"account":{"name":"Two"}},{"account":{"name":"Three"}}]}"##;

fn batch() -> Batch {
    let http = reqwest::Client::new();
    Batch::new(http.clone(), Arc::new(TokenSource::new(http)))
}

fn call<'a>(config: &'a ShopConfig, credentials: &'a Credentials) -> BatchCall<'a> {
    BatchCall {
        shop: &config.shop,
        settings: &config.exstream,
        document: document(config),
        credentials,
        now: at(0),
        timeout: Duration::from_secs(10),
    }
}

async fn stub(job_step_ms: u64) -> Running {
    let settings = ExstreamSettings { job_step_ms, authenticate: false, ..ExstreamSettings::default() };
    let options = ExstreamOptions { settings, ..ExstreamOptions::default() };
    ExstreamStub::start(SocketAddr::from(([127, 0, 0, 1], 0)), options).await.unwrap()
}

/// Asks until the job is not running any more.
async fn ended(batch: &Batch, call: BatchCall<'_>, job: &str) -> JobState {
    loop {
        let found = batch.job(call, job).await.unwrap();
        assert_eq!(found.external_id.as_deref(), Some("run 2026-10 chunk 3"));
        if found.state != JobState::Running {
            return found.state;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_job_gives_each_customers_document() {
    for format in ["json", "xml"] {
        let stub = stub(5).await;
        let config = config(&stub.url(), "", &format!("driver_format = \"{format}\""));
        let (batch, call) = (batch(), call(&config, &Credentials::None));
        let job = batch.submit(call, &Bytes::from(CUSTOMERS), "run 2026-10 chunk 3").await.unwrap();
        assert_eq!(ended(&batch, call, &job).await, JobState::Complete);
        for (index, name) in ["One & Co", "Two", "Three"].iter().enumerate() {
            let output = batch.artifact(call, &job, u32::try_from(index).unwrap()).await.unwrap();
            assert_eq!(output.mime_type, "application/pdf");
            let text = local_stubs::render::read_text(&output.bytes).concat();
            assert!(text.contains(name), "{name} in {text}");
        }
        let missing = batch.artifact(call, &job, 3).await.unwrap_err();
        assert!(matches!(missing, ExstreamError::Refused { status: 404, .. }), "{missing}");
        batch.stop(call, &job).await.unwrap();
    }
}

#[tokio::test]
async fn a_job_can_fail_or_be_stopped() {
    let stub = stub(1).await;
    let config = config(&stub.url(), "", "");
    let (batch, call) = (batch(), call(&config, &Credentials::None));
    let job = batch.submit(call, &Bytes::from_static(b"{\"a b\":1}"), "run 2026-10 chunk 3").await.unwrap();
    assert_eq!(ended(&batch, call, &job).await, JobState::Ended("error"));
    let slow = self::stub(60_000).await;
    let config = crate::support::config(&slow.url(), "", "");
    let call = self::call(&config, &Credentials::None);
    let job = batch.submit(call, &Bytes::from(CUSTOMERS), "run 2026-10 chunk 3").await.unwrap();
    assert_eq!(batch.job(call, &job).await.unwrap().state, JobState::Running);
    let early = batch.artifact(call, &job, 0).await.unwrap_err();
    assert!(matches!(early, ExstreamError::Refused { status: 409, .. }), "{early}");
    batch.stop(call, &job).await.unwrap();
    assert_eq!(ended(&batch, call, &job).await, JobState::Ended("canceled"));
    let unknown = batch.job(call, "999").await.unwrap_err();
    assert!(matches!(unknown, ExstreamError::Refused { status: 404, .. }), "{unknown}");
}

#[tokio::test]
async fn requests_go_beside_those_on_demand_and_the_step_is_asked_for_once() {
    let server = Server::start(|seen| match &seen.target {
        target if target.contains("token") => json(200, r#"{"access_token":"tok","expires_in":900}"#),
        target if target.contains("flow-steps?") => json(200, r#"{"status":"success","data":[{"id":"other","jobId":"8","type":"DELIVERY"},{"id":"compose","jobId":"7"},{"id":"s/1","jobId":"7","type":"Delivery"}]}"#),
        target if target.contains("inputs") => json(200, r#"{"status":"success","data":[{"jobId":"7","id":"in-7"}]}"#),
        _ => json(500, ""),
    })
    .await;
    let exstream = "path = \"/in/api/inputs/ondemand/{domain}/{service}\"\n\
         headers = { X-CSRF = \"1\" }\ntoken = { mode = \"gateway_json\", url = \"BASE/token\" }";
    let config = config(&server.base, &exstream.replace("BASE", &server.base), "");
    let (batch, credentials) = (batch(), client_credentials());
    let call = call(&config, &credentials);
    assert_eq!(batch.submit(call, &Bytes::from(CUSTOMERS), "run x").await.unwrap(), "7");
    for index in 0..2 {
        let error = batch.artifact(call, "7", index).await.unwrap_err();
        assert_eq!(error.class(), Class::transient(), "{error}");
    }
    let seen = server.seen();
    insta::assert_snapshot!(seen[1].text());
    let targets: Vec<_> = seen[2..].iter().map(|seen| seen.target.as_str()).collect();
    assert_eq!(
        targets,
        [
            "GET /in/api/runtime/acme%20dev%2F1/flow-steps?jobId=7",
            "GET /in/api/runtime/acme%20dev%2F1/flow-steps/s%2F1/delivery-file/customer-artifacts/1",
            "GET /in/api/runtime/acme%20dev%2F1/flow-steps/s%2F1/delivery-file/customer-artifacts/2",
        ]
    );
}

#[tokio::test]
async fn answers_that_are_none_are_named() {
    for (status, body, text, class) in [
        (200, r#"{"status":"success","data":[]}"#, "returns no output", Class::Permanent),
        (200, r#"{"status":"success","data":[{"jobId":""}]}"#, "returns no output", Class::Permanent),
        (200, r#"{"status":"success","data":{}}"#, "data of another form", Class::transient()),
        (
            200,
            r#"{"status":"error","data":[{"errorMessage":"One","statusCode":"400"}]}"#,
            "status 400, *",
            Class::Permanent,
        ),
        (200, "<html>", "not the documented JSON", Class::transient()),
        (200, r#"{"status":"succ"#, "cut off", Class::Unknown),
        (503, "", "status 503", Class::transient()),
        (403, "", "credentials", Class::transient()),
    ] {
        let server = Server::start(move |_| json(status, body)).await;
        let config = config(&server.base, "", "");
        let error = batch().submit(call(&config, &Credentials::None), &Bytes::from(CUSTOMERS), "x").await;
        let error = error.unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(error.class(), class, "{error}");
    }
}

#[tokio::test]
async fn only_orchestration_has_jobs() {
    for (exstream, text) in [("sgw", "orchestration adapter"), ("path = \"/x\"", "where batch jobs are")] {
        let config = config("http://127.0.0.1:1", exstream, "");
        let error = batch().job(call(&config, &Credentials::None), "1").await.unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
    }
}
