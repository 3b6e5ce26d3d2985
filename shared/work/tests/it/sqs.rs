//! SQS, as far as sending goes: which characters and sizes it takes, and what a refusal concerns.

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard};
use work::Queue;

const MEBIBYTE: usize = 1024 * 1024;

#[derive(Default)]
pub struct Account {
    pub bodies: Vec<String>,
    pub requests: usize,
    /// A message with bad characters fails its whole request.
    pub refuses_requests: bool,
    /// Refuses a message that has this text, for the moment.
    pub busy_with: Option<String>,
    /// Says that it is down.
    pub down: bool,
}

#[derive(Clone, Default)]
pub struct Sqs(Arc<Mutex<Account>>);

impl Sqs {
    pub fn account(&self) -> MutexGuard<'_, Account> {
        self.0.lock().unwrap()
    }

    pub async fn queue(&self) -> Queue {
        let router = Router::new().fallback(answer).with_state(self.clone());
        let router = router.layer(DefaultBodyLimit::disable());
        let url = fakes::serve(router).await;
        let config = fakes::aws(&url).await;
        Queue::new(aws_sdk_sqs::Client::new(&config), format!("{url}/queue"))
    }
}

impl Account {
    /// Takes one message.
    fn take(&mut self, body: &str) -> Result<(), (&'static str, bool)> {
        let takes = |c: char| {
            matches!(u32::from(c),
                0x9 | 0xa | 0xd | 0x20..=0xd7ff | 0xe000..=0xfffd | 0x10000..=0x0010_ffff)
        };
        if !body.chars().all(takes) {
            return Err(("InvalidMessageContents", true));
        }
        if body.len() > MEBIBYTE {
            return Err(("InvalidParameterValue", true));
        }
        if self.busy_with.as_deref().is_some_and(|text| body.contains(text)) {
            return Err(("InternalFailure", false));
        }
        self.bodies.push(body.to_owned());
        Ok(())
    }

    fn batch(&mut self, entries: &[Value]) -> Result<Value, &'static str> {
        let text = |entry: &Value| entry["MessageBody"].as_str().unwrap().to_owned();
        assert!((1..=10).contains(&entries.len()), "{} entries", entries.len());
        if entries.iter().map(|entry| text(entry).len()).sum::<usize>() > MEBIBYTE {
            return Err("AWS.SimpleQueueService.BatchRequestTooLong");
        }
        if self.refuses_requests && entries.iter().any(|entry| text(entry).len() > MEBIBYTE / 2) {
            return Err("InvalidMessageContents");
        }
        let (mut sent, mut failed) = (Vec::new(), Vec::new());
        for entry in entries {
            let id = &entry["Id"];
            match self.take(&text(entry)) {
                Ok(()) => sent.push(json!({"Id": id, "MessageId": "m", "MD5OfMessageBody": "m"})),
                Err((code, fault)) => failed.push(json!({"Id": id, "Code": code, "SenderFault": fault})),
            }
        }
        Ok(json!({"Successful": sent, "Failed": failed}))
    }
}

async fn answer(State(sqs): State<Sqs>, headers: HeaderMap, body: Bytes) -> Response {
    let mut account = sqs.account();
    account.requests += 1;
    if account.down {
        return (StatusCode::SERVICE_UNAVAILABLE, "{}").into_response();
    }
    let request: Value = serde_json::from_slice(&body).unwrap();
    let answer = match headers["x-amz-target"].to_str().unwrap() {
        "AmazonSQS.SendMessage" => {
            let taken = account.take(request["MessageBody"].as_str().unwrap());
            taken.map(|()| json!({"MessageId": "m", "MD5OfMessageBody": "m"})).map_err(|(code, _)| code)
        }
        "AmazonSQS.SendMessageBatch" => account.batch(request["Entries"].as_array().unwrap()),
        other => panic!("{other}"),
    };
    match answer {
        Ok(answer) => answer.to_string().into_response(),
        Err(code) => {
            let error = json!({"__type": format!("com.amazonaws.sqs#{code}"), "message": "refused"});
            (StatusCode::BAD_REQUEST, error.to_string()).into_response()
        }
    }
}
