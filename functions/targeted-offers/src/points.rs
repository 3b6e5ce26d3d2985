//! Loyalty points: what was paid and not paid back, times a rate. Whole, and the same whenever they are asked for.
//!
//! Points follow the money: a payment earns them on its day, money paid back takes them on its day, and a
//! cancellation takes what is left of its order. What happened before a day therefore never changes afterwards, and a
//! statement begins where the one before it ended. An order's points are rounded as a whole, and each movement changes
//! them from one whole number to the next: the parts add up, and an order that is paid back entirely leaves nothing.
//!
//! Money that is spent a second time earns once. A gift card earns when it is bought or when it is used, as the shop's
//! configuration says; a refund to store credit takes points, and paying with it earns them again.

use comms::{CurrencyCode, Money};
use jiff::{Timestamp, Zoned, civil::Date, tz::TimeZone};
use rust_decimal::{Decimal, RoundingStrategy};
use schemars::JsonSchema;
use serde::Serialize;
use shop_config::{GiftCards, Loyalty, Rounding};
use shopify::marketing::{Method, MoneyMovement, OrderParts, PaidOrder, Parts};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Money came in.
    Payment,
    /// Money was paid back.
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

/// Money that moved without moving points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uncounted {
    pub at: Timestamp,
    pub order: String,
    pub amount: Money,
    pub why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Gift cards earn when they are bought.
    GiftCard,
    /// The shop gives no points for store credit.
    StoreCredit,
    /// Points are earned in another currency.
    Currency,
}

/// A customer's payments and refunds, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    pub entries: Vec<Entry>,
    pub uncounted: Vec<Uncounted>,
}

/// The points of a history in one period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub opening: Decimal,
    pub earned: Decimal,
    pub taken: Decimal,
    /// At the end of the period: opening + earned - taken.
    pub closing: Decimal,
    /// Those of the period, oldest first.
    pub entries: Vec<Entry>,
    pub uncounted: Vec<Uncounted>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the points are too many to count")]
pub struct Overflow;

/// The days a statement covers, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub from: Date,
    pub to: Date,
}

impl Period {
    /// The whole months before the month of `date`. `None` at the end of the calendar.
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

/// Which parts of orders the rules need to know.
pub fn parts(rules: &Loyalty) -> Parts {
    Parts { amounts: !rules.tax || !rules.shipping, gift_cards: rules.gift_cards == GiftCards::WhenUsed }
}

impl History {
    /// # Errors
    /// When points are too many to count.
    pub fn new(orders: &[PaidOrder], rules: &Loyalty) -> Result<Self, Overflow> {
        let latest = || orders.iter().rev().find_map(|order| order.movements.first());
        let currency = rules.currency.or_else(|| latest().map(|movement| movement.amount.currency()));
        let mut history = Self::default();
        for order in orders {
            history.add(order, rules, currency)?;
        }
        history.entries.sort_by_key(|entry| entry.at);
        history.uncounted.sort_by_key(|entry| entry.at);
        Ok(history)
    }

    fn add(
        &mut self,
        order: &PaidOrder,
        rules: &Loyalty,
        currency: Option<CurrencyCode>,
    ) -> Result<(), Overflow> {
        let mut movements = order.movements.clone();
        movements.retain(|movement| order.cancelled_at.is_none_or(|cancelled| movement.at < cancelled));
        movements.sort_by_key(|movement| (movement.at, movement.amount.amount() < Decimal::ZERO));
        let (mut money, mut points) = (None::<Money>, Decimal::ZERO);
        let entry = |at, kind, amount, points| Entry { at, order: order.name.clone(), kind, amount, points };
        for MoneyMovement { at, amount, method } in movements {
            if let Some(why) = why_not(rules, currency, amount, method) {
                self.uncounted.push(Uncounted { at, order: order.name.clone(), amount, why });
                continue;
            }
            let sum = money.map_or(Ok(amount), |sum| sum.checked_add(amount)).map_err(|_| Overflow)?;
            let then = whole(earned(sum.amount(), order.parts, rules)?, rules.rounding);
            let kind = if amount.amount() < Decimal::ZERO { Kind::Refund } else { Kind::Payment };
            self.entries.push(entry(at, kind, amount, then.checked_sub(points).ok_or(Overflow)?));
            (money, points) = (Some(sum), then);
        }
        if let (Some(at), Some(left)) = (order.cancelled_at, money)
            && !left.amount().is_zero()
        {
            let amount = Money::new(-left.amount(), left.currency());
            self.entries.push(entry(at, Kind::Cancellation, amount, -points));
        }
        Ok(())
    }
}

fn why_not(rules: &Loyalty, currency: Option<CurrencyCode>, amount: Money, method: Method) -> Option<Why> {
    match method {
        _ if currency.is_some_and(|currency| currency != amount.currency()) => Some(Why::Currency),
        Method::GiftCard if rules.gift_cards == GiftCards::WhenBought => Some(Why::GiftCard),
        Method::StoreCredit if !rules.store_credit => Some(Why::StoreCredit),
        _ => None,
    }
}

/// What money paid for an order earns, before rounding: as much of it as of the order's total earns.
fn earned(money: Decimal, parts: Option<OrderParts>, rules: &Loyalty) -> Result<Decimal, Overflow> {
    let points = money.checked_mul(rules.points_per_unit).ok_or(Overflow)?;
    let Some(parts) = parts.filter(|parts| parts.total > Decimal::ZERO) else { return Ok(points) };
    let mut share = parts.total;
    if rules.gift_cards == GiftCards::WhenUsed {
        share = share.saturating_sub(parts.gift_cards);
    }
    if !rules.shipping {
        share = share.saturating_sub(parts.shipping);
    }
    if !rules.tax {
        let of_shipping = if rules.shipping { Decimal::ZERO } else { parts.shipping_tax };
        share = share.saturating_sub(parts.tax.saturating_sub(of_shipping));
    }
    let share = share.clamp(Decimal::ZERO, parts.total);
    points.checked_mul(share).and_then(|points| points.checked_div(parts.total)).ok_or(Overflow)
}

pub fn whole(points: Decimal, rounding: Rounding) -> Decimal {
    points.round_dp_with_strategy(
        0,
        match rounding {
            Rounding::Down => RoundingStrategy::ToZero,
            Rounding::HalfUp => RoundingStrategy::MidpointAwayFromZero,
            Rounding::Up => RoundingStrategy::AwayFromZero,
        },
    )
}

impl Account {
    /// The points of a whole history from `start` to before `end`.
    ///
    /// # Errors
    /// When points are too many to count.
    pub fn new(history: &History, start: Timestamp, end: Timestamp) -> Result<Self, Overflow> {
        let entries = &history.entries;
        let sum = |wanted: &dyn Fn(&Entry) -> bool| {
            let mut points = entries.iter().filter(|entry| wanted(entry)).map(|entry| entry.points);
            points.try_fold(Decimal::ZERO, Decimal::checked_add).ok_or(Overflow)
        };
        let within = |at: Timestamp| start <= at && at < end;
        let inside = |entry: &Entry| within(entry.at);
        Ok(Self {
            opening: sum(&|entry| entry.at < start)?,
            earned: sum(&|entry| inside(entry) && entry.points > Decimal::ZERO)?,
            taken: -sum(&|entry| inside(entry) && entry.points < Decimal::ZERO)?,
            closing: sum(&|entry| entry.at < end)?,
            entries: entries.iter().filter(|entry| inside(entry)).cloned().collect(),
            uncounted: history.uncounted.iter().filter(|entry| within(entry.at)).cloned().collect(),
        })
    }
}

/// The level a balance has reached, and the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tier {
    /// The level's name. Absent below the first level.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"Silver")]
    pub name: Option<String>,
    /// The next level. Absent at the highest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<NextTier>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NextTier {
    /// The level's name.
    #[schemars(example = &"Gold")]
    pub name: String,
    /// The points it begins at.
    #[schemars(example = 2000)]
    pub from: u64,
    /// Points still missing, a decimal number as text.
    #[schemars(example = "1481")]
    pub missing: String,
}

impl Tier {
    /// `None` if the shop has no levels.
    ///
    /// # Errors
    /// When so many points are missing that they cannot be counted.
    pub fn of(balance: Decimal, tiers: &BTreeMap<String, u64>) -> Result<Option<Self>, Overflow> {
        if tiers.is_empty() {
            return Ok(None);
        }
        let reached = tiers.iter().filter(|(_, from)| Decimal::from(**from) <= balance);
        let above = tiers.iter().filter(|(_, from)| Decimal::from(**from) > balance);
        let next = above.min_by_key(|(_, from)| **from).map(|(name, &from)| {
            let missing = Decimal::from(from).checked_sub(balance).ok_or(Overflow)?;
            Ok(NextTier { name: name.clone(), from, missing: text(missing) })
        });
        Ok(Some(Self {
            name: reached.max_by_key(|(_, from)| **from).map(|(name, _)| name.clone()),
            next: next.transpose()?,
        }))
    }
}

/// Points as they are printed, without trailing zeros.
pub fn text(points: Decimal) -> String {
    points.normalize().to_string()
}

/// The balance that another app keeps; zero for a customer without the metafield, `None` if it holds no number.
pub fn kept_elsewhere(metafield: Option<&str>) -> Option<Decimal> {
    metafield.map_or(Some(Decimal::ZERO), |text| Decimal::from_str_exact(text.trim()).ok())
}
