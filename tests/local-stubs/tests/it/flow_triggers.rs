//! Triggers of Shopify Flow: only those of the app, with all of their fields and no others, of orders that exist.

use crate::support::{Stub, order_event, shopify};
use serde_json::{Value, json};

const RECEIVE: &str = "mutation($handle: String, $payload: JSON) { flowTriggerReceive(handle: $handle, payload: $payload) { userErrors { field message } } }";

async fn receive(stub: &Stub, handle: &str, payload: &Value) -> Value {
    let answer = stub.graphql(RECEIVE, json!({"handle": handle, "payload": payload})).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"]["flowTriggerReceive"]["userErrors"].clone()
}

fn delivered() -> Value {
    json!({"order_id": 1, "document": "receipt", "channel": "email", "communication": "c4809f9b199959867b344883a5f958d0"})
}

#[tokio::test]
async fn a_trigger_of_the_app_is_taken_and_kept() {
    let stub = shopify().await;
    stub.set("orders", json!([order_event(1)])).await;
    assert_eq!(receive(&stub, "document-delivered", &delivered()).await, json!([]));
    let kept = stub.look("flow-triggers").await;
    assert_eq!(kept["triggers"], json!([{"handle": "document-delivered", "payload": delivered()}]));
}

#[tokio::test]
async fn what_is_not_declared_is_refused() {
    let stub = shopify().await;
    stub.set("orders", json!([order_event(1)])).await;
    let with = |key: &str, value: Value| {
        let mut payload = delivered();
        payload[key] = value;
        payload
    };
    let mut without = delivered();
    without.as_object_mut().unwrap().remove("channel");
    for (handle, payload, message) in [
        ("document-opened", delivered(), "Invalid handle 'document-opened'."),
        ("document-delivered", without, "Required field missing: 'channel'."),
        ("document-bounced", delivered(), "Required field missing: 'reason'."),
        ("document-delivered", with("channel", Value::Null), "Required field missing: 'channel'."),
        ("document-delivered", with("reason", "x".into()), "Invalid field: 'reason'."),
        (
            "document-delivered",
            with("channel", "".into()),
            "Type error for field 'channel': it is not a single_line_text_field.",
        ),
        (
            "document-delivered",
            with("order_id", 404.into()),
            "Type error for field 'order_id': it is not a order_reference.",
        ),
        (
            "document-delivered",
            with("order_id", "1".into()),
            "Type error for field 'order_id': it is not a order_reference.",
        ),
        (
            "document-delivered",
            with("channel", "x".repeat(50_000).into()),
            "Properties size exceeds the limit of 50000 bytes.",
        ),
    ] {
        let refused = receive(&stub, handle, &payload).await;
        assert_eq!(refused[0]["field"], json!(["body"]));
        assert_eq!(refused[0]["message"], format!("Errors validating schema:\n  {message}\n"));
    }
    let missing = receive(&stub, "document-delivered", &Value::Null).await;
    assert_eq!(missing[0]["message"], "`handle` and `payload` arguments are required");
    assert_eq!(stub.look("flow-triggers").await["triggers"], json!([]));
}
