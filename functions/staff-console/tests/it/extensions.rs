//! The extensions' interface: who is let in, and that one shop never sees another one's documents.

use crate::{
    aws::{OTHER_SHOP, SHOP},
    world::{DELIVERED, FAILED, FOREIGN, UNKNOWN, World, body, pdf},
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

fn claims(change: impl FnOnce(&mut Value)) -> Value {
    let now = Timestamp::now().as_second();
    let mut claims = json!({
        "iss": format!("https://{SHOP}/admin"), "dest": format!("https://{SHOP}"), "aud": format!("app-of-{SHOP}"),
        "sub": "42", "exp": now + 60, "nbf": now - 1, "iat": now, "jti": "j", "sid": "s",
    });
    change(&mut claims);
    claims
}

fn signed(algorithm: Algorithm, secret: &str, claims: &Value) -> String {
    jsonwebtoken::encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret.as_bytes()))
        .unwrap()
}

fn token(change: impl FnOnce(&mut Value)) -> String {
    signed(Algorithm::HS256, &format!("secret-of-{SHOP}"), &claims(change))
}

async fn ask(world: &World, method: &str, path: &str, token: &str, body: Option<Value>) -> (u64, Value) {
    let headers = json!({"authorization": format!("Bearer {token}"), "content-type": "application/json"});
    let body = body.map(|body| body.to_string());
    let answer = world.send(method, path, headers, body.as_deref()).await;
    assert_eq!(answer["headers"]["access-control-allow-origin"], "*");
    assert_eq!(answer["headers"]["cache-control"], "no-store, private");
    assert!(answer["headers"]["set-cookie"].is_null());
    let text = answer["body"].as_str().unwrap();
    (answer["statusCode"].as_u64().unwrap(), serde_json::from_str(text).unwrap_or(Value::Null))
}

const LIST: &str = "/api/v1/documents?resource=gid://shopify/Order/1";

#[tokio::test]
async fn every_wrong_session_token_is_refused() {
    let world = World::new().await;
    assert_eq!(ask(&world, "GET", LIST, &token(|_| {}), None).await.0, 200);
    let good = token(|_| {});
    let payload = good.split('.').nth(1).unwrap();
    let none = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let own = format!("secret-of-{SHOP}");
    let other = format!("secret-of-{OTHER_SHOP}");
    let of_other = |it: &mut Value| {
        it["iss"] = json!(format!("https://{OTHER_SHOP}/admin"));
        it["dest"] = json!(format!("https://{OTHER_SHOP}"));
    };
    for (what, token) in [
        ("forged", signed(Algorithm::HS256, "guessed", &claims(|_| {}))),
        ("of another shop's app", signed(Algorithm::HS256, &other, &claims(|_| {}))),
        ("of another shop, with our secret", signed(Algorithm::HS256, &own, &claims(of_other))),
        ("another algorithm", signed(Algorithm::HS512, &own, &claims(|_| {}))),
        ("alg none", format!("{none}.{payload}.")),
        ("expired", token(|it| it["exp"] = json!(Timestamp::now().as_second() - 11))),
        ("without an end", token(|it| drop(it.as_object_mut().unwrap().remove("exp")))),
        ("not yet valid", token(|it| it["nbf"] = json!(Timestamp::now().as_second() + 60))),
        ("for another app", token(|it| it["aud"] = json!("somebody"))),
        ("for several apps", token(|it| it["aud"] = json!([format!("app-of-{SHOP}"), "somebody"]))),
        ("a shop that is not served", token(|it| it["dest"] = json!("https://evil.myshopify.com"))),
        ("a host that is no shop", token(|it| it["dest"] = json!("https://evil.example"))),
        ("another scheme", token(|it| it["dest"] = json!(format!("http://{SHOP}")))),
        ("issued elsewhere", token(|it| it["iss"] = json!("https://evil.example/admin"))),
        ("of the shop front", token(|it| it["iss"] = json!(format!("https://{SHOP}/checkouts")))),
        ("a customer's", token(|it| it["sub"] = json!("gid://shopify/Customer/7"))),
        ("nobody's", token(|it| it["sub"] = json!(""))),
        ("nothing", String::new()),
    ] {
        let (status, answer) = ask(&world, "GET", LIST, &token, None).await;
        assert_eq!((status, &answer["error"]["code"]), (401, &json!("unauthenticated")), "{what}");
    }
    // a person's session opens nothing here
    let session = world.log_in("operator").await;
    let answer = world.send("GET", LIST, json!({"cookie": session}), None).await;
    assert_eq!(answer["statusCode"], 401);
}

#[tokio::test]
async fn a_shop_sees_its_own_documents_and_no_others() {
    let world = World::new().await;
    let (_, listed) = ask(&world, "GET", LIST, &token(|_| {}), None).await;
    let ids: Vec<_> =
        listed["documents"].as_array().unwrap().iter().map(|it| it["communication"].clone()).collect();
    assert_eq!(ids.len(), 3, "{listed}");
    assert!(!ids.contains(&json!(FOREIGN)));
    let row =
        listed["documents"].as_array().unwrap().iter().find(|it| it["communication"] == DELIVERED).unwrap();
    assert_eq!(row["label"], "Receipt");
    assert_eq!((&row["sent_at"], &row["may_resend"]), (&json!("2026-11-27T08:00:30Z"), &json!(true)));
    let resend = json!({"request": "form-0001", "reason": "asked"});
    for (method, path, body) in [
        ("GET", format!("/api/v1/documents/{FOREIGN}"), None),
        ("GET", format!("/api/v1/documents/{FOREIGN}/why"), None),
        ("POST", format!("/api/v1/documents/{FOREIGN}/open"), Some(json!({}))),
        ("POST", format!("/api/v1/documents/{FOREIGN}/resend"), Some(resend)),
    ] {
        let (status, answer) = ask(&world, method, &path, &token(|_| {}), body).await;
        assert_eq!((status, &answer["error"]["code"]), (404, &json!("not_found")), "{path}");
    }
    assert_eq!(world.sent(), []);
}

#[tokio::test]
async fn a_document_is_opened_by_an_address_that_works_for_a_moment() {
    let world = World::new().await;
    let path = format!("/api/v1/documents/{DELIVERED}/open");
    let (status, opened) = ask(&world, "POST", &path, &token(|_| {}), Some(json!({}))).await;
    assert_eq!((status, &opened["file_name"]), (200, &json!("Receipt 1001.pdf")), "{opened}");
    let address = opened["url"].as_str().unwrap().strip_prefix("http://console.localhost").unwrap();
    let answer = world.send("GET", address, json!({}), None).await;
    assert_eq!(answer["statusCode"], 200);
    assert_eq!(BASE64_STANDARD.decode(body(&answer)).unwrap(), pdf());
    assert_eq!(answer["headers"]["content-type"], "application/pdf");
    for wrong in [address.replace("/open/ey", "/open/ex"), format!("{address}x"), "/open/".to_owned()] {
        let status = &world.send("GET", &wrong, json!({}), None).await["statusCode"];
        assert_ne!(status, 200, "{wrong}");
    }
    // a session cookie is no ticket
    let session = world.log_in("support").await;
    let stolen = session.split_once('=').unwrap().1;
    assert_eq!(world.send("GET", &format!("/open/{stolen}"), json!({}), None).await["statusCode"], 410);
}

#[tokio::test]
async fn the_same_request_is_one_issue() {
    let world = World::new().await;
    let path = format!("/api/v1/documents/{DELIVERED}/resend");
    let resend = json!({"request": "form-0001", "reason": "asked again", "to": "right@example.com"});
    let (status, first) = ask(&world, "POST", &path, &token(|_| {}), Some(resend.clone())).await;
    assert_eq!(status, 202, "{first}");
    let (_, second) = ask(&world, "POST", &path, &token(|_| {}), Some(resend)).await;
    assert_eq!(first, second);
    let sent = world.sent();
    assert_eq!((sent.len(), &*sent[0].0), (2, "order-confirmation"));
    for (_, item) in sent {
        assert_eq!(
            (&item["resend"]["actor"], &item["resend"]["to"]),
            (&json!("shopify:42"), &json!("right@example.com"))
        );
        assert_eq!(item["resend"]["revision"], world.sent()[0].1["resend"]["revision"]);
    }
}

#[tokio::test]
async fn what_is_not_done_is_said_and_nothing_is_queued() {
    let world = World::new().await;
    let of = |id: &str| format!("/api/v1/documents/{id}/resend");
    for (path, body, status, code) in [
        (of(FAILED), json!({"request": "form-0001", "reason": "x"}), 409, "refused"),
        (of(DELIVERED), json!({"request": "short", "reason": "x"}), 400, "invalid"),
        (of(DELIVERED), json!({"request": "form-0001", "reason": ""}), 409, "refused"),
        (of(DELIVERED), json!({"request": "form-0001", "reason": "x", "to": "nowhere"}), 409, "refused"),
        (of(DELIVERED), json!({"request": "form-0001", "reason": "x", "unknown": 1}), 400, "invalid"),
        (of(DELIVERED), json!({"request": "form-0001", "reason": "x".repeat(20_000)}), 413, "too_large"),
        ("/api/v1/print".to_owned(), json!({"communications": []}), 400, "invalid"),
        ("/api/v1/nothing".to_owned(), json!({}), 404, "not_found"),
    ] {
        let (found, answer) = ask(&world, "POST", &path, &token(|_| {}), Some(body)).await;
        assert_eq!((found, &answer["error"]["code"]), (status, &json!(code)), "{path}: {answer}");
    }
    let (status, answer) = ask(&world, "GET", &of(DELIVERED), &token(|_| {}), None).await;
    assert_eq!((status, &answer["error"]["code"]), (405, &json!("method")));
    world.change(|aws| aws.table_fails = true);
    let (status, answer) = ask(
        &world,
        "POST",
        &of(DELIVERED),
        &token(|_| {}),
        Some(json!({"request": "form-0001", "reason": "x"})),
    )
    .await;
    assert_eq!((status, &answer["error"]["code"]), (503, &json!("unavailable")));
    assert_eq!(world.sent(), []);
}

#[tokio::test]
async fn why_is_answered_where_there_is_nothing_too() {
    let world = World::new().await;
    let (_, answer) =
        ask(&world, "GET", "/api/v1/why?resource=gid://shopify/Order/9", &token(|_| {}), None).await;
    assert_eq!(answer["documents"], json!([]));
    assert_eq!(answer["sentences"][0], "The ledger knows no document about it.");
    let (_, answer) =
        ask(&world, "GET", &format!("/api/v1/documents/{UNKNOWN}/why"), &token(|_| {}), None).await;
    assert!(
        answer["sentences"][0].as_str().unwrap().starts_with("Nobody knows whether it was sent"),
        "{answer}"
    );
}

#[tokio::test]
async fn many_are_printed_and_what_cannot_be_stops_no_other() {
    let world = World::new().await;
    let wanted = json!({"communications": [DELIVERED, FAILED, FOREIGN]});
    let (status, answer) = ask(&world, "POST", "/api/v1/print", &token(|_| {}), Some(wanted)).await;
    assert_eq!(status, 200);
    let documents = answer["documents"].as_array().unwrap();
    assert!(documents[0]["url"].is_string() && documents[0]["error"].is_null(), "{answer}");
    assert_eq!(documents[1]["error"], "It was not done: there is no PDF of it.");
    assert_eq!(documents[2]["error"], "There is no such document.");
    assert_eq!(answer["merged"]["pages"], 1);
}

#[tokio::test]
async fn a_browser_may_ask_whether_it_may_ask() {
    let world = World::new().await;
    let answer =
        world.send("OPTIONS", LIST, json!({"origin": "https://extensions.shopifycdn.com"}), None).await;
    assert_eq!(answer["statusCode"], 204);
    assert_eq!(answer["headers"]["access-control-allow-headers"], "authorization, content-type");
}
