//! The evidence record: what `record.json` says. A public, versioned contract
//! (`schemas/evidence-record.v1.json`).

use crate::{Decision, Pdf, Sealed};
use commitments::Owner;
use comms::{CommunicationId, Document, Flow, Gid, MessageClass, PostalAddress, Revision, ShopDomain};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

/// Proof of one communication: who, what, when, why, with which template, and what came out.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceRecord {
    /// The version of this format: 1.
    pub v: u32,
    /// Names the communication, here and in the ledger.
    pub communication: CommunicationId,
    /// Whose customer it was for.
    pub shop: ShopDomain,
    /// The function that made it.
    pub flow: Flow,
    /// Which document it is.
    pub document: Document,
    /// How careful sending had to be.
    pub message_class: MessageClass,
    /// What the document is about.
    pub subject: Gid,
    /// Which issue of the document it is.
    pub revision: Revision,
    /// The order, customer or company location it belongs to.
    pub reported_on: Gid,
    /// What a person calls what the document is about, such as the order's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The customer's keyed hash, as in the ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// The event that led to it.
    pub trigger: Trigger,
    /// When Exstream's answer arrived.
    #[schemars(with = "String")]
    pub composed_at: Timestamp,
    /// The language of its text.
    pub locale: String,
    /// What Exstream composed with.
    pub template: Template,
    /// What was sent to Exstream.
    pub driver_data: DriverData,
    /// What Exstream answered, the primary output first. The first is what the ledger names.
    #[schemars(length(min = 1))]
    pub outputs: Vec<Output>,
    /// The channel the document was made for; absent when it was only archived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// To whom it was to be sent. Absent for marketing, where the keyed hash has to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Recipient>,
    /// How long the document and this record are locked.
    pub retention: Retention,
    /// Under which rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_under: Option<KeptUnder>,
    /// For marketing: the consent that was found right before it was composed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// The S3 version of the shop's configuration that was in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration: Option<String>,
    /// What wrote this record.
    pub software: Software,
    /// The record of the issue of this document that came before this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
    /// Present when a person asked for this issue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resend: Option<Resend>,
    /// Present when somebody asked for the document in place of an event: who, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<Decision>,
    /// A test order or a dry run: composed and archived, never delivered.
    pub test: bool,
    /// Random, where the document is erasable: so that the hash of this record, which others keep, says nothing once the
    /// record cannot be read any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
}

/// The event that led to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trigger {
    /// Such as `orders/create`.
    pub topic: String,
    /// Shopify's id of the delivery, or what stands for it where no event came.
    pub webhook_id: String,
    /// Shopify's id of the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// When it happened, by Shopify's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub triggered_at: Option<Timestamp>,
}

/// What Exstream composed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Template {
    /// The Exstream communication.
    pub communication: String,
    /// The data source that the driver data was for.
    pub data_source: String,
    /// Absent where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// How the version is known.
    pub basis: TemplateBasis,
    /// What it consisted of: the documents, designs and texts that were in force. Absent where that could not be
    /// looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Parts>,
}

/// The parts of a template, which have versions of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Parts {
    /// SHA-256 of all parts, ordered by id, as compact JSON in the form of `list`.
    pub sha256: String,
    /// How many there are.
    pub count: u32,
    /// The first 500 of them. Absent if the record was written by a later attempt than the one that composed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub list: Vec<Part>,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// Its id in the design service.
    pub id: String,
    /// Its approved version.
    pub version: u32,
    /// Exstream's word for what it is.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What its designer called it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// From when on it is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub effective_start: Option<Timestamp>,
    /// The first moment at which it is not in force any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub effective_end: Option<Timestamp>,
}

/// How the template's version is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TemplateBasis {
    /// Exstream named it for this very run.
    Traced,
    /// It was the latest approved version when the document was composed.
    Assumed,
    /// It could not be looked up.
    Unavailable,
}

/// What was sent to Exstream.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct DriverData {
    /// The schema the data follows, such as `order-confirmation/1`.
    pub schema: String,
    /// `json` or `xml`: the form it was sent in. `data` is always the JSON form.
    pub format: String,
    /// SHA-256 of the bytes that were sent.
    pub sha256: String,
    /// Absent if an earlier attempt composed the document and its data could not be made again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    pub data: Option<Box<RawValue>>,
}

/// One output that Exstream answered with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// What it is for, such as `email-body`. Absent where there is one output, which is for whatever its media type
    /// allows.
    #[serde(rename = "use", default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<String>,
    /// The object's key.
    pub object: String,
    /// The object's S3 version.
    pub version_id: String,
    /// In lower case, without parameters.
    pub media_type: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// What lies in the archive, where the output is encrypted. Absent where it is not: then the object is the output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<Sealed>,
    /// Absent for what is no PDF, and for a PDF that would take too much to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages: Option<u32>,
    /// What a PDF says of itself. Absent as `pages` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pdf: Option<Pdf>,
    /// The output queue of the template's design.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Of a file that was fetched and not composed: where the driver data has its address, such as
    /// `send_in.labels.file_url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetched: Option<String>,
    /// As Exstream named the file. Absent if the worker died before it wrote this record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// As Exstream named it. Absent if the worker died before it wrote this record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_number: Option<String>,
}

/// To whom a document was to be sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Recipient {
    /// As the shop knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Present if it was to be sent by e-mail, or by a channel after which e-mail would be tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// In E.164. Present if it was to be sent as a text message or by WhatsApp, or by a channel after which one of them
    /// would be tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Present if it was to be printed and posted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_address: Option<PostalAddress>,
}

/// How an object is locked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Retention {
    /// `COMPLIANCE` or `GOVERNANCE`, as S3 names them.
    pub mode: String,
    /// When the lock ends.
    #[schemars(with = "String")]
    pub until: Timestamp,
}

/// The rule by which a communication is kept, as the shop's configuration had it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeptUnder {
    /// The retention class.
    pub class: String,
    /// Why it is kept.
    pub legal_basis: String,
    /// Whether the customer can have it erased before.
    pub erasable: bool,
}

/// A consent to marketing, as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Consent {
    /// By which channel the customer agreed to be written to: `email`, `sms` or `post`.
    pub channel: String,
    /// Shopify's word for its state, such as `SUBSCRIBED`; for post the tag that says so.
    pub state: String,
    /// How the customer confirmed it: Shopify's word, such as `CONFIRMED_OPT_IN`. Absent where Shopify does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// When the customer said so. Absent where Shopify does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub given_at: Option<Timestamp>,
    /// Who said so, such as `shopify customer.defaultEmailAddress`, with where it was collected if Shopify knows.
    pub source: String,
    /// When it was looked up.
    #[schemars(with = "String")]
    pub found_at: Timestamp,
}

/// What wrote a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Software {
    /// The function.
    pub name: Cow<'static, str>,
    /// Its release.
    pub version: Cow<'static, str>,
}

/// The issue before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Previous {
    /// Its communication.
    pub communication: CommunicationId,
    /// SHA-256 of that communication's `record.json`.
    pub record_sha256: String,
}

/// What a person asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resend {
    /// Who, by their own account.
    pub actor: String,
    /// Why, in their words.
    pub reason: String,
    /// The communication that was issued again.
    pub of: CommunicationId,
    /// Where it went to another address than the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrected: Option<CorrectedAddress>,
}

/// An e-mail address or telephone number (E.164) that took another one's place.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CorrectedAddress {
    /// As the record of the issue before has it. Absent where that names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Where this issue was to be sent.
    pub to: String,
}

impl Software {
    /// This release.
    pub const THIS: Self =
        Self { name: Cow::Borrowed("shopify-exstream"), version: Cow::Borrowed(env!("CARGO_PKG_VERSION")) };
}

impl Output {
    /// SHA-256 of the object that is in the archive: that of the output, unless it is encrypted.
    pub fn object_sha256(&self) -> &str {
        self.sealed.as_ref().map_or(&self.sha256, |sealed| &sealed.sha256)
    }

    /// The size of that object.
    pub fn object_bytes(&self) -> u64 {
        self.sealed.as_ref().map_or(self.bytes, |sealed| sealed.bytes)
    }
}

impl EvidenceRecord {
    /// The version of the format that this release writes.
    pub const VERSION: u32 = 1;

    /// Whether the documents are encrypted, so that they can be erased.
    pub fn is_erasable(&self) -> bool {
        self.outputs.iter().any(|output| output.sealed.is_some())
    }

    /// Whose secret stands behind the record's leaf in the log, and opens the documents if they are encrypted.
    pub fn owner(&self) -> Owner {
        let of = if self.is_erasable() { Owner::erasable } else { Owner::of };
        of(self.customer.as_deref(), &self.communication)
    }

    /// The published JSON Schema.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }
}

// A record is full of a customer's data; what is printed of it finds it again and says nothing of them.

impl fmt::Debug for EvidenceRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EvidenceRecord")
            .field("communication", &self.communication)
            .field("shop", &self.shop)
            .field("document", &self.document)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for DriverData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DriverData")
            .field("schema", &self.schema)
            .field("sha256", &self.sha256)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("object", &self.object)
            .field("version_id", &self.version_id)
            .field("sha256", &self.sha256)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CorrectedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CorrectedAddress").finish_non_exhaustive()
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipient").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_nothing_of_a_customer() {
        let recipient = Recipient {
            name: Some("Doe".to_owned()),
            email: Some("doe@example.com".to_owned()),
            phone: None,
            postal_address: None,
        };
        assert_eq!(format!("{recipient:?}"), "Recipient { .. }");
        let data = RawValue::from_string(r#"{"name":"Doe"}"#.to_owned()).unwrap();
        let (schema, format, sha256) = ("receipt/1".to_owned(), "json".to_owned(), "00".to_owned());
        let data = DriverData { schema, format, sha256, data: Some(data) };
        assert!(!format!("{data:?}").contains("Doe"));
    }

    #[test]
    fn the_contract_is_published() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/evidence-record.v1.json");
        contract::published(&file, &EvidenceRecord::schema());
    }

    #[test]
    fn driver_data_is_kept_to_the_digit() {
        let json = r#"{"schema":"receipt/1","format":"json","sha256":"00","data":{"id":9007199254740993,"amount":"1.10"}}"#;
        let data: DriverData = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&data).unwrap(), json);
    }
}
