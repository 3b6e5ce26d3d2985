//! That an order is paid.

use crate::{content, data::OrderData, source};
use comms::Document;
use flow::{Content, Event, Gather, PlanError, Planned, Stop};

pub const TOPICS: &[&str] = &["orders/paid"];

const DOCUMENT: Document = Document::Receipt;

/// One for the order.
pub fn plan(event: &Event<'_>) -> Result<Planned, PlanError> {
    Ok(Planned::one(event.plan(DOCUMENT)))
}

/// Always due: what was paid was paid, whatever became of the order.
pub async fn gather(gather: &Gather<'_>) -> Result<Content, Stop> {
    Ok(content(gather, &source::of(gather).await?)?)
}

pub fn schema() -> serde_json::Value {
    driver::json_schema::<OrderData>(DOCUMENT)
}
