//! The ledger's table, as far as its answers matter: update expressions, item sizes, no conditions.
//!
//! An item is one of a communication and the owner of its lease, so that each delivery of the same message finds
//! its communication untouched, and one sample stands for any number of messages.

use serde_json::{Map, Value, json};
use std::collections::HashMap;

type Item = Map<String, Value>;

#[derive(Debug, Default)]
pub struct Table {
    items: HashMap<String, Item>,
}

/// What a write made of an item.
#[derive(Debug, PartialEq, Eq)]
pub struct Written {
    /// All attributes, if the request asked for them.
    pub answer: Value,
    /// Its size, if it is one that a lease begins.
    pub bytes: usize,
    pub is_new: bool,
}

impl Table {
    /// # Errors
    /// An expression this stand-in does not know.
    pub fn update(&mut self, request: &Value) -> Result<Written, String> {
        let key = request["Key"].as_object().ok_or("an update without a key")?;
        let owner = &request["ExpressionAttributeValues"][":owner"]["S"];
        let name = format!("{} {owner}", request["Key"]);
        let is_new = !self.items.contains_key(&name);
        let mut item = self.items.remove(&name).unwrap_or_else(|| key.clone());
        let expression = request["UpdateExpression"].as_str().unwrap_or_default();
        apply(&mut item, expression, request)?;
        // what a write adds to an item it has not begun says nothing of the item's size
        let bytes = match owner.is_null() {
            true => 0,
            false => item.iter().map(|(name, value)| name.len() + size(value)).sum(),
        };
        let answer = match request["ReturnValues"].as_str() {
            Some("ALL_NEW") => json!({"Attributes": item}),
            _ => json!({}),
        };
        // what ended is not looked at again
        if !owner.is_null() && item.contains_key("owner") {
            self.items.insert(name, item);
        }
        Ok(Written { answer, bytes, is_new: is_new && !owner.is_null() })
    }
}

fn apply(item: &mut Item, expression: &str, request: &Value) -> Result<(), String> {
    let before = item.clone();
    let mut clause = "";
    for part in parts(expression) {
        let part = match part.split_once(' ') {
            Some((word @ ("SET" | "REMOVE" | "ADD"), rest)) => {
                clause = word;
                rest.trim()
            }
            _ => part,
        };
        match clause {
            "SET" => {
                let (path, operation) = part.split_once('=').ok_or_else(|| unknown(part))?;
                let value = evaluate(operation.trim(), &before, request)?;
                item.insert(attribute(path, request)?, value);
            }
            "REMOVE" => {
                item.remove(&attribute(part, request)?);
            }
            "ADD" => {
                let (path, value) = part.split_once(' ').ok_or_else(|| unknown(part))?;
                let name = attribute(path, request)?;
                let sum = number(before.get(&name)) + number(Some(&operand(value.trim(), &before, request)?));
                item.insert(name, json!({"N": sum.to_string()}));
            }
            _ => return Err(unknown(part)),
        }
    }
    Ok(())
}

/// Splits at the commas outside parentheses, and before each clause's word.
fn parts(expression: &str) -> Vec<&str> {
    let (mut parts, mut begin, mut depth) = (Vec::new(), 0, 0);
    for (index, character) in expression.char_indices() {
        let rest = &expression[index..];
        let is_clause =
            depth == 0 && [" SET ", " REMOVE ", " ADD "].iter().any(|word| rest.starts_with(word));
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if is_clause || (character == ',' && depth == 0) {
            parts.push(expression[begin..index].trim());
            begin = index + 1;
        }
    }
    parts.push(expression[begin..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

fn evaluate(operation: &str, item: &Item, request: &Value) -> Result<Value, String> {
    match operation.rsplit_once(" + ") {
        Some((left, right)) => {
            let sum = number(Some(&operand(left.trim(), item, request)?))
                + number(Some(&operand(right.trim(), item, request)?));
            Ok(json!({"N": sum.to_string()}))
        }
        None => operand(operation, item, request),
    }
}

fn operand(text: &str, item: &Item, request: &Value) -> Result<Value, String> {
    if let Some(inner) = text.strip_prefix("if_not_exists(").and_then(|it| it.strip_suffix(')')) {
        let (path, default) = inner.split_once(',').ok_or_else(|| unknown(text))?;
        return match item.get(&attribute(path, request)?) {
            Some(value) => Ok(value.clone()),
            None => operand(default.trim(), item, request),
        };
    }
    let found = match text.starts_with(':') {
        true => request["ExpressionAttributeValues"].get(text),
        false => item.get(&attribute(text, request)?),
    };
    found.cloned().ok_or_else(|| unknown(text))
}

fn attribute(path: &str, request: &Value) -> Result<String, String> {
    let path = path.trim();
    let name = match path.starts_with('#') {
        true => request["ExpressionAttributeNames"][path].as_str().ok_or_else(|| unknown(path))?,
        false => path,
    };
    Ok(name.to_owned())
}

fn number(value: Option<&Value>) -> i64 {
    value.and_then(|value| value["N"].as_str()?.parse().ok()).unwrap_or_default()
}

fn unknown(part: &str) -> String {
    format!("`{part}` is no part of an update expression this stand-in knows")
}

/// An attribute value's size by the rules DynamoDB documents.
fn size(value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|value| value.iter().next()) else { return 0 };
    let text = value.as_str().map(str::len).unwrap_or_default();
    match kind.as_str() {
        "N" => text.div_ceil(2) + 1,
        "B" => text / 4 * 3,
        "BOOL" | "NULL" => 1,
        "M" => {
            3 + value
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, it)| name.len() + size(it) + 1)
                .sum::<usize>()
        }
        "L" => 3 + value.as_array().into_iter().flatten().map(|it| size(it) + 1).sum::<usize>(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(owner: &str) -> Value {
        json!({
            "Key": {"pk": {"S": "c1"}},
            "UpdateExpression": "SET #owner = :owner, attempts = if_not_exists(attempts, :zero) + :one, \
                                 #state = if_not_exists(#state, :claimed)",
            "ExpressionAttributeNames": {"#owner": "owner", "#state": "state"},
            "ExpressionAttributeValues": {
                ":owner": {"S": owner}, ":zero": {"N": "0"}, ":one": {"N": "1"}, ":claimed": {"S": "claimed"},
            },
            "ReturnValues": "ALL_NEW",
        })
    }

    #[test]
    fn a_delivery_finds_its_own_item() {
        let mut table = Table::default();
        let expected = json!({"Attributes": {
            "pk": {"S": "c1"}, "owner": {"S": "a"}, "attempts": {"N": "1"}, "state": {"S": "claimed"},
        }});
        for owner in ["a", "b"] {
            let written = table.update(&claim(owner)).unwrap();
            assert!(written.is_new);
            assert_eq!(written.answer.to_string().replace("\"b\"", "\"a\""), expected.to_string());
        }
        let again = table.update(&claim("a")).unwrap();
        assert!(!again.is_new);
        assert_eq!(again.answer["Attributes"]["attempts"], json!({"N": "2"}));
    }

    #[test]
    fn an_end_removes_and_its_size_is_that_of_the_rules() {
        let mut table = Table::default();
        table.update(&claim("a")).unwrap();
        let mut end = claim("a");
        end["UpdateExpression"] = "SET #state = :claimed, sends = :one REMOVE #owner, attempts".into();
        let written = table.update(&end).unwrap();
        // pk c1, state claimed, sends 1
        assert_eq!(written.bytes, 2 + 2 + 5 + 7 + 5 + 2);
        assert!(table.update(&claim("a")).unwrap().is_new, "what ended is forgotten");
    }

    #[test]
    fn an_unknown_expression_is_an_error() {
        let mut request = claim("a");
        request["UpdateExpression"] = "DELETE tags :one".into();
        assert!(Table::default().update(&request).is_err());
    }
}
