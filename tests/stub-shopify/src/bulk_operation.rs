//! The bulk operations of a shop: following, cancelling, and what each leaves behind.
//!
//! An operation moves by the clock (`bulk_step_ms` per state) from CREATED over RUNNING to its end. Its result
//! is what a control call said it will be, else the query executed over what is registered. Results are
//! kept as long as the stub runs; what is in a file is read when it is asked for and never held in memory.

use crate::{
    bulk_content::{BulkError, Content},
    gid::number_of,
    options::ShopifySettings,
};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The path under which results are served.
pub(crate) const OUTPUTS: &str = "bulk-operation-outputs/";

static SERIAL: AtomicU64 = AtomicU64::new(1);

#[derive(Debug, Default)]
pub(crate) struct Bulk {
    operations: Vec<Operation>,
    planned: VecDeque<PlannedResult>,
}

/// What `PUT /__stub/bulk` says of an operation that is yet to be run.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PlannedResult {
    /// The result; with neither this nor a file, the query is executed.
    jsonl: Option<String>,
    file: Option<PathBuf>,
    /// How it ends: COMPLETED unless another status is given.
    status: Option<String>,
    error_code: Option<String>,
    /// Whether the result is what an operation that failed had so far.
    partial: bool,
    objects: Option<u64>,
    root_objects: Option<u64>,
    step_ms: Option<u64>,
}

impl PlannedResult {
    /// The result that a control call gave; `None` if it left the query to be executed.
    pub fn content(&self) -> Option<Result<Content, BulkError>> {
        if let Some(text) = &self.jsonl {
            let (mut objects, mut roots) = (0, 0);
            for line in text.lines().filter(|line| !line.trim().is_empty()) {
                objects += 1;
                roots += u64::from(!line.contains("\"__parentId\""));
            }
            let objects = self.objects.unwrap_or(objects);
            return Some(Ok(Content::text(text.clone(), objects, self.root_objects.unwrap_or(roots))));
        }
        if let Some(path) = &self.file {
            let objects = self.objects.unwrap_or(1);
            return Some(Content::file(path, objects, self.root_objects.unwrap_or(objects)));
        }
        let ends_empty = self.status.as_deref().is_some_and(|status| status != "COMPLETED");
        (ends_empty && !self.partial).then(|| Ok(Content::text(String::new(), 0, 0)))
    }
}

#[derive(Debug)]
pub(crate) struct Operation {
    pub id: String,
    token: String,
    query: String,
    begun: Instant,
    created: jiff::Timestamp,
    canceled: Option<Instant>,
    planned: PlannedResult,
    /// Absent until the query was executed.
    result: Option<Result<Arc<Content>, BulkError>>,
}

impl Operation {
    fn step(&self, settings: &ShopifySettings) -> Duration {
        Duration::from_millis(self.planned.step_ms.unwrap_or(settings.bulk_step_ms))
    }

    fn status(&self, settings: &ShopifySettings) -> &str {
        let step = self.step(settings);
        if let Some(at) = self.canceled {
            return if at.elapsed() < step { "CANCELING" } else { "CANCELED" };
        }
        let age = self.begun.elapsed();
        match &self.result {
            _ if age < step => "CREATED",
            _ if age < step * 2 => "RUNNING",
            None => "RUNNING",
            Some(Err(_)) => "FAILED",
            Some(Ok(_)) => self.planned.status.as_deref().unwrap_or("COMPLETED"),
        }
    }

    pub fn document(&self, settings: &ShopifySettings, base: &str) -> Value {
        let status = self.status(settings);
        let over = matches!(status, "COMPLETED" | "FAILED" | "CANCELED" | "EXPIRED");
        let content = self.result.as_ref().and_then(|result| result.as_ref().ok());
        let content = content.filter(|content| content.len > 0);
        let url = content.map(|_| self.url(base));
        let complete = status == "COMPLETED";
        let partial = over && !complete && self.planned.partial;
        let error_code = (status == "FAILED")
            .then(|| self.planned.error_code.as_deref().unwrap_or("INTERNAL_SERVER_ERROR"));
        // an operation that runs has counted some of its objects
        let count = |all: fn(&Content) -> u64| match status {
            "CREATED" => 0,
            _ => content.map_or(0, |content| if complete { all(content) } else { all(content) / 2 }),
        };
        let ended = SignedDuration::try_from(self.step(settings) * 2).unwrap_or_default();
        json!({
            "__typename": "BulkOperation",
            "id": self.id,
            "status": status,
            "type": "QUERY",
            "errorCode": error_code,
            "createdAt": format!("{:.0}", self.created),
            "completedAt": over.then(|| format!("{:.0}", self.created + ended)),
            "objectCount": count(|content| content.objects).to_string(),
            "rootObjectCount": count(|content| content.root_objects).to_string(),
            "fileSize": content.filter(|_| complete || partial).map(|content| content.len.to_string()),
            "url": url.as_ref().filter(|_| complete),
            "partialDataUrl": url.as_ref().filter(|_| partial),
            "query": self.query,
        })
    }

    fn url(&self, base: &str) -> String {
        let number = number_of(&self.id);
        let expires = (self.created + SignedDuration::from_hours(7 * 24)).as_second();
        format!(
            "{base}/{OUTPUTS}{}?Expires={expires}&Signature=local&response-content-disposition=attachment%3B+filename%3D%22bulk-{number}.jsonl%22&response-content-type=application%2Fjsonl",
            self.token
        )
    }
}

impl Bulk {
    /// What the next operations give, in order; replaces what was planned before.
    pub fn plan(&mut self, planned: Vec<PlannedResult>) {
        self.planned = planned.into();
    }

    /// All operations as GraphQL objects, oldest first.
    pub fn documents(&self, settings: &ShopifySettings, base: &str) -> Vec<Value> {
        self.operations.iter().map(|operation| operation.document(settings, base)).collect()
    }

    pub fn document(&self, id: &str, settings: &ShopifySettings, base: &str) -> Option<Value> {
        let found = self.operations.iter().find(|operation| operation.id == id)?;
        Some(found.document(settings, base))
    }

    /// The same with what went wrong inside the stub, for a person to read.
    pub fn report(&self, settings: &ShopifySettings, base: &str) -> Vec<Value> {
        let with_problem = |operation: &Operation| {
            let mut document = operation.document(settings, base);
            if let Some(Err(problem)) = &operation.result {
                document["problem"] = json!(problem.to_string());
            }
            document
        };
        self.operations.iter().map(with_problem).collect()
    }

    /// The result that a URL stands for.
    pub fn content(&self, token: &str) -> Option<Arc<Content>> {
        let found = self.operations.iter().find(|operation| operation.token == token)?;
        found.result.as_ref()?.as_ref().ok().cloned()
    }

    pub fn cancel(&mut self, arguments: &Value, settings: &ShopifySettings, base: &str) -> Value {
        let id = arguments["id"].as_str().unwrap_or_default();
        let Some(found) = self.operations.iter_mut().find(|operation| operation.id == id) else {
            let error = json!({"field": ["id"], "message": "Bulk operation does not exist"});
            return json!({"bulkOperation": null, "userErrors": [error]});
        };
        let status = found.status(settings).to_owned();
        if matches!(status.as_str(), "CREATED" | "RUNNING") {
            found.canceled = Some(Instant::now());
            return json!({"bulkOperation": found.document(settings, base), "userErrors": []});
        }
        let message = format!("A bulk operation cannot be canceled when it is {}", status.to_lowercase());
        json!({
            "bulkOperation": found.document(settings, base),
            "userErrors": [{"field": null, "message": message}],
        })
    }

    /// What a control call said of the operation that begins now; it is used up.
    pub fn take_planned(&mut self) -> PlannedResult {
        self.planned.pop_front().unwrap_or_default()
    }

    /// Operations that have not ended.
    pub fn active(&self, settings: &ShopifySettings) -> Vec<&str> {
        let running = self
            .operations
            .iter()
            .filter(|operation| matches!(operation.status(settings), "CREATED" | "RUNNING" | "CANCELING"));
        running.map(|operation| operation.id.as_str()).collect()
    }

    pub fn start(&mut self, query: &str, planned: PlannedResult) -> &mut Operation {
        let number = 7_933_223_797_041 + SERIAL.fetch_add(1, Ordering::Relaxed);
        let id = format!("gid://shopify/BulkOperation/{number}");
        let token = hex::encode(&Sha256::digest(&id)[..14]);
        self.operations.push(Operation {
            id,
            token,
            query: query.to_owned(),
            begun: Instant::now(),
            created: jiff::Timestamp::now(),
            canceled: None,
            planned,
            result: None,
        });
        let last = self.operations.len() - 1;
        &mut self.operations[last]
    }

    pub fn finish(&mut self, id: &str, result: Result<Content, BulkError>) {
        if let Some(found) = self.operations.iter_mut().find(|operation| operation.id == id) {
            found.result = Some(result.map(Arc::new));
        }
    }
}
