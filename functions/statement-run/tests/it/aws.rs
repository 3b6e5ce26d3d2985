//! S3 with conditional writes, SQS and Secrets Manager, as far as the function asks them.

use crate::world::Faults;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, Uri},
    response::{IntoResponse, Response},
};
use fakes::Objects;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard};

#[derive(Default)]
pub struct Account {
    pub objects: Objects,
    /// Bodies and delays of messages to the function's own queue.
    pub own: Vec<(String, u64)>,
    /// Bodies of messages to the flow.
    pub flow: Vec<String>,
    /// The largest request to the flow's queue, in bytes and messages.
    pub largest: (usize, usize),
    pub delays: Vec<u64>,
    /// How many requests to the flow's queue refuse their last message.
    pub refusals: u32,
    /// The flow's queue never takes a message with this in it.
    pub never_takes: Option<String>,
}

#[derive(Clone)]
pub struct FakeAws {
    account: Arc<Mutex<Account>>,
    url: String,
}

impl FakeAws {
    pub async fn start(faults: Faults) -> Self {
        let account = Arc::new(Mutex::new(Account::default()));
        let router = Router::new().fallback(answer).with_state((Arc::clone(&account), faults));
        let router = router.layer(axum::extract::DefaultBodyLimit::disable());
        let url = fakes::serve(router).await;
        Self { account, url }
    }

    pub fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap()
    }

    pub async fn sdk(&self) -> aws_config::SdkConfig {
        fakes::aws(&self.url).await
    }
}

async fn answer(
    State((account, faults)): State<(Arc<Mutex<Account>>, Faults)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    faults
        .meet(async {
            let mut account = account.lock().unwrap();
            match method {
                Method::GET => account.objects.get(&uri),
                Method::PUT => account.objects.put(&uri, &headers, &body),
                _ => account.command(&headers, &body),
            }
        })
        .await
}

impl Account {
    fn command(&mut self, headers: &HeaderMap, body: &[u8]) -> Response {
        let target = fakes::operation(headers).to_owned();
        let request: Value = serde_json::from_slice(body).unwrap();
        let entries = || request["Entries"].as_array().unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let sent = |id: &Value| json!({"Id": id, "MessageId": "m", "MD5OfMessageBody": "m"});
        let answer = match target.as_str() {
            "GetSecretValue" => {
                json!({"SecretString": json!({"shopify": {"access_token": "shpat"}}).to_string()})
            }
            "SendMessage" => {
                assert_eq!(request["QueueUrl"], "http://queue/own");
                let delay = request["DelaySeconds"].as_u64().unwrap_or_default();
                self.own.push((text(&request["MessageBody"]), delay));
                sent(&Value::Null)
            }
            "SendMessageBatch" => {
                assert_eq!(request["QueueUrl"], "http://queue/flow");
                let bodies: Vec<_> = entries().iter().map(|entry| text(&entry["MessageBody"])).collect();
                let bytes = bodies.iter().map(String::len).sum();
                self.largest = (self.largest.0.max(bytes), self.largest.1.max(bodies.len()));
                let refused = usize::from(self.refusals > 0);
                self.refusals = self.refusals.saturating_sub(1);
                let last = bodies.len() - refused;
                let (mut successful, mut failed) = (Vec::new(), Vec::new());
                for (index, (body, entry)) in bodies.into_iter().zip(entries()).enumerate() {
                    let id = &entry["Id"];
                    if index >= last {
                        failed.push(json!({"Id": id, "Code": "Busy", "SenderFault": false}));
                    } else if self.never_takes.as_ref().is_some_and(|text| body.contains(text)) {
                        failed.push(json!({"Id": id, "Code": "InvalidMessageContents", "SenderFault": true}));
                    } else {
                        self.flow.push(body);
                        successful.push(sent(id));
                    }
                }
                json!({"Successful": successful, "Failed": failed})
            }
            "ChangeMessageVisibilityBatch" => {
                self.delays
                    .extend(entries().iter().map(|entry| entry["VisibilityTimeout"].as_u64().unwrap()));
                json!({"Successful": [], "Failed": []})
            }
            other => panic!("{other}"),
        };
        answer.to_string().into_response()
    }
}
