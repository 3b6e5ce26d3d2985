//! What counts as a purchase, what earns points, and what runs out.

use crate::check::Check;
use comms::CurrencyCode;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which orders count as purchases: in reminders, and where an offer mentions what was bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Purchases {
    /// Only those that are paid, and not paid back entirely.
    pub paid: bool,
    /// Of each order only what was sent, handed over or needs no sending.
    pub delivered: bool,
}

impl Default for Purchases {
    fn default() -> Self {
        Self { paid: true, delivered: true }
    }
}

/// How points are earned.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Loyalty {
    /// Points for each unit of `currency` that was paid and not paid back, such as `"1"` or `"0.5"`: above 0, at most
    /// 10000, at most six decimals.
    pub points_per_unit: Decimal,
    /// How an order's points become a whole number.
    #[serde(default)]
    pub rounding: Rounding,
    /// Whether a gift card earns points when it is bought or when it is paid with. Never both.
    #[serde(default)]
    pub gift_cards: GiftCards,
    /// Whether paying with store credit earns points, and getting it takes points.
    #[serde(default = "yes")]
    pub store_credit: bool,
    /// Whether tax earns points.
    #[serde(default = "yes")]
    pub tax: bool,
    /// Whether shipping earns points.
    #[serde(default = "yes")]
    pub shipping: bool,
    /// The currency in which points are earned, if it is not the shop's currency in the customer's latest order. Orders
    /// in another one earn none and are listed as such.
    pub currency: Option<CurrencyCode>,
    /// The customer's metafield with the balance, as `namespace.key`, if another app keeps it. Without it, the balance
    /// is what all payments so far have earned, which needs the scope `read_all_orders`.
    pub balance_metafield: Option<String>,
    /// Names of levels, each with the points at which it begins.
    #[serde(default)]
    pub tiers: BTreeMap<String, u64>,
    /// How many whole calendar months before the campaign's date a statement covers.
    #[schemars(range(min = 1, max = 24))]
    #[serde(default = "one_month")]
    pub months: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rounding {
    #[default]
    Down,
    HalfUp,
    Up,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GiftCards {
    /// Whoever buys one earns, and what is paid with one earns nothing.
    #[default]
    WhenBought,
    /// Buying one earns nothing, and whoever pays with one earns.
    WhenUsed,
}

/// When customers are reminded to buy again.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replenishment {
    /// How many days a unit lasts, by SKU.
    pub days_by_sku: BTreeMap<String, u16>,
    /// How many days before it runs out the reminder is sent.
    #[serde(default)]
    pub lead_days: u16,
    /// How many days after that a reminder that was not sent is still worth sending.
    #[schemars(range(min = 1, max = 60))]
    #[serde(default = "default_stale_days")]
    pub stale_days: u16,
}

/// More is a mistake, and sums of it would not fit a decimal. Nor would products of finer numbers.
const MOST_POINTS_PER_UNIT: u32 = 10_000;
const POINT_DIGITS: u32 = 6;

impl Loyalty {
    /// Namespace and key of the metafield with the balance.
    pub fn balance(&self) -> Option<(&str, &str)> {
        self.balance_metafield.as_deref()?.rsplit_once('.')
    }

    pub(crate) fn check(&self, check: &mut Check) {
        let rate = self.points_per_unit;
        if rate <= Decimal::ZERO || rate > Decimal::from(MOST_POINTS_PER_UNIT) || rate.scale() > POINT_DIGITS
        {
            let what = format!(
                "must be above 0 and at most {MOST_POINTS_PER_UNIT}, with at most {POINT_DIGITS} decimals"
            );
            check.fail("marketing.loyalty.points_per_unit", what);
        }
        let named = |name: &(&str, &str)| name.0.len() >= 3 && name.1.len() >= 2;
        if self.balance_metafield.is_some() && !self.balance().as_ref().is_some_and(named) {
            check.fail("marketing.loyalty.balance_metafield", "must be `namespace.key`");
        }
        if !(1..=24).contains(&self.months) {
            check.fail("marketing.loyalty.months", "must be from 1 to 24");
        }
    }
}

impl Replenishment {
    pub(crate) fn check(&self, check: &mut Check) {
        if self.days_by_sku.is_empty() {
            check.fail("marketing.replenishment.days_by_sku", "names no SKU");
        }
        for (sku, days) in &self.days_by_sku {
            if *days <= self.lead_days {
                let field = format!("marketing.replenishment.days_by_sku.{sku}");
                check.fail(field, "must be more than lead_days, or the reminder comes with the goods");
            }
        }
        // offer-run forgets the firing before after 60 days
        if !(1..=60).contains(&self.stale_days) {
            check.fail("marketing.replenishment.stale_days", "must be from 1 to 60");
        }
    }
}

fn yes() -> bool {
    true
}

fn one_month() -> u8 {
    1
}

fn default_stale_days() -> u16 {
    30
}
