//! An order after an edit: what is still ordered, as if nothing else ever had been. Pure.

use comms::{InvalidMoney, Money};
use rust_decimal::{Decimal, RoundingStrategy};
use shopify::{MoneyBag, Order, TaxLine};

/// The order without what was removed since it was placed. Shopify states a line's discounts and taxes for
/// all units that were ever ordered, so those still ordered get their share; the order's own sums are stated.
pub(super) fn as_it_is_now(order: &Order) -> Result<Order, InvalidMoney> {
    let mut order = order.clone();
    order.lines.retain(|line| line.current_quantity > 0);
    for line in &mut order.lines {
        let (part, whole) =
            (line.current_quantity, std::mem::replace(&mut line.quantity, line.current_quantity));
        line.total_discount = share(line.total_discount, part, whole)?;
        for tax in &mut line.tax_lines {
            tax.price = share(tax.price, part, whole)?;
        }
    }
    let zero = MoneyBag::zero(order.currency, order.presentment_currency);
    let taxed = order.lines.iter().flat_map(|line| &line.tax_lines);
    let taxed = taxed.chain(order.shipping_lines.iter().flat_map(|line| &line.tax_lines));
    let mut taxes: Vec<TaxLine> = Vec::new();
    for tax in taxed {
        match taxes.iter_mut().find(|known| (&known.title, known.rate) == (&tax.title, tax.rate)) {
            Some(known) => known.price = known.price.checked_add(tax.price)?,
            None => taxes.push(tax.clone()),
        }
    }
    order.tax_lines = taxes;
    let mut shipping = order.shipping_lines.iter().map(|line| line.price);
    let shipping = shipping.try_fold(zero, MoneyBag::checked_add)?;
    let totals = &mut order.totals;
    (totals.subtotal, totals.discounts, totals.shipping) =
        (totals.current_subtotal, totals.current_discounts, shipping);
    (totals.tax, totals.total) = (totals.current_tax, totals.current_total);
    Ok(order)
}

/// `part` of `whole` units' amount, to the currency's smallest unit.
fn share(amount: MoneyBag, part: u64, whole: u64) -> Result<MoneyBag, InvalidMoney> {
    if part == whole {
        return Ok(amount);
    }
    let of = |money: Money| {
        let share = money.checked_times(part)?.amount().checked_div(Decimal::from(whole));
        let share = share.ok_or(InvalidMoney::Overflow)?;
        let digits = money.currency().decimals();
        Ok::<_, InvalidMoney>(Money::new(
            share.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero),
            money.currency(),
        ))
    };
    Ok(MoneyBag { shop: of(amount.shop)?, presentment: of(amount.presentment)? })
}
