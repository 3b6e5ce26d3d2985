//! SQS, as far as sending and hiding go: which characters and sizes it takes, and what a refusal concerns.

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};
use work::{Backoff, Inbox, Queue};

const MEBIBYTE: usize = 1024 * 1024;

#[derive(Default)]
pub struct Account {
    pub bodies: Vec<String>,
    /// The message group of each, or nothing.
    pub groups: Vec<String>,
    pub requests: usize,
    /// A message with bad characters fails its whole request.
    pub refuses_requests: bool,
    /// Refuses a message that has this text, for the moment.
    pub busy_with: Option<String>,
    /// Says that it is down.
    pub down: bool,
    /// Refuses whatever is put among the dead letters.
    pub no_dead_letters: bool,
    /// What was put among the dead letters, with the values of its attributes.
    pub dead: Vec<(String, BTreeMap<String, String>)>,
    /// Receipt handles with the seconds that their messages stay away.
    pub hidden: BTreeMap<String, u64>,
}

#[derive(Clone, Default)]
pub struct Sqs(Arc<Mutex<Account>>);

impl Sqs {
    pub fn account(&self) -> MutexGuard<'_, Account> {
        self.0.lock().unwrap()
    }

    pub async fn inbox(&self) -> Inbox {
        let router = Router::new().fallback(answer).with_state(self.clone());
        let url = fakes::serve(router).await;
        let client = aws_sdk_sqs::Client::new(&fakes::aws(&url).await);
        Inbox {
            queue: Queue::new(client.clone(), format!("{url}/queue")),
            dead_letters: Queue::new(client, format!("{url}/queue-dlq")),
            backoff: Backoff::default(),
        }
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
    /// Takes one message with its group.
    fn take_of(&mut self, request: &Value) -> Result<(), (&'static str, bool)> {
        self.take(request["MessageBody"].as_str().unwrap())?;
        let group = request["MessageGroupId"].as_str().unwrap_or_default();
        let fits = |c: char| c.is_ascii_alphanumeric() || c.is_ascii_punctuation();
        assert!(group.len() <= 128 && group.chars().all(fits), "SQS refuses the group {group}");
        self.groups.push(group.to_owned());
        Ok(())
    }

    /// Takes one text.
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

    fn put_among_dead(&mut self, request: &Value) -> Result<Value, &'static str> {
        if self.no_dead_letters {
            return Err("QueueDoesNotExist");
        }
        let body = request["MessageBody"].as_str().unwrap();
        self.take(body).map_err(|(code, _)| code)?;
        let mut values = BTreeMap::new();
        for (name, value) in request["MessageAttributes"].as_object().unwrap() {
            let text = value["StringValue"].as_str().unwrap();
            assert_eq!(value["DataType"], "String");
            assert!(!text.is_empty() && self.take(text).is_ok(), "SQS refuses the attribute {name}");
            values.insert(name.clone(), text.to_owned());
        }
        assert!(values.len() <= 10);
        self.dead.push((body.to_owned(), values));
        Ok(json!({"MessageId": "m", "MD5OfMessageBody": "m"}))
    }

    fn hide(&mut self, request: &Value) -> Value {
        let entries = request["Entries"].as_array().unwrap();
        assert!((1..=10).contains(&entries.len()), "{} entries", entries.len());
        let hide = |entry: &Value| {
            let seconds = entry["VisibilityTimeout"].as_u64().unwrap();
            assert!(seconds <= 12 * 3600);
            self.hidden.insert(entry["ReceiptHandle"].as_str().unwrap().to_owned(), seconds);
            json!({"Id": entry["Id"]})
        };
        json!({"Successful": entries.iter().map(hide).collect::<Vec<_>>(), "Failed": []})
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
            match self.take_of(entry) {
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
    let to_dead = request["QueueUrl"].as_str().unwrap().ends_with("-dlq");
    let answer = match headers["x-amz-target"].to_str().unwrap() {
        "AmazonSQS.SendMessage" if to_dead => account.put_among_dead(&request),
        "AmazonSQS.ChangeMessageVisibilityBatch" => Ok(account.hide(&request)),
        "AmazonSQS.SendMessage" => {
            let taken = account.take_of(&request);
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
