//! What was bought: the lines of an order.

use super::{Attribute, DiscountAllocation, MoneyBag, TaxLine};
use comms::Gid;

#[derive(Clone, PartialEq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct LineItem {
    pub id: Gid,
    pub title: String,
    /// The variant's title, such as `Large / Blue`.
    pub variant: Option<String>,
    pub sku: Option<String>,
    pub vendor: Option<String>,
    /// As ordered.
    pub quantity: u64,
    /// Less what was removed or returned.
    pub current_quantity: u64,
    pub requires_shipping: bool,
    pub gift_card: bool,
    /// It is what the customer gave on top, and no article.
    pub tip: bool,
    /// The bundle it was bought in.
    pub bundle: Option<Bundle>,
    /// A picture of the variant. An event does not tell.
    pub image_url: Option<String>,
    /// The product's page in the online store. Only the Admin API tells, and only an app that may read products.
    pub product_url: Option<String>,
    /// Before discounts.
    pub unit_price: MoneyBag,
    /// Everything taken off all units of this line, its share of the order's discounts included.
    pub total_discount: MoneyBag,
    pub discounts: Vec<DiscountAllocation>,
    pub tax_lines: Vec<TaxLine>,
    pub duties: Vec<Duty>,
    /// What the customer chose or wrote, without private and blank ones.
    pub properties: Vec<Attribute>,
}

/// What several lines were bought as.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct Bundle {
    pub id: Gid,
    pub title: String,
    pub quantity: u64,
    pub sku: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct Duty {
    pub harmonized_system_code: Option<String>,
    pub country_code_of_origin: Option<String>,
    pub price: MoneyBag,
}

impl LineItem {
    /// Whether nothing says that it is an article: a tip is such a line.
    fn is_bare(&self) -> bool {
        let named = [&self.sku, &self.variant, &self.vendor].iter().any(|it| it.is_some());
        !named && !self.requires_shipping && !self.gift_card && self.tax_lines.is_empty()
    }
}

/// Marks the lines that are tips, where Shopify tells only how much was tipped: the bare lines, if they are worth
/// the tip together, or else the one that is.
pub(super) fn mark_tips(lines: &mut [LineItem], tip: MoneyBag) {
    if tip.is_zero() || lines.iter().any(|line| line.tip) {
        return;
    }
    let worth = |line: &LineItem| line.unit_price.shop.checked_times(line.quantity).ok();
    let bare: Vec<usize> = (0..lines.len()).filter(|index| lines[*index].is_bare()).collect();
    let sum = bare.iter().try_fold(comms::Money::zero(tip.shop.currency()), |sum, index| {
        worth(&lines[*index]).and_then(|it| sum.checked_add(it).ok())
    });
    let is_tip = |amount: Option<comms::Money>| amount.is_some_and(|it| it == tip.shop);
    let tips = match bare.iter().position(|index| is_tip(worth(&lines[*index]))) {
        _ if is_tip(sum) => bare,
        Some(one) => vec![bare[one]],
        None => Vec::new(),
    };
    tips.into_iter().for_each(|index| lines[index].tip = true);
}
