//! Discounts by name, on every document that shows what was taken off.

use comms::{InvalidMoney, Money};
use schemars::JsonSchema;
use serde::Serialize;
use shopify::{DiscountAllocation, DiscountKind};

/// What one discount took off, altogether.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DiscountedData {
    /// The code the customer entered, or what the shop calls the discount.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"WELCOME10")]
    pub name: Option<String>,
    /// How it came about.
    pub kind: DiscountKindData,
    /// What it took off; positive.
    #[schemars(extend("x-tax" = "as_priced"))]
    pub amount: Money,
}

/// How a discount came about: a code the customer entered, a rule or script of the shop, by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DiscountKindData {
    Code,
    Automatic,
    Manual,
    Script,
    Other,
}

impl DiscountedData {
    /// One row for each discount, in the order of their first use; without those that took off nothing.
    ///
    /// # Errors
    /// When amounts cannot be added up.
    pub fn all<'a>(
        allocations: impl Iterator<Item = &'a DiscountAllocation>,
    ) -> Result<Vec<Self>, InvalidMoney> {
        let mut all: Vec<Self> = Vec::new();
        for allocation in allocations {
            let (kind, amount) = (DiscountKindData::from(allocation.kind), allocation.amount.presentment);
            match all.iter_mut().find(|it| it.kind == kind && it.name == allocation.name) {
                Some(known) => known.amount = known.amount.checked_add(amount)?,
                None => all.push(Self { name: allocation.name.clone(), kind, amount }),
            }
        }
        all.retain(|it| !it.amount.amount().is_zero());
        Ok(all)
    }
}

impl From<DiscountKind> for DiscountKindData {
    fn from(kind: DiscountKind) -> Self {
        match kind {
            DiscountKind::Code => Self::Code,
            DiscountKind::Automatic => Self::Automatic,
            DiscountKind::Manual => Self::Manual,
            DiscountKind::Script => Self::Script,
            DiscountKind::Other => Self::Other,
        }
    }
}
