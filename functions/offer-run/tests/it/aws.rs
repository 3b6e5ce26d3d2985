//! S3, SQS and Secrets Manager, as far as the function asks them.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

#[derive(Default)]
pub struct Account {
    /// Content and how often it was written.
    pub objects: BTreeMap<String, (String, u32)>,
    /// Bodies of messages, by queue.
    pub sent: BTreeMap<String, Vec<Value>>,
    /// How many requests of a queue succeed before one fails.
    pub sends_until_failure: Option<usize>,
    /// Checkpoints that somebody else writes right before the function does.
    pub overtaken: u32,
    pub delays: Vec<u64>,
}

#[derive(Clone)]
pub struct FakeAws {
    account: Arc<Mutex<Account>>,
    url: String,
}

impl FakeAws {
    pub async fn start() -> Self {
        let account = Arc::new(Mutex::new(Account::default()));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&account));
        let url = fakes::serve(router).await;
        Self { account, url }
    }

    pub fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap()
    }

    pub fn put(&self, key: &str, content: String) {
        self.account().objects.insert(format!("/operations/{key}"), (content, 1));
    }

    pub fn object(&self, key: &str) -> Option<Value> {
        let account = self.account();
        let (content, _) = account.objects.get(&format!("/operations/{key}"))?;
        Some(serde_json::from_str(content).unwrap())
    }

    /// The messages sent to a queue.
    pub fn sent(&self, queue: &str) -> Vec<Value> {
        self.account().sent.get(queue).cloned().unwrap_or_default()
    }

    pub async fn sdk(&self) -> aws_config::SdkConfig {
        fakes::aws(&self.url).await
    }
}

async fn answer(
    State(account): State<Arc<Mutex<Account>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let account = &mut *account.lock().unwrap();
    match method {
        Method::GET => match account.objects.get(uri.path()) {
            Some((content, version)) => ([("etag", tag(*version))], content.clone()).into_response(),
            None => (StatusCode::NOT_FOUND, "<Error><Code>NoSuchKey</Code></Error>").into_response(),
        },
        Method::PUT => put(account, uri.path(), &headers, &body),
        _ => {
            let target = fakes::operation(&headers);
            call(account, target, &serde_json::from_slice(&body).unwrap())
        }
    }
}

fn tag(version: u32) -> String {
    format!("\"{version}\"")
}

fn put(account: &mut Account, path: &str, headers: &HeaderMap, body: &[u8]) -> Response {
    if account.overtaken > 0 {
        account.overtaken -= 1;
        account.objects.entry(path.to_owned()).or_default().1 += 1;
    }
    let there = account.objects.get(path).map(|(_, version)| *version);
    let holds = match (headers.get("if-match"), headers.get("if-none-match")) {
        (Some(wanted), _) => there.is_some_and(|version| wanted.to_str().unwrap() == tag(version)),
        (_, Some(_)) => there.is_none(),
        (None, None) => panic!("a checkpoint is never just written"),
    };
    if !holds {
        let refusal = "<Error><Code>PreconditionFailed</Code></Error>";
        return (StatusCode::PRECONDITION_FAILED, refusal).into_response();
    }
    let version = there.unwrap_or_default() + 1;
    account.objects.insert(path.to_owned(), (plain(body), version));
    [("etag", tag(version))].into_response()
}

/// The content of a body that may be sent in signed chunks.
fn plain(body: &[u8]) -> String {
    let text = std::str::from_utf8(body).unwrap();
    let (from, to) = (text.find('{').unwrap(), text.rfind('}').unwrap());
    text[from..=to].to_owned()
}

fn call(account: &mut Account, target: &str, request: &Value) -> Response {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let queue = || text(&request["QueueUrl"]).rsplit('/').next().unwrap().to_owned();
    let body = |message: &Value| serde_json::from_str(message["MessageBody"].as_str().unwrap()).unwrap();
    let answer = match target {
        "GetSecretValue" => {
            json!({"SecretString": json!({"shopify": {"access_token": "shpat"}}).to_string()})
        }
        "SendMessage" => {
            account.sent.entry(queue()).or_default().push(body(request));
            json!({"MessageId": "m", "MD5OfMessageBody": "x"})
        }
        "SendMessageBatch" => {
            if account.sends_until_failure == Some(0) {
                account.sends_until_failure = None;
                return (StatusCode::INTERNAL_SERVER_ERROR, "{}").into_response();
            }
            account.sends_until_failure = account.sends_until_failure.map(|left| left - 1);
            let entries = request["Entries"].as_array().unwrap();
            assert!(entries.len() <= 10);
            account.sent.entry(queue()).or_default().extend(entries.iter().map(body));
            let fine = |entry: &Value| json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "x"});
            json!({"Successful": entries.iter().map(fine).collect::<Vec<_>>(), "Failed": []})
        }
        "ChangeMessageVisibilityBatch" => {
            let entries = request["Entries"].as_array().unwrap().iter();
            account.delays.extend(entries.map(|entry| entry["VisibilityTimeout"].as_u64().unwrap()));
            json!({"Successful": [], "Failed": []})
        }
        other => panic!("{other}"),
    };
    answer.to_string().into_response()
}
