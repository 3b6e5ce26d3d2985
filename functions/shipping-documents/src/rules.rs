//! What the documents about a shipment are judged by, from the shipment as it is now. Pure.
//!
//! Whatever the order and number of events: what is suppressed can never become due again, and of what is not due
//! another event tells, so no answer depends on which event came first.

use comms::Document;
use flow::{Plan, Verdict};
use shop_config::DeliveryEvent;
use shopify::{
    Order,
    fulfillment::{Fulfillment, MethodType, State},
};

/// What one document is judged by, beside what holds for all.
pub type Judge = fn(&Plan, Request, &Fulfillment) -> Verdict;

/// Under which circumstances a document is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request {
    /// A person asks for another issue, who knows that time has passed.
    pub again: bool,
    /// The shop tells of local deliveries by a notice of their own.
    pub tells_out_for_delivery: bool,
}

/// Whether a document is still due: what holds for every shipment first.
pub fn verdict(plan: &Plan, request: Request, shipment: &Fulfillment, judge: Judge) -> Verdict {
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
    match not_sent(plan, shipment) {
        Some(reason) => Verdict::Suppress(reason),
        None => judge(plan, request, shipment),
    }
}

pub const DELIVERED: &str = "the shipment is already delivered";
pub const FURTHER: &str = "the shipment is further on its way by now";
pub const OUT: &str = DeliveryEvent::OutForDelivery.name();

/// Nothing is announced or packed that the customer carries away. What can be followed was sent after all.
fn not_sent(plan: &Plan, shipment: &Fulfillment) -> Option<&'static str> {
    if !shipment.tracking().is_none() {
        return None;
    }
    match method(shipment)? {
        MethodType::PickUp if event(plan, shipment) == Some(DeliveryEvent::ReadyForPickup) => None,
        MethodType::PickUp => Some("the customer picks it up: nothing is sent"),
        MethodType::Retail => Some("it was carried out of the store: nothing is sent"),
        MethodType::None => Some("nothing in it is delivered"),
        MethodType::Shipping | MethodType::PickupPoint | MethodType::Local | MethodType::Other(_) => None,
    }
}

/// How it reaches the customer; where Shopify keeps that from the app, as far as the shipment itself shows it.
pub fn method(shipment: &Fulfillment) -> Option<MethodType> {
    if let Some(method) = &shipment.method {
        return Some(method.kind.clone());
    }
    match shipment.shown.as_deref()? {
        _ if !shipment.tracking().is_none() => None,
        "ready_for_pickup" | "picked_up" => Some(MethodType::PickUp),
        shown if shown == OUT => Some(MethodType::Local),
        _ => None,
    }
}

/// Whether there is somewhere to send it, where Shopify does not say how it reaches the customer: a sale at the till
/// has neither an address nor a way of shipping.
pub fn has_address(shipment: &Fulfillment, order: &Order) -> Verdict {
    let at_the_till = order.shipping_address.is_none() && order.shipping_lines.is_empty();
    match method(shipment).is_none() && shipment.tracking().is_none() && at_the_till {
        true => Verdict::Suppress("the order has no address to send it to"),
        false => Verdict::Write,
    }
}

/// Shopify shows it, or shows nothing of its way and has it as its newest news.
pub fn is_now(shipment: &Fulfillment, status: &str) -> bool {
    match shipment.shown.as_deref() {
        Some(shown) if shown.parse::<DeliveryEvent>().is_ok() => shown == status,
        _ => shipment.newest().is_some_and(|news| news.status == status),
    }
}

/// What a delivery document tells of: what its revision names; of a further issue, what is so now.
pub fn event(plan: &Plan, shipment: &Fulfillment) -> Option<DeliveryEvent> {
    let shown = || shipment.shown.as_deref().and_then(|shown| shown.parse::<DeliveryEvent>().ok());
    let delivered = || shipment.is_delivered().then_some(DeliveryEvent::Delivered);
    (plan.document == Document::DeliveryDocument)
        .then(|| plan.revision.as_str().parse::<DeliveryEvent>().ok().or_else(delivered).or_else(shown))
        .flatten()
}
