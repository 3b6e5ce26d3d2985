//! The control routes of this stub: settings, what a shop holds, what its bulk operations will give.

use crate::{
    options::ShopifySettings,
    segment,
    stub::{ShopifyStub, base},
};
use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Instant,
};
use stub_http::{Answer, Request, control};

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

fn one_or_many<T>(sent: OneOrMany<T>) -> Vec<T> {
    match sent {
        OneOrMany::Many(list) => list,
        OneOrMany::One(one) => vec![one],
    }
}

impl ShopifyStub {
    /// Serves `/__stub/<what>` and `/__stub/shops/<shop>/<what>`.
    pub(crate) fn answer_control(&self, what: &str, request: &Request) -> Option<Answer> {
        let in_path = what.strip_prefix("shops/").and_then(|rest| rest.split_once('/'));
        let (domain, what) = match in_path {
            Some((shop, what)) => (shop.to_ascii_lowercase(), what),
            None => (self.target(request).0, what),
        };
        Some(match (&request.method, what) {
            (&Method::GET, "settings") => Answer::json(200, &json!(*self.settings())),
            (&Method::PUT, "settings") => match control::merge(&*self.settings(), request) {
                Ok(settings) => {
                    self.resize_buckets(&settings);
                    *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
                    control::done()
                }
                Err(refused) => refused,
            },
            (&Method::POST, "expire-tokens") => {
                Answer::json(200, &json!({"expired": self.tokens.expire_all()}))
            }
            (&Method::POST, "offline-token") => {
                Answer::json(200, &self.offline().install(&domain, self.now()))
            }
            (&Method::POST, "pass-time") => {
                let seconds = request.parameter("seconds").and_then(|seconds| seconds.parse().ok());
                self.passed.fetch_add(seconds.unwrap_or_default(), Ordering::Relaxed);
                control::done()
            }
            (&Method::PUT, "orders" | "documents") => self.register(&domain, request),
            _ => return self.answer_of_shop(&domain, what, request),
        })
    }

    /// The routes that concern what one shop holds.
    fn answer_of_shop(&self, domain: &str, what: &str, request: &Request) -> Option<Answer> {
        let owner = request.parameter("owner").unwrap_or_default();
        let shop = self.shop(domain);
        let mut shop = shop.lock().unwrap_or_else(PoisonError::into_inner);
        let done = match (&request.method, what) {
            (&Method::GET, "orders") => {
                let ids: Vec<_> =
                    shop.of_type("Order").iter().filter_map(|o| o.text("id").map(str::to_owned)).collect();
                json!({ "orders": ids })
            }
            (&Method::DELETE, "orders" | "documents") => {
                json!({"removed": shop.remove(request.parameter("id").unwrap_or_default())})
            }
            (&Method::GET, "metafields") => {
                let found: Vec<_> =
                    shop.metafields.iter().filter(|(key, _)| key.owner == owner).map(|(_, m)| m).collect();
                json!({ "metafields": found })
            }
            (&Method::GET, "tags") => json!({"tags": shop.tags(owner)}),
            (&Method::GET, "flow-triggers") => json!({"triggers": shop.flow_triggers}),
            (&Method::GET, "bucket") => shop.bucket.status(),
            (&Method::PUT, "segments") => match request.json().map(one_or_many) {
                Ok(list) => {
                    let ids: Vec<_> = list.into_iter().map(|one| segment::register(&mut shop, one)).collect();
                    json!({ "ids": ids })
                }
                Err(refused) => return Some(refused),
            },
            (&Method::PUT, "bulk") => match request.json().map(one_or_many) {
                Ok(planned) => {
                    shop.bulk.plan(planned);
                    json!({"ok": true})
                }
                Err(refused) => return Some(refused),
            },
            (&Method::DELETE, "bulk") => {
                shop.bulk.plan(Vec::new());
                json!({"ok": true})
            }
            (&Method::GET, "bulk") => {
                json!({"operations": shop.bulk.report(&self.settings(), &base(request))})
            }
            _ => return None,
        };
        Some(Answer::json(200, &done))
    }

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
    // what has a GID is a document, whatever else it is about
    if entry.get("id").and_then(Value::as_str).is_some_and(|id| id.starts_with("gid://")) {
        return Registration { domain: domain.to_owned(), document: entry, extra: Value::Null };
    }
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
