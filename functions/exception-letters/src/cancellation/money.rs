//! What a cancelled order's payments amount to, and what becomes of them. Sums are taken over the order's own
//! payments, so they hold whatever was paid back before the cancellation.

use super::begun;
use crate::letter::{Letterhead, day_after};
use comms::{CurrencyCode, InvalidMoney, Money};
use driver::PaymentData;
use schemars::JsonSchema;
use serde::Serialize;
use shopify::{
    MethodKind, Order,
    payment::{Cancellation, Payment},
};

/// What was paid and where it is: what is refunded, pending and kept or undecided makes up what was paid.
#[derive(Clone, Serialize, JsonSchema)]
pub(crate) struct MoneyData {
    /// What becomes of it as a whole.
    pub outcome: Outcome,
    /// Received for the order, less change.
    #[schemars(extend("x-tax" = "payment"))]
    pub paid: Money,
    /// Paid back.
    #[schemars(extend("x-tax" = "payment"))]
    pub refunded: Money,
    /// On its way back.
    #[schemars(extend("x-tax" = "payment"))]
    pub refund_pending: Money,
    /// Was reserved with a card, and is no more.
    #[schemars(extend("x-tax" = "payment"))]
    pub released: Money,
    /// Is still reserved. The reservation lapses by itself.
    #[schemars(extend("x-tax" = "payment"))]
    pub reserved: Money,
    /// Neither paid back nor on its way: what the shop keeps. Absent where that is not decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "payment"))]
    pub kept: Option<Money>,
    /// Neither paid back nor on its way, and nothing has been decided about it. A further issue of this letter follows
    /// when it is paid back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "payment"))]
    pub undecided: Option<Money>,
    /// Paid back beyond what was paid. Absent where nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "payment"))]
    pub beyond: Option<Money>,
    /// What was received, by payment.
    pub payments: Vec<PaymentData>,
    /// What went back or is on its way, by payment.
    pub refunds: Vec<RefundData>,
    /// The day by which all that was paid back has arrived. Absent where it has arrived already (cash, gift cards,
    /// store credit), and while a refund is still pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"2026-12-06")]
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
    /// All is paid back.
    Refunded,
    /// All is paid back or on its way.
    RefundPending,
    /// With the cancellation or after it, a part was paid back or put on its way.
    PartlyRefunded,
    /// Nothing has been paid back since the cancellation, and nobody has said that nothing will be.
    NotDecided,
}

#[derive(Clone, Serialize, JsonSchema)]
pub(crate) struct RefundData {
    #[serde(flatten)]
    payment: PaymentData,
    /// Still on its way.
    pending: bool,
    /// The day by which it has arrived. Absent where it has arrived already, and while it is pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"2026-12-06")]
    arrives_by: Option<String>,
}

/// Whether it is open what becomes of the money: something that was paid is neither paid back nor on its way, or
/// something is still reserved.
pub(super) fn is_open(cancellation: &Cancellation) -> bool {
    let Some(first) = cancellation.payments.first() else { return false };
    let currency = (first.amount.presentment.currency(), first.amount.shop.currency());
    // what cannot be added up is not waited for: the letter will say so
    Sums::of(cancellation, currency).is_ok_and(|sums| {
        !sums.left.amount().is_zero() || (sums.paid.amount().is_zero() && !sums.reserved.amount().is_zero())
    })
}

/// Money of the order that went back or is on its way.
pub(super) fn refunds(cancellation: &Cancellation) -> impl Iterator<Item = &Payment> + Clone {
    cancellation.payments.iter().filter(|it| is_refund(it))
}

struct Sums {
    paid: Money,
    refunded: Money,
    refund_pending: Money,
    released: Money,
    reserved: Money,
    /// Neither paid back nor on its way.
    left: Money,
    beyond: Money,
}

impl Sums {
    /// `currency`: the one the customer saw, and the shop's.
    fn of(cancellation: &Cancellation, currency: (CurrencyCode, CurrencyCode)) -> Result<Self, InvalidMoney> {
        let payments = &cancellation.payments;
        // one order can have been paid in several currencies; then only the shop's can be added up
        let mixed = payments.iter().any(|it| it.amount.presentment.currency() != currency.0);
        let zero = Money::zero(if mixed { currency.1 } else { currency.0 });
        let sum = |which: fn(&Payment) -> bool| {
            let matching = payments.iter().filter(|payment| which(payment));
            matching.map(|payment| amount(payment, mixed)).try_fold(zero, Money::checked_add)
        };
        let change = sum(|it| it.succeeded() && it.kind == "change")?;
        let taken = sum(is_received)?;
        let authorized = sum(|it| it.succeeded() && it.kind.ends_with("authorization"))?;
        let captured = sum(|it| it.succeeded() && it.kind == "capture")?;
        let released = sum(|it| it.succeeded() && it.kind == "void")?;
        let refunded = sum(|it| it.succeeded() && it.kind == "refund")?;
        let refund_pending = sum(is_pending_refund)?;
        let at_least_zero = |money: Money| if money.amount() > zero.amount() { money } else { zero };
        let paid = taken.checked_sub(change)?;
        let back = refunded.checked_add(refund_pending)?;
        Ok(Self {
            paid,
            refunded,
            refund_pending,
            released,
            reserved: at_least_zero(authorized.checked_sub(captured)?.checked_sub(released)?),
            left: at_least_zero(paid.checked_sub(back)?),
            beyond: at_least_zero(back.checked_sub(paid)?),
        })
    }

    /// `decided`: something went back with the cancellation or after it.
    fn outcome(&self, decided: bool) -> Outcome {
        let any = |money: Money| !money.amount().is_zero();
        match () {
            () if !any(self.paid) && any(self.released) => Outcome::Released,
            () if !any(self.paid) && any(self.reserved) => Outcome::Reserved,
            () if !any(self.paid) => Outcome::NothingCharged,
            () if !any(self.left) && any(self.refund_pending) => Outcome::RefundPending,
            () if !any(self.left) => Outcome::Refunded,
            () if decided => Outcome::PartlyRefunded,
            () => Outcome::NotDecided,
        }
    }
}

impl MoneyData {
    /// # Errors
    /// When amounts are too large to add up.
    pub fn new(
        head: &Letterhead<'_>,
        cancellation: &Cancellation,
        order: &Order,
    ) -> Result<Self, InvalidMoney> {
        let sums = Sums::of(cancellation, (order.presentment_currency, order.currency))?;
        let begun = begun(cancellation);
        let outcome = sums.outcome(refunds(cancellation).any(|it| Some(it.at) >= begun));
        let refunds: Vec<_> = refunds(cancellation).map(|refund| RefundData::new(head, refund)).collect();
        let pending = refunds.iter().any(|refund| refund.pending);
        let received = cancellation.payments.iter().filter(|it| is_received(it));
        Ok(Self {
            outcome,
            paid: sums.paid,
            refunded: sums.refunded,
            refund_pending: sums.refund_pending,
            released: sums.released,
            reserved: sums.reserved,
            kept: (outcome != Outcome::NotDecided).then_some(sums.left),
            undecided: (outcome == Outcome::NotDecided).then_some(sums.left),
            beyond: (!sums.beyond.amount().is_zero()).then_some(sums.beyond),
            payments: received.map(|it| payment(head, it)).collect(),
            // days of one form: the latest is the greatest
            arrives_by: refunds.iter().filter(|_| !pending).filter_map(|it| it.arrives_by.clone()).max(),
            refunds,
        })
    }
}

/// Of a void, what it released: its own amount is often none.
fn amount(payment: &Payment, mixed: bool) -> Money {
    let parent = payment.parent_amount.filter(|_| payment.kind == "void");
    let amount = parent.unwrap_or(payment.amount);
    if mixed { amount.shop } else { amount.presentment }
}

fn is_received(payment: &Payment) -> bool {
    payment.succeeded() && matches!(payment.kind.as_str(), "sale" | "capture")
}

fn is_refund(payment: &Payment) -> bool {
    payment.kind == "refund" && (payment.succeeded() || is_pending_refund(payment))
}

fn is_pending_refund(payment: &Payment) -> bool {
    payment.kind == "refund" && matches!(payment.status.as_str(), "pending" | "awaiting_response")
}

fn payment(head: &Letterhead<'_>, payment: &Payment) -> PaymentData {
    PaymentData::new(&payment.method, payment.amount.presentment, payment.at, head.zone())
}

impl RefundData {
    fn new(head: &Letterhead<'_>, refund: &Payment) -> Self {
        // of what the shop pays by hand, nobody knows when it does
        let travels = matches!(refund.method.kind(), MethodKind::Card | MethodKind::Other);
        let days = head.config.exceptions.refund_days.filter(|_| travels && refund.succeeded());
        Self {
            payment: payment(head, refund),
            pending: !refund.succeeded(),
            arrives_by: days.and_then(|days| day_after(refund.at, days, head.zone())),
        }
    }
}
