//! One worker behind Lambda's Runtime API: the program that is deployed, one invocation at a time, killed at will.
//!
//! A worker that dies in the middle of an invocation is seen as such, which is how the crash tests know that their
//! fault point was reached.

use crate::eventually;
use fakes::RuntimeApi;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::process::{Child, Command};

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
    api: RuntimeApi,
}

/// The function's own queues in place of order-confirmation's, which `Stack::environment` names.
fn own_queues(function: &str, environment: &HashMap<String, String>) -> Vec<(&'static str, String)> {
    let own = |name| Some((name, environment.get(name)?.replace("order-confirmation", function)));
    ["QUEUE_URL", "DEAD_LETTER_QUEUE_URL"].into_iter().filter_map(own).collect()
}

impl Worker {
    /// Starts the function's program, as `E2E_PROFILE` had it built, with `environment` and nothing else. With `WORKER_LOG` set, its log
    /// lines are shown between the tests' own.
    pub async fn start(function: &str, environment: &HashMap<String, String>) -> Self {
        let api = RuntimeApi::start("test").await;
        let profile = std::env::var("E2E_PROFILE").unwrap_or_else(|_| "e2e".to_owned());
        let binary = repository().join("target").join(profile).join(function);
        let child = Command::new(&binary)
            .env_clear()
            .envs(environment)
            .env("AWS_LAMBDA_RUNTIME_API", &api.address)
            .env("AWS_LAMBDA_FUNCTION_NAME", function)
            .env("AWS_SDK_UA_APP_ID", function)
            .envs(own_queues(function, environment))
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", function)
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "test")
            .stdin(Stdio::null())
            .stdout(if std::env::var_os("WORKER_LOG").is_some() { Stdio::inherit() } else { Stdio::null() })
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; run `make e2e`", binary.display()));
        Self { child, api }
    }

    /// Hands the function an event, whose time ends `timeout` after it took it, and does not wait.
    pub async fn begin(&mut self, event: &Value, timeout: Duration) {
        assert!(self.api.invoke(event.to_string().into(), timeout).await, "the worker's server has ended");
    }

    /// Invokes the function with `event`; Lambda would end it `timeout` from now.
    pub async fn invoke(&mut self, event: &Value, timeout: Duration) -> Ended {
        self.begin(event, timeout).await;
        self.end(timeout).await
    }

    /// How what was begun ends; it is killed if it has not `timeout` and five seconds from now.
    pub async fn end(&mut self, timeout: Duration) -> Ended {
        tokio::select! {
            answer = self.api.answer() => {
                let answer = answer.unwrap();
                let value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
                if answer.is_error { Ended::Error(value) } else { Ended::Response(value) }
            }
            _ = self.child.wait() => Ended::Died,
            () = tokio::time::sleep(timeout + Duration::from_secs(5)) => {
                self.child.kill().await.unwrap();
                Ended::Died
            }
        }
    }
}

/// Lets a function die at a fault point, over one message. A short invocation is a short lease; a shorter one would not
/// begin a send.
pub async fn die_at(point: &str, function: &str, mut environment: HashMap<String, String>, item: &Value) {
    environment.insert("FAULT_POINT".to_owned(), point.to_owned());
    let mut doomed = Worker::start(function, &environment).await;
    let ended = doomed.invoke(&batch(std::slice::from_ref(item), 1), Duration::from_secs(15)).await;
    assert!(matches!(ended, Ended::Died), "the fault point {point} was not reached: {ended:?}");
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

    /// Lets a process that stands still continue.
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

    /// The same for a batch, of which each failed message is delivered again by itself.
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

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
