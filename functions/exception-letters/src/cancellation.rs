//! Orders that were cancelled: why, what they were, and what becomes of the money.
//!
//! Sums are taken over the order's own payments, so they hold whatever was paid back before the cancellation.
//! The note of the staff about it is the staff's and is not read.

use crate::{
    Verdict, about_order,
    letter::{Letterhead, MethodData, day_after},
    order,
};
use comms::{CurrencyCode, InvalidMoney, Money};
use driver::iso;
use flow::{Gather, GatherError, Gathered};
use schemars::JsonSchema;
use serde::Serialize;
use shopify::{
    LineItem, Order,
    payment::{Cancellation, Payment},
};

/// What a letter about a cancelled order says.
#[derive(Clone, Serialize, JsonSchema)]
pub struct CancellationMatter {
    cancellation: CancellationData,
    /// What had been ordered.
    lines: Vec<LineData>,
    /// Of the whole order.
    total: Money,
    money: MoneyData,
}

#[derive(Clone, Serialize, JsonSchema)]
struct CancellationData {
    date: String,
    /// `customer`, `inventory`, `fraud`, `declined`, `staff`, `other`.
    reason: String,
}

#[derive(Clone, Serialize, JsonSchema)]
struct LineData {
    /// 1 for the first line.
    number: usize,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<String>,
    /// As ordered.
    quantity: u64,
    /// After discounts.
    total: Money,
}

/// What was paid and where it is. Without refunds, `paid` is `kept`.
#[derive(Clone, Serialize, JsonSchema)]
pub(crate) struct MoneyData {
    pub outcome: Outcome,
    pub paid: Money,
    /// Paid back.
    pub refunded: Money,
    /// On its way back.
    pub refund_pending: Money,
    /// Was reserved with a card, and is no more.
    pub released: Money,
    /// Is still reserved. The reservation lapses by itself.
    pub reserved: Money,
    /// Neither paid back nor on its way.
    pub kept: Money,
    pub refunds: Vec<RefundData>,
    /// The day by which what was paid back has arrived, such as `2026-12-06`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrives_by: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// Nothing had been paid or reserved.
    NothingCharged,
    /// What was reserved is released.
    Released,
    /// What was reserved lapses by itself.
    Reserved,
    Refunded,
    RefundPending,
    PartlyRefunded,
    NotRefunded,
}

#[derive(Clone, Serialize, JsonSchema)]
pub(crate) struct RefundData {
    date: String,
    amount: Money,
    /// Still on its way.
    pending: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<MethodData>,
}

pub async fn gather(gather: Gather<'_>) -> Result<Gathered, GatherError> {
    let fetched = gather.shopify.cancellation(gather.call(), &gather.plan.subject).await;
    let cancellation = fetched.map_err(|error| GatherError::of(&error))?;
    let cancellation = cancellation
        .ok_or_else(|| GatherError::permanent("Shopify has no such order, or keeps it from the app"))?;
    if let Some(end) = judge(&cancellation).ends(&gather, Some(&cancellation.order))? {
        return Ok(end);
    }
    let order = order(&gather, &cancellation.order).await?;
    let locale = gather.locale(&order.locales())?;
    let matter = CancellationMatter::new(&Letterhead::of(&gather, &locale), &cancellation, &order)
        .map_err(GatherError::permanent)?;
    about_order(&gather, &order, locale, matter)
}

pub(crate) fn judge(cancellation: &Cancellation) -> Verdict {
    match cancellation.cancelled_at {
        Some(_) => Verdict::Write,
        None => Verdict::NotNow("Shopify does not show the order as cancelled"),
    }
}

impl CancellationMatter {
    /// # Errors
    /// When amounts are too large to add up, or a line's are in different currencies.
    pub fn new(
        head: &Letterhead<'_>,
        cancellation: &Cancellation,
        order: &Order,
    ) -> Result<Self, InvalidMoney> {
        let lines = order.lines.iter().enumerate().map(|(index, line)| LineData::new(index + 1, line));
        Ok(Self {
            cancellation: CancellationData {
                date: iso(cancellation.cancelled_at.unwrap_or(head.now), head.zone()),
                reason: cancellation.reason.clone().unwrap_or_else(|| "other".to_owned()),
            },
            lines: lines.collect::<Result<_, _>>()?,
            total: order.totals.total.presentment,
            money: MoneyData::new(head, &cancellation.payments, order)?,
        })
    }
}

impl LineData {
    fn new(number: usize, line: &LineItem) -> Result<Self, InvalidMoney> {
        let discount = line.total_discount.presentment;
        Ok(Self {
            number,
            title: line.title.clone(),
            variant: line.variant.clone(),
            sku: line.sku.clone(),
            quantity: line.quantity,
            total: line.unit_price.presentment.checked_times(line.quantity)?.checked_sub(discount)?,
        })
    }
}

impl MoneyData {
    fn new(head: &Letterhead<'_>, payments: &[Payment], order: &Order) -> Result<Self, InvalidMoney> {
        // one order can have been paid in several currencies; then only the shop's can be added up
        let seen = order.presentment_currency;
        let mixed = payments.iter().any(|it| it.amount.presentment.currency() != seen);
        let sums = Sums { payments, currency: if mixed { order.currency } else { seen }, mixed };

        let change = sums.of(|it| it.succeeded() && it.kind == "change")?;
        let taken = sums.of(|it| it.succeeded() && matches!(it.kind.as_str(), "sale" | "capture"))?;
        let authorized = sums.of(|it| it.succeeded() && it.kind.ends_with("authorization"))?;
        let captured = sums.of(|it| it.succeeded() && it.kind == "capture")?;
        let released = sums.of(|it| it.succeeded() && it.kind == "void")?;
        let refunded = sums.of(|it| it.succeeded() && it.kind == "refund")?;
        let refund_pending = sums.of(is_pending_refund)?;
        let zero = Money::zero(sums.currency);
        let at_least_zero = |money: Money| if money.amount() > zero.amount() { money } else { zero };

        let paid = taken.checked_sub(change)?;
        let kept = at_least_zero(paid.checked_sub(refunded)?.checked_sub(refund_pending)?);
        let reserved = at_least_zero(authorized.checked_sub(captured)?.checked_sub(released)?);
        let refunds = payments.iter().filter(|it| is_refund(it));
        let last = refunds.clone().map(|it| it.at).max();
        let days = head.config.exceptions.refund_days;
        let money = Self {
            outcome: Outcome::NothingCharged,
            paid,
            refunded,
            refund_pending,
            released,
            reserved,
            kept,
            arrives_by: last.zip(days).and_then(|(at, days)| day_after(at, days, head.zone())),
            refunds: refunds.map(|refund| RefundData::new(head, refund)).collect(),
        };
        Ok(Self { outcome: money.outcome(), ..money })
    }

    fn outcome(&self) -> Outcome {
        let any = |money: Money| !money.amount().is_zero();
        match () {
            () if !any(self.paid) && any(self.released) => Outcome::Released,
            () if !any(self.paid) && any(self.reserved) => Outcome::Reserved,
            () if !any(self.paid) => Outcome::NothingCharged,
            () if !any(self.kept) && any(self.refund_pending) => Outcome::RefundPending,
            () if !any(self.kept) => Outcome::Refunded,
            () if any(self.refunded) || any(self.refund_pending) => Outcome::PartlyRefunded,
            () => Outcome::NotRefunded,
        }
    }
}

/// Adds up payments in one currency.
struct Sums<'a> {
    payments: &'a [Payment],
    currency: CurrencyCode,
    mixed: bool,
}

impl Sums<'_> {
    fn of(&self, which: fn(&Payment) -> bool) -> Result<Money, InvalidMoney> {
        let matching = self.payments.iter().filter(|payment| which(payment));
        matching.map(|payment| self.amount(payment)).try_fold(Money::zero(self.currency), Money::checked_add)
    }

    /// Of a void, what it released: its own amount is often none.
    fn amount(&self, payment: &Payment) -> Money {
        let parent = payment.parent_amount.filter(|_| payment.kind == "void");
        let amount = parent.unwrap_or(payment.amount);
        if self.mixed { amount.shop } else { amount.presentment }
    }
}

fn is_refund(payment: &Payment) -> bool {
    payment.kind == "refund" && (payment.succeeded() || is_pending_refund(payment))
}

fn is_pending_refund(payment: &Payment) -> bool {
    payment.kind == "refund" && matches!(payment.status.as_str(), "pending" | "awaiting_response")
}

impl RefundData {
    fn new(head: &Letterhead<'_>, refund: &Payment) -> Self {
        Self {
            date: iso(refund.at, head.zone()),
            amount: refund.amount.presentment,
            pending: !refund.succeeded(),
            method: MethodData::new(&refund.method),
        }
    }
}
