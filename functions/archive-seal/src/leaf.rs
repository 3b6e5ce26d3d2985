//! What becomes a leaf beside records: the facts of communications, and the entries of who read what. Whatever is wrong
//! with one of them keeps back no other.

use crate::{
    folders::{Folder, ObjectVersion},
    record::{Fault, Intact},
};
use archive::{Archive, RecordRef};
use comms::{CommunicationId, ShopDomain};
use sealed_log::Owner;
use sha2::{Digest, Sha256};

/// An object that can be sealed.
pub struct Leaf {
    pub communication: CommunicationId,
    /// Its name in the communication's folder, or the key of an access entry; none for the record.
    pub object: Option<String>,
    pub owner: Owner,
    pub sha256: [u8; 32],
}

impl From<Intact> for Leaf {
    fn from(Intact { communication, owner, record_sha256 }: Intact) -> Self {
        Self { communication, object: None, owner, sha256: record_sha256 }
    }
}

/// Reads a fact, and looks whether it is of that record.
pub async fn fact(
    archive: &Archive,
    prefix: &str,
    folder: &Folder,
    number: u32,
    record: &Intact,
) -> Result<Leaf, Fault> {
    let sha256 = hex::encode(record.record_sha256);
    let reference = RecordRef {
        communication: record.communication.clone(),
        folder: prefix.to_owned(),
        version_id: folder.record_version.clone().unwrap_or_default(),
        sha256,
    };
    let facts = folder.facts();
    let version = facts.get(&number).copied();
    let (fact, json) = archive.fact(&reference, number, version).await?;
    if fact.record_sha256 != reference.sha256 {
        let key = format!("{prefix}{}", archive::fact_name(number));
        return Err(Fault::Altered { key, what: "it is of another record" });
    }
    Ok(Leaf {
        communication: record.communication.clone(),
        object: Some(archive::fact_name(number)),
        owner: record.owner.clone(),
        sha256: Sha256::digest(&json).into(),
    })
}

/// Reads an access entry, and looks whether it is of that shop.
pub async fn access(archive: &Archive, shop: &ShopDomain, version: &ObjectVersion) -> Result<Leaf, Fault> {
    let ObjectVersion { key, id, .. } = version;
    let (entry, json) = archive.access_entry(key, id).await?;
    if entry.shop != *shop || archive::accessed(key).as_ref() != Some(&entry.communication) {
        return Err(Fault::Altered { key: key.clone(), what: "it is of another shop or communication" });
    }
    Ok(Leaf {
        owner: Owner::Communication(entry.communication.clone()),
        communication: entry.communication,
        object: Some(key.clone()),
        sha256: Sha256::digest(&json).into(),
    })
}
