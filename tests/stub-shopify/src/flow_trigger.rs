//! `flowTriggerReceive`: the triggers of the app, with the fields that its extensions declare.
//!
//! What is refused for an unknown handle, a payload that is too large and arguments that are missing is worded as recorded
//! from the real API. That a field that is missing, unknown or of another type is refused follows from the documentation;
//! its wording is that of other refusals. That the order has to exist is this stub's own strictness.

use crate::shop::Shop;
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::LazyLock};

const MAX_BYTES: usize = 50_000;

/// As they are deployed.
const EXTENSIONS: [&str; 3] = [
    include_str!("../../../infra/shopify-app/extensions/flow-document-delivered/shopify.extension.toml"),
    include_str!("../../../infra/shopify-app/extensions/flow-document-bounced/shopify.extension.toml"),
    include_str!("../../../infra/shopify-app/extensions/flow-document-failed/shopify.extension.toml"),
];

/// The key and type of each field, by the trigger's handle.
static TRIGGERS: LazyLock<BTreeMap<String, BTreeMap<String, String>>> =
    LazyLock::new(|| EXTENSIONS.iter().filter_map(|text| trigger(text)).collect());

fn trigger(extension: &str) -> Option<(String, BTreeMap<String, String>)> {
    let extension: toml::Table = extension.parse().ok()?;
    let handle = extension.get("extensions")?.get(0)?.get("handle")?.as_str()?.to_owned();
    let fields = extension.get("settings")?.get("fields")?.as_array()?;
    let field = |field: &toml::Value| {
        let kind = field.get("type")?.as_str()?;
        let reference = kind.strip_suffix("_reference").map(|of| format!("{of}_id"));
        let key = reference.or_else(|| field.get("key")?.as_str().map(str::to_owned))?;
        Some((key, kind.to_owned()))
    };
    Some((handle, fields.iter().filter_map(field).collect()))
}

/// Answers the payload of `flowTriggerReceive`, and keeps what was taken.
pub(crate) fn receive(shop: &mut Shop, arguments: &Value) -> Value {
    match check(shop, arguments) {
        Ok(()) => {
            shop.flow_triggers.push(json!({"handle": arguments["handle"], "payload": arguments["payload"]}));
            json!({"userErrors": []})
        }
        Err((field, message)) => json!({"userErrors": [{"field": [field], "message": message}]}),
    }
}

fn check(shop: &Shop, arguments: &Value) -> Result<(), (&'static str, String)> {
    let invalid =
        |errors: &[String]| ("body", format!("Errors validating schema:\n  {}\n", errors.join("\n  ")));
    if !arguments["body"].is_null() {
        return Err(("body", "the stub does not serve the deprecated `body`".to_owned()));
    }
    let (Some(handle), false) = (arguments["handle"].as_str(), arguments["payload"].is_null()) else {
        return Err(("handle", "`handle` and `payload` arguments are required".to_owned()));
    };
    let payload = &arguments["payload"];
    if payload.to_string().len() > MAX_BYTES {
        return Err(invalid(&[format!("Properties size exceeds the limit of {MAX_BYTES} bytes.")]));
    }
    let Some(declared) = TRIGGERS.get(handle) else {
        return Err(invalid(&[format!("Invalid handle '{handle}'.")]));
    };
    let Some(sent) = payload.as_object() else {
        return Err(invalid(&[format!("Type error for field 'properties': {payload} is not an Object.")]));
    };
    let unknown = sent.keys().filter(|key| !declared.contains_key(*key));
    let mut errors: Vec<_> = unknown.map(|key| format!("Invalid field: '{key}'.")).collect();
    for (key, kind) in declared {
        let value = sent.get(key).filter(|value| !value.is_null());
        let fits = match value {
            None => {
                errors.push(format!("Required field missing: '{key}'."));
                continue;
            }
            Some(value) if kind == "order_reference" => {
                value.as_u64().is_some_and(|id| shop.document(&format!("gid://shopify/Order/{id}")).is_some())
            }
            Some(value) => value.as_str().is_some_and(|text| !text.is_empty() && !text.contains('\n')),
        };
        if !fits {
            errors.push(format!("Type error for field '{key}': it is not a {kind}."));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(invalid(&errors)) }
}
