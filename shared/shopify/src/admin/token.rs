//! Access tokens.
//!
//! A shop's secret holds a token of a custom app, which is used as it is; or the client credentials of an app of one's
//! own, which are exchanged for a token that is valid for a day; or those of an app whose offline token expires, which lies in
//! a secret of its own and is renewed by one function for all (see [`crate::OfflineToken`]). Promises one exchange at a
//! time per shop and a fresh token before the old one expires.

use super::{
    call::Call,
    credentials::Credentials,
    error::{AdminError, short},
    http::{Reply, exchange},
};
use crate::decode::decode_bytes;
use cache::{Cache, Fresh};
use comms::ShopDomain;
use reqwest::{Client, StatusCode, header::HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::{sync::Arc, time::Duration};

#[derive(Default)]
pub(super) struct Tokens {
    cache: Cache<ShopDomain, SecretString>,
}

pub(super) enum Token<'a> {
    Fixed(&'a SecretString),
    Granted(Arc<SecretString>),
}

impl Token<'_> {
    pub fn header(&self) -> Result<HeaderValue, AdminError> {
        let secret = match self {
            Self::Fixed(secret) => secret.expose_secret(),
            Self::Granted(secret) => secret.expose_secret(),
        };
        let mut value = HeaderValue::from_str(secret).map_err(|_| AdminError::Credentials)?;
        value.set_sensitive(true);
        Ok(value)
    }

    pub const fn is_renewable(&self) -> bool {
        matches!(self, Self::Granted(_))
    }
}

#[derive(Deserialize)]
struct Grant {
    access_token: SecretString,
    expires_in: Option<u64>,
}

#[derive(Deserialize)]
struct Refusal {
    error: Option<String>,
}

impl Tokens {
    pub async fn get<'a>(&self, http: &Client, call: Call<'a>) -> Result<Token<'a>, AdminError> {
        match call.credentials {
            Credentials::AccessToken { access_token }
            | Credentials::Offline { access_token: Some(access_token), .. } => Ok(Token::Fixed(access_token)),
            Credentials::Client { client_id, client_secret } => {
                let load = async || grant(http, call, client_id, client_secret).await;
                let token =
                    tokio::time::timeout_at(call.deadline, self.cache.get(call.shop, call.now, load)).await;
                Ok(Token::Granted(token.map_err(|_| AdminError::OutOfTime)??))
            }
            Credentials::Offline { access_token: None, .. } | Credentials::None => {
                Err(AdminError::Credentials)
            }
        }
    }

    /// To be called after Shopify refused a token: the next caller gets another, unless somebody has since.
    pub async fn forget(&self, shop: &ShopDomain, token: &Token<'_>) {
        if let Token::Granted(token) = token {
            self.cache.forget(shop, token).await;
        }
    }
}

async fn grant(
    http: &Client,
    call: Call<'_>,
    client_id: &SecretString,
    client_secret: &SecretString,
) -> Result<Fresh<SecretString>, AdminError> {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client_id.expose_secret()),
        ("client_secret", client_secret.expose_secret()),
    ];
    let request = http.post(call.url("/admin/oauth/access_token")).form(&form);
    let reply = granted(exchange(request, call.timeout()?).await?)?;
    let grant: Grant = decode_bytes(&reply.body)
        .map_err(|source| AdminError::NoAnswer { operation: "the access token request", source })?;
    // a tenth of its life early, so that no request of an invocation carries one about to expire
    let life = Duration::from_secs(grant.expires_in.unwrap_or(3600).min(7 * 24 * 3600)) * 9 / 10;
    Ok(Fresh { value: grant.access_token, expires_at: call.now + life })
}

/// The token service's answer, if it grants something.
pub(super) fn granted(reply: Reply) -> Result<Reply, AdminError> {
    if reply.status == StatusCode::OK {
        return Ok(reply);
    }
    let refusal = decode_bytes::<Refusal>(&reply.body).ok().and_then(|it| it.error);
    let code = refusal.map(|code| short(&code, 64));
    match reply.status.as_u16() {
        status @ 400..=499 if !matches!(status, 408 | 423 | 425 | 429 | 430) => {
            Err(AdminError::TokenRefused { status, code })
        }
        status => Err(AdminError::Status { status, retry_after: reply.retry_after }),
    }
}
