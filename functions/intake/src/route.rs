//! Which flow an event belongs to, and what its work item says. Pure: the table of triggers.

use crate::IntakeError;
use comms::{Flow, Gid};
use serde::{Deserialize, Serialize};
use shop_config::ShopConfig;
use shopify::{Event, PayloadKind};
use std::fmt;
use work::{Trigger, WorkItem};

/// What follows from an event that was understood.
pub enum Intaken {
    /// Work, an item for each flow. The payload is in the items, whatever its size.
    Work(Vec<WorkItem>),
    Ignored(Ignored),
}

/// Names the work and leaves its payload out, which is about a customer.
impl fmt::Debug for Intaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // an item prints no payload
            Self::Work(items) => f.debug_tuple("Work").field(items).finish(),
            Self::Ignored(reason) => f.debug_tuple("Ignored").field(reason).finish(),
        }
    }
}

/// Why nothing follows from an event. Counted and logged; not an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ignored {
    /// No document follows from this topic.
    UnknownTopic,
    /// The topic is known, and nothing follows from this event: a failed refund, a return that is closed.
    NoDocument,
    /// The shop has none of the documents that would follow switched on.
    NotConfigured,
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownTopic => "unknown-topic",
            Self::NoDocument => "no-document",
            Self::NotConfigured => "not-configured",
        })
    }
}

/// The flows an event leads to, whether or not a shop wants their documents.
pub fn flows_of(topic: &str, payload: &str) -> &'static [Flow] {
    match topic {
        "orders/create" | "orders/paid" | "orders/edited" => &[Flow::OrderConfirmation],
        "fulfillments/create" | "fulfillments/update" | "fulfillment_events/create" => {
            &[Flow::ShippingDocuments]
        }
        // cancelling, closing and processing a return lead to no letter; what becomes of the money does
        "returns/request" | "returns/approve" | "returns/decline" | "reverse_deliveries/attach_deliverable" => {
            &[Flow::ReturnLetters]
        }
        "refunds/create" => PAID_BACK,
        "order_transactions/create" => transaction_flows(payload),
        "customer.joined_segment" => &[Flow::TargetedOffers],
        "orders/cancelled"
        | "disputes/create"
        | "disputes/update"
        | "payment_schedules/due"
        | "subscription_billing_attempts/failure" => &[Flow::ExceptionLetters],
        _ => &[],
    }
}

/// Topics of which some events, or all, lead to no document on purpose.
fn is_known(topic: &str) -> bool {
    matches!(
        topic,
        "order_transactions/create"
            | "returns/cancel"
            | "returns/close"
            | "returns/process"
            | "returns/reopen"
            | "returns/update"
    )
}

/// Money that goes back is confirmed, and can change what a letter about a cancellation said of it.
const PAID_BACK: &[Flow] = &[Flow::ReturnLetters, Flow::ExceptionLetters];

/// Money that was paid back matters to a refund, money that could not be taken to a letter; other
/// transactions have documents of their own topics.
fn transaction_flows(payload: &str) -> &'static [Flow] {
    #[derive(Deserialize)]
    struct Transaction {
        #[serde(default)]
        kind: Option<String>,
        #[serde(default)]
        status: Option<String>,
    }
    let Ok(Transaction { kind: Some(kind), status: Some(status) }) = serde_json::from_str(payload) else {
        return &[];
    };
    match (kind.to_ascii_lowercase().as_str(), status.to_ascii_lowercase().as_str()) {
        ("refund", "success") => PAID_BACK,
        ("sale" | "authorization" | "capture", "failure" | "error") => &[Flow::ExceptionLetters],
        _ => &[],
    }
}

/// The work an event means for a shop.
///
/// # Errors
/// When the payload cannot be read or names no resource.
pub fn work_item(event: &Event, config: &ShopConfig) -> Result<Intaken, IntakeError> {
    let topic = match &event.action {
        None => Some(event.topic.as_str()),
        Some(action) => classic_topic(event, action),
    };
    let topic = topic.unwrap_or_default();
    let flows = flows_of(topic, event.payload.get());
    if flows.is_empty() {
        return Ok(Intaken::Ignored(match is_known(topic) {
            true => Ignored::NoDocument,
            false => Ignored::UnknownTopic,
        }));
    }
    let mut served = flows.iter().copied().filter(|flow| config.serves(*flow));
    let Some(flow) = served.next() else { return Ok(Intaken::Ignored(Ignored::NotConfigured)) };
    let kind = event.payload_kind()?;
    let no_subject = || IntakeError::NoSubject { topic: topic.to_owned() };
    let subject: Gid = kind.subject().cloned().ok_or_else(no_subject)?;
    let payload = match kind {
        PayloadKind::Classic { .. } => Some(event.payload.clone()),
        // nothing in it that a document could be made of: the flow function asks Shopify
        PayloadKind::Stub { .. } | PayloadKind::Events(_) => None,
    };
    let trigger = Trigger {
        topic: topic.to_owned(),
        webhook_id: event.webhook_id.clone(),
        event_id: event.event_id.clone(),
        triggered_at: event.triggered_at,
        test: event.test,
    };
    let shop = event.shop.clone();
    let item = WorkItem {
        v: WorkItem::VERSION,
        shop,
        flow,
        trigger,
        subject,
        payload,
        payload_key: None,
        resend: None,
    };
    let others: Vec<_> = served.map(|flow| WorkItem { flow, ..item.clone() }).collect();
    Ok(Intaken::Work([vec![item], others].concat()))
}

/// The classic topic that says the same as an event of the Events product.
///
/// It has no event of its own for "paid": that is an update in which the financial status became `PAID`.
fn classic_topic(event: &Event, action: &str) -> Option<&'static str> {
    match (event.topic.as_str(), action) {
        ("Order", "create") => Some("orders/create"),
        ("Order", "update") if became_paid(event.payload.get()) => Some("orders/paid"),
        _ => None,
    }
}

fn became_paid(payload: &str) -> bool {
    #[derive(Deserialize)]
    struct Payload {
        data: Option<Data>,
        fields_changed: Option<Changed>,
    }
    #[derive(Deserialize)]
    struct Data {
        order: Option<Order>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Order {
        display_financial_status: Option<String>,
    }
    #[derive(Deserialize)]
    struct Changed {
        #[serde(default)]
        updated: Vec<String>,
    }
    let Ok(Payload { data, fields_changed }) = serde_json::from_str(payload) else { return false };
    let changed = fields_changed
        .is_some_and(|changed| changed.updated.iter().any(|path| path.ends_with(".displayFinancialStatus")));
    let paid = data
        .and_then(|data| data.order)
        .is_some_and(|order| order.display_financial_status.as_deref() == Some("PAID"));
    changed && paid
}
