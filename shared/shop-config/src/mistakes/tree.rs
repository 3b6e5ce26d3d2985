//! A file as a tree of values that know where they stand, read from TOML or JSON. What cannot be read is a mistake, and
//! no message quotes a value.

use super::Mistake;
use crate::validate::unquoted;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Value, value::RawValue};
use std::{borrow::Cow, fmt};
use toml::de::{DeTable, DeValue};

/// A value and the byte it begins at.
pub(super) struct Node {
    pub at: usize,
    pub content: Content,
}

pub(super) enum Content {
    Table(Vec<Entry>),
    List(Vec<Node>),
    /// Text, a number, `true`, `false` or `null`.
    Leaf(Value),
    /// A date or time of TOML, which is no text.
    Time,
}

pub(super) struct Entry {
    pub key: String,
    /// The byte that the key begins at.
    pub at: usize,
    pub node: Node,
}

/// Reads TOML as far as it can be read.
pub(super) fn of_toml(text: &str) -> (Node, Vec<Mistake>) {
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut mistakes = Vec::new();
    for error in errors {
        let at = error.span().map_or(text.len(), |span| span.start);
        let mistake = Mistake::at(text, at, "", unquoted(error.message()));
        // what follows from a mistake in the same line is none of its own
        if mistakes.last().is_none_or(|before: &Mistake| before.line != mistake.line) {
            mistakes.push(mistake);
        }
    }
    (Node { at: 0, content: table(root.get_ref()) }, mistakes)
}

fn table(table: &DeTable<'_>) -> Content {
    let entry = |(key, value): (&toml::Spanned<Cow<'_, str>>, &toml::Spanned<DeValue<'_>>)| Entry {
        key: key.get_ref().to_string(),
        at: key.span().start,
        node: node(value),
    };
    Content::Table(table.iter().map(entry).collect())
}

fn node(value: &toml::Spanned<DeValue<'_>>) -> Node {
    let content = match value.get_ref() {
        DeValue::String(text) => Content::Leaf(text.as_ref().into()),
        DeValue::Integer(digits) => {
            let whole = i64::from_str_radix(digits.as_str(), digits.radix());
            // larger than any setting, and no less wrong as a float
            Content::Leaf(whole.map_or_else(|_| Value::from(f64::MAX), Value::from))
        }
        DeValue::Float(digits) => Content::Leaf(digits.as_str().parse::<f64>().unwrap_or(f64::NAN).into()),
        DeValue::Boolean(value) => Content::Leaf((*value).into()),
        DeValue::Datetime(_) => Content::Time,
        DeValue::Array(list) => Content::List(list.iter().map(node).collect()),
        DeValue::Table(inner) => table(inner),
    };
    Node { at: value.span().start, content }
}

/// Reads JSON. Of what is not JSON, only the first mistake is known.
pub(super) fn of_json(text: &str) -> (Node, Vec<Mistake>) {
    let mut mistakes = Vec::new();
    let content = match serde_json::from_str::<&RawValue>(text) {
        Ok(raw) => json(text, raw, 0, &mut mistakes),
        Err(error) => {
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or_default();
            mistakes.push(Mistake {
                line: error.line().max(1),
                column: error.column().max(1),
                field: String::new(),
                what: unquoted(what),
            });
            Content::Leaf(Value::Null)
        }
    };
    (Node { at: 0, content }, mistakes)
}

/// No file of settings is nested deeper.
const MOST_LEVELS: usize = 32;

fn json(text: &str, raw: &RawValue, level: usize, mistakes: &mut Vec<Mistake>) -> Content {
    let offset = |part: &str| (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let mut inner =
        |raw: &RawValue| Node { at: offset(raw.get()), content: json(text, raw, level + 1, mistakes) };
    if level > MOST_LEVELS {
        return Content::Leaf(Value::Null);
    }
    match raw.get().as_bytes().first() {
        Some(b'{') => {
            let Fields(fields) = serde_json::from_str(raw.get()).unwrap_or_default();
            let mut entries: Vec<Entry> = Vec::with_capacity(fields.len());
            let mut twice = Vec::new();
            for (key, raw) in fields {
                let node = inner(raw);
                if entries.iter().any(|earlier| earlier.key == key) {
                    twice.push(Mistake::at(text, node.at, &key, "stands here twice: delete one"));
                }
                entries.push(Entry { key, at: node.at, node });
            }
            mistakes.append(&mut twice);
            Content::Table(entries)
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(raw.get()).unwrap_or_default();
            Content::List(items.into_iter().map(inner).collect())
        }
        _ => Content::Leaf(serde_json::from_str(raw.get()).unwrap_or_default()),
    }
}

/// An object's keys and values as they stand, also those that stand twice.
#[derive(Default)]
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(All)
    }
}
