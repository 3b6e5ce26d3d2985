//! Single values of a REST document as the GraphQL API writes them.

use serde_json::{Value, json};

pub(crate) fn gid(rest: &Value, kind: &str) -> String {
    match rest["admin_graphql_api_id"].as_str() {
        Some(gid) => gid.to_owned(),
        None => format!("gid://shopify/{kind}/{}", rest["id"]),
    }
}

pub(crate) fn upper(value: &Value) -> Value {
    value.as_str().map_or(Value::Null, |text| json!(text.to_ascii_uppercase()))
}

/// Webhooks give times with the shop's offset, GraphQL in UTC.
pub(crate) fn time(value: &Value) -> Value {
    let time: Option<jiff::Timestamp> = value.as_str().and_then(|text| text.parse().ok());
    time.map_or(Value::Null, |time| json!(format!("{time:.0}")))
}

pub(crate) fn tags(value: &Value) -> Value {
    let mut tags: Vec<&str> = match value {
        Value::String(text) => text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).collect(),
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    tags.sort_by_key(|tag| tag.to_lowercase());
    json!(tags)
}
