//! Look-ups in the design repository: which templates there are, what they read and write, and which
//! version a run used.

use super::{Communication, ExstreamStub, Output, batch, error};
use crate::http::{Answer, Request};
use axum::http::Method;
use serde_json::{Value, json};
use std::sync::PoisonError;

impl ExstreamStub {
    pub(super) fn design(&self, what: &[&str], request: &Request) -> Answer {
        let get = request.method == Method::GET;
        match what {
            ["resources", _] if get => self.resources(request),
            ["manifests", _, "communication-set", id] if get => match self.communication(id) {
                Some(communication) => manifest(&communication),
                None => missing(request),
            },
            ["collection-resources", "collection-details"] if request.method == Method::POST => {
                self.details(request)
            }
            _ => missing(request),
        }
    }

    fn resources(&self, request: &Request) -> Answer {
        const KNOWN: [&str; 5] = ["filter.types", "filter.states", "filter.latestVersion", "count", "offset"];
        if let Some((name, _)) = request.query.iter().find(|(name, _)| !KNOWN.contains(&name.as_str())) {
            return batch::unknown_parameter(name, request);
        }
        let wanted = |name, is: &str| request.parameter(name).is_none_or(|p| p.split(',').any(|v| v == is));
        let known = self.communications.read().unwrap_or_else(PoisonError::into_inner);
        let listed = wanted("filter.types", "exstrapplication") && wanted("filter.states", "APPROVED");
        batch::page(known.values().filter(|_| listed).map(resource).collect(), request)
    }

    /// What a run used; closed unless the domain traces its jobs.
    pub(super) fn traced(&self, flow: &str, request: &Request) -> Answer {
        if !self.settings().job_tracing {
            return error::service_error(403, "Job tracing is off", "FORBIDDEN", &request.path);
        }
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        match flow.strip_prefix("fi-").and_then(|id| jobs.get(id)) {
            Some(job) => Answer::json(200, &json!({"status": "success", "data": [job.communication.id]})),
            None => missing(request),
        }
    }

    fn details(&self, request: &Request) -> Answer {
        let ids: Vec<String> = match request.json() {
            Ok(ids) => ids,
            Err(refused) => return refused,
        };
        let details: Vec<_> =
            ids.iter().filter_map(|id| self.communication(id)).map(|c| detail(&c)).collect();
        Answer::json(200, &json!({"status": "success", "data": details}))
    }
}

/// A part that a run used.
fn detail(communication: &Communication) -> Value {
    json!({
        "id": communication.id,
        "version": communication.version,
        "type": "exstrapplication",
        "state": "APPROVED",
        "approvedBy": "designer",
        "lastModifiedBy": "designer",
    })
}

fn resource(communication: &Communication) -> Value {
    json!({
        "id": communication.id,
        "name": communication.name,
        "type": "exstrapplication",
        "version": communication.version,
        "state": "APPROVED",
        "approvedBy": "designer",
    })
}

/// Bare, unlike other answers.
fn manifest(communication: &Communication) -> Answer {
    let queue = |(number, output): (usize, &Output)| {
        let driver = match output.mime.as_str() {
            "application/pdf" => "PDF",
            crate::render::EMPOWER => "Empower",
            _ => "HTML",
        };
        json!({"id": format!("q-{number}"), "driver": driver, "name": output.queue, "prodFile": output.queue, "use": "PRODUCTION"})
    };
    let queues: Vec<_> = communication.outputs.iter().enumerate().map(queue).collect();
    let source = communication.data_source.as_deref().unwrap_or("local");
    let source =
        json!({"id": "ds-1", "name": source, "prodDsn": source, "resourceId": "dsr-1", "type": "DRIVER"});
    Answer::json(200, &json!({"dsnlist": [source], "queueList": queues, "characterEncoding": "DBCS"}))
}

fn missing(request: &Request) -> Answer {
    error::service_error(404, "The resource does not exist", "NOT_FOUND", &request.path)
}
