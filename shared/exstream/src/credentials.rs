//! What a service is called with: the credentials of a shop's secret, and the header made of them or of a token.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue, InvalidHeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// What a shop's secret holds for a service: `{"client_id", "client_secret"}` or `{"username", "password"}`, each with or
/// without a `client_certificate`, or that alone. What is not there goes with token mode `none`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(untagged)]
pub enum Credentials {
    Client {
        client_id: SecretString,
        client_secret: SecretString,
        #[serde(default)]
        client_certificate: Option<SecretString>,
    },
    User {
        username: SecretString,
        password: SecretString,
        #[serde(default)]
        client_certificate: Option<SecretString>,
    },
    Certificate {
        client_certificate: SecretString,
    },
    #[default]
    #[serde(skip)]
    None,
}

impl Credentials {
    /// What a server is shown that asks for a certificate (mutual TLS): the chain and its key, in PEM.
    pub const fn client_certificate(&self) -> Option<&SecretString> {
        match self {
            Self::Client { client_certificate, .. } | Self::User { client_certificate, .. } => {
                client_certificate.as_ref()
            }
            Self::Certificate { client_certificate } => Some(client_certificate),
            Self::None => None,
        }
    }
}

/// What a request is authorised with.
#[derive(Debug)]
pub enum AccessToken {
    /// Sent as `Authorization: Bearer`.
    Bearer(SecretString),
    /// Sent as `OTDSTicket`.
    Ticket(SecretString),
    /// Sent as `Authorization: Basic`: user and secret, already encoded.
    Basic(SecretString),
    /// Nothing is sent.
    None,
}

impl AccessToken {
    pub(crate) fn basic(id: &SecretString, secret: &SecretString) -> Self {
        let text = format!("{}:{}", id.expose_secret(), secret.expose_secret());
        Self::Basic(BASE64_STANDARD.encode(text).into())
    }

    /// The header to send.
    pub(crate) fn header(&self) -> Result<Option<(HeaderName, HeaderValue)>, InvalidHeaderValue> {
        let (name, text) = match self {
            Self::Bearer(token) => (AUTHORIZATION, format!("Bearer {}", token.expose_secret())),
            Self::Basic(encoded) => (AUTHORIZATION, format!("Basic {}", encoded.expose_secret())),
            Self::Ticket(ticket) => {
                (HeaderName::from_static("otdsticket"), ticket.expose_secret().to_owned())
            }
            Self::None => return Ok(None),
        };
        let mut value = HeaderValue::try_from(text)?;
        value.set_sensitive(true);
        Ok(Some((name, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_have_the_secrets_shape_and_print_nothing() {
        let read = |json: &str| serde_json::from_str::<Credentials>(json);
        let client = read(r#"{"client_id":"id-1","client_secret":"s3cret"}"#).unwrap();
        assert!(matches!(client, Credentials::Client { .. }));
        assert!(!format!("{client:?}").contains("s3cret") && !format!("{client:?}").contains("id-1"));
        assert!(matches!(read(r#"{"username":"u","password":"p"}"#).unwrap(), Credentials::User { .. }));
        assert!(client.client_certificate().is_none());
        for rest in ["", r#","client_id":"i","client_secret":"s""#, r#","username":"u","password":"p""#] {
            let with = read(&format!(r#"{{"client_certificate":"PEM"{rest}}}"#)).unwrap();
            assert_eq!(with.client_certificate().map(ExposeSecret::expose_secret), Some("PEM"));
            assert!(!format!("{with:?}").contains("PEM"));
        }
        assert!(read("{}").is_err() && read("null").is_err(), "a mistyped secret is not `none`");
    }
}
