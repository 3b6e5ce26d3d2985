//! What of a return's costs each of its refunds bears.
//!
//! A return has costs: a restocking fee per line, the postage, items in exchange. Shopify does not say from which of
//! the return's refunds a cost was taken, so it follows from the amounts: what a refund gives back, less what was paid,
//! is what was withheld, and the costs that make up just that were taken. Refunds are asked in the order in which they
//! were made, and none depends on a later one. So the letter about a refund says the same whenever it is written, and
//! the letters about all of them name each cost once.

use crate::common::{exchange_value, sum};
use comms::{CurrencyCode, Gid, InvalidMoney, Money};
use rust_decimal::{Decimal, RoundingStrategy};
use shopify::returns::{Refund, Return};

/// What of a return's costs no refund has borne yet. Amounts with tax, in the currency the customer saw.
pub struct Costs {
    lines: Vec<LineCost>,
    postage: Money,
    exchange: Money,
    /// What the refunds so far did not cover and the customer was asked to pay.
    carried: Money,
    zero: Money,
}

/// The restocking fee of one line of the return.
struct LineCost {
    item: Gid,
    quantity: u64,
    fee: Money,
    /// Units refunded so far.
    refunded: u64,
    taken: Money,
    /// Of units that were refunded without it.
    waived: Money,
}

/// What one refund bears. Nothing is negative.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// The restocking fee of each line of the refund.
    pub restocking: Vec<Money>,
    /// Restocking fees of other lines of the return.
    pub other_restocking: Money,
    pub postage: Money,
    pub exchange: Money,
    /// What earlier refunds did not cover.
    pub carried: Money,
    /// What this refund does not cover.
    pub to_be_paid: Money,
}

/// Costs that a refund bears wholly or not at all, in the order in which they are presumed.
const KINDS: usize = 5;
const OWN: usize = 0;
const CARRIED: usize = 1;
const POSTAGE: usize = 2;
const EXCHANGE: usize = 3;
/// Restocking fees of lines that are not part of the refund: believed only where nothing else explains it.
const OTHER: usize = 4;

impl Costs {
    pub fn new(of: &Return, taxes_included: bool, currency: CurrencyCode) -> Result<Self, InvalidMoney> {
        let zero = Money::zero(currency);
        let exchange = of.exchange_lines.iter().map(|line| exchange_value(line, taxes_included));
        let exchange = exchange.collect::<Result<Vec<_>, _>>()?;
        let lines = of.lines.iter().filter_map(|line| {
            let fee = line.restocking_fee.as_ref()?.amount.presentment;
            let item = line.item.clone()?;
            let cost =
                LineCost { item, quantity: line.quantity, fee, refunded: 0, taken: zero, waived: zero };
            (line.quantity > 0).then_some(cost)
        });
        Ok(Self {
            lines: lines.collect(),
            postage: sum(of.shipping_fees.iter().map(|it| it.presentment))?.unwrap_or(zero),
            exchange: sum(exchange.into_iter().flatten())?.unwrap_or(zero),
            carried: zero,
            zero,
        })
    }

    /// What the next refund bears, which gives back `given` of its own and for which `paid` was paid.
    ///
    /// # Errors
    /// For amounts of different currencies.
    pub fn share(&mut self, refund: &Refund, given: Money, paid: Money) -> Result<Share, InvalidMoney> {
        let mut own = self.own(refund)?;
        let dues = self.dues(&own)?;
        let withheld = given.checked_sub(paid)?;
        let partial = own.iter().filter(|it| it.partial).count();
        let (taken, rounded) = choose(&dues, given, withheld, partial, self.zero)?;
        if let Some(last) = own.iter_mut().rfind(|it| it.partial) {
            last.amount = last.amount.checked_add(rounded)?;
        }
        let borne = |kind: usize| if taken[kind] { dues[kind] } else { self.zero };
        let all = (0..KINDS).try_fold(rounded, |sum, kind| sum.checked_add(borne(kind)))?;
        let over = all.checked_sub(withheld)?;
        let to_be_paid = if paid.amount().is_zero() && positive(over) { over } else { self.zero };
        let mut restocking = vec![self.zero; refund.lines.len()];
        for it in own.iter().filter(|_| taken[OWN]) {
            restocking[it.refund_line] = restocking[it.refund_line].checked_add(it.amount)?;
        }
        let share = Share {
            restocking,
            other_restocking: borne(OTHER),
            postage: borne(POSTAGE),
            exchange: borne(EXCHANGE),
            carried: borne(CARRIED),
            to_be_paid,
        };
        self.settle(&own, taken, to_be_paid)?;
        Ok(share)
    }

    /// The restocking fees of the units that the refund is about.
    fn own(&self, refund: &Refund) -> Result<Vec<Own>, InvalidMoney> {
        let mut refunded: Vec<u64> = self.lines.iter().map(|line| line.refunded).collect();
        let mut billed = vec![self.zero; self.lines.len()];
        let mut own = Vec::new();
        for (refund_line, line) in refund.lines.iter().enumerate() {
            let mut left = line.quantity;
            for (index, cost) in self.lines.iter().enumerate().filter(|(_, cost)| cost.item == line.item) {
                let units = left.min(cost.quantity.saturating_sub(refunded[index]));
                if units == 0 {
                    continue;
                }
                left -= units;
                refunded[index] += units;
                let due = cost.due(refunded[index])?.checked_sub(billed[index])?;
                let amount = if positive(due) { due } else { self.zero };
                billed[index] = billed[index].checked_add(amount)?;
                own.push(Own { refund_line, index, units, amount, partial: false });
            }
        }
        // once all units of a line are refunded, they bear its fee to the cent
        for it in &mut own {
            it.partial = refunded[it.index] < self.lines[it.index].quantity;
        }
        Ok(own)
    }

    fn dues(&self, own: &[Own]) -> Result<[Money; KINDS], InvalidMoney> {
        let mine = own.iter().try_fold(self.zero, |sum, it| sum.checked_add(it.amount))?;
        let open = self
            .lines
            .iter()
            .try_fold(self.zero, |sum, line| sum.checked_add(line.fee)?.checked_sub(line.taken))?;
        let other = open.checked_sub(mine)?;
        Ok([mine, self.carried, self.postage, self.exchange, other])
    }

    fn settle(&mut self, own: &[Own], taken: [bool; KINDS], to_be_paid: Money) -> Result<(), InvalidMoney> {
        for it in own {
            let line = &mut self.lines[it.index];
            line.refunded += it.units;
            let to = if taken[OWN] { &mut line.taken } else { &mut line.waived };
            *to = to.checked_add(it.amount)?;
        }
        if taken[OTHER] {
            self.lines.iter_mut().for_each(|line| line.taken = line.fee);
        }
        if taken[CARRIED] {
            self.carried = self.zero;
        }
        if taken[POSTAGE] {
            self.postage = self.zero;
        }
        if taken[EXCHANGE] {
            self.exchange = self.zero;
        }
        self.carried = self.carried.checked_add(to_be_paid)?;
        Ok(())
    }
}

/// The restocking fee of some units of a refund's line.
struct Own {
    /// Which line of the refund, and which of the costs.
    refund_line: usize,
    index: usize,
    units: u64,
    amount: Money,
    /// Units of the return's line are left: Shopify rounded the fee.
    partial: bool,
}

impl LineCost {
    /// What is still due for the first so many units. All units together bear the whole fee, to the cent.
    fn due(&self, units: u64) -> Result<Money, InvalidMoney> {
        let part = self.fee.checked_times(units)?.amount().checked_div(Decimal::from(self.quantity));
        let part = part.ok_or(InvalidMoney::Overflow)?;
        let decimals = self.fee.currency().decimals();
        let part = part.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
        Money::new(part, self.fee.currency()).checked_sub(self.taken)?.checked_sub(self.waived)
    }
}

/// Which of the dues were taken, and how far Shopify's rounding of the restocking fees differs from ours.
fn choose(
    dues: &[Money; KINDS],
    given: Money,
    withheld: Money,
    partial: usize,
    zero: Money,
) -> Result<([bool; KINDS], Money), InvalidMoney> {
    let usual = [true, true, true, true, false];
    let usual: [bool; KINDS] = std::array::from_fn(|kind| usual[kind] && positive(dues[kind]));
    let nothing_paid = given == withheld;
    if nothing_paid && (positive(given) || positive(dues[EXCHANGE])) {
        let all = total(dues, usual, zero)?;
        if all.amount() >= withheld.amount() {
            return Ok((usual, zero));
        }
    }
    let mut best = ([false; KINDS], zero);
    let mut rounded = None;
    for taken in selections(dues) {
        let all = total(dues, taken, zero)?;
        let short = withheld.checked_sub(all)?;
        if taken[OTHER]
            && let Some(rounded) = rounded
        {
            return Ok(rounded);
        }
        if short.amount().is_zero() {
            return Ok((taken, zero));
        }
        let cents = Decimal::new(partial as i64, zero.currency().decimals());
        if taken[OWN] && rounded.is_none() && short.amount().abs() <= cents {
            rounded = Some((taken, short));
        }
        // never take more costs than were withheld
        if !taken[OTHER] && all.amount() <= withheld.amount() && all.amount() > best.1.amount() {
            best = (taken, all);
        }
    }
    Ok(rounded.unwrap_or((best.0, zero)))
}

/// All choices of dues, the likelier one first.
fn selections(dues: &[Money; KINDS]) -> impl Iterator<Item = [bool; KINDS]> {
    let possible: [bool; KINDS] = std::array::from_fn(|kind| positive(dues[kind]));
    let mut all: Vec<[bool; KINDS]> = (0..1u32 << KINDS)
        .map(|bits| std::array::from_fn(|kind| bits & (1 << kind) != 0))
        .filter(|taken: &[bool; KINDS]| {
            taken.iter().zip(possible).all(|(taken, possible)| possible || !taken)
        })
        .collect();
    all.sort_by_key(|taken| (taken[OTHER], !taken[OWN], !taken[CARRIED], !taken[POSTAGE], !taken[EXCHANGE]));
    all.into_iter()
}

fn total(dues: &[Money; KINDS], taken: [bool; KINDS], zero: Money) -> Result<Money, InvalidMoney> {
    (0..KINDS).filter(|kind| taken[*kind]).try_fold(zero, |sum, kind| sum.checked_add(dues[kind]))
}

fn positive(amount: Money) -> bool {
    amount.amount() > Decimal::ZERO
}
