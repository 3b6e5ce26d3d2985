//! The driver data of loyalty statements. Public contract: `schemas/loyalty-statement.v1.json`.
//!
//! Dates of the day are `2026-11-22`, moments ISO 8601 with the offset of the shop's time zone. Points are whole
//! numbers as text. What is not known is absent.

use crate::{
    addressee::Addressee,
    offer::OfferData,
    points::{self, Account, Kind, Period, Tier, Why},
};
use comms::{InvalidMoney, Money};
use driver::{Envelope, day, iso};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;

/// A customer's points.
#[derive(Clone, Serialize, JsonSchema)]
pub struct Statement {
    #[serde(flatten)]
    pub envelope: Envelope,
    #[serde(flatten)]
    pub addressee: Addressee,
    /// The days the statement covers.
    pub period: PeriodData,
    /// What changed the points in the period, oldest first.
    pub movements: Vec<MovementData>,
    /// Payments of the period that earn no points, and what was paid back of them, oldest first.
    pub not_counted: Vec<UncountedData>,
    /// The points.
    pub points: PointsData,
    /// The level that the balance has reached. Absent if the shop has no levels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// The campaign's offer, as long as it is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer: Option<OfferData>,
}

/// Both days are included.
#[derive(Clone, Serialize, JsonSchema)]
pub struct PeriodData {
    /// The first day.
    #[schemars(with = "String", example = "2026-10-01")]
    from: Date,
    /// The last day.
    #[schemars(with = "String", example = "2026-10-31")]
    to: Date,
}

#[derive(Clone, Serialize, JsonSchema)]
pub struct MovementData {
    /// When the money moved, or the order was cancelled.
    date: String,
    /// The day of that in the shop's time zone.
    date_on: String,
    /// The order's name, such as `#1001`.
    #[schemars(example = "#1001")]
    order: String,
    /// What happened.
    kind: Kind,
    /// In the currency in which points are earned. Negative where money was paid back.
    #[schemars(extend("x-tax" = "payment"))]
    amount: Money,
    /// Negative where it takes points.
    #[schemars(example = "59")]
    points: String,
}

#[derive(Clone, Serialize, JsonSchema)]
pub struct UncountedData {
    /// When the money moved.
    date: String,
    /// The day of that in the shop's time zone.
    date_on: String,
    /// The order's name, such as `#1001`.
    #[schemars(example = "#1001")]
    order: String,
    /// In the shop's currency of that time. Negative where money was paid back.
    #[schemars(extend("x-tax" = "payment"))]
    amount: Money,
    /// Why it moves no points.
    reason: Why,
}

/// Where the shop counts points itself, `opening` + `earned` - `taken` is `balance`.
#[derive(Clone, Serialize, JsonSchema)]
pub struct PointsData {
    /// At the beginning of the period. Absent where another app keeps the balance.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "480")]
    opening: Option<String>,
    /// Earned in the period. Absent where another app keeps the balance and the app may not see all orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "59")]
    earned: Option<String>,
    /// Taken in the period, by money paid back and cancelled orders. Absent as `earned` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "20")]
    taken: Option<String>,
    /// The points that the customer has.
    #[schemars(example = "519")]
    balance: String,
    /// The last moment for which the balance holds: the end of the period's last day, or the time of asking where
    /// another app keeps the balance.
    #[schemars(example = "2026-10-31T23:59:59+01:00")]
    balance_date: String,
    /// The day for which the balance holds, in the shop's time zone.
    #[schemars(example = "2026-10-31")]
    balance_on: String,
    /// What was paid less what was paid back in the period, of what earns points. Absent without movements.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "payment"))]
    net_spend: Option<Money>,
}

impl PeriodData {
    pub fn new(period: Period) -> Self {
        Self { from: period.from, to: period.to }
    }
}

pub fn movements(account: &Account, zone: &TimeZone) -> Vec<MovementData> {
    let entries = account.entries.iter();
    entries
        .map(|entry| MovementData {
            date: iso(entry.at, zone),
            date_on: day(entry.at, zone),
            order: entry.order.clone(),
            kind: entry.kind,
            amount: entry.amount,
            points: points::text(entry.points),
        })
        .collect()
}

pub fn not_counted(account: &Account, zone: &TimeZone) -> Vec<UncountedData> {
    let entries = account.uncounted.iter();
    entries
        .map(|entry| UncountedData {
            date: iso(entry.at, zone),
            date_on: day(entry.at, zone),
            order: entry.order.clone(),
            amount: entry.amount,
            reason: entry.why,
        })
        .collect()
}

/// Where the balance comes from.
#[derive(Clone, Copy)]
pub enum Balance {
    /// All payments so far, to the end of the period.
    Counted { until: Timestamp },
    /// Another app, asked at a time; the period's payments are known or not.
    Kept { points: Decimal, at: Timestamp, payments: bool },
}

impl Balance {
    pub fn points(self, account: &Account) -> Decimal {
        match self {
            Self::Counted { .. } => account.closing,
            Self::Kept { points, .. } => points,
        }
    }
}

impl PointsData {
    pub fn new(account: &Account, balance: Balance, zone: &TimeZone) -> Result<Self, InvalidMoney> {
        let mut amounts = account.entries.iter().map(|entry| entry.amount);
        let first = amounts.next();
        let net_spend = first.map(|first| amounts.try_fold(first, Money::checked_add)).transpose()?;
        let (counted, moved, at) = match balance {
            Balance::Counted { until } => (true, true, until),
            Balance::Kept { at, payments, .. } => (false, payments, at),
        };
        Ok(Self {
            opening: counted.then(|| points::text(account.opening)),
            earned: moved.then(|| points::text(account.earned)),
            taken: moved.then(|| points::text(account.taken)),
            balance: points::text(balance.points(account)),
            balance_date: iso(at, zone),
            balance_on: day(at, zone),
            net_spend,
        })
    }
}
