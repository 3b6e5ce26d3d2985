//! Values of driver data as text: on a line beside a label, in a table, in the totals.

use crate::{
    languages::Words,
    shapes::{SUMS, address_lines, is_address, is_moment, is_money, is_period, is_zero},
    value::{at, scalar, text},
};
use serde_json::{Map, Value};

#[derive(Debug)]
pub(crate) struct Table {
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
}

#[derive(Debug)]
pub(crate) struct Column {
    pub label: String,
    /// Numbers and money stand at the right.
    pub right: bool,
    /// Takes the room that is left over.
    pub wide: bool,
    key: String,
}

#[derive(Debug)]
pub(crate) struct Row {
    /// One for each column.
    pub cells: Vec<String>,
    /// What has no column of its own.
    pub details: Option<String>,
}

const MAX_COLUMNS: usize = 8;
/// Keys of a list's items that are looked at.
const MOST_KEYS: usize = 60;
/// With more columns than this a long text stands below its row.
const ROOMY: usize = 6;
const LONG_CELL: usize = 28;

/// Keys of numbers that may come as text, such as points.
const NUMBERS: [&str; 7] = ["points", "opening", "earned", "taken", "balance", "missing", "from"];
/// Keys whose values are words of a program even without an underscore.
const CODES: [&str; 11] = [
    "kind",
    "status",
    "state",
    "reason",
    "outcome",
    "cause",
    "error_code",
    "in_favour_of",
    "method",
    "type",
    "applies_to",
];

pub(crate) fn table(items: &[Value], words: &Words) -> Table {
    let mut columns = columns(items, words);
    let mut extra = Vec::new();
    if columns.len() > ROOMY {
        let long = |column: &Column| {
            let cells = items.iter().filter_map(|item| item.get(&column.key));
            !column.right
                && !column.wide
                && cells.map(|v| cell(&column.key, v, words)).any(|t| t.chars().count() > LONG_CELL)
        };
        let mut room = columns.len() - ROOMY;
        for index in (0..columns.len()).rev() {
            if room > 0 && long(&columns[index]) {
                extra.push(columns.remove(index));
                room -= 1;
            }
        }
    }
    while columns.len() > MAX_COLUMNS {
        // numbers keep their column, and so does what comes first
        let index = columns.iter().rposition(|column| !column.right).filter(|index| *index > 0);
        extra.push(columns.remove(index.unwrap_or(columns.len() - 1)));
    }
    extra.reverse();
    let rows = items.iter().map(|item| row(item, &columns, &extra, words)).collect();
    Table { columns, rows }
}

/// A column for each key that says something in any of the items, in the order of the items' keys.
fn columns(items: &[Value], words: &Words) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for item in items.iter().filter_map(Value::as_object) {
        let mut next = 0;
        for (key, value) in item {
            if cell(key, value, words).is_empty() {
                continue;
            }
            let position = key == "number" && value.is_number();
            let fee = value.get("amount").is_some_and(is_money);
            let right = is_money(value) || fee || value.is_number() && !position || key == "points";
            if let Some(known) = columns.iter().position(|column| column.key == *key) {
                columns[known].right &= right;
                next = known + 1;
                continue;
            }
            let label = if position { words.position.to_owned() } else { words.label(key) };
            if columns.len() >= MOST_KEYS {
                break;
            }
            columns.insert(next, Column { label, right, wide: key == "title", key: key.clone() });
            next += 1;
        }
    }
    // what is read comes before what is added up
    columns.sort_by_key(|column| column.right);
    columns.retain(|column| {
        let mut cells = items.iter().filter_map(|item| item.get(&column.key));
        SUMS.contains(&column.key.as_str()) || cells.any(|value| !is_money(value) || !is_zero(value))
    });
    columns
}

fn row(item: &Value, columns: &[Column], extra: &[Column], words: &Words) -> Row {
    let shown =
        |column: &Column| item.get(&column.key).map(|v| cell(&column.key, v, words)).unwrap_or_default();
    let mut details: Vec<String> = extra
        .iter()
        .map(|column| (column, shown(column)))
        .filter(|(_, text)| !text.is_empty())
        .map(|(column, text)| format!("{}: {text}", column.label))
        .collect();
    if !item.is_object() {
        details.extend(scalar(item));
    }
    Row {
        cells: columns.iter().map(shown).collect(),
        details: (!details.is_empty()).then(|| details.join(" · ")),
    }
}

/// A value beside its label; `None` for what needs a section, empty values included.
pub(crate) fn field(key: &str, value: &Value, words: &Words) -> Option<String> {
    let shown = match value {
        Value::Array(items) if !items.is_empty() && items.iter().all(is_line) => {
            let lines = items.iter().map(|item| cell(key, item, words));
            lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
        }
        Value::Array(items) if items.is_empty() || items.iter().any(Value::is_object) => return None,
        Value::Array(items) => {
            let lines = items.iter().map(|item| cell(key, item, words));
            lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
        }
        Value::Object(_) if is_address(value) => address_lines(value).join("\n"),
        Value::Object(_) if !is_money(value) && !is_period(value) => return None,
        _ => cell(key, value, words),
    };
    Some(shown).filter(|text| !text.trim().is_empty())
}

/// A line of text, or a name with a value.
fn is_line(item: &Value) -> bool {
    let keys: Vec<&str> = item.as_object().into_iter().flat_map(Map::keys).map(String::as_str).collect();
    matches!(keys[..], ["text"] | ["name", "value"])
}

/// Any value as text for a table.
pub(crate) fn cell(key: &str, value: &Value, words: &Words) -> String {
    match value {
        Value::Bool(true) => words.yes.to_owned(),
        Value::Bool(false) => words.no.to_owned(),
        Value::String(text) if is_moment(text) => words.day(text),
        Value::String(text) if is_code(key, text) => words.status(text),
        Value::String(_) | Value::Number(_) if NUMBERS.contains(&key) => {
            words.money(value).unwrap_or_default()
        }
        Value::Array(items) => {
            let shown: Vec<String> =
                items.iter().map(|item| cell(key, item, words)).filter(|text| !text.is_empty()).collect();
            shown.join(if items.iter().any(Value::is_object) { "; " } else { ", " })
        }
        _ if is_money(value) => words.money(value).unwrap_or_default(),
        _ if is_address(value) => address_lines(value).join(", "),
        Value::Object(object) => parts(value, object, words),
        other => scalar(other).unwrap_or_default(),
    }
}

/// An object on one line.
fn parts(value: &Value, object: &Map<String, Value>, words: &Words) -> String {
    if let (Some(name), Some(value)) = (text(value, &["name"]), at(value, &["value"])) {
        return format!("{name}: \u{2068}{}\u{2069}", cell("value", value, words));
    }
    if let (1, Some(line)) = (object.len(), text(value, &["text"])) {
        return line;
    }
    if let (true, Some(from), Some(to)) = (is_period(value), text(value, &["from"]), text(value, &["to"])) {
        return words.period(&from, &to);
    }
    if let Some(amount) = at(value, &["amount"]).filter(|amount| is_money(amount)) {
        let percent = text(value, &["percent"]).map(|rate| format!(" ({})", words.percent(&rate)));
        return words.money(amount).unwrap_or_default() + &percent.unwrap_or_default();
    }
    let shown = object.iter().map(|(key, value)| (key, cell(key, value, words)));
    let shown: Vec<String> = shown
        .filter(|(_, text)| !text.is_empty())
        .map(|(key, text)| match key.as_str() {
            "name" | "title" | "number" => text,
            _ => format!("{}: {text}", words.label(key)),
        })
        .collect();
    shown.join(", ")
}

/// Whether a text is a word of a program, such as `needs_response`.
fn is_code(key: &str, text: &str) -> bool {
    let word = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    word && (text.contains('_') || CODES.contains(&key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_wide_list_keeps_its_numbers_and_tells_the_rest_below() {
        let row = json!({"a": "1st", "b": "x", "c": "x", "d": "x", "e": "x", "e2": "x", "f": "told", "n": 5, "m": {"amount": "2.00", "currency": "EUR"}});
        let table = table(&[row], Words::of("en"));
        let keys: Vec<_> = table.columns.iter().map(|column| column.key.as_str()).collect();
        assert_eq!(keys, ["a", "b", "c", "d", "e", "e2", "n", "m"]);
        assert_eq!(table.rows[0].details.as_deref(), Some("F: told"));
        assert!(table.columns[6].right && table.columns[7].right && !table.columns[0].right);
    }

    #[test]
    fn columns_keep_their_order_and_those_of_nothing_but_zeros_go() {
        let money = |amount: &str| json!({"amount": amount, "currency": "EUR"});
        let rows = [
            json!({"kind": "invoice", "tax": money("0.00"), "amount": money("0.00"), "fee": {"amount": money("1.00"), "percent": "10"}}),
            json!({"kind": "payment", "method": "Bank", "amount": money("0.00")}),
        ];
        let table = table(&rows, Words::of("de"));
        let labels: Vec<_> = table.columns.iter().map(|c| (c.key.as_str(), c.right)).collect();
        assert_eq!(labels, [("kind", false), ("method", false), ("amount", true), ("fee", true)]);
        assert_eq!(table.rows[0].cells, ["Rechnung", "", "0,00\u{a0}€", "1,00\u{a0}€ (10\u{a0}%)"]);
    }

    #[test]
    fn days_months_periods_and_points_are_readable() {
        let words = Words::of("fr");
        let shown = |key: &str, value: Value| field(key, &value, words).unwrap();
        assert_eq!(shown("month", json!("2026-02")), "février 2026");
        assert_eq!(shown("phone", json!("0123456789")), "0123456789");
        let period = |from, to| shown("period", json!({"from": from, "to": to}));
        assert_eq!(period("2026-10-01", "2026-10-30"), "1 octobre 2026 – 30 octobre 2026");
        assert_eq!(period("2028-02-01", "2028-02-29"), "février 2028");
        assert_eq!(shown("points", json!("1480.1")), "1\u{a0}480,1");
        assert_eq!(shown("contact", json!(["a", "b"])), "a\nb");
    }
}
