//! Who is let in: the log-in of people, and every way in which a token of theirs can be wrong.

use crate::world::{World, body, cookie};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use stub_oidc::CLIENT;

#[tokio::test]
async fn nobody_sees_anything_before_they_have_logged_in() {
    let world = World::new().await;
    for address in
        ["/", "/?q=%231001", "/c/c4809f9b199959867b344883a5f958d0", "/failures", "/shops", "/nowhere"]
    {
        let answer = world.send("GET", address, json!({}), None).await;
        assert_eq!(answer["statusCode"], 303, "{address}");
        assert!(answer["headers"]["location"].as_str().unwrap().contains("/authorize?response_type=code"));
        assert_eq!(body(&answer), "");
        let forged = json!({"cookie": "__Host-console=eyJhbGciOiJub25lIn0.eyJhdWQiOiJzZXNzaW9uIn0."});
        assert_eq!(world.send("GET", address, forged, None).await["statusCode"], 303, "{address}");
    }
}

#[tokio::test]
async fn a_log_in_leads_to_the_page_that_was_asked_for() {
    let world = World::new().await;
    let begun = world.send("GET", "/?q=%231001", json!({}), None).await;
    let back = world.at_provider(&begun, "support").await;
    let finished = world.send("GET", &back, json!({"cookie": cookie(&begun)}), None).await;
    assert_eq!(finished["headers"]["location"], "/?q=%231001");
    let page = world.get("/", &cookie(&finished)).await;
    assert_eq!(page["statusCode"], 200);
    assert!(body(&page).contains("support@example.com"));
}

#[tokio::test]
async fn a_person_without_a_role_sees_nothing() {
    let world = World::new().await;
    let session = world.log_in("nobody").await;
    for address in ["/", "/?q=%231001", "/c/c4809f9b199959867b344883a5f958d0", "/failures", "/shops"] {
        let answer = world.get(address, &session).await;
        assert_eq!(answer["statusCode"], 403, "{address}");
        assert!(body(&answer).contains("You have no role here"));
        assert!(!body(&answer).contains("northwind") && !body(&answer).contains("<nav"));
    }
}

/// A code that somebody else got, a second use of a code, and a log-in that this browser did not begin.
#[tokio::test]
async fn a_code_serves_once_and_in_the_browser_that_asked() {
    let world = World::new().await;
    let begun = world.send("GET", "/", json!({}), None).await;
    let back = world.at_provider(&begun, "operator").await;
    for headers in [json!({}), json!({"cookie": cookie(&world.send("GET", "/", json!({}), None).await)})] {
        let refused = world.send("GET", &back, headers, None).await;
        assert_eq!(refused["statusCode"], 403);
        assert!(refused["headers"]["set-cookie"].as_str().is_none_or(|it| it.contains("Max-Age=0")));
    }
    let own = json!({"cookie": cookie(&begun)});
    assert_eq!(world.send("GET", &back, own.clone(), None).await["statusCode"], 303);
    assert_eq!(world.send("GET", &back, own, None).await["statusCode"], 403, "the code is used up");
}

fn claims(issuer: &str, change: impl FnOnce(&mut Value)) -> Value {
    let now = Timestamp::now().as_second();
    let mut claims = json!({
        "iss": issuer, "aud": CLIENT, "sub": "u", "exp": now + 60, "nonce": "n", "groups": ["support"],
    });
    change(&mut claims);
    claims
}

fn encoded(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

#[tokio::test]
async fn every_wrong_token_is_refused() {
    let world = World::new().await;
    let (provider, key) = world.identity_provider();
    let issuer = world.issuer.clone();
    let sign = |change: fn(&mut Value)| world.provider.sign(&claims(&issuer, change));
    let now = Timestamp::now();
    let good = sign(|_| {});
    assert!(provider.verify(&good, "n", now).await.is_ok());
    let (head, rest) = good.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    // the public key as the secret of a symmetric algorithm, in the forms that verifiers have fallen for
    let confused = |secret: &[u8]| {
        let header = Header { kid: key["kid"].as_str().map(str::to_owned), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, &claims(&issuer, |_| {}), &EncodingKey::from_secret(secret)).unwrap()
    };
    let altered = encoded(&claims(&issuer, |it| it["groups"] = json!(["operator"])));
    let none = encoded(&json!({"alg": "none", "kid": key["kid"]}));
    let unknown_key = encoded(&json!({"alg": "ES256", "kid": "another"}));
    let own_key = encoded(&json!({"alg": "ES256", "jwk": key}));
    for (what, token) in [
        ("altered", format!("{head}.{altered}.{signature}")),
        ("alg none", format!("{none}.{payload}.")),
        ("alg none with a signature", format!("{none}.{payload}.{signature}")),
        ("HS256 with the public key", confused(key.to_string().as_bytes())),
        ("HS256 with a coordinate", confused(key["x"].as_str().unwrap().as_bytes())),
        ("an unknown key", format!("{unknown_key}.{payload}.{signature}")),
        ("a key of its own", format!("{own_key}.{payload}.{}", &signature[..signature.len() - 2])),
        ("another issuer", sign(|it| it["iss"] = json!("https://evil.example"))),
        ("another audience", sign(|it| it["aud"] = json!("somebody"))),
        ("several audiences without azp", sign(|it| it["aud"] = json!([CLIENT, "somebody"]))),
        ("for another party", sign(|it| it["azp"] = json!("somebody"))),
        ("an access token", sign(|it| it["token_use"] = json!("access"))),
        ("expired", sign(|it| it["exp"] = json!(1))),
        ("without an end", sign(|it| drop(it.as_object_mut().unwrap().remove("exp")))),
        ("not yet valid", sign(|it| it["nbf"] = json!(4_000_000_000_u64))),
        ("another log-in", sign(|it| it["nonce"] = json!("m"))),
        ("no nonce", sign(|it| drop(it.as_object_mut().unwrap().remove("nonce")))),
        ("nothing", String::new()),
        ("dots", "..".to_owned()),
        ("long", format!("{head}.{}.{signature}", "A".repeat(10_000))),
    ] {
        assert!(provider.verify(&token, "n", now).await.is_err(), "{what}");
    }
}

/// Whoever invents key ids does not make the console ask the provider again and again.
#[tokio::test]
async fn keys_are_kept_and_asked_for_again_once_a_minute_at_the_most() {
    let world = World::new().await;
    let (provider, _) = world.identity_provider();
    let issuer = world.issuer.clone();
    let good = world.provider.sign(&claims(&issuer, |_| {}));
    let now = Timestamp::now();
    for _ in 0..3 {
        provider.verify(&good, "n", now).await.unwrap();
    }
    assert_eq!(world.provider.key_requests(), 1);
    let (_, rest) = good.split_once('.').unwrap();
    for number in 0..5 {
        let head = encoded(&json!({"alg": "ES256", "kid": format!("invented-{number}")}));
        assert!(provider.verify(&format!("{head}.{rest}"), "n", now).await.is_err());
    }
    assert_eq!(world.provider.key_requests(), 2);
}

#[tokio::test]
async fn logging_out_ends_the_session_in_the_browser() {
    let world = World::new().await;
    let session = world.log_in("support").await;
    let form = world.form("/", "/log-out", &session).await;
    let answer = world.post("/log-out", &session, &form).await;
    assert_eq!(answer["headers"]["location"], "/signed-out");
    assert!(answer["headers"]["set-cookie"].as_str().unwrap().contains("Max-Age=0"));
    assert_eq!(world.send("GET", "/signed-out", json!({}), None).await["statusCode"], 200);
}

/// Nobody knows whether they have a session, and nothing is said of it.
#[tokio::test]
async fn a_key_that_cannot_be_read_is_no_end_of_a_session() {
    let world = World::new().await;
    let session = world.log_in("operator").await;
    let form = world.form("/", "/log-out", &session).await;
    world.at(SignedDuration::from_mins(6));
    let key = world.aws.lock().unwrap().secrets.remove("p/console-key").unwrap();
    assert_eq!(world.get("/", &session).await["statusCode"], 503);
    assert_eq!(world.post("/log-out", &session, &form).await["statusCode"], 503);
    world.change(|aws| drop(aws.secrets.insert("p/console-key".to_owned(), key)));
    assert_eq!(world.get("/", &session).await["statusCode"], 200);
}

/// Browsers keep no cookie of more than 4096 bytes: the log-in would begin anew for ever.
#[tokio::test]
async fn a_long_address_does_not_get_into_the_cookie() {
    let world = World::new().await;
    let begun = world.send("GET", &format!("/?q={}", "a".repeat(4000)), json!({}), None).await;
    assert!(cookie(&begun).len() < 4096);
    let back = world.at_provider(&begun, "operator").await;
    let finished = world.send("GET", &back, json!({"cookie": cookie(&begun)}), None).await;
    assert_eq!(finished["headers"]["location"], "/");
}
