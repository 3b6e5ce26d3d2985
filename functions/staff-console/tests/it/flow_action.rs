//! The action of Shopify Flow: whose request is believed, what becomes of it, and what the merchant is told.

use crate::{
    aws::{OTHER_SHOP, SHOP},
    world::World,
};
use aws_lc_rs::hmac;
use axum::{Json, Router, body::Bytes};
use base64::{Engine, prelude::BASE64_STANDARD};
use comms::{CommunicationId, Document, Gid, Revision};
use serde_json::{Value, json};

const PATH: &str = "/flow/send-document";

/// A console whose shops' Shopify has the orders 1 to 3, and asks of it nothing else.
async fn world() -> World {
    world_with(str::to_owned).await
}

/// The same with other configurations.
async fn world_with(change: impl Fn(&str) -> String) -> World {
    let world = World::new().await;
    let shopify = fakes::serve(Router::new().fallback(async |body: Bytes| {
        // a form asks for a token
        let Ok(asked) = serde_json::from_slice::<Value>(&body) else {
            return Json(json!({"access_token": "t", "expires_in": 86_399, "scope": ""}));
        };
        assert_eq!(asked["operationName"], "OrderExists");
        let id = asked["variables"]["id"].as_str().unwrap().to_owned();
        let known = ["1", "2", "3"].iter().any(|number| id == format!("gid://shopify/Order/{number}"));
        Json(json!({"data": {"order": known.then(|| json!({"id": id}))}}))
    }))
    .await;
    world.change(|aws| {
        for shop in [SHOP, OTHER_SHOP] {
            let config = aws.objects.get_mut(&format!("operations/config/{shop}.toml")).unwrap();
            let text = String::from_utf8(config.to_vec()).unwrap();
            let line = text.lines().find(|line| line.contains("127.0.0.1:4602")).unwrap().to_owned();
            *config = change(&text.replace(&line, &format!("base_url = \"{shopify}\""))).into();
        }
    });
    world
}

fn run(change: impl FnOnce(&mut Value)) -> Value {
    let mut sent: Value = serde_json::from_str(include_str!("../../samples/flow-action.json")).unwrap();
    sent["properties"]["order_id"] = json!("gid://shopify/Order/1");
    change(&mut sent);
    sent
}

fn sign(secret: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    BASE64_STANDARD.encode(hmac::sign(&key, body.as_bytes()))
}

async fn send(world: &World, body: &str, signature: &str) -> (u64, Value) {
    let headers = json!({"content-type": "application/json", "X-Shopify-Hmac-Sha256": signature});
    let answer = world.send("POST", PATH, headers, Some(body)).await;
    assert_eq!(answer["headers"]["cache-control"], "no-store, private");
    let text = answer["body"].as_str().unwrap();
    (answer["statusCode"].as_u64().unwrap(), serde_json::from_str(text).unwrap())
}

async fn ask(world: &World, sent: &Value) -> (u64, Value) {
    let body = sent.to_string();
    send(world, &body, &sign(&format!("secret-of-{SHOP}"), &body)).await
}

fn receipt_of(order: u64) -> String {
    let shop = SHOP.parse().unwrap();
    CommunicationId::derive(&shop, Document::Receipt, &Gid::new("Order", order), &Revision::Initial)
        .to_string()
}

#[tokio::test]
async fn only_what_shopify_signed_for_this_very_shop_is_believed() {
    let world = world().await;
    let body = run(|_| {}).to_string();
    let own = format!("secret-of-{SHOP}");
    let right = sign(&own, &body);
    let of = |shop: &str| run(|it| it["shopify_domain"] = shop.into()).to_string();
    let hex: String =
        BASE64_STANDARD.decode(&right).unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    for (what, body, signature) in [
        ("forged", body.clone(), sign("guessed", &body)),
        ("without a secret", body.clone(), sign("", &body)),
        ("another body", body.replace("receipt", "order-confirmation"), right.clone()),
        ("reformatted", format!("{body} "), right.clone()),
        ("cut", body.clone(), right[..right.len() - 4].to_owned()),
        ("in another form", body.clone(), hex),
        ("none", body.clone(), String::new()),
        ("of another shop's app", body.clone(), sign(&format!("secret-of-{OTHER_SHOP}"), &body)),
        ("another shop's, with our secret", of(OTHER_SHOP), sign(&own, &of(OTHER_SHOP))),
        ("a shop that is not served", of("evil.myshopify.com"), sign(&own, &of("evil.myshopify.com"))),
        ("a host that is no shop", of("evil.example"), sign(&own, &of("evil.example"))),
        ("no shop", "{}".to_owned(), sign(&own, "{}")),
        ("no JSON", "{".to_owned(), sign(&own, "{")),
    ] {
        let (status, answer) = send(&world, &body, &signature).await;
        assert_eq!(
            (status, &answer["message"]),
            (401, &json!("This takes requests that Shopify Flow has signed.")),
            "{what}"
        );
    }
    let without = world.send("POST", PATH, json!({"content-type": "application/json"}), Some(&body)).await;
    assert_eq!(without["statusCode"], 401, "no header");
    assert_eq!(world.sent(), []);
    assert_eq!(send(&world, &body, &right).await.0, 200);
}

#[tokio::test]
async fn a_run_is_queued_for_its_flow_as_the_event_would_be_and_any_number_make_one() {
    let world = world().await;
    let (status, answer) = ask(&world, &run(|_| {})).await;
    assert_eq!((status, answer), (200, json!({"communication": receipt_of(1)})));
    let (queue, mut item) = world.sent().remove(0);
    assert_eq!(queue, "order-confirmation");
    assert!(item["trigger"]["triggered_at"].take().is_string());
    assert_eq!(
        item,
        json!({
            "v": 1, "shop": SHOP, "flow": "order-confirmation", "subject": "gid://shopify/Order/1",
            "trigger": {
                "topic": "orders/paid", "webhook_id": "request-b63199047e046bd08b41c3a545dfbc9086aa1354", "triggered_at": null,
            },
            "request": {
                "document": "receipt", "actor": "Shopify Flow", "reason": "released from the fraud hold", "locale": "fr",
            },
        })
    );
    // the same run again, and another one: the same communication
    for again in [run(|_| {}), run(|it| it["action_run_id"] = "another-run".into())] {
        assert_eq!(ask(&world, &again).await, (200, json!({"communication": receipt_of(1)})));
    }
    world.change(|aws| aws.note(&receipt_of(1), SHOP, "delivered", json!({})));
    world.change(|aws| aws.sent.clear());
    let (status, answer) = ask(&world, &run(|_| {})).await;
    assert_eq!((status, answer), (200, json!({"communication": receipt_of(1), "state": "delivered"})));
    assert_eq!(world.sent(), [], "what was sent is not sent again");
}

#[tokio::test]
async fn the_merchant_is_told_what_to_correct() {
    let world = world().await;
    let set = |name: &'static str, value: Value| move |it: &mut Value| it["properties"][name] = value.clone();
    let elsewhere = "This shop has no such order, or keeps it from the app: orders older than 60 days need read_all_orders.";
    for (sent, status, message) in [
        (run(set("order_id", json!(404))), 422, elsewhere),
        (
            run(set("order_id", json!("gid://shopify/Customer/1"))),
            422,
            "It is not sent: it is not about an order.",
        ),
        (run(set("order_id", json!("#1001"))), 422, "It is not sent: it is not about an order."),
        (
            run(set("document", json!("postcard"))),
            422,
            "There is no document \"postcard\". Known are order-confirmation, receipt and cancellation-letter.",
        ),
        (
            run(set("document", json!("packing-slip"))),
            422,
            "It is not sent: packing-slip cannot be asked for: more than an order leads to it. order-confirmation, receipt \
             and cancellation-letter can.",
        ),
        (
            run(set("language", json!("ja"))),
            422,
            "It is not sent: receipt is not written in the language ja.",
        ),
        (
            run(set("reason", json!("x".repeat(201)))),
            422,
            "It is not sent: the reason needs 1 to 200 bytes on one line.",
        ),
        (run(|it| it["handle"] = "other".into()), 400, "The request is not one of the action Send document."),
        (
            run(|it| it["properties"] = Value::Null),
            400,
            "The request is not one of the action Send document.",
        ),
    ] {
        assert_eq!(ask(&world, &sent).await, (status, json!({"message": message})));
    }
    assert_eq!(world.sent(), []);
}

#[tokio::test]
async fn a_document_that_is_off_is_not_sent_and_one_that_waits_for_a_request_is() {
    let letter = run(|it| it["properties"]["document"] = "Cancellation letter".into());
    let with = |setting: &'static str| {
        let section = "[documents.cancellation-letter]\n";
        move |config: &str| config.replacen(section, &format!("{section}{setting}\n"), 1)
    };
    let off = world_with(with("enabled = false")).await;
    let message = "It is not sent: the document is switched off.";
    assert_eq!(ask(&off, &letter).await, (422, json!({"message": message})));
    assert_eq!(off.sent(), []);
    let waiting = world_with(with("on_request = true")).await;
    assert_eq!(ask(&waiting, &letter).await.0, 200);
    assert_eq!(waiting.sent()[0].0, "exception-letters");
}

#[tokio::test]
async fn what_ended_without_being_sent_says_so_and_is_not_queued_again() {
    let world = world().await;
    let reason = json!({"reason": {"S": "the \u{202e}order\nis cancelled"}});
    world.change(|aws| aws.note(&receipt_of(2), SHOP, "suppressed", reason));
    let (status, answer) = ask(&world, &run(|it| it["properties"]["order_id"] = json!(2))).await;
    let message = "It was asked for before and not sent: suppressed, the order is cancelled.";
    assert_eq!((status, answer), (409, json!({"message": message})));
    assert_eq!(world.sent(), []);
}

#[tokio::test]
async fn what_passes_is_to_be_sent_again_and_what_is_too_long_is_not_read() {
    let world = world().await;
    world.change(|aws| aws.table_fails = true);
    let body = run(|_| {}).to_string();
    let headers = json!({"content-type": "application/json", "x-shopify-hmac-sha256": sign(&format!("secret-of-{SHOP}"), &body)});
    let answer = world.send("POST", PATH, headers, Some(&body)).await;
    assert_eq!((&answer["statusCode"], &answer["headers"]["retry-after"]), (&json!(503), &json!("60")));
    assert!(!answer["body"].as_str().unwrap().contains("ledger"), "{answer}");
    let long = run(|it| it["properties"]["reason"] = "x".repeat(20_000).into());
    assert_eq!(ask(&world, &long).await.0, 413);
    let get = world.send("GET", PATH, json!({}), None).await;
    assert_eq!((&get["statusCode"], &get["headers"]["allow"]), (&json!(405), &json!("POST")));
    assert_eq!(world.sent(), []);
}
