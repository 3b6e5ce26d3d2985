//! The ledger's item, as stored.

use comms::{CommunicationId, Document, Flow, Gid, Revision, ShopDomain, State, WriteBackState};
use serde::{Deserialize, Serialize};

/// What the ledger knows of one communication. At most 1 KB; customers appear only as a keyed hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The key.
    #[serde(rename = "pk")]
    pub communication: CommunicationId,
    /// Whose customer it is for.
    pub shop: ShopDomain,
    /// The function that works on it.
    pub flow: Flow,
    /// Which document it brings.
    pub document: Document,
    /// What the document is about.
    pub subject: Gid,
    /// Which issue of the document it is.
    pub revision: Revision,
    /// The order, customer or company location that carries the report.
    pub reported_on: Gid,
    /// Where it is.
    pub state: State,
    /// Set while a send that was begun certainly did not happen: the next holder sends without asking.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsent: bool,
    /// Who holds the lease: the invocation's request id. Empty once the work is done.
    #[serde(default)]
    pub lease_holder: String,
    /// After this moment the lease can be taken over. Zero once the work is done.
    #[serde(default)]
    pub lease_until_epoch_ms: i64,
    /// How often it was claimed.
    pub attempts: u32,
    /// How many sends were begun.
    #[serde(default)]
    pub sends: u32,
    /// When the communication was first claimed. Its archive location is derived from this.
    pub created_epoch_ms: i64,
    /// When its state or its lease changed last. Answers to reports do not count.
    pub updated_epoch_ms: i64,
    /// When the channel took it, once its outcome is known; until then that is the last change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_epoch_ms: Option<i64>,
    /// When its recipient opened it for the first time, as far as the channel says and the shop wants to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_epoch_ms: Option<i64>,
    /// When the channel is to be asked next. Absent for what is not asked about, or no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_epoch_ms: Option<i64>,
    /// Absent until a document was archived.
    #[serde(default, flatten)]
    pub archived: Option<ArchivedAs>,
    /// The name of the channel that was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// What the channel calls the delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Why it failed, was suppressed, or is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The customer's keyed hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// Whether Shopify has the report of the state.
    #[serde(default = "no_write_back")]
    pub write_back: WriteBackState,
    /// Why Shopify refused the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_back_reason: Option<String>,
}

/// Where the document is, and which template made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivedAs {
    /// The document's key in the archive bucket; the record lies beside it.
    pub archive_key: String,
    /// The document's S3 version.
    pub archive_version: String,
    /// SHA-256 of the document as it lies in the archive, in hexadecimal: of an erasable one, encrypted. Stored as bytes.
    #[serde(with = "hexadecimal")]
    pub sha256: String,
    /// The record's S3 version.
    pub record_version: String,
    /// SHA-256 of the record, in hexadecimal; stored as bytes.
    #[serde(with = "hexadecimal")]
    pub record_sha256: String,
    /// The Exstream communication that composed it.
    pub template: String,
    /// Absent where the version is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_version: Option<u32>,
}

impl Entry {
    /// When the channel took it. Only meaningful for what a channel took.
    pub fn accepted_at_epoch_ms(&self) -> i64 {
        self.accepted_epoch_ms.unwrap_or(self.updated_epoch_ms)
    }
}

/// What the index of a resource's communications is keyed by: `acme.myshopify.com#Order/1`.
pub(crate) fn resource_key(shop: &ShopDomain, resource: &Gid) -> String {
    format!("{shop}#{}/{}", resource.kind(), resource.number())
}

/// Hexadecimal digits that are stored as the bytes they mean.
mod hexadecimal {
    use serde::{Deserializer, Serializer, de};
    use std::fmt;

    pub fn serialize<S: Serializer>(digits: &str, serializer: S) -> Result<S::Ok, S::Error> {
        match hex::decode(digits) {
            Ok(bytes) => serializer.serialize_bytes(&bytes),
            Err(_) => serializer.serialize_str(digits),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_any(Digits)
    }

    struct Digits;

    impl de::Visitor<'_> for Digits {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a hash, as bytes or in hexadecimal")
        }

        fn visit_bytes<E>(self, bytes: &[u8]) -> Result<String, E> {
            Ok(hex::encode(bytes))
        }

        fn visit_str<E>(self, digits: &str) -> Result<String, E> {
            Ok(digits.to_owned())
        }
    }
}

fn no_write_back() -> WriteBackState {
    WriteBackState::None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{MAX_REASON_BYTES, MAX_REASON_BYTES_RETURNED, MAX_REASON_BYTES_UNARCHIVED};
    use aws_sdk_dynamodb::types::AttributeValue;
    use std::collections::HashMap;

    /// DynamoDB counts the UTF-8 bytes of names and texts, and about half the digits of a number.
    fn size(item: &HashMap<String, AttributeValue>) -> usize {
        let value = |value: &AttributeValue| match value {
            AttributeValue::S(text) => text.len(),
            AttributeValue::N(digits) => digits.len() / 2 + 2,
            AttributeValue::B(bytes) => bytes.as_ref().len(),
            _ => 1,
        };
        item.iter().map(|(name, it)| name.len() + value(it)).sum()
    }

    /// One write unit pays for a kilobyte.
    #[test]
    fn the_longest_item_stays_within_a_kilobyte() {
        let shop: ShopDomain = "ledger-test.myshopify.com".parse().unwrap();
        let order = Gid::new("Order", 9_999_999_999_999);
        let id = CommunicationId::derive(&shop, Document::PaymentFailureLetter, &order, &Revision::Initial);
        let reason = "r".repeat(MAX_REASON_BYTES);
        let entry = Entry {
            flow: Flow::ShippingDocuments,
            document: Document::PaymentFailureLetter,
            subject: order.clone(),
            revision: Revision::Initial,
            state: State::Suppressed,
            unsent: false,
            lease_holder: String::new(),
            lease_until_epoch_ms: 1_800_000_000_000,
            attempts: 10,
            sends: 10,
            created_epoch_ms: 1_800_000_000_000,
            updated_epoch_ms: 1_800_000_000_000,
            accepted_epoch_ms: None,
            opened_epoch_ms: None,
            check_epoch_ms: None,
            archived: Some(ArchivedAs {
                archive_key: format!("{shop}/2026/11/22/payment-failure-letter/{id}/document.pdf"),
                archive_version: "x".repeat(32),
                sha256: "0".repeat(64),
                record_version: "x".repeat(32),
                record_sha256: "0".repeat(64),
                template: "0".repeat(36),
                template_version: Some(12),
            }),
            channel: Some("exstream".to_owned()),
            reference: Some("xsi-123456789012".to_owned()),
            reason: Some(reason.clone()),
            customer: Some("0".repeat(32)),
            write_back: WriteBackState::Reported,
            write_back_reason: Some(reason),
            communication: id,
            shop,
            reported_on: order,
        };
        let key = resource_key(&entry.shop, &entry.reported_on);
        let unarchived =
            Entry { archived: None, reason: Some("r".repeat(MAX_REASON_BYTES_UNARCHIVED)), ..entry.clone() };
        // one that is followed after its outcome: such an entry has a channel that can be asked, and was sent
        let followed = Entry {
            state: State::Delivered,
            channel: Some("email".to_owned()),
            accepted_epoch_ms: Some(1_800_000_000_000),
            opened_epoch_ms: Some(1_800_000_000_000),
            check_epoch_ms: Some(1_800_000_000_000),
            write_back_reason: None,
            ..entry.clone()
        };
        let reason = Some("r".repeat(MAX_REASON_BYTES_RETURNED));
        let returned = Entry { state: State::Bounced, reason, ..followed.clone() };
        for entry in [entry, unarchived, followed, returned] {
            let (shop, state) = (entry.shop.clone(), entry.state);
            let mut item: HashMap<String, AttributeValue> = serde_dynamo::to_item(entry).unwrap();
            item.insert("resource_key".to_owned(), AttributeValue::S(key.clone()));
            item.insert("name_key".to_owned(), crate::search::name_key(&shop, "#1001"));
            let email = comms::EmailKey::derive(b"k", &shop, "doe@example.com");
            item.insert("email_key".to_owned(), crate::request::hash(email.as_bytes()));
            if crate::search::is_undelivered(state) {
                item.insert("undelivered_ms".to_owned(), item["updated_epoch_ms"].clone());
            }
            if item.contains_key("check_epoch_ms") {
                item.insert("check_shop".to_owned(), item["shop"].clone());
            }
            // what is done has no lease, and a reason only what is done
            for name in ["lease_holder", "lease_until_epoch_ms"] {
                item.remove(name);
            }
            assert!(size(&item) <= 1024, "{} bytes", size(&item));
        }
    }
}
