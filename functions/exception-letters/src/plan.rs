//! What the letters' plans have in common: what of a payload is read.

use comms::{Document, Gid};
use flow::{Event, Plan};
use serde::Deserialize;

/// What of a payload is read. One that says it otherwise says nothing: Shopify is asked.
#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    order_id: Option<u64>,
}

#[derive(Deserialize)]
struct Kind {
    kind: String,
}

/// The payload as far as it is understood.
pub fn read<'a, T: Deserialize<'a>>(event: &Event<'a>) -> Option<T> {
    serde_json::from_str(event.payload?).ok()
}

/// The order that the payload names.
pub fn order_named(event: &Event<'_>) -> Option<Gid> {
    read::<Named>(event)?.order_id.map(|id| Gid::new("Order", id))
}

/// Whether a transaction gives money back, if its payload says what it is.
pub fn gives_back(event: &Event<'_>) -> Option<bool> {
    read::<Kind>(event).map(|it| is_refund(&it.kind))
}

/// Whether a transaction of this kind gives money back.
pub fn is_refund(kind: &str) -> bool {
    kind.eq_ignore_ascii_case("refund")
}

/// The first issue of a document about the event's subject, which belongs to `order`, if that is known.
pub fn about(event: &Event<'_>, document: Document, order: Option<Gid>) -> Plan {
    let plan = event.plan(document);
    Plan { reported_on: order.unwrap_or_else(|| plan.subject.clone()), ..plan }
}
