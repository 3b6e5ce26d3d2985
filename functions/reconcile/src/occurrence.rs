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
    let paid = order.transactions.iter().filter(|it| is_paid(it)).filter_map(when).max();
    match order.display_financial_status.as_deref() {
        // an order that was free was paid when it was placed
        Some("PAID") => found.push(about_order("orders/paid", paid.unwrap_or(order.created_at))),
        Some("PARTIALLY_REFUNDED" | "REFUNDED") => {
            found.extend(paid.map(|at| about_order("orders/paid", at)));
        }
        _ => {}
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
    found.extend(dispute.finalized_on.map(|at| about("disputes/update", at)));
    found
}

/// A transaction that a letter follows from: intake decides.
fn of_transaction(order: &ChangedOrder, transaction: &ChangedTransaction) -> Option<Occurrence> {
    let payload = json!({
        "id": number(&transaction.id),
        "admin_graphql_api_id": transaction.id,
        "order_id": number(&order.id),
        "kind": transaction.kind.to_ascii_lowercase(),
        "status": transaction.status.to_ascii_lowercase(),
    });
    let topic = "order_transactions/create";
    intake::flow_of(topic, &payload.to_string())?;
    let (subject, at) = (transaction.id.clone(), when(transaction)?);
    Some(Occurrence { topic, subject, at, payload: Some(payload) })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn topics(found: &[Occurrence]) -> Vec<(&str, &str, String)> {
        found.iter().map(|it| (it.topic, it.subject.as_str(), it.at.to_string())).collect()
    }

    #[test]
    fn an_order_tells_of_everything_that_happened_to_it() {
        let order: ChangedOrder = serde_json::from_value(json!({
            "id": "gid://shopify/Order/9007199254740993", "createdAt": "2026-11-22T08:00:00Z",
            "cancelledAt": "2026-11-22T12:00:00Z", "displayFinancialStatus": "PAID",
            "fulfillments": [{
                "id": "gid://shopify/Fulfillment/2", "createdAt": "2026-11-22T09:00:00Z",
                "updatedAt": "2026-11-22T10:00:00Z", "deliveredAt": null, "status": "SUCCESS",
                "displayStatus": "IN_TRANSIT",
                "trackingInfo": [{"company": "Colissimo", "number": "6A1", "url": "https://la.example/6A1"}],
            }],
            "returns": {"nodes": [
                {"id": "gid://shopify/Return/3", "createdAt": "2026-11-22T10:00:00Z", "requestApprovedAt": "2026-11-22T11:00:00Z", "status": "OPEN"},
                {"id": "gid://shopify/Return/4", "createdAt": "2026-11-22T10:00:00Z", "requestApprovedAt": null, "status": "REQUESTED"},
            ]},
            "refunds": [{"id": "gid://shopify/Refund/5", "createdAt": "2026-11-22T11:30:00Z"}],
            "transactions": [
                {"id": "gid://shopify/OrderTransaction/6", "kind": "SALE", "status": "FAILURE", "createdAt": "2026-11-22T08:01:00Z", "processedAt": null},
                {"id": "gid://shopify/OrderTransaction/7", "kind": "SALE", "status": "SUCCESS", "createdAt": "2026-11-22T08:02:00Z", "processedAt": "2026-11-22T08:03:00Z"},
                {"id": "gid://shopify/OrderTransaction/8", "kind": "REFUND", "status": "SUCCESS", "createdAt": "2026-11-22T11:40:00Z", "processedAt": null},
            ],
        }))
        .unwrap();
        let found = of_order(&order);
        let order_id = "gid://shopify/Order/9007199254740993";
        let at = |time: &str| format!("2026-11-22T{time}:00Z");
        assert_eq!(
            topics(&found),
            [
                ("orders/create", order_id, at("08:00")),
                ("orders/paid", order_id, at("08:03")),
                ("orders/cancelled", order_id, at("12:00")),
                ("order_transactions/create", "gid://shopify/OrderTransaction/6", at("08:01")),
                ("order_transactions/create", "gid://shopify/OrderTransaction/8", at("11:40")),
                ("fulfillments/create", "gid://shopify/Fulfillment/2", at("09:00")),
                ("fulfillments/update", "gid://shopify/Fulfillment/2", at("10:00")),
                ("returns/approve", "gid://shopify/Return/3", at("11:00")),
                ("refunds/create", "gid://shopify/Refund/5", at("11:30")),
            ]
        );
        let text = found[3].payload.as_ref().unwrap().to_string();
        assert!(text.contains("\"order_id\":9007199254740993"), "all digits: {text}");
        for occurrence in &found {
            let payload = occurrence.payload.as_ref().map(ToString::to_string).unwrap_or_default();
            assert!(intake::flow_of(occurrence.topic, &payload).is_some(), "{}", occurrence.topic);
        }
    }

    #[test]
    fn a_dispute_is_opened_and_decided() {
        let dispute = |finalized: Value| -> RecentDispute {
            serde_json::from_value(json!({
                "id": "gid://shopify/ShopifyPaymentsDispute/1", "type": "CHARGEBACK", "status": "WON",
                "initiatedAt": "2026-09-01T10:00:00Z", "finalizedOn": finalized,
                "order": {"id": "gid://shopify/Order/2"},
            }))
            .unwrap()
        };
        let decided = of_dispute(&dispute(json!("2026-11-22T15:58:20Z")));
        assert_eq!(topics(&decided)[1].2, "2026-11-22T15:58:20Z");
        assert_eq!(decided[1].payload.as_ref().unwrap()["status"], "won");
        assert_eq!(of_dispute(&dispute(Value::Null)).len(), 1);
    }
}
