//! The stand-in for Shopify's Admin API: tokens, GraphQL over the real schema, costs and throttling.
//!
//! Shops are separate: orders, metafields, tags, tokens and the rate bucket belong to one shop each. The
//! shop is the `X-Stub-Shop` header, the `/shops/<shop>` path prefix or the Host. All state is in memory.

mod amounts;
mod bucket;
mod cost;
mod graphql;
mod json;
mod metafield;
mod party;
mod resolve;
mod rest;
mod schema;
mod search;
mod shop;

pub use schema::{AdminSchema, SchemaError};

use crate::{
    control,
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
    sync::{Arc, Mutex, PoisonError, RwLock},
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
}

impl Default for ShopifySettings {
    fn default() -> Self {
        Self {
            token_lifetime_seconds: 86_399,
            bucket_size: 2000,
            restore_rate: 100,
            max_query_cost: 1000,
            latency_ms: 0,
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
        if field("grant_type") != Some("client_credentials") {
            return refuse("unsupported_grant_type", "The grant type is not supported.");
        }
        let known = field("client_id") == Some(&self.options.client_id)
            && field("client_secret") == Some(&self.options.client_secret);
        if !known {
            return refuse("invalid_client", "The client credentials are invalid.");
        }
        let seconds = self.settings().token_lifetime_seconds;
        let token = self.tokens.issue("shpat_", shop, Duration::from_secs(seconds));
        let scope = "read_customers,read_orders,read_all_orders,write_customers,write_orders";
        Answer::json(200, &json!({"access_token": token, "scope": scope, "expires_in": seconds}))
    }

    fn authorized(&self, shop: &str, request: &Request) -> bool {
        request.header("x-shopify-access-token").is_some_and(|token| {
            token == self.options.access_token || self.tokens.check(token, Some(shop)) == Check::Good
        })
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
        self.parsed.answer(&self.schema, &shop, settings.max_query_cost, &request.body)
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
        let owner = || request.parameter("owner").unwrap_or_default().to_owned();
        let (domain, _) = self.target(request);
        let shop = self.shop(&domain);
        let mut shop = shop.lock().unwrap_or_else(PoisonError::into_inner);
        Some(match (&request.method, what) {
            (&Method::GET, "settings") => Answer::json(200, &json!(*self.settings())),
            (&Method::PUT, "settings") => match control::merge(&*self.settings(), request) {
                Ok(settings) => {
                    drop(shop);
                    self.resize_buckets(&settings);
                    *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
                    control::done()
                }
                Err(refused) => refused,
            },
            (&Method::POST, "expire-tokens") => {
                Answer::json(200, &json!({"expired": self.tokens.expire_all()}))
            }
            (&Method::PUT, "orders" | "documents") => {
                drop(shop);
                self.register(&domain, request)
            }
            (&Method::GET, "orders") => {
                let ids: Vec<_> =
                    shop.orders().filter_map(|order| order.text("id").map(str::to_owned)).collect();
                Answer::json(200, &json!({ "orders": ids }))
            }
            (&Method::DELETE, "orders" | "documents") => {
                let removed = shop.remove(request.parameter("id").unwrap_or_default());
                Answer::json(200, &json!({ "removed": removed }))
            }
            (&Method::GET, "metafields") => {
                let owner = owner();
                let found: Vec<_> =
                    shop.metafields.iter().filter(|(key, _)| key.owner == owner).map(|(_, m)| m).collect();
                Answer::json(200, &json!({ "metafields": found }))
            }
            (&Method::GET, "tags") => Answer::json(200, &json!({"tags": shop.tags(&owner())})),
            (&Method::GET, "bucket") => Answer::json(200, &shop.bucket.status()),
            _ => return None,
        })
    }
}

impl ShopifyStub {
    fn resize_buckets(&self, settings: &ShopifySettings) {
        let shops = self.shops.lock().unwrap_or_else(PoisonError::into_inner);
        for shop in shops.values() {
            let mut shop = shop.lock().unwrap_or_else(PoisonError::into_inner);
            shop.bucket.resize(settings.bucket_size, settings.restore_rate, Instant::now());
        }
    }

    /// Registers one document or a list: GraphQL shape, REST order, `{"shop", "order"}` or a whole event.
    fn register(&self, domain: &str, request: &Request) -> Answer {
        let body: Value = match request.json() {
            Ok(body) => body,
            Err(refused) => return refused,
        };
        let list = match body {
            Value::Array(list) => list,
            one => vec![one],
        };
        let mut ids = Vec::new();
        for entry in list {
            let Registration { domain, document, extra } = unwrap_event(domain, entry);
            let shop = self.shop(&domain);
            let mut shop = shop.lock().unwrap_or_else(PoisonError::into_inner);
            match shop.register(document, extra) {
                Some(id) => ids.push(id),
                None => return Answer::text(400, "a document needs an `id` that is a GID\n"),
            }
        }
        Answer::json(200, &json!({ "ids": ids }))
    }
}

/// What a registration says: the shop, the document, and GraphQL fields that a webhook does not carry.
struct Registration {
    domain: String,
    document: Value,
    extra: Value,
}

/// Takes a bare document, `{"shop", "order", "graphql"}` or an EventBridge event, whose metadata name the
/// shop.
fn unwrap_event(domain: &str, mut entry: Value) -> Registration {
    let metadata = entry.pointer("/detail/metadata").and_then(Value::as_object);
    let named = metadata.and_then(|metadata| {
        let is_domain = |key: &str| {
            let key = key.to_ascii_lowercase();
            key.strip_prefix("x-").unwrap_or(&key) == "shopify-shop-domain"
        };
        metadata.iter().find(|(key, _)| is_domain(key)).and_then(|(_, value)| value.as_str())
    });
    let domain =
        named.or_else(|| entry.get("shop").and_then(Value::as_str)).unwrap_or(domain).to_ascii_lowercase();
    let extra = entry.get_mut("graphql").map(Value::take).unwrap_or_default();
    let inner = ["/detail/payload", "/order", "/document"].into_iter().find(|at| entry.pointer(at).is_some());
    let document = match inner.and_then(|at| entry.pointer_mut(at)) {
        Some(document) => document.take(),
        None => entry,
    };
    Registration { domain, document, extra }
}

fn is_graphql(path: &str) -> bool {
    path.strip_prefix("admin/api/").and_then(|rest| rest.strip_suffix("/graphql.json")).is_some()
}
