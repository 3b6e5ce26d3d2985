//! Letters that decline a return.

use crate::{
    return_letter::ReturnData,
    return_status::letter,
    subject::{first, ids_of},
};
use comms::Document;
use flow::{Content, Event, Gather, PlanError, Planned, Stop, Verdict};
use shopify::returns::ReturnStatus;

const DOCUMENT: Document = Document::ReturnDeclined;

pub const TOPICS: &[&str] = &["returns/decline"];

pub fn plan(event: &Event<'_>) -> Result<Planned, PlanError> {
    let ids = ids_of(event, "Return")?;
    Ok(Planned::one(first(DOCUMENT, &event.item.subject, ids.order.as_ref(), event.config)))
}

pub fn schema() -> serde_json::Value {
    driver::json_schema::<ReturnData>(DOCUMENT)
}

pub async fn gather(gather: &Gather<'_>) -> Result<Content, Stop> {
    letter(gather, |_, found| judge(found.status)).await
}

fn judge(status: ReturnStatus) -> Verdict {
    match status {
        ReturnStatus::Declined => Verdict::Write,
        ReturnStatus::Canceled => Verdict::Suppress("the return is cancelled"),
        _ => Verdict::NotDue("the return is not declined"),
    }
}
