//! A function in a real browser: served as an HTTP API serves it, and looked at by a script that drives Chromium.

use crate::serve;
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::StatusCode,
    response::Response,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value};
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

/// What a browser asked for.
pub struct Asked {
    pub method: String,
    /// With its query.
    pub path: String,
    /// By their lower-case names.
    pub headers: Value,
    pub body: String,
}

/// Serves a function as an HTTP API does: `answer` hands it what was asked for, and has its answer (payload format 2.0).
/// Answers the address.
pub async fn serve_function<F, A>(answer: F) -> String
where
    F: Fn(Asked) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Value> + Send + 'static,
{
    let handle = move |request: Request| {
        let answer = answer.clone();
        async move {
            let asked = asked(request).await;
            response(&answer(asked).await)
        }
    };
    serve(Router::new().fallback(handle)).await
}

async fn asked(request: Request) -> Asked {
    let (parts, body) = request.into_parts();
    let text = |value: &axum::http::HeaderValue| Value::from(value.to_str().unwrap_or_default());
    let headers: Map<String, Value> =
        parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let body = to_bytes(body, 100_000).await.expect("what a test sends is short");
    Asked {
        method: parts.method.to_string(),
        path: parts.uri.path_and_query().expect("a request has a path").to_string(),
        headers: headers.into(),
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

fn response(answer: &Value) -> Response {
    let status = answer["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
    let status = StatusCode::from_u16(status.expect("an answer has a status")).expect("it is one of HTTP's");
    let mut response = Response::builder().status(status);
    for (name, value) in answer["headers"].as_object().expect("an answer has headers") {
        response = response.header(name, value.as_str().expect("a header is a text"));
    }
    let body = answer["body"].as_str().expect("an answer has a body");
    let body = match answer["isBase64Encoded"].as_bool().expect("an answer says how its body is written") {
        true => BASE64_STANDARD.decode(body).expect("it is base64"),
        false => body.as_bytes().to_vec(),
    };
    response.body(Body::from(body)).expect("the answer is one of HTTP's")
}

/// Where the checks are, and the packages they need.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../browser")
}

/// Has `tests/browser/<check>.js` check `what` in Chromium. Answers what it printed, and where its pictures are. Without
/// Chromium or the packages nothing is checked, which the summary of all tests says.
pub async fn check_in_browser(check: &str, what: &Value) -> String {
    let (folder, chromium) = (folder(), on_path("chromium"));
    let Some(chromium) = chromium.filter(|_| folder.join("node_modules/playwright-core").exists()) else {
        let why = "no Chromium on the path, or tests/browser not installed (infra/local/local.py install)";
        // past what the test runner keeps to itself
        let _ = writeln!(std::io::stderr(), "\n*** SKIPPED: {check} in a browser: {why}");
        return String::new();
    };
    let pictures = std::env::temp_dir().join(format!("{check}-{}", std::process::id()));
    std::fs::create_dir_all(&pictures).expect("there is a place for pictures");
    let mut node = Command::new("node");
    node.arg(folder.join(format!("{check}.js"))).arg(chromium).arg(&pictures).arg(what.to_string());
    let run = tokio::task::spawn_blocking(move || node.output()).await;
    let output = run.expect("the check is awaited").expect("there is Node.js");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    format!("{text}pictures: {}", pictures.display())
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|it| it.join(program)).find(|it| it.exists())
}
