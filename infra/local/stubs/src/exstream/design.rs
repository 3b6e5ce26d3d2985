//! Look-ups in the design repository: which templates there are, what they read and write, and which
//! version a run used.

use super::{Communication, ExstreamStub, error};
use crate::http::{Answer, Request};
use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::PoisonError;

#[derive(Deserialize)]
struct DetailRequest {
    id: String,
}

impl ExstreamStub {
    pub(super) fn design(&self, what: &[&str], request: &Request) -> Answer {
        let get = request.method == Method::GET;
        match what {
            ["resources", _] if get => self.resources(request),
            ["manifests", _, "communication-set", id] if get => match self.communication(id) {
                Some(communication) => manifest(&communication),
                None => missing(request),
            },
            [.., "flow-instances", id, "collection-resources"] if get => self.traced(id, request),
            ["collection-resources", "collection-details"] if request.method == Method::POST => {
                self.details(request)
            }
            _ => missing(request),
        }
    }

    fn resources(&self, request: &Request) -> Answer {
        let number = |name, default| request.parameter(name).and_then(|n| n.parse().ok()).unwrap_or(default);
        let (offset, count): (usize, usize) = (number("offset", 0), number("count", 100));
        let wanted = |name, is: &str| request.parameter(name).is_none_or(|p| p.split(',').any(|v| v == is));
        let known = self.communications.read().unwrap_or_else(PoisonError::into_inner);
        let all: Vec<_> = if wanted("filter.types", "exstrapplication") && wanted("filter.states", "APPROVED")
        {
            known.values().map(resource).collect()
        } else {
            Vec::new()
        };
        let page: Vec<_> = all.iter().skip(offset).take(count).collect();
        Answer::json(200, &json!({"status": "success", "data": page, "totalCount": all.len()}))
    }

    /// What a run used; closed unless the domain traces its jobs.
    pub(super) fn traced(&self, flow: &str, request: &Request) -> Answer {
        if !self.settings().job_tracing {
            return error::service_error(403, "Job tracing is off", "FORBIDDEN", &request.path);
        }
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        match flow.strip_prefix("flow-").and_then(|id| jobs.get(id)) {
            Some(job) => {
                let id = &job.communication.id;
                Answer::json(
                    200,
                    &json!({"status": "success", "data": [{"id": id, "type": "exstrapplication"}]}),
                )
            }
            None => missing(request),
        }
    }

    fn details(&self, request: &Request) -> Answer {
        let body: Value = match request.json() {
            Ok(body) => body,
            Err(refused) => return refused,
        };
        let list = match body {
            Value::Array(list) => list,
            one => vec![one],
        };
        let details: Vec<_> = list
            .into_iter()
            .filter_map(|wanted| serde_json::from_value::<DetailRequest>(wanted).ok())
            .filter_map(|wanted| self.communication(&wanted.id))
            .map(|c| resource(&c))
            .collect();
        Answer::json(200, &json!({"status": "success", "data": details}))
    }
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

fn manifest(communication: &Communication) -> Answer {
    let queues: Vec<_> =
        communication.outputs.iter().map(|o| json!({"name": o.queue, "mimeType": o.mime})).collect();
    let source = communication.data_source.as_deref().unwrap_or("local");
    let data = json!({"id": communication.id, "dsnlist": [{"prodDsn": source}], "queueList": queues});
    Answer::json(200, &json!({"status": "success", "data": data}))
}

fn missing(request: &Request) -> Answer {
    error::service_error(404, "The resource does not exist", "NOT_FOUND", &request.path)
}
