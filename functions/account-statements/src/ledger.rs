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
//! A statement has one more kind, the correction: see [`carry`](crate::carry).
//!
//! Shopify gives the credits of an order as one sum. [`book`] spreads it over the order's refunds: to each refund the
//! money that went back with it; the rest to the cancellation, else to the last refund without money, else to the
//! last refund, else to the order's own day. So an order that was reduced twice without money, in two months, shows
//! both credits in the second, and begins that month with the balance from before the first.
//! Additions by an edit have no date in a bulk query and count on the day of the order. Both affect the day on which
//! an amount is listed, never the closing balance.
//!
//! A transaction of an unknown kind counts as what makes the order's sums agree: as a payment, as a
//! refund, or as moving no money. Where none does, the difference is an adjustment like any other; an order whose
//! payment is under way then has no balance, and its account gets no statement.

use comms::{CurrencyCode, Gid, InvalidMoney, Money};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shopify::account::{AccountOrder, Transaction, TransactionKind, TransactionStatus};

/// What an entry is. In the order in which entries of one moment are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
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
    /// What changed of the time before, after the last statement was made.
    Correction,
}

/// Why a statement has a correction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CorrectionReason {
    /// It happened before the period and is on no earlier statement: recorded late, or of a month without one.
    RecordedLate,
    /// Shopify counts the order's earlier time differently: something was added to it, or an amount changed.
    OrderChanged,
    /// The last statement had the order; it is in the account no more.
    OrderGone,
    /// No order explains it.
    Unexplained,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Correction {
    pub reason: CorrectionReason,
    /// What was recorded late.
    pub of: Option<Kind>,
}

/// An order as an entry names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named<'a> {
    pub id: &'a Gid,
    pub name: &'a str,
    pub po_number: Option<&'a str>,
}

impl<'a> From<&'a AccountOrder> for Named<'a> {
    fn from(order: &'a AccountOrder) -> Self {
        Self { id: &order.id, name: &order.name, po_number: order.po_number.as_deref() }
    }
}

/// Why an order cannot be booked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    #[error(transparent)]
    Money(#[from] InvalidMoney),
    #[error("{order} has a transaction of a kind that is not known, and its sums do not say what it did")]
    UnknownTransaction { order: Gid },
}

/// One line of an account.
#[derive(Clone, PartialEq)]
pub struct Entry<'a> {
    pub at: Timestamp,
    /// The day in the shop's time zone.
    pub on: Date,
    pub kind: Kind,
    /// Absent where no order explains a correction.
    pub order: Option<Named<'a>>,
    /// Positive: the customer owes more.
    pub amount: Money,
    /// How it was paid or paid back.
    pub paid: Option<&'a Transaction>,
    /// Of a correction.
    pub correction: Option<Correction>,
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
    pub order: &'a AccountOrder,
    pub entries: Vec<Entry<'a>>,
    pub reconciliation: Reconciliation,
}

/// What an order says about itself, all in its currency.
struct Sums {
    currency: CurrencyCode,
    charged: Decimal,
    adjusted: Decimal,
    reconciliation: Reconciliation,
    /// What transactions of an unknown kind are taken for.
    unknown: TransactionKind,
}

/// Books an order. A test order has no entries.
///
/// # Errors
/// When amounts are too large to add up, or nobody can say what the order's transactions did.
pub fn book<'a>(order: &'a AccountOrder, zone: &TimeZone) -> Result<Booked<'a>, Unusable> {
    if order.test {
        return Ok(Booked { order, entries: Vec::new(), reconciliation: Reconciliation::Agrees });
    }
    let Sums { currency, charged, adjusted, reconciliation, unknown } = Sums::settle(order)?;
    // an order that costs more than all that was ever ordered is invoiced at what it costs
    let invoiced = order.total.amount().max(charged);
    let credits = spread(order, sub(invoiced, charged)?)?;

    let make = |at: Timestamp, kind, amount: Decimal, paid| Entry {
        at,
        on: at.to_zoned(zone.clone()).date(),
        kind,
        order: Some(Named::from(order)),
        amount: Money::new(amount, currency),
        paid,
        correction: None,
    };
    let mut entries = vec![make(order.processed_at, Kind::Invoice, invoiced, None)];
    entries.extend(credits.into_iter().map(|(at, amount)| make(at, Kind::Credit, -amount, None)));
    entries.extend(moved(order, unknown).map(|(it, kind)| match kind {
        TransactionKind::Refund => make(it.at, Kind::Refund, it.amount.amount(), Some(it)),
        _ => make(it.at, Kind::Payment, -it.amount.amount(), Some(it)),
    }));
    let last = entries.iter().map(|entry| entry.at).max().unwrap_or(order.processed_at);
    entries.push(make(last, Kind::Adjustment, adjusted, None));
    entries.retain(|entry| !entry.amount.amount().is_zero());
    entries.sort_by_key(|entry| (entry.at, entry.kind));
    Ok(Booked { order, entries, reconciliation })
}

impl Sums {
    /// The sums with which the order agrees; else those in which unknown transactions move no money.
    fn settle(order: &AccountOrder) -> Result<Self, Unusable> {
        let sums = Self::of(order, TransactionKind::Other)?;
        let unknown = order
            .transactions
            .iter()
            .any(|it| it.kind == TransactionKind::Unknown && it.status == TransactionStatus::Success);
        if !unknown || sums.reconciliation == Reconciliation::Agrees {
            return Ok(sums);
        }
        for reading in [TransactionKind::Payment, TransactionKind::Refund] {
            let sums = Self::of(order, reading)?;
            if sums.reconciliation == Reconciliation::Agrees {
                return Ok(sums);
            }
        }
        match sums.reconciliation {
            Reconciliation::NotComparable => Err(Unusable::UnknownTransaction { order: order.id.clone() }),
            _ => Ok(sums),
        }
    }

    /// The sums if transactions of an unknown kind are of this one.
    fn of(order: &AccountOrder, unknown: TransactionKind) -> Result<Self, InvalidMoney> {
        let net = moved(order, unknown).try_fold(Decimal::ZERO, |net, (it, kind)| match kind {
            TransactionKind::Refund => sub(net, it.amount.amount()),
            _ => add(net, it.amount.amount()),
        })?;
        let (charged, adjusted, reconciliation) = Self::charge(order, net)?;
        Ok(Self { currency: order.currency, charged, adjusted, reconciliation, unknown })
    }

    /// What is charged for the order, and what is to be adjusted beyond that.
    ///
    /// Shopify's outstanding amount is what is charged less the money received. What is charged is what is
    /// still ordered, and, where a refund differs from what was returned, the difference. Either is accepted
    /// as Shopify's word; anything else is an adjustment.
    fn charge(
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
        let reconciliation = Reconciliation::Adjusted(Money::new(adjusted, order.currency));
        Ok((settled, adjusted, reconciliation))
    }
}

/// The transactions that moved money, and as what; those of an unknown kind are of `unknown`.
fn moved(
    order: &AccountOrder,
    unknown: TransactionKind,
) -> impl Iterator<Item = (&Transaction, TransactionKind)> {
    let successful = order.transactions.iter().filter(|it| it.status == TransactionStatus::Success);
    successful.filter_map(move |it| {
        let kind = if it.kind == TransactionKind::Unknown { unknown } else { it.kind };
        (kind != TransactionKind::Other).then_some((it, kind))
    })
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
fn spread(order: &AccountOrder, credits: Decimal) -> Result<Vec<(Timestamp, Decimal)>, InvalidMoney> {
    let mut refunds: Vec<_> = order.refunds.iter().map(|it| (it.at, it.amount.amount())).collect();
    refunds.sort_unstable();
    let mut left = credits;
    let mut spread = Vec::new();
    for &(at, money) in &refunds {
        let part = money.min(left);
        spread.push((at, part));
        left = sub(left, part)?;
    }
    let without_money = refunds.iter().rev().find(|(_, money)| money.is_zero());
    let rest = order
        .cancelled_at
        .or(without_money.or(refunds.last()).map(|(at, _)| *at))
        .unwrap_or(order.processed_at);
    match spread.iter_mut().find(|(at, _)| *at == rest) {
        Some((_, part)) => *part = add(*part, left)?,
        None => spread.push((rest, left)),
    }
    Ok(spread)
}

fn add(one: Decimal, other: Decimal) -> Result<Decimal, InvalidMoney> {
    one.checked_add(other).ok_or(InvalidMoney::Overflow)
}

fn sub(one: Decimal, other: Decimal) -> Result<Decimal, InvalidMoney> {
    one.checked_sub(other).ok_or(InvalidMoney::Overflow)
}
