//! What a control call has in store for batch jobs, and the names by which faults hit their look-ups.

use super::{ExstreamStub, batch};
use crate::{
    control,
    http::{Answer, Request},
};
use axum::http::Method;
use serde::Deserialize;
use serde_json::json;
use std::sync::PoisonError;

/// The course of a job that is yet to come.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Plan {
    /// `complete`, or the state in which it stays: error, holding, canceled, deleted, uninitialized.
    pub end: String,
    pub message: String,
    /// Customers, from 1, whose files are not there.
    pub missing: Vec<usize>,
}

impl Default for Plan {
    fn default() -> Self {
        Self { end: "complete".to_owned(), message: String::new(), missing: Vec::new() }
    }
}

/// The second name of a request to the runtime API.
pub(super) fn operation(method: &Method, what: &[&str]) -> &'static str {
    match what {
        ["jobs", _] if *method == Method::DELETE => "job_delete",
        ["jobs", _] => "job",
        ["jobs", _, "stop"] => "job_stop",
        ["jobs", _, "reprocessing"] => "job_reprocessing",
        ["flow-instances", ..] => "flow_instances",
        ["flow-steps"] => "flow_steps",
        [.., "output-files"] => "output_files",
        [.., "customer-artifacts", _] => "customer_artifact",
        _ => "runtime_other",
    }
}

impl ExstreamStub {
    /// The first plan, for a job that begins; it is used up.
    pub(super) fn take_plan(&self) -> Option<Plan> {
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        (!plans.is_empty()).then(|| plans.remove(0))
    }

    pub(super) fn plan_jobs(&self, request: &Request) -> Answer {
        match request.json() {
            Ok(plans) => {
                *self.plans.lock().unwrap_or_else(PoisonError::into_inner) = plans;
                control::done()
            }
            Err(refused) => refused,
        }
    }

    pub(super) fn report_jobs(&self) -> Answer {
        let step = self.step();
        let jobs: Vec<_> = self.jobs().values().map(|job| batch::describe(job, step)).collect();
        Answer::json(200, &json!({ "jobs": jobs }))
    }

    /// Lets held jobs go on, all or the one that `id` names.
    pub(super) fn release_jobs(&self, request: &Request) -> Answer {
        let wanted = request.parameter("id");
        let mut released = 0;
        for job in self.jobs().values_mut().filter(|job| wanted.is_none_or(|id| id == job.id)) {
            if let Some(plan) = job.plan.as_mut().filter(|plan| plan.end == "holding") {
                plan.end = "complete".to_owned();
                released += 1;
            }
        }
        Answer::json(200, &json!({ "released": released }))
    }
}
