//! That an order is paid.

use crate::{content, data::OrderData, source};
use comms::Document;
use flow::{Content, Event, Gather, PlanError, Planned, Stop, Verdict};
use shopify::FinancialStatus;

pub const TOPICS: &[&str] = &["orders/paid"];

const DOCUMENT: Document = Document::Receipt;

/// One for the order.
pub fn plan(event: &Event<'_>) -> Result<Planned, PlanError> {
    Ok(Planned::one(event.plan(DOCUMENT)))
}

/// Always due after its event: what was paid was paid, whatever became of the order. Whoever asks for one may not know
/// whether it was.
pub async fn gather(gather: &Gather<'_>) -> Result<Content, Stop> {
    let source = source::of(gather).await?;
    if gather.item.request.is_some() {
        judge(&source.order.financial_status).or_stop(gather, None)?;
    }
    Ok(content(gather, &source)?)
}

fn judge(status: &FinancialStatus) -> Verdict {
    match status {
        FinancialStatus::Paid | FinancialStatus::PartiallyRefunded | FinancialStatus::Refunded => {
            Verdict::Write
        }
        FinancialStatus::Pending
        | FinancialStatus::Authorized
        | FinancialStatus::PartiallyPaid
        | FinancialStatus::Voided
        | FinancialStatus::Expired
        | FinancialStatus::Other(_) => Verdict::NotDue("the order is not paid"),
    }
}

pub fn schema() -> serde_json::Value {
    driver::json_schema::<OrderData>(DOCUMENT)
}
