//! Offline access tokens that expire, and what renews them.
//!
//! An access token lives an hour, its refresh token 90 days. A refresh token is exchanged for another pair, and may be
//! used again, for when the answer was lost, until its replacement is used; at most for 30 days after its first use
//! (shopify.dev, changelog of 2026-08-28). Whether a refresh ends the access token before it is not documented, nor
//! whether a repeated one gives the same pair: nothing here relies on either.

use super::{AdminApi, AdminError, Call, Credentials, http::exchange, token::granted};
use crate::{Malformed, decode::decode_bytes};
use jiff::Timestamp;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::time::Duration;

/// An access token and what it is renewed with.
#[derive(Debug, Clone)]
pub struct OfflineToken {
    pub access_token: SecretString,
    pub refresh_token: SecretString,
    /// When the access token ends.
    pub expires_at: Timestamp,
}

#[derive(Deserialize)]
struct Grant {
    access_token: SecretString,
    refresh_token: SecretString,
    expires_in: Option<u64>,
}

const OPERATION: &str = "the renewal of the access token";

/// What an access token lives if Shopify does not say.
const LIFE: u64 = 3600;

/// Far more than a token has.
const MAX_TOKEN_BYTES: usize = 4096;

impl AdminApi {
    /// Exchanges a refresh token. The result has to be stored before its refresh token is used: until then the one
    /// before is good for another try, whatever became of this one.
    ///
    /// # Errors
    /// [`AdminError::TokenRefused`] if the refresh token is not accepted.
    pub async fn renew(
        &self,
        call: Call<'_>,
        refresh_token: &SecretString,
    ) -> Result<OfflineToken, AdminError> {
        let Credentials::Offline { client_id, client_secret, .. } = call.credentials else {
            return Err(AdminError::Credentials);
        };
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", client_id.expose_secret()),
            ("client_secret", client_secret.expose_secret()),
            ("refresh_token", refresh_token.expose_secret()),
        ];
        let request = self.http.post(call.url("/admin/oauth/access_token")).form(&form);
        let reply = granted(exchange(request, call.timeout()?).await?)?;
        let no_answer = |source| AdminError::NoAnswer { operation: OPERATION, source };
        let grant: Grant = decode_bytes(&reply.body).map_err(no_answer)?;
        // what cannot be a token must not take the place of one that is
        for (name, token) in [("access_token", &grant.access_token), ("refresh_token", &grant.refresh_token)]
        {
            let token = token.expose_secret();
            if token.is_empty() || token.len() > MAX_TOKEN_BYTES || HeaderValue::from_str(token).is_err() {
                return Err(no_answer(Malformed::new(name, "is no token")));
            }
        }
        let life = Duration::from_secs(grant.expires_in.unwrap_or(LIFE).min(24 * 3600));
        Ok(OfflineToken {
            access_token: grant.access_token,
            refresh_token: grant.refresh_token,
            expires_at: call.now.checked_add(life).unwrap_or(call.now),
        })
    }
}
