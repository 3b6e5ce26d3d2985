//! Configuration files in S3, kept for a time-to-live.

use crate::{InvalidConfig, MAX_RETENTION_DAYS, ShopConfig};
use aws_sdk_s3::Client;
use cache::{Cache, Fresh};
use comms::{Class, Classify, ShopDomain};
use jiff::Timestamp;
use std::{sync::Arc, time::Duration};

/// No configuration is anywhere near this; a larger file is a mistake, not a shop.
pub(crate) const MAX_BYTES: i64 = 256 * 1024;

/// A configuration and the S3 version it was read from, which the evidence record names.
#[derive(Debug)]
pub struct Loaded {
    pub config: ShopConfig,
    pub version_id: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("shop {0} has no configuration: push one with `ctl config push`")]
    NotServed(ShopDomain),
    #[error("the configuration of {shop} is invalid")]
    Invalid { shop: ShopDomain, source: InvalidConfig },
    #[error("the configuration stored for {shop} is that of {found}")]
    OtherShop { shop: ShopDomain, found: ShopDomain },
    #[error("the configuration of {0} is larger than 256 KiB or not UTF-8")]
    Oversized(ShopDomain),
    #[error("listing the shops")]
    List(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("reading the configuration of {shop} from S3")]
    Read { shop: ShopDomain, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("storing the configuration of {shop} in S3")]
    Write { shop: ShopDomain, source: Box<dyn std::error::Error + Send + Sync> },
}

impl Classify for ConfigError {
    /// Everything can be fixed by pushing a configuration, so work waits and continues once it is fixed.
    fn class(&self) -> Class {
        match self {
            Self::NotServed(_)
            | Self::Invalid { .. }
            | Self::OtherShop { .. }
            | Self::Oversized(_)
            | Self::List(_)
            | Self::Read { .. }
            | Self::Write { .. } => Class::transient(),
        }
    }
}

const PREFIX: &str = "config/";

/// The object key of a shop's configuration in the operations bucket.
pub fn config_key(shop: &ShopDomain) -> String {
    format!("{PREFIX}{shop}.toml")
}

pub struct ConfigStore {
    s3: Client,
    bucket: String,
    ttl: Duration,
    max_retention_days: u16,
    cache: Cache<ShopDomain, Option<Arc<Loaded>>>,
}

impl ConfigStore {
    pub fn new(s3: Client, bucket: String, ttl: Duration) -> Self {
        Self { s3, bucket, ttl, max_retention_days: MAX_RETENTION_DAYS, cache: Cache::default() }
    }

    /// Refuses configurations that want documents kept for longer.
    #[must_use]
    pub fn retaining_at_most(self, max_retention_days: u16) -> Self {
        Self { max_retention_days, ..self }
    }

    /// The shop's configuration, at most one time-to-live old. That a shop has none is remembered, too.
    ///
    /// # Errors
    /// Also for a shop that has none.
    pub async fn get(&self, shop: &ShopDomain, now: Timestamp) -> Result<Arc<Loaded>, ConfigError> {
        self.find(shop, now).await?.ok_or_else(|| ConfigError::NotServed(shop.clone()))
    }

    /// The same, and nothing for a shop that has none.
    ///
    /// # Errors
    /// When it is not known whether there is one, or what it says.
    pub async fn find(&self, shop: &ShopDomain, now: Timestamp) -> Result<Option<Arc<Loaded>>, ConfigError> {
        let found = self
            .cache
            .get(shop, now, async || {
                Ok(Fresh { value: self.read(shop).await?.map(Arc::new), expires_at: now + self.ttl })
            })
            .await?;
        Ok(found.as_ref().clone())
    }

    /// The shops that are served: those with a configuration, whether or not it is valid.
    pub async fn shops(&self) -> Result<Vec<ShopDomain>, ConfigError> {
        let listed = self.s3.list_objects_v2().bucket(&self.bucket).prefix(PREFIX);
        let mut pages = listed.into_paginator().send();
        let mut shops = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| ConfigError::List(error.into()))?;
            let keys = page.contents().iter().filter_map(|object| object.key());
            shops.extend(keys.filter_map(|key| {
                key.strip_prefix(PREFIX)?.strip_suffix(".toml")?.parse::<ShopDomain>().ok()
            }));
        }
        Ok(shops)
    }

    async fn read(&self, shop: &ShopDomain) -> Result<Option<Loaded>, ConfigError> {
        let read = |source: Box<dyn std::error::Error + Send + Sync>| ConfigError::Read {
            shop: shop.clone(),
            source,
        };
        let key = config_key(shop);
        let object = match self.s3.get_object().bucket(&self.bucket).key(&key).send().await {
            Ok(object) => object,
            Err(error) if objects::is_missing(&self.s3, &self.bucket, &key, &error).await => return Ok(None),
            Err(error) => return Err(read(error.into())),
        };
        if object.content_length().is_none_or(|length| length > MAX_BYTES) {
            return Err(ConfigError::Oversized(shop.clone()));
        }
        let version_id = object.version_id().map(str::to_owned);
        let bytes = object.body.collect().await.map_err(|error| read(error.into()))?.into_bytes();
        let text = std::str::from_utf8(&bytes).map_err(|_| ConfigError::Oversized(shop.clone()))?;
        let config = ShopConfig::parse_within(text, self.max_retention_days)
            .map_err(|source| ConfigError::Invalid { shop: shop.clone(), source })?;
        if config.shop != *shop {
            return Err(ConfigError::OtherShop { shop: shop.clone(), found: config.shop });
        }
        Ok(Some(Loaded { config, version_id }))
    }
}
