//! Batch jobs and the runtime API that follows them: state, outputs, artifacts.
//!
//! A job is accepted at once and moves by the clock; a driver file that cannot be read is found out by
//! the engine, so the job ends in `error` and not the request. Artifacts are composed when first asked for.

use super::{Communication, ExstreamStub, compose, error, jobs::Plan, zip};
use crate::{
    http::{Answer, Request},
    render::value,
};
use axum::http::Method;
use bytes::Bytes;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{MutexGuard, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

/// Jobs keep their driver files; the oldest is forgotten.
const MAX_JOBS: usize = 200;

#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: String,
    pub(super) external_id: Option<String>,
    pub(super) communication: Communication,
    driver: Bytes,
    xml: bool,
    begun: Instant,
    start: jiff::Timestamp,
    stopped: bool,
    /// Where the clock of the job takes it.
    end: Outcome,
    /// What a control call had in store for it.
    pub(super) plan: Option<Plan>,
    artifacts: BTreeMap<String, (String, Bytes)>,
    /// The archives of customers that were asked for.
    archives: BTreeMap<usize, Bytes>,
}

#[derive(Debug, Clone)]
enum Outcome {
    Complete { customers: usize },
    Error(String),
}

impl Job {
    /// The state after so many steps of the clock, and the message of a job that failed.
    pub(super) fn state(&self, step: Duration) -> (&str, &str) {
        if self.stopped {
            return ("canceled", "");
        }
        let steps = self.begun.elapsed().as_millis() / step.as_millis().max(1);
        match (steps, &self.plan, &self.end) {
            (0, ..) => ("waiting", ""),
            (1, ..) => ("started", ""),
            (_, Some(plan), _) if plan.end != "complete" => (&plan.end, &plan.message),
            (_, _, Outcome::Complete { .. }) => ("complete", ""),
            (_, _, Outcome::Error(message)) => ("error", message),
        }
    }
}

impl ExstreamStub {
    pub(super) fn jobs(&self) -> MutexGuard<'_, BTreeMap<String, Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn step(&self) -> Duration {
        Duration::from_millis(self.settings().job_step_ms)
    }

    pub(super) async fn batch(&self, request: &Request) -> Answer {
        let refuse = |status, message: &str, code| error::service_error(status, message, code, &request.path);
        let Some(id) = request.header("communicationid") else {
            return refuse(400, "Required request header 'communicationId' is not present", "MISSING_HEADER");
        };
        let Some(source) = request.header("driverdatasource") else {
            return refuse(
                400,
                "Required request header 'driverDataSource' is not present",
                "MISSING_HEADER",
            );
        };
        let Some(communication) = self.communication(id) else {
            return refuse(404, "The communication does not exist or has no approved version", "NOT_FOUND");
        };
        if communication.data_source.as_deref().is_some_and(|known| known != source) {
            return refuse(400, "The data source is not a production data source", "INVALID_DATA_SOURCE");
        }
        let Some(xml) = compose::is_xml(request.header("content-type")) else {
            return refuse(415, "Content type is not supported", "UNSUPPORTED_MEDIA_TYPE");
        };
        let end = match value::parse(&request.body, xml) {
            Ok(customers) => Outcome::Complete { customers: customers.len() },
            Err(error) => Outcome::Error(error.to_string()),
        };
        let id = self.serial.fetch_add(1, Ordering::Relaxed).to_string();
        let external_id = request.header("externalid").map(str::to_owned);
        let job = Job {
            id: id.clone(),
            plan: self.take_plan(external_id.as_deref()),
            external_id,
            communication,
            driver: request.body.clone(),
            xml,
            begun: Instant::now(),
            start: jiff::Timestamp::now(),
            stopped: false,
            end,
            artifacts: BTreeMap::new(),
            archives: BTreeMap::new(),
        };
        let mut jobs = self.jobs();
        if jobs.len() >= MAX_JOBS {
            let oldest = jobs.values().min_by_key(|job| job.begun).map(|job| job.id.clone());
            oldest.and_then(|id| jobs.remove(&id));
        }
        jobs.insert(id.clone(), job);
        Answer::json(200, &json!({"status": "success", "data": [{"jobId": id, "id": format!("in-{id}")}]}))
    }

    pub(super) fn runtime(&self, what: &[&str], request: &Request) -> Answer {
        let get = request.method == Method::GET;
        let post = request.method == Method::POST;
        match what {
            ["jobs", id] if get => self.with_job(id, request, |job, step| ok(&describe(job, step))),
            ["jobs", id, "stop"] if post => self.stop(id, request),
            ["jobs", id, "reprocessing"] if post => self.reprocess(id, request),
            ["flow-instances"] if get => self.list_flows(request),
            ["flow-instances", id, "collection-resources"] if get => self.traced(id, request),
            ["flow-steps"] if get => self.list_steps(request),
            ["flow-steps", id, "delivery-file", rest @ ..] if get => match id.strip_prefix("step-") {
                Some(job) => self.delivery_file(job, rest, request),
                None => missing(request),
            },
            ["flow-steps", id, rest @ ..] if get => match id.strip_prefix("step-") {
                Some(job) => self.delivery_file(job, rest, request),
                None => missing(request),
            },
            _ => missing(request),
        }
    }

    fn with_job(&self, id: &str, request: &Request, answer: impl Fn(&mut Job, Duration) -> Answer) -> Answer {
        let step = self.step();
        match self.jobs().get_mut(id) {
            Some(job) => answer(job, step),
            None => missing(request),
        }
    }

    fn stop(&self, id: &str, request: &Request) -> Answer {
        self.with_job(id, request, |job, step| {
            if matches!(job.state(step).0, "waiting" | "started" | "holding") {
                job.stopped = true;
                ok(&describe(job, step))
            } else {
                error::service_error(409, "The job is not running", "CONFLICT", &request.path)
            }
        })
    }

    fn reprocess(&self, id: &str, request: &Request) -> Answer {
        self.with_job(id, request, |job, step| {
            job.begun = Instant::now();
            job.stopped = false;
            // whatever was wrong has been put right
            job.plan = None;
            ok(&describe(job, step))
        })
    }

    fn list_flows(&self, request: &Request) -> Answer {
        let step = self.step();
        let wanted = request.parameter("jobId").or_else(|| request.parameter("filter.jobId"));
        let jobs = self.jobs();
        let flows: Vec<_> = jobs
            .values()
            .filter(|job| wanted.is_none_or(|id| id == job.id))
            .map(|job| {
                json!({
                    "id": format!("flow-{}", job.id),
                    "jobId": job.id,
                    "name": job.communication.name,
                    "status": job.state(step).0,
                    "startDate": job.start.to_string(),
                })
            })
            .collect();
        ok(&json!(flows))
    }

    fn list_steps(&self, request: &Request) -> Answer {
        let step = self.step();
        let wanted = request
            .parameter("flowInstanceId")
            .or_else(|| request.parameter("filter.flowInstanceId"))
            .and_then(|id| id.strip_prefix("flow-"))
            .or_else(|| request.parameter("jobId"));
        let jobs = self.jobs();
        let steps: Vec<_> = jobs
            .values()
            .filter(|job| wanted.is_none_or(|id| id == job.id))
            .map(|job| {
                json!({
                    "id": format!("step-{}", job.id),
                    "jobId": job.id,
                    "flowInstanceId": format!("flow-{}", job.id),
                    "name": "delivery",
                    "type": "DELIVERY",
                    "status": job.state(step).0,
                })
            })
            .collect();
        ok(&json!(steps))
    }

    /// The outputs of a complete job: a list, one file, or one customer's files as a zip.
    fn delivery_file(&self, id: &str, what: &[&str], request: &Request) -> Answer {
        let step = self.step();
        let mut jobs = self.jobs();
        let Some(job) = jobs.get_mut(id) else { return missing(request) };
        let Outcome::Complete { customers } = job.end else { return missing(request) };
        if job.state(step).0 != "complete" {
            return error::service_error(409, "The flow step has not ended", "CONFLICT", &request.path);
        }
        if job.artifacts.is_empty() {
            job.artifacts = self.artifacts(job);
        }
        match what {
            ["output-files"] => {
                let files: Vec<_> = job
                    .artifacts
                    .iter()
                    .map(|(name, (mime, bytes))| {
                        json!({"name": name, "mimeType": mime, "size": bytes.len(), "customerCount": customers})
                    })
                    .collect();
                ok(&json!(files))
            }
            ["artifact", name] => match job.artifacts.get(*name) {
                Some((mime, bytes)) => Answer::new(200, mime, bytes.clone()),
                None => missing(request),
            },
            ["customer-artifacts", number] => self.customer_zip(job, number, request),
            _ => missing(request),
        }
    }

    fn artifacts(&self, job: &Job) -> BTreeMap<String, (String, Bytes)> {
        let customers = value::parse(&job.driver, job.xml).unwrap_or_default();
        let composed = self.compose_unrecorded(&job.communication.outputs, &customers);
        composed.into_iter().map(|c| (compose::file_name(&c), (c.mime, c.bytes))).collect()
    }

    /// The files of one customer; the same bytes each time, and recorded once.
    fn customer_zip(&self, job: &mut Job, number: &str, request: &Request) -> Answer {
        let customers = value::parse(&job.driver, job.xml).unwrap_or_default();
        let index = number.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
        let lost = |index: usize| job.plan.as_ref().is_some_and(|plan| plan.missing.contains(&(index + 1)));
        let Some((index, customer)) =
            index.filter(|index| !lost(*index)).and_then(|index| Some((index, customers.get(index)?)))
        else {
            return missing(request);
        };
        if !job.archives.contains_key(&index) {
            let one = std::slice::from_ref(customer);
            let files: Vec<_> = self
                .render(&job.communication, &job.communication.outputs, one)
                .into_iter()
                .map(|mut composed| {
                    composed.customer = index + 1;
                    (compose::file_name(&composed), composed.bytes)
                })
                .collect();
            job.archives.insert(index, zip::write(&files).into());
        }
        match job.archives.get(&index) {
            Some(archive) => Answer::new(200, "application/zip", archive.clone()),
            None => missing(request),
        }
    }
}

pub(super) fn describe(job: &Job, step: Duration) -> Value {
    let (status, message) = job.state(step);
    let over = matches!(status, "complete" | "error" | "canceled" | "deleted");
    json!({
        "id": job.id,
        "mode": "BATCH",
        "status": status,
        "msg": message,
        "externalId": job.external_id,
        "startDate": job.start.to_string(),
        "endDate": over.then(|| jiff::Timestamp::now().to_string()),
    })
}

fn ok(data: &Value) -> Answer {
    Answer::json(200, &json!({"status": "success", "data": data}))
}

fn missing(request: &Request) -> Answer {
    error::service_error(404, "The resource does not exist", "NOT_FOUND", &request.path)
}
