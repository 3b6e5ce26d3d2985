//! An AWS account for the tests of commands: what they ask of it, in memory. Anything else fails the test.

use crate::stack::{Outputs, Stack};
use aws_config::SdkConfig;
use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use fakes::{Objects, Seen, Server};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub const SHOP: &str = "acme.myshopify.com";
pub const BUS: &str = "aws.partner/shopify.com/12/orders";
pub const ARN: &str = "arn:aws:events:eu-west-1::event-source/aws.partner/shopify.com/12/orders";

/// What changes the account.
pub type Change = fn(&mut Account);

/// An AWS account, as far as it is asked; anything else fails the test.
#[derive(Debug, Clone, Default)]
pub struct Account {
    pub source: Option<&'static str>,
    pub bus: bool,
    pub rule: Option<&'static str>,
    pub secret: Option<String>,
    /// As they were asked for, by name.
    pub schedules: BTreeMap<String, Value>,
    pub objects: Objects,
    /// What somebody else does just before an operation, once.
    pub meanwhile: Option<(&'static str, Change)>,
    /// Operations that AWS does not answer.
    pub failing: BTreeSet<&'static str>,
    /// Operations that the person may not ask for.
    pub denied: BTreeSet<&'static str>,
    /// The operation that is done, and whose answer is lost.
    pub lost: Option<&'static str>,
    /// What was changed.
    pub changes: Vec<String>,
}

impl Account {
    pub fn change_config(&mut self, from: &str, to: &str) {
        let mut texts = self.objects.texts.iter_mut();
        let (_, (text, _)) =
            texts.find(|(key, _)| key.starts_with("config/")).expect("a configuration is stored");
        assert!(text.contains(from));
        *text = text.replacen(from, to, 1);
    }

    /// Changes something of all schedules, as somebody in the AWS console may.
    pub fn schedule(&mut self, field: &str, value: &str) {
        for schedule in self.schedules.values_mut() {
            schedule[field] = value.into();
        }
    }

    fn answer(&mut self, seen: &Seen) -> Response {
        let target = seen.header("x-amz-target").and_then(|target| target.rsplit('.').next());
        let (method, path) = seen.target.split_once(' ').expect("a method and a path");
        let operation = target.map_or_else(|| rest_operation(method, path), str::to_owned);
        if self.failing.contains(operation.as_str()) {
            return (StatusCode::SERVICE_UNAVAILABLE, "{}").into_response();
        }
        if self.denied.contains(operation.as_str())
            && matches!(path, it if it.contains("/config/") || it.contains("/audit/"))
        {
            return (StatusCode::FORBIDDEN, "<Error><Code>AccessDenied</Code></Error>").into_response();
        }
        if self.denied.contains(operation.as_str()) {
            return (
                StatusCode::BAD_REQUEST,
                json!({"__type": "AccessDeniedException", "message": "no"}).to_string(),
            )
                .into_response();
        }
        // of what is put, only the configuration is meant
        let is_meant = operation != "PutObject" || path.contains("/config/");
        let is_due = |it: &mut (&str, fn(&mut Self))| it.0 == operation && is_meant;
        if let Some((_, other)) = self.meanwhile.take_if(is_due) {
            other(self);
        }
        let answer = self.call(&operation, path, seen);
        match self.lost.take_if(|lost| *lost == operation && is_meant) {
            Some(_) => (StatusCode::INTERNAL_SERVER_ERROR, "{}").into_response(),
            None => answer,
        }
    }

    fn call(&mut self, operation: &str, path: &str, seen: &Seen) -> Response {
        let body: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
        let uri: Uri = path.parse().expect("a path");
        match operation {
            "DescribeEventSource" => match self.source {
                Some(state) => json!({"Arn": ARN, "Name": BUS, "State": state}).to_string().into_response(),
                None => missing(),
            },
            "CreateEventBus" => {
                assert_eq!((&body["Name"], &body["EventSourceName"]), (&json!(BUS), &json!(BUS)));
                assert!(!self.bus, "there is such a bus");
                (self.bus, self.source) = (true, Some("ACTIVE"));
                self.changes.push("bus".to_owned());
                json!({"EventBusArn": "arn"}).to_string().into_response()
            }
            "DescribeEventBus" if self.bus => json!({"Name": BUS}).to_string().into_response(),
            "DescribeEventBus" => missing(),
            "ListRules" => {
                assert!(self.bus, "the bus is asked for first");
                let pattern = r#"{"source":[{"prefix":"aws.partner/shopify.com/"}]}"#;
                let rules =
                    self.rule.map(|state| json!({"Name": "intake", "State": state, "EventPattern": pattern}));
                json!({"Rules": rules.into_iter().collect::<Vec<_>>()}).to_string().into_response()
            }
            "GetSecretValue" => match &self.secret {
                Some(text) => json!({"SecretString": text, "VersionId": "v"}).to_string().into_response(),
                None => missing(),
            },
            "CreateSecret" => {
                assert_eq!(body["Name"], format!("p/shop/{SHOP}"));
                assert!(self.secret.is_none(), "there is such a secret");
                self.secret = body["SecretString"].as_str().map(str::to_owned);
                self.changes.push("secret".to_owned());
                json!({"ARN": "arn"}).to_string().into_response()
            }
            "ListSchedules" => {
                let list: Vec<_> = self.schedules.keys().map(|name| json!({"Name": name})).collect();
                json!({"Schedules": list}).to_string().into_response()
            }
            "CreateSchedule" => {
                let name = uri.path().rsplit('/').next().expect("a name");
                assert!(self.schedules.insert(name.to_owned(), body).is_none(), "there is such a schedule");
                self.changes.push(name.to_owned());
                json!({"ScheduleArn": "arn"}).to_string().into_response()
            }
            "UpdateSchedule" => {
                let name = uri.path().rsplit('/').next().expect("a name");
                let before = self.schedules.insert(name.to_owned(), body.clone());
                if before.expect("there is such a schedule") != body {
                    self.changes.push(name.to_owned());
                }
                json!({"ScheduleArn": "arn"}).to_string().into_response()
            }
            "DeleteSchedule" => {
                let name = uri.path().rsplit('/').next().expect("a name");
                self.schedules.remove(name).expect("there is such a schedule");
                self.changes.push(format!("-{name}"));
                json!({}).to_string().into_response()
            }
            "GetSchedule" => {
                let name = uri.path().rsplit('/').next().expect("a name");
                match self.schedules.get(name) {
                    Some(schedule) => schedule.to_string().into_response(),
                    None => missing(),
                }
            }
            "GetObject" | "ListObjectVersions" => self.objects.get(&uri),
            "HeadObject" => self.objects.head(&uri),
            "PutObject" => {
                self.changes.push(uri.path().to_owned());
                let named = seen.headers.iter().map(|(name, value)| {
                    let name: HeaderName = name.parse().expect("a name");
                    (name, HeaderValue::from_str(value).expect("a value"))
                });
                self.objects.put(&uri, &named.collect::<HeaderMap>(), &Bytes::clone(&seen.body))
            }
            other => panic!("nobody asks for {other}"),
        }
    }
}

fn missing() -> Response {
    let error = json!({"__type": "ResourceNotFoundException", "message": "no"});
    (StatusCode::BAD_REQUEST, error.to_string()).into_response()
}

/// The operations of S3 and Scheduler, which do not say what they are called.
fn rest_operation(method: &str, path: &str) -> String {
    let is_one = path.split('?').next().is_some_and(|path| path.matches('/').count() > 1);
    match (method, path.starts_with("/schedules")) {
        ("GET", true) if is_one => "GetSchedule",
        ("GET", true) => "ListSchedules",
        ("POST", true) => "CreateSchedule",
        ("PUT", true) => "UpdateSchedule",
        ("DELETE", true) => "DeleteSchedule",
        ("GET", false) if path.contains("?versions") => "ListObjectVersions",
        // a listing asks whether an object is missing
        ("GET", false) => "GetObject",
        ("HEAD", false) => "HeadObject",
        ("PUT", false) => "PutObject",
        _ => panic!("nobody asks for {method} {path}"),
    }
    .to_owned()
}

/// An account that answers over a socket.
pub struct Running {
    pub account: Arc<Mutex<Account>>,
    pub sdk: SdkConfig,
}

impl Running {
    pub async fn start(account: Account) -> Self {
        let account = Arc::new(Mutex::new(account));
        let shared = Arc::clone(&account);
        let aws = Server::start(move |seen| lock(&shared).answer(seen)).await;
        Self { account, sdk: fakes::aws(&aws.base).await }
    }

    pub fn account(&self) -> MutexGuard<'_, Account> {
        lock(&self.account)
    }

    /// Each command opens it anew, and keeps nothing of the one before.
    pub fn stack(&self, command: &'static str) -> Stack {
        Stack::of(&self.sdk, outputs(), command)
    }
}

fn lock(account: &Mutex<Account>) -> MutexGuard<'_, Account> {
    account.lock().unwrap_or_else(PoisonError::into_inner)
}

fn outputs() -> Outputs {
    let more = [
        ("ScheduleGroup", "g"),
        ("ScheduleRoleArn", "arn:role"),
        ("ScheduleDeadLetterArn", "arn:dlq"),
        ("QueueArnStatementRun", "arn:runs"),
        ("QueueArnOfferRun", "arn:offers"),
    ];
    let more: BTreeMap<String, String> = more.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Outputs {
        bus_name: BUS.to_owned(),
        event_source: "aws.partner/shopify.com/".to_owned(),
        secret_prefix: "p".to_owned(),
        table_name: "t".to_owned(),
        archive_bucket: "a".to_owned(),
        operations_bucket: "o".to_owned(),
        function_intake: "f".to_owned(),
        more,
    }
}
