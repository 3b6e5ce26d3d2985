//! `metafieldsSet` with its limits, messages and codes as recorded from the real API, and
//! `metafieldsDelete`.
//!
//! Atomic: one refused input and nothing is written. A compare digest that is present must name the
//! stored value (or be null for none); writing what is stored already succeeds whatever the digest says.

use crate::{
    gid::type_of,
    metafield::{Metafield, MetafieldKey, resolve_namespace},
    schema::AdminSchema,
    shop::Shop,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const MAX_INPUTS: usize = 25;
const MAX_JSON_BYTES: usize = 128 << 10;
const MAX_TEXT_BYTES: usize = 64 << 10;

struct Refusal {
    /// The key that is at fault; the whole input without it.
    part: Option<&'static str>,
    message: String,
    code: Option<&'static str>,
}

fn refuse(part: &'static str, code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal { part: Some(part), message: message.into(), code: Some(code) }
}

/// Answers the payload of `metafieldsSet` for coerced inputs.
pub(crate) fn set(shop: &mut Shop, schema: &AdminSchema, inputs: &[Value], now: jiff::Timestamp) -> Value {
    if inputs.len() > MAX_INPUTS {
        return payload(&[json!({
            "field": ["metafields"],
            "message": "Exceeded the maximum metafields input limit of 25.",
            "code": "LESS_THAN_OR_EQUAL_TO",
            "elementIndex": null,
        })]);
    }
    let mut errors = Vec::new();
    let mut checked = Vec::new();
    for (index, input) in inputs.iter().enumerate() {
        match check(shop, schema, input) {
            Ok(write) => checked.push(write),
            Err(refusal) => {
                let mut field = vec![json!("metafields"), json!(index.to_string())];
                field.extend(refusal.part.map(|part| json!(part)));
                errors.push(json!({
                    "field": field,
                    "message": refusal.message,
                    "code": refusal.code,
                    "elementIndex": null,
                }));
            }
        }
    }
    if !errors.is_empty() {
        return payload(&errors);
    }
    let written: Vec<Value> =
        checked.into_iter().map(|(key, kind, value)| write(shop, key, kind, value, now)).collect();
    json!({"metafields": written, "userErrors": []})
}

fn payload(errors: &[Value]) -> Value {
    json!({"metafields": [], "userErrors": errors})
}

fn write(shop: &mut Shop, key: MetafieldKey, kind: String, value: String, now: jiff::Timestamp) -> Value {
    let digest = digest(&kind, &value);
    let serial = shop.metafields.len() + 1;
    let stamp = format!("{:.0}", now);
    let fresh = || Metafield {
        id: format!("gid://shopify/Metafield/{serial}"),
        namespace: key.namespace.clone(),
        key: key.key.clone(),
        r#type: kind.clone(),
        value: String::new(),
        compare_digest: String::new(),
        created_at: stamp.clone(),
        updated_at: stamp.clone(),
    };
    let owner = key.owner.clone();
    let entry = shop.metafields.entry(key.clone()).or_insert_with(fresh);
    if entry.compare_digest != digest {
        entry.r#type.clone_from(&kind);
        entry.value = value;
        entry.compare_digest = digest;
        entry.updated_at.clone_from(&stamp);
    }
    entry.document(&owner)
}

fn digest(kind: &str, value: &str) -> String {
    hex::encode(Sha256::digest(format!("{kind}\n{value}")))
}

/// The write an input asks for: where, of what type, which value.
fn check(
    shop: &Shop,
    schema: &AdminSchema,
    input: &Value,
) -> Result<(MetafieldKey, String, String), Refusal> {
    let text = |name: &str| input.get(name).and_then(Value::as_str);
    let namespace = resolve_namespace(text("namespace"));
    let name = text("key").unwrap_or_default();
    let value = text("value").unwrap_or_default();
    let owner = text("ownerId").unwrap_or_default();
    check_names(&namespace, name)?;
    if !schema.has_field(type_of(owner).unwrap_or_default(), "metafield") {
        // a return, for one, has no metafields; the wording is a guess
        return Err(refuse("ownerId", "INVALID", "Owner type does not support metafields."));
    }
    if shop.document(owner).is_none() {
        return Err(refuse("ownerId", "INVALID_VALUE", "Owner does not exist."));
    }
    let key = MetafieldKey { owner: owner.to_owned(), namespace, key: name.to_owned() };
    let stored = shop.metafields.get(&key);
    let kind = text("type").map(str::to_owned).or_else(|| stored.map(|s| s.r#type.clone()));
    let Some(kind) = kind.filter(|kind| !kind.is_empty()) else {
        return Err(refuse("type", "BLANK", "Type can't be blank"));
    };
    if stored.is_some_and(|s| s.r#type != kind) {
        return Err(refuse("type", "INVALID_TYPE", "Type can't be changed"));
    }
    check_value(&kind, value)?;
    let unchanged = stored.is_some_and(|s| s.compare_digest == digest(&kind, value));
    let expected = input.get("compareDigest");
    let matches = match (expected, stored) {
        (None, _) | (Some(Value::Null), None) => true,
        (Some(Value::String(sent)), Some(stored)) => *sent == stored.compare_digest,
        _ => false,
    };
    if !matches && !unchanged {
        return Err(Refusal {
            part: None,
            message: "The resource has been updated since it was loaded. Try again with an updated \
                      `compareDigest` value."
                .to_owned(),
            code: Some("STALE_OBJECT"),
        });
    }
    Ok((key, kind, value.to_owned()))
}

fn check_names(namespace: &str, key: &str) -> Result<(), Refusal> {
    let bounds = |part: &'static str, label: &str, text: &str, min: usize, max: usize| {
        let length = text.chars().count();
        if length < min {
            let message = format!("{label} is too short (minimum is {min} characters)");
            Err(refuse(part, "TOO_SHORT", message))
        } else if length > max {
            let message = format!("{label} is too long (maximum is {max} characters)");
            Err(refuse(part, "TOO_LONG", message))
        } else {
            Ok(())
        }
    };
    bounds("namespace", "Namespace", namespace, 3, 255)?;
    bounds("key", "Key", key, 2, 64)?;
    if matches!(namespace, "shopify_standard" | "protected" | "shopify-l10n-fields") {
        let message = format!("Namespace {namespace} is a reserved namespace");
        return Err(Refusal { part: Some("namespace"), message, code: None });
    }
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if !plain(namespace) {
        return Err(refuse("namespace", "INVALID", "Namespace contains one or more invalid characters."));
    }
    if !plain(key) {
        return Err(refuse("key", "INVALID", "Key contains one or more invalid characters."));
    }
    Ok(())
}

fn check_value(kind: &str, value: &str) -> Result<(), Refusal> {
    let invalid = |message: String| Err(refuse("value", "INVALID_VALUE", message));
    let limit = if kind == "json" { MAX_JSON_BYTES } else { MAX_TEXT_BYTES };
    if value.len() > limit {
        let message = format!("Value is too long (maximum is {limit} bytes)");
        return Err(refuse("value", "TOO_LONG", message));
    }
    match kind {
        "json" => match serde_json::from_str::<Value>(value) {
            Ok(_) => Ok(()),
            Err(error) => invalid(format!("Value is invalid JSON: {error}.")),
        },
        "number_integer" if value.parse::<i64>().is_err() => invalid("Value must be an integer.".to_owned()),
        "boolean" if !matches!(value, "true" | "false") => invalid("Value must be true or false.".to_owned()),
        "date" if value.parse::<jiff::civil::Date>().is_err() => {
            invalid("Value must be in YYYY-MM-DD format.".to_owned())
        }
        "single_line_text_field" if value.contains('\n') => {
            invalid("Value must be a single line text string.".to_owned())
        }
        _ if value.trim().is_empty() => invalid("Value can't be blank.".to_owned()),
        _ => Ok(()),
    }
}

/// Removes what `metafieldsDelete` names; answers its payload.
pub(crate) fn delete(shop: &mut Shop, inputs: &[Value]) -> Value {
    let deleted: Vec<Value> = inputs
        .iter()
        .map(|input| {
            let text = |name: &str| input.get(name).and_then(Value::as_str).unwrap_or_default();
            let key = MetafieldKey {
                owner: text("ownerId").to_owned(),
                namespace: resolve_namespace(input.get("namespace").and_then(Value::as_str)),
                key: text("key").to_owned(),
            };
            match shop.metafields.remove(&key) {
                Some(_) => json!({"ownerId": key.owner, "namespace": key.namespace, "key": key.key}),
                None => Value::Null,
            }
        })
        .collect();
    json!({"deletedMetafields": deleted, "userErrors": []})
}
