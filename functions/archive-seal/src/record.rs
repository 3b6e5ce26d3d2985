//! Whether a record and what it says of its documents are still in the archive, as they were.

use crate::folders::{self, Folder, RECORD};
use archive::{Archive, ArchiveError, EvidenceRecord, Output};
use aws_sdk_s3::{Client, error::ProvideErrorMetadata, types::ChecksumMode};
use base64::prelude::{BASE64_STANDARD, Engine};
use comms::{CommunicationId, ShopDomain};
use sealed_log::Owner;
use sha2::{Digest, Sha256};

/// A record that can be sealed.
pub struct Intact {
    pub communication: CommunicationId,
    pub owner: Owner,
    pub record_sha256: [u8; 32],
}

/// Why a record is not sealed.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("{0} is missing")]
    Missing(String),
    #[error("{key} is not as it was archived: {what}")]
    Altered { key: String, what: &'static str },
    /// Nothing is known of it now; a later pass looks again.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("looking at {key}")]
    Request {
        key: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Reads the first version of the record below `prefix`, and looks at the documents that it names.
pub async fn examine(
    s3: &Client,
    bucket: &str,
    archive: &Archive,
    shop: &ShopDomain,
    prefix: &str,
    folder: &Folder,
) -> Result<Intact, Fault> {
    let key = format!("{prefix}{RECORD}");
    let altered = |what| Fault::Altered { key: key.clone(), what };
    let communication =
        folders::communication(prefix).ok_or_else(|| altered("its folder has no communication"))?;
    let version = folder.record_version.as_deref().ok_or_else(|| Fault::Missing(key.clone()))?;
    let (record, json) = archive.record_of(&key, version).await.map_err(|error| match error {
        ArchiveError::Absent { key } => Fault::Missing(key),
        ArchiveError::Malformed { key, what } => Fault::Altered { key, what },
        error => Fault::Archive(error),
    })?;
    if record.communication != communication || record.shop != *shop || record.test {
        return Err(altered("it is of another communication"));
    }
    if record.outputs.is_empty() || !record.outputs.iter().all(|output| output.object.starts_with(prefix)) {
        return Err(altered("its document is elsewhere"));
    }
    for output in &record.outputs {
        let version = (output.object.clone(), output.version_id.clone());
        if !folder.versions.contains(&version) {
            return Err(Fault::Missing(version.0));
        }
        document(s3, bucket, output).await?;
    }
    let EvidenceRecord { customer, .. } = &record;
    Ok(Intact {
        owner: Owner::of(customer.as_deref(), &communication),
        communication,
        record_sha256: Sha256::digest(&json).into(),
    })
}

/// Whether the document is there, as long as it was, and by the checksum that S3 made when it was put, the same.
async fn document(s3: &Client, bucket: &str, output: &Output) -> Result<(), Fault> {
    let key = &output.object;
    let head = s3.head_object().bucket(bucket).key(key).version_id(&output.version_id);
    let head = head.checksum_mode(ChecksumMode::Enabled).send().await;
    let head = head.map_err(|error| match error.code() {
        Some("NotFound" | "NoSuchKey" | "NoSuchVersion" | "MethodNotAllowed") => Fault::Missing(key.clone()),
        _ => Fault::Request { key: key.clone(), source: error.into() },
    })?;
    let altered = |what| Fault::Altered { key: key.clone(), what };
    if head.content_length().and_then(|length| u64::try_from(length).ok()) != Some(output.bytes) {
        return Err(altered("it has another length"));
    }
    let recorded = hex::decode(&output.sha256).map(|sha256| BASE64_STANDARD.encode(sha256));
    match (head.checksum_sha256(), recorded) {
        (None, _) => Err(altered("S3 has no checksum of it")),
        (Some(stored), Ok(recorded)) if stored == recorded => Ok(()),
        _ => Err(altered("it has another SHA-256")),
    }
}
