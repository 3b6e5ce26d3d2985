//! Look-ups in the design repository: which templates there are, what they read, write and consist of, and which
//! versions a run used. Parameters that are not documented are refused.

use crate::{
    answers::{self, missing, page, unknown_parameter},
    communication::{Communication, Output, Part},
    stub::ExstreamStub,
};
use axum::http::Method;
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::PoisonError};
use stub_http::{Answer, Request};

impl ExstreamStub {
    pub(crate) fn design(&self, what: &[&str], request: &Request) -> Answer {
        let get = request.method == Method::GET;
        if !matches!(what, ["resources", _] | ["resources", _, "content"] | ["links", _, "resources"])
            && let Some((name, _)) = request.query.first()
        {
            return unknown_parameter(name, request);
        }
        match what {
            ["resources", _] if get => self.resources(request),
            ["resources", _, "content"] if request.method == Method::POST => self.upload(request),
            ["links", _, "resources"] if get => self.links(request),
            ["manifests", _, "communication-set", id] if get => match self.communication(id) {
                Some(communication) => manifest(&communication, &self.settings().characters),
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
        if let Some(refused) = other_parameter(&KNOWN, request) {
            return refused;
        }
        let wanted = |name, is: &str| request.parameter(name).is_none_or(|p| p.split(',').any(|v| v == is));
        let known = self.communications.read().unwrap_or_else(PoisonError::into_inner);
        let listed = wanted("filter.types", "exstrapplication") && wanted("filter.states", "APPROVED");
        page(known.values().filter(|_| listed).map(resource).collect(), request)
    }

    /// The approved parts that a communication refers to. All of the stub's are, at a depth of two.
    fn links(&self, request: &Request) -> Answer {
        const KNOWN: [&str; 5] = ["linkSubjectId", "linkDepth", "filter.states", "count", "offset"];
        if let Some(refused) = other_parameter(&KNOWN, request) {
            return refused;
        }
        let refuse = |message: &str| answers::service_error(400, message, "INVALID_PARAMETER", &request.path);
        let Some(id) = request.parameter("linkSubjectId") else {
            return refuse("Required request parameter 'linkSubjectId' is not present");
        };
        let Ok(depth) = request.parameter("linkDepth").unwrap_or("1").parse::<usize>() else {
            return refuse("The parameter 'linkDepth' is not a number");
        };
        let Some(communication) = self.communication(id) else { return missing(request) };
        let is_listed = request
            .parameter("filter.states")
            .is_none_or(|states| states.split(',').any(|it| it == "APPROVED"));
        let reached = |part: &Part| is_listed && (depth > 1 || (depth == 1 && part.kind == "document"));
        let parts = parts(&communication).into_iter().filter(reached);
        page(parts.map(|part| json!(part)).collect(), request)
    }

    /// A sample of driver data, as the only part of a form. A name is given once.
    fn upload(&self, request: &Request) -> Answer {
        const KNOWN: [&str; 3] = ["name", "type", "subtype"];
        if let Some(refused) = other_parameter(&KNOWN, request) {
            return refused;
        }
        let refuse =
            |status, message: &str| answers::service_error(status, message, "INVALID_SAMPLE", &request.path);
        let Some(name) = request.parameter("name").filter(|name| !name.is_empty()) else {
            return refuse(400, "Required request parameter 'name' is not present");
        };
        if (request.parameter("type"), request.parameter("subtype")) != (Some("samplefile"), Some("driver")) {
            return refuse(400, "Only samples of driver data are known here");
        }
        let Some(content) = file_of(request) else {
            return refuse(415, "Expected a form whose only part is 'file'");
        };
        let is_readable = match name.rsplit('.').next() {
            Some("json") => serde_json::from_slice::<Value>(content).is_ok(),
            _ => content.starts_with(b"<?xml "),
        };
        if !is_readable {
            return refuse(400, "The sample cannot be read");
        }
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        if samples.contains_key(name) {
            return refuse(409, "A resource of that name exists");
        }
        samples.insert(name.to_owned(), content.to_vec());
        Answer::json(201, &json!({"status": "success", "data": {"id": format!("sample-{}", samples.len())}}))
    }

    /// What a run used; closed unless the domain traces its jobs.
    pub(crate) fn traced(&self, flow: &str, request: &Request) -> Answer {
        if !self.settings().job_tracing {
            return answers::service_error(403, "Job tracing is off", "FORBIDDEN", &request.path);
        }
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        match flow.strip_prefix("fi-").and_then(|id| jobs.get(id)) {
            Some(job) => {
                let parts = in_force(&job.communication).into_iter().map(|part| part.id);
                let ids: Vec<_> = std::iter::once(job.communication.id.clone()).chain(parts).collect();
                Answer::json(200, &json!({"status": "success", "data": ids}))
            }
            None => missing(request),
        }
    }

    fn details(&self, request: &Request) -> Answer {
        let ids: Vec<String> = match request.json() {
            Ok(ids) => ids,
            Err(refused) => return refused,
        };
        let known = self.communications.read().unwrap_or_else(PoisonError::into_inner).clone();
        let parts: Vec<_> = known.values().flat_map(in_force).collect();
        // with no known communication every UUID is one, with parts of its own
        let made = ids.iter().filter_map(|id| self.communication(id)).flat_map(|it| in_force(&it));
        let parts: Vec<_> = parts.into_iter().chain(made).collect();
        let detail = |id: &String| match parts.iter().find(|part| part.id == *id) {
            Some(part) => Some(detail(&part.id, part.version, &part.kind)),
            None => self.communication(id).map(|it| detail(&it.id, it.version, "exstrapplication")),
        };
        let details: Vec<_> = ids.iter().filter_map(detail).collect();
        Answer::json(200, &json!({"status": "success", "data": details}))
    }
}

/// What a communication refers to.
fn parts(communication: &Communication) -> Vec<Part> {
    let own = |(number, (kind, name)): (usize, (&str, &str))| Part {
        id: format!("{}-{}", &communication.id, number + 1),
        version: 1,
        kind: kind.to_owned(),
        name: format!("{} {name}", communication.name),
        effective_start: Some(1_767_225_600_000),
        effective_end: None,
    };
    communication.parts.clone().unwrap_or_else(|| {
        let parts = [("document", "letter"), ("design", "page"), ("paragraph", "terms")];
        parts.into_iter().enumerate().map(own).collect()
    })
}

/// Of these, what a run uses now: of each part the latest version that is in force.
fn in_force(communication: &Communication) -> Vec<Part> {
    let now = jiff::Timestamp::now().as_millisecond();
    let mut found: BTreeMap<String, Part> = BTreeMap::new();
    for part in parts(communication) {
        let begun = part.effective_start.is_none_or(|start| start <= now);
        let ended = part.effective_end.is_some_and(|end| end <= now);
        if begun && !ended && found.get(&part.id).is_none_or(|other| other.version < part.version) {
            found.insert(part.id.clone(), part);
        }
    }
    found.into_values().collect()
}

/// The content of a form's only part, if that is called `file`.
fn file_of(request: &Request) -> Option<&[u8]> {
    let boundary = request.header("content-type")?.strip_prefix("multipart/form-data; boundary=")?;
    let body = request.body.strip_prefix(format!("--{boundary}\r\n").as_bytes())?;
    let body = body.strip_suffix(format!("\r\n--{boundary}--\r\n").as_bytes())?;
    let end = body.windows(4).position(|it| it == b"\r\n\r\n")?;
    let (head, content) = (std::str::from_utf8(&body[..end]).ok()?, &body[end + 4..]);
    let is_file = head.lines().any(|line| {
        let line = line.to_ascii_lowercase();
        line.starts_with("content-disposition: form-data; name=\"file\"; filename=")
    });
    let others = content.windows(boundary.len()).any(|it| it == boundary.as_bytes());
    (is_file && !others).then_some(content)
}

fn other_parameter(known: &[&str], request: &Request) -> Option<Answer> {
    let other = request.query.iter().find(|(name, _)| !known.contains(&name.as_str()));
    other.map(|(name, _)| unknown_parameter(name, request))
}

/// A part that a run used.
fn detail(id: &str, version: u32, kind: &str) -> Value {
    json!({
        "id": id,
        "version": version,
        "type": kind,
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
fn manifest(communication: &Communication, characters: &str) -> Answer {
    let queue = |(number, output): (usize, &Output)| {
        let driver = match output.mime.as_str() {
            "application/pdf" => "PDF",
            letter_render::EMPOWER => "Empower",
            _ => "HTML",
        };
        json!({"id": format!("q-{number}"), "driver": driver, "name": output.queue, "prodFile": output.queue, "use": "PRODUCTION"})
    };
    let queues: Vec<_> = communication.outputs.iter().enumerate().map(queue).collect();
    let source = communication.data_source.as_deref().unwrap_or("local");
    let source =
        json!({"id": "ds-1", "name": source, "prodDsn": source, "resourceId": "dsr-1", "type": "DRIVER"});
    Answer::json(200, &json!({"dsnlist": [source], "queueList": queues, "characterEncoding": characters}))
}
