//! Disputes: that there is one, that it became more serious, and how it ended.
//!
//! Each dispute has one first notice. An inquiry that becomes a chargeback has another, which replaces the
//! first where that was not written yet. The outcome of a dispute is told once for each outcome; the state
//! between, evidence sent and looked at, is the shop's and its bank's own business. Any order of the events
//! leads to the same letters, because each asks what the dispute is now: a notice of a dispute that is
//! decided is no longer written.

use crate::{Verdict, about_order, is_asked_for, letter::Letterhead, order, plan, without_order};
use comms::{Document, Gid, Money, Revision};
use driver::{day, iso};
use flow::{Gather, GatherError, Gathered, LookUp, Plan};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shop_config::ShopConfig;
use shopify::dispute::Dispute;

/// What a letter says that tells of a dispute.
#[derive(Clone, Serialize, JsonSchema)]
pub struct NoticeMatter {
    /// The dispute.
    dispute: DisputeData,
    /// It began as an inquiry and is now a chargeback, of which the customer has been told before.
    escalated: bool,
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
pub struct State {
    #[serde(default)]
    order_id: Option<u64>,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    finalized_on: Option<Timestamp>,
}

/// The letter an update leads to, if any.
pub fn after_update(subject: &Gid, state: &State, config: &ShopConfig) -> Option<Plan> {
    let order = state.order_id.map(|id| Gid::new("Order", id));
    let (kind, status) = (state.kind.to_ascii_lowercase(), state.status.to_ascii_lowercase());
    letter_of(subject, order, &kind, &status, state.finalized_on.is_some(), config)
}

/// The same for an update without a payload.
pub async fn look_up(look_up: LookUp<'_>) -> Result<Vec<Plan>, GatherError> {
    let subject = &look_up.item.subject;
    let fetched = look_up.shopify.dispute(look_up.call(), subject).await;
    let dispute = fetched.map_err(|error| GatherError::of(&error))?;
    let Some(dispute) = dispute else { return Err(look_up.absent("dispute").await) };
    let Dispute { kind, status, finalized_at, order, .. } = dispute;
    let finalized = finalized_at.is_some();
    Ok(letter_of(subject, order, &kind, &status, finalized, look_up.config).into_iter().collect())
}

fn letter_of(
    subject: &Gid,
    order: Option<Gid>,
    kind: &str,
    status: &str,
    finalized: bool,
    config: &ShopConfig,
) -> Option<Plan> {
    let (document, revision) = match outcome(status, finalized) {
        Some(outcome) => (Document::DisputeResolution, outcome),
        // whether it was one from its beginning, only Shopify knows
        None if !matches!(kind, "" | "inquiry") => (Document::DisputeNotice, kind),
        None => return None,
    };
    Some(plan::one(document, subject, Revision::named(revision), order, config))
}

/// How a dispute ended, if it did. One in a state that is not known here has ended once Shopify says when.
fn outcome(status: &str, finalized: bool) -> Option<&str> {
    match status {
        "won" | "lost" | "accepted" | "prevented" => Some(status),
        // what Shopify once called a dispute that the shop accepted
        "charge_refunded" => Some("accepted"),
        "" | "needs_response" | "under_review" => None,
        other => finalized.then_some(other),
    }
}

pub async fn gather(gather: Gather<'_>) -> Result<Gathered, GatherError> {
    let fetched = gather.shopify.dispute(gather.call(), &gather.plan.subject).await;
    let dispute = fetched.map_err(|error| GatherError::of(&error))?;
    let Some(dispute) = dispute else { return Err(gather.absent("dispute").await) };
    let Some(id) = &dispute.order else { return without_order(&gather).await };
    let revision = (!is_asked_for(&gather)).then_some(&gather.plan.revision);
    let verdict = judge(&dispute, gather.plan.document, revision);
    if let Some(end) = verdict.ends(&gather, Some(id))? {
        return Ok(end);
    }
    let order = order(&gather, id).await?;
    let locale = gather.locale(&order.locales())?;
    let head = Letterhead::of(&gather, &locale);
    match gather.plan.document {
        Document::DisputeResolution => {
            let matter = ResolutionMatter::new(&head, &dispute);
            about_order(&gather, &order, locale, matter)
        }
        _ => {
            let matter = NoticeMatter::new(&head, &dispute);
            about_order(&gather, &order, locale, matter)
        }
    }
}

/// Whether to write. `revision` is what an event made of the dispute; none where a person asks for the letter.
pub(crate) fn judge(dispute: &Dispute, document: Document, revision: Option<&Revision>) -> Verdict {
    let ended = outcome(&dispute.status, dispute.finalized_at.is_some());
    if document == Document::DisputeResolution {
        return match (ended, revision) {
            (Some(ended), Some(revision)) if ended != revision.as_str() => {
                Verdict::NotNow("Shopify shows another outcome")
            }
            (Some(_), _) => Verdict::Write,
            (None, _) => Verdict::NotNow("Shopify does not show the dispute as decided"),
        };
    }
    if ended.is_some() {
        return Verdict::Never("the dispute is already decided");
    }
    let escalated = escalated(dispute);
    match revision {
        None => Verdict::Write,
        Some(Revision::Initial) if escalated => {
            Verdict::Never("it has become another kind of dispute, of which a notice of its own tells")
        }
        Some(Revision::Initial) => Verdict::Write,
        Some(Revision::Named(kind)) if *kind != dispute.kind => {
            Verdict::NotNow("Shopify does not show that kind of dispute")
        }
        Some(Revision::Named(_)) if escalated => Verdict::Write,
        Some(Revision::Named(_)) => Verdict::NotNow("it is of the kind it began as"),
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
