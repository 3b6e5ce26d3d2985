//! The ways to a token, and whether a request carries one that is still good.
//!
//! A changed lifetime applies to tokens issued after the change.

use crate::{answers, stub::ExstreamStub};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;
use stub_http::{Answer, Check, Request, form_pairs};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenMode {
    GatewayJson,
    OtdsSaas,
    OtdsLocal,
    OtdsTicket,
}

#[derive(Deserialize)]
struct ClientCredentials {
    client_id: Option<String>,
    client_secret: Option<String>,
    grant_type: Option<String>,
}

#[derive(Deserialize)]
struct TicketCredentials {
    /// As newer ones call it, and as older ones do.
    #[serde(alias = "userName")]
    user_name: Option<String>,
    password: Option<String>,
}

impl ExstreamStub {
    pub(crate) fn token(&self, mode: TokenMode, tenant: &str, request: &Request) -> Answer {
        match mode {
            TokenMode::GatewayJson => self.gateway_token(tenant, request),
            TokenMode::OtdsSaas | TokenMode::OtdsLocal => self.otds_token(mode, tenant, request),
            TokenMode::OtdsTicket => self.ticket(tenant, request),
        }
    }

    fn gateway_token(&self, tenant: &str, request: &Request) -> Answer {
        if request.header("content-type") == Some("application/x-www-form-urlencoded") {
            let is_grant = &request.body[..] == b"grant_type=client_credentials";
            return match (is_grant, self.knows_basic(request)) {
                (true, true) => self.bearer(tenant),
                (false, _) => answers::gateway_fault(400, "Invalid request body", "oauth.v2.InvalidRequest"),
                (_, false) => answers::gateway_fault(401, "Invalid ApiKey", "oauth.v2.InvalidApiKey"),
            };
        }
        let Ok(sent) = serde_json::from_slice::<ClientCredentials>(&request.body) else {
            return answers::gateway_fault(400, "Invalid request body", "oauth.v2.InvalidRequest");
        };
        if sent.grant_type.as_deref() != Some("client_credentials") {
            return answers::gateway_fault(400, "Unsupported grant type", "oauth.v2.UnsupportedGrantType");
        }
        if !self.knows(sent.client_id.as_deref(), sent.client_secret.as_deref()) {
            return answers::gateway_fault(401, "Invalid ApiKey", "oauth.v2.InvalidApiKey");
        }
        self.bearer(tenant)
    }

    fn otds_token(&self, mode: TokenMode, tenant: &str, request: &Request) -> Answer {
        let pairs = form_pairs(&String::from_utf8_lossy(&request.body));
        let field = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        if field("grant_type") != Some("client_credentials") {
            return answers::oauth_error(
                400,
                "unsupported_grant_type",
                "grant_type must be client_credentials",
            );
        }
        let scopes: Vec<_> = field("scope").unwrap_or_default().split_whitespace().collect();
        let subscribed = scopes.iter().any(|scope| scope.starts_with("subscription:"));
        if !scopes.contains(&"otds:groups") || (mode == TokenMode::OtdsSaas && !subscribed) {
            return answers::oauth_error(400, "invalid_scope", "the requested scope is invalid or missing");
        }
        if !self.knows(field("client_id"), field("client_secret")) {
            return answers::oauth_error(401, "invalid_client", "client authentication failed");
        }
        self.bearer(tenant)
    }

    fn ticket(&self, tenant: &str, request: &Request) -> Answer {
        let sent = serde_json::from_slice::<TicketCredentials>(&request.body).ok();
        let good = sent.is_some_and(|s| self.knows(s.user_name.as_deref(), s.password.as_deref()));
        if !good {
            return Answer::json(
                401,
                &json!({"status": 401, "error": "Authentication failed for user. Invalid credentials."}),
            );
        }
        let lifetime = Duration::from_secs(self.settings().token_lifetime_seconds);
        let ticket = self.tokens.issue("*OTDSSSO*", tenant, lifetime);
        Answer::json(200, &json!({"token": null, "userId": "local", "ticket": ticket}))
    }

    fn knows(&self, id: Option<&str>, secret: Option<&str>) -> bool {
        id == Some(&self.options.client_id) && secret == Some(&self.options.client_secret)
    }

    fn knows_basic(&self, request: &Request) -> bool {
        let pair =
            BASE64_STANDARD.encode(format!("{}:{}", self.options.client_id, self.options.client_secret));
        request.header("authorization").and_then(|it| it.strip_prefix("Basic ")) == Some(&pair)
    }

    fn bearer(&self, tenant: &str) -> Answer {
        let seconds = self.settings().token_lifetime_seconds;
        let token = self.tokens.issue("", tenant, Duration::from_secs(seconds));
        Answer::json(200, &json!({"access_token": token, "token_type": "Bearer", "expires_in": seconds}))
    }

    /// Refuses a request without a good token. In mode `none` (no authentication) every request passes.
    pub(crate) fn authorize(&self, request: &Request) -> Result<(), Answer> {
        let is_messaging = request.path.starts_with("/mra/");
        if !self.settings().authenticate || (is_messaging && self.knows_basic(request)) {
            return Ok(());
        }
        let bearer = request.header("authorization").and_then(|v| v.strip_prefix("Bearer "));
        let Some(token) = bearer.or_else(|| request.header("otdsticket")) else {
            return Err(answers::gateway_fault(401, "Missing Access Token", "oauth.v2.InvalidAccessToken"));
        };
        match self.tokens.check(token, None) {
            Check::Good => Ok(()),
            Check::Expired => Err(answers::gateway_fault(
                401,
                "Access Token expired",
                "keymanagement.service.access_token_expired",
            )),
            Check::Unknown => Err(answers::gateway_fault(
                401,
                "Invalid Access Token",
                "keymanagement.service.invalid_access_token",
            )),
        }
    }
}
