//! What the letters' plans have in common: what of a payload is read, and what only Shopify knows.

use crate::{cancellation, dispute, payment};
use comms::{Document, Gid};
use flow::{Event, GatherError, LookUp, Plan};
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

fn is_refund(kind: &str) -> bool {
    kind.eq_ignore_ascii_case("refund")
}

/// The first issue of a document about the event's subject, which belongs to `order`, if that is known.
pub fn about(event: &Event<'_>, document: Document, order: Option<Gid>) -> Plan {
    let plan = event.plan(document);
    Plan { reported_on: order.unwrap_or_else(|| plan.subject.clone()), ..plan }
}

/// The letters of an item of which the event does not say what it leads to.
pub async fn look_up(look_up: LookUp<'_>) -> Result<Vec<Plan>, GatherError> {
    match look_up.item.trigger.topic.as_str() {
        "disputes/update" => dispute::look_up(look_up).await,
        "order_transactions/create" => of_transaction(look_up).await,
        _ => cancellation::look_up(look_up).await,
    }
}

/// The letters a transaction leads to of which the event does not say what it is, or that gives money back.
async fn of_transaction(look_up: LookUp<'_>) -> Result<Vec<Plan>, GatherError> {
    if gives_back(&look_up.event()) != Some(true) {
        let fetched = look_up.shopify.payment_attempt(look_up.call(), &look_up.item.subject).await?;
        let Some(attempt) = fetched else { return Err(look_up.absent("transaction").await) };
        if !is_refund(&attempt.payment.kind) {
            let order = attempt.order.map(|order| order.id);
            return Ok(vec![about(&look_up.event(), payment::DOCUMENT, order)]);
        }
    }
    cancellation::look_up(look_up).await
}
