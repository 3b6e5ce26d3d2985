//! A proxy in front of DynamoDB that loses or delays the answer to one write.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::net::TcpListener;

/// What happens to an answer, after the write was made.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// The connection breaks.
    Lose,
    Delay(Duration),
}

#[derive(Clone)]
pub struct Wire {
    pub url: String,
    to: String,
    /// In the request whose answer it is about.
    part: &'static str,
    fault: Fault,
    struck: Arc<AtomicBool>,
    http: reqwest::Client,
}

impl Wire {
    /// Passes on everything, but for the answer to the first request that has `part` in it.
    pub async fn start(to: &str, part: &'static str, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (to, struck, http) = (to.to_owned(), Arc::default(), reqwest::Client::new());
        let wire = Self { url, to, part, fault, struck, http };
        let router = Router::new().fallback(pass).with_state(wire.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        wire
    }

    /// Whether there was such a request.
    pub fn struck(&self) -> bool {
        self.struck.load(Ordering::SeqCst)
    }
}

async fn pass(State(wire): State<Wire>, mut headers: HeaderMap, body: Bytes) -> Response {
    for name in [header::HOST, header::CONTENT_LENGTH] {
        headers.remove(name);
    }
    let is_meant = String::from_utf8_lossy(&body).contains(wire.part);
    let answer = wire.http.post(&wire.to).headers(headers).body(body).send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = answer.bytes().await.unwrap();
    if is_meant && status.is_success() && !wire.struck.swap(true, Ordering::SeqCst) {
        match wire.fault {
            Fault::Lose => {
                let broken = futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("lost")) });
                return (StatusCode::OK, Body::from_stream(broken)).into_response();
            }
            Fault::Delay(time) => tokio::time::sleep(time).await,
        }
    }
    let mut response = (status, body).into_response();
    for (name, value) in headers.iter().filter(|(name, _)| name.as_str().starts_with("x-amz")) {
        response.headers_mut().insert(name, value.clone());
    }
    response
}
