//! Return authorizations: the shop takes something back.

use crate::{
    return_letter::ReturnData,
    return_status::{judge_open, letter},
    subject::{first, ids_of},
};
use comms::Document;
use flow::{Content, Event, Gather, PlanError, Planned, Stop};

const DOCUMENT: Document = Document::ReturnAuthorization;

pub const TOPICS: &[&str] = &["returns/request", "returns/approve"];

pub fn plan(event: &Event<'_>) -> Result<Planned, PlanError> {
    let ids = ids_of(event, "Return")?;
    // without instructions in the configuration, no label matters
    Ok(match event.config.documents.contains_key(&Document::ReturnInstructions) {
        true => Planned::AskShopify,
        false => Planned::one(first(DOCUMENT, &event.item.subject, ids.order.as_ref(), event.config)),
    })
}

pub fn schema() -> serde_json::Value {
    driver::json_schema::<ReturnData>(DOCUMENT)
}

pub async fn gather(gather: &Gather<'_>) -> Result<Content, Stop> {
    letter(gather, judge_open).await
}
