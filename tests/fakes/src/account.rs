//! An AWS account for the tests of functions: S3, SQS, Secrets Manager and DynamoDB, as far as functions ask them, with
//! their rules. A request that none of them knows fails the test.

mod ledger;
mod objects;
mod queues;
mod secrets;

pub use ledger::Items;
pub use objects::Objects;
pub use queues::Queues;
pub use secrets::{SecretValues, SecretWrite};

use crate::{operation, serve};
use aws_config::SdkConfig;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the account holds, and what fails in it.
#[derive(Debug, Default)]
pub struct Account {
    pub objects: Objects,
    pub queues: Queues,
    pub secrets: SecretValues,
    pub items: Items,
}

/// The account behind a server.
#[derive(Debug, Clone)]
pub struct FakeAws {
    account: Arc<Mutex<Account>>,
    url: String,
}

impl FakeAws {
    pub async fn start() -> Self {
        let account = Arc::new(Mutex::new(Account::default()));
        let url = serve(Router::new().fallback(answer).with_state(Arc::clone(&account))).await;
        Self { account, url }
    }

    pub fn account(&self) -> MutexGuard<'_, Account> {
        // a request that nobody knows has failed its test already
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub async fn sdk(&self) -> SdkConfig {
        crate::aws(&self.url).await
    }
}

async fn answer(
    State(account): State<Arc<Mutex<Account>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut account = account.lock().unwrap_or_else(PoisonError::into_inner);
    match method {
        Method::GET => account.objects.get(&uri),
        Method::HEAD => account.objects.head(&uri),
        Method::PUT => account.objects.put(&uri, &headers, &body),
        _ => account.call(operation(&headers), &serde_json::from_slice(&body).expect("the request is JSON")),
    }
}

impl Account {
    fn call(&mut self, operation: &str, request: &Value) -> Response {
        match operation {
            "GetSecretValue" => self.secrets.get(request),
            "PutSecretValue" => self.secrets.put(request),
            "BatchGetItem" => self.items.batch_get(request),
            "UpdateItem" => self.items.update(request),
            "SendMessage" => self.queues.send(request),
            "SendMessageBatch" => self.queues.send_batch(request),
            "ChangeMessageVisibilityBatch" => self.queues.change_visibility(request),
            other => panic!("nobody asks for {other}"),
        }
    }
}

fn text<'a>(request: &'a Value, name: &str) -> &'a str {
    request[name].as_str().unwrap_or_else(|| panic!("the request has no {name}"))
}

fn list<'a>(request: &'a Value, name: &str) -> &'a [Value] {
    request[name].as_array().unwrap_or_else(|| panic!("the request has no {name}"))
}

fn refusal(kind: &str, message: &str) -> Response {
    (StatusCode::BAD_REQUEST, json!({"__type": kind, "message": message}).to_string()).into_response()
}

fn broken() -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, "{}").into_response()
}
