//! Exstream, Core Messaging and Shopify.
//!
//! Exstream and Core Messaging give one canned answer an operation. Shopify's answers are those of the stand-in
//! of the tests, which executes the queries against the samples. The answer to a request that was there before is
//! repeated, so that few queries are parsed while something is measured.

use crate::{
    Failure,
    counts::{Meter, Service},
    server::{lock, serve},
};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};
use stub_http::Running;
use stub_shopify::{ShopifyOptions, ShopifySettings, ShopifyStub};

/// As large as a letter of a few pages.
const PDF_BYTES: usize = 50 * 1024;

/// Exstream and Core Messaging on one listener.
pub struct Exstream {
    pub address: SocketAddr,
    html: Arc<AtomicBool>,
}

#[derive(Clone)]
struct Answers {
    meter: Meter,
    html: Arc<AtomicBool>,
    letter: Bytes,
    letter_and_page: Bytes,
    templates: Bytes,
}

impl Exstream {
    pub async fn start(meter: Meter) -> Result<Self, Failure> {
        let known: Vec<Value> =
            serde_json::from_str(include_str!("../../../infra/local/communications.json"))?;
        let letter = output("PDF", "application/pdf", &pdf());
        let page = output("HTML", "text/html", &page());
        let composed = |outputs: &[&Value]| json!({"status": "success", "data": outputs}).to_string().into();
        let templates = json!({"status": "success", "data": known, "page": {"totalElements": known.len()}});
        let html = Arc::<AtomicBool>::default();
        let state = Answers {
            meter,
            html: Arc::clone(&html),
            letter: composed(&[&letter]),
            letter_and_page: composed(&[&letter, &page]),
            templates: templates.to_string().into(),
        };
        let address = serve(Router::new().fallback(exstream_answer).with_state(state)).await?;
        Ok(Self { address, html })
    }

    /// Whether a composition makes a page of HTML beside the letter from now on.
    pub fn make_html(&self, html: bool) {
        self.html.store(html, Ordering::Relaxed);
    }
}

fn output(queue: &str, media_type: &str, content: &[u8]) -> Value {
    json!({
        "content": BASE64_STANDARD.encode(content), "mimeType": media_type,
        "engineOutputContext": {"queueName": queue, "fileName": "output", "customerNumber": "1"},
    })
}

async fn exstream_answer(State(answers): State<Answers>, method: Method, uri: Uri, _body: Bytes) -> Response {
    let Answers { meter, html, letter, letter_and_page, templates } = answers;
    let path = uri.path();
    if path.contains("/oauth2/token") {
        meter.request(Service::Exstream, "token").await;
        return json_answer(
            json!({"access_token": "t", "token_type": "Bearer", "expires_in": 3600}).to_string(),
        );
    }
    if path.starts_with("/mra/") {
        meter.request(Service::CoreMessaging, "send").await;
        let answer = json!({"job_id": "0194a7b0-4e3c-7d1e-9f6a-2b8c5d7e9f01"});
        return (StatusCode::CREATED, json_answer(answer.to_string())).into_response();
    }
    if method == Method::GET {
        let what = if path.contains("/links/") { "parts" } else { "templates" };
        meter.request(Service::Exstream, what).await;
        return json_answer(templates);
    }
    meter.request(Service::Exstream, "compose").await;
    json_answer(if html.load(Ordering::Relaxed) { letter_and_page } else { letter })
}

/// A document of one page that does not compress.
fn pdf() -> Vec<u8> {
    let mut noise = vec![0; PDF_BYTES];
    fastrand::Rng::with_seed(1).fill(&mut noise);
    one_page(&noise)
}

/// The same letter as a page of a few hundred lines.
fn page() -> Vec<u8> {
    let rows = "<tr><td>1 × Ridge rain jacket</td><td>129.00 EUR</td></tr>\n".repeat(300);
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><title>Your order</title></head><body><h1>Your order</h1>\
         <table>{rows}</table></body></html>"
    )
    .into_bytes()
}

/// A PDF of one page, with these bytes in it.
pub fn one_page(content: &[u8]) -> Vec<u8> {
    let stream =
        [format!("<</Length {}>>\nstream\n", content.len()).as_bytes(), content, b"\nendstream"].concat();
    let objects: [&[u8]; 4] = [
        b"<</Type /Catalog /Pages 2 0 R /Lang (en)>>",
        b"<</Type /Pages /Kids [3 0 R] /Count 1>>",
        b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842]>>",
        &stream,
    ];
    let mut bytes = b"%PDF-1.7\n".to_vec();
    let mut table = "xref\n0 5\n0000000000 65535 f \n".to_owned();
    for (number, object) in (1..).zip(objects) {
        table.push_str(&format!("{:010} 00000 n \n", bytes.len()));
        bytes.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
        bytes.extend_from_slice(object);
        bytes.extend_from_slice(b"\nendobj\n");
    }
    let place = bytes.len();
    let end = format!("{table}trailer\n<</Size 5 /Root 1 0 R>>\nstartxref\n{place}\n%%EOF\n");
    bytes.extend_from_slice(end.as_bytes());
    bytes
}

#[derive(Clone)]
struct Repeater {
    meter: Meter,
    origin: String,
    http: reqwest::Client,
    known: Arc<Mutex<HashMap<Bytes, Bytes>>>,
}

/// Shopify, and the stand-in that knows the answers.
pub struct Shopify {
    pub address: SocketAddr,
    origin: Running,
    http: reqwest::Client,
}

impl Shopify {
    pub async fn start(meter: Meter) -> Result<Self, Failure> {
        // what a shop may ask for is not what is measured
        let origin = shopify(ShopifySettings {
            bucket_size: 100_000_000,
            restore_rate: 100_000_000,
            ..ShopifySettings::default()
        })
        .await?;
        let http = reqwest::Client::new();
        let state = Repeater { meter, origin: origin.url(), http: http.clone(), known: Arc::default() };
        let address = serve(Router::new().fallback(shopify_answer).with_state(state)).await?;
        Ok(Self { address, origin, http })
    }

    /// Makes it know an order, by its event, or a document in the GraphQL shape.
    pub async fn learn(&self, shop: &str, what: &str, value: &Value) -> Result<(), Failure> {
        let url = format!("{}/__stub/{what}", self.origin.url());
        let answer = self.http.put(url).header("X-Stub-Shop", shop).json(value).send().await?;
        match answer.status().is_success() {
            true => Ok(()),
            false => {
                Err(format!("the stand-in for Shopify refuses a sample: {}", answer.text().await?).into())
            }
        }
    }
}

/// The stand-in of the tests, which knows Shopify's schema.
pub async fn shopify(settings: ShopifySettings) -> Result<Running, Failure> {
    let options = ShopifyOptions { settings, ..ShopifyOptions::default() };
    let running = ShopifyStub::start(SocketAddr::from(([127, 0, 0, 1], 0)), options).await;
    running.map_err(|error| {
        format!("the stand-in for Shopify: {error}; `infra/local/local.py install` brings its schema").into()
    })
}

async fn shopify_answer(
    State(repeater): State<Repeater>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let operation =
        serde_json::from_slice::<Value>(&body).ok().and_then(|body| operation(body["query"].as_str()?));
    repeater.meter.request(Service::Shopify, operation.as_deref().unwrap_or("token")).await;
    let known = lock(&repeater.known).get(&body).cloned();
    if let Some(known) = known {
        return json_answer(known);
    }
    match ask(&repeater, &uri, &headers, body.clone()).await {
        Ok(answer) => {
            lock(&repeater.known).insert(body, answer.clone());
            json_answer(answer)
        }
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

async fn ask(
    repeater: &Repeater,
    uri: &Uri,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Bytes, reqwest::Error> {
    let mut request = repeater.http.post(format!("{}{uri}", repeater.origin)).body(body);
    for name in ["content-type", "x-shopify-access-token"] {
        if let Some(value) = headers.get(name) {
            request = request.header(name, value);
        }
    }
    request.send().await?.error_for_status()?.bytes().await
}

/// `orderById` of `query orderById($id: ID!) { … }`.
fn operation(query: &str) -> Option<String> {
    let begin = query.find("query ").map(|at| at + 6).or_else(|| query.find("mutation ").map(|at| at + 9))?;
    let name: String =
        query[begin..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

pub fn json_answer(body: impl Into<Bytes>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body.into()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_has_the_name_its_author_gave_it() {
        assert_eq!(operation("# why\nquery orderById($id: ID!) { a }").as_deref(), Some("orderById"));
        assert_eq!(operation("mutation setStatus { a }").as_deref(), Some("setStatus"));
        assert_eq!(operation("{ shop { id } }"), None);
    }
}
