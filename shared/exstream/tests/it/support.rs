//! A scripted server, a shop, and the request as text.

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use comms::{Document, ShopDomain};
use exstream::{Budget, ComposeCall, Composed, Credentials, Exstream, ExstreamError, TokenSource};
use jiff::Timestamp;
use shop_config::{DocumentConfig, ShopConfig};
use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::net::TcpListener;

pub const DRIVER: &str = r##"{"order":{"name":"#1001","customer":"Zoë Öztürk"}}"##;
pub const PDF: &[u8] = b"%PDF-1.7 hello";

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The whole request with headers sorted and secrets covered.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", self.target);
        for (name, value) in &self.headers {
            let value = match name.as_str() {
                "host" => "[host]",
                "authorization" | "otdsticket" => "[token]",
                _ => value,
            };
            writeln!(text, "{name}: {value}").unwrap();
        }
        text + "\n" + &String::from_utf8_lossy(&self.body)
    }
}

type Answer = Arc<dyn Fn(&Seen) -> Response + Send + Sync>;

#[derive(Clone)]
pub struct Server {
    pub base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    answer: Answer,
}

impl Server {
    pub async fn start(answer: impl Fn(&Seen) -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { base, seen: Arc::default(), answer: Arc::new(answer) };
        let app = Router::new().fallback(handle).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        server
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub fn count(&self, part: &str) -> usize {
        self.seen().iter().filter(|seen| seen.target.contains(part)).count()
    }
}

async fn handle(State(server): State<Server>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let target = format!("{} {}", parts.method, parts.uri);
    let mut headers: Vec<_> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    let seen = Seen { target, headers, body: to_bytes(body, usize::MAX).await.unwrap() };
    server.seen.lock().unwrap().push(seen.clone());
    (server.answer)(&seen)
}

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
