//! From an order to the entries it makes in its account. Pure: no I/O, no clock.
//!
//! An order's entries add up to what Shopify says is outstanding on it, at the time of the query, and no amount
//! is counted twice:
//!
//! | entry | amount | day |
//! | --- | --- | --- |
//! | invoice | all that was ever ordered, edits included | when the order was placed |
//! | payment | a successful sale or capture | when it was processed |
//! | refund | money that went back | when it was processed |
//! | credit | what was returned, removed, cancelled or forgiven, with or without money | see below |
//! | adjustment | what Shopify's outstanding amount says beyond all of these | the order's latest entry |
//!
//! Shopify tells the credits of an order as one sum. It is spread over the order's refunds: to each as much as
//! money went back with it; the rest to the cancellation, else to the last refund without money, else to the
//! last refund, else to the order's own day. So an order from which something was taken off twice without money,
//! in two months, shows both in the second, and begins that month with the balance from before the first.
//! Additions by an edit have no date in a bulk query and count as of the day of the order. Both change on which
//! day an amount is listed, never the closing balance.

use comms::{CurrencyCode, InvalidMoney, Money};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use shopify::account::{AccountOrder, Transaction, TransactionKind, TransactionStatus};

/// What an entry is. In the order in which entries of one moment are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// What was ordered: raises the balance.
    Invoice,
    /// What was returned, removed or cancelled, or given back beyond that: lowers the balance.
    Credit,
    /// Lowers the balance.
    Payment,
    /// Money paid back: raises the balance.
    Refund,
    /// What Shopify's own sums say beyond the other entries.
    Adjustment,
}

/// One line of an account.
#[derive(Clone, PartialEq)]
pub struct Entry<'a> {
    pub at: Timestamp,
    /// The day in the shop's time zone.
    pub on: Date,
    pub kind: Kind,
    pub order: &'a AccountOrder,
    /// Positive: the customer owes more.
    pub amount: Money,
    /// How it was paid or paid back.
    pub method: Option<&'a str>,
}

/// How the entries of an order compare to what Shopify says is outstanding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reconciliation {
    Agrees,
    /// By this much, which is an entry of its own.
    Adjusted(Money),
    /// Payment is under way, or the order was cancelled: the sums mean different things.
    NotComparable,
}

/// An order's entries, the earliest first.
#[derive(Clone)]
pub struct Booked<'a> {
    pub entries: Vec<Entry<'a>>,
    pub reconciliation: Reconciliation,
}

/// What an order says about itself, all in its currency.
struct Sums {
    currency: CurrencyCode,
    paid: Decimal,
    refunded: Decimal,
}

/// Books an order. A test order has no entries.
///
/// # Errors
/// When amounts are too large to add up.
pub fn book<'a>(order: &'a AccountOrder, zone: &TimeZone) -> Result<Booked<'a>, InvalidMoney> {
    if order.test {
        return Ok(Booked { entries: Vec::new(), reconciliation: Reconciliation::Agrees });
    }
    let sums = Sums::of(order)?;
    let net = sub(sums.paid, sums.refunded)?;
    let (charged, adjusted, reconciliation) = sums.charge(order, net)?;
    // an order that costs more than all that was ever ordered is invoiced at what it costs
    let invoiced = order.total.amount().max(charged);
    let credits = spread(order, sub(invoiced, charged)?);

    let make = |at: Timestamp, kind, amount: Decimal, method| Entry {
        at,
        on: at.to_zoned(zone.clone()).date(),
        kind,
        order,
        amount: Money::new(amount, sums.currency),
        method,
    };
    let mut entries = vec![make(order.processed_at, Kind::Invoice, invoiced, None)];
    entries.extend(credits.into_iter().map(|(at, amount)| make(at, Kind::Credit, -amount, None)));
    entries.extend(moved(order).map(|it| {
        let method = it.gateway_name.as_deref().or(it.gateway.as_deref());
        match it.kind {
            TransactionKind::Refund => make(it.at, Kind::Refund, it.amount.amount(), method),
            _ => make(it.at, Kind::Payment, -it.amount.amount(), method),
        }
    }));
    let last = entries.iter().map(|entry| entry.at).max().unwrap_or(order.processed_at);
    entries.push(make(last, Kind::Adjustment, adjusted, None));
    entries.retain(|entry| !entry.amount.amount().is_zero());
    entries.sort_by_key(|entry| (entry.at, entry.kind));
    Ok(Booked { entries, reconciliation })
}

impl Sums {
    fn of(order: &AccountOrder) -> Result<Self, InvalidMoney> {
        let of = |kind| {
            let amounts = moved(order).filter(|it| it.kind == kind).map(|it| it.amount.amount());
            amounts.into_iter().try_fold(Decimal::ZERO, add)
        };
        Ok(Self {
            currency: order.currency,
            paid: of(TransactionKind::Payment)?,
            refunded: of(TransactionKind::Refund)?,
        })
    }

    /// What is charged for the order, and what is to be adjusted beyond that.
    ///
    /// Shopify's outstanding amount is what is charged less the money received. What is charged is what is
    /// still ordered, and, where a refund differs from what was returned, the difference. Either is accepted
    /// as Shopify's word; anything else is an adjustment.
    fn charge(
        &self,
        order: &AccountOrder,
        net: Decimal,
    ) -> Result<(Decimal, Decimal, Reconciliation), InvalidMoney> {
        let current = order.current_total.amount();
        let settled = add(current, order.refund_discrepancy.amount())?;
        // a cancelled order is owed nothing, whatever Shopify still calls ordered
        let limit = |charged: Decimal| match order.cancelled_at {
            Some(_) => charged.min(net.max(Decimal::ZERO)),
            None => charged,
        };
        let (current, settled) = (limit(current), limit(settled));
        let said = add(order.outstanding.amount(), net)?;
        if said == current || said == settled {
            return Ok((said, Decimal::ZERO, Reconciliation::Agrees));
        }
        let cancelled = order.cancelled_at.is_some() && order.outstanding.amount() > Decimal::ZERO;
        if cancelled || is_open(order) {
            return Ok((settled, Decimal::ZERO, Reconciliation::NotComparable));
        }
        let adjusted = sub(said, settled)?;
        let reconciliation = Reconciliation::Adjusted(Money::new(adjusted, self.currency));
        Ok((settled, adjusted, reconciliation))
    }
}

/// The transactions that moved money.
fn moved(order: &AccountOrder) -> impl Iterator<Item = &Transaction> {
    let moves = |it: &&Transaction| it.kind != TransactionKind::Other;
    order.transactions.iter().filter(moves).filter(|it| it.status == TransactionStatus::Success)
}

/// Whether a payment or refund may still come of what has begun.
fn is_open(order: &AccountOrder) -> bool {
    !order.capturable.amount().is_zero()
        || order
            .transactions
            .iter()
            .any(|it| it.kind != TransactionKind::Other && it.status == TransactionStatus::Open)
}

/// When how much of an order's credits was given.
fn spread(order: &AccountOrder, credits: Decimal) -> Vec<(Timestamp, Decimal)> {
    let mut refunds: Vec<_> = order.refunds.iter().map(|it| (it.at, it.amount.amount())).collect();
    refunds.sort_unstable();
    let mut left = credits;
    let mut spread = Vec::new();
    for &(at, money) in &refunds {
        let part = money.min(left);
        spread.push((at, part));
        left -= part;
    }
    let without_money = refunds.iter().rev().find(|(_, money)| money.is_zero());
    let rest = order
        .cancelled_at
        .or(without_money.or(refunds.last()).map(|(at, _)| *at))
        .unwrap_or(order.processed_at);
    match spread.iter_mut().find(|(at, _)| *at == rest) {
        Some((_, part)) => *part += left,
        None => spread.push((rest, left)),
    }
    spread
}

fn add(one: Decimal, other: Decimal) -> Result<Decimal, InvalidMoney> {
    one.checked_add(other).ok_or(InvalidMoney::Overflow)
}

fn sub(one: Decimal, other: Decimal) -> Result<Decimal, InvalidMoney> {
    one.checked_sub(other).ok_or(InvalidMoney::Overflow)
}
