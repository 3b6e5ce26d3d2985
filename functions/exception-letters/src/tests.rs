//! From an event to the letter, against a Shopify that answers each operation from a script.

mod cancellation;
mod contracts;
mod dispute;
mod overdue;
mod payment;
mod plan;
mod subscription;

use super::ExceptionLetters;
use axum::{Json, Router, extract::State};
use comms::{CommunicationId, Gid};
use flow::{Content, DocumentFlow, Event, Gather, GatherError, Gathered, LookUp, Plan, Planned};
use jiff::Timestamp;
use serde_json::{Value, json};
use service::ShopSecrets;
use shop_config::ShopConfig;
use shopify::AdminApi;
use std::{collections::HashMap, sync::Arc, time::Duration};
use work::WorkItem;

const CONFIG: &str = include_str!("../../../infra/local/config/demo-shop.toml");
const NOW: &str = "2026-11-23T09:00:00Z";

macro_rules! fixture {
    ($name:literal) => {
        serde_json::from_str::<serde_json::Value>(include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/",
            $name,
            ".json"
        )))
        .unwrap()
    };
}

macro_rules! sample {
    ($name:literal) => {
        serde_json::from_str::<serde_json::Value>(include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../infra/local/samples/exception-letters/",
            $name,
            ".json"
        )))
        .unwrap()
    };
}
pub(crate) use {fixture, sample};

/// An event, what Shopify knows, and when the letter is made.
struct Case {
    topic: String,
    subject: Gid,
    payload: Option<Value>,
    answers: HashMap<&'static str, Value>,
    config: String,
    now: Timestamp,
    resend: bool,
}

enum Letter {
    Ready { data: Value, content: Box<Content> },
    Suppressed { reason: String, owner: Option<Gid> },
    Nothing(String),
    Error(GatherError),
}

impl Case {
    /// The event of a sample; Shopify's answers by operation.
    fn new<const N: usize>(event: &Value, subject: &str, answers: [(&'static str, Value); N]) -> Self {
        let detail = &event["detail"];
        Self {
            topic: detail["metadata"]["X-Shopify-Topic"].as_str().unwrap().to_owned(),
            subject: subject.parse().unwrap(),
            payload: Some(detail["payload"].clone()),
            answers: answers.into(),
            config: CONFIG.to_owned(),
            now: NOW.parse().unwrap(),
            resend: false,
        }
    }

    /// Changes an answer, from its root field on.
    fn edit(mut self, operation: &str, edit: impl FnOnce(&mut Value)) -> Self {
        let answer = self.answers.get_mut(operation).unwrap().as_object_mut().unwrap();
        edit(answer.values_mut().next().unwrap());
        self
    }

    fn order(self, edit: impl FnOnce(&mut Value)) -> Self {
        self.edit("OrderForDocuments", edit)
    }

    fn payload(mut self, payload: Value) -> Self {
        self.payload = Some(payload);
        self
    }

    fn config(mut self, from: &str, to: &str) -> Self {
        assert!(self.config.contains(from), "{from}");
        self.config = self.config.replace(from, to);
        self
    }

    fn at(mut self, now: &str) -> Self {
        self.now = now.parse().unwrap();
        self
    }

    fn item(&self) -> WorkItem {
        let resend = json!({"of": "c4809f9b199959867b344883a5f958d0", "revision": "resend-1", "actor": "a", "reason": "r", "recompose": true});
        let item = json!({
            "v": 1, "shop": "northwind-demo.myshopify.com", "flow": "exception-letters",
            "trigger": {"topic": self.topic, "webhook_id": "w"}, "subject": self.subject,
            "resend": self.resend.then_some(resend),
        });
        WorkItem::from_json(&item.to_string()).unwrap()
    }

    fn plan(&self) -> Result<Planned, String> {
        let payload = self.payload.as_ref().map(Value::to_string);
        let config = ShopConfig::parse(&self.config).unwrap();
        let event = Event { item: &self.item(), payload: payload.as_deref(), config: &config };
        ExceptionLetters.plan(&event).map_err(|error| error.to_string())
    }

    /// The one plan, whose letter follows.
    fn the_plan(&self) -> Plan {
        match self.plan().unwrap() {
            Planned::Known(mut plans) if plans.len() == 1 => plans.remove(0),
            other => panic!("{other:?}"),
        }
    }

    async fn letter(&self) -> Letter {
        self.letter_of(&self.the_plan()).await
    }

    async fn letter_of(&self, plan: &Plan) -> Letter {
        let (item, config) = (self.item(), self.configured().await);
        let payload = self.payload.as_ref().map(Value::to_string);
        let id = CommunicationId::derive(&item.shop, plan.document, &plan.subject, &plan.revision);
        let gather = Gather {
            plan,
            item: &item,
            payload: payload.as_deref(),
            communication: &id,
            config: &config,
            secrets: &secrets(),
            shopify: &AdminApi::new(reqwest::Client::new()),
            history: None,
            locale: None,
            unsubscribe_url: None,
            now: self.now,
            time_left: Duration::from_secs(20),
        };
        match ExceptionLetters.gather(gather).await {
            Ok(Gathered::Ready(content)) => {
                let data = serde_json::from_slice(&content.driver).unwrap();
                contract::conforms(&ExceptionLetters::schema(plan.document).unwrap(), &data);
                Letter::Ready { data, content }
            }
            Ok(Gathered::Suppressed { reason, reported_on: owner }) => {
                Letter::Suppressed { reason: reason.into_owned(), owner }
            }
            Ok(Gathered::NotDue(reason)) => Letter::Nothing(reason.into_owned()),
            Ok(Gathered::Replaced(_)) => panic!("something else"),
            Err(error) => Letter::Error(error),
        }
    }

    async fn look_up(&self) -> Vec<Plan> {
        let (item, config) = (self.item(), self.configured().await);
        let payload = self.payload.as_ref().map(Value::to_string);
        let look_up = LookUp {
            item: &item,
            payload: payload.as_deref(),
            config: &config,
            secrets: &secrets(),
            shopify: &AdminApi::new(reqwest::Client::new()),
            now: self.now,
            time_left: Duration::from_secs(20),
        };
        ExceptionLetters.look_up(look_up).await.unwrap()
    }

    /// The shop's configuration, with the script's address for Shopify's.
    async fn configured(&self) -> ShopConfig {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut config = ShopConfig::parse(&self.config).unwrap();
        config.shopify.base_url = Some(format!("http://{}", listener.local_addr().unwrap()).parse().unwrap());
        let router = Router::new().fallback(answer).with_state(Arc::new(self.answers.clone()));
        tokio::spawn(async move { axum::serve(listener, router).await });
        config
    }
}

fn secrets() -> ShopSecrets {
    serde_json::from_value(json!({"shopify": {"access_token": "t"}})).unwrap()
}

async fn answer(
    State(answers): State<Arc<HashMap<&'static str, Value>>>,
    Json(request): Json<Value>,
) -> Json<Value> {
    let operation = request["operationName"].as_str().unwrap();
    let data = answers.get(operation).unwrap_or_else(|| panic!("{operation} was not expected"));
    let found = data.as_object().unwrap().values().find_map(|root| root.get("id"));
    assert!(found.is_none_or(|id| *id == request["variables"]["id"]), "{operation} asks for something else");
    Json(json!({ "data": data }))
}

impl Letter {
    fn data(self) -> Value {
        self.ready().0
    }

    fn ready(self) -> (Value, Box<Content>) {
        match self {
            Self::Ready { data, content } => (data, content),
            Self::Suppressed { reason, .. } => panic!("suppressed: {reason}"),
            Self::Nothing(reason) => panic!("nothing: {reason}"),
            Self::Error(error) => panic!("{error:?}"),
        }
    }

    fn suppressed(self) -> (String, Option<Gid>) {
        match self {
            Self::Suppressed { reason, owner } => (reason, owner),
            Self::Ready { .. } => panic!("a letter"),
            Self::Nothing(reason) => panic!("nothing: {reason}"),
            Self::Error(error) => panic!("{error:?}"),
        }
    }

    fn why_suppressed(self) -> String {
        self.suppressed().0
    }

    fn why_nothing(self) -> String {
        match self {
            Self::Nothing(reason) => reason,
            Self::Ready { .. } => panic!("a letter"),
            Self::Suppressed { reason, .. } => panic!("suppressed: {reason}"),
            Self::Error(error) => panic!("{error:?}"),
        }
    }

    fn error(self) -> GatherError {
        match self {
            Self::Error(error) => error,
            Self::Ready { .. } => panic!("a letter"),
            Self::Suppressed { reason, .. } | Self::Nothing(reason) => panic!("{reason}"),
        }
    }
}

fn text<'a>(data: &'a Value, path: &str) -> &'a str {
    data.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("no text at {path} in {data:#}"))
}

/// Whatever amounts Shopify says, there is a letter or a reason, and never a panic.
#[tokio::test]
async fn amounts_that_cannot_be_added_are_an_error() {
    let cases: [fn() -> Case; 6] =
        [payment::case, overdue::case, cancellation::case, dispute::open, dispute::won, subscription::case];
    let mut ready = 0;
    for case in cases {
        let answers: Value =
            case().answers.into_iter().map(|(name, answer)| (name.to_owned(), answer)).collect();
        for huge in contract::with_huge_amounts(&answers, 30) {
            let mut case = case();
            for (name, answer) in &mut case.answers {
                *answer = huge[*name].clone();
            }
            ready += usize::from(matches!(case.letter().await, Letter::Ready { .. }));
        }
    }
    assert!(ready > 0);
}
