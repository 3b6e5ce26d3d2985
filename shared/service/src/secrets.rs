//! Secrets from Secrets Manager, kept for a time-to-live. What is read never prints.

use cache::{Cache, Fresh};
use comms::{Class, Classify, ShopDomain};
use jiff::Timestamp;
use links::LinkKey;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use shop_config::Channel;
use std::{sync::Arc, time::Duration};

/// The credentials of one shop: the JSON of the secret `<prefix>/shop/<shop>`. A service the shop does not
/// use may be absent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ShopSecrets {
    pub shopify: shopify::Credentials,
    pub exstream: exstream::Credentials,
    pub email: exstream::Credentials,
    /// Those of `email`, if absent.
    pub sms: Option<exstream::Credentials>,
    /// Those of `email`, if absent.
    pub whatsapp: Option<exstream::Credentials>,
}

impl ShopSecrets {
    /// The credentials for a channel of Core Messaging.
    pub fn messaging(&self, channel: Channel) -> &exstream::Credentials {
        let own = match channel {
            Channel::Sms => self.sms.as_ref(),
            Channel::WhatsApp => self.whatsapp.as_ref(),
            Channel::Email | Channel::Exstream | Channel::Print | Channel::Web => None,
        };
        own.unwrap_or(&self.email)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("reading the secret {name}")]
    Read { name: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("writing the secret {name}")]
    Write { name: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("the secret {0} has no text value")]
    Empty(String),
    /// The parser's message is left out: it can quote the secret.
    #[error("the secret {0} is not the expected JSON: see docs/configuration.md for its form")]
    Malformed(String),
}

impl Classify for SecretError {
    /// Everything can be fixed by storing the secret, so work waits.
    fn class(&self) -> Class {
        match self {
            Self::Read { .. } | Self::Write { .. } | Self::Empty(_) | Self::Malformed(_) => {
                Class::transient()
            }
        }
    }
}

/// An access token that was renewed may be refused from then on.
const OFFLINE_TTL: Duration = Duration::from_secs(60);
const ENDED_TTL: Duration = Duration::from_secs(10);

pub struct Secrets {
    pub(crate) client: aws_sdk_secretsmanager::Client,
    pub(crate) prefix: String,
    ttl: Duration,
    shops: Cache<ShopDomain, ShopSecrets>,
    customer_key: Cache<(), SecretString>,
    link_key: Cache<(), LinkKey>,
    console: Cache<&'static str, SecretString>,
}

impl Secrets {
    pub fn new(client: aws_sdk_secretsmanager::Client, prefix: String, ttl: Duration) -> Self {
        Self {
            client,
            prefix,
            ttl,
            shops: Cache::default(),
            customer_key: Cache::default(),
            link_key: Cache::default(),
            console: Cache::default(),
        }
    }

    pub async fn shop(&self, shop: &ShopDomain, now: Timestamp) -> Result<Arc<ShopSecrets>, SecretError> {
        let name = format!("{}/shop/{shop}", self.prefix);
        self.shops
            .get(shop, now, async || {
                let text = self.read(&name).await?;
                let mut value: ShopSecrets = serde_json::from_str(text.expose_secret())
                    .map_err(|_| SecretError::Malformed(name.clone()))?;
                let mut expires_at = now + self.ttl;
                if let shopify::Credentials::Offline { access_token, .. } = &mut value.shopify {
                    let stored = self.offline_token(shop).await?;
                    *access_token = Some(stored.access_token);
                    // one that has ended may be renewed at any moment
                    let end = stored.expires_at.unwrap_or(now).max(now + ENDED_TTL);
                    expires_at = expires_at.min(end).min(now + OFFLINE_TTL);
                }
                Ok(Fresh { value, expires_at })
            })
            .await
    }

    /// Reads a shop's secrets anew the next time, unless somebody has since `stale`.
    pub async fn forget(&self, shop: &ShopDomain, stale: &Arc<ShopSecrets>) {
        self.shops.forget(shop, stale).await;
    }

    /// The key of [`comms::CustomerKey`].
    pub async fn customer_key(&self, now: Timestamp) -> Result<Arc<SecretString>, SecretError> {
        let name = format!("{}/customer-key", self.prefix);
        self.customer_key
            .get(&(), now, async || Ok(Fresh { value: self.read(&name).await?, expires_at: now + self.ttl }))
            .await
    }

    /// The key that tokens of links are derived with.
    pub async fn link_key(&self, now: Timestamp) -> Result<Arc<LinkKey>, SecretError> {
        let name = format!("{}/link-key", self.prefix);
        self.link_key
            .get(&(), now, async || {
                let key = LinkKey::new(self.read(&name).await?);
                let value = key.map_err(|_| SecretError::Malformed(name.clone()))?;
                Ok(Fresh { value, expires_at: now + self.ttl })
            })
            .await
    }

    /// The key that the console signs with.
    pub async fn console_key(&self, now: Timestamp) -> Result<Arc<SecretString>, SecretError> {
        self.of_console("console-key", now).await
    }

    /// What the console shows the identity provider, where that asks for it.
    pub async fn console_client_secret(&self, now: Timestamp) -> Result<Arc<SecretString>, SecretError> {
        self.of_console("console-client", now).await
    }

    async fn of_console(&self, name: &'static str, now: Timestamp) -> Result<Arc<SecretString>, SecretError> {
        let load = async || {
            let value = self.read(&format!("{}/{name}", self.prefix)).await?;
            Ok(Fresh { value, expires_at: now + self.ttl })
        };
        self.console.get(&name, now, load).await
    }

    async fn read(&self, name: &str) -> Result<SecretString, SecretError> {
        let output = self.client.get_secret_value().secret_id(name).send().await;
        let output =
            output.map_err(|error| SecretError::Read { name: name.to_owned(), source: error.into() })?;
        match output.secret_string {
            Some(text) if !text.is_empty() => Ok(text.into()),
            _ => Err(SecretError::Empty(name.to_owned())),
        }
    }
}
