//! The stand-in for Exstream (gateway, OTDS, orchestration, runtime, design, service gateway) and for
//! Core Messaging, on one listener.
//!
//! It composes for real: the same driver data gives a readable document. As with the real engine no two
//! compositions are byte for byte the same (each names its own time and serial) unless `stable_output`
//! is set. Nothing is deduplicated. All state is in memory and ends with the process.

mod batch;
mod compose;
mod design;
mod email;
mod error;
mod jobs;
mod outcome;
mod token;
mod zip;

pub use batch::{Identify, StepFilter};
pub use compose::OutputRecord;
pub use email::{EmailRecord, EventShape};
pub use outcome::{Outcome, OutcomeRule};
pub(crate) use token::{Check, Tokens};

use crate::{
    control,
    fault::{Fault, FaultKind},
    http::{self, Answer, Core, Request, Running, Service, StartError},
};
use axum::http::{Method, header};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError, RwLock, atomic::AtomicU64},
};
use token::TokenMode;
use tokio::sync::Semaphore;

/// What the stub knows from its start.
#[derive(Debug, Clone)]
pub struct ExstreamOptions {
    pub client_id: String,
    pub client_secret: String,
    /// Known communications. With none, every UUID is one.
    pub communications: Vec<Communication>,
    /// Compositions that run at once; others queue, as behind the engine's process limit.
    pub engine_processes: usize,
    pub settings: ExstreamSettings,
}

impl Default for ExstreamOptions {
    fn default() -> Self {
        Self {
            client_id: "local".to_owned(),
            client_secret: "local-secret".to_owned(),
            communications: Vec::new(),
            engine_processes: 32,
            settings: ExstreamSettings::default(),
        }
    }
}

/// What `PUT /__stub/settings` can change.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExstreamSettings {
    pub token_lifetime_seconds: u64,
    /// Whether a token is needed; false is the token mode `none`.
    pub authenticate: bool,
    /// Time of one composition or one accepted e-mail.
    pub latency_ms: u64,
    /// Bytes added to each PDF, to make large documents.
    pub pdf_padding_bytes: usize,
    /// The same driver data gives the same bytes.
    pub stable_output: bool,
    /// How long a batch job stays in each of its states.
    pub job_step_ms: u64,
    /// Which form of filter the list of steps knows.
    pub step_filter: StepFilter,
    /// Where the outputs of batch jobs say whose they are.
    pub identify: Identify,
    /// Customer number 1 of a batch job has the files of the customer so many places further on.
    pub customer_shift: usize,
    /// Every customer of a batch job gets the files of all.
    pub unsplit_files: bool,
    /// Whether resources used by a run can be asked for afterwards.
    pub job_tracing: bool,
    /// An e-mail address that contains one of these bounces.
    pub bounce: Vec<String>,
    /// How long an accepted e-mail stays without a delivery attempt.
    pub delivery_ms: u64,
    /// How the events of a delivery are written.
    pub event_shape: EventShape,
}

impl Default for ExstreamSettings {
    fn default() -> Self {
        Self {
            token_lifetime_seconds: 900,
            authenticate: true,
            latency_ms: 0,
            pdf_padding_bytes: 0,
            stable_output: false,
            job_step_ms: 200,
            step_filter: StepFilter::default(),
            identify: Identify::default(),
            customer_shift: 0,
            unsplit_files: false,
            job_tracing: true,
            bounce: vec!["bounce".to_owned()],
            delivery_ms: 0,
            event_shape: EventShape::default(),
        }
    }
}

/// A communication of the design repository.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Communication {
    pub id: String,
    pub name: String,
    #[serde(default = "one")]
    pub version: u32,
    /// The production data source it accepts; any, if absent.
    #[serde(default)]
    pub data_source: Option<String>,
    /// One a queue; a PDF queue, if absent.
    #[serde(default = "pdf_queue")]
    pub outputs: Vec<Output>,
    /// What it refers to; a document, a design and a paragraph of version 1, if absent.
    #[serde(default)]
    pub parts: Option<Vec<Part>>,
}

/// A part of a communication, with its own version and dates (as epoch milliseconds).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Part {
    pub id: String,
    pub version: u32,
    #[serde(rename = "type")]
    pub kind: String,
    pub name: String,
    #[serde(default)]
    pub effective_start: Option<i64>,
    #[serde(default)]
    pub effective_end: Option<i64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    pub queue: String,
    pub mime: String,
}

const fn one() -> u32 {
    1
}

fn pdf_queue() -> Vec<Output> {
    vec![Output { queue: "PDF".to_owned(), mime: "application/pdf".to_owned() }]
}

#[derive(Debug)]
pub struct ExstreamStub {
    core: Core,
    options: ExstreamOptions,
    settings: RwLock<Arc<ExstreamSettings>>,
    tokens: Tokens,
    engine: Semaphore,
    communications: RwLock<BTreeMap<String, Communication>>,
    outputs: Mutex<Vec<OutputRecord>>,
    emails: Mutex<Vec<EmailRecord>>,
    outcomes: Mutex<Vec<OutcomeRule>>,
    plans: Mutex<Vec<jobs::Plan>>,
    jobs: Mutex<BTreeMap<String, batch::Job>>,
    /// Whether a communication's data map has a list of customers at its root, by what it was sent first.
    roots: Mutex<BTreeMap<String, bool>>,
    serial: AtomicU64,
}

impl ExstreamStub {
    pub async fn start(addr: SocketAddr, options: ExstreamOptions) -> Result<Running, StartError> {
        http::start(addr, Self::new(options)).await
    }

    fn new(options: ExstreamOptions) -> Self {
        let known = options.communications.iter().map(|c| (c.id.to_ascii_lowercase(), c.clone())).collect();
        Self {
            core: Core::default(),
            settings: RwLock::new(Arc::new(options.settings.clone())),
            tokens: Tokens::default(),
            engine: Semaphore::new(options.engine_processes.max(1)),
            communications: RwLock::new(known),
            outputs: Mutex::default(),
            emails: Mutex::default(),
            outcomes: Mutex::default(),
            plans: Mutex::default(),
            jobs: Mutex::default(),
            roots: Mutex::default(),
            serial: AtomicU64::new(1),
            options,
        }
    }

    fn settings(&self) -> Arc<ExstreamSettings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Route<'a> {
    Token(TokenMode, &'a str),
    OnDemand,
    ServiceGateway,
    Batch,
    Runtime(Vec<&'a str>),
    Design(Vec<&'a str>),
    Version,
    Email,
    EmailStatus,
    Unknown,
}

impl<'a> Route<'a> {
    fn of(method: &Method, path: &[&'a str]) -> Self {
        let post = method == Method::POST;
        let get = method == Method::GET;
        // a private deployment may lack the prefix
        let rest = path.strip_prefix(["orchestration", "api", "v1"].as_slice()).unwrap_or(path);
        match (path, rest) {
            (["tenants", tenant, "oauth2", "token"], _) if post => {
                Self::Token(TokenMode::GatewayJson, tenant)
            }
            (["otdstenant", tenant, "oauth2", "token"], _) if post => {
                Self::Token(TokenMode::OtdsSaas, tenant)
            }
            (["otdsws", "otdstenant", tenant, "oauth2", "token"], _) if post => {
                Self::Token(TokenMode::OtdsLocal, tenant)
            }
            (["otdstenant", tenant, "otdsws", "rest", "authentication", "credentials"], _) if post => {
                Self::Token(TokenMode::OtdsTicket, tenant)
            }
            ([_, "sgw", "v1", "communications"], _) if post => Self::ServiceGateway,
            (["mra", "v1", "outbound", "emails"], _) if post => Self::Email,
            (["mra", "v1", "outbound", "emails", "status"], _) if get => Self::EmailStatus,
            (["design", "api", "v1", what @ ..], _) => Self::Design(what.to_vec()),
            (_, ["inputs", "ondemand", _, _]) if post => Self::OnDemand,
            (_, ["inputs", "batch", _, _]) if post => Self::Batch,
            (_, ["runtime", _, what @ ..]) => Self::Runtime(what.to_vec()),
            (_, ["version"]) if get => Self::Version,
            _ => Self::Unknown,
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Token(..) => "token",
            Self::OnDemand => "ondemand",
            Self::ServiceGateway => "sgw",
            Self::Batch => "batch",
            Self::Runtime(_) => "runtime",
            Self::Design(_) => "design",
            Self::Version => "version",
            Self::Email => "email",
            Self::EmailStatus => "email_status",
            Self::Unknown => "unknown",
        }
    }
}

impl Service for ExstreamStub {
    fn core(&self) -> &Core {
        &self.core
    }

    fn operations(&self, request: &Request) -> Vec<String> {
        let segments = request.segments();
        let route = Route::of(&request.method, &segments);
        let mut names = vec![route.name().to_owned()];
        if let Route::Runtime(what) = &route {
            names.push(jobs::operation(&request.method, what).to_owned());
        }
        names
    }

    async fn answer(&self, request: &Request) -> Answer {
        let segments = request.segments();
        let route = Route::of(&request.method, &segments);
        if let Route::Token(mode, tenant) = route {
            return self.token(mode, tenant, request);
        }
        if let Err(refused) = self.authorize(request) {
            return refused;
        }
        match route {
            Route::OnDemand => self.on_demand(request).await,
            Route::ServiceGateway => self.service_gateway(request).await,
            Route::Batch => self.batch(request).await,
            Route::Runtime(what) => self.runtime(&what, request),
            Route::Design(what) => self.design(&what, request),
            Route::Version => Answer::json(200, &json!({"status": "success", "data": {"version": "25.2.0"}})),
            Route::Email => self.send_email(request).await,
            Route::EmailStatus => self.email_status(request),
            Route::Token(..) | Route::Unknown => {
                error::service_error(404, "No message available", "NOT_FOUND", &request.path)
            }
        }
    }

    fn failure(&self, fault: &Fault, operations: &[String]) -> Answer {
        let operation = operations.first().map_or("", String::as_str);
        let status = fault.status.unwrap_or(500);
        let message = "a fault was asked for";
        match (fault.kind, operation) {
            (FaultKind::WrongType200, _) => {
                Answer::new(200, "text/html", "<html><body>Please sign in</body></html>")
            }
            (FaultKind::Empty200, "ondemand" | "batch" | "runtime" | "design") => {
                Answer::json(200, &json!({"status": "success", "data": []}))
            }
            (FaultKind::Empty200, "sgw") => Answer::json(200, &json!({"status": "success", "data": {}})),
            (FaultKind::Empty200, _) => Answer::json(200, &json!({})),
            (FaultKind::Error200, "email" | "email_status") => {
                error::messaging_error(200, "internal_error", message)
            }
            (FaultKind::Error200, _) => error::engine_error(200, status, message),
            (FaultKind::Throttled, _) => {
                let refused = error::gateway_fault(
                    429,
                    "Rate limit quota violation. Quota limit exceeded.",
                    "policies.ratelimit.QuotaViolation",
                );
                if fault.retry_after_seconds.is_none() {
                    refused.with_header(header::RETRY_AFTER, "1")
                } else {
                    refused
                }
            }
            (FaultKind::AccessDenied, _) => error::service_error(403, "Access is denied", "FORBIDDEN", ""),
            (_, "token") if status == 401 => {
                error::gateway_fault(401, "Invalid ApiKey", "oauth.v2.InvalidApiKey")
            }
            (_, "token") => error::gateway_fault(status, message, "messaging.runtime.Fault"),
            (_, "email" | "email_status") => error::messaging_error(status, "fault", message),
            _ => error::service_error(status, message, "FAULT", ""),
        }
    }

    fn control(&self, what: &str, request: &Request) -> Option<Answer> {
        Some(match (&request.method, what) {
            (&Method::GET, "settings") => Answer::json(200, &json!(*self.settings())),
            (&Method::PUT, "settings") => match control::merge(&*self.settings(), request) {
                Ok(settings) => {
                    *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
                    control::done()
                }
                Err(refused) => refused,
            },
            (&Method::POST, "expire-tokens") => {
                Answer::json(200, &json!({"expired": self.tokens.expire_all()}))
            }
            (&Method::GET, "emails") => self.report_emails(),
            (&Method::DELETE, "emails") => {
                self.emails.lock().unwrap_or_else(PoisonError::into_inner).clear();
                control::done()
            }
            (&Method::GET, "outcomes") => self.report_outcomes(),
            (&Method::PUT, "outcomes") => self.set_outcomes(request, false),
            (&Method::POST, "outcomes") => self.set_outcomes(request, true),
            (&Method::GET, "jobs") => self.report_jobs(),
            (&Method::PUT, "jobs") => self.plan_jobs(request),
            (&Method::POST, "release-jobs") => self.release_jobs(request),
            (&Method::GET, "outputs") => self.report_outputs(request),
            (&Method::DELETE, "outputs") => {
                self.outputs.lock().unwrap_or_else(PoisonError::into_inner).clear();
                control::done()
            }
            (&Method::PUT, "communications") => match request.json::<Vec<Communication>>() {
                Ok(list) => {
                    *self.communications.write().unwrap_or_else(PoisonError::into_inner) =
                        list.into_iter().map(|c| (c.id.to_ascii_lowercase(), c)).collect();
                    control::done()
                }
                Err(refused) => refused,
            },
            _ => return None,
        })
    }
}
