//! What the recorder keeps of a request, and the one answer it changes.

use axum::{Router, extract::Request, http::StatusCode, response::IntoResponse};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use std::{net::SocketAddr, path::PathBuf};
use stub_http::{Recorder, RecorderOptions, Running};

/// Says what it was asked; nothing is below `missing/`.
async fn aws(request: Request) -> impl IntoResponse {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    if parts.uri.path().contains("/missing/") {
        let error = if parts.uri.query().is_some() { "NoSuchVersion" } else { "NoSuchKey" };
        return (StatusCode::NOT_FOUND, format!("<Error><Code>{error}</Code></Error>"));
    }
    (StatusCode::OK, format!("{} {} {}", parts.method, parts.uri, String::from_utf8_lossy(&body)))
}

struct Recording {
    recorder: Running,
    calls: PathBuf,
    http: Client,
}

impl Recording {
    async fn start(name: &str) -> Self {
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let listener = tokio::net::TcpListener::bind(any).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(aws)).await });
        let calls = std::env::temp_dir().join(format!("recorder-{name}-{}.jsonl", std::process::id()));
        _ = std::fs::remove_file(&calls);
        let options = RecorderOptions { aws: url, calls: calls.clone() };
        Self { recorder: Recorder::start(any, options).await.unwrap(), calls, http: Client::new() }
    }

    /// A request as the SDK makes it.
    fn request(&self, method: Method, service: &str, path: &str) -> RequestBuilder {
        let scope = format!("AWS4-HMAC-SHA256 Credential=1/20261127/eu-west-1/{service}/aws4_request, X=y");
        self.http
            .request(method, format!("{}{path}", self.recorder.url()))
            .header("Authorization", scope)
            .header("User-Agent", "aws-sdk-rust/1.3 os/linux lang/rust/1.95 app/write-back")
    }

    fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.calls).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        _ = std::fs::remove_file(&self.calls);
    }
}

#[tokio::test]
async fn a_request_passes_unchanged_and_is_named_without_its_content() {
    let recording = Recording::start("names").await;
    let body =
        json!({"TableName": "t", "IndexName": "by-resource", "Key": {"pk": {"S": "jane@acme.example"}}});
    let request = recording.request(Method::POST, "dynamodb", "/");
    let request = request.header("X-Amz-Target", "DynamoDB_20120810.Query").body(body.to_string());
    assert_eq!(request.send().await.unwrap().text().await.unwrap(), format!("POST / {body}"));
    let path = "/bucket/a%20b.pdf?versionId=v1";
    let request = recording.request(Method::PUT, "s3", path).header("x-amz-object-lock-mode", "COMPLIANCE");
    let answer = request.body("secret content").send().await.unwrap().text().await.unwrap();
    assert_eq!(answer, format!("PUT {path} secret content"));

    let lines = recording.lines();
    assert_eq!(
        lines[0],
        json!({
            "caller": "write-back", "service": "dynamodb", "method": "POST", "path": "/", "query": {},
            "target": "DynamoDB_20120810.Query", "headers": {}, "status": 200,
            "names": {"TableName": "t", "IndexName": "by-resource"},
        })
    );
    assert_eq!(lines[1]["path"], "/bucket/a b.pdf");
    assert_eq!(lines[1]["query"], json!({"versionId": "v1"}));
    assert_eq!(lines[1]["headers"], json!({"x-amz-object-lock-mode": "COMPLIANCE"}));
    let text = std::fs::read_to_string(&recording.calls).unwrap();
    assert!(!text.contains("jane") && !text.contains("secret content"), "{text}");
}

#[tokio::test]
async fn the_resources_of_a_request_for_several_are_all_named() {
    let recording = Recording::start("several").await;
    for (service, body, names) in [
        ("dynamodb", json!({"RequestItems": {"a": {}, "b": {}}}), json!({"RequestItems": ["a", "b"]})),
        (
            "dynamodb",
            json!({"TransactItems": [{"Put": {"TableName": "a"}}, {"Delete": {"TableName": "b"}}]}),
            json!({"TransactItems": [["Put", "a"], ["Delete", "b"]]}),
        ),
        (
            "events",
            json!({"Entries": [{"EventBusName": "bus", "Detail": "x"}]}),
            json!({"EventBusNames": ["bus"]}),
        ),
        ("scheduler", json!({"Target": {"RoleArn": "r", "Input": "x"}}), json!({"RoleArn": "r"})),
    ] {
        let request = recording.request(Method::POST, service, "/").body(body.to_string());
        request.send().await.unwrap();
        assert_eq!(recording.lines().pop().unwrap()["names"], names);
    }
}

/// The roles may list below prefixes only, and S3 tells such callers nothing of what is not there.
#[tokio::test]
async fn a_missing_key_is_refused_as_s3_refuses_it() {
    let recording = Recording::start("missing").await;
    for (method, path, status) in [
        (Method::GET, "/bucket/missing/key", 403),
        (Method::HEAD, "/bucket/missing/key", 403),
        (Method::GET, "/bucket/missing/key?versionId=1", 404),
        (Method::PUT, "/bucket/missing/key", 404),
        (Method::GET, "/bucket/here/key", 200),
    ] {
        let request = recording.request(method.clone(), "s3", path);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{method} {path}");
        let text = answer.text().await.unwrap();
        assert_eq!(text.contains("<Code>AccessDenied</Code>"), status == 403 && method == Method::GET);
    }
    assert_eq!(recording.lines()[0]["status"], 404, "the recording says what there is");
}
