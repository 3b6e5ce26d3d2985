//! What lies in the parcel, for whoever opens it.

use crate::{
    data::{PRIVATE, ShipmentData, WHAT_HAPPENED},
    rules::{DELIVERED, Request},
    shipment::{self, ShipmentFacts},
};
use comms::{Document, Revision};
use delivery::Recipient;
use flow::{Content, Event, Gather, Plan, PlanError, Planned, Stop, Verdict};
use shopify::{Address, Order, fulfillment::Fulfillment};

pub const TOPICS: &[&str] = &["fulfillments/create"];

const DOCUMENT: Document = Document::PackingSlip;

pub fn plan(event: &Event<'_>) -> Result<Planned, PlanError> {
    shipment::plan(event, follows)
}

/// One for each shipment that is made up.
pub fn follows(event: &Event<'_>, facts: &ShipmentFacts) -> Option<Plan> {
    TOPICS.contains(&event.topic()).then(|| facts.plan(event, DOCUMENT, Revision::Initial))
}

pub fn judge(_: &Plan, request: Request, shipment: &Fulfillment) -> Verdict {
    match shipment.is_handed_over() {
        true if !request.again => Verdict::Suppress(DELIVERED),
        _ => Verdict::Write,
    }
}

pub async fn gather(gather: &Gather<'_>) -> Result<Content, Stop> {
    let (shipment, order) = shipment::due(gather, judge).await?;
    let content = shipment::content(gather, &shipment, &order)?;
    Ok(Content { recipient: recipient(&order, content.recipient), ..content })
}

/// Whoever opens the parcel. It goes to nobody's mailbox.
pub fn recipient(order: &Order, buyer: Recipient) -> Recipient {
    let receiver = order.shipping_address.as_ref().and_then(Address::name);
    Recipient { name: receiver.or(buyer.name), email: None, phones: Vec::new(), ..buyer }
}

pub fn schema() -> serde_json::Value {
    ShipmentData::schema(DOCUMENT, &[PRIVATE, WHAT_HAPPENED])
}
