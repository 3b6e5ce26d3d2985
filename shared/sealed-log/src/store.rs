//! The objects of logs. Every put is conditional and locked.

use crate::LogError;
use archive::LockMode;
use aws_sdk_s3::{
    Client,
    primitives::{ByteStream, DateTime},
    types::ObjectLockMode,
};
use base64::prelude::{BASE64_STANDARD, Engine};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

/// How often a put is repeated that met another of the same key.
const CONFLICT_REPEATS: usize = 3;

/// The bucket that logs are in.
#[derive(Debug, Clone)]
pub struct LogStore {
    pub(crate) s3: Client,
    pub(crate) bucket: String,
    lock: LockMode,
    retention_days: u16,
}

/// An object's bytes and the ETag of its version.
pub(crate) struct Object {
    pub bytes: Vec<u8>,
    pub e_tag: String,
}

/// On which condition an object is put.
#[derive(Clone, Copy)]
pub(crate) enum If<'a> {
    Absent,
    Unchanged(&'a str),
}

impl LogStore {
    /// Logs in `bucket`, whose objects are locked by `lock` for nearly so many days: the most that the bucket allows.
    pub const fn new(s3: Client, bucket: String, lock: LockMode, retention_days: u16) -> Self {
        Self { s3, bucket, lock, retention_days }
    }

    /// The bucket's name.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    pub(crate) async fn get(&self, key: &str) -> Result<Option<Object>, LogError> {
        let object = match self.s3.get_object().bucket(&self.bucket).key(key).send().await {
            Ok(object) => object,
            Err(error) if objects::is_missing(&self.s3, &self.bucket, key, &error).await => return Ok(None),
            Err(error) => return Err(LogError::request("reading", key, error)),
        };
        let e_tag = object.e_tag().unwrap_or_default().to_owned();
        let bytes = object.body.collect().await.map_err(|error| LogError::request("reading", key, error))?;
        Ok(Some(Object { bytes: bytes.to_vec(), e_tag }))
    }

    pub(crate) async fn need(&self, key: &str) -> Result<Vec<u8>, LogError> {
        self.get(key).await?.map(|object| object.bytes).ok_or_else(|| LogError::Missing(key.to_owned()))
    }

    /// The keys below `prefix`, in order.
    pub(crate) async fn list(&self, prefix: &str) -> Result<Vec<String>, LogError> {
        let mut pages = self.s3.list_objects_v2().bucket(&self.bucket).prefix(prefix).into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| LogError::request("listing", prefix, error))?;
            keys.extend(page.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
        }
        Ok(keys)
    }

    /// Puts an object that never changes. One that is there already must say the same.
    pub(crate) async fn put_once(
        &self,
        key: &str,
        bytes: Vec<u8>,
        media_type: &str,
        now: Timestamp,
    ) -> Result<(), LogError> {
        if self.put(key, bytes.clone(), media_type, If::Absent, now).await?.is_some() {
            return Ok(());
        }
        if self.need(key).await? == bytes {
            Ok(())
        } else {
            Err(LogError::contradiction(key, "there is another object under this key"))
        }
    }

    /// The ETag of the version that was put; none if the condition does not hold.
    pub(crate) async fn put(
        &self,
        key: &str,
        bytes: Vec<u8>,
        media_type: &str,
        condition: If<'_>,
        now: Timestamp,
    ) -> Result<Option<String>, LogError> {
        // a day less: the bucket refuses what it takes for longer, and its clock is another one
        let days = i64::from(self.retention_days.saturating_sub(1).max(1));
        let until = now + SignedDuration::from_hours(24 * days);
        let mode = ObjectLockMode::from(self.lock);
        let digest = BASE64_STANDARD.encode(Sha256::digest(&bytes));
        let send = || {
            let put = self.s3.put_object().bucket(&self.bucket).key(key).content_type(media_type);
            let put = match condition {
                If::Absent => put.if_none_match("*"),
                If::Unchanged(e_tag) => put.if_match(e_tag),
            };
            put.checksum_sha256(&digest)
                .object_lock_mode(mode.clone())
                .object_lock_retain_until_date(DateTime::from_millis(until.as_millisecond()))
                .body(ByteStream::from(bytes.clone()))
                .send()
        };
        match objects::put_if(CONFLICT_REPEATS, send).await {
            Ok(put) => Ok(put.map(|put| put.e_tag().unwrap_or_default().to_owned())),
            Err(error) => Err(LogError::request("writing", key, error)),
        }
    }
}
