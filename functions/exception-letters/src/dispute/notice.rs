//! That there is a dispute, and that it became more serious.

use super::{DisputeData, after_update, fetch, outcome};
use crate::{
    about_order,
    letter::{Letter, Letterhead},
    plan::{about, order_named},
};
use comms::{Document, Revision};
use flow::{Content, Event, Gather, PlanError, Planned, Stop, Verdict};
use schemars::JsonSchema;
use serde::Serialize;
use shopify::dispute::Dispute;

pub const TOPICS: &[&str] = &["disputes/create", "disputes/update"];

pub const DOCUMENT: Document = Document::DisputeNotice;

/// One for the dispute, and one for each kind that it becomes. Reads `order_id` of the first event.
pub fn plan(event: &Event<'_>) -> Result<Planned, PlanError> {
    Ok(match event.topic() {
        "disputes/create" => Planned::one(about(event, DOCUMENT, order_named(event))),
        _ => after_update(event, DOCUMENT),
    })
}

/// The published JSON Schema of the driver data.
pub fn schema() -> serde_json::Value {
    driver::json_schema::<Letter<NoticeMatter>>(DOCUMENT)
}

/// What a letter says that tells of a dispute.
#[derive(Clone, Serialize, JsonSchema)]
pub struct NoticeMatter {
    /// The dispute.
    dispute: DisputeData,
    /// It began as an inquiry and is now a chargeback, of which the customer has been told before.
    escalated: bool,
}

pub async fn gather(gather: &Gather<'_>) -> Result<Content, Stop> {
    let (dispute, order) = fetch(gather, judge).await?;
    let locale = gather.locale(&order.locales())?;
    let matter = NoticeMatter::new(&Letterhead::of(gather, &locale), &dispute);
    Ok(about_order(gather, &order, locale, matter)?)
}

fn judge(dispute: &Dispute, revision: Option<&Revision>) -> Verdict {
    if outcome(&dispute.status, dispute.finalized_at.is_some()).is_some() {
        return Verdict::Suppress("the dispute is already decided");
    }
    let escalated = escalated(dispute);
    match revision {
        None => Verdict::Write,
        Some(Revision::Initial) if escalated => {
            Verdict::Suppress("it has become another kind of dispute, of which a notice of its own tells")
        }
        Some(Revision::Initial) => Verdict::Write,
        Some(Revision::Named(kind)) if *kind != dispute.kind => {
            Verdict::NotDue("Shopify does not show that kind of dispute")
        }
        Some(Revision::Named(_)) if escalated => Verdict::Write,
        Some(Revision::Named(_)) => Verdict::NotDue("it is of the kind it began as"),
    }
}

fn escalated(dispute: &Dispute) -> bool {
    dispute.began_as.as_ref().is_some_and(|began_as| *began_as != dispute.kind)
}

impl NoticeMatter {
    pub fn new(head: &Letterhead<'_>, dispute: &Dispute) -> Self {
        Self { dispute: DisputeData::new(head, dispute), escalated: escalated(dispute) }
    }
}
