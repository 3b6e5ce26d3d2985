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
    let hold = json!({"matter": "case 1", "reason": "x"});
    for (method, path, body) in [
        ("GET", format!("/api/v1/documents/{FOREIGN}"), None),
        ("GET", format!("/api/v1/documents/{FOREIGN}/why"), None),
        ("POST", format!("/api/v1/documents/{FOREIGN}/open"), Some(json!({}))),
        ("POST", format!("/api/v1/documents/{FOREIGN}/resend"), Some(resend)),
        ("GET", format!("/api/v1/documents/{FOREIGN}/holds"), None),
        ("POST", format!("/api/v1/documents/{FOREIGN}/hold"), Some(hold.clone())),
        ("POST", format!("/api/v1/documents/{FOREIGN}/release"), Some(hold)),
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
async fn what_is_too_large_to_be_printed_with_the_others_says_so() {
    let world = World::new().await;
    world.change(|aws| {
        for (id, bytes) in [(DELIVERED, 3), (UNKNOWN, 2)] {
            aws.archive(id, SHOP, "application/pdf", vec![b' '; bytes << 20].into(), json!({}));
        }
    });
    let wanted = json!({"communications": [DELIVERED, UNKNOWN]});
    let (_, answer) = ask(&world, "POST", "/api/v1/print", &token(|_| {}), Some(wanted)).await;
    let documents = answer["documents"].as_array().unwrap();
    assert!(documents[0]["error"].is_null(), "{answer}");
    assert_eq!(documents[1]["error"], "It was not done: it is too large to be printed with the others.");
    assert_eq!(answer["merged"]["pages"], 1, "the first one alone");
}

/// A document of one empty page, which can be put behind others.
fn page() -> Vec<u8> {
    use lopdf::{Document, Object, dictionary};
    let mut document = Document::with_version("1.7");
    let root = document.new_object_id();
    let page = document.add_object(dictionary! {"Type" => "Page", "Parent" => root});
    let pages = dictionary! {
        "Type" => "Pages", "Kids" => vec![Object::Reference(page)], "Count" => 1,
        "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()],
    };
    document.objects.insert(root, Object::Dictionary(pages));
    let catalog = document.add_object(dictionary! {"Type" => "Catalog", "Pages" => root});
    document.trailer.set("Root", catalog);
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn the_admin_of_the_shop_may_fetch_and_frame_what_it_prints() {
    let world = World::new().await;
    world.change(|aws| aws.archive(DELIVERED, SHOP, "application/pdf", page().into(), json!({})));
    let wanted = json!({"communications": [DELIVERED]});
    let (_, answer) = ask(&world, "POST", "/api/v1/print", &token(|_| {}), Some(wanted)).await;
    let address = |it: &Value| it["url"].as_str().unwrap().replace("http://console.localhost", "");
    let merged = address(&answer["merged"]);
    let may = world.send("OPTIONS", &merged, json!({"origin": "https://admin.shopify.com"}), None).await;
    assert_eq!(
        (&may["statusCode"], &may["headers"]["access-control-allow-origin"]),
        (&json!(204), &json!("*"))
    );
    let headers = &world.send("GET", &merged, json!({}), None).await["headers"];
    assert_eq!(headers["access-control-allow-origin"], "*");
    assert!(headers["x-frame-options"].is_null());
    let policy = headers["content-security-policy"].as_str().unwrap();
    let framed = format!("frame-ancestors https://admin.shopify.com https://{SHOP}");
    assert!(policy.ends_with(&framed), "{policy}");
    world.change(|aws| assert_eq!(aws.entries().len(), 1, "a printed document is on record"));
    // a document alone is opened in a window of its own
    let headers = &world.send("GET", &address(&answer["documents"][0]), json!({}), None).await["headers"];
    assert_eq!(headers["x-frame-options"], "DENY");
    assert!(headers["access-control-allow-origin"].is_null());
}

#[tokio::test]
async fn what_the_staff_holds_they_release_and_nothing_else() {
    let world = World::new().await;
    let change = async |what: &str, matter: &str| {
        let path = format!("/api/v1/documents/{DELIVERED}/{what}");
        let body = json!({"matter": matter, "reason": "the lawyers asked"});
        ask(&world, "POST", &path, &token(|_| {}), Some(body)).await
    };
    let own = json!([{"matter": "case 1", "may_release": true}]);
    for _ in 0..2 {
        let (status, answer) = change("hold", "case 1").await;
        assert_eq!((status, &answer["matters"]), (200, &own), "{answer}");
    }
    world.change(|aws| {
        let facts = aws.facts(DELIVERED);
        assert_eq!(facts.len(), 1, "the same again is no second fact");
        assert_eq!(facts[0].fact.decision.as_ref().unwrap().actor, "shopify:42");
        assert_eq!(facts[0].fact.matter.as_deref(), Some("staff: case 1"));
        assert_eq!(aws.held(DELIVERED).len(), 3, "document, record and fact");
    });

    // a hold that others placed is seen and stays, however it is called
    let path = format!("/api/v1/documents/{DELIVERED}/holds");
    change("hold", "case 2").await;
    world.change(|aws| {
        let theirs = |text: &str| text.replace("staff: case 2", "case 2");
        for (key, bytes) in aws.objects.iter_mut().filter(|(key, _)| key.contains("fact-")) {
            if !key.contains("access/") {
                *bytes = theirs(std::str::from_utf8(bytes).unwrap()).into();
            }
        }
    });
    let (_, answer) = ask(&world, "GET", &path, &token(|_| {}), None).await;
    let theirs = json!({"matter": "case 2", "may_release": false});
    assert_eq!(answer["matters"][1], theirs, "{answer}");
    assert_eq!(change("release", "case 2").await.1["matters"].as_array().unwrap().len(), 2);
    let (_, answer) = change("release", "case 1").await;
    assert_eq!(answer["matters"], json!([theirs]));
    world.change(|aws| assert!(aws.held(DELIVERED).len() >= 3, "the last matter keeps it"));
}

#[tokio::test]
async fn a_release_of_the_last_matter_frees_every_object() {
    let world = World::new().await;
    for (what, held) in [("hold", 3), ("release", 0)] {
        let path = format!("/api/v1/documents/{DELIVERED}/{what}");
        let body = json!({"matter": "case 1", "reason": "x"});
        let (status, answer) = ask(&world, "POST", &path, &token(|_| {}), Some(body)).await;
        assert_eq!(status, 200, "{answer}");
        world.change(|aws| assert_eq!(aws.held(DELIVERED).len(), held, "{what}"));
    }
}

#[tokio::test]
async fn nothing_is_held_without_evidence_a_matter_and_a_reason() {
    let world = World::new().await;
    for (id, matter, reason, status) in [
        (FAILED, "case 1", "x", 409),
        (DELIVERED, " ", "x", 409),
        (DELIVERED, "a\nb", "x", 409),
        (DELIVERED, &*"m".repeat(100), "x", 409),
        (DELIVERED, "case 1", "", 409),
    ] {
        for what in ["hold", "release"] {
            let path = format!("/api/v1/documents/{id}/{what}");
            let body = json!({"matter": matter, "reason": reason});
            let (found, answer) = ask(&world, "POST", &path, &token(|_| {}), Some(body)).await;
            assert_eq!((found, &answer["error"]["code"]), (status, &json!("refused")), "{matter}: {answer}");
        }
    }
    let (_, answer) =
        ask(&world, "GET", &format!("/api/v1/documents/{FAILED}/holds"), &token(|_| {}), None).await;
    assert_eq!((&answer["may_hold"], &answer["matters"]), (&json!(false), &json!([])));
    // what cannot be put on record is not held
    world.change(|aws| aws.archive_is_full = true);
    let body = json!({"matter": "case 1", "reason": "x"});
    let path = format!("/api/v1/documents/{DELIVERED}/hold");
    let (status, _) = ask(&world, "POST", &path, &token(|_| {}), Some(body)).await;
    assert_eq!(status, 503);
}

#[tokio::test]
async fn a_browser_may_ask_whether_it_may_ask() {
    let world = World::new().await;
    let answer =
        world.send("OPTIONS", LIST, json!({"origin": "https://extensions.shopifycdn.com"}), None).await;
    assert_eq!(answer["statusCode"], 204);
    assert_eq!(answer["headers"]["access-control-allow-headers"], "authorization, content-type");
}
