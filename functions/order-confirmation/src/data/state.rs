//! An order in one of its states: as it was placed, or as it is now. Pure.

use comms::{InvalidMoney, Money};
use rust_decimal::{Decimal, RoundingStrategy};
use shopify::{DiscountAllocation, LineItem, MoneyBag, Order, ShippingLine, TaxLine};

/// Which of its states a document shows. Never two of them at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// All that was ordered.
    Placed,
    /// What is still ordered, after edits, returns and refunds.
    Current,
}

/// The order as if nothing else ever had been: quantities, discounts, taxes and totals of the state.
pub(super) fn shown(order: &Order, state: State) -> Result<Order, InvalidMoney> {
    match state {
        State::Placed => Ok(order.clone()),
        State::Current => as_it_is_now(order),
    }
}

/// Whether the order's money is that of this state: what was paid and is owed is always so now.
pub(super) fn money_is_of(order: &Order, state: State) -> bool {
    state == State::Current || order.totals.total == order.totals.current_total
}

/// The order without what was removed since it was placed. Shopify states a line's discounts and taxes for
/// all units that were ever ordered, so those still ordered get their share; the order's own sums are stated,
/// and what the shares lack of them for being rounded is put right.
fn as_it_is_now(order: &Order) -> Result<Order, InvalidMoney> {
    let mut now = order.clone();
    let totals = &mut now.totals;
    let unchanged = order.lines.iter().all(|line| line.current_quantity == line.quantity)
        && totals.total == totals.current_total
        && totals.tax == totals.current_tax;
    (totals.subtotal, totals.discounts) = (totals.current_subtotal, totals.current_discounts);
    (totals.tax, totals.total) = (totals.current_tax, totals.current_total);
    if unchanged {
        return Ok(now);
    }
    totals.duties = totals.current_duties;
    totals.additional_fees = totals.current_additional_fees;
    now.lines.retain(|line| line.current_quantity > 0);
    for line in &mut now.lines {
        keep(line)?;
    }
    let partly: Vec<bool> = now
        .lines
        .iter()
        .map(|line| order.lines.iter().any(|it| it.id == line.id && it.quantity > line.quantity))
        .collect();
    even_out(&mut now, &partly)?;
    now.shipping_lines = shipping(order);
    now.additional_fees.retain(|_| now.totals.additional_fees.is_some());
    now.tax_lines = taxes(order, &now)?;
    Ok(now)
}

/// The line with the units that are still ordered.
fn keep(line: &mut LineItem) -> Result<(), InvalidMoney> {
    let (part, whole) = (line.current_quantity, std::mem::replace(&mut line.quantity, line.current_quantity));
    line.total_discount = share(line.total_discount, part, whole)?;
    let mut sum: Option<MoneyBag> = None;
    for discount in &mut line.discounts {
        discount.amount = share(discount.amount, part, whole)?;
        sum = Some(sum.map_or(Ok(discount.amount), |sum| sum.checked_add(discount.amount))?);
    }
    line.total_discount = sum.unwrap_or(line.total_discount);
    for tax in &mut line.tax_lines {
        tax.price = share(tax.price, part, whole)?;
    }
    for duty in &mut line.duties {
        duty.price = share(duty.price, part, whole)?;
    }
    Ok(())
}

/// Puts what rounded shares lack of the stated subtotal on the largest discount of which there is a share.
fn even_out(now: &mut Order, partly: &[bool]) -> Result<(), InvalidMoney> {
    let shared = now.lines.iter_mut().zip(partly).filter(|(line, partly)| **partly && !line.tip);
    let mut shared: Vec<&mut LineItem> = shared.map(|(line, _)| line).collect();
    let shares = shared.iter().map(|line| line.discounts.len().max(1)).sum();
    let worth = |line: &LineItem| line.total_discount.presentment.amount();
    let Some(largest) = (0..shared.len()).max_by_key(|index| worth(shared[*index])) else { return Ok(()) };
    let line = shared.swap_remove(largest);
    let stated = now.totals.current_subtotal.presentment;
    let (id, sum) = (line.id.clone(), line.total_discount.presentment);
    let more = goods(now)?.checked_sub(stated)?;
    let sum = sum.checked_add(more)?;
    if more.amount().abs() > cents(shares, stated) || sum.amount() < Decimal::ZERO {
        return Ok(());
    }
    for line in now.lines.iter_mut().filter(|line| line.id == id) {
        line.total_discount.presentment = sum;
        if let Some(discount) = line.discounts.iter_mut().max_by_key(|it| it.amount.presentment.amount()) {
            discount.amount.presentment = discount.amount.presentment.checked_add(more)?;
        }
    }
    Ok(())
}

/// What the articles cost after their discounts.
pub(super) fn goods(order: &Order) -> Result<Money, InvalidMoney> {
    let zero = Money::zero(order.presentment_currency);
    let mut articles = order.lines.iter().filter(|line| !line.tip);
    articles.try_fold(zero, |sum, line| {
        let price = line.unit_price.presentment.checked_times(line.quantity)?;
        sum.checked_add(price.checked_sub(line.total_discount.presentment)?)
    })
}

/// Shipping that was paid back is no longer there; the rest is what is left of it.
fn shipping(order: &Order) -> Vec<ShippingLine> {
    let mut lines = order.shipping_lines.clone();
    if let ([line], Some(now)) = (lines.as_mut_slice(), order.totals.current_shipping) {
        line.current_price = now;
    }
    lines.retain(|line| !line.current_price.is_zero() || line.discounted_price.is_zero());
    for line in &mut lines {
        let (was, now) =
            (line.discounted_price.presentment.amount(), line.current_price.presentment.amount());
        if was == now {
            continue;
        }
        let of = |amount: MoneyBag| MoneyBag {
            shop: proportion(amount.shop, now, was),
            presentment: proportion(amount.presentment, now, was),
        };
        for tax in &mut line.tax_lines {
            tax.price = of(tax.price);
        }
        (line.price, line.discounted_price) = (line.current_price, line.current_price);
        line.discounts = Vec::new();
    }
    lines
}

fn proportion(amount: Money, part: Decimal, whole: Decimal) -> Money {
    let share = amount.amount().checked_mul(part).and_then(|it| it.checked_div(whole));
    Money::new(rounded(share.unwrap_or_default(), amount), amount.currency())
}

/// The taxes on what is still there: those of lines and shipping, and those that are the order's own, such as a
/// delivery fee, where they are still a part of the stated tax. Nothing, if these do not sum to it: what cannot be
/// told apart is not shown apart.
fn taxes(order: &Order, now: &Order) -> Result<Vec<TaxLine>, InvalidMoney> {
    let mut taxes: Vec<TaxLine> = Vec::new();
    for tax in now.lines.iter().flat_map(|line| &line.tax_lines).chain(shipping_taxes(&now.shipping_lines)) {
        match taxes.iter_mut().find(|known| same(known, tax)) {
            Some(known) => known.price = known.price.checked_add(tax.price)?,
            None => taxes.push(tax.clone()),
        }
    }
    let placed =
        order.lines.iter().flat_map(|line| &line.tax_lines).chain(shipping_taxes(&order.shipping_lines));
    let placed: Vec<&TaxLine> = placed.collect();
    let own = order.tax_lines.iter().filter(|tax| !placed.iter().any(|known| same(known, tax))).cloned();
    let stated = now.totals.tax.presentment;
    let few = cents(order.lines.len() + order.shipping_lines.len(), stated);
    let all: Vec<TaxLine> = taxes.iter().cloned().chain(own).collect();
    for mut taxes in [all, taxes] {
        let lacks = stated.checked_sub(sum(&taxes, stated)?)?;
        let largest = taxes.iter_mut().max_by_key(|tax| tax.price.presentment.amount());
        if let Some(largest) = largest.filter(|_| lacks.amount().abs() <= few) {
            largest.price.presentment = largest.price.presentment.checked_add(lacks)?;
            return Ok(taxes);
        }
    }
    Ok(Vec::new())
}

fn shipping_taxes(lines: &[ShippingLine]) -> impl Iterator<Item = &TaxLine> {
    lines.iter().flat_map(|line| &line.tax_lines)
}

fn same(one: &TaxLine, other: &TaxLine) -> bool {
    (&one.title, one.rate) == (&other.title, other.rate)
}

pub(super) fn sum(taxes: &[TaxLine], of: Money) -> Result<Money, InvalidMoney> {
    let mut amounts = taxes.iter().map(|tax| tax.price.presentment);
    amounts.try_fold(Money::zero(of.currency()), Money::checked_add)
}

/// So many of the currency's smallest unit.
fn cents(count: usize, of: Money) -> Decimal {
    Decimal::new(i64::try_from(count).unwrap_or(i64::MAX), of.currency().decimals())
}

/// `part` of `whole` units' amount, to the currency's smallest unit.
fn share(amount: MoneyBag, part: u64, whole: u64) -> Result<MoneyBag, InvalidMoney> {
    if part == whole {
        return Ok(amount);
    }
    let of = |money: Money| {
        let share = money.checked_times(part)?.amount().checked_div(Decimal::from(whole));
        let share = share.ok_or(InvalidMoney::Overflow)?;
        Ok::<_, InvalidMoney>(Money::new(rounded(share, money), money.currency()))
    };
    Ok(MoneyBag { shop: of(amount.shop)?, presentment: of(amount.presentment)? })
}

fn rounded(amount: Decimal, of: Money) -> Decimal {
    amount.round_dp_with_strategy(of.currency().decimals(), RoundingStrategy::MidpointAwayFromZero)
}

/// All that was taken off articles, or off shipping.
pub(super) fn discounts(order: &Order) -> (Vec<DiscountAllocation>, Vec<DiscountAllocation>) {
    let goods = order.lines.iter().filter(|line| !line.tip).flat_map(|line| &line.discounts);
    let shipping = order.shipping_lines.iter().flat_map(|line| &line.discounts);
    (goods.cloned().collect(), shipping.cloned().collect())
}
