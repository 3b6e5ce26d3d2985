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

impl Credentials {
    /// The secret that Shopify signs with for this app. A fixed token alone has none.
    pub const fn client_secret(&self) -> Option<&SecretString> {
        match self {
            Self::Client { client_secret, .. } | Self::Offline { client_secret, .. } => Some(client_secret),
            Self::AccessToken { .. } | Self::None => None,
        }
    }
}

/// `"token": "offline"`, which tells a shop's secret from one with client credentials alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OfflineMode {
    Offline,
}
