//! Batch jobs against the stub, and against answers the stub does not give.

use crate::support::{Server, at, client_credentials, config, document, json};
use bytes::Bytes;
use comms::{Class, Classify};
use exstream::{Batch, BatchCall, BatchJob, Credentials, ExstreamError, JobState, TokenSource};
use shop_config::ShopConfig;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use stub_exstream::{ExstreamOptions, ExstreamSettings, ExstreamStub, StepFilter};
use stub_http::Running;

fn customers() -> Vec<Bytes> {
    let customer = |name: &str, digit: &str| {
        format!(r##"{{"communication":"{}","account":{{"name":"{name}"}}}}"##, digit.repeat(32)).into()
    };
    vec![customer("One & Co", "1"), customer("Two", "2"), customer("Three", "3")]
}

fn named(job: &str) -> BatchJob {
    BatchJob { id: job.to_owned(), flow_instance: format!("fi-{job}") }
}

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

async fn stub(settings: ExstreamSettings) -> Running {
    let settings = ExstreamSettings { authenticate: false, ..settings };
    let options = ExstreamOptions { settings, ..ExstreamOptions::default() };
    ExstreamStub::start(SocketAddr::from(([127, 0, 0, 1], 0)), options).await.unwrap()
}

async fn stepping(job_step_ms: u64) -> Running {
    stub(ExstreamSettings { job_step_ms, ..ExstreamSettings::default() }).await
}

/// Asks until the job is not running any more.
async fn ended(batch: &Batch, call: BatchCall<'_>, job: &BatchJob) -> JobState {
    loop {
        match batch.state(call, job).await.unwrap() {
            JobState::Running => tokio::task::yield_now().await,
            state => return state,
        }
    }
}

#[tokio::test]
async fn a_job_gives_each_customers_document_and_is_deleted() {
    for format in ["json", "xml"] {
        let stub = stepping(5).await;
        let config = config(&stub.url(), "", &format!("driver_format = \"{format}\""));
        let (batch, call) = (batch(), call(&config, &Credentials::None));
        let job = batch.submit(call, &customers()).await.unwrap();
        assert_eq!(ended(&batch, call, &job).await, JobState::Complete);
        let step = batch.step(call, &job).await.unwrap();
        for (index, name) in (0..).zip(["One & Co", "Two", "Three"]) {
            let [output] = &batch.artifact(call, &step, index).await.unwrap()[..] else {
                panic!("one output")
            };
            assert_eq!(output.mime_type, "application/pdf");
            let text = letter_render::read_text(&output.bytes).concat();
            assert!(text.contains(name), "{name} in {text}");
            let ids: Vec<_> = output.named().into_iter().map(String::from).collect();
            assert_eq!(ids, [(index + 1).to_string().repeat(32)]);
        }
        let missing = batch.artifact(call, &step, 3).await.unwrap_err();
        assert!(matches!(missing, ExstreamError::Refused { status: 404, .. }), "{missing}");
        batch.stop(call, &job).await.unwrap();
        for _ in 0..2 {
            batch.delete(call, &job).await.unwrap();
        }
        let gone = batch.state(call, &job).await.unwrap_err();
        assert!(matches!(gone, ExstreamError::Refused { status: 404, .. }), "{gone}");
        assert!(matches!(batch.step(call, &job).await, Err(ExstreamError::NoOutput)));
    }
}

/// Whatever a list of steps is filtered by, and on whatever page the job's own step is.
#[tokio::test]
async fn no_step_of_another_flow_instance_is_taken() {
    for step_filter in [StepFilter::Colons, StepFilter::Dots, StepFilter::Ignored] {
        let stub =
            stub(ExstreamSettings { job_step_ms: 1, step_filter, ..ExstreamSettings::default() }).await;
        let config = config(&stub.url(), "", "");
        let (batch, call) = (batch(), call(&config, &Credentials::None));
        let mut jobs = Vec::new();
        for number in 0..50 {
            let one = format!(r#"{{"communication":"{number:032}","account":{{"name":"No. {number}"}}}}"#);
            jobs.push(batch.submit(call, &[one.into()]).await.unwrap());
        }
        for (number, job) in jobs.iter().enumerate().step_by(7) {
            assert_eq!(ended(&batch, call, job).await, JobState::Complete);
            let step = batch.step(call, job).await.unwrap();
            let [output] = &batch.artifact(call, &step, 0).await.unwrap()[..] else { panic!("one output") };
            let ids: Vec<_> = output.named().into_iter().map(String::from).collect();
            assert_eq!(ids, [format!("{number:032}")], "{step_filter:?}");
        }
    }
}

#[tokio::test]
async fn a_job_can_fail_be_held_or_be_stopped() {
    let stub = stepping(1).await;
    let config = config(&stub.url(), "", "");
    let (batch, call) = (batch(), call(&config, &Credentials::None));
    let job = batch.submit(call, &[Bytes::from_static(b"{\"a b\":1}")]).await.unwrap();
    assert_eq!(ended(&batch, call, &job).await, JobState::Ended("error"));
    let client = reqwest::Client::new();
    let held = client.put(format!("{}/__stub/jobs", stub.url())).body(r#"[{"end":"holding"}]"#);
    held.send().await.unwrap();
    let job = batch.submit(call, &customers()).await.unwrap();
    assert_eq!(ended(&batch, call, &job).await, JobState::Holding);
    let slow = stepping(60_000).await;
    let config = crate::support::config(&slow.url(), "", "");
    let call = self::call(&config, &Credentials::None);
    let job = batch.submit(call, &customers()).await.unwrap();
    assert_eq!(batch.state(call, &job).await.unwrap(), JobState::Running);
    let step = batch.step(call, &job).await.unwrap();
    let early = batch.artifact(call, &step, 0).await.unwrap_err();
    assert!(matches!(early, ExstreamError::Refused { status: 409, .. }), "{early}");
    batch.stop(call, &job).await.unwrap();
    assert_eq!(ended(&batch, call, &job).await, JobState::Ended("canceled"));
    let unknown = batch.state(call, &named("999")).await.unwrap_err();
    assert!(matches!(unknown, ExstreamError::Refused { status: 404, .. }), "{unknown}");
}

#[tokio::test]
async fn requests_go_beside_those_on_demand() {
    let server = Server::start(|seen| match &seen.target {
        target if target.contains("token") => json(200, r#"{"access_token":"tok","expires_in":900}"#),
        target if target.contains("offset=3") => json(200, r#"{"status":"success","data":[{"id":"s/1","flowInstanceId":"fi-7","stepType":"communication","deliveryFileRetrievable":true}],"page":{"totalElements":4}}"#),
        target if target.contains("flow-steps?") => json(200, r#"{"status":"success","data":[{"id":"other","flowInstanceId":"fi-8","stepType":"communication","deliveryFileRetrievable":true},{"id":"none","stepType":"communication","deliveryFileRetrievable":true},{"id":"in","flowInstanceId":"fi-7","stepType":"input"}],"page":{"totalElements":4}}"#),
        target if target.contains("inputs") => json(200, r#"{"status":"success","data":[{"jobId":"7","id":"fi-7"}]}"#),
        _ => json(500, ""),
    })
    .await;
    let exstream = "path = \"/in/api/inputs/ondemand/{domain}/{service}\"\n\
         headers = { X-CSRF = \"1\" }\ntoken = { mode = \"gateway_json\", url = \"BASE/token\" }";
    let config = config(&server.base, &exstream.replace("BASE", &server.base), "");
    let (batch, credentials) = (batch(), client_credentials());
    let call = call(&config, &credentials);
    assert_eq!(batch.submit(call, &customers()).await.unwrap(), named("7"));
    let step = batch.step(call, &named("7")).await.unwrap();
    for error in [
        batch.artifact(call, &step, 1).await.unwrap_err(),
        batch.delete(call, &named("7")).await.unwrap_err(),
    ] {
        assert_eq!(error.class(), Class::transient(), "{error}");
    }
    let seen = server.seen();
    insta::assert_snapshot!(seen[1].text());
    let targets: Vec<_> = seen[2..].iter().map(|seen| seen.target.as_str()).collect();
    let steps =
        "GET /in/api/runtime/acme%20dev%2F1/flow-steps?filter=flowInstanceId:fi-7;stepTypes:communication";
    assert_eq!(
        targets,
        [
            steps,
            &format!("{steps}&offset=3"),
            "GET /in/api/runtime/acme%20dev%2F1/flow-steps/s%2F1/customer-artifacts/2",
            "DELETE /in/api/runtime/acme%20dev%2F1/jobs/7",
        ]
    );
}

#[tokio::test]
async fn answers_that_are_none_are_named() {
    for (status, body, text, class) in [
        (200, r#"{"status":"success","data":[]}"#, "returns no output", Class::Permanent),
        (
            200,
            r#"{"status":"success","data":[{"jobId":"","id":"a"}]}"#,
            "returns no output",
            Class::Permanent,
        ),
        (200, r#"{"status":"success","data":[{"jobId":"7"}]}"#, "returns no output", Class::Permanent),
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
        let error = batch().submit(call(&config, &Credentials::None), &customers()).await;
        let error = error.unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(error.class(), class, "{error}");
    }
}

#[tokio::test]
async fn only_orchestration_has_jobs() {
    for (exstream, text) in [("sgw", "orchestration adapter"), ("path = \"/x\"", "where batch jobs are")] {
        let config = config("http://127.0.0.1:1", exstream, "");
        let error = batch().state(call(&config, &Credentials::None), &named("1")).await.unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
    }
}
