use crate::wire::{Reply, Wire, cost};
use serde_json::{Value, json};
use shopify::changes::{ChangedOrder, Page};

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
    let numbers = order.returns.nodes.read.iter().map(|it| it.id.number().parse::<usize>().unwrap());
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

fn refused(code: &str) -> Reply {
    Reply::json(&json!({"data": null, "errors": [{"message": "no", "extensions": {"code": code}}]}))
}

fn ids(numbers: &[u64]) -> Reply {
    let nodes: Vec<_> =
        numbers.iter().map(|number| json!({"id": format!("gid://shopify/Order/{number}")})).collect();
    page(&nodes)
}

fn plain(number: u64) -> Value {
    order(number, fulfillments(1), transactions(1), returns(0..1, None))
}

fn operations(wire: &Wire) -> Vec<String> {
    wire.asked().iter().map(|asked| asked.json()["operationName"].as_str().unwrap().to_owned()).collect()
}

fn numbers(found: &Page<ChangedOrder>) -> Vec<&str> {
    found.items.iter().map(|order| order.id.number()).collect()
}

fn problems<T>(found: &Page<T>) -> Vec<String> {
    found.problems.iter().map(|problem| comms::chain(problem)).collect()
}

#[tokio::test]
async fn an_order_or_a_row_that_cannot_be_read_costs_nothing_beside_it() {
    let (mut order_of_old, mut rows) =
        (plain(1), order(2, fulfillments(3), transactions(3), returns(0..3, None)));
    order_of_old["createdAt"] = "yesterday".into();
    rows["fulfillments"][1]["updatedAt"] = Value::Null;
    rows["transactions"][2]["kind"] = 7.into();
    rows["returns"]["nodes"][0]["createdAt"] = "soon".into();
    rows["refunds"] = json!([{"id": "gid://shopify/Refund/x?y", "createdAt": 7}]);
    let wire = Wire::new([page(&[order_of_old, rows, plain(3)])]).await;
    let found = wire.api.changed_orders(wire.call(), AT.parse().unwrap(), None).await.unwrap();
    assert_eq!(numbers(&found), ["2", "3"]);
    assert_eq!(lengths(&found.items[0]), [2, 2, 2]);
    assert_eq!(
        problems(&found),
        [
            "gid://shopify/Order/1: `createdAt` has an unexpected type or value",
            "gid://shopify/Fulfillment/1: `updatedAt` has an unexpected type or value",
            "gid://shopify/Return/0: `createdAt` has an unexpected type or value",
            "a row without an id: `id` has an unexpected type or value",
            "gid://shopify/OrderTransaction/2: `kind` has an unexpected type or value",
        ]
    );
}

#[tokio::test]
async fn an_order_that_cannot_be_had_whole_costs_no_other() {
    let long = |number| order(number, fulfillments(50), transactions(1), returns(0..0, None));
    let wire = Wire::new([
        page(&[long(1), long(2), plain(3)]),
        refused("INTERNAL_SERVER_ERROR"),
        answered(json!({"order": order(2, fulfillments(60), transactions(1), returns(0..250, Some("a")))})),
        // the rest of its returns
        refused("MAX_COST_EXCEEDED"),
    ])
    .await;
    let found = wire.api.changed_orders(wire.call(), AT.parse().unwrap(), None).await.unwrap();
    assert_eq!(numbers(&found), ["2", "3"]);
    assert_eq!(lengths(&found.items[0]), [60, 1, 250], "what was read of it counts");
    assert_eq!(
        problems(&found),
        [
            "gid://shopify/Order/1: ChangedOrder: INTERNAL_SERVER_ERROR, no",
            "gid://shopify/Order/2: ChangedOrder: MAX_COST_EXCEEDED, no",
        ]
    );
}

/// Whatever it is about one of its orders, the others are had one by one.
#[tokio::test]
async fn a_page_that_cannot_be_had_is_read_order_by_order() {
    for broken in [
        refused("INTERNAL_SERVER_ERROR"),
        refused("MAX_COST_EXCEEDED"),
        refused("SOMETHING_ELSE"),
        Reply::text("{\"data\":{\"orders\":{}}}"),
        Reply::text("{\"data\":{\"ord"),
        Reply::text("{}"),
        Reply::status(500),
        Reply::status(413),
    ] {
        let wire = Wire::new([
            broken,
            ids(&[1, 2, 3]),
            answered(json!({"order": plain(1)})),
            answered(json!({"order": {"id": "gid://shopify/Order/2"}})),
            answered(json!({"order": plain(3)})),
        ])
        .await;
        let found = wire.api.changed_orders(wire.call(), AT.parse().unwrap(), Some("here")).await.unwrap();
        assert_eq!(numbers(&found), ["1", "3"]);
        let problems = problems(&found);
        assert!(
            problems.len() == 1 && problems[0].starts_with("gid://shopify/Order/2: ChangedOrder: "),
            "{problems:?}"
        );
        assert_eq!(found.next.as_deref(), Some("next"), "the pass continues");
        assert_eq!(
            operations(&wire),
            ["ChangedOrders", "ChangedOrderIds", "ChangedOrder", "ChangedOrder", "ChangedOrder"]
        );
    }
}

/// A missing scope, a token that is not accepted: asking order by order would change nothing.
#[tokio::test]
async fn what_is_the_whole_shops_matter_is_asked_once() {
    for broken in [refused("ACCESS_DENIED"), Reply::status(401)] {
        let wire = Wire::new([broken]).await;
        assert!(wire.api.changed_orders(wire.call(), AT.parse().unwrap(), None).await.is_err());
        assert_eq!(operations(&wire), ["ChangedOrders"]);
    }
}

#[tokio::test]
async fn disputes_are_read_one_by_one_where_one_keeps_the_page_from_being_read() {
    let info = json!({"hasNextPage": true, "endCursor": "end"});
    let dispute = |number: u64| {
        json!({
            "id": format!("gid://shopify/ShopifyPaymentsDispute/{number}"), "type": "INQUIRY", "status": "WON",
            "initiatedAt": AT, "finalizedOn": null, "order": null,
        })
    };
    let one = |dispute: Value| answered(json!({"disputes": {"pageInfo": info, "nodes": [dispute]}}));
    let edges: Vec<_> =
        (1..4).map(|number| json!({"cursor": format!("c{number}"), "node": dispute(number)})).collect();
    let mut unreadable = dispute(2);
    unreadable["initiatedAt"] = "soon".into();
    let wire = Wire::new([
        refused("INTERNAL_SERVER_ERROR"),
        answered(json!({"disputes": {"pageInfo": info, "edges": edges}})),
        refused("INTERNAL_SERVER_ERROR"),
        one(unreadable),
        one(dispute(3)),
    ])
    .await;
    let found = wire.api.recent_disputes(wire.call(), AT.parse().unwrap(), None).await.unwrap();
    assert_eq!(found.items.iter().map(|it| it.id.number()).collect::<Vec<_>>(), ["3"]);
    assert_eq!(
        problems(&found),
        [
            "gid://shopify/ShopifyPaymentsDispute/1: RecentDisputes: INTERNAL_SERVER_ERROR, no",
            "gid://shopify/ShopifyPaymentsDispute/2: `initiatedAt` has an unexpected type or value",
        ]
    );
    assert_eq!(found.next.as_deref(), Some("end"));
    let cursors: Vec<Value> =
        wire.asked().iter().map(|asked| asked.json()["variables"]["after"].clone()).collect();
    assert_eq!(cursors, [Value::Null, Value::Null, Value::Null, "c1".into(), "c2".into()]);
}
