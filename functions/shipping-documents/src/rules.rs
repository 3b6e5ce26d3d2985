//! Whether a document about a shipment is still due, from the shipment as it is now. Pure.
//!
//! Whatever the order and number of events: what is suppressed can never become due again, and of what is
//! "nothing" another event tells, so no answer here depends on which event came first.

use crate::tracking_revision;
use comms::Document;
use flow::Plan;
use shop_config::DeliveryEvent;
use shopify::fulfillment::{Fulfillment, State};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Make,
    /// Never due any more.
    Suppress(&'static str),
    /// Not due now; a later event says so if it will be.
    Nothing(&'static str),
}

/// `again`: a person asks for another issue, who knows that time has passed.
pub fn verdict(plan: &Plan, again: bool, shipment: &Fulfillment) -> Verdict {
    match shipment.state {
        State::Cancelled => return Verdict::Suppress("the shipment is cancelled"),
        State::Failed => return Verdict::Suppress("the shipment failed"),
        State::Pending | State::Shipped => {}
    }
    if shipment.lines.is_empty() {
        return Verdict::Suppress("there is nothing in the shipment");
    }
    if !shipment.requires_shipping {
        return Verdict::Suppress("nothing in it needs shipping");
    }
    match plan.document {
        _ if again => Verdict::Make,
        Document::ShippingNotice => notice(plan, shipment),
        Document::DeliveryDocument => delivery(plan, shipment),
        _ if shipment.is_handed_over() => Verdict::Suppress(DELIVERED),
        _ => Verdict::Make,
    }
}

const DELIVERED: &str = "the shipment is already delivered";

fn notice(plan: &Plan, shipment: &Fulfillment) -> Verdict {
    if plan.revision != tracking_revision(&shipment.tracking()) {
        return Verdict::Nothing("the shipment has other tracking by now");
    }
    if shipment.is_handed_over() {
        return Verdict::Suppress(DELIVERED);
    }
    match shipment.state {
        State::Pending => Verdict::Nothing("the shipment has not left yet"),
        State::Shipped | State::Cancelled | State::Failed => Verdict::Make,
    }
}

/// That it was delivered stays true. Everything before that is news only while it is so.
fn delivery(plan: &Plan, shipment: &Fulfillment) -> Verdict {
    match event(plan, shipment) {
        Some(DeliveryEvent::Delivered) if shipment.is_delivered() => Verdict::Make,
        Some(DeliveryEvent::Delivered) => Verdict::Nothing("Shopify does not say that it is delivered"),
        Some(_) if shipment.is_handed_over() => Verdict::Suppress(DELIVERED),
        Some(event) if shipment.shown.as_deref() == Some(event.name()) => Verdict::Make,
        _ => Verdict::Nothing("the shipment is further on its way by now"),
    }
}

/// What a delivery document tells of: what its revision names; of a further issue, what is so now.
pub fn event(plan: &Plan, shipment: &Fulfillment) -> Option<DeliveryEvent> {
    let shown = || shipment.shown.as_deref().and_then(DeliveryEvent::from_name);
    let delivered = || shipment.is_delivered().then_some(DeliveryEvent::Delivered);
    (plan.document == Document::DeliveryDocument)
        .then(|| DeliveryEvent::from_name(plan.revision.as_str()).or_else(delivered).or_else(shown))
        .flatten()
}
