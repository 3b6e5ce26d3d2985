//! Batch jobs and the runtime API that follows them: state, steps, outputs, removal.
//!
//! Takes what OpenText's interface description has and refuses every other path, parameter and header. A job is
//! accepted at once and moves by the clock; a driver file that cannot be read is found out by the engine, so the
//! job ends in `error` and not the request. A flow instance has three steps; which outputs are whose is known by
//! the flow instance's id alone.

use super::{Communication, ExstreamStub, compose, error, jobs::Plan, zip};
use crate::{
    http::{Answer, Request},
    render::value,
};
use axum::http::Method;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{MutexGuard, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

/// Jobs keep their driver files; the oldest is forgotten.
const MAX_JOBS: usize = 200;
/// The step whose delivery file has the outputs.
const OUTPUTS: &str = "communication";
const STEPS: [&str; 3] = ["input", OUTPUTS, "output"];

/// What a list of steps can be filtered by.
const STEP_FILTERS: [&str; 9] = [
    "ids",
    "stepName",
    "displayName",
    "flowInstanceId",
    "previousStepId",
    "externalId",
    "statuses",
    "stepTypes",
    "deliveryFileRetrievable",
];

/// How a list of steps is filtered: both forms are documented, for different services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepFilter {
    /// `filter=flowInstanceId:1;stepTypes:communication`
    #[default]
    Colons,
    /// `filter.flowInstanceId=1&filter.stepTypes=communication`
    Dots,
    /// Neither: every list is that of the whole domain.
    Ignored,
}

/// Where a template says whose its output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identify {
    #[default]
    Text,
    FileName,
    Nowhere,
}

#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: String,
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

    fn instance(&self) -> String {
        format!("fi-{}", self.id)
    }

    /// As the API lists its steps.
    fn steps(&self, step: Duration) -> Vec<Value> {
        let id = |number: usize| format!("st-{number}-{}", self.id);
        let over = matches!(self.state(step).0, "complete");
        let all = STEPS.iter().enumerate().map(|(number, kind)| {
            json!({
                "id": id(number),
                "previousStepId": number.checked_sub(1).map(id),
                "flowInstanceId": self.instance(),
                "stepName": kind,
                "displayName": kind,
                "externalId": null,
                "status": self.state(step).0,
                "stepType": kind,
                "deliveryFileRetrievable": *kind == OUTPUTS && over,
                "messageFileRetrievable": false,
            })
        });
        all.collect()
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
        if request.header("externalid").is_some() {
            return refuse(400, "No header 'externalId' is documented", "UNKNOWN_HEADER");
        }
        if let Some((name, _)) = request.query.first() {
            return refuse(400, &format!("No parameter '{name}' is documented"), "UNKNOWN_PARAMETER");
        }
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
            // no path of the data map is in it: the engine does nothing, without an error
            Ok(_) if !self.is_mapped(&communication, &request.body, xml) => {
                Outcome::Complete { customers: 0 }
            }
            Ok(customers) => Outcome::Complete { customers: customers.len() },
            Err(error) => Outcome::Error(error.to_string()),
        };
        let job = Job {
            id: self.serial.fetch_add(1, Ordering::Relaxed).to_string(),
            plan: self.take_plan(),
            communication,
            driver: request.body.clone(),
            xml,
            begun: Instant::now(),
            start: jiff::Timestamp::now(),
            stopped: false,
            end,
            archives: BTreeMap::new(),
        };
        let answer = Answer::json(200, &json!({"status": "success", "data": [flow_instance(&job)]}));
        let mut jobs = self.jobs();
        if jobs.len() >= MAX_JOBS {
            let oldest = jobs.values().min_by_key(|job| job.begun).map(|job| job.id.clone());
            oldest.and_then(|id| jobs.remove(&id));
        }
        jobs.insert(job.id.clone(), job);
        answer
    }

    pub(super) fn runtime(&self, what: &[&str], request: &Request) -> Answer {
        let get = request.method == Method::GET;
        let post = request.method == Method::POST;
        if !matches!(what, ["flow-steps"] | [.., "output-files"])
            && let Some((name, _)) = request.query.first()
        {
            return unknown_parameter(name, request);
        }
        match what {
            ["jobs", id] if get => self.with_job(id, request, |job, step| ok(&describe(job, step))),
            ["jobs", id] if request.method == Method::DELETE => match self.jobs().remove(*id) {
                Some(_) => Answer::text(200, "deleted"),
                None => missing(request),
            },
            ["jobs", id, "stop"] if post => self.stop(id, request),
            ["jobs", id, "reprocessing"] if post => self.reprocess(id, request),
            ["flow-instances", id, "collection-resources"] if get => self.traced(id, request),
            ["flow-steps"] if get => self.list_steps(request),
            ["flow-steps", id, "customer-artifacts", number] if get => {
                self.outputs_of(id, request, |job| self.customer_zip(job, number, request))
            }
            ["flow-steps", id, "delivery-file", "output-files"] if get => {
                self.outputs_of(id, request, |job| page(self.file_names(job), request))
            }
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
                Answer::text(200, "The job is stopped")
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

    /// The steps that the filter lets through. A key that is not known does not filter.
    fn list_steps(&self, request: &Request) -> Answer {
        let settings = self.settings();
        let mut filters: Vec<(&str, &str)> = Vec::new();
        for (name, value) in &request.query {
            match (name.as_str(), name.strip_prefix("filter.")) {
                ("offset" | "count", _) => {}
                ("filter", _) if settings.step_filter == StepFilter::Colons => {
                    filters.extend(value.split(';').filter_map(|one| one.split_once(':')));
                }
                ("filter", _) => {}
                (_, Some(key)) if STEP_FILTERS.contains(&key) => {
                    filters
                        .extend((settings.step_filter == StepFilter::Dots).then_some((key, value.as_str())));
                }
                _ => return unknown_parameter(name, request),
            }
        }
        let fits = |step: &Value| {
            filters.iter().filter(|(key, _)| STEP_FILTERS.contains(key)).all(|(key, wanted)| {
                let field = match *key {
                    "ids" => "id",
                    "statuses" => "status",
                    "stepTypes" => "stepType",
                    other => other,
                };
                let found = value::scalar(&step[field]).unwrap_or_default();
                wanted.split(',').any(|wanted| wanted == found)
            })
        };
        let step = self.step();
        page(self.jobs().values().flat_map(|job| job.steps(step)).filter(fits).collect(), request)
    }

    /// What the outputs of a complete job are asked for.
    fn outputs_of(&self, id: &str, request: &Request, answer: impl Fn(&mut Job) -> Answer) -> Answer {
        let step = self.step();
        let number = STEPS.iter().position(|kind| *kind == OUTPUTS).unwrap_or_default();
        let mut jobs = self.jobs();
        let job = id.strip_prefix(&format!("st-{number}-")).and_then(|id| jobs.get_mut(id));
        match job {
            None => missing(request),
            Some(job) if job.state(step).0 != "complete" => {
                error::service_error(409, "The flow step has not ended", "CONFLICT", &request.path)
            }
            Some(job) => answer(job),
        }
    }

    fn file_names(&self, job: &Job) -> Vec<Value> {
        let customers = value::parse(&job.driver, job.xml).unwrap_or_default();
        let composed = self.compose_unrecorded(&job.communication.outputs, &customers);
        composed.iter().map(|composed| json!(compose::file_name(composed))).collect()
    }

    /// The files of one customer; the same bytes each time, and recorded once.
    fn customer_zip(&self, job: &mut Job, number: &str, request: &Request) -> Answer {
        let settings = self.settings();
        let Outcome::Complete { customers: mapped } = job.end else { return missing(request) };
        let mut customers = value::parse(&job.driver, job.xml).unwrap_or_default();
        customers.truncate(mapped);
        let lost = |number: usize| job.plan.as_ref().is_some_and(|plan| plan.missing.contains(&number));
        let index = number
            .parse::<usize>()
            .ok()
            .filter(|number| !lost(*number))
            .and_then(|number| number.checked_sub(1)?.checked_add(settings.customer_shift));
        let Some(index) = index.filter(|index| *index < customers.len()) else { return missing(request) };
        if !job.archives.contains_key(&index) {
            let one = if settings.unsplit_files { &customers[..] } else { &customers[index..=index] };
            let files = self.files(job, one, index + 1, settings.identify);
            job.archives.insert(index, zip::write(&files).into());
        }
        match job.archives.get(&index) {
            Some(archive) => Answer::new(200, "application/zip", archive.clone()),
            None => missing(request),
        }
    }

    fn files(
        &self,
        job: &Job,
        customers: &[Value],
        number: usize,
        identify: Identify,
    ) -> Vec<(String, Bytes)> {
        let id = customers.first().and_then(|one| value::text(one, &["communication"])).unwrap_or_default();
        let mut shown = customers.to_vec();
        if identify != Identify::Text {
            shown
                .iter_mut()
                .filter_map(Value::as_object_mut)
                .for_each(|one| drop(one.remove("communication")));
        }
        let composed = self.compose_unrecorded(&job.communication.outputs, &shown);
        let named = composed.into_iter().map(|mut composed| {
            self.record(&job.communication.id, &composed, customers.first());
            composed.customer = number;
            let name = compose::file_name(&composed);
            (if identify == Identify::FileName { format!("{id}_{name}") } else { name }, composed.bytes)
        });
        named.collect()
    }
}

fn flow_instance(job: &Job) -> Value {
    json!({
        "id": job.instance(),
        "jobId": job.id,
        "flowModelId": "fm-1",
        "flowModelSnapshotId": "fs-1",
        "domainId": "d-1",
        "status": "started",
        "startDate": job.start.as_millisecond(),
        "endDate": null,
        "externalId": null,
        "flowModelType": "BATCH",
    })
}

pub(super) fn describe(job: &Job, step: Duration) -> Value {
    let (status, message) = job.state(step);
    let over = matches!(status, "complete" | "error" | "canceled" | "deleted");
    json!({
        "id": job.id,
        "mode": "BATCH",
        "status": status,
        "msg": message,
        "externalId": null,
        "startDate": job.start.as_millisecond(),
        "endDate": over.then(|| jiff::Timestamp::now().as_millisecond()),
        "traceId": null,
        "simulation": false,
    })
}

/// One page of a list: as many as `count` says after the first `offset`.
pub(super) fn page(all: Vec<Value>, request: &Request) -> Answer {
    const MOST: usize = 100;
    let number = |name| request.parameter(name).and_then(|n| n.parse::<usize>().ok());
    let (offset, size) = (number("offset").unwrap_or(0), number("count").unwrap_or(MOST).clamp(1, MOST));
    let total = all.len();
    let data: Vec<_> = all.into_iter().skip(offset).take(size).collect();
    let page = json!({
        "pageSize": size,
        "pageOffset": offset,
        "totalElements": total,
        "totalPages": total.div_ceil(size),
        "currentPageNumber": offset / size + 1,
    });
    Answer::json(200, &json!({"status": "success", "data": data, "page": page}))
}

fn ok(data: &Value) -> Answer {
    Answer::json(200, &json!({"status": "success", "data": data}))
}

pub(super) fn unknown_parameter(name: &str, request: &Request) -> Answer {
    let message = format!("No parameter '{name}' is documented");
    error::service_error(400, &message, "UNKNOWN_PARAMETER", &request.path)
}

fn missing(request: &Request) -> Answer {
    error::service_error(404, "The resource does not exist", "NOT_FOUND", &request.path)
}
