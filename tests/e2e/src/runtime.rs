//! A Lambda Runtime API for one worker: the real release binary, one invocation at a time, killed at will.
//!
//! The four routes Lambda offers are all there is to it. A worker that dies in the middle of an invocation
//! is seen as such, which is how the crash tests know that their fault point was reached.

use crate::eventually;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::IntoResponse,
    routing::{get, post},
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    sync::{Mutex, mpsc},
};

/// How an invocation ended.
#[derive(Debug)]
pub enum Ended {
    Response(Value),
    Error(Value),
    /// The process died before it answered.
    Died,
}

pub struct Worker {
    child: Child,
    work: mpsc::Sender<(String, String, i64)>,
    answers: mpsc::Receiver<(bool, Value)>,
}

struct Api {
    work: Mutex<mpsc::Receiver<(String, String, i64)>>,
    answers: mpsc::Sender<(bool, Value)>,
}

/// The function's own queue in place of order-confirmation's, which `Stack::environment` names.
fn own_queue(function: &str, environment: &HashMap<String, String>) -> Option<(&'static str, String)> {
    let queue = environment.get("QUEUE_URL")?;
    Some(("QUEUE_URL", queue.replace("order-confirmation", function)))
}

impl Worker {
    /// Starts `target/release/<function>` with `environment` and nothing else. With `WORKER_LOG` set, its log
    /// lines are shown between the tests' own.
    pub async fn start(function: &str, environment: &HashMap<String, String>) -> Self {
        let (work, work_out) = mpsc::channel(4);
        let (answers_in, answers) = mpsc::channel(4);
        let api = Arc::new(Api { work: Mutex::new(work_out), answers: answers_in });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(error_at_init))
            .with_state(api);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let binary = repository().join("target/release").join(function);
        let child = Command::new(&binary)
            .env_clear()
            .envs(environment)
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", function)
            .env("AWS_SDK_UA_APP_ID", function)
            .envs(own_queue(function, environment))
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", function)
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "test")
            .stdin(Stdio::null())
            .stdout(if std::env::var_os("WORKER_LOG").is_some() { Stdio::inherit() } else { Stdio::null() })
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; run `make build` first", binary.display()));
        Self { child, work, answers }
    }

    /// Hands the function an event, whose time is over `timeout` from now, and goes on.
    pub async fn begin(&mut self, event: &Value, timeout: Duration) {
        let id = uuid::Uuid::new_v4().to_string();
        let deadline = jiff::Timestamp::now().as_millisecond() + i64::try_from(timeout.as_millis()).unwrap();
        self.work.send((id, event.to_string(), deadline)).await.unwrap();
    }

    /// Invokes the function with `event`; Lambda would end it `timeout` from now.
    pub async fn invoke(&mut self, event: &Value, timeout: Duration) -> Ended {
        self.begin(event, timeout).await;
        self.end(timeout).await
    }

    /// How what was begun ends; it is killed if it has not `timeout` and five seconds from now.
    pub async fn end(&mut self, timeout: Duration) -> Ended {
        tokio::select! {
            answer = self.answers.recv() => match answer.unwrap() {
                (true, value) => Ended::Response(value),
                (false, value) => Ended::Error(value),
            },
            _ = self.child.wait() => Ended::Died,
            () = tokio::time::sleep(timeout + Duration::from_secs(5)) => {
                self.child.kill().await.unwrap();
                Ended::Died
            }
        }
    }
}

impl Worker {
    /// Waits until the process stands still, as `FAULT_PAUSE` makes it.
    pub async fn stopped(&self) {
        let pid = self.child.id().unwrap();
        eventually("the process stands still", || async {
            // the state follows the name, which is in parentheses
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
            stat.rsplit_once(") ").unwrap().1.starts_with('T').then_some(())
        })
        .await;
    }

    /// Lets a process go on that stands still.
    pub async fn wake(&self) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-CONT", &pid]).status().await.unwrap().success());
    }

    /// The most memory the process had at any time.
    pub fn peak_memory_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id().unwrap())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().strip_suffix(" kB").unwrap().trim().parse::<u64>().unwrap() * 1024
    }

    /// Delivers one message as often as its queue would, until it is acknowledged. Answers how often.
    pub async fn deliver(&mut self, item: &Value, first: u32) -> u32 {
        let until = tokio::time::Instant::now() + Duration::from_secs(90);
        for receive_count in first.. {
            let failed = self.deliver_once(std::slice::from_ref(item), receive_count).await;
            if failed.is_empty() {
                return receive_count;
            }
            assert!(tokio::time::Instant::now() < until, "the message is not acknowledged: {item}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        unreachable!("the loop ends by acknowledgement or by time")
    }

    /// The same for a batch, of which each message that failed comes back by itself.
    pub async fn deliver_all(&mut self, items: &[Value], first: u32) {
        for failed in self.deliver_once(items, first).await {
            self.deliver(&items[failed], first + 1).await;
        }
    }

    /// Delivers a batch once. Answers the places of the messages that are to come back.
    pub async fn deliver_once(&mut self, items: &[Value], receive_count: u32) -> Vec<usize> {
        let batch = batch(items, receive_count);
        let response = match self.invoke(&batch, Duration::from_secs(20)).await {
            Ended::Response(response) => response,
            other => panic!("the batch is not answered: {other:?}"),
        };
        let failures = response["batchItemFailures"].as_array().unwrap();
        let place = |failure: &Value| {
            let mut records = batch["Records"].as_array().unwrap().iter();
            records.position(|record| record["messageId"] == failure["itemIdentifier"]).unwrap()
        };
        failures.iter().map(place).collect()
    }
}

/// A batch as the event source mapping makes it.
pub fn batch(items: &[Value], receive_count: u32) -> Value {
    let record = |item: &Value| {
        json!({
            "messageId": uuid::Uuid::new_v4().to_string(), "receiptHandle": "none", "body": item.to_string(),
            "attributes": {"ApproximateReceiveCount": receive_count.to_string()}, "eventSource": "aws:sqs",
        })
    };
    json!({"Records": items.iter().map(record).collect::<Vec<_>>()})
}

async fn next(State(api): State<Arc<Api>>) -> impl IntoResponse {
    let (id, event, deadline) = match api.work.lock().await.recv().await {
        Some(work) => work,
        // the test is over; the worker is killed with it
        None => std::future::pending().await,
    };
    let headers = [
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:test".to_owned(),
        ),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, event)
}

async fn response(State(api): State<Arc<Api>>, body: Bytes) -> impl IntoResponse {
    answer(&api, true, &body).await
}

async fn error(State(api): State<Arc<Api>>, body: Bytes) -> impl IntoResponse {
    answer(&api, false, &body).await
}

async fn error_at_init(State(api): State<Arc<Api>>, body: Bytes) -> impl IntoResponse {
    answer(&api, false, &body).await
}

async fn answer(api: &Api, fine: bool, body: &[u8]) -> (StatusCode, &'static str) {
    let value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let _ = api.answers.send((fine, value)).await;
    (StatusCode::ACCEPTED, r#"{"status":"OK"}"#)
}

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
