//! What the letters about a dispute have in common: when they are due, and the dispute as they tell it.
//!
//! Each dispute has one first notice. An inquiry that becomes a chargeback has another, which replaces the
//! first where that was not written yet. The outcome of a dispute is told once for each outcome; the state
//! between, evidence sent and looked at, is the shop's and its bank's own business. Any order of the events
//! leads to the same letters, because each asks what the dispute is now: a notice of a dispute that is
//! decided is no longer written.

pub mod notice;
pub mod resolution;

use crate::{
    letter::Letterhead,
    plan::{about, read},
    without_order,
};
use comms::{Document, Gid, Money, Revision};
use driver::{day, iso};
use flow::{Event, Gather, GatherError, LookUp, Plan, Planned, Stop, Verdict};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shopify::{Order, dispute::Dispute};

/// Without what is the shop's and its bank's business: how far its answer is, until when it can be given, and the card
/// network's codes.
#[derive(Clone, Serialize, JsonSchema)]
struct DisputeData {
    /// The dispute.
    id: Gid,
    /// `inquiry`, with which no money has moved, or `chargeback`.
    #[schemars(example = &"chargeback")]
    kind: String,
    /// In the currency of the charge.
    #[schemars(extend("x-tax" = "payment"))]
    amount: Money,
    /// What was said against the payment, such as `product_not_received`, `unauthorized` or `general`.
    #[schemars(example = &"product_not_received")]
    reason: String,
    /// When it was opened.
    #[schemars(example = &"2026-11-02T10:00:00+01:00")]
    opened: String,
    /// The day on which it was opened.
    opened_on: String,
    /// When it was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"2026-11-22T10:00:00+01:00")]
    resolved: Option<String>,
    /// The day on which it was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved_on: Option<String>,
}

/// What of a dispute decides about a letter, as an update's payload says it.
#[derive(Debug, Deserialize)]
struct State {
    #[serde(default)]
    order_id: Option<u64>,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    finalized_on: Option<Timestamp>,
}

/// What an update leads to of this document. Reads `order_id`, `type`, `status` and `finalized_on`.
fn after_update(event: &Event<'_>, document: Document) -> Planned {
    let Some(state) = read::<State>(event) else { return Planned::AskShopify };
    let order = state.order_id.map(|id| Gid::new("Order", id));
    let (kind, status) = (state.kind.to_ascii_lowercase(), state.status.to_ascii_lowercase());
    let letter = letter_of(event, order, &kind, &status, state.finalized_on.is_some());
    Planned::Known(letter.into_iter().filter(|plan| plan.document == document).collect())
}

/// The same for an update without a payload, of either document.
pub async fn look_up(look_up: LookUp<'_>) -> Result<Vec<Plan>, GatherError> {
    let dispute = look_up.shopify.dispute(look_up.call(), &look_up.item.subject).await?;
    let Some(dispute) = dispute else { return Err(look_up.absent("dispute").await) };
    let Dispute { kind, status, finalized_at, order, .. } = dispute;
    let finalized = finalized_at.is_some();
    Ok(letter_of(&look_up.event(), order, &kind, &status, finalized).into_iter().collect())
}

/// The letter an update leads to, if any.
fn letter_of(
    event: &Event<'_>,
    order: Option<Gid>,
    kind: &str,
    status: &str,
    finalized: bool,
) -> Option<Plan> {
    let (document, revision) = match outcome(status, finalized) {
        Some(outcome) => (resolution::DOCUMENT, outcome),
        // whether it was one from its beginning, only Shopify knows
        None if !matches!(kind, "" | "inquiry") => (notice::DOCUMENT, kind),
        None => return None,
    };
    Some(Plan { revision: Revision::named(revision), ..about(event, document, order) })
}

/// How a dispute ended, if it did. A dispute whose state is not known here has ended once Shopify says when.
fn outcome(status: &str, finalized: bool) -> Option<&str> {
    match status {
        "won" | "lost" | "accepted" | "prevented" => Some(status),
        // what Shopify once called a dispute that the shop accepted
        "charge_refunded" => Some("accepted"),
        "" | "needs_response" | "under_review" => None,
        other => finalized.then_some(other),
    }
}

/// The dispute and its order, where the letter is to be written. `judge` is told what an event made of the dispute;
/// nothing where a person asks for the letter.
async fn fetch(
    gather: &Gather<'_>,
    judge: fn(&Dispute, Option<&Revision>) -> Verdict,
) -> Result<(Dispute, Order), Stop> {
    let asked = gather.shopify.dispute(gather.call(), &gather.plan.subject).await;
    let dispute = gather.found("dispute", asked).await?;
    let Some(id) = &dispute.order else { return Err(without_order(gather).await) };
    let revision = (!gather.is_asked_for()).then_some(&gather.plan.revision);
    judge(&dispute, revision).or_stop(gather, Some(id))?;
    let order = gather.order(id).await?;
    Ok((dispute, order))
}

impl DisputeData {
    fn new(head: &Letterhead<'_>, dispute: &Dispute) -> Self {
        Self {
            id: dispute.id.clone(),
            kind: dispute.kind.clone(),
            amount: dispute.amount,
            reason: reason(&dispute.reason).to_owned(),
            opened: iso(dispute.initiated_at, head.zone()),
            opened_on: day(dispute.initiated_at, head.zone()),
            resolved: dispute.finalized_at.map(|at| iso(at, head.zone())),
            resolved_on: dispute.finalized_at.map(|at| day(at, head.zone())),
        }
    }
}

/// What was said against the payment, as a customer may read it: a letter is no place to speak of fraud, nor for a word
/// that is not known here.
fn reason(reason: &str) -> &str {
    match reason {
        "fraudulent" => "unauthorized",
        "bank_cannot_process"
        | "credit_not_processed"
        | "customer_initiated"
        | "debit_not_authorized"
        | "duplicate"
        | "incorrect_account_details"
        | "insufficient_funds"
        | "product_not_received"
        | "product_unacceptable"
        | "subscription_cancelled"
        | "unrecognized" => reason,
        _ => "general",
    }
}
