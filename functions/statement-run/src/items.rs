//! Work items: what they hold, and how they are sent.

use crate::{state::RUN, tools::Tools};
use account_statements::{Period, TOPIC};
use bulk_reader::Group;
use comms::{Class, Classify, Document, Flow, Gid, ShopDomain};
use futures::{StreamExt, stream};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::string::FromUtf8Error;
use work::{Message, NotJson, QueueError, Retry, Trigger, WorkItem};

/// Payloads stored at once.
const AT_ONCE: usize = 8;

/// One account's work, before it is a message.
#[derive(Clone, Serialize, Deserialize)]
pub struct AccountWork {
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

/// An account's item: for all its documents, or for the one document that came from a batch job.
pub struct Item {
    pub account: AccountWork,
    pub composed: Option<Composed>,
}

/// Why there can be no item for an account. Quotes nothing of it.
#[derive(Debug, thiserror::Error)]
pub enum NoItem {
    #[error("has too many orders to be read")]
    TooLarge,
    #[error("has no global id")]
    NoId,
    #[error("is neither a company location nor a customer")]
    OtherKind,
    #[error("is not UTF-8 text")]
    NotText(#[from] FromUtf8Error),
    #[error("is not JSON")]
    NotJson(#[from] serde_json::Error),
}

/// Writes the items of a run: what all of them have in common.
pub struct ItemWriter<'a> {
    pub shop: &'a ShopDomain,
    pub period: &'a Period,
    pub issued_on: Date,
    pub begun_at: Timestamp,
}

impl ItemWriter<'_> {
    /// The work for one account of a bulk file.
    pub fn account_work(&self, group: Group) -> Result<AccountWork, NoItem> {
        if group.too_large {
            return Err(NoItem::TooLarge);
        }
        let subject: Gid = group.id.parse().map_err(|_| NoItem::NoId)?;
        if !matches!(subject.kind(), "CompanyLocation" | "Customer") {
            return Err(NoItem::OtherKind);
        }
        let mut json = Vec::with_capacity(group.root.len() + group.children.len() + 160);
        json.extend_from_slice(b"{\"account\":");
        json.extend_from_slice(&group.root);
        json.extend_from_slice(b",\"orders\":[");
        json.extend_from_slice(&group.children);
        let period = serde_json::to_string(self.period)?;
        let rest = format!("],\"period\":{period},\"issued_on\":\"{}\"}}", self.issued_on);
        json.extend_from_slice(rest.as_bytes());
        let payload = RawValue::from_string(String::from_utf8(json)?)?;
        Ok(AccountWork { subject, payload })
    }

    /// Follows from account and period alone; short enough to be a part of a key.
    fn webhook_id(&self, subject: &Gid, composed: Option<&Composed>) -> String {
        let what = match composed.map(|composed| composed.document) {
            None => RUN,
            Some(Document::PurchaseSummary) => "summary",
            Some(_) => "statement",
        };
        let kind = if subject.kind() == "Customer" { "customer" } else { "location" };
        format!("{what}-{}-{kind}-{}", self.period.name, subject.number())
    }

    /// The item's message. A large payload is stored first.
    async fn message(&self, tools: &Tools, item: Item) -> Result<Message, QueueError> {
        let Item { account: AccountWork { subject, mut payload }, composed } = item;
        let webhook_id = self.webhook_id(&subject, composed.as_ref());
        if let Some(composed) = &composed {
            payload = with_composed(&payload, composed).map_err(NotJson::from)?;
        }
        let item = WorkItem {
            v: WorkItem::VERSION,
            shop: self.shop.clone(),
            flow: Flow::AccountStatements,
            trigger: Trigger {
                topic: TOPIC.to_owned(),
                webhook_id,
                event_id: None,
                triggered_at: Some(self.begun_at),
                test: false,
            },
            subject,
            payload: Some(payload),
            payload_key: None,
            resend: None,
            next_channel: None,
            request: None,
            trace: None,
        };
        tools.payloads.message(item).await
    }

    /// Sends items to the flow's queue. Answers which accounts' items the queue would never take, and why.
    ///
    /// # Errors
    /// Some of the others are not sent; nobody knows which.
    pub async fn send(&self, tools: &Tools, items: Vec<Item>) -> Result<Vec<(Gid, QueueError)>, Retry> {
        let messages = stream::iter(items).map(async |item| {
            let subject = item.account.subject.clone();
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
                Err(error) => refused.push((subject, permanent(error)?)),
            }
        }
        for (subject, sent) in subjects.into_iter().zip(tools.flow_queue.send_all(&bodies).await) {
            if let Err(error) = sent {
                refused.push((subject, permanent(error)?));
            }
        }
        Ok(refused)
    }
}

/// The error, if the queue would refuse the message again.
fn permanent(error: QueueError) -> Result<QueueError, Retry> {
    match error.class() {
        Class::Permanent => Ok(error),
        Class::Transient { .. } | Class::Unknown | Class::Stuck => Err(Retry::of(&error)),
    }
}

fn with_composed(payload: &RawValue, composed: &Composed) -> Result<Box<RawValue>, serde_json::Error> {
    let composed = serde_json::to_string(composed)?;
    let text = payload.get().trim_end().strip_suffix('}').unwrap_or_default();
    RawValue::from_string(format!("{text},\"composed\":{composed}}}"))
}
