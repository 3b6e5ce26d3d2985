//! A batch job: its state by the clock, its steps, and the course that a control call gave it.

use crate::communication::Communication;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// The step whose delivery file has the outputs.
pub(crate) const OUTPUTS: &str = "communication";

pub(crate) const STEPS: [&str; 3] = ["input", OUTPUTS, "output"];

#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) communication: Communication,
    pub(crate) driver: Bytes,
    pub(crate) xml: bool,
    pub(crate) begun: Instant,
    pub(crate) start: jiff::Timestamp,
    pub(crate) stopped: bool,
    /// Where the clock of the job takes it.
    pub(crate) end: JobEnd,
    /// What a control call had in store for it.
    pub(crate) plan: Option<JobPlan>,
    /// The archives of customers that were asked for.
    pub(crate) archives: BTreeMap<usize, Bytes>,
}

#[derive(Debug, Clone)]
pub(crate) enum JobEnd {
    Complete { customers: usize },
    Error(String),
}

/// The course of a job that is yet to come.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct JobPlan {
    /// `complete`, or the state in which it stays: error, holding, canceled, deleted, uninitialized.
    pub end: String,
    pub message: String,
    /// Customers, from 1, whose files are not there.
    pub missing: Vec<usize>,
}

impl Default for JobPlan {
    fn default() -> Self {
        Self { end: "complete".to_owned(), message: String::new(), missing: Vec::new() }
    }
}

impl Job {
    /// The state after so many steps of the clock, and the message of a job that failed.
    pub(crate) fn state(&self, step: Duration) -> (&str, &str) {
        if self.stopped {
            return ("canceled", "");
        }
        let steps = self.begun.elapsed().as_millis() / step.as_millis().max(1);
        match (steps, &self.plan, &self.end) {
            (0, ..) => ("waiting", ""),
            (1, ..) => ("started", ""),
            (_, Some(plan), _) if plan.end != "complete" => (&plan.end, &plan.message),
            (_, _, JobEnd::Complete { .. }) => ("complete", ""),
            (_, _, JobEnd::Error(message)) => ("error", message),
        }
    }

    pub(crate) fn instance(&self) -> String {
        format!("fi-{}", self.id)
    }

    /// As the API lists its steps.
    pub(crate) fn steps(&self, step: Duration) -> Vec<Value> {
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

/// The flow instance that runs the job.
pub(crate) fn flow_instance(job: &Job) -> Value {
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

/// As the API describes a job.
pub(crate) fn describe(job: &Job, step: Duration) -> Value {
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
