//! A Shopify that answers the look-back: pages of orders, single orders and disputes.

use axum::{
    Form, Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};
use stub_shopify::OfflineTokens;

#[derive(Default)]
pub struct Store {
    /// Each page's orders.
    pub pages: Vec<Vec<Value>>,
    pub disputes: Vec<Value>,
    /// Pages that cannot be had as a whole, by number.
    pub broken: Vec<usize>,
    /// How many requests find the budget used up.
    pub throttled: u32,
    /// Operations that the app has no scope for.
    pub denied: Vec<&'static str>,
    pub asked: Vec<String>,
    /// The tokens of an app whose tokens expire; without, every token is good.
    pub offline: Option<OfflineTokens>,
    /// In seconds, for the tokens.
    pub now: u64,
    /// How many answers of the token service are lost after it has done its work.
    pub lost_grants: u32,
}

pub const SHOP: &str = "northwind-demo.myshopify.com";

#[derive(Clone, Default)]
pub struct FakeShopify {
    store: Arc<Mutex<Store>>,
    pub url: String,
}

impl FakeShopify {
    pub async fn start(pages: Vec<Vec<Value>>) -> Self {
        let store = Arc::new(Mutex::new(Store { pages, ..Store::default() }));
        let router = Router::new()
            .route("/admin/oauth/access_token", post(token))
            .fallback(answer)
            .with_state(Arc::clone(&store));
        let url = fakes::serve(router).await;
        Self { store, url }
    }

    pub fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap()
    }
}

impl Store {
    /// The order of a transaction. All its transactions are its refunds'.
    fn refunds_of(&self, transaction: &Value) -> Value {
        let has = |order: &&Value| {
            order["transactions"].as_array().unwrap().iter().any(|it| it["id"] == *transaction)
        };
        let order = self.pages.iter().flatten().find(has).unwrap();
        let refund =
            |refund: &Value| json!({"id": refund["id"], "transactions": {"nodes": order["transactions"]}});
        let refunds: Vec<_> = order["refunds"].as_array().unwrap().iter().map(refund).collect();
        json!({"id": order["id"], "refunds": refunds})
    }
}

fn failure(code: &str) -> Value {
    json!({"data": null, "errors": [{"message": "no", "extensions": {"code": code}}]})
}

async fn token(
    State(store): State<Arc<Mutex<Store>>>,
    Form(sent): Form<HashMap<String, String>>,
) -> Response {
    let mut store = store.lock().unwrap();
    store.asked.push("token".to_owned());
    assert_eq!(
        (sent.len(), sent["grant_type"].as_str(), sent["client_id"].as_str()),
        (4, "refresh_token", "app")
    );
    let now = store.now;
    let granted = store.offline.as_mut().unwrap().renew(SHOP, &sent["refresh_token"], now);
    if store.lost_grants > 0 {
        store.lost_grants -= 1;
        return StatusCode::from_u16(520).unwrap().into_response();
    }
    match granted {
        Ok(granted) => Json(granted).into_response(),
        Err(refused) => (StatusCode::UNAUTHORIZED, Json(refused)).into_response(),
    }
}

async fn answer(
    State(store): State<Arc<Mutex<Store>>>,
    headers: HeaderMap,
    Json(request): Json<Value>,
) -> Response {
    let mut store = store.lock().unwrap();
    let token = headers["x-shopify-access-token"].to_str().unwrap();
    if store.offline.as_ref().is_some_and(|tokens| !tokens.is_good(SHOP, token, store.now)) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let operation = request["operationName"].as_str().unwrap().to_owned();
    let variables = &request["variables"];
    store.asked.push(operation.clone());
    if store.throttled > 0 {
        store.throttled -= 1;
        let status = json!({"maximumAvailable": 2000.0, "currentlyAvailable": 0.0, "restoreRate": 100.0});
        let mut answer = failure("THROTTLED");
        // more than the client waits for by itself
        answer["extensions"]["cost"] = json!({"requestedQueryCost": 210, "throttleStatus": status});
        return Json(answer).into_response();
    }
    if store.denied.contains(&operation.as_str()) {
        return Json(failure("ACCESS_DENIED")).into_response();
    }
    let number: usize = variables["after"].as_str().map_or(0, |after| after.parse().unwrap());
    let page = store.pages.get(number).cloned().unwrap_or_default();
    let info = json!({"hasNextPage": number + 1 < store.pages.len(), "endCursor": (number + 1).to_string()});
    let data = match operation.as_str() {
        "ChangedOrders" if store.broken.contains(&number) => {
            return Json(failure("INTERNAL_SERVER_ERROR")).into_response();
        }
        "ChangedOrders" => json!({"orders": {"pageInfo": info, "nodes": page}}),
        "ChangedOrderIds" => {
            let ids: Vec<_> = page.iter().map(|order| json!({"id": order["id"]})).collect();
            json!({"orders": {"pageInfo": info, "nodes": ids}})
        }
        "ChangedOrder" => {
            json!({"order": store.pages.iter().flatten().find(|it| it["id"] == variables["id"])})
        }
        "RecentDisputes" => {
            let info = json!({"hasNextPage": false, "endCursor": null});
            json!({"disputes": {"pageInfo": info, "nodes": store.disputes}})
        }
        "AccessScopes" => {
            json!({"currentAppInstallation": {"accessScopes": [{"handle": "read_all_orders"}]}})
        }
        "RefundsOfTransaction" => json!({"node": {"order": store.refunds_of(&variables["id"])}}),
        other => panic!("{other}"),
    };
    Json(json!({"data": data})).into_response()
}
