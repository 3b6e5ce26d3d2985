//! What is known of a document when it was composed, kept as metadata of its objects: of each output what it is, and of
//! the primary one how all were made and which further outputs belong to it. It promises to fit: S3
//! takes 2 KB of metadata, so texts from outside are cut. It names no person: whoever may list or look at objects
//! sees metadata, also in inventories and access logs, and it cannot be changed while the object is locked.
//!
//! A record written after a crash says the same of the document as one written at once, because both read these
//! details, but for the two that only Exstream's answer has and that may be personal: file name and customer number.

use crate::{Output, Pdf, Sealed, Template};
use bytes::Bytes;
use comms::cut;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The most that is kept of a text from outside.
const MAX_TEXT_BYTES: usize = 128;

/// The longest language tags in use are shorter.
const MAX_LOCALE_BYTES: usize = 35;

/// A document as Exstream made it, with what the record needs to know of its making.
#[derive(Debug, Clone)]
pub struct Composed {
    /// What it is called by, here and in the ledger.
    pub primary: ComposedOutput,
    /// What was composed with it.
    pub further: Vec<ComposedOutput>,
    /// What is kept beside them.
    pub details: Details,
}

/// One output of it.
#[derive(Clone)]
pub struct ComposedOutput {
    /// As Exstream returned them.
    pub bytes: Bytes,
    /// In lower case, without parameters.
    pub media_type: String,
    /// What is kept beside them.
    pub about: About,
}

/// What is known of one output beside its bytes. Kept as its object's metadata.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// What it is for, by the names of the configuration. Empty for an only output.
    #[serde(rename = "use", default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<String>,
    /// As [`crate::examine`] found them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<u32>,
    /// The same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pdf: Option<Pdf>,
    /// A name from the template's design.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Where the driver data has the address of a file that was fetched, not composed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetched: Option<String>,
    /// May name a person: not in the metadata, and so absent from what is adopted.
    #[serde(skip)]
    pub file_name: Option<String>,
    /// The same.
    #[serde(skip)]
    pub customer_number: Option<String>,
}

/// What was true when the document was composed. Kept as object metadata beside it, so that a record can be
/// written by a later attempt.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// When Exstream's answer arrived.
    pub composed_at: Timestamp,
    /// SHA-256 of the driver data as it was sent, in hexadecimal.
    pub driver_sha256: String,
    /// `json` or `xml`.
    pub driver_format: String,
    /// The schema the driver data follows.
    pub schema: String,
    /// What it was composed with.
    pub template: Template,
    /// The language of its text.
    pub locale: String,
    /// Name of the delivery channel it was composed for; absent when it was only to be archived.
    #[serde(default)]
    pub channel: Option<String>,
    /// The S3 version of the shop's configuration that was in force.
    #[serde(default)]
    pub configuration: Option<String>,
    /// How long it is kept, counted from `composed_at`.
    pub retention_days: u16,
}

/// What S3 says of an object.
pub(crate) struct Object {
    pub key: String,
    pub version_id: String,
    pub media_type: String,
    pub bytes: u64,
    pub sha256: String,
    pub sealed: Option<Sealed>,
}

impl Details {
    /// The details as they are kept: no text from outside is long, or longer in JSON than it looks.
    pub(crate) fn bounded(&self) -> Self {
        Self { locale: cut(&plain(&self.locale), MAX_LOCALE_BYTES).to_owned(), ..self.clone() }
    }

    /// The details as JSON for the metadata, which has no room for a list of parts: their hash and number stay.
    pub(crate) fn for_metadata(&self) -> serde_json::Result<String> {
        serde_json::to_string(&self.without_parts())
    }

    pub(crate) fn without_parts(&self) -> Self {
        let mut short = self.clone();
        if let Some(parts) = &mut short.template.parts {
            parts.list = Vec::new();
        }
        short
    }
}

impl About {
    /// The same as it is kept: see [`Details::bounded`].
    pub(crate) fn bounded(&self) -> Self {
        let short = |text: &Option<String>| text.as_deref().map(plain);
        Self {
            queue: short(&self.queue),
            file_name: short(&self.file_name),
            customer_number: short(&self.customer_number),
            ..self.clone()
        }
    }

    /// What the record says of the output.
    pub(crate) fn output(self, object: Object) -> Output {
        Output {
            uses: self.uses,
            object: object.key,
            version_id: object.version_id,
            media_type: object.media_type,
            bytes: object.bytes,
            sha256: object.sha256,
            sealed: object.sealed,
            pages: self.pages,
            pdf: self.pdf,
            queue: self.queue,
            fetched: self.fetched,
            file_name: self.file_name,
            customer_number: self.customer_number,
        }
    }
}

/// Control characters are dropped: one of them would take six bytes of JSON.
fn plain(text: &str) -> String {
    let text: String = cut(text, 4 * MAX_TEXT_BYTES).chars().filter(|c| !c.is_control()).collect();
    cut(&text, MAX_TEXT_BYTES).to_owned()
}

impl fmt::Debug for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Details")
            .field("composed_at", &self.composed_at)
            .field("driver_sha256", &self.driver_sha256)
            .field("template", &self.template.communication)
            .finish_non_exhaustive()
    }
}

// file name, customer number and bytes are the customer's
impl fmt::Debug for ComposedOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ComposedOutput")
            .field("bytes", &self.bytes.len())
            .field("media_type", &self.media_type)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("About").field("uses", &self.uses).field("queue", &self.queue).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{Part, Parts, TemplateBasis};

    fn part(name: &str) -> Part {
        let name = Some(name.to_owned());
        Part { id: "p".to_owned(), version: 1, kind: None, name, effective_start: None, effective_end: None }
    }

    /// Every text from outside is `text`.
    pub(crate) fn details(text: &str) -> Details {
        Details {
            composed_at: "2026-11-22T09:00:00.123456789Z".parse().unwrap(),
            driver_sha256: "0".repeat(64),
            driver_format: "json".to_owned(),
            schema: "payment-failure-letter/1".to_owned(),
            template: Template {
                communication: "0".repeat(36),
                data_source: "d".repeat(64),
                version: Some(u32::MAX),
                basis: TemplateBasis::Unavailable,
                parts: Some(Parts { sha256: "0".repeat(64), count: u32::MAX, list: vec![part(text); 500] }),
            },
            locale: text.to_owned(),
            channel: Some("exstream".to_owned()),
            configuration: Some("v".repeat(32)),
            retention_days: u16::MAX,
        }
    }

    /// The same of an output with every use.
    pub(crate) fn about(text: &str) -> About {
        let uses = ["email-attachment", "print", "web"];
        About {
            uses: uses.map(str::to_owned).to_vec(),
            pages: Some(u32::MAX),
            pdf: Some(Pdf {
                pdf_a: Some("3b".to_owned()),
                pdf_ua: Some("1".to_owned()),
                language: Some("x".repeat(35)),
                encrypted: true,
            }),
            queue: Some(text.to_owned()),
            fetched: None,
            file_name: Some(text.to_owned()),
            customer_number: Some(text.to_owned()),
        }
    }

    #[test]
    fn print_nothing_of_a_customer() {
        let primary = ComposedOutput {
            bytes: Bytes::from_static(b"Ms Doe"),
            media_type: "text/plain".to_owned(),
            about: About { file_name: Some("Doe".to_owned()), ..About::default() },
        };
        let composed = Composed { primary, further: Vec::new(), details: details("Doe") };
        assert!(!format!("{composed:?}").contains("Doe"));
    }
}
