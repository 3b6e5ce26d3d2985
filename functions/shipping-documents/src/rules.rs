//! Whether a document about a shipment is still due, from the shipment as it is now. Pure.
//!
//! Whatever the order and number of events: what is suppressed can never become due again, and of what is
//! "nothing" another event tells, so no answer here depends on which event came first. A notice whose tracking
//! is not the present one is overtaken: the notice of the present one is due in its place.

use crate::tracking_revision;
use comms::Document;
use flow::Plan;
use shop_config::DeliveryEvent;
use shopify::{
    Order,
    fulfillment::{Fulfillment, MethodType, State},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Make,
    /// Never due any more.
    Suppress(&'static str),
    /// The shipment has other tracking by now: the notice of that is due.
    Overtaken,
    /// Not due now; a later event says so if it will be.
    Nothing(&'static str),
}

/// Under which circumstances a document is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request {
    /// A person asks for another issue, who knows that time has passed.
    pub again: bool,
    /// The shop tells of local deliveries by a notice of their own.
    pub tells_out_for_delivery: bool,
}

pub fn verdict(plan: &Plan, request: Request, shipment: &Fulfillment) -> Verdict {
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
    if let Some(reason) = not_sent(plan, shipment) {
        return Verdict::Suppress(reason);
    }
    match plan.document {
        Document::OutForDeliveryNotice if method(shipment) != Some(MethodType::Local) => {
            Verdict::Nothing("a carrier delivers it")
        }
        _ if request.again => Verdict::Make,
        Document::ShippingNotice => notice(plan, request, shipment),
        Document::DeliveryDocument => delivery(plan, shipment),
        Document::OutForDeliveryNotice => out_for_delivery(shipment),
        _ if shipment.is_handed_over() => Verdict::Suppress(DELIVERED),
        _ => Verdict::Make,
    }
}

const DELIVERED: &str = "the shipment is already delivered";
const OUT: &str = DeliveryEvent::OutForDelivery.name();

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

/// Why there is nowhere to send it, where Shopify does not say how it reaches the customer: a sale at the till has
/// neither an address nor a way of shipping.
pub fn nowhere(shipment: &Fulfillment, order: &Order) -> Option<&'static str> {
    let at_the_till = order.shipping_address.is_none() && order.shipping_lines.is_empty();
    (method(shipment).is_none() && shipment.tracking().is_none() && at_the_till)
        .then_some("the order has no address to send it to")
}

fn notice(plan: &Plan, request: Request, shipment: &Fulfillment) -> Verdict {
    if plan.revision != tracking_revision(&shipment.tracking()) {
        return Verdict::Overtaken;
    }
    if shipment.is_handed_over() {
        return Verdict::Suppress(DELIVERED);
    }
    let is_out = method(shipment) == Some(MethodType::Local) && shipment.shown.as_deref() == Some(OUT);
    if is_out && request.tells_out_for_delivery {
        return Verdict::Suppress("the out-for-delivery notice tells of it");
    }
    match shipment.state {
        State::Pending => Verdict::Nothing("the shipment has not left yet"),
        State::Shipped | State::Cancelled | State::Failed => Verdict::Make,
    }
}

fn out_for_delivery(shipment: &Fulfillment) -> Verdict {
    if shipment.is_handed_over() {
        return Verdict::Suppress(DELIVERED);
    }
    if is_now(shipment, OUT) { Verdict::Make } else { Verdict::Nothing(FURTHER) }
}

const FURTHER: &str = "the shipment is further on its way by now";

/// That it was delivered stays true. Everything before that is news only while it is so.
fn delivery(plan: &Plan, shipment: &Fulfillment) -> Verdict {
    match event(plan, shipment) {
        Some(event @ DeliveryEvent::Delivered)
            if shipment.is_delivered() || is_now(shipment, event.name()) =>
        {
            Verdict::Make
        }
        Some(DeliveryEvent::Delivered) => Verdict::Nothing("Shopify does not say that it is delivered"),
        Some(_) if shipment.is_handed_over() => Verdict::Suppress(DELIVERED),
        Some(event) if is_now(shipment, event.name()) => Verdict::Make,
        _ => Verdict::Nothing(FURTHER),
    }
}

/// Shopify shows it, or shows nothing of its way and has it as its newest news.
fn is_now(shipment: &Fulfillment, status: &str) -> bool {
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
