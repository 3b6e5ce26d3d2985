//! DynamoDB's expressions, as far as the functions write them: conditions, updates, and the size of what results.
//!
//! What is not known here is an error, so that no stand-in takes for true what it does not understand.

use serde_json::{Map, Value, json};
use std::cmp::Ordering;

pub type Item = Map<String, Value>;

/// A part of an expression that is not known here.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no part of an expression this stand-in knows")]
pub struct UnknownExpression(String);

/// Whether `condition` holds for an item; for none, its attributes are missing.
///
/// # Errors
/// A condition that is not understood.
pub fn holds(condition: &str, item: Option<&Item>, request: &Value) -> Result<bool, UnknownExpression> {
    let none = Item::new();
    let mut condition = Condition { tokens: tokens(condition), at: 0, item: item.unwrap_or(&none), request };
    let result = condition.either()?;
    match condition.tokens.get(condition.at) {
        None => Ok(result),
        Some(rest) => Err(unknown(rest)),
    }
}

struct Condition<'a> {
    tokens: Vec<&'a str>,
    at: usize,
    item: &'a Item,
    request: &'a Value,
}

impl<'a> Condition<'a> {
    // both sides are read whatever the first one says: what follows has to be understood, too
    fn either(&mut self) -> Result<bool, UnknownExpression> {
        let mut result = self.both()?;
        while self.takes("OR") {
            result |= self.both()?;
        }
        Ok(result)
    }

    fn both(&mut self) -> Result<bool, UnknownExpression> {
        let mut result = self.one()?;
        while self.takes("AND") {
            result &= self.one()?;
        }
        Ok(result)
    }

    fn one(&mut self) -> Result<bool, UnknownExpression> {
        let token = self.next()?;
        match token {
            "(" => {
                let inner = self.either()?;
                self.expect(")")?;
                Ok(inner)
            }
            "attribute_exists" | "attribute_not_exists" => {
                self.expect("(")?;
                let name = attribute(self.next()?, self.request)?;
                self.expect(")")?;
                Ok(self.item.contains_key(&name) == (token == "attribute_exists"))
            }
            left => {
                let left = self.value(left)?;
                self.compare(left)
            }
        }
    }

    fn compare(&mut self, left: Option<&'a Value>) -> Result<bool, UnknownExpression> {
        let operator = self.next()?;
        if operator == "IN" {
            self.expect("(")?;
            let mut found = false;
            loop {
                let token = self.next()?;
                let value = self.value(token)?;
                found |= left.is_some() && left == value;
                if !self.takes(",") {
                    self.expect(")")?;
                    return Ok(found);
                }
            }
        }
        let token = self.next()?;
        let right = self.value(token)?;
        let order = left.zip(right).and_then(|(left, right)| order(left, right));
        Ok(match operator {
            "=" => order == Some(Ordering::Equal),
            // true of what is missing, as DynamoDB has it
            "<>" => order != Some(Ordering::Equal),
            "<" => order == Some(Ordering::Less),
            "<=" => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            ">" => order == Some(Ordering::Greater),
            ">=" => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            other => return Err(unknown(other)),
        })
    }

    fn value(&self, token: &str) -> Result<Option<&'a Value>, UnknownExpression> {
        match token.starts_with(':') {
            true => {
                let value = self.request["ExpressionAttributeValues"].get(token);
                value.map(Some).ok_or_else(|| unknown(token))
            }
            false => Ok(self.item.get(&attribute(token, self.request)?)),
        }
    }

    fn next(&mut self) -> Result<&'a str, UnknownExpression> {
        let token = self.tokens.get(self.at).copied().ok_or_else(|| unknown("the end"))?;
        self.at += 1;
        Ok(token)
    }

    fn takes(&mut self, token: &str) -> bool {
        let found = self.tokens.get(self.at) == Some(&token);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, token: &str) -> Result<(), UnknownExpression> {
        if self.takes(token) { Ok(()) } else { Err(unknown(token)) }
    }
}

fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_ascii_alphanumeric() || "_#:.".contains(c);
        let length = match first {
            '(' | ')' | ',' => 1,
            '<' | '>' | '=' => rest.find(|c| !"<>=".contains(c)).unwrap_or(rest.len()),
            _ => rest.find(|c| !is_word(c)).unwrap_or(rest.len()).max(first.len_utf8()),
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token);
        rest = after.trim_start();
    }
    tokens
}

/// Values of different types are in no order.
fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left["N"].as_str(), right["N"].as_str()) {
        (Some(left), Some(right)) => Some(left.parse::<i64>().ok()?.cmp(&right.parse::<i64>().ok()?)),
        _ if left == right => Some(Ordering::Equal),
        _ => Some(left["S"].as_str()?.cmp(right["S"].as_str()?)),
    }
}

/// Changes an item as an update expression says.
///
/// # Errors
/// An expression that is not understood.
pub fn apply(item: &mut Item, expression: &str, request: &Value) -> Result<(), UnknownExpression> {
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

fn evaluate(operation: &str, item: &Item, request: &Value) -> Result<Value, UnknownExpression> {
    match operation.rsplit_once(" + ") {
        Some((left, right)) => {
            let sum = number(Some(&operand(left.trim(), item, request)?))
                + number(Some(&operand(right.trim(), item, request)?));
            Ok(json!({"N": sum.to_string()}))
        }
        None => operand(operation, item, request),
    }
}

fn operand(text: &str, item: &Item, request: &Value) -> Result<Value, UnknownExpression> {
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

fn attribute(path: &str, request: &Value) -> Result<String, UnknownExpression> {
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

fn unknown(part: &str) -> UnknownExpression {
    UnknownExpression(part.to_owned())
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

/// What an item takes by the rules DynamoDB documents.
pub fn bytes(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + size(value)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds_for(condition: &str, item: Option<Value>) -> Result<bool, UnknownExpression> {
        let request = json!({
            "ExpressionAttributeNames": {"#state": "state", "#holder": "lease_holder"},
            "ExpressionAttributeValues": {
                ":claimed": {"S": "claimed"}, ":sending": {"S": "sending"}, ":now": {"N": "1000"}, ":me": {"S": "a/1"},
            },
        });
        holds(condition, item.as_ref().and_then(Value::as_object), &request)
    }

    fn item(state: &str, lease: &str) -> Option<Value> {
        Some(
            json!({"pk": {"S": "c"}, "state": {"S": state}, "lease_holder": {"S": "a/1"}, "lease": {"N": lease}}),
        )
    }

    #[test]
    fn a_claim_is_let_through_where_nobody_has_the_lease() {
        let claim = "attribute_not_exists(pk) OR (#state IN (:claimed, :sending) AND lease < :now)";
        assert_eq!(holds_for(claim, None), Ok(true));
        assert_eq!(holds_for(claim, item("claimed", "999")), Ok(true), "numbers are not compared as text");
        assert_eq!(holds_for(claim, item("sending", "1000")), Ok(false));
        assert_eq!(holds_for(claim, item("accepted", "0")), Ok(false));
    }

    #[test]
    fn an_owner_is_told_from_another_and_from_none() {
        let owned = "#holder = :me AND #state IN (:claimed)";
        assert_eq!(holds_for(owned, item("claimed", "0")), Ok(true));
        assert_eq!(holds_for(owned, item("sending", "0")), Ok(false));
        assert_eq!(holds_for(owned, Some(json!({"state": {"S": "claimed"}}))), Ok(false));
        assert_eq!(holds_for("#holder <> :me", None), Ok(true));
    }

    #[test]
    fn what_is_not_understood_is_no_condition() {
        for condition in
            ["begins_with(pk, :me)", "pk = :nobody", "#state", "(pk = :me", "pk = :me pk", "", "pk ! :me"]
        {
            assert!(holds_for(condition, None).is_err(), "{condition}");
        }
    }
}
