//! How a dispute ended.

use super::{DisputeData, after_update, fetch, outcome};
use crate::{
    about_order,
    letter::{Letter, Letterhead},
};
use comms::{Document, Revision};
use flow::{Content, Event, Gather, PlanError, Planned, Stop, Verdict};
use schemars::JsonSchema;
use serde::Serialize;
use shopify::dispute::Dispute;

pub const TOPICS: &[&str] = &["disputes/update"];

pub const DOCUMENT: Document = Document::DisputeResolution;

/// One for each outcome.
pub fn plan(event: &Event<'_>) -> Result<Planned, PlanError> {
    Ok(after_update(event, DOCUMENT))
}

/// The published JSON Schema of the driver data.
pub fn schema() -> serde_json::Value {
    driver::json_schema::<Letter<ResolutionMatter>>(DOCUMENT)
}

/// What a letter says that tells how a dispute ended.
#[derive(Clone, Serialize, JsonSchema)]
pub struct ResolutionMatter {
    /// The dispute.
    dispute: DisputeData,
    /// `won` or `lost` by the shop, `accepted` by the shop, or `prevented` before it became a chargeback.
    #[schemars(example = &"won")]
    outcome: String,
    /// Who has the money. Absent for an outcome that is not known here.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_favour_of: Option<Party>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Party {
    Shop,
    Customer,
}

pub async fn gather(gather: &Gather<'_>) -> Result<Content, Stop> {
    let (dispute, order) = fetch(gather, judge).await?;
    let locale = gather.locale(&order.locales())?;
    let matter = ResolutionMatter::new(&Letterhead::of(gather, &locale), &dispute);
    Ok(about_order(gather, &order, locale, matter)?)
}

fn judge(dispute: &Dispute, revision: Option<&Revision>) -> Verdict {
    match (outcome(&dispute.status, dispute.finalized_at.is_some()), revision) {
        (Some(ended), Some(revision)) if ended != revision.as_str() => {
            Verdict::NotDue("Shopify shows another outcome")
        }
        (Some(_), _) => Verdict::Write,
        (None, _) => Verdict::NotDue("Shopify does not show the dispute as decided"),
    }
}

impl ResolutionMatter {
    pub fn new(head: &Letterhead<'_>, dispute: &Dispute) -> Self {
        let outcome = outcome(&dispute.status, dispute.finalized_at.is_some()).unwrap_or(&dispute.status);
        Self {
            dispute: DisputeData::new(head, dispute),
            outcome: outcome.to_owned(),
            in_favour_of: match outcome {
                "won" => Some(Party::Shop),
                "lost" | "accepted" | "prevented" => Some(Party::Customer),
                _ => None,
            },
        }
    }
}
