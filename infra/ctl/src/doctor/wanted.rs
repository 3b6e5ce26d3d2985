//! What a shop's documents need of Shopify: scopes and topics. The tables are those that the Shopify app is written from.

use comms::{Document, Flow};
use serde::Deserialize;
use shop_config::ShopConfig;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize)]
struct Known {
    topics: Vec<String>,
}

#[derive(Deserialize)]
struct Scopes {
    every: Vec<String>,
    flows: BTreeMap<Flow, Vec<String>>,
    reconcile: Vec<String>,
    subscriptions: Subscriptions,
    fulfillment_orders: Vec<String>,
}

#[derive(Deserialize)]
struct Subscriptions {
    topic: String,
    scope: String,
}

/// What has to be granted, and subscribed to.
#[derive(Debug)]
pub struct Wanted {
    pub scopes: BTreeSet<String>,
    /// One of these has to be granted, or there are none.
    pub one_of: Vec<String>,
    pub topics: BTreeSet<String>,
    /// A topic that Shopify refuses without this scope, and that only apps with subscription contracts of their own need.
    pub optional: (String, String),
}

impl Wanted {
    pub fn of(config: &ShopConfig) -> Result<Self, serde_json::Error> {
        let known: BTreeMap<Document, Known> =
            serde_json::from_str(include_str!("../../../shopify-app/documents.json"))?;
        let needed: Scopes = serde_json::from_str(include_str!("../../../shopify-app/scopes.json"))?;
        let on: Vec<Document> =
            config.documents.keys().copied().filter(|it| config.document(*it).is_some()).collect();
        let mut scopes: BTreeSet<String> = needed.every.into_iter().collect();
        for document in &on {
            scopes.extend(needed.flows.get(&document.flow()).into_iter().flatten().cloned());
        }
        if config.reconcile.is_some() {
            scopes.extend(needed.reconcile);
        }
        let one_of = match config.serves(Flow::ShippingDocuments) {
            true => {
                needed.fulfillment_orders.iter().map(|who| format!("read_{who}_fulfillment_orders")).collect()
            }
            false => Vec::new(),
        };
        let topics =
            on.iter().filter_map(|document| known.get(document)).flat_map(|it| it.topics.clone()).collect();
        Ok(Self {
            scopes,
            one_of,
            topics,
            optional: (needed.subscriptions.topic, needed.subscriptions.scope),
        })
    }
}

/// Whether a scope is among those granted. A scope to write is one to read as well.
pub fn is_granted(granted: &[String], scope: &str) -> bool {
    let write = scope.strip_prefix("read_").map(|of| format!("write_{of}"));
    granted.iter().any(|it| it == scope || Some(it) == write.as_ref())
}
