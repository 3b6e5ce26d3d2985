//! Tokens: how each mode asks, and how often.

use crate::support::{
    PDF, Server, at, client_credentials, compose_with, config, envelope, exstream, json, shop,
};
use comms::{Class, Classify};
use exstream::{
    AccessToken, Budget, Credentials, ExstreamError, Outgoing, TokenCall, TokenError, TokenSource, exchange,
};
use shop_config::{Token, UserField};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

fn source() -> TokenSource {
    TokenSource::new(reqwest::Client::new())
}

async fn get(
    source: &TokenSource,
    token: &Token,
    credentials: &Credentials,
    second: i64,
) -> Result<Arc<AccessToken>, TokenError> {
    let budget = Budget::new(Duration::from_secs(10));
    source.get(TokenCall { shop: &shop(), token, credentials, now: at(second), budget }).await
}

#[tokio::test]
async fn each_mode_asks_in_its_documented_way() {
    let server = Server::start(|_| {
        json(200, r#"{"access_token":"t","token_type":"Bearer","expires_in":"900","ticket":"k"}"#)
    })
    .await;
    let url = format!("{}/x", server.base);
    let user = serde_json::from_str::<Credentials>(r#"{"username":"u","password":"p\"w"}"#).unwrap();
    let client = client_credentials();
    let mut asked = String::new();
    for (token, credentials) in [
        (Token::GatewayJson { url: url.parse().unwrap() }, &client),
        (
            Token::OtdsSaas {
                url: url.parse().unwrap(),
                scope: "search otds:groups subscription:acme".to_owned(),
            },
            &client,
        ),
        (Token::OtdsLocal { url: url.parse().unwrap(), scope: "otds:groups".to_owned() }, &client),
        (Token::GatewayForm { url: url.parse().unwrap() }, &client),
        (Token::OtdsTicket { url: url.parse().unwrap(), user_field: UserField::UserName }, &user),
        (Token::OtdsTicket { url: url.parse().unwrap(), user_field: UserField::UserUnderscoreName }, &user),
    ] {
        let got = get(&source(), &token, credentials, 0).await.unwrap();
        assert_eq!(matches!(*got, AccessToken::Ticket(_)), matches!(token, Token::OtdsTicket { .. }));
        let seen = server.seen().last().unwrap().clone();
        let basic = seen.header("authorization");
        assert_eq!(basic, matches!(token, Token::GatewayForm { .. }).then_some("Basic aWQgMTpzJmNyZXQ="));
        asked += &format!("{}\n\n", seen.text());
    }
    insta::assert_snapshot!(asked);
    assert!(matches!(*get(&source(), &Token::None, &Credentials::None, 0).await.unwrap(), AccessToken::None));
}

#[tokio::test]
async fn basic_goes_with_every_request_and_asks_nobody() {
    let server = Server::start(|_| json(200, "{}")).await;
    let user = serde_json::from_str::<Credentials>(r#"{"username":"u","password":"p"}"#).unwrap();
    for (credentials, encoded) in [(&client_credentials(), "aWQgMTpzJmNyZXQ="), (&user, "dTpw")] {
        let token = get(&source(), &Token::Basic, credentials, 0).await.unwrap();
        let outgoing = Outgoing {
            method: reqwest::Method::GET,
            url: server.base.parse().unwrap(),
            headers: reqwest::header::HeaderMap::new(),
            body: bytes::Bytes::new(),
            limit: 100,
        };
        let budget = Budget::new(Duration::from_secs(5));
        exchange(&reqwest::Client::new(), &outgoing, &token, budget).await.unwrap();
        let seen = server.seen().last().unwrap().clone();
        assert_eq!(seen.header("authorization"), Some(format!("Basic {encoded}").as_str()));
        assert!(!format!("{token:?}").contains(encoded));
    }
    assert_eq!(server.seen().len(), 2);
    let error = get(&source(), &Token::Basic, &Credentials::None, 0).await.unwrap_err();
    assert!(error.to_string().contains("token mode `basic` needs"), "{error}");
}

#[tokio::test]
async fn twenty_callers_cause_one_request_and_expiry_another() {
    let server = Server::start(|_| json(200, r#"{"access_token":"t","expires_in":900}"#)).await;
    let token = Token::GatewayJson { url: server.base.parse().unwrap() };
    let (source, credentials) = (source(), client_credentials());
    let (source, token, credentials) = (Arc::new(source), Arc::new(token), Arc::new(credentials));
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (source, token, credentials) =
            (Arc::clone(&source), Arc::clone(&token), Arc::clone(&credentials));
        callers.spawn(async move { get(&source, &token, &credentials, 0).await.map(drop) });
    }
    assert!(callers.join_all().await.iter().all(Result::is_ok));
    assert_eq!(server.seen().len(), 1);
    get(&source, &token, &credentials, 719).await.unwrap();
    assert_eq!(server.seen().len(), 1);
    get(&source, &token, &credentials, 720).await.unwrap();
    assert_eq!(server.seen().len(), 2, "refreshed at 80 % of 900 s");
}

#[tokio::test]
async fn principals_do_not_share_tokens() {
    let server = Server::start(|_| json(200, r#"{"access_token":"t"}"#)).await;
    let token = Token::GatewayJson { url: server.base.parse().unwrap() };
    let source = source();
    let other = serde_json::from_str(r#"{"client_id":"id 2","client_secret":"s"}"#).unwrap();
    get(&source, &token, &client_credentials(), 0).await.unwrap();
    get(&source, &token, &other, 0).await.unwrap();
    assert_eq!(server.seen().len(), 2);
    get(&source, &token, &other, 719).await.unwrap();
    assert_eq!(server.seen().len(), 2, "15 minutes where the answer gives no lifetime");
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_for_all_callers() {
    let issued = AtomicUsize::new(0);
    let server = Server::start(move |seen| match seen.target.contains("/token") {
        true => json(200, format!(r#"{{"access_token":"t{}"}}"#, issued.fetch_add(1, Ordering::SeqCst))),
        false if seen.header("authorization") == Some("Bearer t0") => json(401, ""),
        false => json(200, envelope("application/pdf", PDF)),
    })
    .await;
    let token = format!("token = {{ mode = \"gateway_json\", url = \"{}/token\" }}", server.base);
    let config = Arc::new(config(&server.base, &token, ""));
    let exstream = Arc::new(exstream());
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (config, exstream) = (Arc::clone(&config), Arc::clone(&exstream));
        callers.spawn(async move {
            compose_with(&exstream, &config, &client_credentials(), Duration::from_secs(10)).await.map(drop)
        });
    }
    assert!(callers.join_all().await.iter().all(Result::is_ok));
    assert_eq!(server.count("/token"), 2);
}

#[tokio::test]
async fn a_second_refusal_is_an_answer() {
    for refusal in [(401, ""), (200, r#"{"status":"error","data":[{"errorMessage":"","statusCode":"401"}]}"#)]
    {
        let server = Server::start(move |seen| match seen.target.contains("/token") {
            true => json(200, r#"{"access_token":"t"}"#),
            false => json(refusal.0, refusal.1),
        })
        .await;
        let token = format!("token = {{ mode = \"gateway_json\", url = \"{}/token\" }}", server.base);
        let config = config(&server.base, &token, "");
        let error = compose_with(&exstream(), &config, &client_credentials(), Duration::from_secs(10))
            .await
            .unwrap_err();
        assert!(matches!(error, ExstreamError::Unauthorized { status: 401, .. }), "{error}");
        assert_eq!((server.count("/token"), server.count("/ondemand")), (2, 2));
        assert_eq!(error.class(), Class::transient());
    }
}

#[tokio::test]
async fn failures_are_named_and_not_kept() {
    let answers = Arc::new(AtomicUsize::new(0));
    let server = Server::start(move |_| match answers.fetch_add(1, Ordering::SeqCst) {
        0 => json(400, r#"{"error":"invalid_client","error_description":"secret s&cret is wrong"}"#),
        1 => json(200, r#"{"token_type":"Bearer"}"#),
        2 => json(200, r#"{"access_token":"a\nb"}"#),
        3 => json(503, "<html>"),
        _ => json(200, r#"{"access_token":"t"}"#),
    })
    .await;
    let token = Token::GatewayJson { url: server.base.parse().unwrap() };
    let source = source();
    for text in [
        "the token service refused: status 400, invalid_client",
        "the token service's answer has no usable token",
        "the token service's answer has no usable token",
        "the token service refused: status 503",
    ] {
        let error = get(&source, &token, &client_credentials(), 0).await.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.class()), (text, Class::transient()));
        assert!(!format!("{error:?}").contains("s&cret"));
    }
    get(&source, &token, &client_credentials(), 0).await.unwrap();
}

#[tokio::test]
async fn the_wrong_kind_of_credentials_is_named() {
    let ticket =
        Token::OtdsTicket { url: "http://127.0.0.1:1".parse().unwrap(), user_field: UserField::UserName };
    let error = get(&source(), &ticket, &client_credentials(), 0).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "token mode `otds_ticket` needs `username` and `password` in the shop's secret"
    );
    let json = Token::GatewayJson { url: "http://127.0.0.1:1".parse().unwrap() };
    let error = get(&source(), &json, &Credentials::None, 0).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "token mode `gateway_json` needs `client_id` and `client_secret` in the shop's secret"
    );
}

#[tokio::test]
async fn waiting_for_another_callers_token_ends_with_the_own_budget() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let token =
        Token::GatewayJson { url: format!("http://{}", listener.local_addr().unwrap()).parse().unwrap() };
    let (source, credentials, shop) = (source(), client_credentials(), shop());
    let call = |millis| TokenCall {
        shop: &shop,
        token: &token,
        credentials: &credentials,
        now: at(0),
        budget: Budget::new(Duration::from_millis(millis)),
    };
    let begun = std::time::Instant::now();
    let first = source.get(call(5_000));
    let second = async {
        tokio::task::yield_now().await;
        source.get(call(200)).await
    };
    let error = tokio::select! { biased; it = first => it.unwrap_err(), it = second => it.unwrap_err() };
    assert!(matches!(error, TokenError::OutOfTime), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(4));
}
