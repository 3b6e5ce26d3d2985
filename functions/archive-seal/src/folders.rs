//! What there is of the communications of a day, version by version. A folder whose objects were put once and never
//! touched has one version of each and no deletion; anything else was done from outside, and is reported.

use crate::SealError;
use aws_sdk_s3::Client;
use comms::{CommunicationId, ShopDomain};
use jiff::civil::Date;
use std::collections::BTreeMap;

pub const RECORD: &str = "record.json";

/// The objects of one communication.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Folder {
    /// The first version of the record, which is the evidence; none while there is no record.
    pub record_version: Option<String>,
    /// Everything that is there.
    pub versions: Vec<ObjectVersion>,
    /// Whether the record is a leaf of the log.
    pub is_sealed: bool,
    /// The numbers of the facts that are no leaves of the log.
    pub unsealed_facts: Vec<u32>,
    /// An object was overwritten or deleted after it was put. Its first version is locked and still there.
    pub is_altered: bool,
}

/// One version of an object. Its bytes cannot change: who looks at it again can only find it gone.
#[derive(Debug, PartialEq, Eq)]
pub struct ObjectVersion {
    pub key: String,
    pub id: String,
    pub bytes: u64,
}

impl Folder {
    /// The facts that are there, by their numbers, each with the version that was put first.
    pub fn facts(&self) -> BTreeMap<u32, &str> {
        let number = |version: &'_ ObjectVersion| archive::fact_number(version.key.rsplit('/').next()?);
        // the newest version comes first, and the last one that is put into the map stays
        self.versions.iter().filter_map(|version| Some((number(version)?, version.id.as_str()))).collect()
    }
}

/// Folders by their prefix, such as `<shop>/2026/11/27/receipt/<communication>/`, in order.
pub type Folders = BTreeMap<String, Folder>;

/// Lists a day page by page.
pub struct Listing<'a> {
    s3: &'a Client,
    bucket: &'a str,
    prefix: String,
    /// Where the next page begins: key and version. `None` once all was listed.
    next: Option<(Option<String>, Option<String>)>,
    /// Of folders that may continue on the next page.
    open: Folders,
}

impl<'a> Listing<'a> {
    pub fn new(s3: &'a Client, bucket: &'a str, shop: &ShopDomain, date: Date) -> Self {
        let (year, month, day) = (date.year(), date.month(), date.day());
        Self::below(s3, bucket, format!("{shop}/{year:04}/{month:02}/{day:02}/"))
    }

    /// Everything that begins with `prefix`.
    pub const fn below(s3: &'a Client, bucket: &'a str, prefix: String) -> Self {
        Self { s3, bucket, prefix, next: Some((None, None)), open: Folders::new() }
    }

    /// The next folders; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Folders>, SealError> {
        let Some((key, version)) = self.next.take() else { return Ok(None) };
        let list = self.s3.list_object_versions().bucket(self.bucket).prefix(&self.prefix);
        let page = list.set_key_marker(key).set_version_id_marker(version).send().await;
        let page = page.map_err(|error| SealError::request(format!("listing {}", self.prefix), error))?;
        for version in page.versions() {
            let bytes = version.size().and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
            self.version(version.key(), version.version_id(), bytes);
        }
        for marker in page.delete_markers() {
            if let Some(folder) = marker.key().and_then(folder_of) {
                self.open.entry(folder.to_owned()).or_default().is_altered = true;
            }
        }
        if page.is_truncated() != Some(true) {
            return Ok(Some(std::mem::take(&mut self.open)));
        }
        let next_key = page.next_key_marker().map(str::to_owned);
        // a page that says there is more and not where would be listed for ever
        let last = next_key.as_deref().and_then(folder_of).map(str::to_owned);
        let last = last.ok_or_else(|| {
            SealError::request(format!("listing {}", self.prefix), "the next page has no beginning")
        })?;
        self.next = Some((next_key, page.next_version_id_marker().map(str::to_owned)));
        let rest = self.open.split_off(&last);
        Ok(Some(std::mem::replace(&mut self.open, rest)))
    }

    fn version(&mut self, key: Option<&str>, id: Option<&str>, bytes: u64) {
        let Some((key, folder)) = key.and_then(|key| Some((key, folder_of(key)?))) else { return };
        let seen = match self.open.get_mut(folder) {
            Some(seen) => seen,
            None => self.open.entry(folder.to_owned()).or_default(),
        };
        let id = id.unwrap_or_default().to_owned();
        // the versions of a key come one after the other; a day's access entries are all in one folder
        seen.is_altered |= seen.versions.last().is_some_and(|other| other.key == key);
        if key.strip_prefix(folder) == Some(RECORD) {
            // the newest comes first, so the last one seen is the first one put
            seen.record_version = Some(id.clone());
        }
        seen.versions.push(ObjectVersion { key: key.to_owned(), id, bytes });
    }
}

/// The folder of a key, with the slash at its end.
fn folder_of(key: &str) -> Option<&str> {
    key.rfind('/').and_then(|at| key.get(..=at))
}

/// The communication whose folder it is.
pub fn communication(folder: &str) -> Option<CommunicationId> {
    folder.trim_end_matches('/').rsplit('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_version_of_a_record_is_the_evidence_and_a_second_one_is_reported() {
        let s3 = Client::from_conf(aws_sdk_s3::Config::builder().behavior_version_latest().build());
        let date = "2026-11-27".parse().unwrap();
        let mut listing = Listing::new(&s3, "archive", &"acme.myshopify.com".parse().unwrap(), date);
        assert_eq!(listing.prefix, "acme.myshopify.com/2026/11/27/");
        listing.version(Some("a/b/record.json"), Some("second"), 1);
        listing.version(Some("a/b/record.json"), Some("first"), 1);
        listing.version(Some("a/c/document.pdf"), Some("x"), 1);
        listing.version(Some("a/c/record.json"), Some("only"), 1);
        let seen = |folder: &str| {
            let Folder { record_version, is_altered, versions, .. } = &listing.open[folder];
            (record_version.as_deref().unwrap(), *is_altered, versions.len())
        };
        assert_eq!(seen("a/b/"), ("first", true, 2));
        assert_eq!(seen("a/c/"), ("only", false, 2));
    }

    #[test]
    fn a_folder_names_its_communication() {
        let id = "c4809f9b199959867b344883a5f958d0";
        assert_eq!(communication(&format!("s/2026/11/27/receipt/{id}/")).unwrap().as_str(), id);
        assert_eq!(communication("s/2026/11/27/receipt/"), None);
    }
}
