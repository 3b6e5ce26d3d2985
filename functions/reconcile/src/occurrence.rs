//! What must have happened to a resource, seen from how it is now: the events reconciliation makes up for. Pure.
//!
//! An occurrence carries the topic of the event Shopify would have sent and, where the flow's plan needs it, a
//! payload with those fields of the event's that a plan reads. Content is asked of Shopify by the flow.

use comms::{Flow, Gid};
use jiff::Timestamp;
use serde_json::{Number, Value, json};
use shopify::changes::{ChangedFulfillment, ChangedOrder, ChangedReturn, ChangedTransaction, RecentDispute};

#[derive(Debug, Clone, PartialEq)]
pub struct Occurrence {
    pub topic: &'static str,
    pub subject: Gid,
    /// It happened then or later.
    pub earliest: Timestamp,
    /// It happened then or before. Absent where Shopify tells of no bound.
    pub latest: Option<Timestamp>,
    pub payload: Option<Value>,
    /// It happened to an order that is cancelled by now.
    pub cancelled: bool,
}

impl Occurrence {
    fn new(topic: &'static str, subject: &Gid, at: Timestamp, payload: Option<Value>) -> Self {
        Self { topic, subject: subject.clone(), earliest: at, latest: Some(at), payload, cancelled: false }
    }

    /// The flows that its topic matters to. Money that goes back matters to a letter only if the order is cancelled.
    pub fn flows(&self) -> impl Iterator<Item = Flow> {
        let text = self.payload.as_ref().map(ToString::to_string).unwrap_or_default();
        let flows = intake::flows_of(self.topic, &text);
        let confirmed = flows.contains(&Flow::ReturnLetters);
        let matters = move |flow: &Flow| self.cancelled || !(confirmed && *flow == Flow::ExceptionLetters);
        flows.iter().copied().filter(matters)
    }

    /// When it happened, where Shopify tells.
    pub fn at(&self) -> Option<Timestamp> {
        self.latest.filter(|latest| *latest == self.earliest)
    }
}

/// Which occurrences a pass is about.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// What happened before was handled by the previous system.
    pub since: Timestamp,
    /// What happened before is too old.
    pub from: Timestamp,
    /// What happened later may still be on its way.
    pub to: Timestamp,
}

impl Window {
    pub fn has(&self, occurrence: &Occurrence) -> bool {
        // what Shopify gives no bound of is on show for as long as it is counts for
        let in_time = occurrence.latest.is_none_or(|latest| self.from <= latest && latest <= self.to);
        in_time && self.since <= occurrence.earliest
    }
}

/// What happened to an order and to everything that is a part of it.
pub fn of_order(order: &ChangedOrder) -> Vec<Occurrence> {
    let about_order = |topic, at| Occurrence::new(topic, &order.id, at, None);
    let mut found = vec![about_order("orders/create", order.created_at)];
    let paid = order.transactions.read.iter().filter(|it| is_paid(it)).filter_map(when).max();
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
    found.extend(order.transactions.read.iter().filter_map(|transaction| of_transaction(order, transaction)));
    found.extend(order.fulfillments.read.iter().flat_map(|fulfillment| of_fulfillment(order, fulfillment)));
    found.extend(order.returns.nodes.read.iter().filter_map(|it| of_return(order, it)));
    found.extend(order.refunds.read.iter().filter_map(|refund| {
        let payload = json!({
            "id": number(&refund.id), "admin_graphql_api_id": refund.id, "order_id": number(&order.id),
        });
        Some(Occurrence::new("refunds/create", &refund.id, refund.created_at?, Some(payload)))
    }));
    found.iter_mut().for_each(|it| it.cancelled = order.cancelled_at.is_some());
    found
}

/// That a dispute was opened, that an inquiry became a chargeback, and that it was decided.
pub fn of_dispute(dispute: &RecentDispute) -> Vec<Occurrence> {
    let payload = json!({
        "id": number(&dispute.id),
        "order_id": dispute.order.as_ref().map(|order| number(&order.id)),
        "type": dispute.r#type.to_ascii_lowercase(),
        "status": dispute.status.to_ascii_lowercase(),
        "finalized_on": dispute.finalized_on,
    });
    let about = |topic, at| Occurrence::new(topic, &dispute.id, at, Some(payload.clone()));
    let mut found = vec![about("disputes/create", dispute.initiated_at)];
    match dispute.finalized_on {
        Some(at) => found.push(about("disputes/update", at)),
        None if dispute.is_escalated() => {
            // Shopify shows that it did, and not when
            found.push(Occurrence { latest: None, ..about("disputes/update", dispute.initiated_at) });
        }
        None => {}
    }
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
    if intake::flows_of(topic, &payload.to_string()).is_empty() {
        return None;
    }
    Some(Occurrence::new(topic, &transaction.id, when(transaction)?, Some(payload)))
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
    let about = |topic, at| Occurrence::new(topic, &fulfillment.id, at, Some(payload.clone()));
    let mut found = vec![about("fulfillments/create", fulfillment.created_at)];
    if fulfillment.updated_at > fulfillment.created_at {
        found.push(about("fulfillments/update", fulfillment.updated_at));
    }
    found
}

fn of_return(order: &ChangedOrder, it: &ChangedReturn) -> Option<Occurrence> {
    let approved = it.request_approved_at.unwrap_or(it.created_at);
    let (topic, earliest, latest) = match it.status.as_str() {
        "OPEN" => ("returns/approve", approved, approved),
        // Shopify keeps no time of it: after it was asked for, and no later than the order's last change
        "DECLINED" => ("returns/decline", it.created_at, order.updated_at),
        _ => return None,
    };
    let payload = json!({
        "id": number(&it.id),
        "admin_graphql_api_id": it.id,
        "status": it.status.to_ascii_lowercase(),
        "order": {"id": number(&order.id), "admin_graphql_api_id": order.id},
    });
    Some(Occurrence { latest: Some(latest), ..Occurrence::new(topic, &it.id, earliest, Some(payload)) })
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
        found
            .iter()
            .map(|it| (it.topic, it.subject.as_str(), it.at().map(|at| at.to_string()).unwrap_or_default()))
            .collect()
    }

    #[test]
    fn an_order_tells_of_everything_that_happened_to_it() {
        let order: ChangedOrder = serde_json::from_value(json!({
            "id": "gid://shopify/Order/9007199254740993", "createdAt": "2026-11-22T08:00:00Z",
            "updatedAt": "2026-11-22T12:00:00Z", "cancelledAt": "2026-11-22T12:00:00Z", "displayFinancialStatus": "PAID",
            "fulfillments": [{
                "id": "gid://shopify/Fulfillment/2", "createdAt": "2026-11-22T09:00:00Z",
                "updatedAt": "2026-11-22T10:00:00Z", "status": "SUCCESS", "displayStatus": "IN_TRANSIT",
                "trackingInfo": [{"company": "Colissimo", "number": "6A1", "url": "https://la.example/6A1"}],
            }],
            "returns": {"pageInfo": {"hasNextPage": false, "endCursor": null}, "nodes": [
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
            assert!(!intake::flows_of(occurrence.topic, &payload).is_empty(), "{}", occurrence.topic);
        }
    }

    /// Of a decline Shopify keeps no time.
    #[test]
    fn a_return_is_declined_between_its_request_and_the_last_change_of_the_order() {
        let order: ChangedOrder = serde_json::from_value(json!({
            "id": "gid://shopify/Order/1", "createdAt": "2026-10-01T08:00:00Z", "updatedAt": "2026-11-22T12:00:00Z",
            "cancelledAt": null, "displayFinancialStatus": null, "fulfillments": [], "refunds": [], "transactions": [],
            "returns": {"pageInfo": {"hasNextPage": false, "endCursor": null}, "nodes": [
                {"id": "gid://shopify/Return/4", "createdAt": "2026-11-12T10:00:00Z", "requestApprovedAt": null, "status": "DECLINED"},
            ]},
        }))
        .unwrap();
        let found = of_order(&order);
        let declined = found.last().unwrap();
        assert_eq!(
            (declined.topic, declined.subject.as_str()),
            ("returns/decline", "gid://shopify/Return/4")
        );
        assert_eq!(declined.earliest.to_string(), "2026-11-12T10:00:00Z");
        assert_eq!(declined.latest, Some(order.updated_at));
        assert_eq!(declined.at(), None, "nobody can tell");
    }

    #[test]
    fn a_round_is_about_what_may_have_happened_within_its_window_and_not_before_since() {
        let at = |day: &str| -> Timestamp { format!("2026-11-{day}T10:00:00Z").parse().unwrap() };
        let window = Window { since: at("10"), from: at("20"), to: at("22") };
        let has = |earliest, latest: Option<&str>| {
            let subject = Gid::new("Return", 1);
            let latest = latest.map(at);
            window.has(&Occurrence {
                latest,
                ..Occurrence::new("returns/decline", &subject, at(earliest), None)
            })
        };
        assert!(has("21", Some("21")));
        assert!(!has("19", Some("19")), "too old");
        assert!(!has("23", Some("23")), "still on its way");
        assert!(has("12", Some("21")), "asked for long ago, declined perhaps now");
        assert!(!has("12", Some("23")), "its event may be on its way");
        assert!(has("12", None));
        assert!(!has("09", Some("21")) && !has("09", None), "perhaps before the shop began");
    }

    fn dispute(now: &str, status: &str, finalized: Option<&str>, began_as: Option<&str>) -> RecentDispute {
        let summaries =
            began_as.map(|kind| json!({"id": "gid://shopify/OrderDisputeSummary/1", "initiatedAs": kind}));
        serde_json::from_value(json!({
            "id": "gid://shopify/ShopifyPaymentsDispute/1", "type": now, "status": status,
            "initiatedAt": "2026-09-01T10:00:00Z", "finalizedOn": finalized,
            "order": {"id": "gid://shopify/Order/2", "disputes": summaries.into_iter().collect::<Vec<_>>()},
        }))
        .unwrap()
    }

    #[test]
    fn a_dispute_is_opened_and_decided() {
        let at = "2026-11-22T15:58:20Z";
        let decided = of_dispute(&dispute("CHARGEBACK", "WON", Some(at), Some("INQUIRY")));
        assert_eq!(topics(&decided)[1].2, at);
        assert_eq!(decided[1].payload.as_ref().unwrap()["status"], "won");
        assert_eq!(decided[1].payload.as_ref().unwrap()["finalized_on"], at);
        assert_eq!(decided.len(), 2);
        assert_eq!(of_dispute(&dispute("CHARGEBACK", "UNDER_REVIEW", None, Some("CHARGEBACK"))).len(), 1);
        assert_eq!(
            of_dispute(&dispute("CHARGEBACK", "UNDER_REVIEW", None, None)).len(),
            1,
            "nobody can tell"
        );
    }

    #[test]
    fn an_inquiry_that_became_a_chargeback_did_so_at_some_time() {
        let found = of_dispute(&dispute("CHARGEBACK", "NEEDS_RESPONSE", None, Some("INQUIRY")));
        let escalated = &found[1];
        assert_eq!((escalated.topic, escalated.latest), ("disputes/update", None));
        assert_eq!(escalated.earliest.to_string(), "2026-09-01T10:00:00Z");
        assert_eq!(escalated.payload.as_ref().unwrap()["type"], "chargeback");
    }
}
