//! The driver data of purchase summaries: what was bought in the period, and in the year up to it.
//! Public contract: `schemas/purchase-summary.v1.json`.
//!
//! Of orders, not of products: a bulk query by account cannot go as deep as an order's lines. An order counts
//! with all that was ever ordered on it, unless it is a test or was cancelled by the period's end.

use crate::{
    data::{Holder, OrderData},
    period::{Period, day},
};
use comms::{CurrencyCode, InvalidMoney, Money};
use driver::{Envelope, iso};
use jiff::{ToSpan, civil::Date, tz::TimeZone};
use schemars::JsonSchema;
use serde::Serialize;
use shopify::account::AccountOrder;
use std::collections::BTreeMap;

/// The months shown: the period's last one and those before it.
const MONTHS: i32 = 12;

/// What an account bought. Days are days in the shop's time zone. What is not known is absent.
#[derive(Clone, Serialize, JsonSchema)]
pub struct SummaryData {
    #[serde(flatten)]
    pub(crate) envelope: Envelope,
    #[serde(flatten)]
    pub(crate) holder: Holder,
    /// One for each currency, in the order of their codes. They are never added up.
    pub(crate) purchases: Vec<PurchasesData>,
}

#[derive(Clone, Serialize, JsonSchema)]
pub(crate) struct PurchasesData {
    currency: CurrencyCode,
    /// How many orders were placed in the period.
    order_count: usize,
    totals: SumsData,
    /// Those of the period, the earliest first.
    orders: Vec<PurchaseData>,
    /// The twelve months up to the period's last day, the earliest first; also those without an order.
    months: Vec<MonthData>,
}

/// Subtotal, tax unless prices include it, and the rest add up to the total.
#[derive(Clone, Serialize, JsonSchema)]
struct SumsData {
    /// How many units were ordered.
    units: u64,
    /// After discounts. With tax, if prices include it.
    subtotal: Money,
    /// What was taken off.
    discounts: Money,
    tax: Money,
    /// Shipping after its discounts, duties, fees and tips.
    shipping_and_other: Money,
    total: Money,
    /// What of the total was returned or removed since.
    returned: Money,
}

#[derive(Clone, Serialize, JsonSchema)]
struct PurchaseData {
    order: OrderData,
    date: String,
    /// Whether prices include tax.
    taxes_included: bool,
    #[serde(flatten)]
    sums: SumsData,
}

#[derive(Clone, Serialize, JsonSchema)]
struct MonthData {
    /// Such as `2026-10`.
    month: String,
    order_count: usize,
    units: u64,
    total: Money,
}

/// The purchases of each currency in which something was bought in the period.
///
/// # Errors
/// When amounts are too large to add up.
pub(crate) fn purchases<'a>(
    orders: impl IntoIterator<Item = &'a AccountOrder>,
    period: &Period,
    zone: &TimeZone,
) -> Result<Vec<PurchasesData>, InvalidMoney> {
    let mut by_currency: BTreeMap<String, Vec<(Date, &AccountOrder)>> = BTreeMap::new();
    for order in orders {
        let cancelled = order.cancelled_at.is_some_and(|at| day(at, zone) <= period.to);
        let placed = day(order.processed_at, zone);
        if !order.test && !cancelled && placed <= period.to {
            by_currency.entry(order.currency.to_string()).or_default().push((placed, order));
        }
    }
    let mut purchases = Vec::new();
    for mut orders in by_currency.into_values() {
        orders.sort_by(|(_, one), (_, other)| {
            one.processed_at.cmp(&other.processed_at).then_with(|| one.id.cmp(&other.id))
        });
        purchases.extend(PurchasesData::new(&orders, period, zone)?);
    }
    Ok(purchases)
}

impl PurchasesData {
    fn new(
        orders: &[(Date, &AccountOrder)],
        period: &Period,
        zone: &TimeZone,
    ) -> Result<Option<Self>, InvalidMoney> {
        let in_period: Vec<_> =
            orders.iter().filter(|(placed, _)| period.contains(*placed)).map(|(_, order)| *order).collect();
        let Some(currency) = in_period.first().map(|order| order.currency) else { return Ok(None) };
        let mut totals = SumsData::zero(currency);
        let mut lines = Vec::with_capacity(in_period.len());
        for order in in_period {
            let sums = SumsData::of(order)?;
            totals = totals.plus(&sums)?;
            lines.push(PurchaseData {
                order: OrderData::new(order),
                date: iso(order.processed_at, zone),
                taxes_included: order.taxes_included,
                sums,
            });
        }
        let months = months(orders, period, currency)?;
        Ok(Some(Self { currency, order_count: lines.len(), totals, orders: lines, months }))
    }
}

fn months(
    orders: &[(Date, &AccountOrder)],
    period: &Period,
    currency: CurrencyCode,
) -> Result<Vec<MonthData>, InvalidMoney> {
    let last = period.to.first_of_month();
    let mut months = Vec::new();
    for back in (0..MONTHS).rev() {
        let Ok(first) = last.checked_sub(back.months()) else { continue };
        let (mut order_count, mut units, mut total) = (0, 0u64, Money::zero(currency));
        for (_, order) in orders.iter().filter(|(placed, _)| placed.first_of_month() == first) {
            order_count += 1;
            units = units.saturating_add(order.units);
            total = total.checked_add(order.total)?;
        }
        let month = first.strftime("%Y-%m").to_string();
        months.push(MonthData { month, order_count, units, total });
    }
    Ok(months)
}

impl SumsData {
    fn zero(currency: CurrencyCode) -> Self {
        let zero = Money::zero(currency);
        Self {
            units: 0,
            subtotal: zero,
            discounts: zero,
            tax: zero,
            shipping_and_other: zero,
            total: zero,
            returned: zero,
        }
    }

    fn of(order: &AccountOrder) -> Result<Self, InvalidMoney> {
        let rest = order.total.checked_sub(order.subtotal)?;
        Ok(Self {
            units: order.units,
            subtotal: order.subtotal,
            discounts: order.discounts,
            tax: order.tax,
            shipping_and_other: if order.taxes_included { rest } else { rest.checked_sub(order.tax)? },
            total: order.total,
            returned: order.total.checked_sub(order.current_total)?,
        })
    }

    fn plus(&self, other: &Self) -> Result<Self, InvalidMoney> {
        Ok(Self {
            units: self.units.saturating_add(other.units),
            subtotal: self.subtotal.checked_add(other.subtotal)?,
            discounts: self.discounts.checked_add(other.discounts)?,
            tax: self.tax.checked_add(other.tax)?,
            shipping_and_other: self.shipping_and_other.checked_add(other.shipping_and_other)?,
            total: self.total.checked_add(other.total)?,
            returned: self.returned.checked_add(other.returned)?,
        })
    }
}
