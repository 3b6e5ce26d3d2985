//! Which flow an event belongs to, and what its work item says. Pure: the table of triggers.

use crate::IntakeError;
use comms::{Flow, Gid};
use serde::{Deserialize, Serialize};
use shop_config::ShopConfig;
use shopify::{Event, PayloadKind};
use std::fmt;
use work::{Trigger, WorkItem};

/// What follows from an event that was understood.
pub enum Routed {
    /// Work, an item for each flow. The payload is in the items, whatever its size.
    Work(Vec<WorkItem>),
    Ignored(Ignored),
}

/// Names the work and leaves its payload out, which is about a customer.
impl fmt::Debug for Routed {
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
    /// Nothing is known of this topic.
    UnknownTopic,
    /// What happened leads to no document: a payment that succeeded, a return that was closed.
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
        "fulfillments/create"
        | "fulfillments/update"
        | "fulfillment_events/create"
        | "fulfillment_orders/line_items_prepared_for_pickup" => &[Flow::ShippingDocuments],
        // cancelling, closing and processing a return lead to no letter; what becomes of the money does
        "returns/request"
        | "returns/approve"
        | "returns/decline"
        | "reverse_deliveries/attach_deliverable" => &[Flow::ReturnLetters],
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

/// Whether a topic is known for what leads to nothing.
fn is_known(topic: &str) -> bool {
    matches!(
        topic,
        "order_transactions/create"
            | "orders/updated"
            | "orders/fulfilled"
            | "orders/partially_fulfilled"
            | "returns/cancel"
            | "returns/close"
            | "returns/process"
            | "returns/reopen"
            | "returns/update"
            | "subscription_billing_attempts/success"
    )
}

/// Money that goes back is confirmed, and can change what a letter about a cancellation said of it.
const PAID_BACK: &[Flow] = &[Flow::ReturnLetters, Flow::ExceptionLetters];

/// Money that was paid back matters to a refund, money that could not be taken to a letter; other
/// transactions have documents of their own topics. One that does not say what it is can be either: both flows ask
/// Shopify.
fn transaction_flows(payload: &str) -> &'static [Flow] {
    #[derive(Deserialize)]
    struct Transaction {
        #[serde(default)]
        kind: Option<String>,
        #[serde(default)]
        status: Option<String>,
    }
    let Ok(Transaction { kind: Some(kind), status: Some(status) }) = serde_json::from_str(payload) else {
        return PAID_BACK;
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
pub fn work_item(event: &Event, config: &ShopConfig) -> Result<Routed, IntakeError> {
    let topic = match &event.action {
        None => event.topic.as_str(),
        Some(action) => match classic_topic(event, action)? {
            Ok(topic) => topic,
            Err(ignored) => return Ok(Routed::Ignored(ignored)),
        },
    };
    let flows = flows_of(topic, event.payload.get());
    if flows.is_empty() {
        let ignored = if is_known(topic) { Ignored::NoDocument } else { Ignored::UnknownTopic };
        return Ok(Routed::Ignored(ignored));
    }
    let mut served = flows.iter().copied().filter(|flow| config.follows_events(*flow));
    let Some(flow) = served.next() else { return Ok(Routed::Ignored(Ignored::NotConfigured)) };
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
        next_channel: None,
        request: None,
        trace: None,
    };
    let others: Vec<_> = served.map(|flow| WorkItem { flow, ..item.clone() }).collect();
    Ok(Routed::Work([vec![item], others].concat()))
}

/// The classic topic that says the same as an event of the Events product, or why nothing follows from it.
///
/// It has no event of its own for "paid": that is an update in which the financial status became `PAID`.
///
/// # Errors
/// When it cannot be known whether the order was paid.
fn classic_topic(event: &Event, action: &str) -> Result<Result<&'static str, Ignored>, IntakeError> {
    match (event.topic.as_str(), action) {
        ("Order", "create") => Ok(Ok("orders/create")),
        ("Order", "update") => {
            let paid = became_paid(event.payload.get());
            let paid = paid.ok_or_else(|| IntakeError::FinancialStatus { topic: event.topic.clone() })?;
            Ok(if paid { Ok("orders/paid") } else { Err(Ignored::NoDocument) })
        }
        _ => Ok(Err(Ignored::UnknownTopic)),
    }
}

/// `None`, if the payload does not say: Shopify could not run the subscription's query, or the query lacks the field.
fn became_paid(payload: &str) -> Option<bool> {
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
    let Payload { data, fields_changed } = serde_json::from_str(payload).ok()?;
    let changed = fields_changed
        .is_some_and(|changed| changed.updated.iter().any(|path| path.ends_with(".displayFinancialStatus")));
    if !changed {
        return Some(false);
    }
    Some(data?.order?.display_financial_status? == "PAID")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// What becomes of an event in a shop that has every document.
    fn route(topic: &str, action: Option<&str>, payload: Value) -> Result<Vec<Flow>, String> {
        let mut event = json!({
            "id": "e", "source": "aws.partner/shopify.com/1/x", "detail-type": "shopifyWebhook",
            "detail": {"payload": payload, "metadata": {
                "shopify-topic": topic, "shopify-shop-domain": "northwind-demo.myshopify.com", "shopify-webhook-id": "w",
            }},
        });
        if let Some(action) = action {
            event["detail"]["metadata"]["shopify-action"] = action.into();
        }
        let event = Event::parse(event.to_string().as_bytes()).unwrap();
        let config = include_str!("../../../infra/local/config/demo-shop.toml");
        match work_item(&event, &ShopConfig::parse(config).unwrap()) {
            Ok(Routed::Work(items)) => Ok(items.iter().map(|item| item.flow).collect()),
            Ok(Routed::Ignored(reason)) => Err(reason.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn transaction(kind: Value, status: Value) -> Result<Vec<Flow>, String> {
        let payload = json!({"id": 1, "order_id": 2, "kind": kind, "status": status});
        route("order_transactions/create", None, payload)
    }

    #[test]
    fn what_leads_to_nothing_on_purpose_is_called_so() {
        let no_document = Err("no-document".to_owned());
        for (kind, status) in
            [("refund", "failure"), ("refund", "pending"), ("sale", "success"), ("void", "success")]
        {
            assert_eq!(transaction(kind.into(), status.into()), no_document, "{kind} {status}");
        }
        for topic in
            ["orders/updated", "returns/close", "returns/cancel", "subscription_billing_attempts/success"]
        {
            assert_eq!(route(topic, None, json!({"id": 1})), no_document, "{topic}");
        }
        for topic in ["products/update", "orders/of_tomorrow"] {
            assert_eq!(route(topic, None, json!({"id": 1})), Err("unknown-topic".to_owned()));
        }
        assert_eq!(route("Product", Some("update"), json!({})), Err("unknown-topic".to_owned()));
    }

    #[test]
    fn no_event_leads_to_what_is_sent_on_request_only() {
        let demo = include_str!("../../../infra/local/config/demo-shop.toml");
        let on_request = |config: &str, document: &str| {
            config.replacen(
                &format!("[documents.{document}]\n"),
                &format!("[documents.{document}]\non_request = true\n"),
                1,
            )
        };
        let one = on_request(demo, "receipt");
        let both =
            on_request(&one, "order-confirmation").replace("after_edits = true", "after_edits = false");
        let serves =
            |config: &str| ShopConfig::parse(config).unwrap().follows_events(Flow::OrderConfirmation);
        assert_eq!((serves(demo), serves(&one), serves(&both)), (true, true, false));
    }

    /// It is asked for, not left out.
    #[test]
    fn a_transaction_that_does_not_say_what_it_is_is_everybodys() {
        for (kind, status) in
            [(Value::Null, "success".into()), (7.into(), "failure".into()), ("sale".into(), Value::Null)]
        {
            assert_eq!(transaction(kind, status), Ok(PAID_BACK.to_vec()));
        }
        assert_eq!(route("order_transactions/create", None, json!({"id": 1})), Ok(PAID_BACK.to_vec()));
        assert_eq!(transaction("SALE".into(), "ERROR".into()), Ok(vec![Flow::ExceptionLetters]));
    }

    #[test]
    fn an_order_whose_status_changed_to_nobody_knows_what_is_not_left_out() {
        let update = |data: Value, path: &str| {
            let payload = json!({
                "topic": "Order", "action": "update", "data": data, "fields_changed": {"updated": [path]},
                "query_variables": {"orderId": "gid://shopify/Order/1"},
            });
            route("Order", Some("update"), payload)
        };
        let status = |status: Value| json!({"order": {"id": "gid://shopify/Order/1", "displayFinancialStatus": status}});
        let changed = "order.displayFinancialStatus";
        assert_eq!(update(status("PAID".into()), changed), Ok(vec![Flow::OrderConfirmation]));
        assert_eq!(update(status("PENDING".into()), changed), Err("no-document".to_owned()));
        assert_eq!(update(Value::Null, "order.note"), Err("no-document".to_owned()));
        for data in [Value::Null, json!({"order": null}), status(Value::Null), status(7.into())] {
            let error = update(data, changed).unwrap_err();
            assert!(error.contains("does not say whether the order was paid"), "{error}");
        }
    }
}
