//! That an order was placed, or what it is after an edit.

use crate::{content, data::OrderData, source};
use comms::{Document, Revision};
use flow::{Content, Event, Gather, Plan, PlanError, Planned, Stop, Verdict};
use shopify::{Order, OrderEdit};

pub const TOPICS: &[&str] = &["orders/create", "orders/edited"];

const DOCUMENT: Document = Document::OrderConfirmation;

/// One for the order, and one for each edit, if the shop wants it. Reads `order_edit.id` of an edit.
pub fn plan(event: &Event<'_>) -> Result<Planned, PlanError> {
    let plan = event.plan(DOCUMENT);
    if event.topic() == "orders/create" {
        return Ok(Planned::one(plan));
    }
    let edit = OrderEdit::from_webhook(event.payload()?)?.edit;
    let wanted = event.config.document(DOCUMENT).is_some_and(|settings| settings.after_edits);
    Ok(Planned::one(Plan { revision: Revision::named(format!("edit-{edit}")), wanted, ..plan }))
}

pub async fn gather(gather: &Gather<'_>) -> Result<Content, Stop> {
    let source = source::of(gather).await?;
    judge(&source.order).or_stop(gather, None)?;
    Ok(content(gather, &source)?)
}

fn judge(order: &Order) -> Verdict {
    match order.cancelled_at {
        Some(_) => Verdict::Suppress("the order is cancelled"),
        None => Verdict::Write,
    }
}

pub fn schema() -> serde_json::Value {
    driver::json_schema::<OrderData>(DOCUMENT)
}
