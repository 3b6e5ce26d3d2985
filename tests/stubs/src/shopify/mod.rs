//! The stand-in for Shopify's Admin API: tokens, GraphQL over the real schema, costs and throttling.
//!
//! Shops are separate: orders, metafields, tags, tokens and the rate bucket belong to one shop each. The
//! shop is the `X-Stub-Shop` header, the `/shops/<shop>` path prefix or the Host. All state is in memory.

mod amounts;
mod bucket;
mod bulk;
mod control;
mod cost;
mod derived;
mod graphql;
mod json;
mod metafield;
mod offline;
mod page;
mod party;
mod resolve;
mod rest;
mod root;
mod schema;
mod search;
mod segment;
mod shop;

pub use offline::OfflineTokens;
pub use schema::{AdminSchema, SchemaError};

use crate::{
    exstream::{Check, Tokens},
    fault::{Fault, FaultKind},
    http::{self, Answer, Core, Request, Running, Service, StartError, form_pairs},
};
use axum::http::{Method, header};
use bucket::Bucket;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shop::Shop;
use std::{
    collections::HashMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

#[derive(Debug, Clone)]
pub struct ShopifyOptions {
    /// Introspection result (`.json.gz` or `.json`) or SDL of the Admin API.
    pub schema: PathBuf,
    pub client_id: String,
    pub client_secret: String,
    /// A fixed token, as older custom apps have, good for every shop.
    pub access_token: String,
    /// The shop of requests that name none.
    pub default_shop: String,
    pub settings: ShopifySettings,
}

impl Default for ShopifyOptions {
    fn default() -> Self {
        Self {
            schema: find_schema().unwrap_or_default(),
            client_id: "local".to_owned(),
            client_secret: "local-secret".to_owned(),
            access_token: "shpat_local".to_owned(),
            default_shop: "local.myshopify.com".to_owned(),
            settings: ShopifySettings::default(),
        }
    }
}

/// What `PUT /__stub/settings` can change.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ShopifySettings {
    pub token_lifetime_seconds: u64,
    pub bucket_size: u32,
    pub restore_rate: u32,
    /// The dearest single query that is accepted.
    pub max_query_cost: u32,
    pub latency_ms: u64,
    /// How long a bulk operation stays in each of its states.
    pub bulk_step_ms: u64,
    /// Bulk queries that run at once.
    pub bulk_concurrency: usize,
}

impl Default for ShopifySettings {
    fn default() -> Self {
        Self {
            token_lifetime_seconds: 86_399,
            bucket_size: 2000,
            restore_rate: 100,
            max_query_cost: 1000,
            latency_ms: 0,
            bulk_step_ms: 200,
            bulk_concurrency: 5,
        }
    }
}

const SCHEMA_FILE: &str = "node_modules/@shopify/dev-mcp/dist/data/admin_2026-10.json.gz";

/// The schema file: `ADMIN_SCHEMA`, or the package where the project installs it.
pub fn find_schema() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("ADMIN_SCHEMA").filter(|path| !path.is_empty()) {
        return Some(PathBuf::from(path));
    }
    let mut folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    folders.find_map(|folder| {
        let places = ["", "infra/cdk", "infra/local"];
        places.iter().map(|place| folder.join(place).join(SCHEMA_FILE)).find(|path| path.is_file())
    })
}

#[derive(Debug)]
pub struct ShopifyStub {
    core: Core,
    options: ShopifyOptions,
    settings: RwLock<Arc<ShopifySettings>>,
    schema: Arc<AdminSchema>,
    parsed: graphql::Parsed,
    tokens: Tokens,
    offline: Mutex<OfflineTokens>,
    started: Instant,
    /// Seconds that a test has let pass.
    passed: AtomicU64,
    shops: Mutex<HashMap<String, Arc<Mutex<Shop>>>>,
}

impl ShopifyStub {
    pub async fn start(addr: SocketAddr, options: ShopifyOptions) -> Result<Running, StartError> {
        let schema = AdminSchema::load(&options.schema)?;
        let stub = Self {
            core: Core::default(),
            settings: RwLock::new(Arc::new(options.settings.clone())),
            schema,
            parsed: graphql::Parsed::default(),
            tokens: Tokens::default(),
            offline: Mutex::default(),
            started: Instant::now(),
            passed: AtomicU64::new(0),
            shops: Mutex::default(),
            options,
        };
        http::start(addr, stub).await
    }

    fn settings(&self) -> Arc<ShopifySettings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn shop(&self, domain: &str) -> Arc<Mutex<Shop>> {
        let settings = self.settings();
        let mut shops = self.shops.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || {
            let bucket = Bucket::new(settings.bucket_size, settings.restore_rate, Instant::now());
            Arc::new(Mutex::new(Shop::new(domain, bucket)))
        };
        Arc::clone(shops.entry(domain.to_owned()).or_insert_with(fresh))
    }

    /// The shop a request is for and its path without the shop.
    fn target<'a>(&self, request: &'a Request) -> (String, &'a str) {
        if let Some((shop, path)) = request.path.strip_prefix("/shops/").and_then(|rest| rest.split_once('/'))
        {
            return (shop.to_ascii_lowercase(), path);
        }
        let host = request.header("host").map(|host| host.split(':').next().unwrap_or_default());
        let named = request
            .header("x-stub-shop")
            .or_else(|| request.parameter("shop"))
            .or(host.filter(|host| host.ends_with(".myshopify.com")));
        let shop = named.unwrap_or(&self.options.default_shop).to_ascii_lowercase();
        (shop, request.path.trim_start_matches('/'))
    }

    fn token(&self, shop: &str, request: &Request) -> Answer {
        let json: Option<HashMap<String, String>> = serde_json::from_slice(&request.body).ok();
        let sent =
            json.unwrap_or_else(|| form_pairs(&String::from_utf8_lossy(&request.body)).into_iter().collect());
        let field = |name: &str| sent.get(name).map(String::as_str);
        let refuse = |error: &str, description: &str| {
            Answer::json(400, &json!({"error": error, "error_description": description}))
        };
        if !matches!(field("grant_type"), Some("client_credentials" | "refresh_token")) {
            return refuse("unsupported_grant_type", "The grant type is not supported.");
        }
        let known = field("client_id") == Some(&self.options.client_id)
            && field("client_secret") == Some(&self.options.client_secret);
        if !known {
            return refuse("invalid_client", "The client credentials are invalid.");
        }
        if field("grant_type") == Some("refresh_token") {
            let Some(refresh_token) = offline::refresh_token(&sent) else {
                return refuse("invalid_request", "A renewal has four parameters and no others.");
            };
            return match self.offline().renew(shop, refresh_token, self.now()) {
                Ok(granted) => Answer::json(200, &granted),
                Err(refused) => Answer::json(401, &refused),
            };
        }
        let seconds = self.settings().token_lifetime_seconds;
        let token = self.tokens.issue("shpat_", shop, Duration::from_secs(seconds));
        let scope = "read_customers,read_orders,read_all_orders,write_customers,write_orders";
        Answer::json(200, &json!({"access_token": token, "scope": scope, "expires_in": seconds}))
    }

    /// The result of a bulk operation of any shop.
    fn content(&self, token: &str) -> Option<Arc<bulk::Content>> {
        let shops = self.shops.lock().unwrap_or_else(PoisonError::into_inner);
        shops
            .values()
            .find_map(|shop| shop.lock().unwrap_or_else(PoisonError::into_inner).bulk.content(token))
    }

    fn authorized(&self, shop: &str, request: &Request) -> bool {
        request.header("x-shopify-access-token").is_some_and(|token| {
            token == self.options.access_token
                || self.tokens.check(token, Some(shop)) == Check::Good
                || self.offline().is_good(shop, token, self.now())
        })
    }

    fn offline(&self) -> MutexGuard<'_, OfflineTokens> {
        self.offline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For offline tokens: seconds since the start, and what a test has added.
    fn now(&self) -> u64 {
        self.started.elapsed().as_secs() + self.passed.load(Ordering::Relaxed)
    }
}

impl Service for ShopifyStub {
    fn core(&self) -> &Core {
        &self.core
    }

    fn operations(&self, request: &Request) -> Vec<String> {
        let (_, path) = self.target(request);
        match path {
            "admin/oauth/access_token" => vec!["token".to_owned()],
            _ if path.starts_with(bulk::OUTPUTS) => vec!["bulk_file".to_owned()],
            _ if is_graphql(path) => {
                let mut names = vec!["graphql".to_owned()];
                names.extend(self.parsed.names(&self.schema, &request.body));
                names
            }
            _ => vec!["unknown".to_owned()],
        }
    }

    async fn answer(&self, request: &Request) -> Answer {
        let (shop, path) = self.target(request);
        if path == "admin/oauth/access_token" && request.method == Method::POST {
            return self.token(&shop, request);
        }
        if let Some(token) = path.strip_prefix(bulk::OUTPUTS) {
            // the URL is the permission: no token is asked for
            let content = self.content(token).map(|content| content.serve(request));
            return content.unwrap_or_else(|| bulk::storage_error(404, "NoSuchKey"));
        }
        if !is_graphql(path) || request.method != Method::POST {
            return Answer::json(404, &json!({"errors": "Not Found"}));
        }
        if !self.authorized(&shop, request) {
            let message = "[API] Invalid API key or access token (unrecognized login or wrong password)";
            return Answer::json(401, &json!({ "errors": message }));
        }
        let settings = self.settings();
        if settings.latency_ms > 0 {
            tokio::time::sleep(Duration::from_millis(settings.latency_ms)).await;
        }
        let shop = self.shop(&shop);
        let base = base(request);
        let place = graphql::Place { schema: &self.schema, shop: &shop, settings, base: &base };
        self.parsed.answer(&place, &request.body)
    }

    fn failure(&self, fault: &Fault, operations: &[String]) -> Answer {
        let root = operations.get(1).map_or("order", String::as_str);
        let status = fault.status.unwrap_or(500);
        let one = |message: &str, code: &str, extra: Value| {
            let mut extensions = json!({ "code": code });
            if let (Some(known), Value::Object(more)) = (extensions.as_object_mut(), extra) {
                known.extend(more);
            }
            json!({"message": message, "locations": [{"line": 1, "column": 1}], "path": [root], "extensions": extensions})
        };
        match fault.kind {
            _ if operations == ["bulk_file"] && fault.kind == FaultKind::Status => {
                bulk::storage_error(status, "Fault")
            }
            FaultKind::WrongType200 => Answer::new(200, "text/html", "<html><body>Log in</body></html>"),
            FaultKind::Empty200 => Answer::json(200, &json!({"data": {root: null}})),
            FaultKind::Error200 => {
                let error = one(
                    "Internal error. Looks like something went wrong on our end.",
                    "INTERNAL_SERVER_ERROR",
                    json!({"requestId": "local"}),
                );
                Answer::json(200, &json!({"errors": [error]}))
            }
            FaultKind::Throttled if fault.status == Some(429) || operations.len() < 2 => {
                let seconds = fault.retry_after_seconds.unwrap_or(2);
                let message = "Exceeded 2 calls per second for api client. Reduce request rates to resume uninterrupted service.";
                Answer::json(429, &json!({ "errors": message }))
                    .with_header(header::RETRY_AFTER, format!("{seconds}.0"))
            }
            FaultKind::Throttled => {
                graphql::throttled(10, &Bucket::new(0, self.settings().restore_rate, Instant::now()))
            }
            FaultKind::AccessDenied => {
                let message = format!(
                    "Access denied for {root} field. Required access: a scope the app does not have."
                );
                let error = one(
                    &message,
                    "ACCESS_DENIED",
                    json!({"documentation": "https://shopify.dev/api/usage/access-scopes", "requiredAccess": "a scope the app does not have"}),
                );
                Answer::json(200, &json!({"errors": [error], "data": {root: null}}))
            }
            _ if status == 401 => Answer::json(
                401,
                &json!({"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}),
            ),
            _ => Answer::json(status, &json!({"errors": "Internal Server Error"})),
        }
    }

    fn control(&self, what: &str, request: &Request) -> Option<Answer> {
        self.answer_control(what, request)
    }
}

/// Where the client reached the stub.
fn base(request: &Request) -> String {
    format!("http://{}", request.header("host").unwrap_or("127.0.0.1"))
}

fn is_graphql(path: &str) -> bool {
    path.strip_prefix("admin/api/").and_then(|rest| rest.strip_suffix("/graphql.json")).is_some()
}
