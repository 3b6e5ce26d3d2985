//! Samples of several pages: a usual document whose lists have many rows, and which still adds up.
//!
//! Every row of the long lists is repeated so many times, and every amount beside them is multiplied by as much. Whatever
//! sums up before does so afterwards, because sums are linear.

use super::{Published, Which};
use comms::Document;
use rust_decimal::Decimal;
use serde_json::{Map, Value};

/// No sample has more rows in a list.
pub const MOST: usize = 10_000;

/// Lists that grow with what a customer ordered. `*` goes through a list that does not.
const LISTS: [&[&str]; 12] = [
    &["lines"],
    &["exchange_lines"],
    &["items"],
    &["still_to_come"],
    &["subscription", "items"],
    &["statements", "*", "entries"],
    &["statements", "*", "open_items"],
    &["purchases", "*", "orders"],
    &["movements"],
    &["not_counted"],
    &["products"],
    &["recently_bought"],
];

/// Counts of rows beside the lists.
const COUNTS: [&str; 3] = ["order_count", "units", "orders"];

/// Points, which are numbers in text.
const POINTS: [&str; 4] = ["opening", "earned", "taken", "balance"];

/// A document whose longest list has at least so many rows. `None`, if it has no list that grows.
pub fn with_rows(published: &Published, rows: usize) -> Option<Value> {
    let usual = published.customer(Which::Usual);
    let mut customer = if longest(&usual) > 0 { usual } else { published.customer(Which::Everything) };
    let times = rows.min(MOST).div_ceil(Some(longest(&customer)).filter(|rows| *rows > 0)?).max(1);
    multiply(&mut customer, &mut Vec::new(), times);
    customer.get_mut("statements").and_then(Value::as_array_mut).into_iter().flatten().for_each(balances);
    if published.document == Document::LoyaltyStatement {
        points(&mut customer, times);
    }
    Some(customer)
}

fn is_long(path: &[String]) -> bool {
    LISTS.iter().any(|list| list.iter().eq(path.iter()))
}

/// Whether a list, named without the steps through lists, is one that grows.
#[cfg(test)]
pub fn grows(list: &str) -> bool {
    LISTS.iter().any(|known| known.iter().filter(|step| **step != "*").copied().eq(list.split('/')))
}

/// The rows of the longest list that grows.
pub fn longest(customer: &Value) -> usize {
    fn rows(value: &Value, path: &mut Vec<String>) -> usize {
        let below = |value: &Value, step: &str, path: &mut Vec<String>| {
            path.push(step.to_owned());
            let found = rows(value, path);
            path.pop();
            found
        };
        match value {
            Value::Array(all) if is_long(path) => all.len(),
            Value::Array(all) => all.iter().map(|it| below(it, "*", path)).max().unwrap_or(0),
            Value::Object(fields) => fields.iter().map(|(name, it)| below(it, name, path)).max().unwrap_or(0),
            _ => 0,
        }
    }
    rows(customer, &mut Vec::new())
}

fn multiply(value: &mut Value, path: &mut Vec<String>, times: usize) {
    match value {
        Value::Array(all) if is_long(path) => repeat(all, times),
        Value::Array(all) => {
            path.push("*".to_owned());
            all.iter_mut().for_each(|it| multiply(it, path, times));
            path.pop();
        }
        Value::Object(fields) if is_money(fields) => scale(&mut fields["amount"], times),
        Value::Object(fields) => {
            for (name, it) in fields {
                match it.as_u64() {
                    Some(count) if COUNTS.contains(&name.as_str()) => {
                        *it = count.saturating_mul(times as u64).into()
                    }
                    _ => {
                        path.push(name.clone());
                        multiply(it, path, times);
                        path.pop();
                    }
                }
            }
        }
        _ => {}
    }
}

/// Each row so many times, one after the other, so that what is sorted stays sorted.
fn repeat(all: &mut Vec<Value>, times: usize) {
    let rows: Vec<Value> = all.iter().flat_map(|row| std::iter::repeat_n(row, times)).cloned().collect();
    *all = rows;
    for (number, row) in (1_u64..).zip(all) {
        if let Some(field) = row.get_mut("number").filter(|it| it.is_u64()) {
            *field = number.into();
        }
        // each can be told from the others, on whatever page it is
        let place = if row["order"].is_object() { row.pointer_mut("/order/name") } else { None };
        let name = match place {
            Some(name) => Some(name),
            None => ["title", "text", "order"]
                .into_iter()
                .find(|key| row.get(*key).is_some())
                .and_then(|key| row.get_mut(key)),
        };
        if let Some(Value::String(name)) = name {
            name.push_str(&format!(" ({number})"));
        }
    }
}

fn is_money(fields: &Map<String, Value>) -> bool {
    fields.len() == 2 && fields.get("amount").is_some_and(Value::is_string) && fields.contains_key("currency")
}

fn scale(amount: &mut Value, times: usize) {
    if let Some(exact) = amount.as_str().and_then(|text| text.parse::<Decimal>().ok()) {
        *amount = exact.saturating_mul(Decimal::from(times)).to_string().into();
    }
}

/// The balance after each entry of a statement.
fn balances(statement: &mut Value) {
    let amount = |value: &Value| value["amount"].as_str().and_then(|text| text.parse::<Decimal>().ok());
    let Some(mut balance) = amount(&statement["opening_balance"]) else { return };
    for entry in statement["entries"].as_array_mut().into_iter().flatten() {
        balance = balance.saturating_add(amount(&entry["amount"]).unwrap_or_default());
        entry["balance"]["amount"] = balance.to_string().into();
    }
}

/// The account of points, and the tier that follows from it.
fn points(customer: &mut Value, times: usize) {
    for name in POINTS {
        if let Some(value) = customer["points"].get_mut(name) {
            scale(value, times);
        }
    }
    // with so many points the next tier is reached
    if let Some(next) = customer.pointer_mut("/tier/next").map(Value::take) {
        customer["tier"] = serde_json::json!({"name": next["name"]});
    }
}
