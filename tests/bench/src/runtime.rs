//! The Lambda Runtime API for one worker process: its four routes are all there is to it.
//!
//! The process has nothing of this program's environment. Dropping the worker ends it, at whatever it is doing.

use crate::{Failure, process};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::IntoResponse,
    routing::{get, post},
};
use serde_json::Value;
use std::{
    path::Path,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    net::TcpListener,
    process::{Child, Command},
    sync::{Mutex, mpsc},
    task::JoinHandle,
};

/// Long after anything that is measured should have been answered.
const PATIENCE: Duration = Duration::from_secs(30);
/// What an invocation that is measured may take; none comes near it.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Is shown each line the process writes.
pub type Watch = Arc<dyn Fn(&str) + Send + Sync>;

/// What a process wrote to its log in its whole life.
#[derive(Debug, Default, Clone, Copy)]
pub struct Logged {
    pub bytes: usize,
    /// Of lines in the embedded metric format.
    pub metric_bytes: usize,
    /// Lines that say something is not as it should be.
    pub complaints: usize,
}

pub struct Worker {
    child: Child,
    pid: u32,
    begun: Instant,
    work: mpsc::Sender<Work>,
    answers: mpsc::Receiver<Answer>,
    log: JoinHandle<Logged>,
    server: JoinHandle<()>,
}

struct Work {
    event: Bytes,
    timeout: Duration,
}

/// What the function answered.
pub struct Answer {
    pub at: Instant,
    pub body: Bytes,
    /// The invocation failed, and `body` says why.
    pub is_error: bool,
}

struct Api {
    work: Mutex<mpsc::Receiver<Work>>,
    answers: mpsc::Sender<Answer>,
}

impl Worker {
    pub async fn start(
        binary: &Path,
        environment: &[(String, String)],
        watch: Watch,
    ) -> Result<Self, Failure> {
        let (work, work_out) = mpsc::channel(1);
        let (answers_in, answers) = mpsc::channel(1);
        let api = Arc::new(Api { work: Mutex::new(work_out), answers: answers_in });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(failed))
            .route("/2018-06-01/runtime/init/error", post(failed))
            .with_state(api);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let server = tokio::spawn(async move {
            // it never ends by itself
            let _ = axum::serve(listener, router).await;
        });
        let begun = Instant::now();
        let mut child = Command::new(binary)
            .env_clear()
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{}: {error}; `make bench` builds it", binary.display()))?;
        let output = child.stdout.take().ok_or("the worker has no output")?;
        let errors = child.stderr.take().ok_or("the worker has no output")?;
        let pid = child.id().ok_or("the worker has ended")?;
        // what is written to either is in the function's log
        tokio::spawn(read_log(errors, Arc::clone(&watch), true));
        let shown = std::env::var_os("WORKER_LOG").is_some();
        let log = tokio::spawn(read_log(output, watch, shown));
        Ok(Self { child, pid, begun, work, answers, log, server })
    }

    /// Invokes the function. Nothing, if it ended without an answer or had none in time: the process is over then.
    pub async fn call(&mut self, event: &Bytes, timeout: Duration) -> Option<Answer> {
        self.work.send(Work { event: event.clone(), timeout }).await.ok()?;
        let answer = tokio::select! {
            answer = self.answers.recv() => answer,
            _ = self.child.wait() => None,
            () = tokio::time::sleep(timeout) => None,
        };
        if answer.is_none() {
            let _ = self.child.kill().await;
        }
        answer
    }

    /// Invokes the function, which must not fail, and answers how long it took, the response and when it came.
    pub async fn invoke(&mut self, event: &Bytes) -> Result<(Duration, Value, Instant), Failure> {
        let begun = Instant::now();
        let call = tokio::time::timeout(PATIENCE, self.call(event, TIMEOUT)).await;
        let answer = call.ok().flatten().ok_or("the function ended or does not answer")?;
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let failures = body["batchItemFailures"].as_array().map_or(0, Vec::len);
        if answer.is_error || failures > 0 {
            return Err(format!("the function failed: {body}; WORKER_LOG=1 shows its log").into());
        }
        Ok((answer.at - begun, body, answer.at))
    }

    /// Time from the start of the process to `at`.
    pub fn age(&self, at: Instant) -> Duration {
        at - self.begun
    }

    pub fn cpu_ms(&self) -> Result<f64, Failure> {
        process::cpu_ms(self.pid).ok_or_else(|| "the kernel keeps no scheduler statistics".into())
    }

    pub fn resident_mb(&self) -> Option<f64> {
        process::resident_mb(self.pid)
    }

    pub fn peak_mb(&self) -> Result<f64, Failure> {
        process::peak_mb(self.pid).ok_or_else(|| "the worker has ended".into())
    }

    /// Ends the process. Everything it logged is counted, however late it is read.
    pub async fn end(mut self) -> Result<Logged, Failure> {
        self.child.kill().await?;
        self.server.abort();
        Ok(self.log.await?)
    }
}

async fn read_log(output: impl AsyncRead + Unpin, watch: Watch, shown: bool) -> Logged {
    let mut logged = Logged::default();
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if shown {
            eprintln!("{line}");
        }
        watch(&line);
        *if is_metric(&line) { &mut logged.metric_bytes } else { &mut logged.bytes } += line.len() + 1;
        logged.complaints += usize::from(["\"WARN\"", "\"ERROR\""].iter().any(|level| line.contains(level)));
    }
    logged
}

/// Whether a line is in the embedded metric format.
pub fn is_metric(line: &str) -> bool {
    line.contains("\"_aws\"")
}

async fn next(State(api): State<Arc<Api>>) -> impl IntoResponse {
    let Work { event, timeout } = match api.work.lock().await.recv().await {
        Some(work) => work,
        // there is no more to do; the worker is ended with it
        None => std::future::pending().await,
    };
    let deadline = jiff::Timestamp::now() + timeout;
    let headers = [
        ("lambda-runtime-aws-request-id", uuid::Uuid::new_v4().to_string()),
        ("lambda-runtime-deadline-ms", deadline.as_millisecond().to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:bench".to_owned(),
        ),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, event)
}

async fn response(State(api): State<Arc<Api>>, body: Bytes) -> impl IntoResponse {
    answer(&api, body, false).await
}

async fn failed(State(api): State<Arc<Api>>, body: Bytes) -> impl IntoResponse {
    answer(&api, body, true).await
}

async fn answer(api: &Api, body: Bytes, is_error: bool) -> (StatusCode, &'static str) {
    let _ = api.answers.send(Answer { at: Instant::now(), body, is_error }).await;
    (StatusCode::ACCEPTED, r#"{"status":"OK"}"#)
}
