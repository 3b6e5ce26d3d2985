use crate::wire::{Reply, Wire, cost, tags_added};
use comms::Gid;
use serde_json::{Value, json};
use shop_config::WriteBack;
use shopify::{AdminError, MetafieldWrite, StatusMetafield};

const ORDER: &str = include_str!("../fixtures/orders/b2b.graphql.json");

fn order(number: u64) -> Gid {
    Gid::new("Order", number)
}

/// A page of the fixture's order with one line, numbered.
fn page(line: u64, next: Option<&str>, updated_at: &str) -> Reply {
    let mut data: Value = serde_json::from_str(ORDER).unwrap();
    let order = &mut data["order"];
    order["updatedAt"] = updated_at.into();
    let lines = &mut order["lineItems"];
    lines["nodes"].as_array_mut().unwrap().truncate(1);
    lines["nodes"][0]["id"] = format!("gid://shopify/LineItem/{line}").into();
    lines["pageInfo"] = json!({"hasNextPage": next.is_some(), "endCursor": next});
    Reply::json(&json!({"data": data, "extensions": cost(40, 1960)}))
}

const T1: &str = "2026-11-20T09:00:00Z";
const T2: &str = "2026-11-20T09:00:01Z";

#[tokio::test]
async fn an_order_is_read_page_by_page() {
    let wire = Wire::new([page(1, Some("a"), T1), page(2, Some("b"), T1), page(3, None, T1)]).await;
    let order = wire.api.order(wire.call(), &order(6012345678901234567)).await.unwrap().unwrap();
    let lines: Vec<_> = order.lines.iter().map(|line| line.id.number().to_owned()).collect();
    assert_eq!(lines, ["1", "2", "3"]);
    let asked = wire.asked();
    let cursors: Vec<_> = asked.iter().map(|asked| asked.json()["variables"]["after"].clone()).collect();
    assert_eq!(cursors, [Value::Null, "a".into(), "b".into()]);
}

#[tokio::test]
async fn an_order_that_changes_between_pages_is_read_anew_later() {
    let wire = Wire::new([page(1, Some("a"), T1), page(2, None, T2)]).await;
    assert!(matches!(wire.api.order(wire.call(), &order(1)).await, Err(AdminError::Changed)));
    let wire = Wire::new([page(1, Some("a"), T1), Reply::text(r#"{"data":{"order":null}}"#)]).await;
    assert!(matches!(wire.api.order(wire.call(), &order(1)).await, Err(AdminError::Changed)));
}

#[tokio::test]
async fn an_order_shopify_does_not_have_is_no_error() {
    let wire = Wire::new([Reply::text(r#"{"data":{"order":null}}"#)]).await;
    assert!(wire.api.order(wire.call(), &order(1)).await.unwrap().is_none());
}

#[tokio::test]
async fn status_is_answered_in_the_order_of_the_owners() {
    let wire = Wire::new([Reply::json(&json!({"data": {"nodes": [
        {"id": "gid://shopify/Order/3", "metafield": {"value": "{}", "compareDigest": "d3"}},
        null,
        {"id": "gid://shopify/Order/1", "metafield": null}
    ]}}))])
    .await;
    let owners = [order(1), order(2), order(3)];
    let status = wire.api.read_status(wire.call(), &WriteBack::default(), &owners).await.unwrap();
    let written = StatusMetafield { value: Some("{}".into()), compare_digest: Some("d3".into()) };
    assert_eq!(status, [Some(StatusMetafield::default()), None, Some(written)]);
}

/// The requests as Shopify gets them. A `compareDigest` of `null` and an absent one mean different things.
#[tokio::test]
async fn requests_are_what_shopify_documents() {
    let accepted = include_str!("../fixtures/admin/metafields-set-accepted.json");
    let nodes = Reply::text(r#"{"data":{"nodes":[]}}"#);
    let wire = Wire::new([nodes, Reply::text(accepted), tags_added(), page(1, None, T1)]).await;
    let names = WriteBack::default();
    wire.api.read_status(wire.call(), &names, &[order(1), Gid::new("Customer", 2)]).await.unwrap();
    let write = |number, digest: Option<&str>| MetafieldWrite {
        owner: order(number),
        value: r#"{"v":1}"#.into(),
        compare_digest: digest.map(str::to_owned),
    };
    wire.api.write_status(wire.call(), &names, &[write(1, None), write(2, Some("d"))]).await.unwrap();
    wire.api.add_tags(wire.call(), &order(1), &["confirmed".into()]).await.unwrap();
    wire.api.order(wire.call(), &order(1)).await.unwrap();
    let asked = wire.asked();
    assert!(asked.iter().all(|asked| asked.path == "/admin/api/2026-10/graphql.json"));
    assert!(asked.iter().all(|asked| asked.token.as_deref() == Some("shpat_fixed")));
    let requests: Vec<_> = asked
        .iter()
        .map(|asked| {
            let mut request = asked.json();
            assert!(request["query"].as_str().unwrap().contains(request["operationName"].as_str().unwrap()));
            request["query"] = "[graphql/*.graphql]".into();
            request
        })
        .collect();
    insta::assert_json_snapshot!(requests);
}

#[tokio::test]
async fn user_errors_say_which_element() {
    let wire = Wire::new([
        Reply::text(include_str!("../fixtures/admin/metafields-set-invalid-value.json")),
        Reply::text(include_str!("../fixtures/admin/metafields-set-no-code.json")),
    ])
    .await;
    let write = MetafieldWrite { owner: order(1), value: "[]".into(), compare_digest: None };
    let write = async || {
        wire.api.write_status(wire.call(), &WriteBack::default(), std::slice::from_ref(&write)).await
    };
    let Err(AdminError::UserErrors { errors, .. }) = write().await else { panic!() };
    // the recorded `elementIndex` is 1, an index inside of the value of metafield 0
    assert_eq!((errors[0].element(), errors[0].code.as_deref()), (Some(0), Some("INVALID_VALUE")));
    assert_eq!(
        write().await.unwrap_err().to_string(),
        "StatusWrite was refused: no code at `metafields.0.namespace`, Namespace protected is a reserved namespace"
    );
}
