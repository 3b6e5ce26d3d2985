//! Money that goes back after the letter about a cancellation was written.
//!
//! Who tells what: every refund is confirmed once, by the document of the refund. The letter tells what becomes of the
//! order's money as a whole; where a refund makes that wrong, a further issue is written, which names the one that it
//! replaces. Its revision is the last refund, so any number of events about any number of refunds, in any order, leads
//! to one further issue for each state that lasted long enough to be told. Nothing follows where the letter before
//! tells of the same money, or where there is none.

use super::{DOCUMENT, after_delay, fetch, letter, money};
use archive::EvidenceRecord;
use comms::{Class, CommunicationId, Gid, Revision, State};
use flow::{Content, Gather, GatherError, History, LookUp, Plan, Previous, PreviousIssue, Stop};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::Value;
use shopify::payment::{Cancellation, Payment};
use std::{cmp::Ordering, time::Duration};

const REVISION: &str = "refund-";

/// More refunds than a cancelled order has.
const MOST_ISSUES: usize = 100;

/// So far, clocks may differ.
const CLOCKS: SignedDuration = SignedDuration::from_mins(1);

/// Whether a plan is for a further issue of the letter. It is made only where the one before has to be corrected.
pub fn is_correction(plan: &Plan) -> bool {
    plan.document == DOCUMENT && plan.revision.as_str().starts_with(REVISION)
}

/// The further issue that a refund leads to, if its order is cancelled.
pub(crate) async fn look_up(look_up: LookUp<'_>) -> Result<Vec<Plan>, GatherError> {
    let Some(order) = order_of(&look_up).await? else { return Ok(vec![]) };
    let Some(cancellation) = look_up.shopify.cancellation(look_up.call(), &order).await? else {
        let error = look_up.absent("order").await;
        // of an order out of sight there is no letter
        return if error.class == Class::Permanent { Ok(vec![]) } else { Err(error) };
    };
    let (Some(cancelled_at), Some(last)) = (cancellation.cancelled_at, last_refund(&cancellation)) else {
        return Ok(vec![]);
    };
    let written = after_delay(cancelled_at, look_up.config);
    // the letter itself tells of it; and if its event was lost, so were those of the refund
    let lost = look_up.item.trigger.is_reconciled();
    if look_up.now.saturating_add(CLOCKS).is_ok_and(|now| now < written) || lost && last.at <= written {
        return Ok(vec![]);
    }
    let settled = after_delay(last.at, look_up.config);
    if money::is_open(&cancellation) && settled > look_up.now {
        let wait = Duration::try_from(settled.duration_since(look_up.now)).unwrap_or_default();
        return Err(GatherError {
            class: Class::Transient { retry_after: Some(wait) },
            reason: "more of the money may be on its way back".to_owned(),
        });
    }
    let (subject, reported_on, revision) = (order.clone(), order, revision(last));
    Ok(vec![Plan { subject, reported_on, revision, ..look_up.event().plan(DOCUMENT) }])
}

pub(super) async fn gather(gather: &Gather<'_>, history: History<'_>) -> Result<Content, Stop> {
    let cancellation = fetch(gather).await?;
    let last = last_refund(&cancellation).filter(|_| cancellation.cancelled_at.is_some());
    if last.map(revision).as_ref() != Some(&gather.plan.revision) {
        return Err(Stop::not_due(
            "Shopify shows another last refund, whose event leads to an issue of its own",
        ));
    }
    let Some((earlier, sha256)) = earlier(gather, &cancellation, history).await? else {
        return Err(Stop::not_due("there is no letter to correct"));
    };
    let replaces = Some((&earlier.communication, earlier.composed_at));
    let content = letter(gather, &cancellation, replaces).await?;
    let now = serde_json::from_slice(&content.driver).map_err(GatherError::unusable)?;
    // of an issue whose record holds no data, nobody can tell: better once more than something wrong
    let told = earlier.driver_data.data.and_then(|data| told(&serde_json::from_str(data.get()).ok()?));
    if told.is_some() && told == self::told(&now) {
        return Err(Stop::not_due("the letter before tells of the same money"));
    }
    let previous = Previous { communication: earlier.communication, record_sha256: sha256 };
    Ok(Content { previous: PreviousIssue::Known(Some(previous)), ..content })
}

/// The latest issue that is archived, with its record's hash. All are asked for by their ids, which misses none.
///
/// # Errors
/// While one of them is being made: what it says is not known before it is archived.
async fn earlier(
    gather: &Gather<'_>,
    cancellation: &Cancellation,
    history: History<'_>,
) -> Result<Option<(EvidenceRecord, String)>, GatherError> {
    let mut refunds: Vec<&Payment> = money::refunds(cancellation).collect();
    refunds.sort_by(|one, other| if one.is_later_than(other) { Ordering::Less } else { Ordering::Greater });
    let revisions = refunds.into_iter().skip(1).map(revision).chain([Revision::Initial]);
    for revision in revisions.take(MOST_ISSUES) {
        let (shop, subject) = (&gather.item.shop, &gather.plan.subject);
        let id = CommunicationId::derive(shop, gather.plan.document, subject, &revision);
        let Some(entry) = history.entry(&id).await? else { continue };
        if matches!(entry.state, State::Claimed | State::Sending) {
            return Err(GatherError::not_yet("the letter before is still being made"));
        }
        let sha256 = entry.archived.as_ref().map(|archived| archived.record_sha256.clone());
        if let Some(found) = history.record(&entry).await?.zip(sha256) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn revision(last: &Payment) -> Revision {
    Revision::named(format!("{REVISION}{}", last.id.number()))
}

fn last_refund(cancellation: &Cancellation) -> Option<&Payment> {
    money::refunds(cancellation).reduce(|last, it| if it.is_later_than(last) { it } else { last })
}

/// The order of a refund or of its transaction.
async fn order_of(look_up: &LookUp<'_>) -> Result<Option<Gid>, GatherError> {
    #[derive(Deserialize)]
    struct Payload {
        #[serde(default)]
        order_id: Option<u64>,
    }
    // a payload that cannot be read is no answer: Shopify is asked
    let payload = look_up.payload.and_then(|payload| serde_json::from_str::<Payload>(payload).ok());
    if let Some(number) = payload.and_then(|payload| payload.order_id) {
        return Ok(Some(Gid::new("Order", number)));
    }
    let (subject, call) = (&look_up.item.subject, look_up.call());
    if subject.kind() == "Refund" {
        let refund = look_up.shopify.refund(call, subject).await?;
        return Ok(refund.map(|refund| refund.order));
    }
    let attempt = look_up.shopify.payment_attempt(call, subject).await?;
    Ok(attempt.and_then(|attempt| attempt.order).map(|order| order.id))
}

/// What went back or is on its way, as a letter tells it: how much to what. That it arrives is no news.
fn told(driver: &Value) -> Option<Vec<String>> {
    let refunds = driver.pointer("/money/refunds")?.as_array()?;
    let essence = |refund: &Value| {
        let said = ["amount", "method", "name", "last_digits"].map(|field| refund[field].to_string());
        said.join(" ")
    };
    let mut each: Vec<_> = refunds.iter().map(essence).collect();
    each.sort();
    Some(each)
}
