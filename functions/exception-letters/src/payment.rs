//! Payments of an order that failed.
//!
//! One letter a burst of attempts. A customer who mistypes a card three times and then pays wants no letter,
//! and one who gives up wants one: so an attempt is left alone for a while (`payment_failure_delay_minutes`),
//! and then is written about only if it is still the order's last word on paying. What counts as paid is the
//! order: nothing outstanding; or a later charge of at least the amount, because a gift card that covers a
//! part of an order pays nothing of what the card could not. A payment that is authorized asks for nothing, whatever
//! failed beside it: the shop can take it.

use crate::{
    Cause, about_order,
    letter::{Letter, Letterhead, MethodData, PayData},
    plan::{about, gives_back, order_named},
    subscription, without_order,
};
use comms::{Document, Gid, Money};
use driver::{day, iso};
use flow::{Content, Event, Gather, PlanError, Planned, Stop, Verdict};
use jiff::{Timestamp, ToSpan};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use shop_config::ShopConfig;
use shopify::{
    Order,
    payment::{Payment, PaymentAttempt},
};

pub const TOPICS: &[&str] = &["order_transactions/create", "subscription_billing_attempts/failure"];

pub const DOCUMENT: Document = Document::PaymentFailureLetter;

/// One for each transaction that takes money, and for each attempt to bill a subscription. Reads `kind` and `order_id`
/// of a transaction; without the kind, Shopify is asked. Of a subscription's attempt nothing: its payload names the
/// order of a success.
pub fn plan(event: &Event<'_>) -> Result<Planned, PlanError> {
    if event.topic() != "order_transactions/create" {
        return Ok(Planned::one(event.plan(DOCUMENT)));
    }
    Ok(match gives_back(event) {
        Some(false) => Planned::one(about(event, DOCUMENT, order_named(event))),
        Some(true) => Planned::none(),
        None => Planned::AskShopify,
    })
}

/// The published JSON Schema of the driver data.
pub fn schema() -> serde_json::Value {
    driver::json_schema::<Letter<PaymentFailureMatter>>(DOCUMENT)
}

/// What a letter about a failed payment says.
#[derive(Clone, Serialize, JsonSchema)]
pub struct PaymentFailureMatter {
    /// The payment that failed.
    payment: FailedPaymentData,
    /// Still to be paid for the order: neither paid nor authorized. Absent where a subscription was billed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "payment"))]
    outstanding: Option<Money>,
    /// The subscription that was billed. Absent where an order was to be paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subscription: Option<SubscriptionData>,
    /// How to pay for the order. Absent where a subscription was billed: it is billed again by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pay: Option<PayData>,
}

#[derive(Clone, Serialize, JsonSchema)]
pub(crate) struct FailedPaymentData {
    /// The transaction, or the attempt to bill a subscription.
    pub id: Gid,
    /// What failed: `sale`, `authorization`, `capture`, `emv_authorization`, or `billing` of a subscription.
    #[schemars(example = &"sale")]
    pub kind: String,
    /// When it failed.
    pub date: String,
    /// The day on which it failed.
    pub date_on: String,
    /// Absent where it is not known how much would have been charged.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "payment"))]
    pub amount: Option<Money>,
    /// With what it was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<MethodData>,
    /// Why, by what the customer can do about it.
    pub cause: Cause,
}

/// The subscription that was billed.
#[derive(Clone, Serialize, JsonSchema)]
pub(crate) struct SubscriptionData {
    /// The contract.
    pub contract: Gid,
    /// Such as `active`, `paused` or `failed`.
    #[schemars(example = &"active")]
    pub status: String,
    /// When this payment is tried again. Absent where nobody can tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"2026-11-25T07:00:00+01:00")]
    pub next_try: Option<String>,
    /// The day on which this payment is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"2026-11-25")]
    pub next_try_on: Option<String>,
    /// When the contract is billed next, as Shopify has it: for its next period, unless the app moved the date to
    /// try this payment again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"2026-12-22T07:00:00+01:00")]
    pub next_billing: Option<String>,
    /// The day on which the contract is billed next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_billing_on: Option<String>,
    /// What the subscription is for.
    pub items: Vec<ItemData>,
    /// How to change the card or account that is charged.
    pub change_card: ChangeCardData,
}

/// How the customer can change what a subscription is paid with.
#[derive(Clone, Serialize, JsonSchema)]
pub(crate) struct ChangeCardData {
    /// Where to change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// How to change it otherwise, in the letter's language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
}

#[derive(Clone, Serialize, JsonSchema)]
pub(crate) struct ItemData {
    /// The product's name.
    pub title: String,
    /// The variant's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// How many.
    pub quantity: u64,
}

pub async fn gather(gather: &Gather<'_>) -> Result<Content, Stop> {
    if gather.plan.subject.kind() == "SubscriptionBillingAttempt" {
        return subscription::gather(gather).await;
    }
    let asked = gather.shopify.payment_attempt(gather.call(), &gather.plan.subject).await;
    let attempt = gather.found("transaction", asked).await?;
    let Some(paid) = &attempt.order else { return Err(without_order(gather).await) };
    judge(&attempt, gather.config, gather.now, gather.is_asked_for()).or_stop(gather, Some(&paid.id))?;
    // after the payments: an order paid in between is seen here
    let order = gather.order(&paid.id).await?;
    still_owed(&order).or_stop(gather, Some(&order.id))?;
    let locale = gather.locale(&order.locales())?;
    let matter = PaymentFailureMatter::of_order(&Letterhead::of(gather, &locale), &attempt, &order);
    let content = about_order(gather, &order, locale, matter)?;
    Ok(Content { test: content.test || attempt.payment.test, ..content })
}

/// Whether to write about an attempt, as far as the order's payments tell.
fn judge(attempt: &PaymentAttempt, config: &ShopConfig, now: Timestamp, asked_for: bool) -> Verdict {
    let payment = &attempt.payment;
    if !payment.is_charge() {
        return Verdict::NotDue("the transaction takes no payment");
    }
    if payment.succeeded() {
        return Verdict::Suppress("the payment succeeded after all");
    }
    if !payment.failed() {
        return Verdict::NotDue("the payment is not decided yet");
    }
    let all = attempt.order.iter().flat_map(|order| &order.payments);
    let mut later = all.filter(|other| other.is_charge() && other.is_later_than(payment));
    if later.clone().any(|other| other.succeeded() && covers(other, payment)) {
        return Verdict::Suppress("paid since");
    }
    if asked_for {
        return Verdict::Write;
    }
    if later.any(|other| !other.succeeded()) {
        return Verdict::Suppress("the payment was tried again since");
    }
    settled(payment.at, config, now)
}

/// Whether an attempt is old enough to be the last.
pub(crate) fn settled(at: Timestamp, config: &ShopConfig, now: Timestamp) -> Verdict {
    let minutes = i64::from(config.exceptions.payment_failure_delay_minutes);
    match at.checked_add(minutes.minutes()) {
        Ok(until) if minutes > 0 && until > now => {
            Verdict::WaitUntil(until, "the customer may be trying again")
        }
        _ => Verdict::Write,
    }
}

/// Whether there is anything left to pay. What is authorized is the shop's to take.
pub(crate) fn still_owed(order: &Order) -> Verdict {
    let zero = Decimal::ZERO;
    if order.cancelled_at.is_some() {
        Verdict::Suppress("the order is cancelled")
    } else if order.totals.outstanding.shop.amount() <= zero {
        Verdict::Suppress("paid since")
    } else if owed(order).amount() <= zero {
        Verdict::Suppress("the payment is authorized")
    } else {
        Verdict::Write
    }
}

/// Neither paid nor authorized, in the currency the customer saw.
pub(crate) fn owed(order: &Order) -> Money {
    let totals = &order.totals;
    let outstanding = totals.outstanding.presentment.unwrap_or(totals.outstanding.shop);
    let authorized = totals.capturable.map(|bag| bag.presentment);
    authorized.and_then(|it| outstanding.checked_sub(it).ok()).unwrap_or(outstanding)
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
                date_on: day(payment.at, head.zone()),
                amount: Some(payment.amount.presentment),
                method: MethodData::new(&payment.method),
                cause: Cause::of(payment.error_code.as_deref()),
            },
            outstanding: Some(owed(order)),
            subscription: None,
            pay: Some(PayData::new(head, url)),
        }
    }

    pub(crate) fn of_subscription(payment: FailedPaymentData, subscription: SubscriptionData) -> Self {
        Self { payment, outstanding: None, subscription: Some(subscription), pay: None }
    }
}
