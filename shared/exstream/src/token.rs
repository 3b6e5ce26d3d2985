//! Access tokens: six ways to get or replace one, kept until shortly before they end.
//!
//! One [`TokenSource`] serves every shop and every OpenText service. It promises one token request at a time
//! per shop, token settings and principal, however many callers wait for it, and one more after a service
//! refused a token. Tokens live in memory only: a crash costs one request.
//!
//! Whoever has a client certificate shows it to the service and its token service (`identity.rs`).

use crate::{
    AccessToken, Budget, Credentials, ExchangeError, Memory, Outgoing, Reply, exchange,
    exchange::exchange_within,
    fault::is_code,
    identity::{Identities, MakeClient},
    text::{Text, escape},
};
use bytes::Bytes;
use cache::{Cache, Fresh};
use comms::{Class, Classify, ShopDomain};
use jiff::Timestamp;
use reqwest::{
    Client, Method,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use shop_config::Token;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Documented for OTDS; also used where an answer gives no lifetime.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(15 * 60);
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
const MARGIN: Duration = Duration::from_secs(60);
const ANSWER_BYTES: usize = 64 * 1024;

/// Whose token is wanted.
#[derive(Debug, Clone, Copy)]
pub struct TokenCall<'a> {
    pub shop: &'a ShopDomain,
    pub token: &'a Token,
    pub credentials: &'a Credentials,
    pub now: Timestamp,
    pub budget: Budget,
}

#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("token mode `{mode}` needs {needs} in the shop's secret")]
    Credentials { mode: &'static str, needs: &'static str },
    #[error("the token service's address cannot be used")]
    Settings,
    /// Why is left out: it could quote the key.
    #[error("`client_certificate` in the shop's secret is no chain of certificates with its key, in PEM")]
    Certificate,
    #[error("calling the token service")]
    Exchange(#[source] ExchangeError),
    #[error("the token service refused: status {status}{}", code.as_deref().map(|code| format!(", {code}")).unwrap_or_default())]
    Refused { status: u16, code: Option<String>, retry_after: Option<Duration> },
    #[error("the token service's answer has no usable token")]
    Unusable,
    #[error("the time allowed ended before there was a token")]
    OutOfTime,
}

impl Classify for TokenError {
    /// Asking for a token has no effect, and wrong credentials are for an operator to fix: work waits and
    /// continues once it is fixed.
    fn class(&self) -> Class {
        match self {
            Self::Refused { retry_after, .. } => Class::Transient { retry_after: *retry_after },
            Self::Credentials { .. }
            | Self::Settings
            | Self::Certificate
            | Self::Exchange(_)
            | Self::Unusable
            | Self::OutOfTime => Class::transient(),
        }
    }
}

/// Why an authorised exchange failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("no access token")]
    Token(#[source] TokenError),
    #[error("calling the service")]
    Exchange(#[source] ExchangeError),
}

/// The client's identifier is part of the key: two services of one shop may share a token service.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    shop: ShopDomain,
    mode: &'static str,
    url: String,
    scope: String,
    principal: String,
}

pub struct TokenSource {
    http: Client,
    cache: Cache<Key, AccessToken>,
    memory: Option<Memory>,
    identities: Identities,
}

impl TokenSource {
    pub fn new(http: Client) -> Self {
        Self { http, cache: Cache::default(), memory: None, identities: Identities::default() }
    }

    /// Makes clients that show a certificate by `make`. Without this, credentials with one are refused.
    #[must_use]
    pub fn identified_by(self, make: MakeClient) -> Self {
        Self { identities: Identities::new(make), ..self }
    }

    /// Bounds what large answers to [`exchange`](Self::exchange) take at once.
    #[must_use]
    pub fn within(self, memory: Memory) -> Self {
        Self { memory: Some(memory), ..self }
    }

    /// A token that is good for a while: refreshed at 80 % of its lifetime or a minute before its end,
    /// whichever is earlier (at half of it, where it lives for less than two minutes).
    ///
    /// # Errors
    /// [`TokenError`]; nothing is kept of a failed attempt.
    pub async fn get(&self, call: TokenCall<'_>) -> Result<Arc<AccessToken>, TokenError> {
        if matches!(call.token, Token::Basic) {
            return basic_token(call.credentials).map(Arc::new);
        }
        let Some(request) = TokenRequest::new(call.token, call.credentials)? else {
            return Ok(Arc::new(AccessToken::None));
        };
        let left = call.budget.left().map_err(TokenError::Exchange)?;
        let key = request.key(call.shop);
        let token = self.cache.get(&key, call.now, async || {
            let own = self.identities.client(call.credentials)?;
            let http = own.as_ref().unwrap_or(&self.http);
            let (token, lifetime) = self.fetch(http, &request, call.budget).await?;
            Ok(Fresh { value: token, expires_at: call.now + usable_for(lifetime) })
        });
        // also bounds the wait for another caller's request
        tokio::time::timeout(left, token).await.map_err(|_| TokenError::OutOfTime)?
    }

    /// To be called after a 401: the next caller fetches another token, unless somebody has since.
    pub async fn forget(&self, call: TokenCall<'_>, refused: &Arc<AccessToken>) {
        if let Ok(Some(request)) = TokenRequest::new(call.token, call.credentials) {
            self.cache.forget(&request.key(call.shop), refused).await;
        }
    }

    /// Sends `outgoing` with a token, and once more with another token if the answer is `refused`.
    ///
    /// # Errors
    /// [`CallError`]. An answer that is refused twice is an answer.
    pub async fn exchange(
        &self,
        http: &Client,
        call: TokenCall<'_>,
        outgoing: &Outgoing,
        refused: fn(&Reply) -> bool,
    ) -> Result<Reply, CallError> {
        let own = self.identities.client(call.credentials).map_err(CallError::Token)?;
        let http = own.as_ref().unwrap_or(http);
        let token = self.get(call).await.map_err(CallError::Token)?;
        let send =
            async |token| exchange_within(http, outgoing, token, call.budget, self.memory.as_ref()).await;
        let reply = send(&token).await.map_err(CallError::Exchange)?;
        if matches!(*token, AccessToken::None | AccessToken::Basic(_)) || !refused(&reply) {
            return Ok(reply);
        }
        self.forget(call, &token).await;
        let token = self.get(call).await.map_err(CallError::Token)?;
        // refused as it is, nothing waits for its room
        drop(reply);
        send(&token).await.map_err(CallError::Exchange)
    }

    async fn fetch(
        &self,
        http: &Client,
        request: &TokenRequest<'_>,
        budget: Budget,
    ) -> Result<(AccessToken, Duration), TokenError> {
        let reply = exchange(http, &request.outgoing()?, &AccessToken::None, budget)
            .await
            .map_err(TokenError::Exchange)?;
        if !reply.is_success() {
            let wire: WireRefusal = serde_json::from_slice(&reply.body).unwrap_or_default();
            let code = wire.error.map(|Text(code)| code.into_owned()).filter(|code| is_code(code));
            return Err(TokenError::Refused { status: reply.status, code, retry_after: reply.retry_after });
        }
        let wire: WireToken<'_> = serde_json::from_slice(&reply.body).map_err(|_| TokenError::Unusable)?;
        let (token, wrap): (_, fn(SecretString) -> AccessToken) = match request.mode {
            "otds_ticket" => (wire.ticket, AccessToken::Ticket),
            _ => (wire.access_token, AccessToken::Bearer),
        };
        let Text(token) = token.filter(|Text(token)| !token.is_empty()).ok_or(TokenError::Unusable)?;
        let token = wrap(SecretString::from(token.into_owned()));
        token.header().map_err(|_| TokenError::Unusable)?;
        Ok((token, wire.expires_in.map_or(DEFAULT_LIFETIME, |lifetime| lifetime.0)))
    }
}

fn usable_for(lifetime: Duration) -> Duration {
    let early = (lifetime * 4 / 5).min(lifetime.saturating_sub(MARGIN));
    early.max(lifetime / 2)
}

fn basic_token(credentials: &Credentials) -> Result<AccessToken, TokenError> {
    let (id, secret) = match credentials {
        Credentials::Client { client_id, client_secret, .. } => (client_id, client_secret),
        Credentials::User { username, password, .. } => (username, password),
        Credentials::Certificate { .. } | Credentials::None => {
            let needs = "`username` and `password`, or `client_id` and `client_secret`,";
            return Err(TokenError::Credentials { mode: "basic", needs });
        }
    };
    Ok(AccessToken::basic(id, secret))
}

/// The request a token mode stands for.
struct TokenRequest<'a> {
    mode: &'static str,
    url: &'a str,
    scope: Option<&'a str>,
    /// What the user's name is called.
    user_field: &'static str,
    id: &'a SecretString,
    secret: &'a SecretString,
}

#[derive(Serialize)]
struct ClientBody<'a> {
    client_id: &'a str,
    client_secret: &'a str,
    grant_type: &'static str,
}

impl<'a> TokenRequest<'a> {
    fn new(token: &'a Token, credentials: &'a Credentials) -> Result<Option<Self>, TokenError> {
        let (mode, url, scope) = match token {
            Token::GatewayJson { url } => ("gateway_json", url.as_str(), None),
            Token::GatewayForm { url } => ("gateway_form", url.as_str(), None),
            Token::OtdsSaas { url, scope } => ("otds_saas", url.as_str(), Some(scope.as_str())),
            Token::OtdsLocal { url, scope } => ("otds_local", url.as_str(), Some(scope.as_str())),
            Token::OtdsTicket { url, .. } => ("otds_ticket", url.as_str(), None),
            Token::Basic | Token::None => return Ok(None),
        };
        let user_field = match token {
            Token::OtdsTicket { user_field, .. } => user_field.name(),
            _ => "",
        };
        let (id, secret) = match (token, credentials) {
            (Token::OtdsTicket { .. }, Credentials::User { username, password, .. }) => (username, password),
            (Token::OtdsTicket { .. }, _) => {
                return Err(TokenError::Credentials { mode, needs: "`username` and `password`" });
            }
            (_, Credentials::Client { client_id, client_secret, .. }) => (client_id, client_secret),
            (_, _) => return Err(TokenError::Credentials { mode, needs: "`client_id` and `client_secret`" }),
        };
        Ok(Some(Self { mode, url, scope, user_field, id, secret }))
    }

    fn key(&self, shop: &ShopDomain) -> Key {
        Key {
            shop: shop.clone(),
            mode: self.mode,
            url: self.url.to_owned(),
            scope: self.scope.unwrap_or_default().to_owned(),
            principal: self.id.expose_secret().to_owned(),
        }
    }

    fn outgoing(&self) -> Result<Outgoing, TokenError> {
        let (id, secret) = (self.id.expose_secret(), self.secret.expose_secret());
        let mut headers = HeaderMap::new();
        let (media_type, body) = match (self.mode, self.scope) {
            ("otds_ticket", _) => {
                (JSON, serde_json::to_vec(&BTreeMap::from([(self.user_field, id), ("password", secret)])))
            }
            ("gateway_form", _) => {
                let basic = AccessToken::basic(self.id, self.secret);
                headers.extend(basic.header().map_err(|_| TokenError::Settings)?);
                (FORM, Ok(b"grant_type=client_credentials".to_vec()))
            }
            (_, None) => {
                let grant_type = "client_credentials";
                (JSON, serde_json::to_vec(&ClientBody { client_id: id, client_secret: secret, grant_type }))
            }
            (_, Some(scope)) => {
                let [id, secret, scope] = [id, secret, scope].map(escape);
                let form = format!(
                    "grant_type=client_credentials&client_id={id}&client_secret={secret}&scope={scope}"
                );
                (FORM, Ok(form.into_bytes()))
            }
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        Ok(Outgoing {
            method: Method::POST,
            url: self.url.parse().map_err(|_| TokenError::Settings)?,
            headers,
            body: Bytes::from(body.map_err(|_| TokenError::Settings)?),
            limit: ANSWER_BYTES,
        })
    }
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

#[derive(Deserialize)]
struct WireToken<'a> {
    #[serde(borrow)]
    access_token: Option<Text<'a>>,
    #[serde(borrow)]
    ticket: Option<Text<'a>>,
    expires_in: Option<Lifetime>,
}

#[derive(Default, Deserialize)]
struct WireRefusal<'a> {
    #[serde(borrow)]
    error: Option<Text<'a>>,
}

/// Seconds, as a number or as text.
#[derive(Deserialize)]
#[serde(try_from = "serde_json::Value")]
struct Lifetime(Duration);

impl TryFrom<serde_json::Value> for Lifetime {
    type Error = &'static str;

    fn try_from(value: serde_json::Value) -> Result<Self, Self::Error> {
        let seconds = value
            .as_u64()
            .or_else(|| value.as_str()?.trim().parse().ok())
            .ok_or("not a number of seconds")?;
        Ok(Self(Duration::from_secs(seconds).min(MAX_LIFETIME)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refreshes_early_enough_and_not_at_once() {
        for (lifetime, usable) in [(900, 720), (300, 240), (200, 140), (120, 60), (100, 50), (30, 15), (0, 0)]
        {
            assert_eq!(usable_for(Duration::from_secs(lifetime)), Duration::from_secs(usable), "{lifetime}");
        }
    }
}
