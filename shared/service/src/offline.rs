//! The secret of an offline access token that expires, `<prefix>/shop/<shop>/token`.
//!
//! An operator puts the answer of Shopify's token service there; from then on one function replaces it, and everybody
//! reads it. It is apart from the shop's other credentials, so that neither overwrites the other's. A version has at
//! most one successor: the successor's id follows from its own, and Secrets Manager refuses another value under an id
//! that there is. So of two that renewed from the same version, one learns that it was overtaken, and a write whose
//! answer was lost can be repeated.

use crate::{SecretError, Secrets};
use comms::ShopDomain;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use shopify::OfflineToken;

/// A token as its secret has it.
#[derive(Debug, Clone)]
pub struct StoredToken {
    pub access_token: SecretString,
    pub refresh_token: SecretString,
    /// What the refresh token replaced. Good for another try as long as the replacement was not used.
    pub previous_refresh_token: Option<SecretString>,
    /// `None` as an operator puts it: it is due.
    pub expires_at: Option<Timestamp>,
    version: String,
}

#[derive(Deserialize)]
struct Wire {
    access_token: SecretString,
    refresh_token: SecretString,
    previous_refresh_token: Option<SecretString>,
    expires_at: Option<Timestamp>,
}

/// What became of a token that was to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    Stored,
    /// Somebody else has stored another one meanwhile. That is the one to use.
    Overtaken,
}

impl Secrets {
    /// The token as it is stored now, past what is kept in memory.
    ///
    /// # Errors
    /// When there is none or it cannot be read.
    pub async fn offline_token(&self, shop: &ShopDomain) -> Result<StoredToken, SecretError> {
        let name = self.token_name(shop);
        let output = self.client.get_secret_value().secret_id(&name).send().await;
        let output =
            output.map_err(|error| SecretError::Read { name: name.clone(), source: error.into() })?;
        let (Some(text), Some(version)) = (output.secret_string, output.version_id) else {
            return Err(SecretError::Empty(name));
        };
        let text = SecretString::from(text);
        let wire: Wire =
            serde_json::from_str(text.expose_secret()).map_err(|_| SecretError::Malformed(name))?;
        Ok(StoredToken {
            access_token: wire.access_token,
            refresh_token: wire.refresh_token,
            previous_refresh_token: wire.previous_refresh_token,
            expires_at: wire.expires_at,
            version,
        })
    }

    /// Puts `token` in the place of `before`, of which `used` was exchanged for it.
    ///
    /// # Errors
    /// When it may not have been stored. `used` is then still good for another try.
    pub async fn store_offline_token(
        &self,
        shop: &ShopDomain,
        before: &StoredToken,
        used: &SecretString,
        token: &OfflineToken,
    ) -> Result<Stored, SecretError> {
        let name = self.token_name(shop);
        let text = json!({
            "access_token": token.access_token.expose_secret(),
            "refresh_token": token.refresh_token.expose_secret(),
            "previous_refresh_token": used.expose_secret(),
            "expires_at": token.expires_at,
        });
        let put =
            self.client.put_secret_value().secret_id(&name).client_request_token(successor(&before.version));
        match put.secret_string(text.to_string()).send().await {
            Ok(_) => Ok(Stored::Stored),
            Err(error) => match error.as_service_error() {
                Some(refusal) if refusal.is_resource_exists_exception() => Ok(Stored::Overtaken),
                _ => Err(SecretError::Write { name, source: error.into() }),
            },
        }
    }

    fn token_name(&self, shop: &ShopDomain) -> String {
        format!("{}/shop/{shop}/token", self.prefix)
    }
}

/// The id of the one version that may follow.
fn successor(version: &str) -> String {
    hex::encode(Sha256::digest(format!("successor of {version}")))
}
