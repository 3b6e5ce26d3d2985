//! What a schema says: of a single value its kind, its words, its range; which texts a type of their own reads; the keys of
//! a table.

use comms::{CurrencyCode, Gid, HttpsUrl, ShopDomain};
use jiff::{Timestamp, civil::Time, tz::TimeZone};
use serde_json::{Map, Value};

/// What reads a text, by the name that its type has in the schema, or by its format.
pub(super) fn reader<'a>(schema: &'a Value, name: Option<&'a str>) -> Option<&'a str> {
    let format = schema.get("format").and_then(Value::as_str);
    name.filter(|it| examples(it).is_some()).or_else(|| format.filter(|it| examples(it).is_some()))
}

/// What is wrong with a text for what reads it. Quotes nothing but names.
pub(super) fn refusal(reader: &str, text: &str) -> Option<String> {
    let said = |what: &str| what.to_owned();
    match reader {
        "HttpsUrl" => text.parse::<HttpsUrl>().err().map(|error| error.to_string()),
        "ShopDomain" => text.parse::<ShopDomain>().err().map(|error| error.to_string()),
        "Gid" => text.parse::<Gid>().err().map(|error| error.to_string()),
        "CurrencyCode" => text.parse::<CurrencyCode>().err().map(|error| error.to_string()),
        "time-zone" => {
            TimeZone::get(text).err().map(|_| said("must be an IANA time zone, such as \"Europe/Paris\""))
        }
        "date-time" => {
            text.parse::<Timestamp>().err().map(|_| said("must be a time, such as \"2026-11-22T00:00:00Z\""))
        }
        "local-time" => {
            text.parse::<Time>().err().map(|_| said("must be a time of the day, such as \"21:00:00\""))
        }
        _ => None,
    }
}

/// Texts that such a reader takes.
pub(super) fn examples(reader: &str) -> Option<&'static [&'static str]> {
    match reader {
        "HttpsUrl" => Some(&["https://stand-in.example"]),
        "ShopDomain" => Some(&["stand-in.myshopify.com"]),
        "Gid" => Some(&["gid://shopify/Segment/1"]),
        "CurrencyCode" => Some(&["EUR"]),
        "time-zone" => Some(&["UTC"]),
        "date-time" => Some(&["2026-01-01T00:00:00Z"]),
        "local-time" => Some(&["08:00:00", "21:00:00"]),
        _ => None,
    }
}

pub(super) fn is_type(schema: &Value, kind: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(one)) => one == kind,
        Some(Value::Array(several)) => several.iter().any(|it| it == kind),
        _ => false,
    }
}

/// Whether a leaf is of a kind that the schema allows.
pub(super) fn is_of(schema: &Value, value: &Value) -> bool {
    match value {
        Value::String(_) => is_type(schema, "string"),
        Value::Bool(_) => is_type(schema, "boolean"),
        Value::Number(number) if number.is_f64() => is_type(schema, "number"),
        Value::Number(_) => is_type(schema, "integer") || is_type(schema, "number"),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

/// The words that a text may be, if not any.
pub(super) fn words_of(schema: &Value) -> Option<Vec<&str>> {
    if let Some(one) = schema.get("const").and_then(Value::as_str) {
        return Some(vec![one]);
    }
    let several = schema.get("enum").and_then(Value::as_array)?;
    Some(several.iter().filter_map(Value::as_str).collect())
}

pub(super) fn words(schema: &Value) -> Vec<&str> {
    words_of(schema).unwrap_or_default()
}

/// What is wrong with a whole number that no number of its type is, or that the schema does not allow.
pub(super) fn out_of_range(schema: &Value, value: &Value) -> Option<String> {
    if !is_type(schema, "integer") {
        return None;
    }
    let whole = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from))?;
    let bound = |name: &str| schema.get(name).and_then(Value::as_i64).map(i128::from);
    let largest = match schema.get("format").and_then(Value::as_str) {
        Some("uint8") => u8::MAX.into(),
        Some("uint16") => u16::MAX.into(),
        Some("uint32") => u32::MAX.into(),
        _ => i128::from(i64::MAX),
    };
    let least = bound("minimum").unwrap_or(0);
    let most = bound("maximum").unwrap_or(largest);
    match (whole < least, whole > most) {
        (false, false) => None,
        _ if most == i128::from(i64::MAX) => Some(format!("must be {least} or more")),
        _ => Some(format!("must be from {least} to {most}")),
    }
}

/// Words in a sentence.
pub(super) fn any_of(words: &[&str]) -> String {
    let mut quoted: Vec<String> = Vec::with_capacity(words.len());
    for word in words {
        let word = format!("`{word}`");
        if !quoted.contains(&word) {
            quoted.push(word);
        }
    }
    match quoted.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        _ => format!("one of {}", quoted.join(", ")),
    }
}

/// The only word that a misspelt one is likely to be.
pub(super) fn nearest<'a>(text: &str, words: &[&'a str]) -> Option<&'a str> {
    const NEAR: f64 = 0.75;
    let mut near: Vec<(f64, &str)> =
        words.iter().map(|word| (strsim::normalized_damerau_levenshtein(text, word), *word)).collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    let best = near.first().filter(|(how, _)| *how >= NEAR)?;
    match near.get(1) {
        Some(second) if second.0 >= best.0 => None,
        _ => Some(best.1),
    }
}

pub(super) fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    schema.get("properties").and_then(Value::as_object)
}

pub(super) fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

pub(super) fn is_required(schema: &Value, key: &str) -> bool {
    required(schema).any(|it| it == key)
}
