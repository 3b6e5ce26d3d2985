//! Batch jobs and the runtime API that follows them: state, steps, outputs, removal.
//!
//! Takes what OpenText's interface description has and refuses every other path, parameter and header. A job is
//! accepted at once and moves by the clock; a driver file that cannot be read is found out by the engine, so the
//! job ends in `error` and not the request. A flow instance has three steps; which outputs are whose is known by
//! the flow instance's id alone.

use crate::{
    answers::{self, missing, ok, page, unknown_parameter},
    compose,
    job::{Job, JobEnd, OUTPUTS, STEPS, describe, flow_instance},
    options::{Identify, StepFilter},
    stub::ExstreamStub,
    zip,
};
use axum::http::Method;
use bytes::Bytes;
use letter_render::value;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};
use stub_http::{Answer, Request};

/// Jobs keep their driver files; the oldest is forgotten.
const MAX_JOBS: usize = 200;

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

impl ExstreamStub {
    pub(crate) async fn batch(&self, request: &Request) -> Answer {
        let refuse =
            |status, message: &str, code| answers::service_error(status, message, code, &request.path);
        if request.header("externalid").is_some() {
            return refuse(400, "No header 'externalId' is documented", "UNKNOWN_HEADER");
        }
        if let Some((name, _)) = request.query.first() {
            return refuse(400, &format!("No parameter '{name}' is documented"), "UNKNOWN_PARAMETER");
        }
        let (communication, xml) = match self.requested(request) {
            Ok(requested) => requested,
            Err(refusal) => return refusal,
        };
        let end = match value::parse(&request.body, xml) {
            // no path of the data map is in it: the engine does nothing, without an error
            Ok(_) if !self.is_mapped(&communication, &request.body, xml) => JobEnd::Complete { customers: 0 },
            Ok(customers) => JobEnd::Complete { customers: customers.len() },
            Err(error) => JobEnd::Error(error.to_string()),
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

    pub(crate) fn runtime(&self, what: &[&str], request: &Request) -> Answer {
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
                answers::service_error(409, "The job is not running", "CONFLICT", &request.path)
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
                answers::service_error(409, "The flow step has not ended", "CONFLICT", &request.path)
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
        let JobEnd::Complete { customers: mapped } = job.end else { return missing(request) };
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
            let is_picture = composed.file_name.is_some();
            (
                if identify == Identify::FileName && !is_picture { format!("{id}_{name}") } else { name },
                composed.bytes,
            )
        });
        named.collect()
    }
}
