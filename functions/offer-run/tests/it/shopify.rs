//! An audience in pages, and what goes wrong with it.

use axum::{Json, Router, extract::State, routing::post};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
};

#[derive(Default)]
pub struct Audience {
    pub members: u64,
    /// What is answered instead, one after the other; null for the true answer.
    pub instead: VecDeque<Value>,
    /// Whether a look-up that was asked for is done; none, if it is forgotten.
    pub prepared: Option<bool>,
    /// Scopes that the app has.
    pub scopes: Vec<&'static str>,
    pub asked: Vec<(String, Value)>,
}

#[derive(Clone)]
pub struct FakeShopify {
    audience: Arc<Mutex<Audience>>,
    pub url: String,
}

impl FakeShopify {
    pub async fn start(members: u64) -> Self {
        let audience = Arc::new(Mutex::new(Audience { members, ..Audience::default() }));
        let router = Router::new()
            .route("/admin/api/2026-10/graphql.json", post(answer))
            .with_state(Arc::clone(&audience));
        let url = fakes::serve(router).await;
        Self { audience, url }
    }

    pub fn audience(&self) -> MutexGuard<'_, Audience> {
        self.audience.lock().unwrap()
    }

    /// The variables of an operation, each time it was asked.
    pub fn asked(&self, operation: &str) -> Vec<Value> {
        let audience = self.audience();
        audience.asked.iter().filter(|(name, _)| name == operation).map(|(_, it)| it.clone()).collect()
    }
}

pub fn error(code: &str) -> Value {
    json!({"errors": [{"message": "no", "extensions": {"code": code}}]})
}

async fn answer(State(audience): State<Arc<Mutex<Audience>>>, Json(request): Json<Value>) -> Json<Value> {
    let audience = &mut *audience.lock().unwrap();
    let variables = request["variables"].clone();
    let operation = request["operationName"].as_str().unwrap().to_owned();
    audience.asked.push((operation.clone(), variables.clone()));
    if let Some(instead) = audience.instead.pop_front().filter(|instead| !instead.is_null()) {
        return Json(instead);
    }
    let data = match operation.as_str() {
        "SegmentMembers" => {
            let from: u64 = variables["after"].as_str().map_or(0, |after| after.parse().unwrap());
            let to = audience.members.min(from + variables["first"].as_u64().unwrap());
            let id = |n| json!({"node": {"id": format!("gid://shopify/CustomerSegmentMember/{}", 9000 + n)}});
            json!({"customerSegmentMembers": {
                "pageInfo": {"hasNextPage": to < audience.members, "endCursor": to.to_string()},
                "edges": (from..to).map(id).collect::<Vec<_>>(),
            }})
        }
        "SegmentMembersPrepare" => json!({"customerSegmentMembersQueryCreate": {
            "customerSegmentMembersQuery": {"id": "gid://shopify/CustomerSegmentMembersQuery/91e8c96a-41d1"},
            "userErrors": [],
        }}),
        "SegmentMembersPrepared" => {
            json!({"customerSegmentMembersQuery": audience.prepared.map(|done| json!({"done": done}))})
        }
        "AccessScopes" => {
            let scopes: Vec<_> = audience.scopes.iter().map(|scope| json!({"handle": scope})).collect();
            json!({"currentAppInstallation": {"accessScopes": scopes}})
        }
        other => panic!("{other}"),
    };
    Json(json!({ "data": data }))
}
