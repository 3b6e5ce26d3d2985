//! Reading JSON into types, with errors that say where and never what.

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{error::Category, value::RawValue};
use std::{borrow::Cow, fmt};

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

/// Text; blank text counts as none, because Shopify uses both for the same thing. A number or a flag is its
/// digits or its word; anything that is no text at all counts as none, because no document hangs on it.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    struct Text;
    impl<'de> Visitor<'de> for Text {
        type Value = Option<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("text")
        }
        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            Ok((!text.trim().is_empty()).then(|| text.to_owned()))
        }
        fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
            Ok((!text.trim().is_empty()).then_some(text))
        }
        fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
            Ok(Some(flag.to_string()))
        }
        fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
            Ok(Some(number.to_string()))
        }
        fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
            Ok(Some(number.to_string()))
        }
        fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
            Ok(Some(number.to_string()))
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_none<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Self::Value, D::Error> {
            inner.deserialize_any(self)
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
            while elements.next_element::<IgnoredAny>()?.is_some() {}
            Ok(None)
        }
        fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
            while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(None)
        }
    }
    deserializer.deserialize_any(Text)
}

/// A list that may be `null`.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Tags: a text with commas in one API, a list in the other. Sorted.
pub(crate) fn tags<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let text = match Loose::deserialize(deserializer)? {
        Loose::Elements(elements) => elements.iter().map(|it| plain_text(it)).collect::<Vec<_>>(),
        Loose::Text(text) => text.split(',').map(str::to_owned).collect(),
        Loose::Fields(_) | Loose::Other => Vec::new(),
    };
    let mut tags: Vec<String> = text.iter().map(|tag| tag.trim().to_owned()).collect();
    tags.retain(|tag| !tag.is_empty());
    tags.sort();
    Ok(tags)
}

/// A flag that may be `null`.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The fields of an object, the elements of a list or a text. Nothing of anything else.
pub(crate) enum Loose {
    Fields(Vec<(String, Box<RawValue>)>),
    Elements(Vec<Box<RawValue>>),
    Text(String),
    Other,
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields(Vec<(String, Box<RawValue>)>);
        impl<'de> Deserialize<'de> for Fields {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct All;
                impl<'de> Visitor<'de> for All {
                    type Value = Fields;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("an object")
                    }
                    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Fields, A::Error> {
                        let mut all = Vec::new();
                        while let Some(entry) = fields.next_entry()? {
                            all.push(entry);
                        }
                        Ok(Fields(all))
                    }
                }
                deserializer.deserialize_map(All)
            }
        }
        let json = <&RawValue>::deserialize(deserializer)?.get();
        let read = match json.as_bytes().first() {
            Some(b'{') => serde_json::from_str(json).map(|Fields(all)| Self::Fields(all)),
            Some(b'[') => serde_json::from_str(json).map(Self::Elements),
            Some(b'"') => serde_json::from_str(json).map(Self::Text),
            _ => Ok(Self::Other),
        };
        read.map_err(serde::de::Error::custom)
    }
}

/// A JSON scalar as text: a string's content, else what was written.
pub(crate) fn scalar<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(plain_text(<&RawValue>::deserialize(deserializer)?))
}

/// Any JSON value as text on one line: a string's content, nothing for `null`, else JSON.
pub(crate) fn plain_text(json: &RawValue) -> String {
    let raw = json.get();
    let written = match raw.as_bytes().first() {
        Some(b'"') => serde_json::from_str(raw).ok(),
        Some(b'n') => Some(String::new()),
        Some(b'{' | b'[') => serde_json::from_str(raw).ok().map(|value: serde_json::Value| value.to_string()),
        _ => None,
    };
    written.unwrap_or_else(|| raw.to_owned())
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
    fn any_value_becomes_text_without_losing_digits() {
        for (json, text) in [
            (r#""a\"b""#, "a\"b"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("1.10", "1.10"),
            ("true", "true"),
            ("null", ""),
            ("{ \"a\":\n [1] }", r#"{"a":[1]}"#),
        ] {
            assert_eq!(plain_text(&decode::<Box<RawValue>>(json).unwrap()), text);
        }
    }

    #[test]
    fn text_is_read_from_whatever_stands_in_its_place() {
        for (json, name) in [
            (r#""Ann""#, Some("Ann")),
            (r#"" ""#, None),
            ("null", None),
            ("5", Some("5")),
            ("-5", Some("-5")),
            ("true", Some("true")),
            ("[1]", None),
            (r#"{"a":1}"#, None),
        ] {
            let person: Person = decode(&format!(r#"{{"name":{json},"ages":[]}}"#)).unwrap();
            assert_eq!(person.name.as_deref(), name, "{json}");
        }
    }
}
