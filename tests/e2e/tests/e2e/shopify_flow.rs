//! Shopify Flow as it is deployed: a workflow decides when a document is sent, and is started by what became of it.

use crate::passes::settles_as;
use base64::{Engine, prelude::BASE64_STANDARD};
use comms::{Document, State};
use e2e::{order_number, shop::Shop, stack::Stack};
use hmac::{Hmac, Mac};
use reqwest::header::{CONTENT_TYPE, HOST};
use serde_json::{Value, json};
use sha2::Sha256;
use std::time::Duration;

/// Order confirmations wait for a request, and outcomes start workflows.
fn on_request(config: &str) -> String {
    let section = "[documents.order-confirmation]\n";
    assert!(config.contains(section));
    let config = config.replacen(section, &format!("{section}on_request = true\n"), 1);
    format!("{config}\n[write_back]\nflow_triggers = [\"delivered\", \"bounced\", \"failed\"]\n")
}

/// A run of the action, as Shopify Flow sends it, signed with `secret`.
async fn run(
    stack: &Stack,
    shop: &Shop,
    secret: &str,
    run: &str,
    document: &str,
    order: u64,
) -> (u16, Value) {
    let sent = json!({
        "shop_id": "690933842", "shopify_domain": shop.domain, "action_run_id": run, "handle": "send-document",
        "properties": {"order_id": format!("gid://shopify/Order/{order}"), "document": document, "reason": "a VIP"},
    });
    let body = sent.to_string();
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(&body);
    let host = stack.output("ConsoleUrl").trim_start_matches("http://").to_owned();
    let answer = reqwest::Client::new()
        .post(format!("{}/flow/send-document", stack.output("AwsEndpointUrl")))
        .header(HOST, host)
        .header(CONTENT_TYPE, "application/json")
        .header("X-Shopify-Hmac-Sha256", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
        .body(body)
        .send()
        .await
        .unwrap();
    let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
    (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status}: {text}")))
}

#[tokio::test]
async fn a_workflow_sends_a_document_once_and_is_started_by_its_delivery() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, on_request).await;
    let number = order_number();
    let event = shop.event("orders/create", number, |_| {});
    shop.register(&event).await;
    stack.put(&event).await;
    let id = shop.id(Document::OrderConfirmation, number);

    let forged = run(&stack, &shop, "guessed-secret", "run-1", "order-confirmation", number).await;
    assert_eq!(forged.0, 401, "{}", forged.1);
    let ask = async |name: &str, document: &str, order| {
        run(&stack, &shop, "local-secret", name, document, order).await
    };
    let off = ask("run-2", "cancellation-letter", number).await;
    assert_eq!(off, (422, json!({"message": "It is not sent: the document is switched off."})));
    assert_eq!(
        ask("run-3", "order-confirmation", number + 1).await.0,
        422,
        "an order that this shop does not have"
    );
    // long enough for the event to have been worked on
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(stack.ledger.get(&id).await.unwrap().is_none(), "the event alone sends nothing");

    for name in ["run-4", "run-4", "run-5"] {
        assert_eq!(ask(name, "order-confirmation", number).await.0, 200);
    }
    let entry = shop.settled(&stack, &id).await;
    assert_eq!(entry.state, State::Accepted, "{:?}", entry.reason);
    assert_eq!(
        ask("run-6", "order-confirmation", number).await,
        (200, json!({"communication": id, "state": "accepted"}))
    );
    stack.put(&event).await;
    let (record, _) = stack.record(&entry).await;
    let requested = record.requested.unwrap();
    assert_eq!((requested.actor.as_str(), requested.reason.as_str()), ("Shopify Flow", "a VIP"));
    assert!(record.trigger.webhook_id.starts_with("request-run-"));

    stack.ledger.check_again(id.as_str(), jiff::Timestamp::now()).await.unwrap();
    settles_as(&stack, &shop, &entry, State::Delivered).await;
    let told = shop.metafield(number).await;
    assert_eq!(told["communications"][0]["decision"]["kind"], "request", "{told}");
    let started = shop.control(shop.shopify, "GET", "flow-triggers", None).await;
    let payload = json!({"order_id": number, "document": "order-confirmation", "communication": id, "channel": "email"});
    assert_eq!(started["triggers"], json!([{"handle": "document-delivered", "payload": payload}]));
    assert_eq!(shop.emails().await.len(), 1, "sent once");
}
