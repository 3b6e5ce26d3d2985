//! The print spool: a prefix in S3 that a print provider collects from.
//!
//! A document is put first, its manifest last; a provider that collects manifests never sees half a
//! document. Keys and contents follow from the communication alone and nothing is ever overwritten, so
//! spooling again finds the same objects and counts as accepted. A crash between the two puts leaves an object
//! nobody collects, until the next attempt adds its manifest.
//!
//! A provider may delete what it has collected at any moment. The manifest's receipt is the version of it that
//! the bucket keeps: a deletion hides a version and removes none, and the bucket's policy lets nobody remove
//! versions here. So whether an earlier attempt succeeded can be told for [`PROVABLE_DAYS`], whatever became of
//! the spool meanwhile; after them, what left no version is in doubt. A put of a manifest whose answer is lost is
//! not repeated before the versions were looked at.

use crate::{Accepted, AskCall, DeliveryError, SendCall, SendOutput, SendStatus, error::Cause};
use aws_sdk_s3::{
    Client, config::retry::RetryConfig, error::ProvideErrorMetadata, primitives::ByteStream,
    types::ChecksumMode,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use comms::{CommunicationId, Document, Format, PostalAddress, ShopDomain};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use shop_config::{Channel, ColorMode, Print, Sides, Use};
use std::{future::Future, time::Duration};

/// Objects up to this size keep their versions long enough below `spool/`: see `infra/cdk/lib/storage.ts`.
const MAX_MANIFEST_BYTES: i64 = 16 * 1024;

/// For so many days after a communication was begun, the versions of its manifest's key tell whether it was
/// spooled. The bucket keeps a deleted manifest a day longer: see `infra/cdk/lib/storage.ts`.
const PROVABLE_DAYS: i64 = 30;

/// How often a put is repeated that collided with another request for the same key.
const CONFLICT_REPEATS: usize = 2;

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
    /// How to print it.
    pub job: PrintJob,
    /// Where the letter goes. Absent for what does not go by post.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<PrintedAddress>,
    /// Where undeliverable mail comes back to, line by line. Absent for what does not go by post.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub return_address: Vec<String>,
    /// What the provider calls the kind of mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_class: Option<String>,
    /// The moment the communication was begun, in UTC.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub created_at: Timestamp,
}

/// How to print a document: attributes and values of the Internet Printing Protocol (RFC 8011; `print-color-mode`:
/// PWG 5100.13; names of paper: PWG 5101.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PrintJob {
    pub copies: u16,
    pub sides: Sides,
    pub print_color_mode: ColorMode,
    pub media: String,
}

/// A postal address, in parts and as the lines of the envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PrintedAddress {
    #[serde(flatten)]
    pub parts: PostalAddress,
    /// From the recipient to the country.
    pub lines: Vec<String>,
}

impl PrintManifest {
    /// # Errors
    /// For a letter without an address that it could arrive at.
    fn new(call: &SendCall<'_>, output: &SendOutput<'_>, object: &str) -> Result<Self, DeliveryError> {
        let Print { copies, sides, print_color_mode, media, service_class, return_address } =
            call.config.print_of(call.document);
        let by_post = call.settings.goes_by_post(call.document);
        let recipient = match call.postal_address.filter(|address| by_post && address.is_usable()) {
            Some(address) => Some(PrintedAddress { parts: address.clone(), lines: address.lines() }),
            None if by_post => return Err(DeliveryError::NoPostalAddress),
            None => None,
        };
        Ok(Self {
            v: 1,
            communication: call.communication.clone(),
            shop: call.shop.clone(),
            document: call.document,
            object: object.to_owned(),
            sha256: output.sha256.to_ascii_lowercase(),
            bytes: output.bytes.len() as u64,
            media_type: output.media_type.to_owned(),
            pages: output.pages,
            job: PrintJob { copies, sides, print_color_mode, media },
            recipient,
            return_address: if by_post { return_address } else { Vec::new() },
            service_class,
            created_at: call.dated,
        })
    }

    /// Whether both send a provider to the same bytes. A later attempt may know more or less of the rest.
    fn names_the_same(&self, other: &Self) -> bool {
        (self.v, &self.communication, &self.object, &self.sha256)
            == (other.v, &other.communication, &other.object, &other.sha256)
    }
}

/// What all keys of a communication in the spool begin with:
/// `spool/<shop>/<yyyy>/<mm>/<dd>/<document>/<communication>`, without an extension. All parts are closed
/// alphabets, so a key holds no text of a customer's.
pub fn spool_stem(
    shop: &ShopDomain,
    dated: Timestamp,
    document: Document,
    communication: &CommunicationId,
) -> String {
    let date = dated.to_zoned(TimeZone::UTC).date();
    let (year, month, day) = (date.year(), date.month(), date.day());
    format!("spool/{shop}/{year:04}/{month:02}/{day:02}/{document}/{communication}")
}

fn extension(media_type: &str) -> Result<&'static str, DeliveryError> {
    match Format::of(media_type).filter(|format| format.is_printable()) {
        Some(format) => Ok(format.extension()),
        None => Err(DeliveryError::media_type(Channel::Print, media_type)),
    }
}

/// The spool with the time a call has left.
pub(crate) struct Spool<'a> {
    pub s3: &'a Client,
    pub bucket: &'a str,
    pub timeout: Duration,
}

/// What a put came to.
enum Put {
    /// The version that it made.
    Done(Option<String>),
    /// The key is taken.
    Taken,
    /// Another request for the same key was under way.
    Collided,
}

/// What the versions of a manifest's key say.
enum Trace {
    /// The manifest was put.
    Put,
    /// Somebody deleted it, and there is no version of it.
    Deleted,
    Nothing,
}

impl Spool<'_> {
    pub(crate) async fn send(&self, call: &SendCall<'_>) -> Result<Accepted, DeliveryError> {
        let stem = spool_stem(call.shop, call.dated, call.document, call.communication);
        let output = call.output_for(Use::Print)?;
        let object = format!("{stem}.{}", extension(output.media_type)?);
        let manifest = PrintManifest::new(call, output, &object)?;
        self.limited("spooling", &object, async {
            self.put_document(&object, output).await?;
            self.put_manifest(manifest_key(&stem), &manifest, call).await
        })
        .await?;
        Ok(Accepted { reference: object })
    }

    pub(crate) async fn ask(&self, call: &AskCall<'_>) -> Result<SendStatus, DeliveryError> {
        let stem = spool_stem(call.shop, call.dated, call.document, call.communication);
        let reference = format!("{stem}.{}", extension(call.media_type)?);
        let key = manifest_key(&stem);
        let provable = call.now.duration_since(call.dated) <= SignedDuration::from_hours(24 * PROVABLE_DAYS);
        Ok(match self.limited("looking for", &key, self.trace(&key)).await? {
            Trace::Put => SendStatus::Accepted { reference },
            Trace::Nothing if provable => SendStatus::NotSent,
            Trace::Nothing | Trace::Deleted => SendStatus::CannotTell,
        })
    }

    async fn limited<T>(
        &self,
        doing: &'static str,
        key: &str,
        work: impl Future<Output = Result<T, DeliveryError>>,
    ) -> Result<T, DeliveryError> {
        let done = tokio::time::timeout(self.timeout, work).await;
        done.unwrap_or_else(|elapsed| Err(failed(doing, key, elapsed)))
    }

    async fn put_document(&self, key: &str, output: &SendOutput<'_>) -> Result<(), DeliveryError> {
        let sha256 = Sha256::digest(output.bytes);
        for _ in 0..=CONFLICT_REPEATS {
            match self.put(key, output.media_type, output.bytes.clone(), &sha256, Repeat::Always).await? {
                Put::Done(version) => return versioned(key, version.as_deref()),
                Put::Taken if self.holds(key, &sha256).await? => return Ok(()),
                Put::Taken => return Err(DeliveryError::SpoolConflict { key: key.to_owned() }),
                Put::Collided => {}
            }
        }
        Err(failed("putting", key, "others put the same key again and again"))
    }

    /// The manifest is the send.
    async fn put_manifest(
        &self,
        key: String,
        manifest: &PrintManifest,
        call: &SendCall<'_>,
    ) -> Result<(), DeliveryError> {
        let json = serde_json::to_vec(manifest).map_err(|error| failed("describing", &key, error))?;
        let sha256 = Sha256::digest(&json);
        let json = Bytes::from(json);
        for _ in 0..=CONFLICT_REPEATS {
            call.budget.left().map_err(|_| DeliveryError::OutOfTime)?;
            match self.put(&key, "application/json", json.clone(), &sha256, Repeat::Never).await? {
                Put::Done(_) => return Ok(()),
                Put::Taken if self.is_there(&key, manifest).await? => return Ok(()),
                Put::Taken => return Err(DeliveryError::SpoolConflict { key }),
                // it may be the provider who deletes what another attempt has put
                Put::Collided if matches!(self.trace(&key).await?, Trace::Put) => return Ok(()),
                Put::Collided => {}
            }
        }
        Err(failed("putting", &key, "others put the same key again and again"))
    }

    /// Puts an object that S3 checks against its hash, where there is none.
    async fn put(
        &self,
        key: &str,
        media_type: &str,
        bytes: Bytes,
        sha256: &[u8],
        repeat: Repeat,
    ) -> Result<Put, DeliveryError> {
        let put = self
            .s3
            .put_object()
            .bucket(self.bucket)
            .key(key)
            .if_none_match("*")
            .checksum_sha256(BASE64_STANDARD.encode(sha256))
            .content_type(media_type)
            .body(ByteStream::from(bytes));
        let sent = match repeat {
            Repeat::Always => put.send().await,
            Repeat::Never => {
                let once = aws_sdk_s3::Config::builder().retry_config(RetryConfig::disabled());
                put.customize().config_override(once).send().await
            }
        };
        match sent {
            Ok(output) => Ok(Put::Done(output.version_id)),
            Err(error) => match error.code() {
                Some("PreconditionFailed") => Ok(Put::Taken),
                Some("ConditionalRequestConflict") => Ok(Put::Collided),
                _ => Err(failed("putting", key, error)),
            },
        }
    }

    /// Whether the object is these bytes.
    async fn holds(&self, key: &str, sha256: &[u8]) -> Result<bool, DeliveryError> {
        let head = self.s3.head_object().bucket(self.bucket).key(key).checksum_mode(ChecksumMode::Enabled);
        let head = head.send().await.map_err(|error| failed("comparing", key, error))?;
        versioned(key, head.version_id())?;
        Ok(head.checksum_sha256() == Some(&BASE64_STANDARD.encode(sha256)))
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

    /// Whether a manifest was ever put under `key`. In a list, a key comes before those that only begin with it.
    async fn trace(&self, key: &str) -> Result<Trace, DeliveryError> {
        let list = self.s3.list_object_versions().bucket(self.bucket).prefix(key).max_keys(TRACES);
        let list = list.send().await.map_err(|error| failed("looking for", key, error))?;
        if list.versions().iter().any(|version| version.key() == Some(key)) {
            return Ok(Trace::Put);
        }
        let deleted = list.delete_markers().iter().any(|marker| marker.key() == Some(key));
        Ok(if deleted { Trace::Deleted } else { Trace::Nothing })
    }
}

/// Deletions leave a marker each, even of a key that is not there, so there may be more of them than versions.
const TRACES: i32 = 100;

/// Whether the SDK may repeat a put whose answer it lost.
#[derive(Clone, Copy)]
enum Repeat {
    Always,
    /// The provider may have collected and deleted the object before the second put, which would then succeed.
    Never,
}

fn manifest_key(stem: &str) -> String {
    format!("{stem}.manifest.json")
}

/// In a bucket without versions, nothing could be told of an attempt once the provider has deleted it.
fn versioned(key: &str, version_id: Option<&str>) -> Result<(), DeliveryError> {
    match version_id {
        None | Some("null") => Err(failed("putting", key, "the bucket does not keep versions")),
        Some(_) => Ok(()),
    }
}

fn failed(doing: &'static str, key: &str, source: impl Into<Cause>) -> DeliveryError {
    DeliveryError::Spool { doing, key: key.to_owned(), source: source.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> PrintManifest {
        PrintManifest {
            v: 1,
            communication: "c4809f9b199959867b344883a5f958d0".parse().unwrap(),
            shop: "acme.myshopify.com".parse().unwrap(),
            document: Document::PackingSlip,
            object: "spool/x.pdf".to_owned(),
            sha256: "00".repeat(32),
            bytes: 1,
            media_type: "application/pdf".to_owned(),
            pages: None,
            job: PrintJob {
                copies: 1,
                sides: Sides::OneSided,
                print_color_mode: ColorMode::Auto,
                media: "iso_a4_210x297mm".to_owned(),
            },
            recipient: None,
            return_address: Vec::new(),
            service_class: None,
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_committed_schema_is_current() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/print-manifest.v1.json");
        contract::published(&file, &schemars::schema_for!(PrintManifest).to_value());
    }

    #[test]
    fn the_schema_accepts_a_manifest() {
        let schema = serde_json::to_value(schemars::schema_for!(PrintManifest)).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let mut json = serde_json::to_value(manifest()).unwrap();
        assert!(validator.is_valid(&json));
        json["document"] = "postcard".into();
        assert!(!validator.is_valid(&json));
    }
}
