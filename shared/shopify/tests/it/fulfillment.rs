use crate::wire::{Reply, Wire, cost};
use comms::Gid;
use serde_json::{Value, json};
use shopify::AdminError;

const SHIPMENT: &str = include_str!("../fixtures/fulfillments/split.graphql.json");

/// A page of the fixture's shipment with these numbered lines of it and of its order.
fn page(
    lines: &[u64],
    next: Option<&str>,
    of_order: &[u64],
    order_next: Option<&str>,
    updated_at: &str,
) -> Reply {
    let mut data: Value = serde_json::from_str(SHIPMENT).unwrap();
    let shipment = &mut data["fulfillment"];
    let id = |number: &u64| json!({"id": format!("gid://shopify/LineItem/{number}")});
    let template = shipment["fulfillmentLineItems"]["nodes"][0].clone();
    let nodes = |line: &u64| {
        let mut node = template.clone();
        node["lineItem"] = id(line);
        node
    };
    let info = |next: Option<&str>| json!({"hasNextPage": next.is_some(), "endCursor": next});
    shipment["fulfillmentLineItems"] =
        json!({"pageInfo": info(next), "nodes": lines.iter().map(nodes).collect::<Vec<_>>()});
    let unshipped = |line: &u64| {
        let mut node = id(line);
        node["unfulfilledQuantity"] = 1.into();
        node
    };
    shipment["order"]["lineItems"] =
        json!({"pageInfo": info(order_next), "nodes": of_order.iter().map(unshipped).collect::<Vec<_>>()});
    shipment["updatedAt"] = updated_at.into();
    Reply::json(&json!({"data": data, "extensions": cost(49, 1951)}))
}

const T1: &str = "2026-11-23T09:00:00Z";
const T2: &str = "2026-11-23T09:00:01Z";

fn id() -> Gid {
    Gid::new("Fulfillment", 4620000007102)
}

/// The lists end at different pages; the one that ended is asked for nothing new.
#[tokio::test]
async fn a_shipment_and_its_order_are_read_page_by_page() {
    let wire = Wire::new([
        page(&[1, 2], Some("a"), &[7], Some("x"), T1),
        page(&[3], None, &[8], Some("y"), T1),
        page(&[], None, &[9], None, T1),
    ])
    .await;
    let shipment = wire.api.fulfillment(wire.call(), &id()).await.unwrap().unwrap();
    let numbers = |ids: Vec<&Gid>| ids.into_iter().map(|id| id.number().to_owned()).collect::<Vec<_>>();
    assert_eq!(numbers(shipment.lines.iter().map(|it| &it.line).collect()), ["1", "2", "3"]);
    assert_eq!(numbers(shipment.unshipped.iter().map(|it| &it.line).collect()), ["7", "8", "9"]);
    let asked = wire.asked();
    let cursors: Vec<_> = asked
        .iter()
        .map(|asked| {
            let variables = &asked.json()["variables"];
            (variables["after"].clone(), variables["orderAfter"].clone())
        })
        .collect();
    let given = |after: &str, order: &str| (Value::from(after), Value::from(order));
    assert_eq!(cursors, [(Value::Null, Value::Null), given("a", "x"), given("a", "y")]);
    let first = asked[0].json();
    assert_eq!(first["operationName"], "FulfillmentForDocuments");
    assert_eq!(
        first["variables"],
        json!({
            "id": id(), "first": 240, "after": null, "orderAfter": null, "methods": true,
        })
    );
}

/// An app that may not see fulfillment orders still sees shipments; one that may see neither is refused.
#[tokio::test]
async fn without_the_scope_for_fulfillment_orders_a_shipment_has_no_method() {
    let denied = || {
        Reply::json(&json!({
            "data": {"fulfillment": null},
            "errors": [{"message": "Access denied for fulfillmentOrders field.", "path": ["fulfillment"],
                "extensions": {"code": "ACCESS_DENIED"}}],
        }))
    };
    let wire = Wire::new([denied(), page(&[1], None, &[], None, T1)]).await;
    let shipment = wire.api.fulfillment(wire.call(), &id()).await.unwrap().unwrap();
    assert_eq!((shipment.method, shipment.lines.len()), (None, 1));
    let methods: Vec<_> = wire.asked().iter().map(|it| it.json()["variables"]["methods"].clone()).collect();
    assert_eq!(methods, [true, false]);
    let wire = Wire::new([denied(), denied()]).await;
    let refused = wire.api.fulfillment(wire.call(), &id()).await.unwrap_err();
    assert!(refused.is_denied());
}

#[tokio::test]
async fn a_shipment_that_changes_between_pages_is_read_anew_later() {
    let wire = Wire::new([page(&[1], Some("a"), &[], None, T1), page(&[2], None, &[], None, T2)]).await;
    assert!(matches!(wire.api.fulfillment(wire.call(), &id()).await, Err(AdminError::Changed)));
    let gone = Reply::text(r#"{"data":{"fulfillment":null}}"#);
    let wire = Wire::new([page(&[1], Some("a"), &[], None, T1), gone]).await;
    assert!(matches!(wire.api.fulfillment(wire.call(), &id()).await, Err(AdminError::Changed)));
}

#[tokio::test]
async fn a_shipment_shopify_does_not_have_is_no_error() {
    let wire = Wire::new([Reply::text(r#"{"data":{"fulfillment":null}}"#)]).await;
    assert!(wire.api.fulfillment(wire.call(), &id()).await.unwrap().is_none());
}
