//! The ledger's table, as far as its answers matter: update expressions, item sizes, no conditions.
//!
//! An item belongs to a communication and the owner of its lease, so that each delivery of the same message finds
//! its communication untouched, and one sample stands for any number of messages.

use fakes::dynamodb::{Item, UnknownExpression, apply, bytes};
use serde_json::{Value, json};
use std::collections::HashMap;

#[derive(Debug, Default)]
pub struct Table {
    items: HashMap<String, Item>,
}

/// What a write made of an item.
#[derive(Debug, PartialEq, Eq)]
pub struct UpdateOutcome {
    /// All attributes, if the request asked for them.
    pub answer: Value,
    /// Its size, if it is one that a lease begins.
    pub bytes: usize,
    pub is_new: bool,
}

/// An update that this stand-in cannot carry out.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    #[error("an update without a key")]
    NoKey,
    #[error(transparent)]
    Expression(#[from] UnknownExpression),
}

impl Table {
    pub fn update(&mut self, request: &Value) -> Result<UpdateOutcome, UpdateError> {
        let key = request["Key"].as_object().ok_or(UpdateError::NoKey)?;
        let owner = &request["ExpressionAttributeValues"][":holder"]["S"];
        let name = format!("{} {owner}", request["Key"]);
        let is_new = !self.items.contains_key(&name);
        let mut item = self.items.remove(&name).unwrap_or_else(|| key.clone());
        let expression = request["UpdateExpression"].as_str().unwrap_or_default();
        apply(&mut item, expression, request)?;
        // what a write adds to an item it has not begun says nothing of the item's size
        let bytes = match owner.is_null() {
            true => 0,
            false => bytes(&item),
        };
        let answer = match request["ReturnValues"].as_str() {
            Some("ALL_NEW") => json!({"Attributes": item}),
            _ => json!({}),
        };
        // what ended is not looked at again
        if !owner.is_null() && item.contains_key("lease_holder") {
            self.items.insert(name, item);
        }
        Ok(UpdateOutcome { answer, bytes, is_new: is_new && !owner.is_null() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(owner: &str) -> Value {
        json!({
            "Key": {"pk": {"S": "c1"}},
            "UpdateExpression": "SET #holder = :holder, attempts = if_not_exists(attempts, :zero) + :one, \
                                 #state = if_not_exists(#state, :claimed)",
            "ExpressionAttributeNames": {"#holder": "lease_holder", "#state": "state"},
            "ExpressionAttributeValues": {
                ":holder": {"S": owner}, ":zero": {"N": "0"}, ":one": {"N": "1"}, ":claimed": {"S": "claimed"},
            },
            "ReturnValues": "ALL_NEW",
        })
    }

    #[test]
    fn a_delivery_finds_its_own_item() {
        let mut table = Table::default();
        let expected = json!({"Attributes": {
            "pk": {"S": "c1"}, "lease_holder": {"S": "a"}, "attempts": {"N": "1"}, "state": {"S": "claimed"},
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
        end["UpdateExpression"] = "SET #state = :claimed, sends = :one REMOVE #holder, attempts".into();
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
