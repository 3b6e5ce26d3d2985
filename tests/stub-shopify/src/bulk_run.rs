//! `bulkOperationRunQuery`: checks the query, and executes it beside the server unless its result was given.

use crate::{bulk_check::check, bulk_lines::execute, execution::Execution};
use serde_json::{Value, json};
use std::sync::{Arc, PoisonError};

/// The payload of `bulkOperationRunQuery`.
pub(crate) fn run(execution: &Execution<'_>, arguments: &Value) -> Value {
    let query = arguments["query"].as_str().unwrap_or_default();
    let document = match check(execution.schema, query) {
        Ok(document) => document,
        Err(messages) => {
            let error = |message| json!({"field": ["query"], "message": message, "code": "INVALID"});
            return refused(messages.into_iter().map(error).collect());
        }
    };
    let settings = &execution.settings;
    let mut shop = execution.shop();
    let active = shop.bulk.active(settings);
    if active.len() >= settings.bulk_concurrency {
        let message = format!(
            "A bulk query operation for this app and shop is already in progress: {}.",
            active.join(", ")
        );
        return refused(vec![json!({"field": null, "message": message, "code": "OPERATION_IN_PROGRESS"})]);
    }
    let planned = shop.bulk.take_planned();
    let operation = shop.bulk.start(query, planned.clone());
    let id = operation.id.clone();
    let payload = json!({"bulkOperation": operation.document(settings, execution.base), "userErrors": []});
    if let Some(content) = planned.content() {
        shop.bulk.finish(&id, content);
        return payload;
    }
    drop(shop);
    let group = arguments["groupObjects"] == true;
    let (schema, shop) = (Arc::clone(execution.schema), Arc::clone(execution.shop));
    let settings = Arc::clone(settings);
    // off the server's threads: a large shop takes seconds
    std::thread::spawn(move || {
        let result = execute(&schema, &shop, settings, &document, group);
        shop.lock().unwrap_or_else(PoisonError::into_inner).bulk.finish(&id, result);
    });
    payload
}

fn refused(errors: Vec<Value>) -> Value {
    json!({"bulkOperation": null, "userErrors": errors})
}
