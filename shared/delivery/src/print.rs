//! The print spool: a prefix in S3 that a print provider collects from.
//!
//! A document is put first, its manifest last; a provider that collects manifests never sees half a
//! document. Keys and contents follow from the communication alone and nothing is ever overwritten, so
//! spooling again finds the same objects and counts as accepted, and whether an earlier attempt succeeded
//! can always be told: the manifest is there or it is not. A crash between the two puts leaves an object
//! nobody collects, until the next attempt adds its manifest.

use crate::{Accepted, AskCall, Asked, DeliveryError, SendCall, error::Cause};
use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    primitives::ByteStream,
    types::ChecksumMode,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use comms::{CommunicationId, Document, ShopDomain};
use jiff::{Timestamp, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use shop_config::Channel;
use std::{fmt::Debug, future::Future, time::Duration};

const MAX_MANIFEST_BYTES: i64 = 16 * 1024;

/// Tells a print provider what to collect. Written last, so what it names is complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PrintManifest {
    /// The version of this format: 1.
    pub v: u8,
    pub communication: CommunicationId,
    pub shop: ShopDomain,
    pub document: Document,
    /// The key of the object to print, in the same bucket.
    pub object: String,
    /// The object's SHA-256 in hexadecimal.
    pub sha256: String,
    /// The object's size.
    pub bytes: u64,
    pub media_type: String,
    /// Absent where the number of pages is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages: Option<u32>,
    /// The moment the communication was begun, in UTC.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub created_at: Timestamp,
}

impl PrintManifest {
    fn new(call: &SendCall<'_>, object: &str) -> Self {
        Self {
            v: 1,
            communication: call.communication.clone(),
            shop: call.shop.clone(),
            document: call.document,
            object: object.to_owned(),
            sha256: call.sha256.to_ascii_lowercase(),
            bytes: call.content.len() as u64,
            media_type: call.media_type.to_owned(),
            pages: call.pages,
            created_at: call.dated,
        }
    }

    /// Whether both send a provider to the same bytes. A later attempt may know more or less of the rest.
    fn names_the_same(&self, other: &Self) -> bool {
        (self.v, &self.communication, &self.object, &self.sha256)
            == (other.v, &other.communication, &other.object, &other.sha256)
    }
}

/// `spool/<shop>/<yyyy>/<mm>/<dd>/<document>/<communication>`, without an extension. All parts are closed
/// alphabets, so a key holds no text of a customer's.
fn stem(shop: &ShopDomain, dated: Timestamp, document: Document, communication: &CommunicationId) -> String {
    let date = dated.to_zoned(TimeZone::UTC).date();
    let (year, month, day) = (date.year(), date.month(), date.day());
    format!("spool/{shop}/{year:04}/{month:02}/{day:02}/{document}/{communication}")
}

fn extension(media_type: &str) -> Result<&'static str, DeliveryError> {
    match media_type {
        "application/pdf" => Ok("pdf"),
        "text/html" => Ok("html"),
        _ => Err(DeliveryError::MediaType {
            channel: Channel::Print.name(),
            media_type: media_type.chars().filter(char::is_ascii_graphic).take(80).collect(),
        }),
    }
}

/// The spool with the time a call has left.
pub(crate) struct Spool<'a> {
    pub s3: &'a Client,
    pub bucket: &'a str,
    pub timeout: Duration,
}

impl Spool<'_> {
    pub(crate) async fn send(&self, call: &SendCall<'_>) -> Result<Accepted, DeliveryError> {
        let stem = stem(call.shop, call.dated, call.document, call.communication);
        let object = format!("{stem}.{}", extension(call.media_type)?);
        self.limited("spooling", &object, self.put_both(call, &stem, &object)).await?;
        Ok(Accepted { reference: object })
    }

    pub(crate) async fn ask(&self, call: &AskCall<'_>) -> Result<Asked, DeliveryError> {
        let stem = stem(call.shop, call.dated, call.document, call.communication);
        let reference = format!("{stem}.{}", extension(call.media_type)?);
        let manifest = format!("{stem}.manifest.json");
        let spooled = self.limited("looking for", &manifest, async {
            match self.s3.head_object().bucket(self.bucket).key(&manifest).send().await {
                Ok(_) => Ok(true),
                Err(SdkError::ServiceError(error)) if error.err().is_not_found() => Ok(false),
                Err(error) => Err(failed("looking for", &manifest, error)),
            }
        });
        Ok(if spooled.await? { Asked::Accepted { reference } } else { Asked::NotSent })
    }

    async fn limited<T>(
        &self,
        doing: &'static str,
        key: &str,
        work: impl Future<Output = Result<T, DeliveryError>>,
    ) -> Result<T, DeliveryError> {
        match tokio::time::timeout(self.timeout, work).await {
            Ok(done) => done,
            Err(elapsed) => Err(DeliveryError::Spool { doing, key: key.to_owned(), source: elapsed.into() }),
        }
    }

    async fn put_both(&self, call: &SendCall<'_>, stem: &str, object: &str) -> Result<(), DeliveryError> {
        let sha256 = Sha256::digest(call.content);
        if !self.put(object, call.media_type, call.content.clone(), &sha256).await?
            && self.stored_sha256(object).await?.as_deref() != Some(&BASE64_STANDARD.encode(sha256))
        {
            return Err(DeliveryError::SpoolConflict { key: object.to_owned() });
        }
        let key = format!("{stem}.manifest.json");
        let manifest = PrintManifest::new(call, object);
        let json =
            Bytes::from(serde_json::to_vec(&manifest).map_err(|error| failed("describing", object, error))?);
        let sha256 = Sha256::digest(&json);
        // the manifest is the send
        call.budget.left().map_err(|_| DeliveryError::OutOfTime)?;
        if self.put(&key, "application/json", json, &sha256).await? || self.is_there(&key, &manifest).await? {
            Ok(())
        } else {
            Err(DeliveryError::SpoolConflict { key })
        }
    }

    /// Puts an object that S3 checks against its hash. `false` if the key is taken.
    async fn put(
        &self,
        key: &str,
        media_type: &str,
        bytes: Bytes,
        sha256: &[u8],
    ) -> Result<bool, DeliveryError> {
        let put = self
            .s3
            .put_object()
            .bucket(self.bucket)
            .key(key)
            .if_none_match("*")
            .checksum_sha256(BASE64_STANDARD.encode(sha256))
            .content_type(media_type)
            .body(ByteStream::from(bytes));
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("PreconditionFailed") => Ok(false),
            Err(error) => Err(failed("putting", key, error)),
        }
    }

    /// The checksum S3 keeps of an object, in base64.
    async fn stored_sha256(&self, key: &str) -> Result<Option<String>, DeliveryError> {
        let head = self.s3.head_object().bucket(self.bucket).key(key).checksum_mode(ChecksumMode::Enabled);
        let head = head.send().await.map_err(|error| failed("comparing", key, error))?;
        Ok(head.checksum_sha256().map(str::to_owned))
    }

    async fn is_there(&self, key: &str, manifest: &PrintManifest) -> Result<bool, DeliveryError> {
        let found = self.s3.get_object().bucket(self.bucket).key(key).send().await;
        let found = found.map_err(|error| failed("comparing", key, error))?;
        if found.content_length().is_none_or(|length| length > MAX_MANIFEST_BYTES) {
            return Ok(false);
        }
        let json = found.body.collect().await.map_err(|error| failed("comparing", key, error))?.into_bytes();
        Ok(serde_json::from_slice::<PrintManifest>(&json).is_ok_and(|found| found.names_the_same(manifest)))
    }
}

fn failed(doing: &'static str, key: &str, source: impl Into<Cause>) -> DeliveryError {
    DeliveryError::Spool { doing, key: key.to_owned(), source: source.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_schema_is_current() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/print-manifest.v1.json");
        contract::published(&file, &schemars::schema_for!(PrintManifest).to_value());
    }

    #[test]
    fn the_schema_accepts_a_manifest() {
        let manifest = PrintManifest {
            v: 1,
            communication: "c4809f9b199959867b344883a5f958d0".parse().unwrap(),
            shop: "acme.myshopify.com".parse().unwrap(),
            document: Document::PackingSlip,
            object: "spool/x.pdf".to_owned(),
            sha256: "00".repeat(32),
            bytes: 1,
            media_type: "application/pdf".to_owned(),
            pages: None,
            created_at: Timestamp::UNIX_EPOCH,
        };
        let schema = serde_json::to_value(schemars::schema_for!(PrintManifest)).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let mut json = serde_json::to_value(&manifest).unwrap();
        assert!(validator.is_valid(&json));
        json["document"] = "postcard".into();
        assert!(!validator.is_valid(&json));
    }
}
