//! Payments of an order that failed.
//!
//! One letter a burst of attempts. A customer who mistypes a card three times and then pays wants no letter,
//! and one who gives up wants one: so an attempt is left alone for a while (`payment_failure_delay_minutes`),
//! and then is written about only if it is still the order's last word on paying. What counts as paid is the
//! order: nothing outstanding; or a later charge of at least the amount, because a gift card that covers a
//! part of an order pays nothing of what the card could not.

use crate::{
    Cause, Verdict, about_order, is_asked_for,
    letter::{Letterhead, MethodData, PayData},
    order, without_order,
};
use comms::{Gid, Money};
use driver::iso;
use flow::{Gather, GatherError, Gathered};
use jiff::{Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::Serialize;
use shop_config::ShopConfig;
use shopify::{
    Order,
    payment::{Payment, PaymentAttempt},
};

/// What a letter about a failed payment says.
#[derive(Clone, Serialize, JsonSchema)]
pub struct PaymentFailureMatter {
    payment: FailedPaymentData,
    /// Still to be paid for the order, in the shop's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    outstanding: Option<Money>,
    /// Where a subscription was billed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subscription: Option<SubscriptionData>,
    pay: PayData,
}

#[derive(Clone, Serialize, JsonSchema)]
pub(crate) struct FailedPaymentData {
    /// The transaction, or the attempt to bill a subscription.
    pub id: Gid,
    /// What failed: `sale`, `authorization`, `capture`, `emv_authorization`, or `billing` of a subscription.
    pub kind: String,
    /// When it failed.
    pub date: String,
    /// Absent where it is not known how much would have been charged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<MethodData>,
    /// Why, in Shopify's words, such as `expired_card`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    pub cause: Cause,
}

/// The subscription that was billed.
#[derive(Clone, Serialize, JsonSchema)]
pub(crate) struct SubscriptionData {
    pub contract: Gid,
    /// Such as `active`, `paused` or `failed`.
    pub status: String,
    /// When it will be billed again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_billing: Option<String>,
    pub items: Vec<ItemData>,
}

#[derive(Clone, Serialize, JsonSchema)]
pub(crate) struct ItemData {
    pub title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    pub quantity: u64,
}

pub async fn gather(gather: Gather<'_>) -> Result<Gathered, GatherError> {
    let fetched = gather.shopify.payment_attempt(gather.call(), &gather.plan.subject).await;
    let attempt = fetched.map_err(|error| GatherError::of(&error))?;
    let attempt = attempt.ok_or_else(|| GatherError::permanent("Shopify has no such transaction"))?;
    let Some(paid) = &attempt.order else { return without_order(&gather) };
    let verdict = judge(&attempt, gather.config, gather.now, is_asked_for(&gather));
    if let Some(end) = verdict.ends(&gather, Some(&paid.id))? {
        return Ok(end);
    }
    // after the payments: an order paid in between is seen here
    let order = order(&gather, &paid.id).await?;
    if let Some(end) = still_owed(&order).ends(&gather, Some(&order.id))? {
        return Ok(end);
    }
    let locale = gather.locale(&order.locales())?;
    let matter = PaymentFailureMatter::of_order(&Letterhead::of(&gather, &locale), &attempt, &order);
    let gathered = about_order(&gather, &order, locale, matter)?;
    Ok(match gathered {
        Gathered::Ready(mut content) => {
            content.test |= attempt.payment.test;
            Gathered::Ready(content)
        }
        other => other,
    })
}

/// Whether to write about an attempt, as far as the order's payments tell.
pub(crate) fn judge(
    attempt: &PaymentAttempt,
    config: &ShopConfig,
    now: Timestamp,
    asked_for: bool,
) -> Verdict {
    let payment = &attempt.payment;
    if !payment.is_charge() {
        return Verdict::NotNow("the transaction takes no payment");
    }
    if payment.succeeded() {
        return Verdict::Never("the payment succeeded after all");
    }
    if !payment.failed() {
        return Verdict::NotNow("the payment is not decided yet");
    }
    let all = attempt.order.iter().flat_map(|order| &order.payments);
    let mut later = all.filter(|other| other.is_charge() && other.is_later_than(payment));
    if later.clone().any(|other| other.succeeded() && covers(other, payment)) {
        return Verdict::Never("paid since");
    }
    if asked_for {
        return Verdict::Write;
    }
    if later.any(|other| !other.succeeded()) {
        return Verdict::Never("the payment was tried again since");
    }
    settled(payment.at, config, now)
}

/// Whether an attempt is old enough to be the last.
pub(crate) fn settled(at: Timestamp, config: &ShopConfig, now: Timestamp) -> Verdict {
    let minutes = i64::from(config.exceptions.payment_failure_delay_minutes);
    match at.checked_add(minutes.minutes()) {
        Ok(until) if minutes > 0 && until > now => Verdict::Wait(until),
        _ => Verdict::Write,
    }
}

/// Whether there is anything left to pay.
pub(crate) fn still_owed(order: &Order) -> Verdict {
    if order.cancelled_at.is_some() {
        Verdict::Never("the order is cancelled")
    } else if order.totals.outstanding.shop.amount() <= rust_decimal::Decimal::ZERO {
        Verdict::Never("paid since")
    } else {
        Verdict::Write
    }
}

/// Amounts are compared in the currency the customer saw, or else in the shop's, which all have in common.
fn covers(paid: &Payment, due: &Payment) -> bool {
    let (ours, theirs) = (paid.amount.presentment, due.amount.presentment);
    if ours.currency() == theirs.currency() {
        ours.amount() >= theirs.amount()
    } else {
        paid.amount.shop.amount() >= due.amount.shop.amount()
    }
}

impl PaymentFailureMatter {
    pub fn of_order(head: &Letterhead<'_>, attempt: &PaymentAttempt, order: &Order) -> Self {
        let payment = &attempt.payment;
        let url = attempt.order.as_ref().and_then(|order| order.pay_url.as_deref());
        Self {
            payment: FailedPaymentData {
                id: payment.id.clone(),
                kind: payment.kind.clone(),
                date: iso(payment.at, head.zone()),
                amount: Some(payment.amount.presentment),
                method: MethodData::new(&payment.method),
                error_code: payment.error_code.clone(),
                cause: Cause::of(payment.error_code.as_deref()),
            },
            outstanding: Some(order.totals.outstanding.shop),
            subscription: None,
            pay: PayData::new(head, url),
        }
    }

    pub(crate) fn of_subscription(
        head: &Letterhead<'_>,
        payment: FailedPaymentData,
        subscription: SubscriptionData,
    ) -> Self {
        let pay = PayData::new(head, None);
        Self { payment, outstanding: None, subscription: Some(subscription), pay }
    }
}
