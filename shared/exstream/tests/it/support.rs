//! A scripted server, a shop, and the request as text.

use axum::{
    body::{Body, Bytes},
    http::StatusCode,
    response::Response,
};
use comms::{Document, ShopDomain};
use exstream::{
    Budget, Catalogue, ComposeCall, Composed, Credentials, Exstream, ExstreamError, Template, TemplateCall,
    TokenSource,
};
use jiff::Timestamp;
use shop_config::{DocumentConfig, ShopConfig};
use std::{sync::Arc, time::Duration};

pub use fakes::{Seen, Server};

pub const DRIVER: &str = r##"{"order":{"name":"#1001","customer":"Zoë Öztürk"}}"##;
pub const PDF: &[u8] = b"%PDF-1.7 hello";

pub fn answer(status: u16, media_type: &str, body: impl Into<Body>) -> Response {
    Response::builder()
        .status(StatusCode::from_u16(status).unwrap())
        .header("content-type", media_type)
        .body(body.into())
        .unwrap()
}

pub fn json(status: u16, body: impl Into<Body>) -> Response {
    answer(status, "application/json", body)
}

/// One output in orchestration's envelope.
pub fn envelope(media_type: &str, content: &[u8]) -> String {
    use base64::Engine as _;
    let content = base64::prelude::BASE64_STANDARD.encode(content);
    format!(
        r#"{{"status":"success","data":[{{"content":"{content}","mimeType":"{media_type}","engineOutputContext":{{"queueName":"PDF","fileName":"a.pdf","customerNumber":"7"}}}}]}}"#
    )
}

/// A shop whose Exstream is at `base`; `exstream` and `document` are further TOML lines.
pub fn config(base: &str, exstream: &str, document: &str) -> ShopConfig {
    let (adapter, exstream) = match exstream.strip_prefix("sgw") {
        Some(rest) => ("sgw", rest),
        None => ("orchestration", exstream),
    };
    let token = if exstream.contains("token") { "" } else { "token = { mode = \"none\" }" };
    ShopConfig::parse(&format!(
        r##"
        version = 1
        shop = "acme.myshopify.com"
        time_zone = "Europe/Paris"
        default_locale = "en"
        brand = {{ name = "Acme" }}
        [exstream]
        adapter = "{adapter}"
        base_url = "{base}"
        domain = "acme dev/1"
        {token}
        {exstream}
        [documents.order-confirmation]
        communication = "e0421aa8-c1ce-41d9-a10a-cb830ebd4beb"
        data_source = "Driver"
        {document}
        "##
    ))
    .unwrap()
}

pub fn document(config: &ShopConfig) -> &DocumentConfig {
    config.document(Document::OrderConfirmation).unwrap()
}

pub fn shop() -> ShopDomain {
    "acme.myshopify.com".parse().unwrap()
}

pub fn client_credentials() -> Credentials {
    serde_json::from_str(r#"{"client_id":"id 1","client_secret":"s&cret"}"#).unwrap()
}

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub fn exstream() -> Exstream {
    let http = reqwest::Client::new();
    Exstream::new(http.clone(), Arc::new(TokenSource::new(http)))
}

/// A composition with the shop's settings, without a token unless `credentials` say so.
pub async fn compose_with(
    exstream: &Exstream,
    config: &ShopConfig,
    credentials: &Credentials,
    timeout: Duration,
) -> Result<Composed, ExstreamError> {
    let call = ComposeCall {
        shop: &config.shop,
        settings: &config.exstream,
        document: document(config),
        credentials,
        driver: Bytes::from_static(DRIVER.as_bytes()),
        sends: false,
        now: at(0),
        budget: Budget::new(timeout),
    };
    exstream.compose(call).await
}

pub async fn compose(config: &ShopConfig) -> Result<Composed, ExstreamError> {
    compose_with(&exstream(), config, &Credentials::None, Duration::from_secs(10)).await
}

/// The template of [`config`].
pub const ID: &str = "e0421aa8-c1ce-41d9-a10a-cb830ebd4beb";

pub fn catalogue() -> Catalogue {
    let http = reqwest::Client::new();
    Catalogue::new(http.clone(), Arc::new(TokenSource::new(http)))
}

pub async fn template(
    catalogue: &Catalogue,
    config: &ShopConfig,
    second: i64,
) -> Result<Template, ExstreamError> {
    let call = TemplateCall {
        shop: &config.shop,
        settings: &config.exstream,
        document: document(config),
        credentials: &Credentials::None,
        now: at(second),
        timeout: Duration::from_secs(5),
    };
    catalogue.template(call).await
}
