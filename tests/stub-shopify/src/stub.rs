//! What the stub holds: its settings, the schema, and the shops with their tokens.

use crate::{
    bucket::Bucket,
    bulk_content::Content,
    graphql::ParsedOperations,
    offline::{self, OfflineTokens},
    options::{ShopifyOptions, ShopifySettings},
    schema::{AdminSchema, SchemaError},
    shop::Shop,
};
use serde_json::json;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use stub_http::{Answer, Check, Controls, Request, Tokens, form_pairs};

/// The stand-in for Shopify's Admin API.
#[derive(Debug)]
pub struct ShopifyStub {
    pub(crate) controls: Controls,
    pub(crate) options: ShopifyOptions,
    pub(crate) settings: RwLock<Arc<ShopifySettings>>,
    pub(crate) schema: Arc<AdminSchema>,
    pub(crate) parsed: ParsedOperations,
    pub(crate) tokens: Tokens,
    pub(crate) offline: Mutex<OfflineTokens>,
    pub(crate) started: Instant,
    /// Seconds that a test has let pass.
    pub(crate) passed: AtomicU64,
    pub(crate) shops: Mutex<HashMap<String, Arc<Mutex<Shop>>>>,
}

impl ShopifyStub {
    /// # Errors
    /// The schema cannot be read.
    pub(crate) fn new(options: ShopifyOptions) -> Result<Self, SchemaError> {
        let schema = AdminSchema::load(&options.schema)?;
        Ok(Self {
            controls: Controls::default(),
            settings: RwLock::new(Arc::new(options.settings.clone())),
            schema,
            parsed: ParsedOperations::default(),
            tokens: Tokens::default(),
            offline: Mutex::default(),
            started: Instant::now(),
            passed: AtomicU64::new(0),
            shops: Mutex::default(),
            options,
        })
    }

    pub(crate) fn settings(&self) -> Arc<ShopifySettings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn shop(&self, domain: &str) -> Arc<Mutex<Shop>> {
        let settings = self.settings();
        let mut shops = self.shops.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || {
            let bucket = Bucket::new(settings.bucket_size, settings.restore_rate, Instant::now());
            Arc::new(Mutex::new(Shop::new(domain, bucket)))
        };
        Arc::clone(shops.entry(domain.to_owned()).or_insert_with(fresh))
    }

    /// The shop a request is for and its path without the shop.
    pub(crate) fn target<'a>(&self, request: &'a Request) -> (String, &'a str) {
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

    pub(crate) fn token(&self, shop: &str, request: &Request) -> Answer {
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
    pub(crate) fn content(&self, token: &str) -> Option<Arc<Content>> {
        let shops = self.shops.lock().unwrap_or_else(PoisonError::into_inner);
        shops
            .values()
            .find_map(|shop| shop.lock().unwrap_or_else(PoisonError::into_inner).bulk.content(token))
    }

    pub(crate) fn authorized(&self, shop: &str, request: &Request) -> bool {
        request.header("x-shopify-access-token").is_some_and(|token| {
            token == self.options.access_token
                || self.tokens.check(token, Some(shop)) == Check::Good
                || self.offline().is_good(shop, token, self.now())
        })
    }

    pub(crate) fn offline(&self) -> MutexGuard<'_, OfflineTokens> {
        self.offline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For offline tokens: seconds since the start, and what a test has added.
    pub(crate) fn now(&self) -> u64 {
        self.started.elapsed().as_secs() + self.passed.load(Ordering::Relaxed)
    }
}

/// Where the client reached the stub.
pub(crate) fn base(request: &Request) -> String {
    format!("http://{}", request.header("host").unwrap_or("127.0.0.1"))
}
