//! What a return's status means for its letters, and how they are gathered.

use crate::return_letter::ReturnData;
use flow::{Content, Gather, GatherError, Stop, Verdict};
use shopify::returns::{Return, ReturnStatus};

/// The letter about the plan's return, if it may be written.
pub async fn letter(
    gather: &Gather<'_>,
    judge: impl FnOnce(&Gather<'_>, &Return) -> Verdict,
) -> Result<Content, Stop> {
    let found = gather.shopify.return_(gather.call(), &gather.plan.subject).await;
    let found = gather.found("return", found).await?;
    if found.status == ReturnStatus::Unknown {
        return Err(GatherError::unusable("the return is in a state that this release does not know").into());
    }
    judge(gather, &found).or_stop(gather, Some(&found.order))?;
    let order = gather.order(&found.order).await?;
    let locale = gather.locale(&order.locales())?;
    let data =
        ReturnData::new(&found, &order, gather.plan.document, gather.communication, &locale, gather.config)
            .map_err(GatherError::unusable)?;
    Ok(Content::about_order(gather, &order, locale, &data)?)
}

/// Whether a letter may be written that belongs to an open return.
pub fn judge_open(gather: &Gather<'_>, found: &Return) -> Verdict {
    // a request's event says nothing of an approval
    let approved = gather.item.trigger.topic != "returns/request" || found.approved_at.is_some();
    match found.status {
        ReturnStatus::Open | ReturnStatus::Unknown => Verdict::Write,
        ReturnStatus::Requested => Verdict::NotDue("the return is not approved yet"),
        ReturnStatus::Declined => Verdict::NotDue("the return is declined"),
        ReturnStatus::Canceled if approved => Verdict::Suppress("the return is cancelled"),
        ReturnStatus::Closed if approved => Verdict::Suppress("the return is closed"),
        ReturnStatus::Canceled | ReturnStatus::Closed => Verdict::NotDue("the return was never approved"),
    }
}
