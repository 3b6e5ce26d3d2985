//! Discounts: what took something off, and off what.

use super::MoneyBag;
use crate::{Malformed, decode::text};
use serde::Deserialize;

/// What one discount took off one line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct DiscountAllocation {
    /// The code the customer entered, or the discount's title.
    pub name: Option<String>,
    pub kind: DiscountKind,
    pub amount: MoneyBag,
}

/// How a discount came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub enum DiscountKind {
    /// The customer entered a code.
    Code,
    /// By a rule of the shop.
    Automatic,
    /// By hand.
    Manual,
    /// By a script of the shop.
    Script,
    /// One that Shopify has added since.
    Other,
}

/// A discount as both APIs write it. GraphQL names its type in `__typename`, REST in `type`.
#[derive(Deserialize, Clone)]
pub(super) struct Application {
    #[serde(default, alias = "__typename", deserialize_with = "text")]
    r#type: Option<String>,
    #[serde(default, deserialize_with = "text")]
    code: Option<String>,
    #[serde(default, deserialize_with = "text")]
    title: Option<String>,
    #[serde(default, deserialize_with = "text")]
    description: Option<String>,
}

impl Application {
    pub fn kind(&self) -> DiscountKind {
        match self.r#type.as_deref() {
            Some("discount_code" | "DiscountCodeApplication") => DiscountKind::Code,
            Some("automatic" | "AutomaticDiscountApplication") => DiscountKind::Automatic,
            Some("manual" | "ManualDiscountApplication") => DiscountKind::Manual,
            Some("script" | "ScriptDiscountApplication") => DiscountKind::Script,
            _ if self.code.is_some() => DiscountKind::Code,
            _ => DiscountKind::Other,
        }
    }

    pub fn name(&self) -> Option<String> {
        self.code.clone().or_else(|| self.title.clone()).or_else(|| self.description.clone())
    }

    pub fn allocated(this: Option<&Self>, amount: MoneyBag) -> DiscountAllocation {
        let kind = this.map_or(DiscountKind::Other, Self::kind);
        DiscountAllocation { name: this.and_then(Self::name), kind, amount }
    }
}

/// The codes that a customer entered: those of the order, without the names of discounts that are no code.
pub(super) fn entered<'a>(
    codes: Vec<String>,
    known: impl Iterator<Item = (DiscountKind, Option<&'a str>)> + Clone,
) -> Vec<String> {
    let is = |code: &str, wanted: bool| {
        known.clone().any(|(kind, name)| {
            (kind == DiscountKind::Code) == wanted && name.is_some_and(|name| name.eq_ignore_ascii_case(code))
        })
    };
    codes.into_iter().filter(|code| is(code, true) || !is(code, false)).collect()
}

/// All that was taken off a line. The field Shopify calls the line's total discount counts different
/// discounts in its two APIs; the allocations are the same in both, so they decide where there are any.
pub(super) fn total(allocations: &[DiscountAllocation], stated: MoneyBag) -> Result<MoneyBag, Malformed> {
    let mut allocations = allocations.iter().map(|allocation| allocation.amount);
    let Some(first) = allocations.next() else { return Ok(stated) };
    allocations
        .try_fold(first, MoneyBag::checked_add)
        .map_err(|_| Malformed::new("discount_allocations", "has amounts that cannot be added up"))
}
