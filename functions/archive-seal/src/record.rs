//! Whether a record and what it says of its documents are still in the archive, as they were.

use crate::folders::{self, Folder, RECORD};
use archive::{Archive, ArchiveError, Output};
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
    Archive(ArchiveError),
}

/// Why an object was not read.
impl From<ArchiveError> for Fault {
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Absent { key } => Self::Missing(key),
            ArchiveError::Malformed { key, what } => Self::Altered { key, what },
            error => Self::Archive(error),
        }
    }
}

/// Reads the first version of the record below `prefix`, and looks at the documents that it names.
pub async fn examine(
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
        ArchiveError::Envelope { key, .. } => Fault::Altered { key, what: "it cannot be opened" },
        error => error.into(),
    })?;
    if record.communication != communication || record.shop != *shop || record.test {
        return Err(altered("it is of another communication"));
    }
    if record.outputs.is_empty() || !record.outputs.iter().all(|output| output.object.starts_with(prefix)) {
        return Err(altered("its document is elsewhere"));
    }
    for output in &record.outputs {
        document(output, folder)?;
    }
    Ok(Intact { owner: record.owner(), communication, record_sha256: Sha256::digest(&json).into() })
}

/// Whether the version that the record names is there, as long as the record says. The listing has all of this, and a
/// version's bytes cannot change, so nothing is asked for it.
fn document(output: &Output, folder: &Folder) -> Result<(), Fault> {
    let named = folder
        .versions
        .iter()
        .find(|version| version.key == output.object && version.id == output.version_id);
    match named {
        None => Err(Fault::Missing(output.object.clone())),
        Some(version) if version.bytes == output.object_bytes() => Ok(()),
        Some(_) => Err(Fault::Altered { key: output.object.clone(), what: "it has another length" }),
    }
}
