//! Reading what is archived: the one place where encrypted objects are opened. Whoever reads, reads through here, and
//! gets the content or an error that says that it was erased.
//!
//! No secret is kept between two calls: one that was destroyed opens nothing from then on.

use crate::{
    Archive, ArchiveError, EvidenceRecord, Output, envelope, envelope::Header, record_key,
    sealed::sealed_facts, sha256_hex, store::request,
};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use bytes::Bytes;
use commitments::{CommitmentSecret, KeyId, Owner};
use comms::ShopDomain;

impl Archive {
    /// The archived bytes of an output, checked against its recorded hash.
    pub async fn read_document(&self, output: &Output) -> Result<Bytes, ArchiveError> {
        self.read_exactly(&output.object, &output.version_id, &output.sha256).await
    }

    /// The same for who knows of a document only what is needed to read it.
    pub async fn read_exactly(
        &self,
        key: &str,
        version_id: &str,
        sha256: &str,
    ) -> Result<Bytes, ArchiveError> {
        let bytes = self.read(key, Some(version_id)).await?.0;
        if sha256_hex(&bytes) == sha256 {
            Ok(bytes)
        } else {
            Err(ArchiveError::Conflict { key: key.to_owned() })
        }
    }

    /// The record beside the document `document_key`, at a version, parsed and as it was written.
    pub async fn record_of(
        &self,
        document_key: &str,
        record_version: &str,
    ) -> Result<(EvidenceRecord, Bytes), ArchiveError> {
        let key = record_key(document_key);
        let bytes = self.read(&key, Some(record_version)).await?.0;
        let record = serde_json::from_slice(&bytes)
            .map_err(|_| ArchiveError::Malformed { key, what: "not an evidence record" })?;
        Ok((record, bytes))
    }

    pub(crate) async fn read_record(
        &self,
        key: &str,
    ) -> Result<(EvidenceRecord, String, String), ArchiveError> {
        let (bytes, version_id) = self.read(key, None).await?;
        let record = serde_json::from_slice(&bytes)
            .map_err(|_| ArchiveError::Malformed { key: key.to_owned(), what: "not an evidence record" })?;
        Ok((record, version_id, sha256_hex(&bytes)))
    }

    /// What a document is encrypted with; none if it is not. Reads nothing of it.
    ///
    /// # Errors
    /// When S3 does not answer, or there is no such version.
    pub async fn key_of(&self, key: &str, version_id: &str) -> Result<Option<KeyId>, ArchiveError> {
        let head = self.s3.head_object().bucket(&self.bucket).key(key).version_id(version_id).send().await;
        let head = match head {
            Ok(head) => head,
            Err(error) => return Err(self.unread("looking at", key, error).await),
        };
        let facts = head.metadata().and_then(sealed_facts).transpose();
        let facts = facts.map_err(|source| ArchiveError::Envelope { key: key.to_owned(), source })?;
        Ok(facts.map(|(header, _)| header.key_id))
    }

    /// What documents of an owner are encrypted with, made if there is nothing yet.
    ///
    /// # Errors
    /// When the table of secrets does not answer, or this archive was given none.
    pub async fn secret_for(
        &self,
        shop: &ShopDomain,
        owner: &Owner,
    ) -> Result<CommitmentSecret, ArchiveError> {
        let secrets = self.secrets.as_ref().ok_or(ArchiveError::NoSecrets)?;
        Ok(secrets.find_or_make(shop, owner).await?)
    }

    /// The content of an object, opened if it is encrypted, and its version.
    pub(crate) async fn read(
        &self,
        key: &str,
        version_id: Option<&str>,
    ) -> Result<(Bytes, String), ArchiveError> {
        let get = self.s3.get_object().bucket(&self.bucket).key(key);
        let object = get.set_version_id(version_id.map(str::to_owned)).send().await;
        let object = match object {
            Ok(object) => object,
            Err(error) => return Err(self.unread("reading", key, error).await),
        };
        let version_id = object.version_id().unwrap_or_default().to_owned();
        let body = object.body.collect().await.map_err(|error| request("reading", key, error))?;
        let bytes = body.into_bytes();
        if !envelope::is_sealed(&bytes) {
            return Ok((bytes, version_id));
        }
        let refused = |source| ArchiveError::Envelope { key: key.to_owned(), source };
        let header = Header::of(&bytes).map_err(refused)?;
        let secret = self.secret_with(&header.key_id, key, None).await?;
        Ok((envelope::open(&secret, key, &bytes).map_err(refused)?, version_id))
    }

    /// Why an object could not be read: it is not there any more, also as S3 tells those who may not list the whole bucket;
    /// or S3 did not answer.
    pub(crate) async fn unread<E>(&self, doing: &'static str, key: &str, error: SdkError<E>) -> ArchiveError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        match objects::is_missing(&self.s3, &self.bucket, key, &error).await {
            true => ArchiveError::Absent { key: key.to_owned() },
            false => request(doing, key, error),
        }
    }

    /// The secret that opens an object: the one that is at hand, if it is that.
    pub(crate) async fn secret_with(
        &self,
        id: &KeyId,
        key: &str,
        at_hand: Option<&CommitmentSecret>,
    ) -> Result<CommitmentSecret, ArchiveError> {
        if let Some(secret) = at_hand.filter(|secret| secret.key_id() == *id) {
            return Ok(secret.clone());
        }
        let secrets = self.secrets.as_ref().ok_or(ArchiveError::NoSecrets)?;
        let secret = secrets.by_key_id(id).await?;
        secret.ok_or_else(|| ArchiveError::Erased { key: key.to_owned() })
    }
}
