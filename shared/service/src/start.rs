//! Cold start.

use crate::{
    Secrets, StartError, Traces, log,
    trust::{EXTRA_CA_FILE, Trust},
};
use archive::{Archive, LockMode};
use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use commitments::CommitmentSecrets;
use comms::Flow;
use delivery::{Channels, WebPages};
use exstream::{Batch, Catalogue, Exstream, Memory, TokenSource};
use jiff::Timestamp;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use ledger::Ledger;
use links::Links;
use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, de::DeserializeOwned};
use shop_config::{ConfigStore, MAX_RETENTION_DAYS};
use std::{
    collections::HashMap,
    pin::Pin,
    str::FromStr,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tracing_subscriber::EnvFilter;
use work::{Backoff, Checkpoints, Inbox, Payloads, Queue};

/// What an invocation keeps of its time to answer in.
pub const RESERVE: Duration = Duration::from_millis(1500);

/// How many messages of a batch are worked on at once, where `BATCH_CONCURRENCY` does not say it.
pub const BATCH_CONCURRENCY: usize = 10;

/// One call of the function.
#[derive(Debug, Clone)]
pub struct Invocation {
    pub request_id: String,
    /// When Lambda ends the call, whatever it is doing.
    pub deadline: Timestamp,
}

impl Invocation {
    /// When all work has to be done, so that time is left to answer in.
    pub fn answer_by(&self) -> Timestamp {
        self.deadline.saturating_sub(RESERVE).unwrap_or(self.deadline)
    }

    /// The time left until then.
    pub fn time_left(&self, now: Timestamp) -> Duration {
        Duration::try_from(self.answer_by().duration_since(now)).unwrap_or_default()
    }
}

/// The means a function is built from.
pub struct Service {
    aws: SdkConfig,
    s3: aws_sdk_s3::Client,
    sqs: aws_sdk_sqs::Client,
    /// One for all tables, made for the first of them: not every function has one.
    dynamodb: OnceLock<aws_sdk_dynamodb::Client>,
    http: reqwest::Client,
    /// Makes a connection for each request: one that was frozen with the function and has died meanwhile would
    /// turn a send into a send whose outcome is unknown.
    http_unpooled: reqwest::Client,
    config_ttl: Duration,
    tokens: Arc<TokenSource>,
    memory: Memory,
    traces: Arc<Traces>,
}

impl Service {
    /// Starts telemetry and makes the clients. No request is sent.
    pub async fn start() -> Result<Self, StartError> {
        log_to_output()?;
        Self::without_log().await
    }

    /// Makes the clients, for a program whose output is not a log. No request is sent.
    pub async fn without_log() -> Result<Self, StartError> {
        // an AWS request that takes seconds is better repeated by the next delivery than waited for
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(3))
            .operation_attempt_timeout(Duration::from_secs(10))
            .operation_timeout(Duration::from_secs(30))
            .build();
        let trust = Trust::load(optional(EXTRA_CA_FILE).as_deref())?;
        let aws = aws_config::defaults(BehaviorVersion::latest())
            .http_client(trust.aws()?)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(3))
            .load()
            .await;
        let http = http_client(&trust)?.pool_idle_timeout(Duration::from_secs(50)).build()?;
        let http_unpooled = http_client(&trust)?.pool_max_idle_per_host(0).build()?;
        let config_ttl = Duration::from_secs(parsed("CONFIG_TTL_SECONDS", Some("60"))?);
        // the other half is for everything else, and for the copies that a library makes for a moment
        let memory =
            Memory::new(parsed::<usize>("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", Some("256"))? * 1024 * 1024 / 2);
        let traces = Arc::new(Traces::new(&trust)?);
        // made when a shop's secret has a certificate for the first time
        let identified = Arc::new(move |pem: &SecretString| identified_client(&trust, pem).ok());
        let tokens = TokenSource::new(http.clone()).within(memory.clone()).identified_by(identified);
        let tokens = Arc::new(tokens);
        let (s3, sqs) = (aws_sdk_s3::Client::new(&aws), aws_sdk_sqs::Client::new(&aws));
        let dynamodb = OnceLock::new();
        Ok(Self { aws, s3, sqs, dynamodb, http, http_unpooled, config_ttl, tokens, memory, traces })
    }

    pub fn s3(&self) -> aws_sdk_s3::Client {
        self.s3.clone()
    }

    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        self.sqs.clone()
    }

    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        self.dynamodb.get_or_init(|| aws_sdk_dynamodb::Client::new(&self.aws)).clone()
    }

    pub fn http(&self) -> reqwest::Client {
        self.http.clone()
    }

    /// What a client of a service that only one function uses is made from.
    pub fn aws(&self) -> &SdkConfig {
        &self.aws
    }

    /// What large documents may take of the function's memory at once.
    pub fn memory(&self) -> Memory {
        self.memory.clone()
    }

    /// Where spans are recorded.
    pub fn traces(&self) -> Arc<Traces> {
        Arc::clone(&self.traces)
    }

    pub fn ledger(&self) -> Result<Ledger, StartError> {
        Ok(Ledger::new(self.dynamodb(), required("TABLE_NAME")?))
    }

    /// The links of published documents.
    pub fn links(&self) -> Result<Links, StartError> {
        Ok(Links::new(self.dynamodb(), required("LINKS_TABLE_NAME")?))
    }

    pub fn archive(&self) -> Result<Archive, StartError> {
        let archive = Archive::new(self.s3.clone(), required("ARCHIVE_BUCKET")?, self.lock_mode()?);
        Ok(match optional("COMMITMENTS_TABLE_NAME") {
            Some(table) => archive.with_secrets(self.commitments_in(table)),
            None => archive,
        })
    }

    /// The secrets of customers.
    pub fn commitments(&self) -> Result<CommitmentSecrets, StartError> {
        Ok(self.commitments_in(required("COMMITMENTS_TABLE_NAME")?))
    }

    fn commitments_in(&self, table: String) -> CommitmentSecrets {
        CommitmentSecrets::new(self.dynamodb(), table)
    }

    /// How objects of the archive are locked.
    pub fn lock_mode(&self) -> Result<LockMode, StartError> {
        parsed("ARCHIVE_LOCK_MODE", Some("COMPLIANCE"))
    }

    /// For how many days an object of the archive can be locked at most.
    pub fn max_retention_days(&self) -> Result<u16, StartError> {
        parsed("MAX_RETENTION_DAYS", Some(&MAX_RETENTION_DAYS.to_string()))
    }

    pub fn configs(&self) -> Result<ConfigStore, StartError> {
        let store = ConfigStore::new(self.s3.clone(), required("OPERATIONS_BUCKET")?, self.config_ttl);
        Ok(store.retaining_at_most(self.max_retention_days()?))
    }

    pub fn payloads(&self) -> Result<Payloads, StartError> {
        Ok(Payloads::new(self.s3.clone(), required("OPERATIONS_BUCKET")?))
    }

    pub fn checkpoints(&self) -> Result<Checkpoints, StartError> {
        Ok(Checkpoints::new(self.s3.clone(), required("OPERATIONS_BUCKET")?))
    }

    pub fn secrets(&self) -> Result<Secrets, StartError> {
        let client = aws_sdk_secretsmanager::Client::new(&self.aws);
        Ok(Secrets::new(client, required("SECRET_PREFIX")?, self.config_ttl.max(Duration::from_secs(300))))
    }

    /// For documents that Exstream only composes.
    pub fn exstream(&self) -> Exstream {
        Exstream::new(self.http(), Arc::clone(&self.tokens))
    }

    /// For documents that Exstream sends while composing.
    pub fn sending_exstream(&self) -> Exstream {
        Exstream::new(self.http_unpooled.clone(), Arc::clone(&self.tokens))
    }

    /// For documents that a batch job composes.
    pub fn batch(&self) -> Batch {
        Batch::new(self.http(), Arc::clone(&self.tokens))
    }

    pub fn catalogue(&self) -> Catalogue {
        Catalogue::new(self.http(), Arc::clone(&self.tokens))
    }

    pub fn channels(&self) -> Result<Channels, StartError> {
        Ok(Channels::new(
            self.http_unpooled.clone(),
            Arc::clone(&self.tokens),
            self.s3.clone(),
            required("OPERATIONS_BUCKET")?,
        ))
    }

    /// The same, that publish pages where this deployment has an address for them.
    pub fn publishing_channels(&self) -> Result<Channels, StartError> {
        let channels = self.channels()?;
        Ok(match optional("DOCUMENTS_URL") {
            Some(address) => channels.publishing(WebPages::new(self.links()?, address)),
            None => channels,
        })
    }

    /// The queue whose address is in the environment variable `name`.
    pub fn queue(&self, name: &str) -> Result<Queue, StartError> {
        Ok(Queue::new(self.sqs.clone(), required(name)?))
    }

    /// How long what an operator can change at any time is kept.
    pub fn config_ttl(&self) -> Duration {
        self.config_ttl
    }

    /// The queue whose messages the function handles, and where what it gives up goes.
    pub fn inbox(&self) -> Result<Inbox, StartError> {
        Ok(Inbox {
            queue: self.queue("QUEUE_URL")?,
            dead_letters: self.queue("DEAD_LETTER_QUEUE_URL")?,
            backoff: self.backoff()?,
        })
    }

    /// The flows' queues. A flow whose variable is not set is one this deployment does not serve.
    pub fn flow_queues(&self) -> Result<HashMap<Flow, Queue>, StartError> {
        let set = |flow: &Flow| optional(&flow_queue_variable(*flow)).is_some();
        let queue = |flow: Flow| Ok((flow, self.queue(&flow_queue_variable(flow))?));
        Flow::ALL.iter().copied().filter(set).map(queue).collect()
    }

    pub fn backoff(&self) -> Result<Backoff, StartError> {
        let base = Duration::from_secs(parsed("RETRY_BASE_SECONDS", Some("10"))?);
        Ok(Backoff { base, ..Backoff::default() })
    }

    /// How many messages of a batch are worked on at once.
    pub fn concurrency(&self) -> Result<usize, StartError> {
        parsed("BATCH_CONCURRENCY", Some(&BATCH_CONCURRENCY.to_string()))
    }
}

/// Lines of the level that `LOG_LEVEL` names go to standard output.
fn log_to_output() -> Result<(), StartError> {
    let level = std::env::var("LOG_LEVEL").unwrap_or_else(|_| "info".to_owned());
    let filter = EnvFilter::try_new(&level).map_err(|error| StartError::Invalid {
        name: "LOG_LEVEL".to_owned(),
        value: level.clone(),
        what: error.to_string(),
    })?;
    // a second initialisation happens only in tests, where the first one serves
    let _ =
        log::subscriber().with_writer(|| log::Lines(std::io::stdout())).with_env_filter(filter).try_init();
    Ok(())
}

/// `QUEUE_URL_ORDER_CONFIRMATION` and so on.
pub fn flow_queue_variable(flow: Flow) -> String {
    format!("QUEUE_URL_{}", flow.name().to_ascii_uppercase().replace('-', "_"))
}

/// What this function is called, in logs and metrics.
pub fn function_name() -> String {
    optional("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "local".to_owned())
}

/// The client for outside services alone, for a program that asks nothing of AWS.
pub fn http() -> Result<reqwest::Client, StartError> {
    let trust = Trust::load(optional(EXTRA_CA_FILE).as_deref())?;
    Ok(http_client(&trust)?.build()?)
}

/// A client that shows a certificate to servers that ask for one.
pub(crate) fn identified_client(trust: &Trust, pem: &SecretString) -> Result<reqwest::Client, StartError> {
    let identity = reqwest::Identity::from_pem(pem.expose_secret().as_bytes())?;
    Ok(http_client(trust)?.pool_max_idle_per_host(0).identity(identity).build()?)
}

pub(crate) fn http_client(trust: &Trust) -> Result<reqwest::ClientBuilder, StartError> {
    Ok(trust
        .http()?
        .connect_timeout(Duration::from_secs(5))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("shopify-exstream/", env!("CARGO_PKG_VERSION"))))
}

/// A variable that must be set.
pub fn required(name: &str) -> Result<String, StartError> {
    std::env::var(name)
        .ok()
        .filter(|value| !value.is_empty())
        .ok_or_else(|| StartError::Missing(name.to_owned()))
}

/// A variable that may be set.
pub fn optional(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn parsed<T: FromStr<Err: ToString>>(name: &str, default: Option<&str>) -> Result<T, StartError> {
    let value = match (optional(name), default) {
        (Some(value), _) => value,
        (None, Some(default)) => default.to_owned(),
        (None, None) => return Err(StartError::Missing(name.to_owned())),
    };
    value.parse().map_err(|error: T::Err| StartError::Invalid {
        name: name.to_owned(),
        what: error.to_string(),
        value,
    })
}

/// A function at work, until Lambda ends the process. It is boxed where it is made, so that a function's code is
/// compiled with its library and not once more with each program that starts it.
pub type Serving = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

/// Serves invocations until Lambda ends the process. A failed one says why, with all causes, in what Lambda
/// passes on: the dead letter of an asynchronous call, the log of any.
pub async fn run<E, T, F, R>(handle: F) -> Result<(), Error>
where
    E: DeserializeOwned,
    T: Serialize,
    R: std::error::Error,
    F: AsyncFn(E, Invocation) -> Result<T, R>,
{
    let handle = &handle;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<E>| {
        let deadline = Timestamp::from_millisecond(i64::try_from(event.context.deadline).unwrap_or(i64::MAX))
            .unwrap_or(Timestamp::MAX);
        let invocation = Invocation { request_id: event.context.request_id, deadline };
        handle(event.payload, invocation).await.map_err(|error| Diagnostic {
            error_type: std::any::type_name::<R>().rsplit("::").next().unwrap_or_default().to_owned(),
            error_message: comms::chain(&error),
        })
    }))
    .await
}
