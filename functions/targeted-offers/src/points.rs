//! Loyalty points: what was paid and not paid back, times a rate. Exact, and the same whenever it is asked.
//!
//! Points follow the money: a payment earns them on its day, money paid back takes them on its day, and a
//! cancellation takes what is left of its order. What happened before a day therefore never changes
//! afterwards, and a statement begins where the one before it ended.

use comms::{InvalidMoney, Money};
use jiff::{Timestamp, Zoned, civil::Date, tz::TimeZone};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use shop_config::Loyalty;
use shopify::marketing::PaidOrder;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Payment,
    Refund,
    /// The order was cancelled: what it had earned is gone.
    Cancellation,
}

/// One change of the balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub at: Timestamp,
    pub order: String,
    pub kind: Kind,
    /// Negative where it takes points.
    pub amount: Money,
    pub points: Decimal,
}

/// What the entries of an account come to in a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub opening: Decimal,
    pub earned: Decimal,
    pub taken: Decimal,
    /// At the end of the period: opening + earned - taken.
    pub closing: Decimal,
    /// Those of the period, oldest first.
    pub entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PointsError {
    #[error("the customer paid in more than one currency of the shop's")]
    Currencies,
    #[error("the points are too many to count")]
    Overflow,
}

impl From<InvalidMoney> for PointsError {
    fn from(error: InvalidMoney) -> Self {
        match error {
            InvalidMoney::Mixed(..) | InvalidMoney::Currency(_) => Self::Currencies,
            InvalidMoney::Amount(_) | InvalidMoney::Overflow => Self::Overflow,
        }
    }
}

/// The days a statement covers, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub from: Date,
    pub to: Date,
}

impl Period {
    /// The whole months before the month of `date`. Nothing at the end of the calendar.
    pub fn before(date: Date, months: u8) -> Option<Self> {
        let end = date.first_of_month();
        let from = end.checked_sub(jiff::Span::new().months(i64::from(months))).ok()?;
        Some(Self { from, to: end.yesterday().ok()? })
    }

    /// Its first moment, and the first one after it.
    pub fn bounds(self, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        let start = |date: Date| date.to_zoned(zone.clone()).ok().as_ref().map(Zoned::timestamp);
        Some((start(self.from)?, start(self.to.tomorrow().ok()?)?))
    }
}

/// Every change of the balance, oldest first.
pub fn entries(orders: &[PaidOrder], rate: Decimal) -> Result<Vec<Entry>, PointsError> {
    let mut entries = Vec::new();
    for order in orders {
        let counts = |at: Timestamp| order.cancelled_at.is_none_or(|cancelled| at < cancelled);
        let mut left: Option<Money> = None;
        for movement in order.movements.iter().filter(|movement| counts(movement.at)) {
            let kind = if movement.amount.amount() < Decimal::ZERO { Kind::Refund } else { Kind::Payment };
            entries.push(entry(order, movement.at, kind, movement.amount, rate)?);
            left = Some(left.map_or(Ok(movement.amount), |left| left.checked_add(movement.amount))?);
        }
        if let (Some(at), Some(left)) = (order.cancelled_at, left)
            && !left.amount().is_zero()
        {
            let amount = Money::new(-left.amount(), left.currency());
            entries.push(entry(order, at, Kind::Cancellation, amount, rate)?);
        }
    }
    entries.sort_by_key(|entry| entry.at);
    Ok(entries)
}

fn entry(
    order: &PaidOrder,
    at: Timestamp,
    kind: Kind,
    amount: Money,
    rate: Decimal,
) -> Result<Entry, PointsError> {
    let points = amount.amount().checked_mul(rate).ok_or(PointsError::Overflow)?;
    Ok(Entry { at, order: order.name.clone(), kind, amount, points })
}

impl Account {
    /// What `entries`, which are all there are, come to from `start` to before `end`.
    pub fn new(entries: &[Entry], start: Timestamp, end: Timestamp) -> Result<Self, PointsError> {
        if let Some(first) = entries.first()
            && entries.iter().any(|entry| entry.amount.currency() != first.amount.currency())
        {
            return Err(PointsError::Currencies);
        }
        let sum = |wanted: &dyn Fn(&Entry) -> bool| {
            let mut points = entries.iter().filter(|entry| wanted(entry)).map(|entry| entry.points);
            points.try_fold(Decimal::ZERO, Decimal::checked_add).ok_or(PointsError::Overflow)
        };
        let inside = |entry: &Entry| start <= entry.at && entry.at < end;
        Ok(Self {
            opening: sum(&|entry| entry.at < start)?,
            earned: sum(&|entry| inside(entry) && entry.points > Decimal::ZERO)?,
            taken: -sum(&|entry| inside(entry) && entry.points < Decimal::ZERO)?,
            closing: sum(&|entry| entry.at < end)?,
            entries: entries.iter().filter(|entry| inside(entry)).cloned().collect(),
        })
    }
}

/// The level a balance has reached, and the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tier {
    /// Absent below the first level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Absent at the highest level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<NextTier>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NextTier {
    pub name: String,
    /// Where it begins.
    pub from: u64,
    /// Points still missing, a decimal number as text.
    pub missing: String,
}

impl Tier {
    /// Nothing, if the shop has no levels.
    pub fn of(balance: Decimal, tiers: &BTreeMap<String, u64>) -> Option<Self> {
        if tiers.is_empty() {
            return None;
        }
        let reached = tiers.iter().filter(|(_, from)| Decimal::from(**from) <= balance);
        let above = tiers.iter().filter(|(_, from)| Decimal::from(**from) > balance);
        Some(Self {
            name: reached.max_by_key(|(_, from)| **from).map(|(name, _)| name.clone()),
            next: above.min_by_key(|(_, from)| **from).map(|(name, &from)| NextTier {
                name: name.clone(),
                from,
                missing: text(Decimal::from(from) - balance),
            }),
        })
    }
}

/// Points as they are written: no digits that say nothing.
pub fn text(points: Decimal) -> String {
    points.normalize().to_string()
}

/// The balance another app keeps. A customer without one has none.
pub fn kept_elsewhere(metafield: Option<&str>) -> Option<Decimal> {
    metafield.map_or(Some(Decimal::ZERO), |text| Decimal::from_str_exact(text.trim()).ok())
}

/// Points of everything in the account's period, for a shop with these rules.
pub fn account(
    orders: &[PaidOrder],
    rules: &Loyalty,
    bounds: (Timestamp, Timestamp),
) -> Result<Account, PointsError> {
    Account::new(&entries(orders, rules.points_per_unit)?, bounds.0, bounds.1)
}
