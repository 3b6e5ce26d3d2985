//! Destroying what has expired, on request, with a certificate of what was destroyed under which rule. Public,
//! versioned contracts (`schemas/disposal-plan.v1.json`, `schemas/destruction-certificate.v1.json`).
//!
//! First a plan is put, which names every version of every object that is to go; then they are deleted; then the
//! certificate is put. So a run can die anywhere: a plan without a certificate is carried out again before anything else,
//! and deleting what is gone changes nothing. Right before a communication is deleted, its lock and its hold are
//! looked at once more, and S3 itself refuses to delete what is locked or held: what was kept is in the certificate, too.
//!
//! Plan and certificate name communications, days and hashes, and no person.

use crate::{
    Archive, ArchiveError, Decision, EvidenceRecord, ObjectVersion, RecordRef, Software, fact_number,
    location::RECORD, record_key, sha256_hex, store::request,
};
use aws_sdk_s3::error::ProvideErrorMetadata;
use bytes::Bytes;
use comms::{CommunicationId, Document, ShopDomain};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// What plans and certificates are below, in the archive bucket.
const FOLDER: &str = "disposal/";

/// What is younger is not destroyed, whatever its class says: archive-seal still compares it with the log.
pub const YOUNGEST_DAYS: i32 = 60;

/// The rule by which something is destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DisposalRule {
    /// The retention class, as the record names it.
    pub class: String,
    /// The legal basis of keeping it, as the record names it.
    pub legal_basis: String,
}

/// One communication that is to be destroyed, or was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Destroyed {
    /// Which.
    pub communication: CommunicationId,
    /// Which document it was.
    pub document: Document,
    /// The folder its objects were in.
    pub folder: String,
    /// When its retention ended.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub expired_at: Timestamp,
    /// Under which rule.
    pub rule: DisposalRule,
    /// The version of the record.
    pub record_version: String,
    /// SHA-256 of the record.
    pub record_sha256: String,
    /// Everything in the folder, the record last.
    pub objects: Vec<DestroyedObject>,
}

/// One version of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DestroyedObject {
    /// Its name in the folder.
    pub name: String,
    /// Its version.
    pub version_id: String,
    /// SHA-256 of its bytes. Absent for what belonged to no document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// What is to be destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// The version of this format: 1.
    pub v: u32,
    /// The run it belongs to.
    pub run: String,
    /// Its place in the run, from 1.
    pub number: u32,
    /// Whose evidence.
    pub shop: ShopDomain,
    /// When it was made.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// Who asked for it, and why.
    pub decision: Decision,
    /// What is to go.
    pub communications: Vec<Destroyed>,
}

/// What was destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Certificate {
    /// The version of this format: 1.
    pub v: u32,
    /// The key of the plan.
    pub plan: String,
    /// SHA-256 of the plan.
    pub plan_sha256: String,
    /// Whose evidence.
    pub shop: ShopDomain,
    /// When all of it was gone.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// Who asked for it, and why.
    pub decision: Decision,
    /// What is gone.
    pub destroyed: Vec<Destroyed>,
    /// What was to go and was kept, because it was held or locked meanwhile.
    pub kept: Vec<CommunicationId>,
    /// What destroyed it.
    pub software: Software,
}

/// What of a folder may be destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It has expired.
    Expired(Box<Destroyed>),
    /// Its retention has not ended.
    Locked,
    /// It is held.
    Held,
    /// Its class is not one that is destroyed.
    Kept,
    /// There is no record, or none that can be read: nobody knows under which rule it is kept.
    Unknown,
}

/// A run.
pub struct Disposal<'a> {
    /// Where the evidence is.
    pub archive: &'a Archive,
    /// Whose evidence.
    pub shop: &'a ShopDomain,
    /// Names the run, such as `20261128T090000Z`.
    pub run: &'a str,
    /// Who asks for it, and why.
    pub decision: &'a Decision,
    /// For how many days plans and certificates are locked.
    pub days: u16,
}

impl Disposal<'_> {
    /// Whether the communication of `folder` may go. `versions` are all of the folder; `is_destroyed` says of a class whether
    /// it is one that is destroyed.
    ///
    /// # Errors
    /// When S3 does not answer.
    pub async fn verdict(
        &self,
        folder: &str,
        versions: &[ObjectVersion],
        is_destroyed: impl Fn(&str) -> bool,
        now: Timestamp,
    ) -> Result<Verdict, ArchiveError> {
        let key = record_key(folder);
        // the newest comes first in a list, so the last one is the one that was put first
        let Some(first) = versions.iter().rfind(|it| it.key == key) else { return Ok(Verdict::Unknown) };
        let read = match self.archive.record_of(&key, &first.version_id).await {
            Ok((record, bytes)) => Some((record, sha256_hex(&bytes))),
            Err(error @ ArchiveError::Request { .. }) => return Err(error),
            Err(_) => None,
        };
        let Some((record, sha256)) = read else { return Ok(Verdict::Unknown) };
        let Some(rule) = record.kept_under.clone() else { return Ok(Verdict::Unknown) };
        if record.shop != *self.shop || !folder.ends_with(&format!("/{}/", record.communication)) {
            return Ok(Verdict::Unknown);
        }
        if !is_destroyed(&rule.class) {
            return Ok(Verdict::Kept);
        }
        let reference = RecordRef::beside(&key, &record.communication, &first.version_id, &sha256);
        let protection = self.archive.protection(&reference).await?;
        if protection.is_held {
            return Ok(Verdict::Held);
        }
        if protection.until >= now {
            return Ok(Verdict::Locked);
        }
        let objects = self.objects(folder, versions, &record, &sha256).await?;
        Ok(Verdict::Expired(Box::new(Destroyed {
            communication: record.communication,
            document: record.document,
            folder: folder.to_owned(),
            expired_at: protection.until,
            rule: DisposalRule { class: rule.class, legal_basis: rule.legal_basis },
            record_version: first.version_id.clone(),
            record_sha256: sha256,
            objects,
        })))
    }

    async fn objects(
        &self,
        folder: &str,
        versions: &[ObjectVersion],
        record: &EvidenceRecord,
        record_sha256: &str,
    ) -> Result<Vec<DestroyedObject>, ArchiveError> {
        let mut objects = Vec::with_capacity(versions.len());
        for ObjectVersion { key, version_id } in versions {
            let Some(name) = key.strip_prefix(folder) else { continue };
            let output = record.outputs.iter().find(|it| it.object == *key && it.version_id == *version_id);
            let sha256 = match (output, fact_number(name)) {
                (Some(output), _) => Some(output.sha256.clone()),
                (None, Some(_)) => Some(sha256_hex(&self.archive.read(key, Some(version_id)).await?.0)),
                (None, None) => (name == RECORD).then(|| record_sha256.to_owned()),
            };
            objects.push(DestroyedObject { name: name.to_owned(), version_id: version_id.clone(), sha256 });
        }
        // while there is a record, what is left of a folder explains itself
        objects.sort_by_key(|object| object.name == RECORD);
        Ok(objects)
    }

    /// Puts a plan.
    ///
    /// # Errors
    /// When S3 does not take it: nothing is destroyed.
    pub async fn plan(
        &self,
        number: u32,
        communications: Vec<Destroyed>,
        now: Timestamp,
    ) -> Result<Plan, ArchiveError> {
        let plan = Plan {
            v: 1,
            run: self.run.to_owned(),
            number,
            shop: self.shop.clone(),
            at: now,
            decision: self.decision.clone(),
            communications,
        };
        let key = plan_key(&plan);
        match self.put(&key, &plan, now).await? {
            true => Ok(plan),
            false => Err(ArchiveError::Conflict { key }),
        }
    }

    /// The plans of this shop that were not carried out to the end, of any run.
    ///
    /// # Errors
    /// When S3 does not answer, or something else is in their place.
    pub async fn unfinished(&self) -> Result<Vec<Plan>, ArchiveError> {
        let keys = self.archive.keys(&format!("{FOLDER}{}/", self.shop)).await?;
        let mut plans = Vec::new();
        for key in keys.iter().filter(|key| key.contains("/plan-")) {
            if !keys.contains(&certificate_key(key)) {
                let plan: Plan = read(&self.archive.read(key, None).await?.0, key)?;
                plans.push(plan);
            }
        }
        Ok(plans)
    }

    /// The objects of this shop that were destroyed with a certificate: communication and name.
    ///
    /// # Errors
    /// When S3 does not answer, or something else is in the certificates' place.
    pub async fn destroyed(
        archive: &Archive,
        shop: &ShopDomain,
    ) -> Result<Vec<(CommunicationId, String)>, ArchiveError> {
        let mut destroyed = Vec::new();
        for key in archive.keys(&format!("{FOLDER}{shop}/")).await? {
            if key.contains("/certificate-") {
                let certificate: Certificate = read(&archive.read(&key, None).await?.0, &key)?;
                for Destroyed { communication, objects, .. } in certificate.destroyed {
                    destroyed.extend(objects.into_iter().map(|it| (communication.clone(), it.name)));
                }
            }
        }
        Ok(destroyed)
    }

    /// Destroys what a plan names, as far as it is neither held nor locked now, and puts the certificate.
    ///
    /// # Errors
    /// When S3 does not answer. What is gone is gone; carrying it out again does the rest.
    pub async fn carry_out(&self, plan: &Plan, now: Timestamp) -> Result<Certificate, ArchiveError> {
        let key = plan_key(plan);
        let (bytes, _) = self.archive.read(&key, None).await?;
        let (mut destroyed, mut kept) = (Vec::new(), Vec::new());
        for communication in &plan.communications {
            match self.destroy(communication, now).await? {
                true => destroyed.push(communication.clone()),
                false => kept.push(communication.communication.clone()),
            }
        }
        let certificate = Certificate {
            v: 1,
            plan: key.clone(),
            plan_sha256: sha256_hex(&bytes),
            shop: plan.shop.clone(),
            at: now,
            decision: plan.decision.clone(),
            destroyed,
            kept,
            software: Software::THIS,
        };
        let key = certificate_key(&key);
        match self.put(&key, &certificate, now).await? {
            true => Ok(certificate),
            // another run carried the same plan out
            false => read(&self.archive.read(&key, None).await?.0, &key),
        }
    }

    /// Whether everything of it is gone.
    async fn destroy(&self, it: &Destroyed, now: Timestamp) -> Result<bool, ArchiveError> {
        let key = record_key(&it.folder);
        let record = RecordRef::beside(&key, &it.communication, &it.record_version, &it.record_sha256);
        match self.archive.protection(&record).await {
            Ok(protection) if protection.is_held || protection.until >= now => return Ok(false),
            // the record goes last, so nothing is left
            Ok(_) | Err(ArchiveError::Absent { .. }) => {}
            Err(error) => return Err(error),
        }
        for DestroyedObject { name, version_id, .. } in &it.objects {
            let key = format!("{}{name}", it.folder);
            let delete = self.archive.s3.delete_object().bucket(&self.archive.bucket).key(&key);
            match delete.version_id(version_id).send().await {
                Ok(_) => {}
                Err(error) if matches!(error.code(), Some("NoSuchVersion" | "NoSuchKey")) => {}
                // held or locked: S3 does not say which
                Err(error) if error.code() == Some("AccessDenied") => return Ok(false),
                Err(error) => return Err(request("destroying", &key, error)),
            }
        }
        Ok(true)
    }

    async fn put(&self, key: &str, value: &impl Serialize, now: Timestamp) -> Result<bool, ArchiveError> {
        let json = Bytes::from(serde_json::to_vec(value).map_err(ArchiveError::Record)?);
        self.archive.put_for_days(key, json, self.days, now).await
    }
}

fn plan_key(Plan { shop, run, number, .. }: &Plan) -> String {
    format!("{FOLDER}{shop}/{run}/plan-{number:04}.json")
}

fn certificate_key(plan_key: &str) -> String {
    plan_key.replace("/plan-", "/certificate-")
}

fn read<T: DeserializeOwned>(bytes: &[u8], key: &str) -> Result<T, ArchiveError> {
    let malformed = |_| ArchiveError::Malformed { key: key.to_owned(), what: "neither plan nor certificate" };
    serde_json::from_slice(bytes).map_err(malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contracts_are_published_and_the_samples_conform() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let at: Timestamp = "2033-12-01T09:00:00Z".parse().unwrap();
        let object = |name: &str| DestroyedObject {
            name: name.to_owned(),
            version_id: "v1".to_owned(),
            sha256: Some("0".repeat(64)),
        };
        let communication: CommunicationId = "c4809f9b199959867b344883a5f958d0".parse().unwrap();
        let destroyed = Destroyed {
            folder: format!("acme.myshopify.com/2026/11/27/receipt/{communication}/"),
            communication,
            document: Document::Receipt,
            expired_at: at,
            rule: DisposalRule { class: "statutory".to_owned(), legal_basis: "commercial code".to_owned() },
            record_version: "v1".to_owned(),
            record_sha256: "0".repeat(64),
            objects: vec![object("document.pdf"), object("fact-01.json"), object("record.json")],
        };
        let decision = Decision { actor: "records@acme.example".to_owned(), reason: "yearly".to_owned() };
        let plan = Plan {
            v: 1,
            run: "20331201T090000Z".to_owned(),
            number: 1,
            shop: "acme.myshopify.com".parse().unwrap(),
            at,
            decision: decision.clone(),
            communications: vec![destroyed.clone()],
        };
        let certificate = Certificate {
            v: 1,
            plan: plan_key(&plan),
            plan_sha256: "0".repeat(64),
            shop: plan.shop.clone(),
            at,
            decision,
            destroyed: vec![destroyed],
            kept: Vec::new(),
            software: Software { name: "shopify-exstream".into(), version: "0.0.0".into() },
        };
        for (name, schema, sample) in [
            ("disposal-plan", schemars::schema_for!(Plan).to_value(), serde_json::to_value(&plan).unwrap()),
            (
                "destruction-certificate",
                schemars::schema_for!(Certificate).to_value(),
                serde_json::to_value(&certificate).unwrap(),
            ),
        ] {
            contract::published(&folder.join(format!("schemas/{name}.v1.json")), &schema);
            contract::published(&folder.join(format!("samples/{name}.v1.json")), &sample);
            contract::conforms(&schema, &sample);
        }
    }
}
