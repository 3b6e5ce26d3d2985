//! Work items: what they hold, and how they are sent.

use crate::Tools;
use account_statements::Period;
use bulk_reader::Group;
use comms::{Class, Classify, Document, Flow, Gid, ShopDomain, chain};
use futures::{StreamExt, stream};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use work::{Message, NotJson, QueueError, Retry, Trigger, WorkItem};

/// Payloads stored at once.
const AT_ONCE: usize = 8;

/// One account's work, before it is a message.
#[derive(Clone, Serialize, Deserialize)]
pub struct Held {
    /// A company location or a customer.
    pub subject: Gid,
    /// `{"account":…,"orders":[…],"period":{…},"issued_on":"…"}`
    pub payload: Box<RawValue>,
}

/// A document of the account that a batch job composed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Composed {
    pub document: Document,
    /// Where its output is stored.
    pub output_key: String,
    /// Of the driver data that was handed in.
    pub driver_sha256: String,
}

/// An account's item: of all its documents, or of one that a batch job composed.
pub struct Item {
    pub held: Held,
    pub composed: Option<Composed>,
}

/// What all items of a run have in common.
pub struct Maker<'a> {
    pub shop: &'a ShopDomain,
    pub period: &'a Period,
    pub issued_on: Date,
    pub begun_at: Timestamp,
}

impl Maker<'_> {
    /// # Errors
    /// Why there can be no item of this account.
    pub fn hold(&self, group: Group) -> Result<Held, &'static str> {
        if group.too_large {
            return Err("has too many orders to be read");
        }
        let subject: Gid = group.id.parse().map_err(|_| "has no global id")?;
        if !matches!(subject.kind(), "CompanyLocation" | "Customer") {
            return Err("is neither a company location nor a customer");
        }
        let mut json = Vec::with_capacity(group.root.len() + group.children.len() + 160);
        json.extend_from_slice(b"{\"account\":");
        json.extend_from_slice(&group.root);
        json.extend_from_slice(b",\"orders\":[");
        json.extend_from_slice(&group.children);
        let period = serde_json::to_string(self.period).map_err(|_| "has no period")?;
        let rest = format!("],\"period\":{period},\"issued_on\":\"{}\"}}", self.issued_on);
        json.extend_from_slice(rest.as_bytes());
        let text = String::from_utf8(json).map_err(|_| "is not UTF-8 text")?;
        let payload = RawValue::from_string(text).map_err(|_| "is not JSON")?;
        Ok(Held { subject, payload })
    }

    /// The same for the same account and period, whoever makes it; short enough to be a part of a key.
    fn webhook_id(&self, subject: &Gid, composed: Option<&Composed>) -> String {
        let what = match composed.map(|composed| composed.document) {
            None => crate::RUN,
            Some(Document::PurchaseSummary) => "summary",
            Some(_) => "statement",
        };
        let kind = if subject.kind() == "Customer" { "customer" } else { "location" };
        format!("{what}-{}-{kind}-{}", self.period.name, subject.number())
    }

    /// The item's message. A large payload is stored first.
    async fn message(&self, tools: &Tools, item: Item) -> Result<Message, QueueError> {
        let Item { held: Held { subject, mut payload }, composed } = item;
        let webhook_id = self.webhook_id(&subject, composed.as_ref());
        if let Some(composed) = &composed {
            payload = with_composed(&payload, composed).map_err(NotJson::from)?;
        }
        let item = WorkItem {
            v: WorkItem::VERSION,
            shop: self.shop.clone(),
            flow: Flow::AccountStatements,
            trigger: Trigger {
                topic: crate::TOPIC.to_owned(),
                webhook_id,
                event_id: None,
                triggered_at: Some(self.begun_at),
                test: false,
            },
            subject,
            payload: Some(payload),
            payload_key: None,
            resend: None,
        };
        tools.payloads.message(item).await
    }

    /// Sends items to the flow's queue. Answers when all are there but those that the queue would never take; these
    /// are in the answer, each with the reason.
    ///
    /// # Errors
    /// Some are not there; nobody knows which.
    pub async fn send(&self, tools: &Tools, items: Vec<Item>) -> Result<Vec<(Gid, String)>, Retry> {
        let messages = stream::iter(items).map(async |item| {
            let subject = item.held.subject.clone();
            (subject, self.message(tools, item).await)
        });
        let messages: Vec<_> = messages.buffered(AT_ONCE).collect().await;
        let (mut refused, mut subjects, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
        for (subject, message) in messages {
            match message {
                Ok(message) => {
                    subjects.push(subject);
                    bodies.push(message);
                }
                Err(error) => refused.push((subject, lasting(&error)?)),
            }
        }
        for (subject, sent) in subjects.into_iter().zip(tools.flow_queue.send_all(&bodies).await) {
            if let Err(error) = sent {
                refused.push((subject, lasting(&error)?));
            }
        }
        Ok(refused)
    }
}

/// Why the message would be refused again.
///
/// # Errors
/// When it would not.
fn lasting(error: &QueueError) -> Result<String, Retry> {
    match error.class() {
        Class::Permanent => Ok(chain(error)),
        Class::Transient { .. } | Class::Unknown => Err(Retry::of(error)),
    }
}

fn with_composed(payload: &RawValue, composed: &Composed) -> Result<Box<RawValue>, serde_json::Error> {
    let composed = serde_json::to_string(composed)?;
    let text = payload.get().trim_end().strip_suffix('}').unwrap_or_default();
    RawValue::from_string(format!("{text},\"composed\":{composed}}}"))
}
