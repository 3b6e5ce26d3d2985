//! Evidence records as snapshots.

use crate::shop::Shop;
use ledger::Entry;
use serde_json::Value;

/// A record without what differs from run to run: the shop, ids that follow from it, which of the events came
/// first, and dates, some of which depend on the present day.
pub fn stable(mut record: Value, shop: &Shop, entry: &Entry) -> Value {
    const VARYING: [&str; 16] = [
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
