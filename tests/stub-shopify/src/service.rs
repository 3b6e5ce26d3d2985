//! Which part of the stub answers a request, and how its failures look.

use crate::{
    bucket::Bucket,
    bulk_content::storage_error,
    bulk_operation::OUTPUTS,
    graphql,
    options::ShopifyOptions,
    schema::SchemaError,
    stub::{ShopifyStub, base},
};
use axum::http::{Method, header};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use stub_http::{Answer, Controls, Fault, FaultKind, ListenError, Request, Running, Service};

/// The stub cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the Admin schema")]
    Schema(#[from] SchemaError),
    #[error(transparent)]
    Listen(#[from] ListenError),
}

impl ShopifyStub {
    /// Binds `addr` (port 0 picks one) and serves until shut down.
    ///
    /// # Errors
    /// The schema cannot be read or the address cannot be bound.
    pub async fn start(addr: SocketAddr, options: ShopifyOptions) -> Result<Running, StartError> {
        let stub = Self::new(options)?;
        Ok(stub_http::start(addr, stub).await?)
    }
}

impl Service for ShopifyStub {
    fn controls(&self) -> &Controls {
        &self.controls
    }

    fn operations(&self, request: &Request) -> Vec<String> {
        let (_, path) = self.target(request);
        match path {
            "admin/oauth/access_token" => vec!["token".to_owned()],
            _ if path.starts_with(OUTPUTS) => vec!["bulk_file".to_owned()],
            _ if is_graphql(path) => {
                let mut names = vec!["graphql".to_owned()];
                names.extend(self.parsed.names(&self.schema, &request.body));
                names
            }
            _ => vec!["unknown".to_owned()],
        }
    }

    async fn answer(&self, request: &Request) -> Answer {
        let (shop, path) = self.target(request);
        if path == "admin/oauth/access_token" && request.method == Method::POST {
            return self.token(&shop, request);
        }
        if let Some(token) = path.strip_prefix(OUTPUTS) {
            // the URL is the permission: no token is asked for
            let content = self.content(token).map(|content| content.serve(request));
            return content.unwrap_or_else(|| storage_error(404, "NoSuchKey"));
        }
        if !is_graphql(path) || request.method != Method::POST {
            return Answer::json(404, &json!({"errors": "Not Found"}));
        }
        if !self.authorized(&shop, request) {
            let message = "[API] Invalid API key or access token (unrecognized login or wrong password)";
            return Answer::json(401, &json!({ "errors": message }));
        }
        let settings = self.settings();
        if settings.latency_ms > 0 {
            tokio::time::sleep(Duration::from_millis(settings.latency_ms)).await;
        }
        let shop = self.shop(&shop);
        let base = base(request);
        let target = graphql::Target { schema: &self.schema, shop: &shop, settings, base: &base };
        self.parsed.answer(&target, &request.body)
    }

    fn failure(&self, fault: &Fault, operations: &[String]) -> Answer {
        let root = operations.get(1).map_or("order", String::as_str);
        let status = fault.status.unwrap_or(500);
        let one = |message: &str, code: &str, extra: Value| {
            let mut extensions = json!({ "code": code });
            if let (Some(known), Value::Object(more)) = (extensions.as_object_mut(), extra) {
                known.extend(more);
            }
            json!({"message": message, "locations": [{"line": 1, "column": 1}], "path": [root], "extensions": extensions})
        };
        match fault.kind {
            _ if operations == ["bulk_file"] && fault.kind == FaultKind::Status => {
                storage_error(status, "Fault")
            }
            FaultKind::WrongType200 => Answer::new(200, "text/html", "<html><body>Log in</body></html>"),
            FaultKind::Empty200 => Answer::json(200, &json!({"data": {root: null}})),
            FaultKind::Error200 => {
                let error = one(
                    "Internal error. Looks like something went wrong on our end.",
                    "INTERNAL_SERVER_ERROR",
                    json!({"requestId": "local"}),
                );
                Answer::json(200, &json!({"errors": [error]}))
            }
            FaultKind::Throttled if fault.status == Some(429) || operations.len() < 2 => {
                let seconds = fault.retry_after_seconds.unwrap_or(2);
                let message = "Exceeded 2 calls per second for api client. Reduce request rates to resume uninterrupted service.";
                Answer::json(429, &json!({ "errors": message }))
                    .with_header(header::RETRY_AFTER, format!("{seconds}.0"))
            }
            FaultKind::Throttled => {
                graphql::throttled(10, &Bucket::new(0, self.settings().restore_rate, Instant::now()))
            }
            FaultKind::AccessDenied => {
                let message = format!(
                    "Access denied for {root} field. Required access: a scope the app does not have."
                );
                let error = one(
                    &message,
                    "ACCESS_DENIED",
                    json!({"documentation": "https://shopify.dev/api/usage/access-scopes", "requiredAccess": "a scope the app does not have"}),
                );
                Answer::json(200, &json!({"errors": [error], "data": {root: null}}))
            }
            _ if status == 401 => Answer::json(
                401,
                &json!({"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}),
            ),
            _ => Answer::json(status, &json!({"errors": "Internal Server Error"})),
        }
    }

    fn control(&self, what: &str, request: &Request) -> Option<Answer> {
        self.answer_control(what, request)
    }
}

fn is_graphql(path: &str) -> bool {
    path.strip_prefix("admin/api/").and_then(|rest| rest.strip_suffix("/graphql.json")).is_some()
}
