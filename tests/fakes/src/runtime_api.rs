use crate::listener::listen;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::IntoResponse,
    routing::{get, post},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinHandle,
};

/// What the function answered.
#[derive(Debug)]
pub struct Answer {
    pub at: Instant,
    pub body: Bytes,
    /// The invocation failed, or the process did as it started, and `body` says why.
    pub is_error: bool,
}

struct Invocation {
    event: Bytes,
    timeout: Duration,
}

/// Lambda's Runtime API for one process: the four routes that Lambda offers, one invocation at a time. Dropping it
/// ends the server.
pub struct RuntimeApi {
    /// For `AWS_LAMBDA_RUNTIME_API`.
    pub address: String,
    invocations: mpsc::Sender<Invocation>,
    answers: mpsc::Receiver<Answer>,
    server: JoinHandle<()>,
}

struct Shared {
    invocations: Mutex<mpsc::Receiver<Invocation>>,
    answers: mpsc::Sender<Answer>,
    arn: String,
}

impl RuntimeApi {
    /// `function` is the name that the process is told in its invocations.
    pub async fn start(function: &str) -> Self {
        let (invocations, invocations_out) = mpsc::channel(4);
        let (answers_in, answers) = mpsc::channel(4);
        let shared = Arc::new(Shared {
            invocations: Mutex::new(invocations_out),
            answers: answers_in,
            arn: format!("arn:aws:lambda:us-east-1:000000000000:function:{function}"),
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(error))
            .with_state(shared);
        let (listener, url) = listen().await;
        let server = tokio::spawn(async move {
            // it never ends by itself
            let _ = axum::serve(listener, router).await;
        });
        let address = url.trim_start_matches("http://").to_owned();
        Self { address, invocations, answers, server }
    }

    /// Hands an event to the process as soon as it asks for one; its time ends `timeout` later. False if there is
    /// no server any more.
    pub async fn invoke(&self, event: Bytes, timeout: Duration) -> bool {
        self.invocations.send(Invocation { event, timeout }).await.is_ok()
    }

    /// The answer to what was handed out; waits for it.
    pub async fn answer(&mut self) -> Option<Answer> {
        self.answers.recv().await
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn next(State(api): State<Arc<Shared>>) -> impl IntoResponse {
    let Invocation { event, timeout } = match api.invocations.lock().await.recv().await {
        Some(invocation) => invocation,
        // there is no more to do; the process is ended with its worker
        None => std::future::pending().await,
    };
    let deadline = jiff::Timestamp::now() + timeout;
    let headers = [
        ("lambda-runtime-aws-request-id", uuid::Uuid::new_v4().to_string()),
        ("lambda-runtime-deadline-ms", deadline.as_millisecond().to_string()),
        ("lambda-runtime-invoked-function-arn", api.arn.clone()),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, event)
}

async fn response(State(api): State<Arc<Shared>>, body: Bytes) -> impl IntoResponse {
    accept(&api, body, false).await
}

async fn error(State(api): State<Arc<Shared>>, body: Bytes) -> impl IntoResponse {
    accept(&api, body, true).await
}

async fn accept(api: &Shared, body: Bytes, is_error: bool) -> (StatusCode, &'static str) {
    let _ = api.answers.send(Answer { at: Instant::now(), body, is_error }).await;
    (StatusCode::ACCEPTED, r#"{"status":"OK"}"#)
}
