//! Batch jobs: one driver file for many customers, composed in Exstream's own time.
//!
//! A job is submitted, asked after, and gives each customer's output as a zip archive. Jobs only compose, so
//! one that was submitted twice, because nobody knew whether the first was taken, costs a composition and no
//! more. A job's outputs are those of its delivery step, which is looked up once and remembered: a batch of
//! messages then costs one request a document. Only the orchestration adapter has jobs.

mod archive;

use crate::{
    Budget, Credentials, ExstreamError, Fault, Outgoing, Output, Reply, TokenCall, TokenSource,
    compose::{Text, headers, is_unauthorized, nonempty, reported_failure, unparsable},
    encode_driver,
    exchange::media_type,
    fault::is_code,
    url,
};
use bytes::Bytes;
use cache::{Cache, Fresh};
use comms::ShopDomain;
use jiff::Timestamp;
use reqwest::{
    Client, Method,
    header::{CONTENT_TYPE, HeaderName},
};
use serde::Deserialize;
use shop_config::{Adapter, DriverFormat};
use std::{sync::Arc, time::Duration};

const INPUTS: &str = "/orchestration/api/v1/inputs/ondemand/{domain}/{service}";
const ON_DEMAND: &str = "/inputs/ondemand/";
/// A step never changes; what is remembered only has to outlast the messages of one job.
const STEP_KEPT: Duration = Duration::from_secs(15 * 60);
/// Answers about jobs and steps.
const ANSWER_BYTES: usize = 1024 * 1024;

#[derive(Debug, Clone, Copy)]
pub struct BatchCall<'a> {
    pub shop: &'a ShopDomain,
    pub settings: &'a shop_config::Exstream,
    /// The document whose communication the job runs.
    pub document: &'a shop_config::DocumentConfig,
    pub credentials: &'a Credentials,
    pub now: Timestamp,
    /// For everything, token included; not later than the invocation's deadline.
    pub timeout: Duration,
}

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub state: JobState,
    /// What the submitter called it.
    pub external_id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// Started, waiting, holding, or in a state that is not documented.
    Running,
    Complete,
    /// Failed, canceled or deleted.
    Ended(&'static str),
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct StepKey {
    shop: ShopDomain,
    base: String,
    job: String,
}

pub struct Batch {
    http: Client,
    tokens: Arc<TokenSource>,
    steps: Cache<StepKey, String>,
}

impl Batch {
    pub fn new(http: Client, tokens: Arc<TokenSource>) -> Self {
        Self { http, tokens, steps: Cache::default() }
    }

    /// Hands in a driver file, JSON, which is converted if the document is configured for XML. Answers the
    /// job's id.
    ///
    /// # Errors
    /// [`ExstreamError`]. After one of class unknown the job may exist all the same.
    pub async fn submit(
        &self,
        call: BatchCall<'_>,
        driver: &Bytes,
        external_id: &str,
    ) -> Result<String, ExstreamError> {
        let encoded = encode_driver(call.document.driver_format, driver).map_err(ExstreamError::Driver)?;
        let media_type = match call.document.driver_format {
            DriverFormat::Json => "application/json",
            DriverFormat::Xml => "application/xml",
        };
        let own = [
            (HeaderName::from_static("communicationid"), call.document.communication.as_str()),
            (HeaderName::from_static("driverdatasource"), &call.document.data_source),
            (HeaderName::from_static("externalid"), external_id),
            (CONTENT_TYPE, media_type),
        ];
        let request = Outgoing {
            method: Method::POST,
            url: address(call.settings, "inputs/batch/{domain}/{service}", &[])?,
            headers: headers(call.settings, own)?,
            body: encoded,
            limit: ANSWER_BYTES,
        };
        let reply = self.exchange(call, &request, driver).await?;
        let jobs: Envelope<Vec<Submitted<'_>>> = read(&reply.body, driver)?;
        let job = jobs.data.into_iter().next().and_then(|job| nonempty(job.job_id).or(nonempty(job.id)));
        job.filter(|job| is_code(job)).ok_or(ExstreamError::NoOutput)
    }

    /// # Errors
    /// [`ExstreamError`]. A job Exstream does not know is `Refused` with 404.
    pub async fn job(&self, call: BatchCall<'_>, job: &str) -> Result<Job, ExstreamError> {
        let reply = self.ask(call, Method::GET, "runtime/{domain}/jobs/{job}", &[("job", job)]).await?;
        let Envelope { data }: Envelope<WireJob<'_>> = read(&reply.body, b"{}")?;
        let Some(Text(status)) = data.status else {
            return Err(ExstreamError::Unintelligible("a job without a status"));
        };
        let state = match status.to_ascii_lowercase().as_str() {
            "complete" => JobState::Complete,
            "error" => JobState::Ended("error"),
            "canceled" => JobState::Ended("canceled"),
            "deleted" => JobState::Ended("deleted"),
            _ => JobState::Running,
        };
        Ok(Job { state, external_id: nonempty(data.external_id) })
    }

    /// The output of the customer at `index` of the driver file, from 0: the one of the document's media type.
    ///
    /// # Errors
    /// [`ExstreamError`], as for a document composed on demand.
    pub async fn artifact(
        &self,
        call: BatchCall<'_>,
        job: &str,
        index: u32,
    ) -> Result<Output, ExstreamError> {
        let budget = Budget::new(call.timeout);
        let step = self.step(call, job).await?;
        let call = BatchCall { timeout: budget.left().map_err(ExstreamError::Exchange)?, ..call };
        // Exstream counts customers from 1
        let number = (u64::from(index) + 1).to_string();
        let path = "runtime/{domain}/flow-steps/{step}/delivery-file/customer-artifacts/{number}";
        let reply = self.ask(call, Method::GET, path, &[("step", &step), ("number", &number)]).await?;
        let expected = media_type(&call.document.output);
        archive::only(&reply.body, &expected, call.settings.max_output_bytes)
    }

    /// Ends a job that nobody needs any more. One that has ended is left as it is.
    ///
    /// # Errors
    /// [`ExstreamError`]
    pub async fn stop(&self, call: BatchCall<'_>, job: &str) -> Result<(), ExstreamError> {
        match self.ask(call, Method::POST, "runtime/{domain}/jobs/{job}/stop", &[("job", job)]).await {
            Ok(_) | Err(ExstreamError::Refused { status: 409, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The id of the step that holds the job's outputs.
    async fn step(&self, call: BatchCall<'_>, job: &str) -> Result<String, ExstreamError> {
        let key =
            StepKey { shop: call.shop.clone(), base: call.settings.base_url.clone(), job: job.to_owned() };
        let load = async || {
            let path = format!("runtime/{{domain}}/flow-steps?jobId={}", url::escape(job));
            let reply = self.ask(call, Method::GET, &path, &[]).await?;
            let steps: Envelope<Vec<Step<'_>>> = read(&reply.body, b"{}")?;
            let step = delivery(steps.data, job).ok_or(ExstreamError::NoOutput)?;
            Ok::<_, ExstreamError>(Fresh { value: step, expires_at: call.now + STEP_KEPT })
        };
        self.steps.get(&key, call.now, load).await.map(|step| step.as_ref().clone())
    }

    async fn ask(
        &self,
        call: BatchCall<'_>,
        method: Method,
        path: &str,
        values: &[(&str, &str)],
    ) -> Result<Reply, ExstreamError> {
        let request = Outgoing {
            method,
            url: address(call.settings, path, values)?,
            headers: headers(call.settings, [])?,
            body: Bytes::new(),
            limit: call.settings.max_output_bytes.max(ANSWER_BYTES),
        };
        self.exchange(call, &request, b"{}").await
    }

    async fn exchange(
        &self,
        call: BatchCall<'_>,
        request: &Outgoing,
        driver: &[u8],
    ) -> Result<Reply, ExstreamError> {
        let token = TokenCall {
            shop: call.shop,
            token: &call.settings.token,
            credentials: call.credentials,
            now: call.now,
            budget: Budget::new(call.timeout),
        };
        let reply = self.tokens.exchange(&self.http, token, request, is_unauthorized).await?;
        if reply.is_success() {
            return Ok(reply);
        }
        let (_, fault) = Fault::read(&reply.body, driver);
        Err(ExstreamError::from_status(reply.status, reply.retry_after, fault))
    }
}

/// An address beside that of on-demand requests, wherever the shop's deployment has it.
fn address(
    settings: &shop_config::Exstream,
    path: &str,
    values: &[(&str, &str)],
) -> Result<reqwest::Url, ExstreamError> {
    if settings.adapter != Adapter::Orchestration {
        return Err(ExstreamError::Settings("batch jobs need the orchestration adapter"));
    }
    let inputs = settings.path.as_deref().unwrap_or(INPUTS);
    let (prefix, _) = inputs
        .split_once(ON_DEMAND)
        .ok_or(ExstreamError::Settings("the path of on-demand requests does not say where batch jobs are"))?;
    let own =
        [("domain", settings.domain.as_str()), ("service", &settings.service), ("tenant", &settings.domain)];
    let values: Vec<_> = own.into_iter().chain(values.iter().copied()).collect();
    url::build(&settings.base_url, &format!("{prefix}/{path}"), &values)
}

/// The delivery step of a job. A service that ignores the filter lists those of other jobs, too.
fn delivery(steps: Vec<Step<'_>>, job: &str) -> Option<String> {
    let own = |step: &Step<'_>| step.job_id.as_ref().is_none_or(|Text(id)| id == job);
    let is_delivery = |step: &Step<'_>| {
        step.kind.as_ref().is_some_and(|Text(kind)| kind.to_ascii_lowercase().contains("delivery"))
    };
    let mut steps: Vec<_> = steps.into_iter().filter(own).collect();
    let place = steps.iter().position(is_delivery).or_else(|| steps.len().checked_sub(1))?;
    nonempty(Some(steps.swap_remove(place).id))
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8], driver: &[u8]) -> Result<Envelope<T>, ExstreamError> {
    let status: Status<'a> =
        serde_json::from_slice(body).map_err(|error| unparsable(&error, body, driver))?;
    if !status.status.is_some_and(|Text(status)| status.eq_ignore_ascii_case("success")) {
        return Err(reported_failure(body, driver));
    }
    serde_json::from_slice(body).map_err(|_| ExstreamError::Unintelligible("data of another form"))
}

#[derive(Deserialize)]
struct Status<'a> {
    #[serde(borrow)]
    status: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Submitted<'a> {
    #[serde(borrow)]
    job_id: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireJob<'a> {
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow)]
    external_id: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Step<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    job_id: Option<Text<'a>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
}
