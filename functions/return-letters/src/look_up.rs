//! What only Shopify knows: the refunds of a transaction, and the labels of a return.

use crate::{
    label::{self, Address},
    refund_confirmation::PAYMENTS_FOLLOW,
    return_instructions::ATTACHED,
    subject::{first, ids},
};
use comms::{Class, Document, Gid};
use flow::{GatherError, LookUp, Plan};
use shopify::returns::{ReturnLabels, ReturnStatus};

/// All letters of an item of which the event does not say what it leads to.
pub async fn plans(look_up: LookUp<'_>) -> Result<Vec<Plan>, GatherError> {
    match look_up.item.trigger.topic.as_str() {
        "order_transactions/create" => refunds(&look_up).await,
        _ => letters(&look_up).await,
    }
}

async fn refunds(look_up: &LookUp<'_>) -> Result<Vec<Plan>, GatherError> {
    let item = look_up.item;
    ids(look_up.payload)?;
    let found = look_up.shopify.refunds_of(look_up.call(), &item.subject).await?;
    let Some(found) = found else { return Err(look_up.absent("transaction").await) };
    // later than that, money was paid back without a refund, and no letter follows
    let age = item.trigger.triggered_at.map(|at| look_up.now.duration_since(at));
    if found.refunds.is_empty() && age.is_some_and(|age| age < PAYMENTS_FOLLOW) {
        return Err(GatherError::not_yet("the transaction belongs to no refund yet"));
    }
    let plan = |refund| first(Document::RefundConfirmation, refund, Some(&found.order), look_up.config);
    Ok(found.refunds.iter().map(plan).collect())
}

/// The authorization and the instructions of a return, as far as they are due.
async fn letters(look_up: &LookUp<'_>) -> Result<Vec<Plan>, GatherError> {
    let item = look_up.item;
    let ids = ids(look_up.payload)?;
    let attached = item.trigger.topic == ATTACHED;
    let subject = match (attached, ids.r#return) {
        (false, _) => item.subject.clone(),
        (true, Some(id)) => id,
        (true, None) => return Err(GatherError::permanent("the payload names no return")),
    };
    let found = labels_of(look_up, &subject).await?;
    let order = found.as_ref().map(|(found, _)| &found.order).or(ids.order.as_ref());
    let (labels, address) = match &found {
        Some((found, address)) => (found.labels.as_slice(), *address),
        None => (&[][..], Address::Whole),
    };
    let mut plans = Vec::with_capacity(2);
    if !attached {
        plans.push(first(Document::ReturnAuthorization, &subject, order, look_up.config));
    }
    let wait = attached || look_up.config.returns.wait_for_label;
    if !(wait && labels.is_empty()) {
        let instructions = first(Document::ReturnInstructions, &subject, order, look_up.config);
        plans.push(Plan { revision: label::revision(labels, address), ..instructions });
    }
    // not for a request that waits for an answer, nor for a label of a return that has ended
    let is_open = |status| matches!(status, ReturnStatus::Open | ReturnStatus::Unknown);
    let open = found.is_none_or(|(found, _)| is_open(found.status));
    Ok(if open || item.trigger.topic == "returns/approve" { plans } else { vec![] })
}

/// The labels of a return, and how much of their addresses counts. Where the query of an address could tell labels
/// apart, they are read twice: a query that differs at every read does not count. `None` of a return that was deleted:
/// the documents themselves then say so.
async fn labels_of(look_up: &LookUp<'_>, id: &Gid) -> Result<Option<(ReturnLabels, Address)>, GatherError> {
    let read = async || look_up.shopify.return_labels(look_up.call(), id).await;
    let Some(found) = read().await? else {
        let absent = look_up.absent("return").await;
        return if absent.class == Class::Permanent { Ok(None) } else { Err(absent) };
    };
    if !label::has_query(&found.labels) {
        return Ok(Some((found, Address::Whole)));
    }
    let again = read().await?;
    let again = again.ok_or_else(|| GatherError::not_yet("the return was deleted while it was read"))?;
    let same = |address| label::revision(&found.labels, address) == label::revision(&again.labels, address);
    let address = if !same(Address::Whole) && same(Address::Path) { Address::Path } else { Address::Whole };
    Ok(Some((again, address)))
}
