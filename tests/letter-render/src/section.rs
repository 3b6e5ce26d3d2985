//! Sections of a document, laid out from the shape of its data: headings, fields, tables, totals, notes.

use crate::{
    cells::{Table, field, table},
    languages::Words,
    shapes::{SUMS, all_nothing, is_list, is_money, is_nothing},
    totals::{Total, add_total, total, totals},
    value::{scalar, text},
};
use serde_json::{Map, Value};

#[derive(Debug)]
pub(crate) enum Section {
    /// The text, and how deep in the driver data it is.
    Heading(String, usize),
    /// Sets the end of a letter off.
    Space,
    /// A label, which may be empty, and a text.
    Note(String, String),
    Fields(Vec<(String, String)>),
    Table(Table),
    Totals(Vec<Total>),
}

/// What has lists of its own deeper than this is shown as it is.
const MAX_DEPTH: usize = 4;

const LONG: usize = 160;

/// Turns the members of an object into sections: first what is short, then texts, then lists and parts.
pub(crate) fn members(object: &Map<String, Value>, words: &Words, sections: &mut Vec<Section>, depth: usize) {
    let (mut texts, mut fields, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    let (mut parts, mut lists) = (Vec::new(), Vec::new());
    let mut listed = false;
    for (key, value) in object.iter().filter(|(key, _)| !matches!(key.as_str(), "currency" | "shop_currency"))
    {
        listed |= is_list(value);
        let sum = SUMS.contains(&key.as_str());
        if depth > 0 && !sum && is_nothing(value) {
            continue;
        }
        match field(key, value, words) {
            Some(text) if listed && sum && is_money(value) => parts.push((key, value, Some(text))),
            Some(text) if key == "text" => texts.push(Section::Note(String::new(), text)),
            Some(text) if text.chars().count() > LONG => notes.push(Section::Note(words.label(key), text)),
            Some(text) if depth == 0 && value.is_array() => lists.push((words.label(key), text)),
            Some(text) => fields.push((words.label(key), text)),
            None => parts.push((key, value, None)),
        }
    }
    sections.append(&mut texts);
    if !fields.is_empty() {
        sections.push(Section::Fields(fields));
    }
    sections.append(&mut notes);
    for (key, value, sum) in parts {
        match (sum, sections.last_mut()) {
            (Some(sum), Some(Section::Totals(totals))) => add_total(totals, total(key, sum, words)),
            (Some(sum), _) => sections.push(Section::Totals(vec![total(key, sum, words)])),
            (None, _) => part(key, value, words, sections, depth),
        }
    }
    if !lists.is_empty() {
        sections.extend([Section::Space, Section::Fields(lists)]);
    }
}

fn part(key: &str, value: &Value, words: &Words, sections: &mut Vec<Section>, depth: usize) {
    let before = sections.len();
    let label = words.label(key);
    match value {
        // what holds lists of its own is no row: each gets a section
        Value::Array(items) if depth < MAX_DEPTH && items.iter().any(holds_lists) => {
            for item in items {
                let name = ["currency", "name", "title", "number"].iter().find_map(|key| text(item, &[key]));
                let heading = name.map_or_else(|| label.clone(), |name| format!("{label} – {name}"));
                sections.push(Section::Heading(heading, depth));
                item.as_object().into_iter().for_each(|item| members(item, words, sections, depth + 1));
            }
        }
        Value::Array(items) if all_nothing(items) => {}
        Value::Array(items) if is_list(value) => {
            sections.push(Section::Heading(label, depth));
            sections.push(Section::Table(table(items, words)));
        }
        Value::Object(object) if key == "totals" || key == "balances" => {
            sections.push(Section::Totals(totals(object, words)));
        }
        Value::Object(object) if depth < MAX_DEPTH => {
            let mut object = object.clone();
            let mut take = |key: &str| object.shift_remove(key).as_ref().and_then(scalar);
            let heading = match (take("title"), take("name")) {
                (Some(title), _) => title,
                (None, Some(name)) => format!("{label} – {name}"),
                (None, None) => label,
            };
            sections.push(Section::Heading(heading, depth));
            members(&object, words, sections, depth + 1);
        }
        Value::Object(object) if !object.is_empty() => {
            sections.push(Section::Note(label, value.to_string()));
        }
        _ => {}
    }
    // a label with nothing below it says nothing
    if sections.len() == before + 1
        && matches!(sections.last(), Some(Section::Heading(text, _)) if *text == words.label(key))
    {
        sections.pop();
    }
}

/// Whether an object has lists of more than names and values.
fn holds_lists(value: &Value) -> bool {
    let rows = |value: &Value| {
        let items = value.as_array().into_iter().flatten();
        items.filter_map(Value::as_object).any(|item| item.len() > 2)
    };
    value.as_object().is_some_and(|object| object.values().any(rows))
}
