//! Which order a document says: the event's, Shopify's, or the event's with what Shopify knows beyond it.
//!
//! Promises that a document never mixes two states of an order, that a payload that cannot be read leads to a
//! question and not to a failure, and that a payload that says enough leads to a document even where Shopify
//! cannot be asked: at once if all that is missing is a language or a picture, and otherwise an hour after the
//! event. Nothing here changes anything.

use crate::data::State;
use comms::{Document, Gid, Money};
use flow::{Gather, GatherError};
use shopify::{FinancialStatus, Malformed, Order, OrderTransaction, TransactionKind};
use std::collections::HashMap;

/// The order that a document says, and in which of its states.
pub(crate) struct Source {
    pub order: Order,
    pub state: State,
}

/// # Errors
/// When Shopify has to be asked and cannot be, does not have the order yet, or has one that cannot be read.
pub(crate) async fn of(gather: &Gather<'_>) -> Result<Source, GatherError> {
    let source = told_or_fetched(gather).await?;
    if source.order.id != gather.item.subject {
        return Err(GatherError::unusable("Shopify answered with another order than it was asked for"));
    }
    Ok(source)
}

async fn told_or_fetched(gather: &Gather<'_>) -> Result<Source, GatherError> {
    let receipt = gather.plan.document == Document::Receipt;
    let told = gather.payload.filter(|_| gather.item.trigger.topic != "orders/edited");
    let told = told.map(|payload| Order::from_webhook(payload.as_bytes()));
    match told.filter(|told| told.as_ref().map_or(true, |order| order.id == gather.item.subject)) {
        Some(Ok(told)) if receipt => receipt_of(gather, told).await,
        Some(Ok(told)) => confirmation_of(gather, told).await,
        unread => {
            let edited = gather.item.trigger.topic == "orders/edited";
            let order = match (fetched(gather).await?, unread) {
                (Some(order), _) => order,
                (None, Some(Err(problem))) => return Err(absent(gather, problem).await),
                (None, _) => return Err(gather.absent("order").await),
            };
            let state = if receipt || edited { State::Current } else { first_state(&order) };
            Ok(Source { order, state })
        }
    }
}

async fn fetched(gather: &Gather<'_>) -> Result<Option<Order>, GatherError> {
    Ok(gather.shopify.order(gather.call(), &gather.item.subject).await?)
}

/// Shopify has no order, and the payload says none: whatever the reason, another release may read the payload.
async fn absent(gather: &Gather<'_>, problem: Malformed) -> GatherError {
    let absent = gather.absent("order").await;
    GatherError::unusable(format!("the payload cannot be read ({problem}), and {}", absent.reason))
}

/// What Shopify has in addition to the payload, where that is needed: after an hour without.
async fn needed(gather: &Gather<'_>) -> Result<Option<Order>, GatherError> {
    match fetched(gather).await {
        Ok(None) if gather.is_recent() => Err(gather.absent("order").await),
        Err(error) if gather.is_recent() => Err(error),
        found => Ok(found.ok().flatten()),
    }
}

/// An order as it was placed, which the event says; an edit since then is none of its business.
async fn confirmation_of(gather: &Gather<'_>, mut told: Order) -> Result<Source, GatherError> {
    let nobody = driver::email(&told).is_none();
    let money = !knows_its_money(&told);
    let wanted = gather.config.document(gather.plan.document).is_some_and(|settings| settings.pictures);
    let found = if nobody || money {
        needed(gather).await?
    } else if wanted || told.locale.is_none() {
        fetched(gather).await.ok().flatten()
    } else {
        None
    };
    if let Some(found) = found {
        complete(&mut told, found);
    }
    Ok(Source { order: told, state: State::Placed })
}

/// A receipt lists the payments, which only Shopify knows. They belong to the event's order as long as they are
/// what it says was received; otherwise the order has changed since, and the receipt is about it as it is now.
async fn receipt_of(gather: &Gather<'_>, mut told: Order) -> Result<Source, GatherError> {
    let Some(mut found) = needed(gather).await? else {
        return Ok(Source { order: told, state: State::Current });
    };
    let payments = found.payments.take().unwrap_or_default();
    let until: Vec<_> = payments.iter().filter(|it| it.at <= told.updated_at).cloned().collect();
    let belong = [&payments, &until].into_iter().find(|some| are_the_payments_of(some, &told)).cloned();
    if payments.is_empty() || belong.is_some() {
        complete(&mut told, found);
        told.payments = belong;
        return Ok(Source { order: told, state: State::Current });
    }
    found.payments = Some(payments);
    Ok(Source { order: found, state: State::Current })
}

/// The state a confirmation of the fetched order shows. Units taken off since still count as placed; one that
/// was edited to something dearer cannot be told from what was placed, and is shown as it is.
fn first_state(order: &Order) -> State {
    let same = order.totals.first_total.is_none_or(|first| first == order.totals.total);
    if same { State::Placed } else { State::Current }
}

/// Whether the event says what was paid and what is reserved, in the currency the customer saw.
fn knows_its_money(order: &Order) -> bool {
    let totals = &order.totals;
    let seen = [totals.outstanding, totals.received, totals.tip].iter().all(|it| it.presentment.is_some());
    seen && (totals.capturable.is_some() || order.financial_status != FinancialStatus::PartiallyPaid)
}

fn are_the_payments_of(payments: &[OrderTransaction], order: &Order) -> bool {
    let Some(received) = order.totals.received.presentment else { return false };
    let mut moved = payments.iter().filter(|it| it.succeeded());
    let sum = moved.try_fold(Money::zero(received.currency()), |sum, it| match it.kind {
        TransactionKind::Sale | TransactionKind::Capture => sum.checked_add(it.amount.presentment),
        TransactionKind::Change => sum.checked_sub(it.amount.presentment),
        _ => Ok(sum),
    });
    sum.is_ok_and(|sum| sum == received)
}

/// Adds to the event's order what is true of it in any state: who ordered, in which language, and what the
/// articles look like. Money only where the two agree about it in the shop's currency.
fn complete(told: &mut Order, found: Order) {
    told.locale = told.locale.take().or(found.locale);
    told.email = told.email.take().or(found.email);
    told.phone = told.phone.take().or(found.phone);
    told.customer = match (told.customer.take(), found.customer) {
        (Some(mut known), Some(customer)) if known.id == customer.id => {
            known.locale = known.locale.or(customer.locale);
            known.email = known.email.or(customer.email);
            known.first_name = known.first_name.or(customer.first_name);
            known.last_name = known.last_name.or(customer.last_name);
            Some(known)
        }
        (known, customer) => known.or(customer),
    };
    if told.billing_address.is_none() && told.shipping_address.is_none() {
        (told.billing_address, told.shipping_address) = (found.billing_address, found.shipping_address);
    }
    let mut articles: HashMap<Gid, _> = found.lines.into_iter().map(|line| (line.id.clone(), line)).collect();
    for line in &mut told.lines {
        if let Some(found) = articles.remove(&line.id) {
            line.image_url = found.image_url;
            line.product_url = found.product_url;
            line.bundle = line.bundle.take().or(found.bundle);
            line.tip |= found.tip;
        }
    }
    let (ours, theirs) = (&mut told.totals, found.totals);
    if ours.outstanding.shop == theirs.outstanding.shop && ours.current_total == theirs.current_total {
        (ours.outstanding, ours.received, ours.refunded) =
            (theirs.outstanding, theirs.received, theirs.refunded);
        ours.capturable = theirs.capturable;
        ours.tip = theirs.tip;
        if told.additional_fees.is_empty() {
            told.additional_fees = found.additional_fees;
        }
    }
}
