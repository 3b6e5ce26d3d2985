//! What one shop holds: registered documents by GID, metafields, and the rate bucket.
//!
//! Everything a document contains under an `id` of its own can be asked for by that id. A document that
//! is registered again replaces the older one with all it contained.

use super::{bucket::Bucket, json::Json, metafield::Metafield, rest};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Debug)]
pub(super) struct Shop {
    pub bucket: Bucket,
    pub metafields: BTreeMap<MetafieldKey, Metafield>,
    documents: BTreeMap<String, Json>,
    /// Orders, oldest registration first.
    orders: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MetafieldKey {
    pub owner: String,
    pub namespace: String,
    pub key: String,
}

impl Shop {
    pub fn new(domain: &str, bucket: Bucket) -> Self {
        let mut shop =
            Self { bucket, metafields: BTreeMap::new(), documents: BTreeMap::new(), orders: Vec::new() };
        shop.register(shop_document(domain), Value::Null);
        shop.register(installation_document(), Value::Null);
        shop
    }

    /// Takes a document in the GraphQL shape, or a REST order; fields of `extra` lie over it. Answers its
    /// GID.
    pub fn register(&mut self, document: Value, extra: Value) -> Option<String> {
        let mut document = if rest::is_order(&document) { rest::order(&document) } else { document };
        if let (Some(fields), Value::Object(extra)) = (document.as_object_mut(), extra) {
            fields.extend(extra);
        }
        let id = document.get("id")?.as_str().filter(|id| id.starts_with("gid://shopify/"))?.to_owned();
        let root = Json::new(document);
        self.index(&root);
        if type_of(&id) == Some("Order") && !self.orders.contains(&id) {
            self.orders.push(id.clone());
        }
        Some(id)
    }

    fn index(&mut self, json: &Json) {
        if let Some(id) = json.text("id").filter(|id| id.starts_with("gid://")) {
            let registered = self.documents.get(id).is_some_and(Json::is_root);
            // what is only mentioned inside another document does not replace a document of its own
            if json.is_root() || !registered {
                self.documents.insert(id.to_owned(), json.clone());
            }
        }
        for child in json.children() {
            if child.value().is_object() || child.value().is_array() {
                self.index(&child);
            }
        }
    }

    /// Forgets a document, as when it was deleted in the shop.
    pub fn remove(&mut self, id: &str) -> bool {
        self.orders.retain(|known| known != id);
        self.metafields.retain(|key, _| key.owner != id);
        self.documents.remove(id).is_some()
    }

    pub fn document(&self, id: &str) -> Option<&Json> {
        self.documents.get(id)
    }

    pub fn orders(&self) -> impl Iterator<Item = &Json> {
        self.orders.iter().filter_map(|id| self.documents.get(id))
    }

    pub fn tags(&self, id: &str) -> Vec<String> {
        let document = self.documents.get(id).map(Json::value);
        let tags = document.and_then(|d| d.get("tags")).and_then(Value::as_array);
        tags.into_iter().flatten().filter_map(|tag| tag.as_str().map(str::to_owned)).collect()
    }

    /// Sets a document's tags: no two that differ only in case, in alphabetical order as Shopify has them.
    pub fn set_tags(&mut self, id: &str, mut tags: Vec<String>) {
        let Some(json) = self.documents.get(id) else { return };
        let mut seen: Vec<String> = Vec::new();
        tags.retain(|tag| {
            let lower = tag.to_lowercase();
            !lower.is_empty() && !seen.contains(&lower) && {
                seen.push(lower);
                true
            }
        });
        tags.sort_by_key(|tag| tag.to_lowercase());
        let mut document = json.value().clone();
        document["tags"] = json!(tags);
        self.index(&Json::new(document));
    }
}

/// `Order` of `gid://shopify/Order/1?x=y`.
pub(super) fn type_of(gid: &str) -> Option<&str> {
    gid.strip_prefix("gid://shopify/")?.split('/').next()
}

/// The last part of a GID, without its query.
pub(super) fn number_of(gid: &str) -> &str {
    gid.rsplit('/').next().and_then(|last| last.split('?').next()).unwrap_or_default()
}

fn shop_document(domain: &str) -> Value {
    let name = domain.split('.').next().unwrap_or_default();
    json!({
        "id": "gid://shopify/Shop/1",
        "name": name,
        "email": format!("owner@{domain}"),
        "contactEmail": format!("contact@{domain}"),
        "myshopifyDomain": domain,
        "url": format!("https://{domain}"),
        "primaryDomain": {"id": "gid://shopify/Domain/1", "host": domain, "url": format!("https://{domain}"), "sslEnabled": true},
        "currencyCode": "EUR",
        "enabledPresentmentCurrencies": ["EUR"],
        "ianaTimezone": "Europe/Paris",
        "timezoneAbbreviation": "CET",
        "timezoneOffset": "+0100",
        "timezoneOffsetMinutes": 60,
        "taxesIncluded": true,
        "taxShipping": false,
        "weightUnit": "KILOGRAMS",
        "unitSystem": "METRIC_SYSTEM",
        "setupRequired": false,
        "checkoutApiSupported": true,
        "shopOwnerName": "Owner",
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-01-01T00:00:00Z",
        "plan": {"displayName": "Development", "publicDisplayName": "Development", "partnerDevelopment": true, "shopifyPlus": false},
    })
}

fn installation_document() -> Value {
    let scopes = ["read_customers", "read_orders", "read_all_orders", "write_orders", "write_customers"];
    let scopes: Vec<_> = scopes.iter().map(|s| json!({"handle": s, "description": s})).collect();
    json!({
        "id": "gid://shopify/AppInstallation/1",
        "accessScopes": scopes,
        "app": {
            "id": format!("gid://shopify/App/{}", super::metafield::APP_ID),
            "title": "Local app",
            "handle": "local-app",
            "apiKey": "local",
            "embedded": false,
        },
    })
}
