//! The link that ends marketing: looking changes nothing, and whatever fails on the way is done by the next try.

use crate::world::now;
use archive::{Archive, LockMode};
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use comms::CustomerKey;
use documents::{Documents, Unsubscribing};
use fakes::{Seen, Server};
use ledger::Ledger;
use links::{LinkKey, Links, Sender, UnsubscribeOffer, unsubscribe_path};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use work::{Queue, UnsubscribeItem};

/// The tables and the queue.
#[derive(Default)]
struct Store {
    offered: Vec<Value>,
    /// Keys of the ledger's table that were written, with the reason.
    suppressed: Vec<(String, String)>,
    messages: Vec<UnsubscribeItem>,
    used: Vec<String>,
    /// How many more effects there will be: then everything fails.
    effects_left: Option<usize>,
}

struct World {
    store: Arc<Mutex<Store>>,
    documents: Documents,
    path: String,
    aws: Server,
}

impl World {
    async fn new() -> Self {
        let store = Arc::new(Mutex::new(Store::default()));
        let shared = Arc::clone(&store);
        let server = Server::start(move |seen| answer(&mut shared.lock().unwrap(), seen)).await;
        let aws = fakes::aws(&server.base).await;
        let dynamodb = || aws_sdk_dynamodb::Client::new(&aws);
        let links = Links::new(dynamodb(), "links".to_owned());
        let key = LinkKey::new("k".repeat(64).into()).unwrap();
        let (customer, customer_key) = customer();
        let offer = UnsubscribeOffer {
            communication: &"c4809f9b199959867b344883a5f958d0".parse().unwrap(),
            shop: &"northwind-demo.myshopify.com".parse().unwrap(),
            customer: &customer,
            customer_key: &customer_key,
            locale: "de-AT",
            sender: &Sender { name: "Northwind Outfitters".to_owned(), ..Sender::default() },
        };
        let token = links.offer_unsubscribe(&key, &offer, now()).await.unwrap();
        // a second attempt makes the same link and changes nothing
        assert_eq!(links.offer_unsubscribe(&key, &offer, now()).await.unwrap(), token);
        let unsubscribing = Unsubscribing {
            ledger: Ledger::new(dynamodb(), "ledger".to_owned()),
            write_back: Queue::new(aws_sdk_sqs::Client::new(&aws), format!("{}/write-back", server.base)),
        };
        let archive = Archive::new(aws_sdk_s3::Client::new(&aws), "archive".to_owned(), LockMode::Compliance);
        let documents = Documents::with(links, archive, unsubscribing);
        Self { store, documents, path: unsubscribe_path(&token), aws: server }
    }

    async fn send(&self, method: &str, path: &str) -> (u64, Value) {
        let request = json!({
            "version": "2.0", "rawPath": path, "headers": {"content-type": "application/x-www-form-urlencoded"},
            "requestContext": {"http": {"method": method}}, "body": "List-Unsubscribe=One-Click",
        });
        let response = self.documents.handle(&serde_json::from_value(request).unwrap(), now()).await;
        let response = serde_json::to_value(response).unwrap();
        (response["statusCode"].as_u64().unwrap(), response)
    }

    fn effects(&self) -> (usize, usize, usize) {
        let store = self.store.lock().unwrap();
        (store.suppressed.len(), store.messages.len(), store.used.len())
    }

    fn allow(&self, effects: Option<usize>) {
        self.store.lock().unwrap().effects_left = effects;
    }
}

fn customer() -> (comms::Gid, CustomerKey) {
    ("gid://shopify/Customer/501".parse().unwrap(), "0123456789abcdef0123456789abcdef".parse().unwrap())
}

fn answer(store: &mut Store, seen: &Seen) -> Response {
    let body: Value = serde_json::from_slice(&seen.body).unwrap();
    let operation = seen.header("x-amz-target").unwrap().rsplit('.').next().unwrap();
    let text = |value: &Value| value["S"].as_str().unwrap_or_default().to_owned();
    if operation == "GetItem" {
        let item = store.offered.iter().find(|item| item["pk"] == body["Key"]["pk"]);
        return item.map_or(json!({}), |item| json!({"Item": item})).to_string().into_response();
    }
    match &mut store.effects_left {
        Some(0) => return refusal("InternalServerError", StatusCode::INTERNAL_SERVER_ERROR),
        left => *left = left.map(|left| left - 1),
    }
    match (operation, body["TableName"].as_str()) {
        ("PutItem", Some("links")) => {
            if store.offered.iter().any(|item| item["pk"] == body["Item"]["pk"]) {
                return refusal("ConditionalCheckFailedException", StatusCode::BAD_REQUEST);
            }
            store.offered.push(body["Item"].clone());
        }
        ("UpdateItem", Some("ledger")) => {
            let reason = text(&body["ExpressionAttributeValues"][":reason"]);
            store.suppressed.push((text(&body["Key"]["pk"]), reason));
        }
        ("UpdateItem", Some("links")) => store.used.push(text(&body["Key"]["pk"])),
        ("SendMessage", None) => {
            let message = body["MessageBody"].as_str().unwrap();
            store.messages.push(UnsubscribeItem::from_json(message).unwrap());
            return json!({"MessageId": "m", "MD5OfMessageBody": "m"}).to_string().into_response();
        }
        other => panic!("the function does not ask for {other:?}"),
    }
    "{}".into_response()
}

fn refusal(kind: &str, status: StatusCode) -> Response {
    let body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": "refused"});
    (status, [("content-type", "application/x-amz-json-1.0")], body.to_string()).into_response()
}

#[tokio::test]
async fn looking_changes_nothing_and_asks() {
    let world = World::new().await;
    for method in ["GET", "HEAD", "GET"] {
        let (status, answer) = world.send(method, &world.path).await;
        assert_eq!(status, 200);
        let policy = answer["headers"]["content-security-policy"].as_str().unwrap();
        assert!(policy.contains("form-action 'self'") && !policy.contains("script"), "{policy}");
        let html = answer["body"].as_str().unwrap();
        let form = format!(r#"<form method="post" action="{}">"#, world.path);
        assert!(method == "HEAD" || (html.contains(&form) && html.contains("Abmelden")), "{html}");
    }
    assert_eq!(world.effects(), (0, 0, 0));
}

#[tokio::test]
async fn a_post_ends_marketing_whoever_sends_it() {
    let world = World::new().await;
    let (status, answer) = world.send("POST", &world.path).await;
    assert_eq!(status, 200);
    assert!(answer["body"].as_str().unwrap().contains("Sie haben sich abgemeldet"));
    assert_eq!(answer["headers"]["cache-control"], "no-store, private");
    let store = world.store.lock().unwrap();
    let key = format!("recipient#northwind-demo.myshopify.com#{}", customer().1.as_str());
    assert_eq!(store.suppressed, [(key, "unsubscribed by link".to_owned())]);
    assert_eq!(store.messages.len(), 1);
    assert_eq!((&store.messages[0].customer, store.messages[0].at), (&customer().0, now()));
}

#[tokio::test]
async fn doing_it_again_is_answered_in_the_same_way() {
    let world = World::new().await;
    let first = world.send("POST", &world.path).await;
    assert_eq!(world.send("POST", &world.path).await, first);
    assert_eq!(world.effects(), (2, 2, 2));
}

/// After each effect everything fails: the page says so, and the next try does the rest.
#[tokio::test]
async fn whatever_fails_on_the_way_is_done_by_the_next_try() {
    for effects in 0..3 {
        let world = World::new().await;
        world.allow(Some(effects));
        let (status, answer) = world.send("POST", &world.path).await;
        assert_eq!(status, 503, "after {effects}");
        assert_eq!(answer["headers"]["retry-after"], "120");
        world.allow(None);
        assert_eq!(world.send("POST", &world.path).await.0, 200);
        let (suppressed, messages, used) = world.effects();
        assert!(suppressed >= 1 && messages >= 1 && used == 1);
    }
}

#[tokio::test]
async fn whoever_guesses_gets_the_one_answer_and_changes_nothing() {
    let world = World::new().await;
    let expected = world.send("GET", "/d/x").await;
    assert_eq!(expected.0, 404);
    let document = world.path.replacen("/u/", "/d/", 1);
    let guess = format!("/u/{}A", "a".repeat(42));
    for path in [&guess, &document, "/u/x", "/u/"] {
        assert_eq!(world.send("GET", path).await, expected, "{path}");
    }
    assert_eq!(world.send("POST", &guess).await, expected);
    let (status, answer) = world.send("POST", &document).await;
    assert_eq!((status, &answer["headers"]["allow"]), (405, &json!("GET, HEAD")));
    let (status, answer) = world.send("DELETE", &world.path).await;
    assert_eq!((status, &answer["headers"]["allow"]), (405, &json!("GET, HEAD, POST")));
    assert_eq!(world.effects(), (0, 0, 0));
}

/// Only the hash of what is in the link is stored.
#[tokio::test]
async fn no_item_has_the_token() {
    let world = World::new().await;
    let token = world.path.strip_prefix("/u/").unwrap();
    assert!(!format!("{:?}", world.store.lock().unwrap().offered).contains(token));
    assert!(world.aws.seen().iter().all(|seen| !String::from_utf8_lossy(&seen.body).contains(token)));
}
