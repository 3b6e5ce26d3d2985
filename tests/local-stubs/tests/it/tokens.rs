//! The ways to a token, and what happens without a good one.

use crate::support::{SHOP, Stub, exstream, shopify};
use reqwest::Method;
use serde_json::{Value, json};
use stub_exstream::ExstreamOptions;

async fn ask(stub: &Stub, path: &str, json_body: bool, body: &str) -> (u16, Value) {
    let kind = if json_body { "application/json" } else { "application/x-www-form-urlencoded" };
    let request = stub.http.post(stub.url(path)).header("content-type", kind).body(body.to_owned());
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn version(stub: &Stub, header: &str, value: &str) -> (u16, Value) {
    let request = stub.http.get(stub.url("/orchestration/api/v1/version")).header(header, value);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn every_mode_gives_a_token_that_works_and_refuses_a_wrong_secret() {
    let stub = exstream(ExstreamOptions::default()).await;
    let json = |secret: &str| {
        json!({"client_id": "local", "client_secret": secret, "grant_type": "client_credentials"}).to_string()
    };
    let form = |secret: &str, scope: &str| {
        format!("grant_type=client_credentials&client_id=local&client_secret={secret}&scope={scope}")
    };
    let saas = |secret: &str| form(secret, "search+otds%3Agroups+subscription%3Aacme");
    let local = |secret: &str| form(secret, "otds:groups");
    let ticket = |secret: &str| json!({"userName": "local", "password": secret}).to_string();
    type Body<'a> = &'a dyn Fn(&str) -> String;
    let modes: [(&str, bool, Body<'_>); 4] = [
        ("/tenants/t1/oauth2/token", true, &json),
        ("/otdstenant/t1/oauth2/token", false, &saas),
        ("/otdsws/otdstenant/t1/oauth2/token", false, &local),
        ("/otdstenant/t1/otdsws/rest/authentication/credentials", true, &ticket),
    ];
    for (path, is_json, body) in modes {
        let (status, refused) = ask(&stub, path, is_json, &body("wrong")).await;
        assert_eq!(status, 401, "{path}: {refused}");
        let (status, granted) = ask(&stub, path, is_json, &body("local-secret")).await;
        assert_eq!(status, 200, "{path}: {granted}");
        let (header, value) = match granted["ticket"].as_str() {
            Some(ticket) => ("OTDSTicket", ticket.to_owned()),
            None => {
                assert_eq!(granted["expires_in"], 900);
                ("Authorization", format!("Bearer {}", granted["access_token"].as_str().unwrap()))
            }
        };
        assert_eq!(version(&stub, header, &value).await.0, 200, "{path}");
    }
    let newer = json!({"user_name": "local", "password": "local-secret"}).to_string();
    let (status, _) = ask(&stub, "/otdstenant/t1/otdsws/rest/authentication/credentials", true, &newer).await;
    assert_eq!(status, 200);
    for (secret, expected) in [("local-secret", 200), ("wrong", 401)] {
        let request = stub.http.post(stub.url("/tenants/t1/oauth2/token")).basic_auth("local", Some(secret));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body("grant_type=client_credentials").send().await.unwrap();
        assert_eq!(answer.status(), expected);
        // Core Messaging takes it with every request; it then says that it knows no such job
        let status = stub.http.get(stub.url("/mra/v1/outbound/emails/status?job_id=1"));
        let answer = status.basic_auth("local", Some(secret)).send().await.unwrap();
        assert_eq!(answer.status() == 401, expected == 401);
    }
    let (status, refused) =
        ask(&stub, "/otdstenant/t1/oauth2/token", false, &form("local-secret", "search")).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_scope")));
    stub.set("settings", json!({"authenticate": false})).await;
    assert_eq!(version(&stub, "x-none", "1").await.0, 200);
}

#[tokio::test]
async fn an_unknown_or_expired_token_is_refused_by_the_gateway() {
    let stub = exstream(ExstreamOptions::default()).await;
    let code = |answer: &(u16, Value)| (answer.0, answer.1["fault"]["detail"]["errorcode"].clone());
    let unknown = version(&stub, "Authorization", "Bearer nonsense").await;
    assert_eq!(code(&unknown), (401, json!("keymanagement.service.invalid_access_token")));
    let bearer = format!("Bearer {}", stub.token().await);
    assert_eq!(version(&stub, "Authorization", &bearer).await.0, 200);
    stub.control(Method::POST, "expire-tokens", None).await;
    let expired = version(&stub, "Authorization", &bearer).await;
    assert_eq!(code(&expired), (401, json!("keymanagement.service.access_token_expired")));
    stub.set("settings", json!({"token_lifetime_seconds": 0})).await;
    let short = format!("Bearer {}", stub.token().await);
    assert_eq!(version(&stub, "Authorization", &short).await.0, 401);
}

#[tokio::test]
async fn no_secret_is_kept_in_the_record_of_requests() {
    let stub = exstream(ExstreamOptions::default()).await;
    let token = stub.token().await;
    version(&stub, "Authorization", &format!("Bearer {token}")).await;
    let record = stub.look("requests").await.to_string();
    assert!(record.contains("oauth2/token") && record.contains("version"));
    assert!(!record.contains("local-secret") && !record.contains(&token), "{record}");
}

/// A renewal of an offline token, and whether its access token is accepted.
async fn renew(stub: &Stub, refresh_token: &Value, more: &str) -> (u16, Value) {
    let token = refresh_token.as_str().unwrap();
    let body = format!(
        "grant_type=refresh_token&client_id=local&client_secret=local-secret&refresh_token={token}{more}"
    );
    let path = format!("/admin/oauth/access_token?shop={SHOP}");
    ask(stub, &path, false, &body).await
}

async fn is_accepted(stub: &Stub, access_token: &Value) -> bool {
    let request = stub.http.post(stub.url("/admin/api/2026-10/graphql.json")).header("X-Stub-Shop", SHOP);
    let request = request.header("X-Shopify-Access-Token", access_token.as_str().unwrap());
    request.json(&json!({"query": "{ shop { id } }"})).send().await.unwrap().status() == 200
}

async fn pass(stub: &Stub, hours: u64) {
    stub.control(Method::POST, &format!("pass-time?seconds={}", hours * 3600), None).await;
}

#[tokio::test]
async fn an_offline_token_ends_after_an_hour_and_is_renewed_by_the_rules() {
    let stub = shopify().await;
    let first = stub.control(Method::POST, "offline-token", None).await;
    assert_eq!((&first["expires_in"], &first["refresh_token_expires_in"]), (&json!(3600), &json!(7_776_000)));
    assert!(is_accepted(&stub, &first["access_token"]).await);
    pass(&stub, 1).await;
    assert!(!is_accepted(&stub, &first["access_token"]).await);

    let (status, second) = renew(&stub, &first["refresh_token"], "").await;
    assert_eq!(status, 200, "{second}");
    assert!(is_accepted(&stub, &second["access_token"]).await);
    // the answer may have been lost: again, for as long as the replacement is not used
    pass(&stub, 24 * 29).await;
    let (status, third) = renew(&stub, &first["refresh_token"], "").await;
    assert_eq!(status, 200);
    assert!(
        !is_accepted(&stub, &second["access_token"]).await,
        "what is not documented is done the worse way"
    );
    let (status, fourth) = renew(&stub, &third["refresh_token"], "").await;
    assert_eq!(status, 200);
    let (status, refused) = renew(&stub, &first["refresh_token"], "").await;
    assert_eq!((status, &refused["error"]), (401, &json!("invalid_request")), "its replacement was used");
    let (status, _) = renew(&stub, &third["refresh_token"], "").await;
    assert_eq!(status, 200);
    // a month after the first use, and a life of three months
    pass(&stub, 24 * 30).await;
    assert_eq!(renew(&stub, &third["refresh_token"], "").await.0, 401);
    pass(&stub, 24 * 61).await;
    assert_eq!(renew(&stub, &fourth["refresh_token"], "").await.0, 401);
}

#[tokio::test]
async fn a_renewal_has_four_parameters_and_is_its_own_shops() {
    let stub = shopify().await;
    let first = stub.control(Method::POST, "offline-token", None).await;
    let (status, refused) = renew(&stub, &first["refresh_token"], "&expiring=1").await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_request")));
    assert_eq!(renew(&stub, &json!("shprt_other"), "").await.0, 401);
    let body = format!(
        "grant_type=refresh_token&client_id=local&client_secret=wrong&refresh_token={}",
        first["refresh_token"].as_str().unwrap()
    );
    assert_eq!(ask(&stub, "/admin/oauth/access_token", false, &body).await.0, 400);
    let body = body.replace("wrong", "local-secret");
    let (status, _) = ask(&stub, "/admin/oauth/access_token?shop=other.myshopify.com", false, &body).await;
    assert_eq!(status, 401, "of another shop");
}
