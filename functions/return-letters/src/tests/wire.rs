//! A Shopify on the loopback interface that holds a few nodes and answers this flow's operations from them.

use super::*;
use axum::{Json, Router, extract::State, routing::post};
use jiff::Timestamp;
use service::ShopSecrets;
use shopify::AdminApi;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

pub struct Wire {
    api: AdminApi,
    secrets: ShopSecrets,
    base_url: String,
    communication: CommunicationId,
}

impl Wire {
    pub async fn new(nodes: impl IntoIterator<Item = Value>) -> Self {
        let nodes: Arc<Vec<Value>> = Arc::new(nodes.into_iter().collect());
        let router = Router::new().fallback(post(answer)).with_state(nodes);
        let base_url = fakes::serve(router).await;
        Self {
            api: AdminApi::new(reqwest::Client::new()),
            secrets: serde_json::from_value(json!({"shopify": {"access_token": "shpat_local"}})).unwrap(),
            base_url,
            communication: "c4809f9b199959867b344883a5f958d0".parse().unwrap(),
        }
    }

    /// The configuration of a shop that is reached here.
    pub fn reached(&self, config: &ShopConfig) -> &'static ShopConfig {
        let mut config = config.clone();
        config.shopify.base_url = Some(self.base_url.parse().unwrap());
        Box::leak(Box::new(config))
    }

    pub fn gather<'a>(&'a self, plan: &'a Plan, item: &'a WorkItem, config: &ShopConfig) -> Gather<'a> {
        Gather {
            plan,
            item,
            payload: None,
            communication: &self.communication,
            config: self.reached(config),
            secrets: &self.secrets,
            shopify: &self.api,
            history: None,
            locale: None,
            unsubscribe_url: None,
            now: Timestamp::from_second(1_900_000_000).unwrap(),
            time_left: Duration::from_secs(20),
        }
    }

    pub fn look_up<'a>(
        &'a self,
        item: &'a WorkItem,
        payload: Option<&'a str>,
        config: &ShopConfig,
    ) -> LookUp<'a> {
        LookUp {
            item,
            payload,
            config: self.reached(config),
            secrets: &self.secrets,
            shopify: &self.api,
            now: Timestamp::UNIX_EPOCH,
            time_left: Duration::from_secs(20),
        }
    }
}

/// `{read}` in what is held is another number in every answer.
async fn answer(State(nodes): State<Arc<Vec<Value>>>, Json(request): Json<Value>) -> Json<Value> {
    static READ: AtomicUsize = AtomicUsize::new(0);
    let asked = request["variables"]["id"].as_str().unwrap_or_default();
    let node = nodes.iter().find(|node| node["id"] == asked).cloned().unwrap_or_default();
    let data = match request["operationName"].as_str().unwrap() {
        "ReturnForDocuments" | "ReturnLabels" => json!({ "return": with_refunds(node, &nodes) }),
        "AccessScopes" => {
            json!({"currentAppInstallation": {"accessScopes": [{"handle": "read_all_orders"}]}})
        }
        "RefundForDocuments" => json!({ "refund": node }),
        "OrderForDocuments" => json!({ "order": node }),
        "RefundsOfTransaction" => json!({ "node": transaction(&nodes, asked) }),
        other => panic!("{other}"),
    };
    let read = READ.fetch_add(1, Ordering::Relaxed).to_string();
    let text = json!({ "data": data }).to_string().replace("{read}", &read);
    Json(serde_json::from_str(&text).unwrap())
}

/// The refunds of a return are those that say so.
fn with_refunds(mut node: Value, nodes: &[Value]) -> Value {
    if node.is_object() {
        let mine = nodes.iter().filter(|it| it["return"]["id"] == node["id"]).cloned().collect::<Vec<_>>();
        node["refunds"] = json!({"pageInfo": {"hasNextPage": false, "endCursor": null}, "nodes": mine});
    }
    node
}

/// A transaction is known inside of a refund, or by itself.
fn transaction(nodes: &[Value], asked: &str) -> Value {
    let refunds: Vec<_> = nodes.iter().filter(|node| node["refundLineItems"].is_object()).collect();
    let mut all = refunds.iter().flat_map(|it| it["transactions"]["nodes"].as_array().unwrap());
    match all.find(|it| it["id"] == asked) {
        Some(_) => json!({"order": {"id": refunds[0]["order"]["id"], "refunds": refunds}}),
        None if nodes.iter().any(|it| it["id"] == asked) => {
            json!({"order": {"id": refunds[0]["order"]["id"], "refunds": []}})
        }
        None => Value::Null,
    }
}
