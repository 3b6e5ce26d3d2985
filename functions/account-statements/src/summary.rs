//! The driver data of purchase summaries: what was bought in the period, and in the year up to it.
//! Public contract: `schemas/purchase-summary.v1.json`.
//!
//! Of orders, not of products: a bulk query by account cannot go as deep as an order's lines. An order counts
//! with all that was ever ordered on it, unless it is a test or was cancelled by the period's end.

use crate::{
    data::{Holder, OrderData},
    ledger::Named,
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
    /// The currency of every amount here.
    currency: CurrencyCode,
    /// Whether prices include tax. Absent where those of some orders do and those of others do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    taxes_included: Option<bool>,
    /// How many orders were placed in the period.
    order_count: usize,
    /// The orders of the period together.
    totals: TotalsData,
    /// Those of the period, the earliest first.
    orders: Vec<PurchaseData>,
    /// The twelve months up to the period's last day, the earliest first; also those without an order.
    months: Vec<MonthData>,
}

/// Subtotal, tax unless prices include it, and the rest add up to the total.
#[derive(Clone, Serialize, JsonSchema)]
struct TotalsData {
    /// How many units were ordered.
    units: u64,
    /// The lines after discounts. With tax, if prices include it. Absent, as the next two are, where those of some
    /// orders do and those of others do not, because then they cannot be added up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "as_priced"))]
    subtotal: Option<Money>,
    /// Shipping after its discounts, duties, fees and tips. With tax, if prices include it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "as_priced"))]
    shipping_and_other: Option<Money>,
    /// What was taken off; it is in neither of these any more. With tax, if prices include it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "as_priced"))]
    discounts: Option<Money>,
    /// The tax in the total.
    #[schemars(extend("x-tax" = "tax"))]
    tax: Money,
    /// All of it, with tax.
    #[schemars(extend("x-tax" = "included"))]
    total: Money,
    /// What of the total was returned or removed since, with tax.
    #[schemars(extend("x-tax" = "included"))]
    returned: Money,
}

#[derive(Clone, Serialize, JsonSchema)]
struct PurchaseData {
    /// The order.
    order: OrderData,
    /// When it was placed.
    date: String,
    /// The day of `date`.
    #[schemars(with = "String")]
    date_on: Date,
    /// How many units were ordered.
    units: u64,
    /// The tax in the total.
    #[schemars(extend("x-tax" = "tax"))]
    tax: Money,
    /// All of it, with tax.
    #[schemars(extend("x-tax" = "included"))]
    total: Money,
    /// What of the total was returned or removed since, with tax.
    #[schemars(extend("x-tax" = "included"))]
    returned: Money,
}

#[derive(Clone, Serialize, JsonSchema)]
struct MonthData {
    /// The month.
    #[schemars(extend("examples" = ["2026-09", "2026-10"]))]
    month: String,
    /// How many orders were placed in it.
    order_count: usize,
    /// How many units were ordered.
    units: u64,
    /// What was ordered, with tax.
    #[schemars(extend("x-tax" = "included"))]
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
        let mut lines = Vec::with_capacity(in_period.len());
        for order in &in_period {
            lines.push(PurchaseData {
                order: OrderData::from(Named::from(*order)),
                date: iso(order.processed_at, zone),
                date_on: day(order.processed_at, zone),
                units: order.units,
                tax: order.tax,
                total: order.total,
                returned: returned(order)?,
            });
        }
        let taxes_included = match in_period.iter().filter(|order| order.taxes_included).count() {
            0 => Some(false),
            count if count == in_period.len() => Some(true),
            _ => None,
        };
        let months = months(orders, period, currency)?;
        let totals = TotalsData::of(&in_period, currency, taxes_included)?;
        Ok(Some(Self { currency, taxes_included, order_count: lines.len(), totals, orders: lines, months }))
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

impl TotalsData {
    fn of(
        orders: &[&AccountOrder],
        currency: CurrencyCode,
        taxes_included: Option<bool>,
    ) -> Result<Self, InvalidMoney> {
        let sum = |amount: fn(&AccountOrder) -> Money| {
            orders.iter().try_fold(Money::zero(currency), |sum, order| sum.checked_add(amount(order)))
        };
        let (tax, total, subtotal) = (sum(|it| it.tax)?, sum(|it| it.total)?, sum(|it| it.subtotal)?);
        let mut rest = total.checked_sub(subtotal)?;
        if taxes_included == Some(false) {
            rest = rest.checked_sub(tax)?;
        }
        let discounts = sum(|it| it.discounts)?;
        let of_one_kind = |amount| taxes_included.map(|_| amount);
        Ok(Self {
            units: orders.iter().fold(0, |units, order| units.saturating_add(order.units)),
            subtotal: of_one_kind(subtotal),
            shipping_and_other: of_one_kind(rest),
            discounts: of_one_kind(discounts),
            tax,
            total,
            returned: total.checked_sub(sum(|it| it.current_total)?)?,
        })
    }
}

fn returned(order: &AccountOrder) -> Result<Money, InvalidMoney> {
    order.total.checked_sub(order.current_total)
}
