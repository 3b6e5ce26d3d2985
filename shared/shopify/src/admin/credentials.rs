//! What a shop's secret says of the app.

use secrecy::SecretString;
use serde::Deserialize;

/// The `shopify` part of a shop's secret.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(untagged)]
pub enum Credentials {
    AccessToken {
        access_token: SecretString,
    },
    /// Of an app whose offline token expires.
    Offline {
        client_id: SecretString,
        client_secret: SecretString,
        token: OfflineMode,
        /// As the token's own secret has it. Whoever reads secrets fills it in.
        #[serde(skip)]
        access_token: Option<SecretString>,
    },
    Client {
        client_id: SecretString,
        client_secret: SecretString,
    },
    /// The secret has none. Every call fails.
    #[default]
    #[serde(skip)]
    None,
}

/// `"token": "offline"`, which tells a shop's secret from one with client credentials alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OfflineMode {
    Offline,
}
