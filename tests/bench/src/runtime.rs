//! One worker process behind Lambda's Runtime API, with what it logs and what it uses.
//!
//! The process has nothing of this program's environment. Dropping the worker ends it, at whatever it is doing.

use crate::{Failure, process};
use axum::body::Bytes;
use fakes::RuntimeApi;
use serde_json::Value;
use std::{
    path::Path,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    task::JoinHandle,
};

pub use fakes::Answer;

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
    api: RuntimeApi,
    log: JoinHandle<Logged>,
}

impl Worker {
    pub async fn start(
        binary: &Path,
        environment: &[(String, String)],
        watch: Watch,
    ) -> Result<Self, Failure> {
        let api = RuntimeApi::start("bench").await;
        let begun = Instant::now();
        let mut child = Command::new(binary)
            .env_clear()
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", &api.address)
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
        Ok(Self { child, pid, begun, api, log })
    }

    /// Invokes the function. Nothing, if it ended without an answer or had none in time: the process has ended then.
    pub async fn call(&mut self, event: &Bytes, timeout: Duration) -> Option<Answer> {
        if !self.api.invoke(event.clone(), timeout).await {
            return None;
        }
        let answer = tokio::select! {
            answer = self.api.answer() => answer,
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
