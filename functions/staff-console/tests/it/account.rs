//! What a customer has of an order: only who has logged in, only what is theirs, and only by a link that is in force.

use crate::{
    aws::{OTHER_SHOP, SHOP},
    world::{DELIVERED, FAILED, FOREIGN, UNKNOWN, World},
};
use comms::{CustomerKey, Gid};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use links::{LinkKey, Token};
use serde_json::{Map, Value, json};

const LIST: &str = "/api/v1/account/documents?order=gid://shopify/Order/1";
const KEY: &str = "llllllllllllllllllllllllllllllll";

fn token(change: impl FnOnce(&mut Value)) -> String {
    let now = Timestamp::now().as_second();
    let mut claims = json!({
        "dest": SHOP, "aud": format!("app-of-{SHOP}"), "sub": "gid://shopify/Customer/7",
        "exp": now + 60, "nbf": now - 1, "iat": now, "jti": "j",
    });
    change(&mut claims);
    signed(&format!("secret-of-{SHOP}"), &claims)
}

fn signed(secret: &str, claims: &Value) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).unwrap()
}

async fn ask(world: &World, path: &str, token: &str) -> (u64, Value) {
    let headers = json!({"authorization": format!("Bearer {token}")});
    let answer = world.send("GET", path, headers, None).await;
    assert_eq!(answer["headers"]["access-control-allow-origin"], "*");
    assert_eq!(answer["headers"]["cache-control"], "no-store, private");
    let text = answer["body"].as_str().unwrap();
    (answer["statusCode"].as_u64().unwrap(), serde_json::from_str(text).unwrap())
}

fn key_of(shop: &str, number: u64) -> String {
    let customer = Gid::new("Customer", number);
    CustomerKey::derive("c".repeat(64).as_bytes(), &shop.parse().unwrap(), &customer).as_str().to_owned()
}

/// As DynamoDB has it.
fn attribute(value: &Value) -> Value {
    match value {
        Value::String(text) => json!({"S": text}),
        Value::Number(number) => json!({"N": number.to_string()}),
        Value::Bool(it) => json!({"BOOL": it}),
        Value::Null => json!({"NULL": true}),
        Value::Array(all) => json!({"L": all.iter().map(attribute).collect::<Vec<_>>()}),
        Value::Object(map) => {
            let map: Map<_, _> = map.iter().map(|(name, it)| (name.clone(), attribute(it))).collect();
            json!({"M": map})
        }
    }
}

fn opener(id: &str, serial: u32) -> Token {
    Token::derive(&LinkKey::new(KEY.to_owned().into()).unwrap(), &id.parse().unwrap(), serial)
}

/// Publishes a communication for customer 7 of a shop.
fn publish(world: &World, id: &str, shop: &str, change: impl FnOnce(&mut Value)) {
    let token = opener(id, 2);
    let mut link: Value =
        serde_json::from_str(include_str!("../../../../shared/links/samples/link.v1.json")).unwrap();
    let more = json!({
        "communication": id, "serial": 2, "shop": shop, "token_sha256": token.hash().as_str(),
        "valid_until_epoch_ms": Timestamp::now().as_millisecond() + 60_000,
    });
    link.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    link.as_object_mut().unwrap().remove("revoked");
    change(&mut link);
    let current = json!({
        "pk": format!("communication#{id}"), "serial": 2, "token_sha256": link["token_sha256"], "expires_epoch_s": 1
    });
    let pk = format!("link#{}", link["token_sha256"].as_str().unwrap());
    link["pk"] = json!(pk);
    world.change(|aws| {
        aws.items.get_mut(id).unwrap()["customer"] = json!({"S": key_of(shop, 7)});
        for item in [current, link] {
            let pk = item["pk"].as_str().unwrap().to_owned();
            aws.items.insert(pk, attribute(&item)["M"].clone());
        }
    });
}

async fn listed(world: &World, token: &str) -> Vec<Value> {
    let (status, answer) = ask(world, LIST, token).await;
    assert_eq!(status, 200, "{answer}");
    answer["documents"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_customer_has_the_link_that_they_were_sent() {
    let world = World::new().await;
    publish(&world, DELIVERED, SHOP, |_| {});
    let documents = listed(&world, &token(|_| {})).await;
    assert_eq!(documents.len(), 1);
    let url = format!("https://documents.example/d/{}", opener(DELIVERED, 2).expose());
    assert_eq!(
        (&documents[0]["url"], &documents[0]["title"]),
        (&json!(url), &json!("Reçu")),
        "{documents:?}"
    );
    // as an address, too: Shopify's documentation has both
    let documents = listed(&world, &token(|it| it["dest"] = json!(format!("https://{SHOP}")))).await;
    assert_eq!(documents.len(), 1);
}

#[tokio::test]
async fn nobody_has_what_is_not_theirs_or_has_ended() {
    let world = World::new().await;
    publish(&world, FOREIGN, OTHER_SHOP, |_| {});
    assert_eq!(listed(&world, &token(|_| {})).await, Vec::<Value>::new(), "another shop's");
    publish(&world, DELIVERED, SHOP, |_| {});
    for other in ["gid://shopify/Customer/8", "gid://shopify/Customer/70"] {
        assert_eq!(
            listed(&world, &token(|it| it["sub"] = json!(other))).await,
            Vec::<Value>::new(),
            "{other}"
        );
    }
    type Change = fn(&mut Value);
    let ended: [(&str, Change); 4] = [
        ("expired", |it| it["valid_until_epoch_ms"] = json!(Timestamp::now().as_millisecond() - 1)),
        ("taken back", |it| it["revoked"] = json!({"at_epoch_ms": 1, "actor": "a", "reason": "r"})),
        ("of another communication", |it| it["communication"] = json!(UNKNOWN)),
        ("made with another key", |it| it["serial"] = json!(3)),
    ];
    for (what, change) in ended {
        publish(&world, DELIVERED, SHOP, change);
        assert_eq!(listed(&world, &token(|_| {})).await, Vec::<Value>::new(), "{what}");
    }
    // what was made for nobody who is known
    publish(&world, FAILED, SHOP, |_| {});
    world.change(|aws| drop(aws.items.get_mut(FAILED).unwrap().as_object_mut().unwrap().remove("customer")));
    assert_eq!(listed(&world, &token(|_| {})).await, Vec::<Value>::new());
}

#[tokio::test]
async fn only_a_customer_who_has_logged_in_is_answered() {
    let world = World::new().await;
    publish(&world, DELIVERED, SHOP, |_| {});
    let now = Timestamp::now().as_second();
    for (what, token) in [
        ("not logged in", token(|it| drop(it.as_object_mut().unwrap().remove("sub")))),
        ("a member of the staff", token(|it| it["sub"] = json!("42"))),
        ("something else", token(|it| it["sub"] = json!("gid://shopify/Order/7"))),
        ("expired", token(|it| it["exp"] = json!(now - 11))),
        ("not yet valid", token(|it| it["nbf"] = json!(now + 60))),
        ("for another app", token(|it| it["aud"] = json!("somebody"))),
        ("for several apps", token(|it| it["aud"] = json!([format!("app-of-{SHOP}"), "somebody"]))),
        ("of another shop", token(|it| it["dest"] = json!(OTHER_SHOP))),
        ("of a shop that is not served", token(|it| it["dest"] = json!("evil.myshopify.com"))),
        (
            "forged",
            signed(
                "guessed",
                &json!({"dest": SHOP, "aud": format!("app-of-{SHOP}"), "exp": now + 60, "sub": "gid://shopify/Customer/7"}),
            ),
        ),
        ("nothing", String::new()),
    ] {
        let (status, answer) = ask(&world, LIST, &token).await;
        assert_eq!((status, &answer["error"]["code"]), (401, &json!("unauthenticated")), "{what}");
    }
    for path in ["/api/v1/account/documents", "/api/v1/account/documents?order=gid://shopify/Customer/7"] {
        assert_eq!(ask(&world, path, &token(|_| {})).await.0, 400, "{path}");
    }
    // a customer's token opens nothing of the staff's
    for path in
        ["/api/v1/documents?resource=gid://shopify/Order/1", &format!("/api/v1/documents/{DELIVERED}/why")]
    {
        assert_eq!(ask(&world, path, &token(|_| {})).await.0, 401, "{path}");
    }
    world.change(|aws| aws.table_fails = true);
    assert_eq!(ask(&world, LIST, &token(|_| {})).await.0, 503);
}
