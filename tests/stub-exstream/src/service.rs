//! What a request asks for, and the control routes of this stub.

use crate::{
    answers, communication::Communication, jobs, options::ExstreamOptions, stub::ExstreamStub,
    text_message::TextChannel, token::TokenMode,
};
use axum::http::{Method, header};
use serde_json::json;
use std::{
    net::SocketAddr,
    sync::{Arc, PoisonError},
};
use stub_http::{Answer, Controls, Fault, FaultKind, ListenError, Request, Running, Service, control};

impl ExstreamStub {
    /// Binds `addr` (port 0 picks one) and serves until shut down.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn start(addr: SocketAddr, options: ExstreamOptions) -> Result<Running, ListenError> {
        stub_http::start(addr, Self::new(options)).await
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
    Text(TextChannel),
    TextStatus(TextChannel),
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
            (["mra", "v1", "outbound", "sms"], _) if post => Self::Text(TextChannel::Sms),
            (["mra", "v1", "outbound", "sms", "status"], _) if get => Self::TextStatus(TextChannel::Sms),
            (["mra", "v1", "outbound", "whatsapp", "template_message"], _) if post => {
                Self::Text(TextChannel::WhatsApp)
            }
            (["mra", "v1", "outbound", "whatsapp", "status"], _) if get => {
                Self::TextStatus(TextChannel::WhatsApp)
            }
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
            Self::Text(TextChannel::Sms) => "sms",
            Self::TextStatus(TextChannel::Sms) => "sms_status",
            Self::Text(TextChannel::WhatsApp) => "whatsapp",
            Self::TextStatus(TextChannel::WhatsApp) => "whatsapp_status",
            Self::Unknown => "unknown",
        }
    }
}

/// Whether an operation is one of Core Messaging's.
fn is_messaging(operation: &str) -> bool {
    ["email", "sms", "whatsapp"].contains(&operation.trim_end_matches("_status"))
}

impl Service for ExstreamStub {
    fn controls(&self) -> &Controls {
        &self.controls
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
            Route::Text(channel) => self.send_text(channel, request).await,
            Route::TextStatus(channel) => self.text_status(channel, request),
            Route::Token(..) | Route::Unknown => {
                answers::service_error(404, "No message available", "NOT_FOUND", &request.path)
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
            (FaultKind::Error200, operation) if is_messaging(operation) => {
                answers::messaging_error(200, "internal_error", message)
            }
            (FaultKind::Error200, _) => answers::engine_error(200, status, message),
            (FaultKind::Throttled, _) => {
                let refused = answers::gateway_fault(
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
            (FaultKind::AccessDenied, _) => answers::service_error(403, "Access is denied", "FORBIDDEN", ""),
            (_, "token") if status == 401 => {
                answers::gateway_fault(401, "Invalid ApiKey", "oauth.v2.InvalidApiKey")
            }
            (_, "token") => answers::gateway_fault(status, message, "messaging.runtime.Fault"),
            (_, operation) if is_messaging(operation) => answers::messaging_error(status, "fault", message),
            _ => answers::service_error(status, message, "FAULT", ""),
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
            (&Method::GET, "texts") => self.report_texts(),
            (&Method::DELETE, "texts") => {
                self.texts.lock().unwrap_or_else(PoisonError::into_inner).clear();
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
