//! Who read what, and why: an entry for each reading of a document through this system's tools, locked like the evidence
//! itself. A public, versioned contract (`schemas/access-entry.v1.json`).
//!
//! The entry is put before anything is shown, so a reading without an entry does not happen; an entry without a reading
//! does, where the reader's tool died in between. It names the reader and no customer.

use crate::{Archive, ArchiveError, LockMode, Software, sha256_hex};
use aws_sdk_s3::Client;
use bytes::Bytes;
use comms::{CommunicationId, ShopDomain, cut, names, one_line};
use jiff::{Timestamp, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What entries are below, in the archive bucket.
const FOLDER: &str = "access/";

/// So long an entry is locked, if the deployment allows it.
const RETENTION_DAYS: u16 = 400;

/// The most that is kept of who and why.
const MAX_TEXT_BYTES: usize = 200;

names! {
    /// What was read or handed out.
    AccessKind, "access", {
        /// A document, with or without its record.
        Document = "document",
        /// What the record says, such as the driver data.
        Record = "record",
        /// A proof, which has both in it.
        Proof = "proof",
        /// A document that was composed to look at and not archived.
        Preview = "preview",
        /// A link that opens the document.
        Link = "link",
        /// The document was sent once more.
        Resend = "resend",
        /// A copy of everything that is held about somebody.
        Export = "export",
    }
}

/// One reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Who, as far as the tool knows: an account, or what somebody calls themselves.
    pub actor: String,
    /// Whose document it is.
    pub communication: CommunicationId,
    /// What was read.
    pub what: AccessKind,
    /// For what purpose, in the reader's words.
    pub why: String,
    /// Through which tool, such as `ctl-show` or `console`.
    pub by: String,
}

/// What an object below `access/` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessEntry {
    /// The version of this format: 1.
    pub v: u32,
    /// When it was about to be shown.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// Whose customer's document it is.
    pub shop: ShopDomain,
    /// Which document.
    pub communication: CommunicationId,
    /// What was read.
    pub what: AccessKind,
    /// Who read it.
    pub actor: String,
    /// For what purpose.
    pub why: String,
    /// Through which tool.
    pub by: String,
    /// What wrote the entry.
    pub software: Software,
}

/// Where entries are put.
pub struct AccessLog {
    archive: Archive,
    days: u16,
}

impl Archive {
    /// An entry at that version, with its bytes.
    ///
    /// # Errors
    /// When it is not there or no entry, or S3 does not answer.
    pub async fn access_entry(
        &self,
        key: &str,
        version_id: &str,
    ) -> Result<(AccessEntry, Bytes), ArchiveError> {
        let (bytes, _) = self.read(key, Some(version_id)).await?;
        let malformed = |_| ArchiveError::Malformed { key: key.to_owned(), what: "not an access entry" };
        Ok((serde_json::from_slice(&bytes).map_err(malformed)?, bytes))
    }
}

impl AccessLog {
    /// Entries in `bucket`, locked by `lock` for 400 days or as long as the deployment allows.
    pub fn new(s3: Client, bucket: String, lock: LockMode, max_retention_days: u16) -> Self {
        Self { archive: Archive::new(s3, bucket, lock), days: RETENTION_DAYS.min(max_retention_days) }
    }

    /// Records a reading that is about to take place. Answers the entry's key.
    ///
    /// # Errors
    /// When S3 does not take it. Show nothing then.
    pub async fn record_access(
        &self,
        shop: &ShopDomain,
        access: &Access,
        now: Timestamp,
    ) -> Result<String, ArchiveError> {
        let text = |text: &str| cut(&one_line(text), MAX_TEXT_BYTES).to_owned();
        let entry = AccessEntry {
            v: 1,
            at: now,
            shop: shop.clone(),
            communication: access.communication.clone(),
            what: access.what,
            actor: text(&access.actor),
            why: text(&access.why),
            by: text(&access.by),
            software: Software::THIS,
        };
        let json = serde_json::to_vec(&entry).map_err(ArchiveError::Record)?;
        let key = key(shop, &access.communication, now, &json);
        // one that is there says the very same, as its name is its hash
        self.archive.put_for_days(&key, Bytes::from(json), self.days, now).await?;
        Ok(key)
    }
}

/// Where the entries of a day are, `day` in the form `<yyyy>/<mm>/<dd>`; ends with `/`.
pub fn access_folder(shop: &ShopDomain, day: &str) -> String {
    format!("{FOLDER}{shop}/{day}/")
}

/// `access/<shop>/<yyyy>/<mm>/<dd>/<milliseconds>-<communication>-<hash>.json`.
fn key(shop: &ShopDomain, communication: &CommunicationId, now: Timestamp, json: &[u8]) -> String {
    let day = now.to_zoned(TimeZone::UTC).strftime("%Y/%m/%d").to_string();
    let hash = sha256_hex(json);
    let hash = hash.get(..16).unwrap_or_default();
    format!("{}{:013}-{communication}-{hash}.json", access_folder(shop, &day), now.as_millisecond())
}

/// The communication that an entry with this `key` is about.
pub fn accessed(key: &str) -> Option<CommunicationId> {
    key.rsplit('/').next()?.split('-').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_is_published_and_the_sample_conforms() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let schema = schemars::schema_for!(AccessEntry).to_value();
        contract::published(&folder.join("schemas/access-entry.v1.json"), &schema);
        let entry = AccessEntry {
            v: 1,
            at: "2026-11-27T09:00:00Z".parse().unwrap(),
            shop: "acme.myshopify.com".parse().unwrap(),
            communication: "c4809f9b199959867b344883a5f958d0".parse().unwrap(),
            what: AccessKind::Document,
            actor: "support@acme.example".to_owned(),
            why: "the customer asked what the receipt says".to_owned(),
            by: "ctl-show".to_owned(),
            software: Software { name: "shopify-exstream".into(), version: "0.0.0".into() },
        };
        let sample = serde_json::to_value(&entry).unwrap();
        contract::published(&folder.join("samples/access-entry.v1.json"), &sample);
        contract::conforms(&schema, &sample);
    }

    #[test]
    fn entries_lie_by_shop_and_day_in_the_order_of_time() {
        let shop: ShopDomain = "acme.myshopify.com".parse().unwrap();
        let id = "c4809f9b199959867b344883a5f958d0".parse().unwrap();
        let key = key(&shop, &id, "2026-01-02T23:30:00-02:00".parse().unwrap(), b"{}");
        let name = format!("1767403800000-{id}-44136fa355b3678a.json");
        assert_eq!(key, format!("access/acme.myshopify.com/2026/01/03/{name}"));
        assert_eq!(accessed(&key), Some(id));
        assert_eq!(accessed("access/acme.myshopify.com/2026/01/03/x.json"), None);
    }
}
