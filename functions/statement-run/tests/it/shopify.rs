//! Bulk operations and the server their results lie on.

use crate::world::Faults;
use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, Response, Uri},
    response::IntoResponse,
};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

#[derive(Default)]
pub struct Store {
    /// What the operations find, in the order of their start; the last one again and again.
    pub results: Vec<Outcome>,
    /// How often a running operation is asked about before it ends.
    pub polls: u32,
    /// Starts that are refused because five operations run.
    pub busy: u32,
    pub starts: Vec<String>,
    asked: Vec<u32>,
    pub downloads: usize,
    /// Connections break after so many bytes.
    pub breaks_after: Option<usize>,
    /// The address of a result has expired, so many times.
    pub gone: u32,
    pub ignores_ranges: bool,
    /// The app was not granted the orders of any age.
    pub recent_orders_only: bool,
}

#[derive(Clone)]
pub enum Outcome {
    Found(String),
    Nothing,
    Failed,
}

#[derive(Clone)]
pub struct FakeShopify {
    store: Arc<Mutex<Store>>,
    pub url: String,
}

impl FakeShopify {
    pub async fn start(faults: Faults) -> Self {
        let (listener, url) = fakes::listen().await;
        let store = Arc::new(Mutex::new(Store::default()));
        let state = (Arc::clone(&store), faults, url.clone());
        let router = Router::new().fallback(answer).with_state(state);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { store, url }
    }

    pub fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap()
    }
}

async fn answer(
    State((store, faults, url)): State<(Arc<Mutex<Store>>, Faults, String)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    faults
        .meet(async {
            let mut store = store.lock().unwrap();
            if method == Method::GET {
                return store.file(uri.path(), &headers);
            }
            let request: Value = serde_json::from_slice(&body).unwrap();
            let variables = &request["variables"];
            Json(match request["operationName"].as_str().unwrap() {
                "AccessScopes" => store.scopes(),
                "BulkRun" => store.run(variables["query"].as_str().unwrap()),
                "BulkStatus" => store.status(variables["id"].as_str().unwrap(), &url),
                other => panic!("{other}"),
            })
            .into_response()
        })
        .await
}

impl Store {
    fn scopes(&self) -> Value {
        let all = (!self.recent_orders_only).then(|| json!({"handle": "read_all_orders"}));
        let scopes: Vec<_> = [json!({"handle": "read_orders"})].into_iter().chain(all).collect();
        json!({"data": {"currentAppInstallation": {"accessScopes": scopes}}})
    }

    fn run(&mut self, query: &str) -> Value {
        let payload = if self.busy > 0 {
            self.busy -= 1;
            json!({"bulkOperation": null, "userErrors": [{"field": null, "message": "in progress", "code": "OPERATION_IN_PROGRESS"}]})
        } else {
            self.starts.push(query.to_owned());
            self.asked.push(0);
            let id = format!("gid://shopify/BulkOperation/{}", self.starts.len());
            json!({"bulkOperation": {"id": id}, "userErrors": []})
        };
        json!({"data": {"bulkOperationRunQuery": payload}})
    }

    fn result(&self, number: usize) -> &Outcome {
        self.results.get(number - 1).or(self.results.last()).unwrap()
    }

    fn status(&mut self, id: &str, url: &str) -> Value {
        let number: usize = id.rsplit('/').next().unwrap().parse().unwrap();
        self.asked[number - 1] += 1;
        let (status, code, url) = match self.result(number) {
            _ if self.asked[number - 1] <= self.polls => ("RUNNING", Value::Null, Value::Null),
            Outcome::Found(_) => {
                ("COMPLETED", Value::Null, json!(format!("{url}/file/{number}?Signature=secret")))
            }
            Outcome::Nothing => ("COMPLETED", Value::Null, Value::Null),
            Outcome::Failed => ("FAILED", json!("INTERNAL_SERVER_ERROR"), Value::Null),
        };
        json!({"data": {"bulkOperation": {"status": status, "errorCode": code, "fileSize": "1", "url": url}}})
    }

    fn file(&mut self, path: &str, headers: &HeaderMap) -> Response<Body> {
        self.downloads += 1;
        if self.gone > 0 {
            self.gone -= 1;
            return Response::builder().status(403).body(Body::empty()).unwrap();
        }
        let number: usize = path.rsplit('/').next().unwrap().parse().unwrap();
        let Outcome::Found(text) = self.result(number) else { panic!("no file {number}") };
        let etag = format!("\"{}-{number}\"", text.len());
        let range =
            headers.get("range").map(|range| range.to_str().unwrap()[6..].trim_end_matches('-').to_owned());
        let same = headers.get("if-range").is_none_or(|tag| tag.to_str().unwrap() == etag);
        let from: usize =
            range.filter(|_| same && !self.ignores_ranges).map_or(0, |from| from.parse().unwrap());
        let body = text.as_bytes()[from..].to_vec();
        let mut response = Response::builder().header("etag", etag).header("content-length", body.len());
        if from > 0 {
            let range = format!("bytes {from}-{}/{}", text.len() - 1, text.len());
            response = response.status(206).header("content-range", range);
        }
        match self.breaks_after.filter(|after| *after < body.len()) {
            None => response.body(body.into()).unwrap(),
            Some(after) => {
                let piece = Ok(Bytes::copy_from_slice(&body[..after]));
                // a server that fails in the same breath sends nothing of what it had
                let failure = async {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    Err("broken")
                };
                let pieces = stream::once(async { piece }).chain(stream::once(failure));
                response.body(Body::from_stream(pieces)).unwrap()
            }
        }
    }
}
