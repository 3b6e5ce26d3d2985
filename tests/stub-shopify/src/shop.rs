//! What one shop holds: registered documents by GID, metafields, segments, bulk operations, the rate bucket.
//!
//! Everything a document contains under an `id` of its own can be asked for by that id; a document of its
//! own comes before what others say about it. A document that is registered again replaces the older one,
//! and a deleted one is gone wherever it was mentioned.

use crate::{
    bucket::Bucket,
    bulk_operation::Bulk,
    gid::type_of,
    json::Json,
    metafield::{self, Metafield, MetafieldKey},
    rest_order,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug)]
pub(crate) struct Shop {
    pub bucket: Bucket,
    pub metafields: BTreeMap<MetafieldKey, Metafield>,
    pub bulk: Bulk,
    pub segments: Segments,
    /// The triggers of Shopify Flow that were taken.
    pub flow_triggers: Vec<Value>,
    documents: BTreeMap<String, Json>,
    /// Tags given to what is only mentioned inside other documents.
    tags: BTreeMap<String, Vec<String>>,
    deleted: BTreeSet<String>,
    /// The registered orders of each customer and company location.
    accounts: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Debug, Default)]
pub(crate) struct Segments {
    /// The customers of each segment.
    pub members: BTreeMap<String, Vec<String>>,
    /// Queries that were created to be asked for later, each as the arguments it stands for.
    pub queries: BTreeMap<String, Value>,
}

impl Shop {
    pub fn new(domain: &str, bucket: Bucket) -> Self {
        let mut shop = Self {
            bucket,
            metafields: BTreeMap::new(),
            bulk: Bulk::default(),
            segments: Segments::default(),
            flow_triggers: Vec::new(),
            documents: BTreeMap::new(),
            tags: BTreeMap::new(),
            deleted: BTreeSet::new(),
            accounts: BTreeMap::new(),
        };
        for document in [shop_document(domain), installation_document(), payments_document()] {
            shop.register(document, Value::Null);
        }
        shop
    }

    /// Takes a document in the GraphQL shape, or a REST order; fields of `extra` lie over it. Answers its
    /// GID.
    pub fn register(&mut self, document: Value, extra: Value) -> Option<String> {
        let mut document =
            if rest_order::is_order(&document) { rest_order::order(&document) } else { document };
        if let (Some(fields), Value::Object(extra)) = (document.as_object_mut(), extra) {
            fields.extend(extra);
        }
        let id = document.get("id")?.as_str().filter(|id| id.starts_with("gid://shopify/"))?.to_owned();
        self.deleted.remove(&id);
        self.tags.remove(&id);
        self.account(&id, false);
        self.index(&Json::new(document));
        self.account(&id, true);
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
        self.metafields.retain(|key, _| key.owner != id);
        self.account(id, false);
        self.deleted.insert(id.to_owned());
        self.documents.remove(id).is_some()
    }

    pub fn is_deleted(&self, id: &str) -> bool {
        self.deleted.contains(id)
    }

    pub fn document(&self, id: &str) -> Option<&Json> {
        self.documents.get(id)
    }

    /// The documents of a type that were registered on their own.
    pub fn of_type(&self, type_name: &str) -> Vec<Json> {
        let start = format!("gid://shopify/{type_name}/");
        let same = self.documents.range(start.clone()..).take_while(|(id, _)| id.starts_with(&start));
        same.filter(|(_, json)| json.is_root()).map(|(_, json)| json.clone()).collect()
    }

    /// The registered orders of a customer or of a company location.
    pub fn orders_of(&self, owner: &str) -> Vec<Json> {
        let ids = self.accounts.get(owner).into_iter().flatten();
        ids.filter_map(|id| self.documents.get(id)).cloned().collect()
    }

    /// Notes or forgets whose order a document is.
    fn account(&mut self, id: &str, add: bool) {
        let Some(document) = self.documents.get(id).filter(|json| json.is_root()) else { return };
        if type_of(id) != Some("Order") {
            return;
        }
        let places = ["/customer/id", "/purchasingEntity/location/id", "/purchasingEntity/id"];
        let at = |place: &&str| document.value().pointer(place)?.as_str().map(str::to_owned);
        for owner in places.iter().filter_map(at) {
            let orders = self.accounts.entry(owner).or_default();
            if add {
                orders.insert(id.to_owned());
            } else {
                orders.remove(id);
            }
        }
    }

    /// Tags that were given to something without a document of its own.
    pub fn given_tags(&self, id: &str) -> Option<&[String]> {
        self.tags.get(id).map(Vec::as_slice)
    }

    pub fn tags(&self, id: &str) -> Vec<String> {
        if let Some(given) = self.tags.get(id) {
            return given.clone();
        }
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
        if json.is_root() {
            let mut document = json.value().clone();
            document["tags"] = json!(tags);
            self.index(&Json::new(document));
        } else {
            self.tags.insert(id.to_owned(), tags);
        }
    }
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

/// The account of a shop that uses Shopify Payments; deleting it makes a shop that does not.
fn payments_document() -> Value {
    json!({
        "id": "gid://shopify/ShopifyPaymentsAccount/1",
        "activated": true,
        "country": "FR",
        "defaultCurrency": "EUR",
        "onboardable": false,
        "balance": [{"amount": "0.0", "currencyCode": "EUR"}],
    })
}

fn installation_document() -> Value {
    let scopes = [
        "read_all_orders",
        "read_customers",
        "read_fulfillments",
        "read_merchant_managed_fulfillment_orders",
        "read_orders",
        "read_own_subscription_contracts",
        "read_payment_terms",
        "read_products",
        "read_returns",
        "read_shopify_payments_disputes",
        "write_customers",
        "write_orders",
    ];
    let scopes: Vec<_> = scopes.iter().map(|s| json!({"handle": s, "description": s})).collect();
    json!({
        "id": "gid://shopify/AppInstallation/1",
        "accessScopes": scopes,
        "app": {
            "id": format!("gid://shopify/App/{}", metafield::APP_ID),
            "title": "Local app",
            "handle": "local-app",
            "apiKey": "local",
            "embedded": false,
        },
    })
}
