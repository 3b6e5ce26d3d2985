//! Return instructions: how to send a return in, with its labels. Other labels make another issue.

use crate::{
    label::{self, Address},
    return_letter::ReturnData,
    return_status::{judge_open, letter},
    subject::ids_of,
};
use comms::Document;
use flow::{Content, Event, Gather, PlanError, Planned, Stop, Verdict};
use shopify::returns::Return;

const DOCUMENT: Document = Document::ReturnInstructions;

/// A label was attached to a return.
pub const ATTACHED: &str = "reverse_deliveries/attach_deliverable";

pub const TOPICS: &[&str] = &["returns/request", "returns/approve", ATTACHED];

pub fn plan(event: &Event<'_>) -> Result<Planned, PlanError> {
    let kind = if event.topic() == ATTACHED { "ReverseDelivery" } else { "Return" };
    ids_of(event, kind)?;
    match event.config.documents.contains_key(&DOCUMENT) {
        true => Ok(Planned::AskShopify),
        false => Ok(Planned::none()),
    }
}

pub fn schema() -> serde_json::Value {
    driver::json_schema::<ReturnData>(DOCUMENT)
}

pub async fn gather(gather: &Gather<'_>) -> Result<Content, Stop> {
    letter(gather, judge).await
}

fn judge(gather: &Gather<'_>, found: &Return) -> Verdict {
    let verdict = judge_open(gather, found);
    let is_planned = |address| label::revision(&found.labels, address) == gather.plan.revision;
    let planned = [Address::Whole, Address::Path].into_iter().any(is_planned);
    if verdict == Verdict::Write && !gather.is_asked_for() && !planned {
        // the event of the other label leads to the other revision
        return Verdict::NotDue("the return has other labels by now");
    }
    verdict
}
