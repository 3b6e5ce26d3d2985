//! The table of customers' secrets, strictly: what `shared/commitments` asks, by the rules of DynamoDB. Its index knows of a
//! new item at once, unless a test says that it is behind.

use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The items, by their key.
#[derive(Debug, Default)]
pub struct SecretItems {
    pub items: BTreeMap<String, Value>,
    /// What was asked, such as `PutItem`, in order.
    pub asked: Vec<String>,
    /// The index finds nothing.
    pub index_is_behind: bool,
    /// Where an id was found last.
    found: BTreeMap<String, String>,
}

impl SecretItems {
    /// The status and the body of the answer.
    ///
    /// # Panics
    /// Where something else is asked: the test fails.
    pub fn answer(&mut self, operation: &str, request: &Value) -> (u16, Value) {
        self.asked.push(operation.to_owned());
        match operation {
            "GetItem" => {
                assert_eq!(request["ConsistentRead"], true, "a destroyed secret must not be read");
                match self.items.get(pk(&request["Key"])) {
                    Some(item) => (200, json!({"Item": item})),
                    None => (200, json!({})),
                }
            }
            "BatchGetItem" => {
                let tables = request["RequestItems"].as_object().expect("tables");
                let (table, asked) = tables.iter().next().expect("a table");
                let keys = asked["Keys"].as_array().expect("keys");
                let found: Vec<_> = keys.iter().filter_map(|key| self.items.get(pk(key))).collect();
                (200, json!({"Responses": {table: found}, "UnprocessedKeys": {}}))
            }
            "PutItem" => {
                assert_eq!(request["ConditionExpression"], "attribute_not_exists(pk)");
                let (item, pk) = (&request["Item"], pk(&request["Item"]));
                if let Some(there) = self.items.get(pk) {
                    let kind = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
                    return (400, json!({"__type": kind, "message": "m", "Item": there}));
                }
                assert!(item["secret"]["B"].is_string() && item["key_id"]["S"].is_string());
                self.items.insert(pk.to_owned(), item.clone());
                (200, json!({}))
            }
            "Query" => {
                assert_eq!(
                    (&request["IndexName"], &request["KeyConditionExpression"]),
                    (&json!("by-key"), &json!("key_id = :id"))
                );
                let id = &request["ExpressionAttributeValues"][":id"];
                let found = self.find(id["S"].as_str().expect("an id"));
                let found: Vec<_> =
                    found.map(|pk| json!({"pk": {"S": pk}, "key_id": id})).into_iter().collect();
                (200, json!({"Items": found, "Count": found.len(), "ScannedCount": found.len()}))
            }
            "DeleteItem" => {
                let pk = pk(&request["Key"]);
                let id = &request["ExpressionAttributeValues"][":id"];
                match request["ConditionExpression"].as_str() {
                    None => {}
                    Some("key_id = :id") if self.items.get(pk).is_some_and(|item| item["key_id"] == *id) => {}
                    Some("key_id = :id") => {
                        let kind = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
                        return (400, json!({"__type": kind, "message": "m"}));
                    }
                    Some(other) => panic!("`{other}` is no condition of a deletion"),
                }
                self.items.remove(pk);
                (200, json!({}))
            }
            "Scan" => {
                assert_eq!(request["FilterExpression"], "begins_with(pk, :shop)");
                let prefix = request["ExpressionAttributeValues"][":shop"]["S"].as_str().expect("a prefix");
                let after = request["ExclusiveStartKey"]["pk"]["S"].as_str().unwrap_or_default();
                let most = request["Limit"].as_u64().expect("a limit");
                let most = usize::try_from(most).expect("a small limit");
                // the limit counts what is looked at, not what is found
                let page: Vec<_> =
                    self.items.iter().filter(|(pk, _)| pk.as_str() > after).take(most).collect();
                let found = page.iter().filter(|(pk, _)| pk.starts_with(prefix)).map(|(_, item)| item);
                let items: Vec<_> =
                    found.map(|item| json!({"pk": item["pk"], "key_id": item["key_id"]})).collect();
                let mut answer = json!({"Count": items.len(), "Items": items, "ScannedCount": page.len()});
                if let Some((pk, _)) = page.last().filter(|_| page.len() == most) {
                    answer["LastEvaluatedKey"] = json!({"pk": {"S": pk}});
                }
                (200, answer)
            }
            other => panic!("nobody asks the table of secrets for {other}"),
        }
    }
}

impl SecretItems {
    fn find(&mut self, id: &str) -> Option<String> {
        if self.index_is_behind {
            return None;
        }
        let has = |pk: &&String| self.items.get(*pk).is_some_and(|item| item["key_id"]["S"] == id);
        if let Some(pk) = self.found.get(id).filter(has) {
            return Some(pk.clone());
        }
        let key = |item: &Value| item["key_id"]["S"].as_str().unwrap_or_default().to_owned();
        self.found = self.items.iter().map(|(pk, item)| (key(item), pk.clone())).collect();
        self.found.get(id).cloned()
    }
}

fn pk(item: &Value) -> &str {
    item["pk"]["S"].as_str().expect("an item has a key")
}
