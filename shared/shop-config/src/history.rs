//! The versions of a shop's configuration that S3 keeps: which there are, who stored each and why, and storing another one
//! only over the one that a person has seen.
//!
//! Who stored it is metadata of the same object, so there is no version without it and none that names somebody else. What
//! is stored is one put: it is there whole, or not at all. A put whose answer was lost is looked for, and counts if what is
//! in force says the same.

use crate::{ConfigError, config_key, store::MAX_BYTES};
use aws_sdk_s3::{
    Client,
    error::ProvideErrorMetadata,
    operation::get_object::GetObjectOutput,
    primitives::{ByteStream, DateTime},
    types::{DeleteMarkerEntry, ObjectVersion},
};
use comms::ShopDomain;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The name of the metadata.
const STORED: &str = "stored";

/// Who stored a configuration, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredBy {
    pub actor: String,
    pub reason: String,
    /// The command.
    pub by: String,
}

/// A version, as a listing has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub id: String,
    pub at: Timestamp,
    /// Nothing is stored in it: the configuration was deleted.
    pub is_deletion: bool,
    pub is_in_force: bool,
}

/// What is stored in a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredText {
    pub text: String,
    pub version: String,
    /// Unknown of what was not stored by `ctl`.
    pub by: Option<StoredBy>,
    /// What S3 knows the content by.
    etag: String,
}

/// What came of storing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutOutcome {
    /// In force, under this version.
    Stored(String),
    /// Somebody else was faster, and nothing was stored.
    Overtaken,
}

/// The versions of configurations in the operations bucket.
pub struct ConfigHistory {
    s3: Client,
    bucket: String,
}

impl ConfigHistory {
    pub fn new(s3: Client, bucket: String) -> Self {
        Self { s3, bucket }
    }

    /// The newest versions, at most so many, the newest first.
    ///
    /// # Errors
    /// When S3 does not answer.
    pub async fn versions(&self, shop: &ShopDomain, most: usize) -> Result<Vec<Version>, ConfigError> {
        let key = config_key(shop);
        let mut versions = Vec::new();
        let mut from: Option<(Option<String>, Option<String>)> = None;
        loop {
            let list = self.s3.list_object_versions().bucket(&self.bucket).prefix(&key);
            let list = match from.take() {
                Some((key, version)) => list.set_key_marker(key).set_version_id_marker(version),
                None => list,
            };
            let page = list.send().await.map_err(|error| read_error(shop, error))?;
            let mine = |name: Option<&str>| name == Some(key.as_str());
            versions.extend(page.versions().iter().filter(|it| mine(it.key())).filter_map(of_object));
            versions.extend(page.delete_markers().iter().filter(|it| mine(it.key())).filter_map(of_marker));
            // a marker is listed after the versions of its page, and is no newer than the page before
            if page.is_truncated() != Some(true) || versions.len() >= most {
                break;
            }
            from = Some((page.next_key_marker, page.next_version_id_marker));
        }
        versions.sort_by_key(|it| (!it.is_in_force, std::cmp::Reverse(it.at)));
        versions.truncate(most);
        Ok(versions)
    }

    /// What is in force. `None` if the shop is not served.
    ///
    /// # Errors
    /// When S3 does not answer, or it is no text.
    pub async fn in_force(&self, shop: &ShopDomain) -> Result<Option<StoredText>, ConfigError> {
        self.get(shop, None).await
    }

    /// What is stored in a version. `None` if there is no such version.
    ///
    /// # Errors
    /// When S3 does not answer, or it is no text.
    pub async fn text(&self, shop: &ShopDomain, version: &str) -> Result<Option<StoredText>, ConfigError> {
        self.get(shop, Some(version)).await
    }

    async fn get(&self, shop: &ShopDomain, version: Option<&str>) -> Result<Option<StoredText>, ConfigError> {
        let key = config_key(shop);
        let get = self.s3.get_object().bucket(&self.bucket).key(&key);
        let object = match get.set_version_id(version.map(str::to_owned)).send().await {
            Ok(object) => object,
            // what is not the form of a version is none
            Err(error) if version.is_some() && error.code() == Some("InvalidArgument") => return Ok(None),
            Err(error) if objects::is_missing(&self.s3, &self.bucket, &key, &error).await => return Ok(None),
            Err(error) => return Err(read_error(shop, error)),
        };
        if object.content_length().is_none_or(|length| length > MAX_BYTES) {
            return Err(ConfigError::Oversized(shop.clone()));
        }
        let by = stored_by(&object);
        let version = object.version_id().unwrap_or("null").to_owned();
        let etag = object.e_tag().unwrap_or_default().to_owned();
        let bytes = object.body.collect().await.map_err(|error| read_error(shop, error))?.into_bytes();
        let text = String::from_utf8(bytes.to_vec()).map_err(|_| ConfigError::Oversized(shop.clone()))?;
        Ok(Some(StoredText { text, version, by, etag }))
    }

    /// Stores a text over the one that was in force when somebody looked, or where none was.
    ///
    /// # Errors
    /// When S3 does not answer. The text may be in force: storing it again tells.
    pub async fn put(
        &self,
        shop: &ShopDomain,
        text: &str,
        by: &StoredBy,
        over: Option<&StoredText>,
    ) -> Result<PutOutcome, ConfigError> {
        const REPEATS: usize = 3;
        let send = || {
            let put = self.s3.put_object().bucket(&self.bucket).key(config_key(shop));
            let put = put.content_type("application/toml").metadata(STORED, ascii_json(by));
            let put = match over {
                Some(over) => put.if_match(&over.etag),
                None => put.if_none_match("*"),
            };
            put.body(ByteStream::from(text.as_bytes().to_vec())).send()
        };
        let failure = match objects::put_if(REPEATS, send).await {
            Ok(Some(put)) => return Ok(PutOutcome::Stored(put.version_id().unwrap_or("null").to_owned())),
            Ok(None) => None,
            // what was to be replaced is deleted
            Err(error) if error.code() == Some("NoSuchKey") => None,
            Err(error) => Some(ConfigError::Write { shop: shop.clone(), source: error.into() }),
        };
        match (self.in_force(shop).await, failure) {
            (Ok(Some(stored)), _) if stored.text == text => Ok(PutOutcome::Stored(stored.version)),
            (_, Some(failure)) => Err(failure),
            (Err(error), None) => Err(error),
            (Ok(_), None) => Ok(PutOutcome::Overtaken),
        }
    }
}

fn read_error(shop: &ShopDomain, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ConfigError {
    ConfigError::Read { shop: shop.clone(), source: error.into() }
}

fn of_object(it: &ObjectVersion) -> Option<Version> {
    version(it.version_id(), it.last_modified(), it.is_latest(), false)
}

fn of_marker(it: &DeleteMarkerEntry) -> Option<Version> {
    version(it.version_id(), it.last_modified(), it.is_latest(), true)
}

fn version(
    id: Option<&str>,
    at: Option<&DateTime>,
    latest: Option<bool>,
    is_deletion: bool,
) -> Option<Version> {
    let at = Timestamp::from_millisecond(at?.to_millis().ok()?).ok()?;
    Some(Version { id: id?.to_owned(), at, is_deletion, is_in_force: latest == Some(true) })
}

fn stored_by(object: &GetObjectOutput) -> Option<StoredBy> {
    serde_json::from_str(object.metadata()?.get(STORED)?).ok()
}

/// Metadata are headers, which take ASCII alone.
fn ascii_json(by: &StoredBy) -> String {
    let json = serde_json::to_string(by).unwrap_or_default();
    let mut ascii = String::with_capacity(json.len());
    let mut units = [0; 2];
    for c in json.chars() {
        if c.is_ascii() {
            ascii.push(c);
        } else {
            for unit in c.encode_utf16(&mut units) {
                ascii.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_stored_it_fits_into_a_header_and_comes_back() {
        let by =
            StoredBy {
                actor: "Zoë 🦊".to_owned(), reason: "\"x\"".to_owned(), by: "ctl-config".to_owned()
            };
        let header = ascii_json(&by);
        assert!(header.is_ascii(), "{header}");
        assert_eq!(serde_json::from_str::<StoredBy>(&header).unwrap(), by);
    }
}
