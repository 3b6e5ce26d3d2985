//! A Shopify on the loopback interface that answers from a script and remembers what it was asked.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Response, Uri},
};
use comms::ShopDomain;
use jiff::Timestamp;
use serde_json::{Value, json};
use shop_config::Shopify;
use shopify::{AdminApi, Call, Credentials};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::TcpListener, time::Instant};

pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, &'static str)>,
    pub body: Body,
    pub delay: Duration,
}

impl Reply {
    pub fn json(body: &Value) -> Self {
        Self::text(&body.to_string())
    }

    pub fn text(body: &str) -> Self {
        Self { status: 200, headers: vec![], body: body.to_owned().into(), delay: Duration::ZERO }
    }

    pub fn status(status: u16) -> Self {
        Self { status, ..Self::text("") }
    }
}

pub struct Asked {
    pub path: String,
    pub token: Option<String>,
    pub body: String,
}

impl Asked {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

#[derive(Default)]
struct Script {
    tokens: VecDeque<Reply>,
    answers: VecDeque<Reply>,
    asked: Vec<Asked>,
}

/// The scripted server, a client, and all that a call needs.
pub struct Wire {
    script: Arc<Mutex<Script>>,
    pub api: AdminApi,
    pub shop: ShopDomain,
    pub settings: Shopify,
    pub credentials: Credentials,
}

impl Wire {
    /// A server whose answers to the API are `answers`, for a shop with a token of its own.
    pub async fn new(answers: impl IntoIterator<Item = Reply>) -> Self {
        let script =
            Arc::new(Mutex::new(Script { answers: answers.into_iter().collect(), ..Script::default() }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&script));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            script,
            api: AdminApi::new(reqwest::Client::new()),
            shop: "acme.myshopify.com".parse().unwrap(),
            settings: Shopify { base_url: Some(base_url.parse().unwrap()), ..Shopify::default() },
            credentials: serde_json::from_value(json!({"access_token": "shpat_fixed"})).unwrap(),
        }
    }

    /// The same for an app with client credentials, for which the server has these tokens.
    pub async fn with_grants(
        tokens: impl IntoIterator<Item = Reply>,
        answers: impl IntoIterator<Item = Reply>,
    ) -> Self {
        let mut wire = Self::new(answers).await;
        wire.script.lock().unwrap().tokens = tokens.into_iter().collect();
        wire.credentials =
            serde_json::from_value(json!({"client_id": "app", "client_secret": "shpss_secret"})).unwrap();
        wire
    }

    pub fn call(&self) -> Call<'_> {
        self.call_at(Timestamp::UNIX_EPOCH, Duration::from_secs(20))
    }

    pub fn call_at(&self, now: Timestamp, time_left: Duration) -> Call<'_> {
        let deadline = Instant::now() + time_left;
        Call { shop: &self.shop, settings: &self.settings, credentials: &self.credentials, now, deadline }
    }

    /// What was asked since the last time this was called.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.script.lock().unwrap().asked)
    }
}

async fn answer(
    State(script): State<Arc<Mutex<Script>>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let reply = {
        let mut script = script.lock().unwrap();
        let token = headers.get("x-shopify-access-token").map(|value| value.to_str().unwrap().to_owned());
        script.asked.push(Asked {
            path: uri.path().to_owned(),
            token,
            body: String::from_utf8(body.into()).unwrap(),
        });
        let queue =
            if uri.path() == "/admin/oauth/access_token" { &mut script.tokens } else { &mut script.answers };
        queue.pop_front().unwrap_or_else(|| Reply::status(599))
    };
    tokio::time::sleep(reply.delay).await;
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(reply.body).unwrap()
}

pub fn grant(token: &str) -> Reply {
    Reply::json(&json!({"access_token": token, "scope": "read_orders", "expires_in": 86399}))
}

/// `extensions.cost` as Shopify gives it.
pub fn cost(requested: u32, available: u32) -> Value {
    json!({"cost": {"requestedQueryCost": requested, "actualQueryCost": requested, "throttleStatus":
        {"maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": 100.0}}})
}

pub fn throttled(requested: u32, available: u32) -> Reply {
    let mut extensions = cost(requested, available);
    extensions["cost"]["actualQueryCost"] = Value::Null;
    Reply::json(&json!({
        "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/rate-limits"}}],
        "extensions": extensions
    }))
}

pub fn tags_added() -> Reply {
    Reply::json(&json!({"data": {"tagsAdd": {"userErrors": []}}, "extensions": cost(10, 1990)}))
}
