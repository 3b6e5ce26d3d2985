//! Exstream and Core Messaging with their faults, and the moods of Shopify.
//!
//! No two compositions are the same, so that a second one is seen wherever it gets to. Of a fault the client is told
//! as little as by the real ones: nothing was done, or everything and the answer is late or breaks off.

use super::{random::Random, tally::Tally};
use crate::{
    Failure,
    server::{lock, serve},
    vendors::json_answer,
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use base64::prelude::{BASE64_STANDARD, Engine};
use futures::stream;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::{HashMap, HashSet},
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Of a hundred compositions, so many end with an error, and of so many the answer comes to nothing.
const COMPOSE_FAILS: f64 = 0.05;
const COMPOSED_UNHEARD: f64 = 0.02;
/// Of a hundred e-mails, so many are refused for now, so many end with an error that does not say whether they
/// were taken (they were not), and of so many that were taken the answer comes to nothing.
const REFUSED: f64 = 0.03;
const UNCLEAR: f64 = 0.01;
const TAKEN_UNHEARD: f64 = 0.02;
const LATENCY: Duration = Duration::from_millis(40);
/// What an outage has refused is counted as.
pub const OUTAGE: &str = "refused by an outage";
const PDF_BYTES: usize = 4 * 1024;

/// What Core Messaging took.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Of the attachment, in hexadecimal.
    pub sha256: String,
    pub at: Instant,
}

#[derive(Clone)]
pub struct Messaging {
    /// By communication.
    pub sent: Arc<Mutex<HashMap<String, Vec<Sent>>>>,
    /// Communications whose sender was not told what became of their e-mail.
    pub untold: Arc<Mutex<HashSet<String>>>,
    /// Whether all services of OpenText are down: every request is refused.
    pub down: Arc<AtomicBool>,
    random: Random,
    tally: Tally,
    templates: Bytes,
    /// Longer than anybody waits for an answer.
    hang: Duration,
}

impl Messaging {
    /// Starts Exstream and Core Messaging on one listener.
    pub async fn start(random: Random, tally: Tally, hang: Duration) -> Result<(Self, SocketAddr), Failure> {
        let known: Vec<Value> =
            serde_json::from_str(include_str!("../../../../infra/local/communications.json"))?;
        let templates = json!({"status": "success", "data": known, "page": {"totalElements": known.len()}});
        let templates = templates.to_string().into();
        let (sent, untold) = (Arc::default(), Arc::default());
        let messaging = Self { sent, untold, down: Arc::default(), random, tally, templates, hang };
        let router = Router::new().fallback(answer).with_state(messaging.clone());
        Ok((messaging, serve(router).await?))
    }

    fn fault(&self, kind: &str) {
        self.tally.add("faults", kind);
    }

    async fn compose(&self) -> Response {
        let draw = self.random.share();
        if draw < COMPOSE_FAILS {
            self.fault("Exstream failed");
            let error = json!({"status": "error", "message": "a fault was asked for"});
            return (StatusCode::INTERNAL_SERVER_ERROR, json_answer(error.to_string())).into_response();
        }
        self.tally.add("vendors", "compositions");
        let noise = std::iter::repeat_with(|| self.random.next().to_le_bytes());
        let noise: Vec<u8> = noise.take(PDF_BYTES.div_ceil(8)).flatten().collect();
        let pdf = crate::vendors::one_page(&noise);
        let composed = json!({"status": "success", "data": [{
            "content": BASE64_STANDARD.encode(pdf), "mimeType": "application/pdf",
            "engineOutputContext": {"queueName": "PDF", "fileName": "output.pdf", "customerNumber": "1"},
        }]});
        match draw < COMPOSE_FAILS + COMPOSED_UNHEARD {
            true => self.unheard("Exstream answer", &composed).await,
            false => json_answer(composed.to_string()),
        }
    }

    async fn email(&self, body: &Bytes) -> Response {
        let message: Value = serde_json::from_slice(body).unwrap_or_default();
        let communication = message["options"]["customer_reference"].as_str().unwrap_or_default().to_owned();
        let data =
            message["attachments"][0]["data"].as_str().and_then(|data| BASE64_STANDARD.decode(data).ok());
        let Some(data) = data else {
            self.tally.add("not understood", "an e-mail without its document");
            return StatusCode::BAD_REQUEST.into_response();
        };
        let draw = self.random.share();
        if draw < REFUSED {
            self.fault("e-mail refused for now");
            let refusal = json!({"fault": {"faultstring": "a fault was asked for"}});
            return (StatusCode::SERVICE_UNAVAILABLE, json_answer(refusal.to_string())).into_response();
        }
        if draw < REFUSED + UNCLEAR {
            self.fault("e-mail failed");
            lock(&self.untold).insert(communication);
            return (StatusCode::BAD_GATEWAY, "<html>Bad gateway</html>").into_response();
        }
        let sha256 = Sha256::digest(data).iter().map(|byte| format!("{byte:02x}")).collect();
        let job = json!({"job_id": format!("xsi-{:016x}", self.random.next())});
        lock(&self.sent).entry(communication.clone()).or_default().push(Sent { sha256, at: Instant::now() });
        if draw < REFUSED + UNCLEAR + TAKEN_UNHEARD {
            lock(&self.untold).insert(communication);
            return self.unheard("e-mail answer", &job).await;
        }
        json_answer(job.to_string())
    }

    /// An answer that breaks off, or that nobody waits for any more.
    async fn unheard(&self, what: &str, answer: &Value) -> Response {
        if self.random.happens(0.5) {
            self.fault(&format!("{what} late"));
            tokio::time::sleep(self.hang).await;
            return json_answer(answer.to_string());
        }
        self.fault(&format!("{what} cut"));
        let headers = [(header::CONTENT_TYPE, "application/json"), (header::CONTENT_LENGTH, "1000000")];
        let broken = stream::iter([Err::<Bytes, _>(io::Error::from(io::ErrorKind::ConnectionReset))]);
        (headers, Body::from_stream(broken)).into_response()
    }
}

async fn answer(State(messaging): State<Messaging>, method: Method, uri: Uri, body: Bytes) -> Response {
    if messaging.down.load(Ordering::Relaxed) {
        messaging.fault(OUTAGE);
        return (StatusCode::SERVICE_UNAVAILABLE, json_answer("{}".to_owned())).into_response();
    }
    let path = uri.path();
    if path.contains("/oauth2/token") {
        return json_answer(
            json!({"access_token": "t", "token_type": "Bearer", "expires_in": 3600}).to_string(),
        );
    }
    if method == Method::GET {
        return json_answer(messaging.templates);
    }
    // the work continues where the client hangs up
    let is_email = path.starts_with("/mra/");
    let work = tokio::spawn(async move {
        tokio::time::sleep(LATENCY + messaging.random.up_to(LATENCY)).await;
        if is_email { messaging.email(&body).await } else { messaging.compose().await }
    });
    work.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}
