//! Adding to the facts of a communication, and reading them.
//!
//! The conditional put is the only lock: whoever puts `fact-<n>.json` first has the place, and whoever comes second reads
//! it and tries the next one. So two writers at once leave both facts, one writer twice leaves one
//! ([`Fact::is_again`]), and a writer that dies before its put leaves nothing, and is repeated by whoever comes to the
//! same outcome again. Facts stand in the order in which they were written; each says when it happened.
//!
//! A fact is locked as long as the record, and held where the record is held.

use crate::{
    Archive, ArchiveError, EvidenceRecord, Fact, FactRecord, Retention, Software, fact, folder_of,
    record_key,
    store::{Lock, request},
};
use aws_sdk_s3::types::ObjectLockLegalHoldStatus;
use bytes::Bytes;
use comms::CommunicationId;
use jiff::{SignedDuration, Timestamp};

/// More facts than that no communication has: each is an outcome, a decision of a person, or a first opening.
const MOST: u32 = 200;

/// What of a record is needed to add to its facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRef {
    /// Whose it is.
    pub communication: CommunicationId,
    /// What all keys of the communication begin with; ends with `/`.
    pub folder: String,
    /// The version of its object.
    pub version_id: String,
    /// Of its bytes, in hexadecimal.
    pub sha256: String,
}

impl RecordRef {
    /// Of the record beside the document `document_key`.
    pub fn beside(
        document_key: &str,
        communication: &CommunicationId,
        version_id: &str,
        sha256: &str,
    ) -> Self {
        Self {
            communication: communication.clone(),
            folder: folder_of(document_key).to_owned(),
            version_id: version_id.to_owned(),
            sha256: sha256.to_owned(),
        }
    }

    fn key(&self) -> String {
        record_key(&self.folder)
    }
}

/// How the objects of a communication are locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protection {
    /// When the retention ends.
    pub until: Timestamp,
    /// Whether they are held beyond that.
    pub is_held: bool,
}

impl Archive {
    /// The record beside the document `document_key`, for who knows of the communication nothing else.
    ///
    /// # Errors
    /// When it is not there, or S3 does not answer.
    pub async fn record_beside(
        &self,
        document_key: &str,
        communication: &CommunicationId,
    ) -> Result<RecordRef, ArchiveError> {
        let (_, record) = self.latest_record(document_key, communication).await?;
        Ok(record)
    }

    /// The same with what it says.
    ///
    /// # Errors
    /// As [`Archive::record_beside`].
    pub async fn latest_record(
        &self,
        document_key: &str,
        communication: &CommunicationId,
    ) -> Result<(EvidenceRecord, RecordRef), ArchiveError> {
        let key = record_key(document_key);
        let (record, version_id, sha256) = self.read_record(&key).await?;
        Ok((record, RecordRef::beside(document_key, communication, &version_id, &sha256)))
    }

    /// How a record is locked.
    ///
    /// # Errors
    /// When S3 does not answer, or says nothing of a lock.
    pub async fn protection(&self, record: &RecordRef) -> Result<Protection, ArchiveError> {
        let key = record.key();
        let head = self.s3.head_object().bucket(&self.bucket).key(&key).version_id(&record.version_id);
        let head = match head.send().await {
            Ok(head) => head,
            Err(error) => return Err(self.unread("looking at", &key, error).await),
        };
        let until = head.object_lock_retain_until_date().map(|at| (at.secs(), at.subsec_nanos()));
        let until = until.and_then(|(secs, nanos)| Timestamp::new(secs, i32::try_from(nanos).ok()?).ok());
        let until = until
            .ok_or(ArchiveError::Malformed { key, what: "it has no lock, or may not be asked for it" })?;
        let is_held = head.object_lock_legal_hold_status() == Some(&ObjectLockLegalHoldStatus::On);
        Ok(Protection { until, is_held })
    }

    /// Whether a communication is held: its objects must not be deleted or erased, whatever their retention says.
    ///
    /// # Errors
    /// When S3 does not answer.
    pub async fn is_held(&self, record: &RecordRef) -> Result<bool, ArchiveError> {
        Ok(self.protection(record).await?.is_held)
    }

    /// Adds a fact, unless it is there. Asks how the record is locked.
    ///
    /// # Errors
    /// When S3 does not answer: adding it again does no harm.
    pub async fn add_fact(
        &self,
        record: &RecordRef,
        fact: &Fact,
        now: Timestamp,
    ) -> Result<FactRecord, ArchiveError> {
        let Protection { until, is_held } = self.protection(record).await?;
        self.append(record, fact, Lock::until(until, is_held, now)).await
    }

    /// The same right after the record was put with this `retention`, which need not be asked for then.
    ///
    /// # Errors
    /// As [`Archive::add_fact`].
    pub async fn add_first_fact(
        &self,
        record: &RecordRef,
        fact: &Fact,
        retention: &Retention,
        now: Timestamp,
    ) -> Result<FactRecord, ArchiveError> {
        self.append(record, fact, Lock::until(retention.until, false, now)).await
    }

    async fn append(&self, record: &RecordRef, fact: &Fact, lock: Lock) -> Result<FactRecord, ArchiveError> {
        let mut previous_sha256 = record.sha256.clone();
        for number in 1..=MOST {
            let next = FactRecord {
                v: FactRecord::VERSION,
                communication: record.communication.clone(),
                number,
                record_sha256: record.sha256.clone(),
                previous_sha256,
                fact: fact.clone(),
                software: Software::THIS,
            };
            let json = Bytes::from(serde_json::to_vec(&next).map_err(ArchiveError::Record)?);
            let key = format!("{}{}", record.folder, fact::name(number));
            if self.put_json(&key, json, lock).await? {
                return Ok(next);
            }
            let (there, bytes) = self.fact(record, number, None).await?;
            if there.fact.is_again(fact) {
                return Ok(there);
            }
            previous_sha256 = crate::sha256_hex(&bytes);
        }
        Err(ArchiveError::Malformed {
            key: record.folder.clone(),
            what: "it has more facts than there can be",
        })
    }

    /// One fact, with its bytes: that version of its object, or the newest one.
    ///
    /// # Errors
    /// When it is not there, is no fact of this communication, or S3 does not answer.
    pub async fn fact(
        &self,
        record: &RecordRef,
        number: u32,
        version_id: Option<&str>,
    ) -> Result<(FactRecord, Bytes), ArchiveError> {
        let key = format!("{}{}", record.folder, fact::name(number));
        let (bytes, _) = self.read(&key, version_id).await?;
        let malformed = |what| ArchiveError::Malformed { key: key.clone(), what };
        let there: FactRecord = serde_json::from_slice(&bytes).map_err(|_| malformed("not a fact"))?;
        match there.communication == record.communication && there.number == number {
            true => Ok((there, bytes)),
            false => Err(malformed("a fact of something else")),
        }
    }

    /// The facts of a communication in their order, with their bytes. Looks whether each names the one before it.
    ///
    /// # Errors
    /// When S3 does not answer; [`ArchiveError::Conflict`] where one is missing or was exchanged.
    pub async fn facts(&self, record: &RecordRef) -> Result<Vec<(FactRecord, Bytes)>, ArchiveError> {
        let mut numbers: Vec<u32> = Vec::new();
        for key in self.keys(&record.folder).await? {
            numbers.extend(key.strip_prefix(&record.folder).and_then(fact::fact_number));
        }
        numbers.sort_unstable();
        let mut facts = Vec::with_capacity(numbers.len());
        let mut previous = record.sha256.clone();
        for (expected, number) in (1..).zip(numbers) {
            let key = format!("{}{}", record.folder, fact::name(number));
            let (fact, bytes) = self.fact(record, number, None).await?;
            if number != expected || fact.previous_sha256 != previous || fact.record_sha256 != record.sha256 {
                return Err(ArchiveError::Conflict { key });
            }
            previous = crate::sha256_hex(&bytes);
            facts.push((fact, bytes));
        }
        Ok(facts)
    }

    /// The keys that begin with `folder`, in order.
    ///
    /// # Errors
    /// When S3 does not answer.
    pub async fn keys(&self, folder: &str) -> Result<Vec<String>, ArchiveError> {
        let (mut keys, mut next) = (Vec::new(), None);
        loop {
            let list = self.s3.list_objects_v2().bucket(&self.bucket).prefix(folder);
            let list = list.set_continuation_token(next.take()).send().await;
            let list = list.map_err(|error| request("listing", folder, error))?;
            keys.extend(list.contents().iter().filter_map(|object| object.key()).map(str::to_owned));
            next = list.next_continuation_token().map(str::to_owned);
            if next.is_none() {
                return Ok(keys);
            }
        }
    }
}

impl Lock {
    /// As long as the record is; a lock cannot end in the past, and what is added after the end is kept for a day.
    fn until(until: Timestamp, is_held: bool, now: Timestamp) -> Self {
        let tomorrow = now + SignedDuration::from_hours(24);
        Self { until: until.max(tomorrow), is_held }
    }
}
