//! Legal holds: what must not be deleted, whatever its retention says.
//!
//! A hold is S3's own, on every version of every object of a communication, and a fact beside them says for which matter,
//! who decided and why. A communication can be held for several matters and is free when the last one ends. Holding sets
//! S3's holds before it writes the fact, releasing writes the fact before it takes them away: a death in between leaves
//! more held than need be, and doing it again completes it.

use crate::{Archive, ArchiveError, Decision, Fact, FactKind, RecordRef, open_matters, store::request};
use aws_sdk_s3::types::{ObjectLockLegalHold, ObjectLockLegalHoldStatus};
use jiff::Timestamp;

/// A version of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectVersion {
    /// The object's key.
    pub key: String,
    /// Its version.
    pub version_id: String,
}

/// What a change of a hold came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldChange {
    /// Whether there is a fact of it that was not there before.
    pub is_new: bool,
    /// For what it is held now.
    pub matters: Vec<String>,
    /// How many versions of objects it is about.
    pub versions: usize,
}

impl Archive {
    /// Every version of every object of a folder. Markers of deletions are none.
    ///
    /// # Errors
    /// When S3 does not answer.
    pub async fn versions(&self, folder: &str) -> Result<Vec<ObjectVersion>, ArchiveError> {
        let (mut versions, mut next) = (Vec::new(), Some((None, None)));
        while let Some((key, version)) = next.take() {
            let list = self.s3.list_object_versions().bucket(&self.bucket).prefix(folder);
            let page = list.set_key_marker(key).set_version_id_marker(version).send().await;
            let page = page.map_err(|error| request("listing the versions of", folder, error))?;
            let version = |it: &aws_sdk_s3::types::ObjectVersion| {
                Some(ObjectVersion { key: it.key()?.to_owned(), version_id: it.version_id()?.to_owned() })
            };
            versions.extend(page.versions().iter().filter_map(version));
            if page.is_truncated() == Some(true) {
                let Some(key) = page.next_key_marker() else {
                    return Err(ArchiveError::Malformed {
                        key: folder.to_owned(),
                        what: "its list does not end",
                    });
                };
                next = Some((Some(key.to_owned()), page.next_version_id_marker().map(str::to_owned)));
            }
        }
        Ok(versions)
    }

    /// Holds a communication for a matter.
    ///
    /// # Errors
    /// When S3 does not answer; what was done so far stays, and doing it again does the rest.
    pub async fn hold(
        &self,
        record: &RecordRef,
        matter: &str,
        decision: &Decision,
        now: Timestamp,
    ) -> Result<HoldChange, ArchiveError> {
        let before = self.versions(&record.folder).await?;
        self.set_holds(&before, true).await?;
        let mut matters = self.matters(record).await?;
        let is_new = !matters.iter().any(|it| it == matter);
        if is_new {
            self.add_fact(record, &fact(FactKind::Held, matter, decision, now), now).await?;
            matters.push(matter.to_owned());
        }
        // what came meanwhile from somebody who had looked before
        let after = self.versions(&record.folder).await?;
        let later: Vec<_> = after.iter().filter(|it| !before.contains(it)).cloned().collect();
        self.set_holds(&later, true).await?;
        Ok(HoldChange { is_new, matters, versions: after.len() })
    }

    /// Ends the hold for a matter. S3's holds go with the last matter.
    ///
    /// # Errors
    /// As [`Archive::hold`].
    pub async fn release(
        &self,
        record: &RecordRef,
        matter: &str,
        decision: &Decision,
        now: Timestamp,
    ) -> Result<HoldChange, ArchiveError> {
        let mut matters = self.matters(record).await?;
        let is_new = matters.iter().any(|it| it == matter);
        if is_new {
            self.add_fact(record, &fact(FactKind::Released, matter, decision, now), now).await?;
            matters.retain(|it| it != matter);
        }
        let versions = self.versions(&record.folder).await?;
        if matters.is_empty() {
            self.set_holds(&versions, false).await?;
        }
        Ok(HoldChange { is_new, matters, versions: versions.len() })
    }

    /// The matters for which a communication is held, by its facts.
    ///
    /// # Errors
    /// When S3 does not answer, or the facts contradict each other.
    pub async fn matters(&self, record: &RecordRef) -> Result<Vec<String>, ArchiveError> {
        let facts = self.facts(record).await?;
        Ok(open_matters(facts.iter().map(|(record, _)| &record.fact)))
    }

    async fn set_holds(&self, versions: &[ObjectVersion], on: bool) -> Result<(), ArchiveError> {
        let status = if on { ObjectLockLegalHoldStatus::On } else { ObjectLockLegalHoldStatus::Off };
        for ObjectVersion { key, version_id } in versions {
            let hold = ObjectLockLegalHold::builder().status(status.clone()).build();
            let put = self.s3.put_object_legal_hold().bucket(&self.bucket).key(key).version_id(version_id);
            put.legal_hold(hold).send().await.map_err(|error| request("holding", key, error))?;
        }
        Ok(())
    }
}

fn fact(kind: FactKind, matter: &str, decision: &Decision, now: Timestamp) -> Fact {
    Fact { matter: Some(matter.to_owned()), decision: Some(decision.clone()), ..Fact::new(kind, now) }
}
