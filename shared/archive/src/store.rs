//! Puts, and finding what was put. A put is refused by S3 where the object exists, and checked by S3 against its SHA-256.

use crate::{
    About, Composed, ComposedOutput, Details, EvidenceRecord, Location, Output, Retention,
    details::Object,
    envelope::EnvelopeError,
    location::extension,
    metadata::{Metadata, about_json, document_metadata, further_metadata, further_name, metadata_json},
    sealed::{ObjectBytes, Sealed, SealedFacts, naming_hash, open_facts, put_facts, sealed_facts},
    sha256_hex,
};
use aws_sdk_s3::{
    Client,
    primitives::{ByteStream, DateTime},
    types::{ChecksumMode, ObjectLockLegalHoldStatus, ObjectLockMode},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use commitments::{CommitmentSecret, CommitmentSecrets, SecretError};
use comms::{Class, Classify, names};
use jiff::{SignedDuration, Timestamp};

/// How often a put is repeated that collided with another put of the same key.
const CONFLICT_REPEATS: usize = 2;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why the archive did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// S3 did not answer, or refused. A put may have been made; repeating it adopts it.
    #[error("{doing} {key}")]
    Request {
        /// What was being done, such as `archiving`.
        doing: &'static str,
        /// With which object.
        key: String,
        /// What the SDK says.
        source: Cause,
    },
    /// Erased, or past its retention.
    #[error("{key} is not in the archive")]
    Absent {
        /// The object.
        key: String,
    },
    /// Something else is there, and stays.
    #[error("{key} exists with other content than what is to be archived under it")]
    Conflict {
        /// The object.
        key: String,
    },
    /// An object without version, checksum or readable metadata.
    #[error("{key} is not what this archive writes: {what}")]
    Malformed {
        /// The object.
        key: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Nothing was put.
    #[error("the evidence record cannot be written as JSON")]
    Record(#[source] serde_json::Error),
    /// The secret that opened it was destroyed, at a customer's request or by whoever decides on it.
    #[error("{key} was erased: its key is destroyed")]
    Erased {
        /// The object, which stays as long as it is locked and says nothing.
        key: String,
    },
    /// It is not what was encrypted, or it cannot be encrypted.
    #[error("{key} cannot be opened or encrypted")]
    Envelope {
        /// The object.
        key: String,
        /// Why not.
        source: EnvelopeError,
    },
    /// The table of secrets did not answer.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// An erasable document, and nothing to encrypt or open it with.
    #[error("this function was given no table of secrets")]
    NoSecrets,
}

impl Classify for ArchiveError {
    fn class(&self) -> Class {
        match self {
            // putting again is safe: the object is there or it is not
            Self::Request { .. } | Self::Absent { .. } | Self::Secret(_) => Class::transient(),
            // what an operator can fix is tried again
            Self::NoSecrets => Class::transient(),
            Self::Conflict { .. }
            | Self::Malformed { .. }
            | Self::Record(_)
            | Self::Erased { .. }
            | Self::Envelope { .. } => Class::Permanent,
        }
    }
}

names! {
    /// Who may shorten a retention: nobody, or those with a special permission.
    LockMode, "lock mode", {
        Compliance = "COMPLIANCE",
        Governance = "GOVERNANCE",
    }
}

impl From<LockMode> for ObjectLockMode {
    fn from(mode: LockMode) -> Self {
        match mode {
            LockMode::Compliance => Self::Compliance,
            LockMode::Governance => Self::Governance,
        }
    }
}

/// A document that is in the archive.
#[derive(Debug, Clone)]
pub struct Stored {
    /// What the record says of its primary output.
    pub primary: Output,
    /// The same of the further ones, in the order of the composition.
    pub further: Vec<Output>,
    /// What was true when it was composed.
    pub details: Details,
    /// It was there before: an earlier attempt, or one at the same time, composed it.
    pub adopted: bool,
}

impl Stored {
    /// All outputs, the primary one first.
    pub fn outputs(&self) -> impl Iterator<Item = &Output> + Clone {
        std::iter::once(&self.primary).chain(&self.further)
    }
}

/// What an earlier attempt left.
#[derive(Debug, Default)]
pub struct Found {
    /// Absent if none was archived.
    pub document: Option<Stored>,
    /// The record and the version and hash of its object.
    pub record: Option<(EvidenceRecord, String, String)>,
}

/// The archive bucket. Cheap to share: one per process.
pub struct Archive {
    pub(crate) s3: Client,
    pub(crate) bucket: String,
    lock: LockMode,
    pub(crate) secrets: Option<CommitmentSecrets>,
}

/// How one object is locked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lock {
    pub until: Timestamp,
    /// By a legal hold, beyond its retention.
    pub is_held: bool,
}

impl From<&Retention> for Lock {
    fn from(retention: &Retention) -> Self {
        Self { until: retention.until, is_held: false }
    }
}

impl Archive {
    /// An archive in `bucket`, whose objects are locked by `lock`. Asks nothing yet.
    pub fn new(s3: Client, bucket: String, lock: LockMode) -> Self {
        Self { s3, bucket, lock, secrets: None }
    }

    /// The same, that opens what is encrypted with these secrets, and encrypts what is to be erasable.
    pub fn with_secrets(self, secrets: CommitmentSecrets) -> Self {
        Self { secrets: Some(secrets), ..self }
    }

    /// Until when a document is locked that was composed at `composed_at`.
    pub fn retention(&self, composed_at: Timestamp, days: u16) -> Retention {
        let until = composed_at + SignedDuration::from_hours(24 * i64::from(days));
        Retention { mode: self.lock.name().to_owned(), until }
    }

    /// Archives a further output of a document that is about to be archived. It belongs to it once
    /// [`Self::put_document`] names it. Encrypted if there is a `secret`, like all that is put with one.
    pub async fn put_further(
        &self,
        location: &Location,
        composed: &ComposedOutput,
        retention: &Retention,
        secret: Option<&CommitmentSecret>,
    ) -> Result<Output, ArchiveError> {
        let sha256 = sha256_hex(&composed.bytes);
        let about = composed.about.bounded();
        let json = about_json(&about)?;
        let name = further_name(&naming_hash(&sha256, secret), &json, extension(&composed.media_type));
        let key = location.further(&name);
        let object = ObjectBytes::of(&composed.bytes, &sha256, &key, secret)?;
        let mut metadata = further_metadata(json, &object.sha256);
        let bytes = composed.bytes.len() as u64;
        if let Some(secret) = secret {
            let facts = SealedFacts { bytes, sha256: sha256.clone(), details: None };
            put_facts(&mut metadata, &facts, &key, secret)?;
        }
        let sealed = object.sealed.clone();
        match self.put(&key, object, &composed.media_type, metadata, retention.into()).await? {
            Some(version_id) => {
                let media_type = composed.media_type.clone();
                Ok(about.output(Object { key, version_id, media_type, bytes, sha256, sealed }))
            }
            None => {
                let found = self.look_at(key, secret).await?.output;
                match found.sha256 == sha256 {
                    true => Ok(Output {
                        file_name: about.file_name,
                        customer_number: about.customer_number,
                        ..found
                    }),
                    false => Err(ArchiveError::Conflict { key: found.object }),
                }
            }
        }
    }

    /// Archives a document whose further outputs are archived, or adopts the one that is already there.
    ///
    /// Two attempts that both composed end with the same, first document and its further outputs; what the second
    /// composed is dropped.
    pub async fn put_document(
        &self,
        location: &Location,
        composed: &Composed,
        further: Vec<Output>,
        retention: &Retention,
        secret: Option<&CommitmentSecret>,
    ) -> Result<Stored, ArchiveError> {
        let ComposedOutput { bytes, media_type, about } = &composed.primary;
        let key = location.document(extension(media_type));
        let sha256 = sha256_hex(bytes);
        let object = ObjectBytes::of(bytes, &sha256, &key, secret)?;
        let details = composed.details.bounded();
        let about = about.bounded();
        let length = bytes.len() as u64;
        let open = secret.is_none().then_some(&details);
        let mut metadata = document_metadata(open, &about, &object.sha256, &further)?;
        if let Some(secret) = secret {
            let details = Some(details.without_parts());
            let facts = SealedFacts { bytes: length, sha256: sha256.clone(), details };
            put_facts(&mut metadata, &facts, &key, secret)?;
        }
        let sealed = object.sealed.clone();
        match self.put(&key, object, media_type, metadata, retention.into()).await? {
            Some(version_id) => {
                let media_type = media_type.clone();
                let object = Object { key, version_id, media_type, bytes: length, sha256, sealed };
                Ok(Stored { primary: about.output(object), further, details, adopted: false })
            }
            None => self.adopt(location, key, secret).await,
        }
    }

    /// Archives the record; answers its version and hash. A record that is already there is kept.
    pub async fn put_record(
        &self,
        location: &Location,
        record: &EvidenceRecord,
        retention: &Retention,
        secret: Option<&CommitmentSecret>,
    ) -> Result<(String, String), ArchiveError> {
        let key = location.record();
        let json = match secret {
            Some(_) => {
                // its hash is in the ledger for ever
                let nonce = CommitmentSecret::random().ok_or(SecretError::NoRandomness)?;
                let nonce = Some(hex::encode(nonce.expose()));
                serde_json::to_vec(&EvidenceRecord { nonce, ..record.clone() })
            }
            None => serde_json::to_vec(record),
        };
        let json = Bytes::from(json.map_err(ArchiveError::Record)?);
        let sha256 = sha256_hex(&json);
        let object = ObjectBytes::of(&json, &sha256, &key, secret)?;
        match self.put(&key, object, "application/json", Metadata::new(), retention.into()).await? {
            Some(version_id) => Ok((version_id, sha256)),
            None => {
                let (kept, version_id, sha256) = self.read_record(&key).await?;
                let hashes = |record: &EvidenceRecord| -> Vec<String> {
                    record.outputs.iter().map(|output| output.sha256.clone()).collect()
                };
                if hashes(&kept) == hashes(record) {
                    Ok((version_id, sha256))
                } else {
                    Err(ArchiveError::Conflict { key })
                }
            }
        }
    }

    /// What an earlier attempt left at `location`.
    ///
    /// Two attempts whose primary output had different media types may have left two documents. The one that the record
    /// names is the document; without a record, the older one.
    pub async fn find(&self, location: &Location) -> Result<Found, ArchiveError> {
        let record_key = location.record();
        let (mut records, mut documents, mut next) = (Vec::new(), Vec::new(), None);
        loop {
            let list = self.s3.list_objects_v2().bucket(&self.bucket).prefix(location.prefix());
            let list = list.set_continuation_token(next.take()).send().await;
            let list = list.map_err(|error| request("listing", location.prefix(), error))?;
            for object in list.contents() {
                match object.key() {
                    Some(key) if key == record_key => records.push(key.to_owned()),
                    Some(key) if location.is_primary(key) => {
                        let modified = object.last_modified().map(|at| (at.secs(), at.subsec_nanos()));
                        documents.push((key.to_owned(), modified));
                    }
                    // of a document, or of an attempt that did not get as far as one
                    _ => {}
                }
            }
            next = list.next_continuation_token().map(str::to_owned);
            if next.is_none() {
                break;
            }
        }
        let mut found = Found::default();
        if !records.is_empty() {
            found.record = Some(self.read_record(&record_key).await?);
        }
        let named = found.record.as_ref().and_then(|(record, ..)| record.outputs.first());
        let named = named.map(|output| output.object.clone());
        documents.sort_by_key(|(key, modified)| (Some(key) != named.as_ref(), *modified));
        if let Some((key, _)) = documents.into_iter().next() {
            found.document = Some(self.adopt(location, key, None).await?);
        }
        Ok(found)
    }

    /// Puts JSON that names no person, locked for a day less than `days`. Whether there was none.
    ///
    /// # Errors
    /// When S3 does not take it: putting it again does no harm.
    pub async fn put_for_days(
        &self,
        key: &str,
        json: Bytes,
        days: u16,
        now: Timestamp,
    ) -> Result<bool, ArchiveError> {
        // a day less than what is allowed: the put arrives later than it was begun
        let until = now + SignedDuration::from_hours(24 * i64::from(days.saturating_sub(1).max(1)));
        self.put_json(key, json, Lock { until, is_held: false }).await
    }

    /// The same, locked like something else.
    pub(crate) async fn put_json(&self, key: &str, json: Bytes, lock: Lock) -> Result<bool, ArchiveError> {
        let object = ObjectBytes::of(&json, &sha256_hex(&json), key, None)?;
        Ok(self.put(key, object, "application/json", Metadata::new(), lock).await?.is_some())
    }

    /// The version of the new object, or nothing if there is one already.
    async fn put(
        &self,
        key: &str,
        object: ObjectBytes,
        media_type: &str,
        metadata: Metadata,
        at: Lock,
    ) -> Result<Option<String>, ArchiveError> {
        let ObjectBytes { bytes, sha256, .. } = object;
        let digest = BASE64_STANDARD.encode(hex::decode(sha256).unwrap_or_default());
        let lock = ObjectLockMode::from(self.lock);
        let metadata = &metadata;
        let send = || {
            self.s3
                .put_object()
                .bucket(&self.bucket)
                .key(key)
                .if_none_match("*")
                .checksum_sha256(&digest)
                .content_type(media_type)
                .set_metadata(Some(metadata.clone()))
                .object_lock_mode(lock.clone())
                .object_lock_retain_until_date(DateTime::from_millis(at.until.as_millisecond()))
                .set_object_lock_legal_hold_status(at.is_held.then_some(ObjectLockLegalHoldStatus::On))
                .body(ByteStream::from(bytes.clone()))
                .send()
        };
        match objects::put_if(CONFLICT_REPEATS, send).await {
            Ok(None) => Ok(None),
            // an answer without a version would leave the record pointing nowhere
            Ok(Some(output)) => match output.version_id {
                Some(version_id) => Ok(Some(version_id)),
                None => Err(ArchiveError::Malformed {
                    key: key.to_owned(),
                    what: "the bucket does not keep versions",
                }),
            },
            Err(error) => Err(request("archiving", key, error)),
        }
    }

    async fn adopt(
        &self,
        location: &Location,
        key: String,
        secret: Option<&CommitmentSecret>,
    ) -> Result<Stored, ArchiveError> {
        let Looked { output: primary, metadata, details, secret } = self.look_at(key, secret).await?;
        let malformed = |what| ArchiveError::Malformed { key: primary.object.clone(), what };
        let details: Details = details
            .or_else(|| metadata_json(&metadata, "details"))
            .ok_or_else(|| malformed("no details in its metadata"))?;
        let mut further = Vec::new();
        for name in metadata.get("further").map(String::as_str).unwrap_or_default().split_whitespace() {
            further.push(self.look_at_further(location, name, secret.as_ref()).await?);
        }
        Ok(Stored { primary, further, details, adopted: true })
    }

    /// The further output of this name, which it has by its hash.
    async fn look_at_further(
        &self,
        location: &Location,
        name: &str,
        secret: Option<&CommitmentSecret>,
    ) -> Result<Output, ArchiveError> {
        let Looked { output, metadata, secret, .. } = self.look_at(location.further(name), secret).await?;
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let about = metadata.get("output").and_then(|text| BASE64_STANDARD.decode(text).ok());
        let json = about.and_then(|json| String::from_utf8(json).ok()).unwrap_or_default();
        match further_name(&naming_hash(&output.sha256, secret.as_ref()), &json, extension) == name {
            true => Ok(output),
            false => Err(ArchiveError::Conflict { key: output.object }),
        }
    }

    /// What S3 says of an output's object, with its metadata; opened with the secret at hand, if it is that object's.
    async fn look_at(&self, key: String, secret: Option<&CommitmentSecret>) -> Result<Looked, ArchiveError> {
        let head = self.s3.head_object().bucket(&self.bucket).key(&key);
        let head = match head.checksum_mode(ChecksumMode::Enabled).send().await {
            Ok(head) => head,
            Err(error) => return Err(self.unread("looking at", &key, error).await),
        };
        let malformed = |what| ArchiveError::Malformed { key: key.clone(), what };
        let metadata = head.metadata().ok_or_else(|| malformed("no metadata"))?.clone();
        let about: About =
            metadata_json(&metadata, "output").ok_or_else(|| malformed("no output in its metadata"))?;
        // the checksum S3 computed is the witness; the metadata only says it in hexadecimal
        let sha256 = head
            .checksum_sha256()
            .and_then(|text| BASE64_STANDARD.decode(text).ok())
            .map(hex::encode)
            .or_else(|| metadata.get("sha256").cloned())
            .ok_or_else(|| malformed("no checksum"))?;
        let bytes = head.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or_default();
        let version_id = head.version_id().ok_or_else(|| malformed("no version"))?.to_owned();
        let media_type = head.content_type().unwrap_or_default().to_owned();
        let Some(facts) = sealed_facts(&metadata) else {
            let output = about.output(Object { key, version_id, media_type, bytes, sha256, sealed: None });
            return Ok(Looked { output, metadata, details: None, secret: None });
        };
        let refused = |source| ArchiveError::Envelope { key: key.clone(), source };
        let (header, facts) = facts.map_err(refused)?;
        let secret = self.secret_with(&header.key_id, &key, secret).await?;
        let facts = open_facts(&secret, &key, &facts).map_err(refused)?;
        let sealed = Some(Sealed { bytes, sha256 });
        let SealedFacts { bytes, sha256, details } = facts;
        let output = about.output(Object { key, version_id, media_type, bytes, sha256, sealed });
        Ok(Looked { output, metadata, details, secret: Some(secret) })
    }
}

/// An object that was looked at.
struct Looked {
    output: Output,
    metadata: Metadata,
    /// Of an encrypted primary output; others have them in the metadata.
    details: Option<Details>,
    /// What an encrypted one was opened with.
    secret: Option<CommitmentSecret>,
}

pub(crate) fn request(doing: &'static str, key: &str, source: impl Into<Cause>) -> ArchiveError {
    ArchiveError::Request { doing, key: key.to_owned(), source: source.into() }
}
