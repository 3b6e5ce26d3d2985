//! Refund confirmations: what was paid back, once all of it was.

use crate::{
    refund::{About, RefundData},
    settlement::{self, Attempts, Settlement},
    subject::{first, ids_of},
};
use comms::{Document, Gid};
use flow::{Content, Event, Gather, GatherError, PlanError, Planned, Stop, Verdict};
use jiff::{SignedDuration, Timestamp};
use shopify::returns::{Refund, Return};

const DOCUMENT: Document = Document::RefundConfirmation;

pub const TOPICS: &[&str] = &["refunds/create", "order_transactions/create"];

/// After this long, a refund without a payment is one that pays nothing back.
pub const PAYMENTS_FOLLOW: SignedDuration = SignedDuration::from_hours(1);

pub fn plan(event: &Event<'_>) -> Result<Planned, PlanError> {
    if event.topic() == "order_transactions/create" {
        ids_of(event, "OrderTransaction")?;
        return Ok(Planned::AskShopify);
    }
    let ids = ids_of(event, "Refund")?;
    Ok(Planned::one(first(DOCUMENT, &event.item.subject, ids.order.as_ref(), event.config)))
}

pub fn schema() -> serde_json::Value {
    driver::json_schema::<RefundData>(DOCUMENT)
}

pub async fn gather(gather: &Gather<'_>) -> Result<Content, Stop> {
    let refund = gather.shopify.refund(gather.call(), &gather.plan.subject).await;
    let refund = gather.found("refund", refund).await?;
    let payments = match Attempts::of(&refund).settlement() {
        Settlement::Paid(payments) => payments,
        Settlement::Waiting(reason) => return Err(Stop::not_due(reason)),
    };
    judge(&refund, payments.is_empty(), gather.now).or_stop(gather, Some(&refund.order))?;
    let part_of = match &refund.r#return {
        Some(id) => {
            let found = gather.shopify.return_(gather.call(), id).await;
            Some(gather.found("return", found).await?)
        }
        None => None,
    };
    let earlier = match &part_of {
        Some(part_of) => earlier_refunds(gather, part_of, &refund).await?,
        None => Vec::new(),
    };
    let order = gather.order(&refund.order).await?;
    let locale = gather.locale(&order.locales())?;
    let about = About {
        refund: &refund,
        part_of: part_of.as_ref(),
        earlier: &earlier,
        payments: &payments,
        order: &order,
    };
    let data = RefundData::new(about, gather.communication, &locale, gather.config)
        .map_err(|error| GatherError::unusable(format!("the refund's amounts: {error}")))?;
    let test = order.test || payments.iter().any(|payment| payment.test);
    Ok(Content { test, ..Content::about_order(gather, &order, locale, &data)? })
}

/// Whether a refund whose payments have all succeeded may be confirmed.
fn judge(refund: &Refund, unpaid: bool, now: Timestamp) -> Verdict {
    // the refund comes before its payments, which may not be on record yet
    if unpaid && now.duration_since(refund.processed_at) < PAYMENTS_FOLLOW {
        return Verdict::NotDue("no payment of the refund is on record yet");
    }
    // Taking something out of an order that was never paid is a refund to Shopify, and none to the customer. An
    // exchange may be even: then the letter says what was given back for what.
    match (unpaid, refund.lines.is_empty()) {
        (_, true) if settlement::is_zero(refund) => Verdict::Suppress("nothing was refunded"),
        (true, false) if refund.r#return.is_none() => Verdict::Suppress("no money was paid back"),
        _ => Verdict::Write,
    }
}

/// The refunds of the return that were made before this one, in their order: what they bear of the return's costs, this
/// one does not. What they pay is as good as known once their payments are on record.
async fn earlier_refunds(
    gather: &Gather<'_>,
    part_of: &Return,
    refund: &Refund,
) -> Result<Vec<Refund>, GatherError> {
    let place = |at: Timestamp, id: &Gid| (at, id.number().parse::<u64>().unwrap_or_default());
    let mut before: Vec<_> =
        part_of.refunds.iter().map(|it| (place(it.created_at, &it.id), &it.id)).collect();
    before.retain(|(at, id)| *at < place(refund.created_at, &refund.id) && **id != refund.id);
    before.sort();
    let mut earlier = Vec::with_capacity(before.len());
    for (_, id) in before {
        let found = gather.found("refund", gather.shopify.refund(gather.call(), id).await).await?;
        let age = gather.now.duration_since(found.processed_at);
        if Attempts::of(&found).meant().is_empty() && age < PAYMENTS_FOLLOW {
            return Err(GatherError::not_yet(
                "no payment of an earlier refund of the return is on record yet",
            ));
        }
        earlier.push(found);
    }
    Ok(earlier)
}
