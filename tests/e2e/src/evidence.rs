//! Evidence records as snapshots.

use crate::shop::Shop;
use ledger::Entry;
use serde_json::Value;
use std::collections::BTreeSet;

/// A record without what differs from run to run: the shop, ids that follow from it, which of the events came
/// first, and dates, some of which depend on the present day.
pub fn stable(mut record: Value, shop: &Shop, entry: &Entry) -> Value {
    const VARYING: [&str; 18] = [
        "sha256",
        "version_id",
        "bytes",
        "topic",
        "webhook_id",
        "event_id",
        "composed_at",
        "until",
        "configuration",
        "version",
        "customer",
        "record_sha256",
        "days_overdue",
        "file_name",
        "customer_number",
        "triggered_at",
        "unsubscribe_url",
        "nonce",
    ];
    let is_date = |text: &str| text.get(..10).is_some_and(|day| day.parse::<jiff::civil::Date>().is_ok());
    fn walk(value: &mut Value, change: &impl Fn(&str, &mut Value)) {
        match value {
            Value::Object(map) => map.iter_mut().for_each(|(name, value)| {
                change(name, value);
                walk(value, change);
            }),
            Value::Array(list) => list.iter_mut().for_each(|value| walk(value, change)),
            _ => {}
        }
    }
    walk(&mut record, &|name, value| match value {
        Value::String(text) if is_date(text) => *value = "[date]".into(),
        Value::String(_) | Value::Number(_) if VARYING.contains(&name) => *value = "[varies]".into(),
        Value::String(text) => {
            let text =
                text.replace(shop.domain.as_str(), "[shop]").replace(&shop.shopify.to_string(), "[shopify]");
            let text = text.replace(entry.communication.as_str(), "[communication]");
            *value = match name {
                "object" => "[key]".into(),
                _ => text.into(),
            };
        }
        _ => {}
    });
    record
}

/// Every string of an order's, customer's or account's that its record holds and that could be found again: too
/// short ones are in any text, and dates are no secret.
pub fn told(record: &Value) -> BTreeSet<String> {
    fn gather(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => map.values().for_each(|value| gather(value, found)),
            Value::Array(list) => list.iter().for_each(|value| gather(value, found)),
            Value::String(text) => drop(found.insert(text.clone())),
            _ => {}
        }
    }
    let (mut found, mut open) = (BTreeSet::new(), BTreeSet::new());
    for personal in ["name", "recipient", "driver_data", "outputs"] {
        gather(&record[personal], &mut found);
    }
    // what the system itself calls things: keys, hashes, the template, the shop
    for (name, value) in record.as_object().unwrap() {
        match name.as_str() {
            "name" | "recipient" => {}
            "driver_data" => gather(&without(value, &["data"]), &mut open),
            "outputs" => {
                let outputs = value.as_array().unwrap().iter();
                outputs.for_each(|it| gather(&without(it, &["file_name", "customer_number"]), &mut open));
            }
            _ => gather(value, &mut open),
        }
    }
    let is_date = |text: &str| {
        let day = text.get(..10).unwrap_or_default();
        [day, &format!("{text}-01")].iter().any(|day| day.parse::<jiff::civil::Date>().is_ok())
    };
    let is_open = |text: &String| open.iter().any(|open| open.contains(text.as_str()));
    found.retain(|text| text.len() >= 6 && !is_date(text) && !is_open(text));
    found
}

fn without(value: &Value, names: &[&str]) -> Value {
    let map = value.as_object().unwrap().iter().filter(|(name, _)| !names.contains(&name.as_str()));
    Value::Object(map.map(|(name, value)| (name.clone(), value.clone())).collect())
}
