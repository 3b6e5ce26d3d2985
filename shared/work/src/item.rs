//! The messages. Public contracts: `schemas/work-item.v1.json`, `schemas/write-back-item.v1.json`.

use crate::TraceContext;
use comms::{CommunicationId, Document, Flow, Gid, Revision, ShopDomain, State, Undelivered, names};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::fmt;

#[derive(Debug, thiserror::Error)]
pub enum InvalidItem {
    #[error("the message is not a JSON object with a version `v`")]
    NotAnItem(#[source] serde_json::Error),
    #[error("the message has version {0}; this function reads version 1")]
    Version(u64),
    #[error("the message is not a version 1 item")]
    Fields(#[source] serde_json::Error),
}

#[derive(Deserialize)]
struct Kind<T> {
    kind: Option<T>,
}

/// What a message says it is, where it shares a queue with others that say nothing.
pub(crate) fn kind<T: DeserializeOwned>(body: &str) -> Option<T> {
    serde_json::from_str::<Kind<T>>(body).ok()?.kind
}

/// One thing for a flow function to do, caused by one event.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct WorkItem {
    /// The version of this format: 1.
    pub v: u32,
    pub shop: ShopDomain,
    pub flow: Flow,
    pub trigger: Trigger,
    /// The resource the event is about.
    pub subject: Gid,
    /// The event's own data, as Shopify wrote it: numbers keep all their digits. Absent, and no
    /// `payload_key` either: the flow function asks Shopify.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    pub payload: Option<Box<RawValue>>,
    /// The key, in the operations bucket, of a payload too large for a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload_key: Option<String>,
    /// A person asks for another issue of a document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resend: Option<Resend>,
    /// A channel did not deliver a document, and the next one of the list is tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_channel: Option<NextChannel>,
    /// Somebody asks for one of the documents that the event leads to. The event is made up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// Where it belongs in a trace, as a `traceparent` of the W3C's Trace Context; absent where nothing is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "TraceContext::lenient")]
    #[schemars(with = "Option<String>")]
    pub trace: Option<TraceContext>,
}

/// A document that somebody asks for, in place of the event that leads to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// The only one that is made.
    pub document: Document,
    /// Who asks.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// The language to write in, in place of the customer's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
}

/// Another issue of a communication, by the channel after the one that did not deliver it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NextChannel {
    pub of: CommunicationId,
    /// How it is known that it was not delivered.
    pub after: Undelivered,
}

/// Another issue of a communication, as a communication of its own.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resend {
    pub of: CommunicationId,
    /// The issue's own revision, such as `resend-20261122T090000Z`.
    pub revision: Revision,
    /// Who asks.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Compose again from what Shopify has now, instead of sending the archived bytes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recompose: bool,
    /// The corrected e-mail address or telephone number (E.164) that the archived bytes go to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// The event, as far as evidence needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trigger {
    /// In Shopify's form, such as `orders/create`.
    pub topic: String,
    /// Identifies the delivery of an event.
    pub webhook_id: String,
    /// Identifies the merchant's action; several topics can share one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub triggered_at: Option<Timestamp>,
    /// Shopify marked it as a test: compose and archive under `test/`, never deliver.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
}

/// One report to Shopify.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WriteBackItem {
    /// The version of this format: 1.
    pub v: u32,
    pub shop: ShopDomain,
    /// The order, customer or company location that carries the report.
    pub reported_on: Gid,
    /// What the document is about, where that is not that resource: a fulfillment, return or dispute of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Gid>,
    pub communication: CommunicationId,
    pub document: Document,
    pub state: State,
    /// When the state was reached.
    #[schemars(with = "String")]
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Why it failed, was suppressed, or is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The Exstream communication it was made with, and its version where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_version: Option<u32>,
    /// SHA-256 of the archived document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The period a statement is for, such as `2026-10`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
    /// The communication this is a further issue of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue_of: Option<CommunicationId>,
    /// What a person decided about it, the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// When the channel took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub sent: Option<Timestamp>,
    /// When it reached the recipient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub delivered: Option<Timestamp>,
    /// When it failed or came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub failed: Option<Timestamp>,
    /// Where it was sent, masked: `z…@example.com`. Only in the report of whoever sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The beginning of the published link's hash. Names the link to an operator and opens nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Tags to add to that resource.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Where it belongs in a trace, as a `traceparent` of the W3C's Trace Context; absent where nothing is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "TraceContext::lenient")]
    #[schemars(with = "Option<String>")]
    pub trace: Option<TraceContext>,
}

/// What a person decided about a communication, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    #[schemars(with = "String")]
    pub at: Timestamp,
    pub kind: DecisionKind,
    pub actor: String,
    pub reason: String,
}

names! {
    /// What a person can decide about a communication.
    DecisionKind, "kind of decision", {
        /// That this further issue of a document is sent.
        Resend = "resend",
        /// What became of a send whose outcome was unknown.
        Settle = "settle",
        /// That a document is sent for which no event was waited.
        Request = "request",
    }
}

#[derive(Deserialize)]
struct Version {
    v: u64,
}

// the payload is a customer's
impl fmt::Debug for WorkItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkItem")
            .field("shop", &self.shop)
            .field("flow", &self.flow)
            .field("subject", &self.subject)
            .field("webhook_id", &self.trigger.webhook_id)
            .finish_non_exhaustive()
    }
}

// the address is a customer's
impl fmt::Debug for Resend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resend")
            .field("of", &self.of)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

impl Trigger {
    /// Begins the `webhook_id` of what reconciliation queued because its event was missed.
    pub const RECONCILED: &str = "reconcile-";

    pub fn is_reconciled(&self) -> bool {
        self.webhook_id.starts_with(Self::RECONCILED)
    }
}

impl WorkItem {
    pub const VERSION: u32 = 1;

    /// Whether no event led to it, but somebody's wish: also the shop's, that the next channel is tried.
    pub fn is_wish(&self) -> bool {
        self.resend.is_some() || self.next_channel.is_some() || self.request.is_some()
    }

    pub fn from_json(body: &str) -> Result<Self, InvalidItem> {
        versioned(body, |item: &Self| item.v)
    }
}

impl WriteBackItem {
    pub const VERSION: u32 = 1;

    pub fn from_json(body: &str) -> Result<Self, InvalidItem> {
        versioned(body, |item: &Self| item.v)
    }
}

/// Where a large payload is kept. A webhook id becomes part of a key only if it could not be anything else.
pub(crate) fn payload_key(shop: &ShopDomain, webhook_id: &str) -> Option<String> {
    let plain = (1..=64).contains(&webhook_id.len())
        && webhook_id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    plain.then(|| format!("work/{shop}/{webhook_id}.json"))
}

pub(crate) fn versioned<T: DeserializeOwned>(body: &str, version: fn(&T) -> u32) -> Result<T, InvalidItem> {
    match serde_json::from_str(body) {
        Ok(item) if version(&item) == 1 => Ok(item),
        Ok(item) => Err(InvalidItem::Version(version(&item).into())),
        // another version need not have the same fields: its number is the better answer
        Err(fields) => match serde_json::from_str(body) {
            Ok(Version { v: 1 }) => Err(InvalidItem::Fields(fields)),
            Ok(Version { v }) => Err(InvalidItem::Version(v)),
            Err(error) => Err(InvalidItem::NotAnItem(error)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEM: &str = r#"{"v":1,"shop":"acme.myshopify.com","flow":"order-confirmation","trigger":{"topic":"orders/create","webhook_id":"w"},"subject":"gid://shopify/Order/1","payload":{"id":9007199254740993},"later":{"x":1}}"#;

    #[test]
    fn tolerates_unknown_fields_and_keeps_numbers_as_written() {
        let item = WorkItem::from_json(ITEM).unwrap();
        assert_eq!(item.payload.unwrap().get(), r#"{"id":9007199254740993}"#);
        assert!(!item.trigger.test);
    }

    #[test]
    fn the_contracts_are_published_and_the_samples_conform() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
        let schema = schemars::schema_for!(WorkItem).to_value();
        contract::published(&folder.join("work-item.v1.json"), &schema);
        contract::conforms(&schema, &serde_json::from_str(ITEM).unwrap());
        let schema = schemars::schema_for!(WriteBackItem).to_value();
        contract::published(&folder.join("write-back-item.v1.json"), &schema);
        let sample = serde_json::json!({
            "v": 1, "shop": "acme.myshopify.com", "reported_on": "gid://shopify/Order/1",
            "communication": "c4809f9b199959867b344883a5f958d0", "document": "receipt", "state": "accepted",
            "at": "2026-11-22T09:00:00Z", "channel": "email", "tags": ["receipt-sent"],
            "sent": "2026-11-22T09:00:00Z", "address": "z…@example.com", "issue_of": "2b706c1bf2a6cefed14ac0788edd2bd6",
            "decision": {
                "at": "2026-11-22T08:59:00Z", "kind": "resend", "actor": "support@acme.example", "reason": "asked for it",
            },
        });
        contract::conforms(&schema, &sample);
        assert!(WriteBackItem::from_json(&sample.to_string()).is_ok());
    }

    #[test]
    fn says_what_is_wrong() {
        let error = |body: &str| WorkItem::from_json(body).unwrap_err();
        assert!(matches!(error("{"), InvalidItem::NotAnItem(_)));
        assert!(matches!(error(r#"{"v":2}"#), InvalidItem::Version(2)));
        assert!(matches!(error(&ITEM.replace(r#""v":1"#, r#""v":2"#)), InvalidItem::Version(2)));
        let InvalidItem::Fields(source) = error(&ITEM.replace("acme.", "")) else { panic!() };
        assert!(source.to_string().contains("is not a shop domain"), "{source}");
    }

    #[test]
    fn prints_no_payload() {
        let printed = format!("{:?}", WorkItem::from_json(ITEM).unwrap());
        assert!(
            printed.contains("gid://shopify/Order/1") && !printed.contains("9007199254740993"),
            "{printed}"
        );
    }

    #[test]
    fn a_payload_key_is_never_a_path_of_somebody_elses_choosing() {
        let shop: ShopDomain = "acme.myshopify.com".parse().unwrap();
        assert_eq!(
            payload_key(&shop, "b54557e4-bdd9").as_deref(),
            Some("work/acme.myshopify.com/b54557e4-bdd9.json")
        );
        for bad in ["", "../x", "a/b", "a.b", &"x".repeat(65)] {
            assert_eq!(payload_key(&shop, bad), None, "{bad}");
        }
    }
}
