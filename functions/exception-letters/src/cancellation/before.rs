//! The order as it stood just before its cancellation: with what edits had put in, without what refunds and edits had
//! taken out. The cancellation takes the rest out, so what is current afterwards is nothing.

use super::begun;
use comms::{InvalidMoney, Money};
use schemars::JsonSchema;
use serde::Serialize;
use shopify::{
    LineItem, MoneyBag, Order,
    payment::{Cancellation, LineTakenOut, PartTakenOut, TakenOut},
};

#[derive(Clone, Serialize, JsonSchema)]
pub(crate) struct Before {
    /// What the order still had when it was cancelled.
    lines: Vec<LineData>,
    /// The parts of the total beside the lines.
    totals: TotalsData,
    /// Of the order just before its cancellation.
    #[schemars(extend("x-tax" = "included"))]
    pub total: Money,
}

#[derive(Clone, Serialize, JsonSchema)]
struct LineData {
    /// 1 for the first line.
    number: usize,
    /// The product's name.
    title: String,
    /// The variant's name, such as `Large / Blue`.
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
    /// The stock-keeping unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<String>,
    /// Without what had been taken out before.
    quantity: u64,
    /// What discounts take off, already taken off the total.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "as_priced"))]
    discount: Option<Money>,
    /// After discounts.
    #[schemars(extend("x-tax" = "as_priced"))]
    total: Money,
}

#[derive(Clone, Serialize, JsonSchema)]
struct TotalsData {
    /// Whether the prices of lines and shipping include tax.
    taxes_included: bool,
    /// Shipping after discounts. Absent where nothing was to pay for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "as_priced"))]
    shipping: Option<Money>,
    /// What discounts take off shipping, already taken off `shipping`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "as_priced"))]
    shipping_discount: Option<Money>,
    /// What discounts take off lines and shipping, already taken off both.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "as_priced"))]
    discounts: Option<Money>,
    /// Tax on top of the prices. Absent where prices include it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "tax"))]
    tax: Option<Money>,
    /// Tax that is in the prices: no part of the sum. Absent where it comes on top.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "tax"))]
    tax_included: Option<Money>,
    /// Import duties on top of the prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "excluded"))]
    duties: Option<Money>,
    /// Fees beside duties.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "excluded"))]
    additional_fees: Option<Money>,
    /// A tip.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "excluded"))]
    tip: Option<Money>,
    /// What Shopify has in the total and names nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "included"))]
    difference: Option<Money>,
}

impl Before {
    /// # Errors
    /// When amounts are too large to add up, or are in different currencies.
    pub fn new(cancellation: &Cancellation, order: &Order) -> Result<Self, InvalidMoney> {
        let begun = begun(cancellation);
        let taken_out: Vec<_> = cancellation.taken_out.iter().filter(|it| Some(it.at) < begun).collect();
        let gone = Gone { taken_out: &taken_out, zero: Money::zero(order.presentment_currency) };
        let mut lines = Vec::new();
        // a tip is no article
        for line in order.lines.iter().filter(|line| !line.tip) {
            if let Some(data) = LineData::new(lines.len() + 1, line, &gone)? {
                lines.push(data);
            }
        }
        let total = gone.off(order.totals.total, gone.total(order)?)?;
        let totals = TotalsData::new(order, &gone, &lines, total)?;
        Ok(Self { lines, totals, total })
    }
}

impl LineData {
    /// Nothing of a line that was taken out as a whole.
    fn new(number: usize, line: &LineItem, gone: &Gone<'_>) -> Result<Option<Self>, InvalidMoney> {
        let of_line = || gone.lines().filter(|taken| taken.line == line.id);
        let quantity = line.quantity.saturating_sub(of_line().map(|taken| taken.quantity).sum());
        if quantity == 0 {
            return Ok(None);
        }
        let price = line.unit_price.presentment;
        let ordered = price.checked_times(line.quantity)?.checked_sub(line.total_discount.presentment)?;
        let total = ordered.checked_sub(gone.sum(of_line().map(|taken| taken.part.amount))?)?;
        let discount = price.checked_times(quantity)?.checked_sub(total)?;
        Ok(Some(Self {
            number,
            title: line.title.clone(),
            variant: line.variant.clone(),
            sku: line.sku.clone(),
            quantity,
            discount: some(discount),
            total,
        }))
    }
}

impl TotalsData {
    fn new(order: &Order, gone: &Gone<'_>, lines: &[LineData], total: Money) -> Result<Self, InvalidMoney> {
        let shipping_lines = order.shipping_lines.iter();
        let charged = gone.sum(shipping_lines.clone().map(|line| line.discounted_price))?;
        let undiscounted = gone.sum(shipping_lines.map(|line| line.price))?;
        let shipping_discount = undiscounted.checked_sub(charged)?;
        let shipping = charged.checked_sub(gone.sum(gone.shipping().map(|it| it.amount))?)?;
        let tax = gone.off(order.totals.tax, gone.tax()?)?;
        let duties = match order.totals.duties.filter(|_| !order.duties_included) {
            Some(duties) => gone.off(duties, gone.sum(gone.duties())?)?,
            None => gone.zero,
        };
        let fees = order.totals.additional_fees.map_or(gone.zero, |fees| fees.presentment);
        let tip = order.totals.tip.presentment.unwrap_or(gone.zero);
        let on_top = if order.taxes_included { gone.zero } else { tax };
        let beside = [shipping, on_top, duties, fees, tip];
        let of_lines = lines.iter().map(|line| line.total);
        let parts = of_lines.chain(beside).try_fold(gone.zero, Money::checked_add)?;
        let discounts = lines.iter().filter_map(|line| line.discount);
        let discounts = discounts.chain([shipping_discount]).try_fold(gone.zero, Money::checked_add)?;
        Ok(Self {
            taxes_included: order.taxes_included,
            shipping: some(shipping),
            shipping_discount: some(shipping_discount),
            discounts: some(discounts),
            tax: some(on_top),
            tax_included: some(tax).filter(|_| order.taxes_included),
            duties: some(duties),
            additional_fees: some(fees),
            tip: some(tip),
            difference: some(total.checked_sub(parts)?),
        })
    }
}

fn some(money: Money) -> Option<Money> {
    (!money.amount().is_zero()).then_some(money)
}

/// What had been taken out of the order before, in the currency the customer saw.
struct Gone<'a> {
    taken_out: &'a [&'a TakenOut],
    zero: Money,
}

impl<'a> Gone<'a> {
    fn lines(&self) -> impl Iterator<Item = &'a LineTakenOut> {
        self.taken_out.iter().flat_map(|taken| &taken.lines)
    }

    fn shipping(&self) -> impl Iterator<Item = &'a PartTakenOut> {
        self.taken_out.iter().flat_map(|taken| &taken.shipping)
    }

    fn duties(&self) -> impl Iterator<Item = MoneyBag> {
        self.taken_out.iter().flat_map(|taken| taken.duties.iter().copied())
    }

    fn parts(&self) -> impl Iterator<Item = &'a PartTakenOut> {
        self.lines().map(|line| &line.part).chain(self.shipping())
    }

    fn tax(&self) -> Result<Money, InvalidMoney> {
        self.sum(self.parts().map(|part| part.tax))
    }

    fn total(&self, order: &Order) -> Result<Money, InvalidMoney> {
        let amounts = self.sum(self.parts().map(|part| part.amount))?;
        let tax = if order.taxes_included { self.zero } else { self.tax()? };
        let duties = if order.duties_included { self.zero } else { self.sum(self.duties())? };
        amounts.checked_add(tax)?.checked_add(duties)
    }

    fn sum(&self, amounts: impl Iterator<Item = MoneyBag>) -> Result<Money, InvalidMoney> {
        amounts.map(|bag| bag.presentment).try_fold(self.zero, Money::checked_add)
    }

    fn off(&self, all: MoneyBag, gone: Money) -> Result<Money, InvalidMoney> {
        all.presentment.checked_sub(gone)
    }
}
