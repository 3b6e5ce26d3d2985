//! Reading many: what one item costs the others, and DynamoDB's rules for batches.

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use comms::{CommunicationId, Document, Gid, Revision, ShopDomain};
use jiff::Timestamp;
use ledger::Ledger;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

#[derive(Default)]
struct Items {
    /// By key, in the index's order.
    items: BTreeMap<String, Value>,
    /// Items whose reads are refused for the moment.
    busy: BTreeSet<String>,
    /// How many keys an answer to a batch leaves out, as long as there are any.
    left_out: usize,
    requests: usize,
    updates: Vec<Value>,
}

#[derive(Clone, Default)]
struct Table(Arc<Mutex<Items>>);

type Answer = (StatusCode, Json<Value>);

impl Table {
    fn items(&self) -> MutexGuard<'_, Items> {
        self.0.lock().unwrap()
    }

    async fn ledger(&self) -> Ledger {
        let router = Router::new().fallback(answer).with_state(self.clone());
        let url = fakes::serve(router).await;
        let config = fakes::aws(&url).await;
        Ledger::new(aws_sdk_dynamodb::Client::new(&config), "table".to_owned())
    }

    /// An accepted communication about an order.
    fn put(&self, number: u64) -> CommunicationId {
        let order = Gid::new("Order", number);
        let id = CommunicationId::derive(&shop(), Document::OrderConfirmation, &order, &Revision::Initial);
        let text = |text: &str| json!({"S": text});
        let item = json!({
            "pk": text(id.as_str()), "shop": text(shop().as_str()), "flow": text("order-confirmation"),
            "document": text("order-confirmation"), "subject": text(order.as_str()), "revision": text(Revision::Initial.as_str()),
            "reported_on": text(order.as_str()), "state": text("accepted"), "attempts": {"N": "1"},
            "created_epoch_ms": {"N": number.to_string()}, "updated_epoch_ms": {"N": "0"},
        });
        self.items().items.insert(id.to_string(), item);
        id
    }
}

fn shop() -> ShopDomain {
    "acme.myshopify.com".parse().unwrap()
}

fn refused(kind: &str, message: &str) -> Answer {
    let body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": message});
    (StatusCode::BAD_REQUEST, Json(body))
}

async fn answer(State(table): State<Table>, headers: HeaderMap, body: Bytes) -> Answer {
    let request: Value = serde_json::from_slice(&body).unwrap();
    let mut table = table.items();
    table.requests += 1;
    let answer = match fakes::operation(&headers) {
        "Query" => {
            let keys: Vec<_> = table.items.keys().map(|pk| json!({"pk": {"S": pk}})).collect();
            json!({"Items": keys, "Count": keys.len()})
        }
        "GetItem" => {
            let pk = request["Key"]["pk"]["S"].as_str().unwrap();
            if table.busy.contains(pk) {
                return refused("ProvisionedThroughputExceededException", "slow down");
            }
            json!({"Item": table.items.get(pk)})
        }
        "BatchGetItem" => return table.batch(&request["RequestItems"]["table"]),
        "UpdateItem" => {
            table.updates.push(request);
            json!({})
        }
        other => panic!("{other}"),
    };
    (StatusCode::OK, Json(answer))
}

impl Items {
    fn batch(&mut self, asked: &Value) -> Answer {
        let keys: Vec<_> = asked["Keys"].as_array().unwrap().clone();
        let names: BTreeSet<_> = keys.iter().map(|key| key["pk"]["S"].as_str().unwrap()).collect();
        if names.len() < keys.len() {
            return refused("ValidationException", "Provided list of item keys contains duplicates");
        }
        if keys.len() > 100 {
            return refused("ValidationException", "Too many items requested for the BatchGetItem call");
        }
        let left_out = self.left_out.min(keys.len());
        let (answered, rest) = keys.split_at(keys.len() - left_out);
        self.left_out = self.left_out.saturating_sub(7);
        let found: Vec<_> =
            answered.iter().filter(|key| self.items.contains_key(key["pk"]["S"].as_str().unwrap())).collect();
        let mut body = json!({"Responses": {"table": found}, "UnprocessedKeys": {}});
        if !rest.is_empty() {
            body["UnprocessedKeys"]["table"] = json!({"Keys": rest});
        }
        (StatusCode::OK, Json(body))
    }
}

#[tokio::test]
async fn what_is_asked_for_twice_is_asked_once() {
    let table = Table::default();
    let ids: Vec<_> = (0..120).map(|number| table.put(number)).collect();
    let unknown = ids[0].clone();
    table.items().items.remove(unknown.as_str());
    // each twice, side by side and far apart, across the bound of a request
    let asked: Vec<_> = ids.iter().flat_map(|id| [id, id]).chain(&ids).cloned().collect();
    let known = table.ledger().await.known(&asked).await.unwrap();
    assert_eq!(known.len(), 119);
    assert!(!known.contains(&unknown));
    assert_eq!(table.items().requests, 2);
    assert!(table.ledger().await.known(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn keys_a_busy_table_leaves_out_are_asked_for_again_and_not_for_ever() {
    let table = Table::default();
    let ids: Vec<_> = (0..20).map(|number| table.put(number)).collect();
    let ledger = table.ledger().await;
    table.items().left_out = 14;
    assert_eq!(ledger.known(&ids).await.unwrap().len(), 20);
    assert_eq!(table.items().requests, 3);
    table.items().left_out = usize::MAX;
    assert!(ledger.known(&ids).await.is_err());
}

#[tokio::test]
async fn an_item_that_cannot_be_read_is_a_problem_of_its_own() {
    let table = Table::default();
    let [fine, damaged, busy] = [1, 2, 3].map(|number| table.put(number));
    {
        let mut items = table.items();
        items.items.get_mut(damaged.as_str()).unwrap()["document"] = json!({"S": "a-later-document"});
        items.busy.insert(busy.to_string());
        items.items.insert("no-communication".to_owned(), json!({"pk": {"S": "no-communication"}}));
    }
    let ledger = table.ledger().await;
    let now = Timestamp::now();
    for found in [
        ledger.due_checks(&shop(), now, 500).await.unwrap(),
        ledger.of_resource(&shop(), &Gid::new("Order", 1)).await.unwrap(),
    ] {
        assert_eq!(found.entries.iter().map(|it| &it.communication).collect::<Vec<_>>(), [&fine]);
        let mut problems: Vec<_> =
            found.problems.iter().map(|it| (it.pk.as_str(), it.is_unreadable())).collect();
        let mut expected = [(damaged.as_str(), true), (busy.as_str(), false), ("no-communication", true)];
        problems.sort_unstable();
        expected.sort_unstable();
        assert_eq!(problems, expected);
    }
    // and is put off by its key alone
    ledger.check_again(damaged.as_str(), now).await.unwrap();
    let update = table.items().updates.pop().unwrap();
    assert_eq!(update["Key"]["pk"]["S"], damaged.as_str());
    assert_eq!(update["ConditionExpression"], "attribute_exists(check_shop)");
}

/// Where one that is left out would be erased, or not be held.
#[tokio::test]
async fn everything_about_a_resource_is_found_however_much_it_is() {
    let table = Table::default();
    (0..250).for_each(|number| drop(table.put(number)));
    let (ledger, order) = (table.ledger().await, Gid::new("Order", 1));
    assert_eq!(ledger.everything_about(&shop(), None, [&order]).await.unwrap().entries.len(), 250);
    assert_eq!(ledger.of_resource(&shop(), &order).await.unwrap().entries.len(), 200);
}
