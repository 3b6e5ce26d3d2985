//! Taking up what the last statement said. Pure: no I/O, no clock.
//!
//! A statement begins where the last one ended, whatever happened in between. What Shopify says about the time before
//! can have changed since: a payment was recorded late, something was added to an order, a credit moved to another day
//! because money went back for it ([`spread`](crate::ledger)), an order was deleted. So a statement books the orders
//! again, begins with the balance of the last statement, and explains the difference between the two order by order:
//!
//! 1. What happened in the period and was on the last statement already is not listed again: the shop's days were
//!    other ones then, or a credit has moved.
//! 2. What happened before the period and is on no statement is listed, as a correction with its own day.
//! 3. The rest of the difference is one correction at the period's beginning.
//!
//! So the opening balance and the entries sum to the closing balance, which is always that of the orders as they
//! are: no difference is lost, and none is carried on.

use crate::{
    ledger::{Booked, Correction, CorrectionReason, Entry, Kind, Named},
    period::Period,
};
use comms::{CurrencyCode, Gid, InvalidMoney, Money};
use jiff::{Timestamp, tz::TimeZone};
use rust_decimal::Decimal;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What the last statement said. Read from its driver data.
#[derive(Deserialize)]
pub struct Said {
    pub period: Period,
    statements: Vec<SaidCurrency>,
}

#[derive(Deserialize)]
struct SaidCurrency {
    currency: CurrencyCode,
    closing_balance: Money,
    #[serde(default)]
    open_items: Vec<SaidOrder>,
    #[serde(default)]
    entries: Vec<SaidEntry>,
}

#[derive(Deserialize)]
struct SaidOrder {
    order: OrderName,
    amount: Money,
    credited: Option<Money>,
    adjusted: Option<Money>,
}

#[derive(Deserialize)]
struct SaidEntry {
    date: Timestamp,
    kind: Kind,
    order: Option<OrderName>,
    amount: Money,
    correction: Option<SaidCorrection>,
}

#[derive(Deserialize)]
struct SaidCorrection {
    kind: Option<Kind>,
}

#[derive(Deserialize)]
struct OrderName {
    id: Gid,
    name: String,
    po_number: Option<String>,
}

/// How a statement begins, and what it lists.
pub struct TakenUp<'a> {
    pub opening: Money,
    pub entries: Vec<Entry<'a>>,
}

impl Said {
    /// `None`, if the text is not the driver data of a statement.
    pub fn read(driver: &str) -> Option<Self> {
        serde_json::from_str(driver).ok()
    }

    /// The currencies in which something was left.
    pub fn currencies(&self) -> impl Iterator<Item = CurrencyCode> {
        let left = self
            .statements
            .iter()
            .filter(|it| !it.closing_balance.amount().is_zero() || !it.open_items.is_empty());
        left.map(|it| it.currency)
    }

    /// The entries of a statement in one currency, whose orders are booked as `orders`.
    ///
    /// # Errors
    /// When amounts are too large to add up.
    pub fn take_up<'a>(
        &'a self,
        orders: &[Booked<'a>],
        currency: CurrencyCode,
        period: &Period,
        zone: &TimeZone,
    ) -> Result<TakenUp<'a>, InvalidMoney> {
        let zero = Money::zero(currency);
        let said = self.statements.iter().find(|it| it.currency == currency);
        let opening = said.map_or(zero, |it| it.closing_balance);
        let mut open: BTreeMap<&Gid, &SaidOrder> = BTreeMap::new();
        let mut listed: BTreeMap<&Gid, Vec<&SaidEntry>> = BTreeMap::new();
        for it in said.into_iter().flat_map(|it| &it.open_items) {
            open.insert(&it.order.id, it);
        }
        for it in said.into_iter().flat_map(|it| &it.entries) {
            if let Some(order) = &it.order {
                listed.entry(&order.id).or_default().push(it);
            }
        }
        let open_in_all = open.values().try_fold(zero, |sum, it| sum.checked_add(it.amount))?;
        let begins = period.from.to_zoned(zone.clone()).map(|at| at.timestamp()).unwrap_or_default();
        let correction = |order, amount, reason| Entry {
            at: begins,
            on: period.from,
            kind: Kind::Correction,
            order,
            amount,
            paid: None,
            correction: Some(Correction { reason, of: None }),
        };
        let mut entries = Vec::new();
        for booked in orders {
            let order = &booked.order.id;
            let then = Then {
                order: open.remove(order),
                listed: listed.get(order).map(Vec::as_slice).unwrap_or_default(),
                period: &self.period,
            };
            let left = then.explain(booked, period, &mut entries)?;
            if !left.is_zero() {
                let (order, amount) = (Some(Named::from(booked.order)), Money::new(left, currency));
                entries.push(correction(order, amount, CorrectionReason::OrderChanged));
            }
        }
        for gone in open.into_values() {
            let order = Named {
                id: &gone.order.id,
                name: &gone.order.name,
                po_number: gone.order.po_number.as_deref(),
            };
            let amount = zero.checked_sub(gone.amount)?;
            entries.push(correction(Some(order), amount, CorrectionReason::OrderGone));
        }
        entries.push(correction(None, open_in_all.checked_sub(opening)?, CorrectionReason::Unexplained));
        entries.retain(|entry| !entry.amount.amount().is_zero());
        Ok(TakenUp { opening, entries })
    }
}

/// What the last statement said of one order.
struct Then<'a> {
    order: Option<&'a SaidOrder>,
    listed: &'a [&'a SaidEntry],
    period: &'a Period,
}

impl Then<'_> {
    /// Lists the order's entries that are on no statement. Answers what they leave of the difference between what
    /// is booked for the time before the period and what was said of it.
    fn explain<'a>(
        &self,
        booked: &Booked<'a>,
        period: &Period,
        entries: &mut Vec<Entry<'a>>,
    ) -> Result<Decimal, InvalidMoney> {
        let mut left = Decimal::ZERO.checked_sub(self.order.map_or(Decimal::ZERO, |it| it.amount.amount()));
        let (mut of_period, mut late, mut unlisted) = (Vec::new(), Vec::new(), Vec::new());
        for entry in booked.entries.iter().filter(|entry| entry.on <= period.to) {
            let amount = entry.amount.amount();
            let listed = self.lists(entry);
            match (entry.on >= period.from, listed) {
                (true, false) => of_period.push(entry.clone()),
                // of a month that no statement was made for
                (false, false) if entry.on > self.period.to => late.push(entry.clone()),
                (false, false) if entry.on >= self.period.from => {
                    left = left.and_then(|left| left.checked_add(amount));
                    unlisted.push(entry.clone());
                }
                _ => left = left.and_then(|left| left.checked_add(amount)),
            }
        }
        let mut left = left.ok_or(InvalidMoney::Overflow)?;
        for kind in [Kind::Credit, Kind::Adjustment] {
            let mut moved = self.moved(kind, booked, period)?;
            for entry in of_period.iter_mut().filter(|entry| entry.kind == kind) {
                let part = least(entry.amount.amount(), moved, -left);
                entry.amount = entry.amount.checked_sub(Money::new(part, entry.amount.currency()))?;
                moved = moved.checked_sub(part).ok_or(InvalidMoney::Overflow)?;
                left = left.checked_add(part).ok_or(InvalidMoney::Overflow)?;
            }
        }
        if !left.is_zero() && sum(unlisted.iter().map(|entry| entry.amount))? == left {
            late.append(&mut unlisted);
            left = Decimal::ZERO;
        }
        entries.extend(of_period);
        entries.extend(late.into_iter().map(|entry| Entry {
            correction: Some(Correction { reason: CorrectionReason::RecordedLate, of: Some(entry.kind) }),
            kind: Kind::Correction,
            ..entry
        }));
        Ok(left)
    }

    /// Whether the last statement has this very entry.
    fn lists(&self, entry: &Entry<'_>) -> bool {
        self.listed.iter().any(|it| {
            it.kind() == Some(entry.kind)
                && it.amount == entry.amount
                && it.date.as_second() == entry.at.as_second()
        })
    }

    /// How much of one kind was said of the order's time before the period and is not booked there any more.
    fn moved(&self, kind: Kind, booked: &Booked<'_>, period: &Period) -> Result<Decimal, InvalidMoney> {
        let before = |on| on <= self.period.to && on < period.from;
        let own = booked.entries.iter().filter(|it| it.kind == kind && before(it.on));
        let known = self.order.and_then(|order| match kind {
            Kind::Credit => order.credited,
            _ => order.adjusted,
        });
        let (said, booked) = match known {
            Some(said) => (said.amount(), sum(own.map(|it| it.amount))?),
            // of an order on which nothing was open, only the last statement's own entries are known
            None => {
                let said = self.listed.iter().filter(|it| it.kind() == Some(kind));
                let own = own.filter(|it| it.on >= self.period.from);
                (sum(said.map(|it| it.amount))?, sum(own.map(|it| it.amount))?)
            }
        };
        said.checked_sub(booked).ok_or(InvalidMoney::Overflow)
    }
}

impl SaidEntry {
    fn kind(&self) -> Option<Kind> {
        match &self.correction {
            Some(correction) => correction.kind,
            None => Some(self.kind),
        }
    }
}

fn sum(amounts: impl IntoIterator<Item = Money>) -> Result<Decimal, InvalidMoney> {
    let mut amounts = amounts.into_iter().map(Money::amount);
    amounts.try_fold(Decimal::ZERO, Decimal::checked_add).ok_or(InvalidMoney::Overflow)
}

/// The one nearest to zero, if all have the same sign; else zero.
fn least(one: Decimal, other: Decimal, third: Decimal) -> Decimal {
    let all = [one, other, third];
    if all.iter().all(|it| *it < Decimal::ZERO) {
        one.max(other).max(third)
    } else if all.iter().all(|it| *it > Decimal::ZERO) {
        one.min(other).min(third)
    } else {
        Decimal::ZERO
    }
}
