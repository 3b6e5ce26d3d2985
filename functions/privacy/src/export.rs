//! `customers/data_request`: everything that is held of a customer, in one ZIP file in the operations bucket, where the
//! merchant fetches it with `ctl privacy`. A page to read, the same as JSON, and every document as it was sent.
//!
//! It is put together in a file, as documents may be large. Done again it is the same key, so there is one export per
//! request; the bucket deletes it after 30 days.

use crate::{Outcome, PrivacyError, State, Tools, page, person};
use archive::{ArchiveError, EvidenceRecord};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use ledger::Entry;
use links::Link;
use serde::Serialize;
use serde_json::value::RawValue;
use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};
use work::PrivacyItem;
use zip::{ZipWriter, write::SimpleFileOptions};

/// What is held of a customer, beside the documents themselves.
#[derive(Serialize)]
pub struct Held<'a> {
    pub shop: &'a str,
    pub customer: &'a str,
    /// The customer's keyed hash: what they are called where no name is needed.
    pub customer_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<&'a str>,
    /// Why they get no marketing, if they do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_marketing: Option<String>,
    pub communications: Vec<Communication>,
    /// Communications whose entries could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
}

/// One communication.
#[derive(Serialize)]
pub struct Communication {
    /// What the ledger knows of it.
    pub entry: Entry,
    /// The evidence record as it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<Box<RawValue>>,
    /// The link to it, with the times it was opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
    /// Its documents, by their names in this file.
    pub files: Vec<String>,
    /// Why the documents are not here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<&'static str>,
}

/// The key of an export.
pub fn key(item: &PrivacyItem) -> String {
    format!("exports/{}/{}.zip", item.shop, item.request)
}

/// Puts the export together and stores it.
pub async fn run(tools: &Tools, item: &PrivacyItem) -> Result<State, PrivacyError> {
    let person = person::asked_for(tools, item).await?;
    let no_marketing = tools.ledger.suppression(&item.shop, &person.key).await?;
    let file = Temporary::new();
    write(tools, item, person, no_marketing, &file.0).await?;
    store(tools, &key(item), &file.0).await?;
    Ok(State { outcome: Outcome::Exported, erased: 0, refused: Vec::new(), export: Some(key(item)) })
}

/// A file for one export alone, also where a request comes twice at the same time. It holds what nobody but the merchant may
/// have, so it goes with this, also where the work on it is cut off.
struct Temporary(PathBuf);

impl Temporary {
    fn new() -> Self {
        static EXPORTS: AtomicU64 = AtomicU64::new(0);
        let number = EXPORTS.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("export-{}-{number}.zip", std::process::id())))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

async fn write(
    tools: &Tools,
    item: &PrivacyItem,
    person: person::Person,
    no_marketing: Option<String>,
    path: &Path,
) -> Result<(), PrivacyError> {
    let file = File::create(path).map_err(PrivacyError::Export)?;
    let mut zip = ZipWriter::new(file);
    let mut communications = Vec::new();
    for entry in person.entries {
        communications.push(communication(tools, entry, &mut zip).await?);
    }
    let held = Held {
        shop: item.shop.as_str(),
        customer: person.id.as_str(),
        customer_key: person.key.as_str(),
        email: item.email.as_deref(),
        phone: item.phone.as_deref(),
        no_marketing,
        communications,
        unread: person.unread,
    };
    let json = serde_json::to_vec_pretty(&held).map_err(|error| PrivacyError::Export(error.into()))?;
    add(&mut zip, "data.json", &json)?;
    add(&mut zip, "index.html", page::of(&held).as_bytes())?;
    zip.finish().map_err(|error| PrivacyError::Export(error.into())).map(drop)
}

async fn communication(
    tools: &Tools,
    entry: Entry,
    zip: &mut ZipWriter<File>,
) -> Result<Communication, PrivacyError> {
    let link = tools.links.of(&entry.communication).await?;
    let mut found = Communication { entry, record: None, link, files: Vec::new(), missing: None };
    let Some(archived) = found.entry.archived.clone() else {
        return Ok(Communication { missing: Some("nothing is archived"), ..found });
    };
    let (record, json) = match tools.archive.record_of(&archived.archive_key, &archived.record_version).await
    {
        Ok(record) => record,
        Err(ArchiveError::Erased { .. }) => return Ok(Communication { missing: Some("erased"), ..found }),
        Err(ArchiveError::Absent { .. }) => {
            return Ok(Communication { missing: Some("past its retention"), ..found });
        }
        Err(error) => return Err(error.into()),
    };
    documents(tools, &record, &mut found, zip).await?;
    let text = String::from_utf8_lossy(&json).into_owned();
    found.record = RawValue::from_string(text).ok();
    Ok(found)
}

async fn documents(
    tools: &Tools,
    record: &EvidenceRecord,
    found: &mut Communication,
    zip: &mut ZipWriter<File>,
) -> Result<(), PrivacyError> {
    for output in &record.outputs {
        let bytes: Bytes = match tools.archive.read_document(output).await {
            Ok(bytes) => bytes,
            Err(ArchiveError::Erased { .. } | ArchiveError::Absent { .. }) => {
                found.missing = Some("erased, or past its retention");
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let name = output.object.rsplit_once('/').map_or("document", |(_, name)| name);
        let name = format!("documents/{}-{}/{name}", record.document, record.communication);
        add(zip, &name, &bytes)?;
        found.files.push(name);
    }
    Ok(())
}

fn add(zip: &mut ZipWriter<File>, name: &str, bytes: &[u8]) -> Result<(), PrivacyError> {
    let written = zip.start_file(name, SimpleFileOptions::default()).map_err(io::Error::from);
    written.and_then(|()| zip.write_all(bytes)).map_err(PrivacyError::Export)
}

async fn store(tools: &Tools, key: &str, path: &Path) -> Result<(), PrivacyError> {
    let body = ByteStream::from_path(path).await;
    let body = body.map_err(|error| PrivacyError::request("reading", "the export", error))?;
    let put = tools.s3.put_object().bucket(&tools.operations_bucket).key(key).body(body);
    let put = put.content_type("application/zip").send().await;
    put.map(drop).map_err(|error| PrivacyError::request("storing", key, error))
}
