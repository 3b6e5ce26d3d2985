//! From the entries of an account's orders to its statement, one per currency. Pure: no I/O, no clock.
//!
//! For each currency, the opening balance, which is what the last statement ended with, and the entries add up to
//! the closing balance. What is open on each order, overpaid orders included, adds up to the same closing balance.
//! Balances of two currencies are never added.

use crate::{
    carry::{Said, TakenUp},
    ledger::{Booked, Entry, Kind, Reconciliation, Unusable, book},
    period::{Period, day},
};
use comms::{CurrencyCode, InvalidMoney, Money};
use jiff::{Span, civil::Date, tz::TimeZone};
use shopify::account::AccountOrder;
use std::collections::BTreeMap;

/// What an account did and owes in one currency.
pub struct Statement<'a> {
    pub currency: CurrencyCode,
    pub opening: Money,
    /// The period's entries, the earliest first, each with the balance after it.
    pub lines: Vec<(Entry<'a>, Money)>,
    pub closing: Money,
    /// What is open on each order at the period's end: positive, to be paid; negative, paid too much. What has
    /// been due longest comes first.
    pub open: Vec<OpenOrder<'a>>,
    /// How many orders had entries that differed from Shopify's outstanding amount, and by how much in all,
    /// whichever way.
    pub adjusted_orders: usize,
    pub adjusted: Money,
}

pub struct OpenOrder<'a> {
    pub order: &'a AccountOrder,
    pub amount: Money,
    pub parts: Parts,
    /// Absent where Shopify does not tell it in a bulk query.
    pub due: Option<Date>,
    /// At the period's end. At least 1 for what is overdue since an unknown day.
    pub days_overdue: u32,
}

/// What an open amount is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    pub invoiced: Money,
    pub credited: Money,
    /// Payments, less what was paid back.
    pub paid: Money,
    pub adjusted: Money,
}

/// The part of an ageing that is overdue by `from` to `to` days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    pub from: u32,
    /// Absent in the last one.
    pub to: Option<u32>,
    pub amount: Money,
    pub orders: usize,
}

/// The open amounts by how long they have been due.
#[derive(Debug, PartialEq, Eq)]
pub struct Ageing {
    pub not_due: Money,
    pub overdue: Vec<Bucket>,
    /// What was paid too much. Zero or negative.
    pub unapplied: Money,
}

#[derive(Default)]
struct Books<'a> {
    orders: Vec<Booked<'a>>,
}

/// One statement for each currency in which anything happened or is open, in the order of the codes. `said` is
/// what the last statement said; without it, what is booked for the time before is the opening balance.
///
/// # Errors
/// When amounts are too large to add up, or an order has no balance that anybody could tell.
pub fn statements<'a>(
    orders: impl IntoIterator<Item = &'a AccountOrder>,
    said: Option<&'a Said>,
    period: &Period,
    zone: &TimeZone,
) -> Result<Vec<Statement<'a>>, Unusable> {
    let said = said.filter(|said| said.period.to < period.from);
    // the first day that is on no statement
    let from = said.and_then(|said| said.period.to.tomorrow().ok()).unwrap_or(period.from);
    let since = Period { from, ..period.clone() };
    let mut books: BTreeMap<String, (CurrencyCode, Books<'a>)> = BTreeMap::new();
    for currency in said.into_iter().flat_map(Said::currencies) {
        books.insert(currency.to_string(), (currency, Books::default()));
    }
    for order in orders {
        let mut booked = book(order, zone)?;
        if came_to_nothing(&booked, &since) {
            booked.entries.clear();
        }
        let (_, books) =
            books.entry(order.currency.to_string()).or_insert_with(|| (order.currency, Books::default()));
        books.orders.push(booked);
    }
    let statements =
        books.into_values().map(|(currency, books)| Statement::new(currency, books, said, period, zone));
    let statements: Vec<_> = statements.collect::<Result<_, _>>()?;
    Ok(statements.into_iter().filter(|it| !it.is_empty()).collect())
}

/// Whether an order was placed and cancelled within the period and nobody ever paid for it: an invoice and its
/// credits, which leave nothing.
fn came_to_nothing(booked: &Booked<'_>, period: &Period) -> bool {
    let Some(first) = booked.entries.first() else { return false };
    let unpaid = booked.entries.iter().all(|entry| matches!(entry.kind, Kind::Invoice | Kind::Credit));
    let mut amounts = booked.entries.iter().map(|entry| entry.amount);
    let sum = amounts.try_fold(Money::zero(first.amount.currency()), Money::checked_add);
    booked.order.cancelled_at.is_some()
        && unpaid
        && booked.entries.iter().all(|entry| period.contains(entry.on))
        && sum.is_ok_and(|sum| sum.amount().is_zero())
}

impl<'a> Books<'a> {
    /// An account's first statement.
    fn begin(self, zero: Money, period: &Period) -> Result<TakenUp<'a>, InvalidMoney> {
        let mut begun = TakenUp { opening: zero, entries: Vec::new() };
        for entry in self.orders.into_iter().flat_map(|booked| booked.entries) {
            if entry.on < period.from {
                begun.opening = begun.opening.checked_add(entry.amount)?;
            } else if entry.on <= period.to {
                begun.entries.push(entry);
            }
        }
        Ok(begun)
    }
}

impl<'a> Statement<'a> {
    fn new(
        currency: CurrencyCode,
        books: Books<'a>,
        said: Option<&'a Said>,
        period: &Period,
        zone: &TimeZone,
    ) -> Result<Self, InvalidMoney> {
        let zero = Money::zero(currency);
        let (mut adjusted, mut adjusted_orders, mut open) = (zero, 0, Vec::new());
        for booked in &books.orders {
            if let Reconciliation::Adjusted(by) = booked.reconciliation {
                adjusted_orders += 1;
                adjusted = adjusted.checked_add(Money::new(by.amount().abs(), currency))?;
            }
            open.extend(OpenOrder::of(booked, period, zone)?);
        }
        let TakenUp { opening, mut entries } = match said {
            Some(said) => said.take_up(&books.orders, currency, period, zone)?,
            None => books.begin(zero, period)?,
        };
        entries.sort_by(|one, other| {
            let key = |entry: &Entry<'_>| (entry.at, entry.kind);
            let id = |entry: &Entry<'a>| entry.order.map(|order| order.id);
            let by_moment = one.at.cmp(&other.at).then_with(|| id(one).cmp(&id(other)));
            by_moment.then_with(|| key(one).cmp(&key(other)))
        });
        let mut closing = opening;
        let mut lines = Vec::with_capacity(entries.len());
        for entry in entries {
            closing = closing.checked_add(entry.amount)?;
            lines.push((entry, closing));
        }
        open.sort_by(|one, other| one.rank().cmp(&other.rank()));
        Ok(Self { currency, opening, lines, closing, open, adjusted_orders, adjusted })
    }

    fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.open.is_empty()
    }

    /// The sum of the period's entries of one kind, and how many they are.
    ///
    /// # Errors
    /// When it is too large.
    pub fn sum(&self, kind: Kind) -> Result<(Money, usize), InvalidMoney> {
        let mut of_kind = self.lines.iter().filter(|(entry, _)| entry.kind == kind);
        let start = (Money::zero(self.currency), 0);
        of_kind.try_fold(start, |(sum, count), (entry, _)| Ok((sum.checked_add(entry.amount)?, count + 1)))
    }

    /// `days` are the upper ends of the overdue buckets, rising; one without an end follows.
    ///
    /// # Errors
    /// When a sum is too large.
    pub fn ageing(&self, days: &[u16]) -> Result<Ageing, InvalidMoney> {
        let zero = Money::zero(self.currency);
        let mut overdue = Vec::with_capacity(days.len() + 1);
        let mut from = 1;
        for to in days.iter().map(|&to| Some(u32::from(to))).chain([None]) {
            overdue.push(Bucket { from, to, amount: zero, orders: 0 });
            from = to.unwrap_or(from) + 1;
        }
        let mut ageing = Ageing { not_due: zero, overdue, unapplied: zero };
        for open in &self.open {
            if open.amount.amount().is_sign_negative() {
                ageing.unapplied = ageing.unapplied.checked_add(open.amount)?;
            } else if open.days_overdue == 0 {
                ageing.not_due = ageing.not_due.checked_add(open.amount)?;
            } else if let Some(bucket) =
                ageing.overdue.iter_mut().find(|it| it.to.is_none_or(|to| open.days_overdue <= to))
            {
                bucket.amount = bucket.amount.checked_add(open.amount)?;
                bucket.orders += 1;
            }
        }
        Ok(ageing)
    }
}

impl Parts {
    fn of(booked: &Booked<'_>, period: &Period) -> Result<Self, InvalidMoney> {
        let zero = Money::zero(booked.order.currency);
        let mut parts = Self { invoiced: zero, credited: zero, paid: zero, adjusted: zero };
        for entry in booked.entries.iter().filter(|entry| entry.on <= period.to) {
            let part = match entry.kind {
                Kind::Invoice => &mut parts.invoiced,
                Kind::Credit => &mut parts.credited,
                Kind::Payment | Kind::Refund => &mut parts.paid,
                Kind::Adjustment | Kind::Correction => &mut parts.adjusted,
            };
            *part = part.checked_add(entry.amount)?;
        }
        Ok(parts)
    }

    fn sum(&self) -> Result<Money, InvalidMoney> {
        [self.credited, self.paid, self.adjusted].into_iter().try_fold(self.invoiced, Money::checked_add)
    }
}

impl<'a> OpenOrder<'a> {
    fn of(booked: &Booked<'a>, period: &Period, zone: &TimeZone) -> Result<Option<Self>, InvalidMoney> {
        let order = booked.order;
        let parts = Parts::of(booked, period)?;
        let amount = parts.sum()?;
        if amount.amount().is_zero() {
            return Ok(None);
        }
        let unchanged = booked.entries.iter().all(|entry| entry.on <= period.to);
        let due = due(order, zone).filter(|due| {
            // terms that Shopify does not call overdue were given more time
            let more_time = order.terms.as_ref().is_some_and(|terms| !terms.overdue);
            !(unchanged && more_time && *due < period.to)
        });
        let days_overdue = match (due, &order.terms) {
            _ if amount.amount().is_sign_negative() => 0,
            (Some(due), _) => u32::try_from((period.to - due).get_days()).unwrap_or(0),
            (None, Some(terms)) => u32::from(terms.overdue),
            (None, None) => 0,
        };
        Ok(Some(Self { order, amount, parts, due, days_overdue }))
    }

    fn rank(&self) -> impl Ord + use<'a> {
        let credit = self.amount.amount().is_sign_negative();
        (credit, std::cmp::Reverse(self.days_overdue), self.due, self.order.processed_at, &self.order.id)
    }
}

/// The day by which an order is to be paid: without payment terms, its own.
fn due(order: &AccountOrder, zone: &TimeZone) -> Option<Date> {
    let placed = day(order.processed_at, zone);
    match &order.terms {
        None => Some(placed),
        Some(terms) => {
            let days = Span::new().try_days(i64::from(terms.due_in_days?)).ok()?;
            placed.checked_add(days).ok()
        }
    }
}
