//! Reading JSON into types, with errors that say where and never what.

use serde::{Deserialize, Deserializer};
use serde_json::{error::Category, value::RawValue};
use std::borrow::Cow;

/// Where JSON does not have the expected shape. Holds the path of a field, and nothing of its content,
/// because the content is a customer's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` {problem}")]
pub struct Malformed {
    path: String,
    problem: Cow<'static, str>,
}

impl Malformed {
    pub(crate) fn new(path: impl Into<String>, problem: impl Into<Cow<'static, str>>) -> Self {
        Self { path: path.into(), problem: problem.into() }
    }

    /// The same problem, with what it is about: an id, never a customer's text.
    pub(crate) fn about(self, what: &str) -> Self {
        Self { problem: format!("{} ({what})", self.problem).into(), ..self }
    }

    /// The field's path, such as `line_items[2].price_set.shop_money.amount`; `.` for the whole document.
    pub fn path(&self) -> &str {
        &self.path
    }
}

pub(crate) fn decode<'de, T: Deserialize<'de>>(json: &'de str) -> Result<T, Malformed> {
    serde_json::from_str(json)
        .map_err(|error| Malformed { path: path::<T>(json, &error), problem: problem(&error) })
}

/// Reads once more, for the path: keeping it costs a quarter of the allocations of a communication.
fn path<'de, T: Deserialize<'de>>(json: &'de str, error: &serde_json::Error) -> String {
    let read =
        || serde_path_to_error::deserialize::<_, T>(&mut serde_json::Deserializer::from_str(json)).err();
    // of text that is not JSON, the parser knows no path
    let path = error.is_data().then(read).flatten().map(|error| error.path().to_string());
    path.unwrap_or_else(|| ".".to_owned())
}

pub(crate) fn decode_bytes<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, Malformed> {
    decode(std::str::from_utf8(json).map_err(|_| Malformed::new(".", "is not UTF-8 text"))?)
}

/// serde's own message quotes the value it stumbled over, except when the value is what is missing.
fn problem(error: &serde_json::Error) -> Cow<'static, str> {
    match error.classify() {
        Category::Io | Category::Syntax => "is not JSON".into(),
        Category::Eof => "is cut off".into(),
        Category::Data => {
            let text = error.to_string();
            match text.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')) {
                Some((field, _)) => format!("lacks the field `{field}`").into(),
                None => "has an unexpected type or value".into(),
            }
        }
    }
}

/// Text; blank text counts as none, because Shopify uses both for the same thing.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|text| !text.trim().is_empty()))
}

/// A list that may be `null`.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A flag that may be `null`.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A JSON scalar as text: a string's content, else what was written.
pub(crate) fn scalar<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?.get();
    match raw.as_bytes().first() {
        Some(b'"') => serde_json::from_str(raw).map_err(serde::de::Error::custom),
        Some(b'n') => Ok(String::new()),
        _ => Ok(raw.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Person {
        #[serde(default, deserialize_with = "text")]
        name: Option<String>,
        ages: Vec<Age>,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Age {
        years: u8,
    }

    #[test]
    fn errors_name_the_path_and_never_the_content() {
        let error = |json| decode::<Person>(json).unwrap_err().to_string();
        assert_eq!(
            error(r#"{"name":"Ann","ages":[{"years":1},{"years":"Ann"}]}"#),
            "`ages[1].years` has an unexpected type or value"
        );
        assert_eq!(error(r#"{"name":"Ann"}"#), "`.` lacks the field `ages`");
        assert_eq!(error(r#"{"ages":[{}]}"#), "`ages[0]` lacks the field `years`");
        assert_eq!(error(r#"{"ages":[]}Ann"#), "`.` is not JSON");
        assert_eq!(error(r#"{"ages":["#), "`.` is cut off");
        assert_eq!(decode_bytes::<Person>(b"\xff").unwrap_err().to_string(), "`.` is not UTF-8 text");
    }

    #[test]
    fn scalars_become_text_without_losing_digits() {
        #[derive(Deserialize)]
        struct Holder(#[serde(deserialize_with = "scalar")] String);
        for (json, text) in [
            (r#""a\"b""#, "a\"b"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("1.10", "1.10"),
            ("true", "true"),
            ("null", ""),
        ] {
            assert_eq!(decode::<Holder>(json).unwrap().0, text);
        }
    }
}
