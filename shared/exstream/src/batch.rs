//! Batch jobs: one driver file for many customers, composed in Exstream's own time.
//!
//! A job is submitted, asked after, gives each customer's output as a zip archive, and is deleted. Jobs only
//! compose, so one that was submitted twice, because the first answer was lost, costs a composition
//! and no more. Outputs are found by the flow instance that the submission named: a list of steps may be that of
//! the whole domain, so a step of another flow instance is never taken. Whose an output is, only the output
//! itself can prove: see [`Output::named`]. Only the orchestration adapter has jobs.

mod archive;
mod traced;

pub use traced::Kept;

use crate::{
    Budget, Credentials, ExstreamError, Fault, Outgoing, Output, Reply, TokenCall, TokenSource,
    answer::{is_unauthorized, reported_failure, unparsable},
    driver_file,
    fault::is_code,
    request::{self, headers},
    select::select,
    text::{Text, nonempty},
};
use bytes::Bytes;
use comms::ShopDomain;
use jiff::Timestamp;
use reqwest::{
    Client, Method,
    header::{CONTENT_TYPE, HeaderName},
};
use serde::{Deserialize, Serialize};
use shop_config::{Adapter, DriverFormat};
use std::{sync::Arc, time::Duration};

const INPUTS: &str = "/orchestration/api/v1/inputs/ondemand/{domain}/{service}";
const ON_DEMAND: &str = "/inputs/ondemand/";
/// Answers about jobs and steps.
const ANSWER_BYTES: usize = 1024 * 1024;
/// Of a list that holds the steps of other jobs, too. Whoever is not found by then is composed on demand.
const MAX_PAGES: usize = 50;

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

/// A job that Exstream took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchJob {
    pub id: String,
    /// The run of the flow that composes; its steps have the outputs.
    pub flow_instance: String,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// Started, waiting, or in a state that is not documented.
    Running,
    /// A person holds it, and will continue or cancel it.
    Holding,
    Complete,
    /// Failed, canceled or deleted.
    Ended(&'static str),
}

pub struct Batch {
    http: Client,
    tokens: Arc<TokenSource>,
}

impl Batch {
    pub fn new(http: Client, tokens: Arc<TokenSource>) -> Self {
        Self { http, tokens }
    }

    /// Hands in a driver file of these customers, each a JSON object.
    ///
    /// # Errors
    /// [`ExstreamError`]. After one of class unknown the job may exist all the same.
    pub async fn submit(&self, call: BatchCall<'_>, customers: &[Bytes]) -> Result<BatchJob, ExstreamError> {
        let file = driver_file(call.settings.driver_root, call.document.driver_format, customers)
            .map_err(ExstreamError::Driver)?;
        let media_type = match call.document.driver_format {
            DriverFormat::Json => "application/json",
            DriverFormat::Xml => "application/xml",
        };
        let own = [
            (HeaderName::from_static("communicationid"), call.document.communication.as_str()),
            (HeaderName::from_static("driverdatasource"), &call.document.data_source),
            (CONTENT_TYPE, media_type),
        ];
        let request = Outgoing {
            method: Method::POST,
            url: address(call.settings, "inputs/batch/{domain}/{service}", &[])?,
            headers: headers(call.settings, own)?,
            body: file.clone(),
            limit: ANSWER_BYTES,
        };
        let reply = self.exchange(call, &request, &file).await?;
        let taken: Envelope<Vec<FlowInstance<'_>>> = read(&reply.body, &file)?;
        let taken = taken.data.into_iter().next().ok_or(ExstreamError::NoOutput)?;
        let code = |text| nonempty(text).filter(|text| is_code(text)).ok_or(ExstreamError::NoOutput);
        Ok(BatchJob { id: code(taken.job_id)?, flow_instance: code(taken.id)? })
    }

    /// # Errors
    /// [`ExstreamError`]. A job Exstream does not know is `Refused` with 404.
    pub async fn state(&self, call: BatchCall<'_>, job: &BatchJob) -> Result<JobState, ExstreamError> {
        let reply = self.ask(call, Method::GET, "runtime/{domain}/jobs/{job}", &[("job", &job.id)]).await?;
        let Envelope { data, .. }: Envelope<WireJob<'_>> = read(&reply.body, b"{}")?;
        let Some(Text(status)) = data.status else {
            return Err(ExstreamError::Unintelligible("a job without a status"));
        };
        Ok(match status.to_ascii_lowercase().as_str() {
            "complete" => JobState::Complete,
            "holding" => JobState::Holding,
            "error" => JobState::Ended("error"),
            "canceled" => JobState::Ended("canceled"),
            "deleted" => JobState::Ended("deleted"),
            _ => JobState::Running,
        })
    }

    /// The outputs of customer number `index` + 1 of a [`step`](Self::step), as the document lists them. Whether that
    /// is the customer at `index` of the driver file, each of them has to prove itself.
    ///
    /// # Errors
    /// [`ExstreamError`], as for a document composed on demand. What is not there is `Refused`.
    pub async fn artifact(
        &self,
        call: BatchCall<'_>,
        step: &str,
        index: u32,
    ) -> Result<Vec<Output>, ExstreamError> {
        let number = (u64::from(index) + 1).to_string();
        let path = "runtime/{domain}/flow-steps/{step}/customer-artifacts/{number}";
        let reply = self.ask(call, Method::GET, path, &[("step", step), ("number", &number)]).await?;
        let (wanted, limit) = (call.document.outputs(), call.settings.max_output_bytes);
        let composed = select(archive::files(&reply.body, &wanted, limit)?, &wanted, limit)?;
        Ok(composed.outputs.into_iter().map(|it| it.output).collect())
    }

    /// Ends a job that nobody needs any more. One that has ended is left as it is.
    ///
    /// # Errors
    /// [`ExstreamError`]
    pub async fn stop(&self, call: BatchCall<'_>, job: &BatchJob) -> Result<(), ExstreamError> {
        match self.ask(call, Method::POST, "runtime/{domain}/jobs/{job}/stop", &[("job", &job.id)]).await {
            Ok(_) | Err(ExstreamError::Refused { status: 409, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Removes a job with its data and outputs. One that is gone is gone.
    ///
    /// # Errors
    /// [`ExstreamError`]
    pub async fn delete(&self, call: BatchCall<'_>, job: &BatchJob) -> Result<(), ExstreamError> {
        match self.ask(call, Method::DELETE, "runtime/{domain}/jobs/{job}", &[("job", &job.id)]).await {
            Ok(_) | Err(ExstreamError::Refused { status: 404, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The id of the step that has a job's outputs: the communication step of the job's own flow instance; of
    /// several, one whose outputs can be fetched.
    ///
    /// # Errors
    /// [`ExstreamError`]; `NoOutput`, if the job has no such step.
    pub async fn step(&self, call: BatchCall<'_>, job: &BatchJob) -> Result<String, ExstreamError> {
        let budget = Budget::new(call.timeout);
        let (mut found, mut seen) = (None, 0);
        for _ in 0..MAX_PAGES {
            let call = BatchCall { timeout: budget.left().map_err(ExstreamError::Exchange)?, ..call };
            let mut path =
                "runtime/{domain}/flow-steps?filter=flowInstanceId:{flow};stepTypes:communication".to_owned();
            if seen > 0 {
                path.push_str(&format!("&offset={seen}"));
            }
            let reply = self.ask(call, Method::GET, &path, &[("flow", &job.flow_instance)]).await?;
            let Envelope { data, page }: Envelope<Vec<Step<'_>>> = read(&reply.body, b"{}")?;
            seen += data.len();
            let is_last = data.is_empty() || page.is_none_or(|page| seen >= page.total_elements);
            for step in data.into_iter().filter(|step| step.is_of(&job.flow_instance)) {
                let is_retrievable = step.delivery_file_retrievable == Some(true);
                match nonempty(Some(step.id)) {
                    Some(id) if is_retrievable => return Ok(id),
                    id => found = found.or(id),
                }
            }
            if is_last {
                break;
            }
        }
        found.ok_or(ExstreamError::NoOutput)
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
    request::url(settings.base_url.as_str(), &format!("{prefix}/{path}"), &values)
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
    page: Option<Page>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    total_elements: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FlowInstance<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    job_id: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct WireJob<'a> {
    #[serde(borrow)]
    status: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Step<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    flow_instance_id: Option<Text<'a>>,
    #[serde(borrow)]
    step_type: Option<Text<'a>>,
    delivery_file_retrievable: Option<bool>,
}

impl Step<'_> {
    /// A filter that the service does not take gives the steps of all flow instances.
    fn is_of(&self, flow_instance: &str) -> bool {
        self.flow_instance_id.as_ref().is_some_and(|Text(id)| id == flow_instance)
            && self.step_type.as_ref().is_some_and(|Text(kind)| kind == "communication")
    }
}
