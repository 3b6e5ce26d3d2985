use crate::listener::listen;
use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::{Request, State},
    response::Response,
};
use std::{
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

/// A request as a [`Server`] saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Method and path with query, such as `GET /a?b=c`.
    pub target: String,
    /// Sorted by name.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The whole request with what differs between runs and what is secret covered.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", self.target);
        for (name, value) in &self.headers {
            let value = match name.as_str() {
                "host" => "[host]",
                "authorization" | "otdsticket" => "[token]",
                _ => value,
            };
            writeln!(text, "{name}: {value}").expect("a text can be written to");
        }
        text + "\n" + &String::from_utf8_lossy(&self.body)
    }
}

type Answer = Arc<dyn Fn(&Seen) -> Response + Send + Sync>;

/// A server that answers as the test says, and keeps what it was asked.
#[derive(Clone)]
pub struct Server {
    pub base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    answer: Answer,
}

impl Server {
    pub async fn start(answer: impl Fn(&Seen) -> Response + Send + Sync + 'static) -> Self {
        let (listener, base) = listen().await;
        let server = Self { base, seen: Arc::default(), answer: Arc::new(answer) };
        let app = Router::new().fallback(handle).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        server
    }

    /// What it was asked so far, in order.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Methods and paths of what it was asked.
    pub fn targets(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.target).collect()
    }

    /// How often it was asked for something whose method and path have this `part`.
    pub fn count(&self, part: &str) -> usize {
        self.targets().iter().filter(|target| target.contains(part)).count()
    }
}

async fn handle(State(server): State<Server>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let text = |value: &axum::http::HeaderValue| value.to_str().expect("a header is text").to_owned();
    let mut headers: Vec<_> =
        parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    headers.sort();
    let body = to_bytes(body, usize::MAX).await.expect("the request comes to its end");
    let seen = Seen { target: format!("{} {}", parts.method, parts.uri), headers, body };
    server.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen.clone());
    (server.answer)(&seen)
}
