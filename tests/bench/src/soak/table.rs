//! The ledger's table: every write is let through or refused by its own condition.

use fakes::dynamodb::{Item, UnknownExpression, apply, holds};
use serde_json::{Value, json};
use std::{
    collections::{BTreeSet, HashMap},
    time::Instant,
};

#[derive(Debug, Default)]
pub struct Table {
    pub items: HashMap<String, Item>,
    /// When each communication's state was one that ends the work for the first time.
    pub settled: HashMap<String, Instant>,
    by_resource: HashMap<String, BTreeSet<String>>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The condition does not hold for the item there is.
    Condition(Value),
    /// The request has something in it that this stand-in does not know.
    Unknown(String),
}

impl From<UnknownExpression> for Refusal {
    fn from(error: UnknownExpression) -> Self {
        Self::Unknown(error.to_string())
    }
}

impl Table {
    pub fn answer(&mut self, operation: &str, request: &Value) -> Result<Value, Refusal> {
        match operation {
            "UpdateItem" => self.update(request),
            "DeleteItem" => {
                let pk = self.let_through(request)?;
                self.items.remove(&pk);
                Ok(json!({}))
            }
            "GetItem" => Ok(self.items.get(&key(request)?).map_or(json!({}), |item| json!({"Item": item}))),
            "Query" => self.query(request),
            other => Err(Refusal::Unknown(other.to_owned())),
        }
    }

    /// The key of an item whose condition holds.
    fn let_through(&self, request: &Value) -> Result<String, Refusal> {
        let pk = key(request)?;
        let item = self.items.get(&pk);
        let condition = request["ConditionExpression"].as_str();
        match condition.map_or(Ok(true), |condition| holds(condition, item, request))? {
            true => Ok(pk),
            false => Err(Refusal::Condition(match request["ReturnValuesOnConditionCheckFailure"].as_str() {
                Some("ALL_OLD") => json!(item),
                _ => Value::Null,
            })),
        }
    }

    fn update(&mut self, request: &Value) -> Result<Value, Refusal> {
        let pk = self.let_through(request)?;
        let mut item = self.items.get(&pk).cloned();
        let item = item.get_or_insert_with(|| Item::from_iter([("pk".to_owned(), json!({"S": pk}))]));
        apply(item, request["UpdateExpression"].as_str().unwrap_or_default(), request)?;
        if let Some(key) = item.get("resource_key").and_then(|key| key["S"].as_str()) {
            self.by_resource.entry(key.to_owned()).or_default().insert(pk.clone());
        }
        if item.get("state").is_some_and(|state| state["S"] != "claimed" && state["S"] != "sending") {
            self.settled.entry(pk.clone()).or_insert_with(Instant::now);
        }
        self.items.insert(pk, item.clone());
        Ok(match request["ReturnValues"].as_str() {
            Some("ALL_NEW") => json!({"Attributes": item}),
            _ => json!({}),
        })
    }

    /// The index of an order's communications, the only one the flows read.
    fn query(&self, request: &Value) -> Result<Value, Refusal> {
        if request["IndexName"] != "by-resource" || request["KeyConditionExpression"] != "resource_key = :key"
        {
            return Err(Refusal::Unknown("the query".to_owned()));
        }
        let key = &request["ExpressionAttributeValues"][":key"];
        let known = key["S"].as_str().and_then(|key| self.by_resource.get(key)).into_iter().flatten();
        let there =
            known.filter(|pk| self.items.get(*pk).is_some_and(|item| item.get("resource_key") == Some(key)));
        let items: Vec<_> = there.map(|pk| json!({"pk": {"S": pk}, "resource_key": key})).collect();
        Ok(json!({"Count": items.len(), "ScannedCount": items.len(), "Items": items}))
    }
}

fn key(request: &Value) -> Result<String, Refusal> {
    let key = request["Key"]["pk"]["S"].as_str();
    key.map(str::to_owned).ok_or_else(|| Refusal::Unknown("a request without a key".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(owner: &str) -> Value {
        json!({
            "Key": {"pk": {"S": "c1"}},
            "UpdateExpression": "SET #state = :claimed, #holder = :holder, resource_key = :key",
            "ConditionExpression": "attribute_not_exists(pk)",
            "ExpressionAttributeNames": {"#state": "state", "#holder": "lease_holder"},
            "ExpressionAttributeValues": {
                ":claimed": {"S": "claimed"}, ":holder": {"S": owner}, ":key": {"S": "shop#1"},
            },
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        })
    }

    #[test]
    fn of_two_claims_one_is_let_through() {
        let mut table = Table::default();
        assert_eq!(table.answer("UpdateItem", &claim("a")), Ok(json!({})));
        let Err(Refusal::Condition(item)) = table.answer("UpdateItem", &claim("b")) else {
            panic!("let through")
        };
        assert_eq!(item["lease_holder"]["S"], "a");
        assert!(table.settled.is_empty());
    }

    #[test]
    fn what_is_deleted_is_in_no_answer() {
        let mut table = Table::default();
        let query = json!({
            "IndexName": "by-resource", "KeyConditionExpression": "resource_key = :key",
            "ExpressionAttributeValues": {":key": {"S": "shop#1"}},
        });
        table.answer("UpdateItem", &claim("a")).unwrap();
        assert_eq!(table.answer("Query", &query).unwrap()["Count"], 1);
        table.answer("DeleteItem", &json!({"Key": {"pk": {"S": "c1"}}})).unwrap();
        assert_eq!(table.answer("Query", &query).unwrap()["Count"], 0);
        assert_eq!(table.answer("GetItem", &claim("a")), Ok(json!({})));
    }
}
