//! That the shop itself is delivering a shipment today.

use crate::{
    data::{PRICES, ShipmentData, WHAT_HAPPENED},
    delivery_document,
    rules::{DELIVERED, FURTHER, OUT, Request, is_now, method},
    shipment::{self, ShipmentFacts},
};
use comms::{Document, Revision};
use flow::{Content, Event, Gather, Plan, PlanError, Planned, Stop, Verdict};
use shopify::fulfillment::{Fulfillment, MethodType};

pub const TOPICS: &[&str] = delivery_document::TOPICS;

const DOCUMENT: Document = Document::OutForDeliveryNotice;

pub fn plan(event: &Event<'_>) -> Result<Planned, PlanError> {
    shipment::plan(event, follows)
}

/// One for each shipment that is out for delivery, whoever delivers it.
pub fn follows(event: &Event<'_>, facts: &ShipmentFacts) -> Option<Plan> {
    (facts.status == OUT).then(|| facts.plan(event, DOCUMENT, Revision::Initial))
}

pub fn judge(_: &Plan, request: Request, shipment: &Fulfillment) -> Verdict {
    match () {
        () if method(shipment) != Some(MethodType::Local) => Verdict::NotDue("a carrier delivers it"),
        () if request.again => Verdict::Write,
        () if shipment.is_handed_over() => Verdict::Suppress(DELIVERED),
        () if is_now(shipment, OUT) => Verdict::Write,
        () => Verdict::NotDue(FURTHER),
    }
}

pub async fn gather(gather: &Gather<'_>) -> Result<Content, Stop> {
    shipment::gather(gather, judge).await
}

pub fn schema() -> serde_json::Value {
    ShipmentData::schema(DOCUMENT, &[PRICES, WHAT_HAPPENED])
}
