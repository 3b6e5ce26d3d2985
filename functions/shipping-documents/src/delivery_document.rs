//! What happened to a shipment on its way, as far as the shop wants it told.

use crate::{
    data::{PRICES, ShipmentData},
    rules::{DELIVERED, FURTHER, Request, event, is_now},
    shipment::{self, ShipmentFacts},
};
use comms::{Document, Revision};
use flow::{Content, Event, Gather, Plan, PlanError, Planned, Stop, Verdict};
use shop_config::DeliveryEvent;
use shopify::fulfillment::Fulfillment;

pub const TOPICS: &[&str] = &["fulfillment_events/create", "fulfillments/create", "fulfillments/update"];

pub const DOCUMENT: Document = Document::DeliveryDocument;

pub fn plan(event: &Event<'_>) -> Result<Planned, PlanError> {
    shipment::plan(event, follows)
}

/// One for each status. None for what a customer is never told of, such as a label that was printed.
pub fn follows(event: &Event<'_>, facts: &ShipmentFacts) -> Option<Plan> {
    let happened: DeliveryEvent = facts.status.parse().ok()?;
    let plan = facts.plan(event, DOCUMENT, Revision::named(happened.name()));
    let wanted = plan.wanted && event.config.shipping.delivery_events.contains(&happened);
    Some(Plan { wanted, ..plan })
}

/// That it was delivered stays true. Everything before that is news only while it is so.
pub fn judge(plan: &Plan, request: Request, shipment: &Fulfillment) -> Verdict {
    if request.again {
        return Verdict::Write;
    }
    match event(plan, shipment) {
        Some(event @ DeliveryEvent::Delivered)
            if shipment.is_delivered() || is_now(shipment, event.name()) =>
        {
            Verdict::Write
        }
        Some(DeliveryEvent::Delivered) => Verdict::NotDue("Shopify does not say that it is delivered"),
        Some(_) if shipment.is_handed_over() => Verdict::Suppress(DELIVERED),
        Some(event) if is_now(shipment, event.name()) => Verdict::Write,
        _ => Verdict::NotDue(FURTHER),
    }
}

pub async fn gather(gather: &Gather<'_>) -> Result<Content, Stop> {
    shipment::gather(gather, judge).await
}

pub fn schema() -> serde_json::Value {
    ShipmentData::schema(DOCUMENT, &[PRICES])
}
