//! What must have happened to a resource, seen from how it is now: the events reconciliation makes up for. Pure.
//!
//! An occurrence carries the topic of the event Shopify would have sent and, where the flow's plan needs it, a
//! payload with those fields of the event's that a plan reads. Content is asked of Shopify by the flow.

use comms::Gid;
use jiff::Timestamp;
use serde_json::{Number, Value, json};
use shopify::changes::{ChangedFulfillment, ChangedOrder, ChangedReturn, ChangedTransaction, RecentDispute};

#[derive(Debug, Clone, PartialEq)]
pub struct Occurrence {
    pub topic: &'static str,
    pub subject: Gid,
    pub at: Timestamp,
    pub payload: Option<Value>,
}

/// What happened to an order and to everything that is a part of it.
pub fn of_order(order: &ChangedOrder) -> Vec<Occurrence> {
    let about_order = |topic, at| Occurrence { topic, subject: order.id.clone(), at, payload: None };
    let mut found = vec![about_order("orders/create", order.created_at)];
    if order.display_financial_status.as_deref() == Some("PAID") {
        // an order that was free was paid when it was placed
        let paid = order.transactions.iter().filter(|it| is_paid(it)).filter_map(when).max();
        found.push(about_order("orders/paid", paid.unwrap_or(order.created_at)));
    }
    if let Some(at) = order.cancelled_at {
        let payload = Some(json!({"id": number(&order.id), "admin_graphql_api_id": order.id}));
        found.push(Occurrence { payload, ..about_order("orders/cancelled", at) });
    }
    found.extend(order.transactions.iter().filter_map(|transaction| of_transaction(order, transaction)));
    found.extend(order.fulfillments.iter().flat_map(|fulfillment| of_fulfillment(order, fulfillment)));
    found.extend(order.returns.nodes.iter().filter_map(|it| of_return(order, it)));
    found.extend(order.refunds.iter().filter_map(|refund| {
        let payload = json!({
            "id": number(&refund.id), "admin_graphql_api_id": refund.id, "order_id": number(&order.id),
        });
        let payload = Some(payload);
        Some(Occurrence {
            topic: "refunds/create",
            subject: refund.id.clone(),
            at: refund.created_at?,
            payload,
        })
    }));
    found
}

/// That a dispute was opened, and that it was decided.
pub fn of_dispute(dispute: &RecentDispute) -> Vec<Occurrence> {
    let payload = json!({
        "id": number(&dispute.id),
        "order_id": dispute.order.as_ref().map(|order| number(&order.id)),
        "type": dispute.r#type.to_ascii_lowercase(),
        "status": dispute.status.to_ascii_lowercase(),
    });
    let about =
        |topic, at| Occurrence { topic, subject: dispute.id.clone(), at, payload: Some(payload.clone()) };
    let mut found = vec![about("disputes/create", dispute.initiated_at)];
    // Shopify names the day alone; a decision is no older than its day's end
    let finalized = dispute.finalized_on.and_then(|day| day.tomorrow().ok());
    if let Some(end) = finalized.and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC).ok()) {
        found.push(about("disputes/update", end.timestamp()));
    }
    found
}

fn of_transaction(order: &ChangedOrder, transaction: &ChangedTransaction) -> Option<Occurrence> {
    let failed = matches!(transaction.status.as_str(), "FAILURE" | "ERROR");
    if !failed || !takes_money(transaction) {
        return None;
    }
    let payload = json!({
        "id": number(&transaction.id),
        "admin_graphql_api_id": transaction.id,
        "order_id": number(&order.id),
        "kind": transaction.kind.to_ascii_lowercase(),
        "status": transaction.status.to_ascii_lowercase(),
    });
    let (subject, at) = (transaction.id.clone(), when(transaction)?);
    Some(Occurrence { topic: "order_transactions/create", subject, at, payload: Some(payload) })
}

fn of_fulfillment(order: &ChangedOrder, fulfillment: &ChangedFulfillment) -> Vec<Occurrence> {
    let tracking = &fulfillment.tracking_info;
    let payload = json!({
        "id": number(&fulfillment.id),
        "admin_graphql_api_id": fulfillment.id,
        "order_id": number(&order.id),
        "status": fulfillment.status.to_ascii_lowercase(),
        "shipment_status": fulfillment.display_status.as_deref().map(str::to_ascii_lowercase),
        "tracking_company": tracking.iter().find_map(|it| it.company.as_ref()),
        "tracking_numbers": tracking.iter().filter_map(|it| it.number.as_ref()).collect::<Vec<_>>(),
        "tracking_urls": tracking.iter().filter_map(|it| it.url.as_ref()).collect::<Vec<_>>(),
    });
    let about =
        |topic, at| Occurrence { topic, subject: fulfillment.id.clone(), at, payload: Some(payload.clone()) };
    let mut found = vec![about("fulfillments/create", fulfillment.created_at)];
    if fulfillment.updated_at > fulfillment.created_at {
        found.push(about("fulfillments/update", fulfillment.updated_at));
    }
    found
}

fn of_return(order: &ChangedOrder, it: &ChangedReturn) -> Option<Occurrence> {
    let (topic, at) = match it.status.as_str() {
        "OPEN" => ("returns/approve", it.request_approved_at.unwrap_or(it.created_at)),
        "DECLINED" => ("returns/decline", it.created_at),
        _ => return None,
    };
    let payload = json!({
        "id": number(&it.id),
        "admin_graphql_api_id": it.id,
        "status": it.status.to_ascii_lowercase(),
        "order": {"id": number(&order.id), "admin_graphql_api_id": order.id},
    });
    Some(Occurrence { topic, subject: it.id.clone(), at, payload: Some(payload) })
}

fn takes_money(transaction: &ChangedTransaction) -> bool {
    matches!(transaction.kind.as_str(), "SALE" | "CAPTURE" | "AUTHORIZATION")
}

fn is_paid(transaction: &ChangedTransaction) -> bool {
    matches!(transaction.kind.as_str(), "SALE" | "CAPTURE") && transaction.status == "SUCCESS"
}

fn when(transaction: &ChangedTransaction) -> Option<Timestamp> {
    transaction.processed_at.or(transaction.created_at)
}

/// The id's digits as JSON's number: never through a float.
fn number(gid: &Gid) -> Option<Number> {
    gid.number().parse::<u64>().ok().map(Number::from)
}
