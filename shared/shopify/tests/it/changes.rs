use crate::wire::{Reply, Wire, cost};
use serde_json::{Value, json};
use shopify::changes::ChangedOrder;

const AT: &str = "2026-11-22T09:00:00Z";

fn fulfillments(count: usize) -> Value {
    let one = |number| {
        json!({
            "id": format!("gid://shopify/Fulfillment/{number}"), "createdAt": AT, "updatedAt": AT,
            "status": "SUCCESS", "displayStatus": null, "trackingInfo": [],
        })
    };
    (0..count).map(one).collect()
}

fn transactions(count: usize) -> Value {
    let one = |number| {
        json!({
            "id": format!("gid://shopify/OrderTransaction/{number}"), "kind": "SALE", "status": "SUCCESS",
            "createdAt": AT, "processedAt": null,
        })
    };
    (0..count).map(one).collect()
}

/// The returns with these numbers, and where the next page begins.
fn returns(numbers: std::ops::Range<usize>, next: Option<&str>) -> Value {
    let one = |number| json!({"id": format!("gid://shopify/Return/{number}"), "createdAt": AT, "requestApprovedAt": null, "status": "OPEN"});
    json!({
        "pageInfo": {"hasNextPage": next.is_some(), "endCursor": next}, "nodes": numbers.map(one).collect::<Value>(),
    })
}

fn order(number: u64, fulfillments: Value, transactions: Value, returns: Value) -> Value {
    json!({
        "id": format!("gid://shopify/Order/{number}"), "createdAt": AT, "updatedAt": AT, "cancelledAt": null,
        "displayFinancialStatus": "PAID", "fulfillments": fulfillments, "transactions": transactions,
        "returns": returns, "refunds": [],
    })
}

fn page(orders: &[Value]) -> Reply {
    let info = json!({"hasNextPage": true, "endCursor": "next"});
    answered(json!({"orders": {"pageInfo": info, "nodes": orders}}))
}

fn answered(data: Value) -> Reply {
    Reply::json(&json!({"data": data, "extensions": cost(60, 1940)}))
}

fn lengths(order: &ChangedOrder) -> [usize; 3] {
    [order.fulfillments.len(), order.transactions.len(), order.returns.nodes.len()]
}

#[tokio::test]
async fn an_order_with_more_than_a_page_shows_comes_whole() {
    let small = || order(1, fulfillments(40), transactions(49), returns(0..3, None));
    let wire = Wire::new([
        // forty shipments fit; of sixty payments a page shows fifty
        page(&[small(), order(2, fulfillments(40), transactions(50), returns(0..0, None)), small()]),
        answered(json!({"order": order(2, fulfillments(40), transactions(60), returns(0..0, None))})),
    ])
    .await;
    let since = AT.parse().unwrap();
    let found = wire.api.changed_orders(wire.call(), since, None).await.unwrap();
    let found_lengths: Vec<_> = found.items.iter().map(lengths).collect();
    assert_eq!(found_lengths, [[40, 49, 3], [40, 60, 0], [40, 49, 3]]);
    assert_eq!(found.next.as_deref(), Some("next"));
    let asked: Vec<Value> = wire.asked().iter().map(|asked| asked.json()["variables"].clone()).collect();
    let search = format!("updated_at:>='{AT}'");
    assert_eq!(
        asked,
        [
            json!({"search": search, "list": 50, "after": null}),
            json!({"id": "gid://shopify/Order/2", "after": null}),
        ]
    );
}

#[tokio::test]
async fn returns_come_page_by_page() {
    let wire = Wire::new([
        page(&[order(2, fulfillments(1), transactions(1), returns(0..50, Some("unused")))]),
        answered(json!({"order": order(2, fulfillments(1), transactions(1), returns(0..250, Some("a")))})),
        answered(json!({"order": order(2, fulfillments(2), transactions(1), returns(250..251, None))})),
    ])
    .await;
    let found = wire.api.changed_orders(wire.call(), AT.parse().unwrap(), None).await.unwrap();
    let [order] = found.items.as_slice() else { panic!("one order") };
    assert_eq!(lengths(order), [2, 1, 251], "the latest of the lists, and every return");
    let numbers = order.returns.nodes.iter().map(|it| it.id.number().parse::<usize>().unwrap());
    assert!(numbers.eq(0..251));
    let cursors: Vec<Value> =
        wire.asked().iter().map(|asked| asked.json()["variables"]["after"].clone()).collect();
    assert_eq!(cursors, [Value::Null, Value::Null, "a".into()]);
}

#[tokio::test]
async fn an_order_that_is_gone_has_nothing_to_tell() {
    let wire = Wire::new([
        page(&[order(2, fulfillments(50), transactions(1), returns(0..0, None))]),
        answered(json!({"order": null})),
    ])
    .await;
    let found = wire.api.changed_orders(wire.call(), AT.parse().unwrap(), None).await.unwrap();
    assert_eq!(found.items.len(), 0);
}
