//! Write-backs: compare digests, atomicity, limits, and tags.

use crate::support::{Stub, order_event, shopify};
use serde_json::{Value, json};

const SET: &str = "mutation($metafields: [MetafieldsSetInput!]!) { metafieldsSet(metafields: $metafields) {
    metafields { namespace key value compareDigest } userErrors { field message code elementIndex } } }";
const READ: &str = "query($id: ID!) { order(id: $id) { metafield(namespace: \"$app:communications\", key: \"status\") { value compareDigest } } }";

async fn orders() -> Stub {
    let stub = shopify().await;
    stub.set("orders", json!([order_event(1), order_event(2)])).await;
    stub
}

fn input(order: u32, value: &str) -> Value {
    json!({"ownerId": format!("gid://shopify/Order/{order}"), "namespace": "$app:communications", "key": "status", "type": "json", "value": value})
}

fn with_digest(order: u32, value: &str, digest: Value) -> Value {
    let mut input = input(order, value);
    input["compareDigest"] = digest;
    input
}

async fn set(stub: &Stub, inputs: Value) -> Value {
    stub.graphql(SET, json!({ "metafields": inputs })).await["data"]["metafieldsSet"].take()
}

async fn stored(stub: &Stub, order: u32) -> Value {
    let id = format!("gid://shopify/Order/{order}");
    stub.graphql(READ, json!({ "id": id })).await["data"]["order"]["metafield"].take()
}

#[tokio::test]
async fn a_digest_guards_against_a_lost_update() {
    let stub = orders().await;
    let created = set(&stub, json!([with_digest(1, "{\"n\":1}", Value::Null)])).await;
    assert_eq!(created["userErrors"], json!([]), "{created}");
    assert_eq!(created["metafields"][0]["namespace"], "app--347082227713--communications");
    let read = stored(&stub, 1).await;
    assert_eq!(read["value"], "{\"n\":1}");
    // null says that there is none, and there is one
    let stale = set(&stub, json!([with_digest(1, "{\"n\":2}", Value::Null)])).await;
    assert_eq!(stale["metafields"], json!([]));
    let error = &stale["userErrors"][0];
    assert_eq!((&error["code"], &error["field"]), (&json!("STALE_OBJECT"), &json!(["metafields", "0"])));
    let updated = set(&stub, json!([with_digest(1, "{\"n\":2}", read["compareDigest"].clone())])).await;
    assert_eq!(updated["userErrors"], json!([]));
    let again = set(&stub, json!([with_digest(1, "{\"n\":3}", read["compareDigest"].clone())])).await;
    assert_eq!(again["userErrors"][0]["code"], "STALE_OBJECT");
    // what is stored already is written again without complaint, and a write without a digest is unguarded
    assert_eq!(set(&stub, json!([with_digest(1, "{\"n\":2}", json!("old"))])).await["userErrors"], json!([]));
    assert_eq!(set(&stub, json!([input(1, "{\"n\":9}")])).await["userErrors"], json!([]));
    assert_eq!(stored(&stub, 1).await["value"], "{\"n\":9}");
}

#[tokio::test]
async fn one_refused_metafield_refuses_all() {
    let stub = orders().await;
    let answer = set(&stub, json!([input(1, "{}"), input(3, "{}"), input(2, "{nope")])).await;
    let errors: Vec<_> =
        answer["userErrors"].as_array().unwrap().iter().map(|e| e["field"].clone()).collect();
    assert_eq!(errors, [json!(["metafields", "1", "ownerId"]), json!(["metafields", "2", "value"])]);
    assert_eq!(stored(&stub, 1).await, Value::Null);
    assert_eq!(stub.look("metafields?owner=gid://shopify/Order/1").await["metafields"], json!([]));
}

#[tokio::test]
async fn limits_are_those_of_the_real_api() {
    let stub = orders().await;
    let code = |answer: Value| answer["userErrors"][0]["code"].clone();
    let many: Vec<_> = (0..26)
        .map(|n| {
            let mut one = input(1, "{}");
            one["key"] = json!(format!("key{n}"));
            one
        })
        .collect();
    assert_eq!(code(set(&stub, json!(many)).await), "LESS_THAN_OR_EQUAL_TO");
    assert_eq!(set(&stub, json!(many[..25])).await["metafields"].as_array().unwrap().len(), 25);
    let large = format!("\"{}\"", "x".repeat(128 * 1024 - 2));
    assert_eq!(set(&stub, json!([input(1, &large)])).await["userErrors"], json!([]));
    assert_eq!(code(set(&stub, json!([input(1, &format!("{large} "))])).await), "TOO_LONG");
    let changed = |key: &str, value: Value| {
        let mut input = input(2, "{}");
        input[key] = value;
        json!([input])
    };
    assert_eq!(code(set(&stub, changed("key", json!("k"))).await), "TOO_SHORT");
    assert_eq!(code(set(&stub, changed("namespace", json!("n".repeat(256)))).await), "TOO_LONG");
    assert_eq!(code(set(&stub, changed("type", Value::Null)).await), "BLANK");
    assert_eq!(code(set(&stub, changed("type", json!("boolean"))).await), "INVALID_VALUE");
}

#[tokio::test]
async fn tags_are_added_and_never_replaced() {
    let stub = orders().await;
    let query = "mutation($id: ID!, $tags: [String!]!) { tagsAdd(id: $id, tags: $tags) { node { id ... on Order { tags } } userErrors { field message } } }";
    let add = |id: &str, tags: Value| stub.graphql(query, json!({"id": id, "tags": tags}));
    let first = add("gid://shopify/Order/1", json!(["sent, Zebra", "VIP"])).await;
    assert_eq!(first["data"]["tagsAdd"]["node"]["tags"], json!(["Angel", "sent", "vip", "Zebra"]));
    add("gid://shopify/Order/1", json!(["sent"])).await;
    assert_eq!(
        stub.look("tags?owner=gid://shopify/Order/1").await["tags"],
        json!(["Angel", "sent", "vip", "Zebra"])
    );
    assert_eq!(stub.look("tags?owner=gid://shopify/Order/2").await["tags"], json!(["Angel", "vip"]));
    let missing = add("gid://shopify/Order/9", json!(["x"])).await["data"]["tagsAdd"].take();
    assert_eq!(
        missing,
        json!({"node": null, "userErrors": [{"field": ["id"], "message": "Order does not exist"}]})
    );
    let remove = "mutation($id: ID!) { tagsRemove(id: $id, tags: [\"ANGEL\"]) { userErrors { message } } }";
    stub.graphql(remove, json!({"id": "gid://shopify/Order/2"})).await;
    assert_eq!(stub.look("tags?owner=gid://shopify/Order/2").await["tags"], json!(["vip"]));
}
