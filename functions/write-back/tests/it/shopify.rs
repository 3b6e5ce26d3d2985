//! A Shopify that keeps metafields and tags, with its rules for writing them: all or none, and only over
//! what was read.

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use comms::Gid;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use write_back::{Existing, Status};

/// What becomes of a trigger.
#[derive(Debug, Clone, Copy)]
pub enum TriggerAnswer {
    /// The app has no such trigger.
    Refused,
    Throttled,
    /// Done, and nobody hears of it.
    Lost,
}

#[derive(Default)]
pub struct Store {
    /// Those that exist, and their metafield's value and version.
    owners: BTreeMap<String, Option<(String, u32)>>,
    pub tags: BTreeMap<String, BTreeSet<String>>,
    pub reads: usize,
    pub writes: usize,
    /// Writes that somebody else makes after each read, as long as there are any.
    pub interference: HashMap<String, Vec<String>>,
    /// Owners whose metafield is refused, with the code.
    pub refused: HashMap<String, Option<&'static str>>,
    /// Owners of whom Shopify answers what cannot be read.
    pub garbled: BTreeSet<String>,
    /// Owners the app may not read.
    pub denied: BTreeSet<String>,
    /// What customers with an e-mail address said about marketing.
    pub consents: BTreeMap<String, String>,
    /// The triggers of Shopify Flow that were asked for, and what they are answered with in place of success.
    pub triggers: Vec<Value>,
    pub trigger_answers: Vec<TriggerAnswer>,
    /// Owners whose tags are refused.
    pub untaggable: BTreeSet<String>,
    /// What every request is answered with, whatever it asks.
    pub instead: Option<String>,
    /// What is left in the bucket, where it is not enough.
    pub throttled: Option<u32>,
    /// How long everything takes.
    pub delay: Duration,
}

#[derive(Clone, Default)]
pub struct FakeShopify {
    store: Arc<Mutex<Store>>,
    pub url: String,
}

impl FakeShopify {
    pub async fn start(owners: impl IntoIterator<Item = Gid>) -> Self {
        let store = Store {
            owners: owners.into_iter().map(|gid| (gid.to_string(), None)).collect(),
            ..Store::default()
        };
        let store = Arc::new(Mutex::new(store));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&store));
        let url = fakes::serve(router).await;
        Self { store, url }
    }

    pub fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap()
    }

    /// The communications an owner's metafield lists.
    pub fn status(&self, owner: &Gid) -> Status {
        let Existing { status, damaged, .. } = Status::read(&self.value(owner).unwrap_or_default());
        assert!(!damaged);
        status
    }

    pub fn value(&self, owner: &Gid) -> Option<String> {
        self.store().owners[owner.as_str()].clone().map(|(value, _)| value)
    }
}

impl Store {
    pub fn set(&mut self, owner: &str, value: &str) {
        let metafield = self.owners.get_mut(owner).unwrap();
        let version = metafield.as_ref().map_or(1, |(_, version)| version + 1);
        *metafield = Some((value.to_owned(), version));
    }

    fn digest(&self, owner: &str) -> Value {
        self.owners
            .get(owner)
            .and_then(Option::as_ref)
            .map_or(Value::Null, |(_, version)| format!("digest-{version}").into())
    }

    fn read(&mut self, variables: &Value) -> Value {
        self.reads += 1;
        let owners: Vec<_> = strings(&variables["owners"]);
        if let Some(denied) = owners.iter().find(|owner| self.denied.contains(*owner)) {
            let message = format!("Access denied for {denied}");
            return json!({"data": null, "errors": [{"message": message, "extensions": {"code": "ACCESS_DENIED"}}]});
        }
        let nodes: Vec<_> = owners
            .iter()
            .map(|owner| {
                if self.garbled.contains(owner) {
                    return Some(json!({"id": owner, "metafield": {"value": 7}}));
                }
                let metafield = self
                    .owners
                    .get(owner)?
                    .as_ref()
                    .map(|(value, _)| json!({"value": value, "compareDigest": self.digest(owner)}));
                Some(json!({"id": owner, "metafield": metafield}))
            })
            .collect();
        for owner in owners {
            if let Some(value) = self.interference.get_mut(&owner).and_then(Vec::pop) {
                self.set(&owner, &value);
            }
        }
        json!({"data": {"nodes": nodes}})
    }

    fn write(&mut self, variables: &Value) -> Value {
        self.writes += 1;
        let inputs = variables["metafields"].as_array().unwrap();
        assert!(inputs.len() <= 25, "Shopify takes 25");
        let mut errors = Vec::new();
        for (index, input) in inputs.iter().enumerate() {
            let owner = input["ownerId"].as_str().unwrap();
            let field = |name: &str| json!(["metafields", index.to_string(), name]);
            if let Some(code) = self.refused.get(owner) {
                errors.push(json!({"field": field("value"), "message": "Value is refused.", "code": code, "elementIndex": null}));
            } else if input["compareDigest"] != self.digest(owner) {
                errors.push(json!({"field": field("compareDigest"), "message": "The metafield has been modified.", "code": "STALE_OBJECT", "elementIndex": null}));
            }
        }
        if errors.is_empty() {
            for input in inputs {
                self.set(input["ownerId"].as_str().unwrap(), input["value"].as_str().unwrap());
            }
        }
        json!({"data": {"metafieldsSet": {"userErrors": errors}}})
    }

    fn consent(&mut self, variables: &Value) -> Value {
        self.reads += 1;
        let state = self.consents.get(variables["id"].as_str().unwrap());
        let address = state.map(|state| json!({"marketingState": state, "marketingUpdatedAt": null}));
        json!({"data": {"customer": {"defaultEmailAddress": address}}})
    }

    fn unsubscribe(&mut self, variables: &Value) -> Value {
        self.writes += 1;
        let input = &variables["input"];
        let state = input["emailMarketingConsent"]["marketingState"].as_str().unwrap().to_owned();
        self.consents.insert(input["customerId"].as_str().unwrap().to_owned(), state);
        json!({"data": {"customerEmailMarketingConsentUpdate": {"userErrors": []}}})
    }

    fn trigger(&mut self, variables: &Value) -> Response {
        self.triggers.push(variables.clone());
        match self.trigger_answers.pop() {
            None => Json(json!({"data": {"flowTriggerReceive": {"userErrors": []}}})).into_response(),
            Some(TriggerAnswer::Refused) => {
                let message = "Errors validating schema:\n  Invalid handle 'document-delivered'.\n";
                let errors = json!([{"field": ["body"], "message": message}]);
                Json(json!({"data": {"flowTriggerReceive": {"userErrors": errors}}})).into_response()
            }
            Some(TriggerAnswer::Throttled) => {
                (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "60.0")]).into_response()
            }
            Some(TriggerAnswer::Lost) => StatusCode::BAD_GATEWAY.into_response(),
        }
    }

    fn tag(&mut self, variables: &Value) -> Value {
        let owner = variables["id"].as_str().unwrap().to_owned();
        if self.untaggable.contains(&owner) {
            return json!({"data": {"tagsAdd": {"userErrors": [{"field": ["tags"], "message": "Tag is too long"}]}}});
        }
        self.tags.entry(owner).or_default().extend(strings(&variables["tags"]));
        json!({"data": {"tagsAdd": {"userErrors": []}}})
    }
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

async fn answer(State(store): State<Arc<Mutex<Store>>>, Json(request): Json<Value>) -> Response {
    let delay = store.lock().unwrap().delay;
    tokio::time::sleep(delay).await;
    let mut store = store.lock().unwrap();
    if let Some(available) = store.throttled {
        return Json(json!({
            "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
            "extensions": {"cost": {"requestedQueryCost": 1000, "actualQueryCost": null, "throttleStatus":
                {"maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": 100.0}}}
        }))
        .into_response();
    }
    if let Some(instead) = store.instead.clone() {
        store.reads += 1;
        return instead.into_response();
    }
    let variables = &request["variables"];
    match request["operationName"].as_str().unwrap() {
        "StatusRead" => Json(store.read(variables)).into_response(),
        "StatusWrite" => Json(store.write(variables)).into_response(),
        "MarketingConsent" => Json(store.consent(variables)).into_response(),
        "MarketingUnsubscribe" => Json(store.unsubscribe(variables)).into_response(),
        "TagsAdd" => Json(store.tag(variables)).into_response(),
        "FlowTrigger" => store.trigger(variables),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
