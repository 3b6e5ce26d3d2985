//! A reverse proxy before the local AWS that writes down what each function and command asks of it.
//!
//! The local AWS enforces no permissions; the recording is what the roles are compared with. A line of it names
//! the caller, the operation and the resources, and nothing of what a request carries. The caller is the
//! application id in the user agent, which the SDK takes from `AWS_SDK_UA_APP_ID`.
//!
//! In one thing it answers as AWS does for these roles: S3 says 404 for a missing key only to callers who may list
//! the whole bucket. The roles list below prefixes, so they get 403.

use crate::{
    message::{form_pairs, percent_decode},
    server::{ListenError, Running, listen},
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, Response, StatusCode, header},
};
use serde_json::{Map, Value, json};
use std::{
    io::Write as _,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

const MAX_BODY_BYTES: usize = 64 << 20;
/// A long poll of a queue takes 20 s.
const TIMEOUT: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Those that decide which permissions a request needs.
const HEADERS: [&str; 8] = [
    "if-match",
    "x-amz-checksum-mode",
    "x-amz-copy-source",
    "x-amz-object-lock-legal-hold",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-retain-until-date",
    "x-amz-tagging",
    "x-amz-bypass-governance-retention",
];

#[derive(Debug)]
pub struct RecorderOptions {
    /// Base URL of the local AWS.
    pub aws: String,
    /// Gets one JSON object per request, behind what is there already.
    pub calls: PathBuf,
}

/// The recorder cannot start.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    #[error("open {path}")]
    Open { path: PathBuf, source: std::io::Error },
    #[error("an HTTP client")]
    Client(#[source] reqwest::Error),
    #[error(transparent)]
    Listen(#[from] ListenError),
}

#[derive(Debug)]
pub struct Recorder {
    aws: String,
    http: reqwest::Client,
    calls: Mutex<std::fs::File>,
}

impl Recorder {
    /// Binds `addr` (port 0 picks one) and records until shut down.
    ///
    /// # Errors
    /// The file cannot be opened or the address cannot be bound.
    pub async fn start(addr: SocketAddr, options: RecorderOptions) -> Result<Running, RecorderError> {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&options.calls);
        let file = file.map_err(|source| RecorderError::Open { path: options.calls, source })?;
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .build()
            .map_err(RecorderError::Client)?;
        let recorder = Arc::new(Self { aws: options.aws, http, calls: Mutex::new(file) });
        Ok(listen(addr, Router::new().fallback(forward).with_state(recorder)).await?)
    }

    fn write(&self, call: &Value) {
        let mut file = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        // a recording with a hole would call a used permission unused: better to stop than to continue without
        if let Err(error) = writeln!(file, "{call}") {
            eprintln!("the recording cannot be written: {error}");
            std::process::exit(1);
        }
    }

    async fn ask(&self, request: &IncomingRequest) -> Result<(StatusCode, HeaderMap, Bytes), reqwest::Error> {
        let mut headers = request.headers.clone();
        for name in [header::HOST, header::CONNECTION, header::EXPECT, header::CONTENT_LENGTH] {
            headers.remove(name);
        }
        headers.remove(header::TRANSFER_ENCODING);
        let url = format!("{}{}", self.aws, request.target);
        let sent = self.http.request(request.method.clone(), url).headers(headers).body(request.body.clone());
        let answer = sent.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        Ok((status, headers, answer.bytes().await?))
    }
}

/// A request as it came.
struct IncomingRequest {
    method: Method,
    /// Path and query.
    target: String,
    headers: HeaderMap,
    body: Bytes,
}

async fn forward(State(recorder): State<Arc<Recorder>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY_BYTES).await else {
        return answer(StatusCode::PAYLOAD_TOO_LARGE, HeaderMap::new(), Bytes::new());
    };
    let incoming = IncomingRequest { method: parts.method, target, headers: parts.headers, body };
    let (status, mut headers, mut body) = match recorder.ask(&incoming).await {
        Ok(answered) => answered,
        // as if this proxy were not here
        Err(_) => return answer(StatusCode::BAD_GATEWAY, HeaderMap::new(), Bytes::new()),
    };
    let call = call(&incoming, status);
    recorder.write(&call);
    headers.remove(header::CONNECTION);
    headers.remove(header::TRANSFER_ENCODING);
    if incoming.method != Method::HEAD {
        headers.remove(header::CONTENT_LENGTH);
    }
    if is_missing_object(&incoming, &call, status, &body) {
        headers.remove(header::CONTENT_LENGTH);
        if incoming.method != Method::HEAD {
            body = Bytes::from_static(
                b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
            );
        }
        return answer(StatusCode::FORBIDDEN, headers, body);
    }
    answer(status, headers, body)
}

fn answer(status: StatusCode, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn is_missing_object(incoming: &IncomingRequest, call: &Value, status: StatusCode, body: &[u8]) -> bool {
    const CODE: &[u8] = b"<Code>NoSuchKey</Code>";
    call["service"] == "s3"
        && status == StatusCode::NOT_FOUND
        && (incoming.method == Method::HEAD
            || (incoming.method == Method::GET && body.windows(CODE.len()).any(|part| part == CODE)))
}

/// What the recording keeps of a request.
fn call(incoming: &IncomingRequest, status: StatusCode) -> Value {
    let (path, query) = incoming.target.split_once('?').unwrap_or((&incoming.target, ""));
    let header = |name: &str| incoming.headers.get(name).and_then(|value| value.to_str().ok());
    let query: Map<_, _> = form_pairs(query).into_iter().map(|(name, value)| (name, value.into())).collect();
    let headers: Map<_, _> =
        HEADERS.iter().filter_map(|name| Some(((*name).to_owned(), header(name)?.into()))).collect();
    json!({
        "caller": header("user-agent").and_then(app_id),
        "service": header("authorization").and_then(service),
        "method": incoming.method.as_str(),
        "path": percent_decode(path),
        "query": query,
        "target": header("x-amz-target"),
        "headers": headers,
        "names": serde_json::from_slice(&incoming.body).map_or_else(|_| Map::new(), |body| resources(&body)),
        "status": status.as_u16(),
    })
}

/// `order-confirmation` of `aws-sdk-rust/… app/order-confirmation`.
fn app_id(user_agent: &str) -> Option<&str> {
    user_agent.split(' ').find_map(|word| word.strip_prefix("app/"))
}

/// The service in `Credential=<key>/<date>/<region>/<service>/aws4_request`.
fn service(authorization: &str) -> Option<&str> {
    authorization.split_once("Credential=")?.1.split('/').nth(3)
}

/// The names of resources in a request's body.
fn resources(body: &Value) -> Map<String, Value> {
    let mut found = Map::new();
    for name in ["TableName", "IndexName", "QueueUrl", "SecretId", "KeyId", "GroupName"] {
        if let Some(text) = body[name].as_str() {
            found.insert(name.to_owned(), text.into());
        }
    }
    let keys = |value: &Value| -> Vec<Value> {
        value.as_object().into_iter().flat_map(|map| map.keys()).map(|key| key.as_str().into()).collect()
    };
    let list = |name: &str| body[name].as_array().into_iter().flatten();
    let tables = keys(&body["RequestItems"]);
    let buses: Vec<_> = list("Entries").map(|entry| entry["EventBusName"].clone()).collect();
    // each is one operation with its table
    let steps: Vec<_> = list("TransactItems")
        .flat_map(|item| item.as_object().into_iter().flatten())
        .map(|(operation, of)| json!([operation, of["TableName"]]))
        .collect();
    for (name, values) in [("RequestItems", tables), ("EventBusNames", buses), ("TransactItems", steps)] {
        if !values.is_empty() {
            found.insert(name.to_owned(), values.into());
        }
    }
    // what a schedule does, and as whom
    let target = &body["Target"];
    for (name, arn) in [
        ("RoleArn", &target["RoleArn"]),
        ("TargetArn", &target["Arn"]),
        ("DeadLetterArn", &target["DeadLetterConfig"]["Arn"]),
    ] {
        if let Some(text) = arn.as_str() {
            found.insert(name.to_owned(), text.into());
        }
    }
    found
}
