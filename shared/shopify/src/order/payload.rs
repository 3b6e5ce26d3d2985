//! What an event's payload proves about money that it tells in the shop's currency only.

use super::{FinancialStatus, LineItem, MoneyBag, ShippingLine, ShopAmount};
use crate::Malformed;
use comms::{CurrencyCode, InvalidMoney, Money};
use rust_decimal::Decimal;
use serde::Deserialize;

/// The amounts of a payload that are known in both currencies.
pub(super) struct Sums<'a> {
    pub lines: &'a [LineItem],
    pub shipping: &'a [ShippingLine],
    /// What comes on top of the prices: tax, duties, fees.
    pub added: [Option<MoneyBag>; 3],
    pub total: MoneyBag,
    pub current_total: MoneyBag,
}

/// A transaction of a refund.
#[derive(Deserialize)]
pub(super) struct Transaction {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    status: String,
    amount: super::money::Amount,
    currency: Option<CurrencyCode>,
}

impl Sums<'_> {
    fn in_shop_currency(&self, amount: Decimal) -> Money {
        Money::new(amount, self.total.shop.currency())
    }

    /// An amount that is nothing, or all of a total, or of a shop that the customer paid in its own currency, is
    /// known in both currencies.
    fn amount(&self, amount: Decimal) -> ShopAmount {
        let shop = self.in_shop_currency(amount);
        let seen = self.total.presentment.currency();
        let presentment = if seen == shop.currency() {
            Some(shop)
        } else if amount.is_zero() {
            Some(Money::zero(seen))
        } else {
            [self.current_total, self.total].iter().find(|it| it.shop == shop).map(|it| it.presentment)
        };
        ShopAmount { shop, presentment }
    }

    /// The price of the tip lines, or what the total has beyond everything else, if in the shop's currency that
    /// is just the tip.
    pub fn tip(&self, amount: Decimal) -> Result<ShopAmount, Malformed> {
        let shop = self.in_shop_currency(amount);
        let seen = self.total.presentment.currency();
        if amount.is_zero() || seen == shop.currency() {
            let presentment = Some(Money::new(amount, seen));
            return Ok(ShopAmount { shop, presentment });
        }
        let known = self.tip_lines().map(|lines| [Some(lines), self.rest().ok()]);
        let known = known.map_err(|_| Malformed::new("line_items", "has amounts that cannot be added up"))?;
        let found = known.into_iter().flatten().find(|it| it.shop == shop);
        Ok(ShopAmount { shop, presentment: found.map(|it| it.presentment) })
    }

    fn zero(&self) -> MoneyBag {
        MoneyBag::zero(self.total.shop.currency(), self.total.presentment.currency())
    }

    fn worth(line: &LineItem) -> Result<MoneyBag, InvalidMoney> {
        let price = line.unit_price;
        let price = MoneyBag {
            shop: price.shop.checked_times(line.quantity)?,
            presentment: price.presentment.checked_times(line.quantity)?,
        };
        price.checked_sub(line.total_discount)
    }

    fn tip_lines(&self) -> Result<MoneyBag, InvalidMoney> {
        let mut tips = self.lines.iter().filter(|line| line.tip);
        tips.try_fold(self.zero(), |sum, line| sum.checked_add(Self::worth(line)?))
    }

    fn rest(&self) -> Result<MoneyBag, InvalidMoney> {
        let goods = self.lines.iter().filter(|line| !line.tip).map(Self::worth);
        let shipping = self.shipping.iter().map(|line| Ok(line.discounted_price));
        let added = self.added.iter().flatten().map(|amount| Ok(*amount));
        let mut parts = goods.chain(shipping).chain(added);
        parts.try_fold(self.total, |rest, part| rest.checked_sub(part?))
    }

    pub fn outstanding(&self, amount: Decimal) -> ShopAmount {
        self.amount(amount)
    }

    /// What the payload's refunds gave back. What they gave back in another currency than the shop's is not known
    /// in the shop's, so it is taken as such only where both are one.
    pub fn refunded<'t>(
        &self,
        transactions: impl Iterator<Item = &'t Transaction>,
    ) -> Result<ShopAmount, Malformed> {
        let back = transactions.filter(|it| it.kind == "refund" && it.status == "success");
        let ours = back.filter(|it| it.currency.is_none_or(|it| it == self.total.shop.currency()));
        let sum = ours.map(|it| it.amount.0).try_fold(Decimal::ZERO, Decimal::checked_add);
        let sum = sum.ok_or_else(|| Malformed::new("refunds", "has amounts that cannot be added up"))?;
        Ok(self.amount(sum))
    }

    /// The current total less what is outstanding is what came in and did not go back.
    pub fn received(&self, outstanding: ShopAmount, refunded: ShopAmount) -> Result<ShopAmount, Malformed> {
        let received = |total: Money, outstanding: Money, refunded: Money| {
            total.checked_sub(outstanding)?.checked_add(refunded)
        };
        let wrong = |_: InvalidMoney| Malformed::new("total_outstanding", "cannot be taken off the total");
        let shop = received(self.current_total.shop, outstanding.shop, refunded.shop).map_err(wrong)?;
        let seen = outstanding.presentment.zip(refunded.presentment);
        let seen = seen.map(|(outstanding, refunded)| {
            received(self.current_total.presentment, outstanding, refunded).map_err(wrong)
        });
        Ok(ShopAmount { shop, presentment: seen.transpose()? })
    }

    /// While an order is authorized, all of what is outstanding is. Where some is paid, an event does not tell
    /// what the rest is.
    pub fn capturable(&self, status: &FinancialStatus, outstanding: ShopAmount) -> Option<MoneyBag> {
        match status {
            FinancialStatus::Authorized => outstanding.both(),
            FinancialStatus::PartiallyPaid | FinancialStatus::Other(_) => None,
            _ => Some(self.zero()),
        }
    }
}
