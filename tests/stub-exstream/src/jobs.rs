//! What a control call has in store for batch jobs, and the names by which faults hit their look-ups.

use crate::{
    job::{JobPlan, describe},
    stub::ExstreamStub,
};
use axum::http::Method;
use serde_json::json;
use std::sync::PoisonError;
use stub_http::{Answer, Request, control};

/// The second name of a request to the runtime API.
pub(crate) fn operation(method: &Method, what: &[&str]) -> &'static str {
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
    pub(crate) fn take_plan(&self) -> Option<JobPlan> {
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        (!plans.is_empty()).then(|| plans.remove(0))
    }

    pub(crate) fn plan_jobs(&self, request: &Request) -> Answer {
        match request.json() {
            Ok(plans) => {
                *self.plans.lock().unwrap_or_else(PoisonError::into_inner) = plans;
                control::done()
            }
            Err(refused) => refused,
        }
    }

    pub(crate) fn report_jobs(&self) -> Answer {
        let step = self.step();
        let jobs: Vec<_> = self.jobs().values().map(|job| describe(job, step)).collect();
        Answer::json(200, &json!({ "jobs": jobs }))
    }

    /// Lets held jobs continue, all or the one that `id` names.
    pub(crate) fn release_jobs(&self, request: &Request) -> Answer {
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
