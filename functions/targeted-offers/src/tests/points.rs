//! Points: exact, and never rewritten by what comes later.

use crate::points::{Account, Kind, Period, PointsError, Tier, entries, kept_elsewhere, text};
use comms::{Gid, Money};
use jiff::{Timestamp, civil::date, tz::TimeZone};
use proptest::prelude::*;
use rust_decimal::Decimal;
use shopify::marketing::{MoneyMovement, PaidOrder};
use std::collections::BTreeMap;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn order(number: u64, cancelled: Option<i64>, movements: &[(i64, i64)]) -> PaidOrder {
    let eur = "EUR".parse().unwrap();
    PaidOrder {
        order: Gid::new("Order", number),
        name: format!("#{number}"),
        at: at(0),
        cancelled_at: cancelled.map(at),
        movements: movements
            .iter()
            .map(|&(second, cents)| MoneyMovement {
                at: at(second),
                amount: Money::new(Decimal::new(cents, 2), eur),
            })
            .collect(),
    }
}

fn account(orders: &[PaidOrder], rate: Decimal, from: i64, to: i64) -> Account {
    Account::new(&entries(orders, rate).unwrap(), at(from), at(to)).unwrap()
}

prop_compose! {
    fn any_order()(
        number in 1..50u64,
        cancelled in prop::option::of(0..100i64),
        movements in prop::collection::vec((0..100i64, -1_000_000..1_000_000i64), 0..6),
    ) -> PaidOrder {
        order(number, cancelled, &movements)
    }
}

proptest! {
    /// Any two days split the account without a rest, and what was before a day stays what it was.
    #[test]
    fn the_balance_is_the_sum_of_its_entries(
        orders in prop::collection::vec(any_order(), 0..8),
        rate in 1..3_000_000i64, a in 0..100i64, b in 0..100i64,
    ) {
        let rate = Decimal::new(rate, 6);
        let (from, to) = (a.min(b), a.max(b));
        let whole = account(&orders, rate, from, to);
        prop_assert_eq!(whole.opening + whole.earned - whole.taken, whole.closing);
        let listed: Decimal = whole.entries.iter().map(|entry| entry.points).sum();
        prop_assert_eq!(listed, whole.earned - whole.taken);
        let (before, after) = (account(&orders, rate, 0, from), account(&orders, rate, to, 200));
        prop_assert_eq!(before.closing, whole.opening);
        prop_assert_eq!(after.opening, whole.closing);
        // in the end a cancelled order counts for nothing, and every other for its money
        let money: Decimal = orders.iter().filter(|order| order.cancelled_at.is_none())
            .flat_map(|order| &order.movements).map(|it| it.amount.amount()).sum();
        prop_assert_eq!(after.closing, money * rate);
    }

    /// What happens later changes no earlier statement.
    #[test]
    fn the_past_stays(
        orders in prop::collection::vec(any_order(), 1..6),
        later in prop::collection::vec((50..100i64, -1000..1000i64), 0..4), cancelled in 50..100i64,
    ) {
        let eur = "EUR".parse().unwrap();
        let mut changed = orders.clone();
        let first = &mut changed[0];
        first.cancelled_at = first.cancelled_at.filter(|at| at.as_second() < 50).or(Some(at(cancelled)));
        first.movements.extend(later.iter().map(|&(second, cents)| MoneyMovement {
            at: at(second), amount: Money::new(Decimal::new(cents, 2), eur),
        }));
        let mut known = orders;
        known[0].cancelled_at = known[0].cancelled_at.filter(|at| at.as_second() < 50);
        prop_assert_eq!(account(&known, Decimal::ONE, 10, 50), account(&changed, Decimal::ONE, 10, 50));
    }
}

#[test]
fn refunds_and_cancellations_take_what_was_earned_once() {
    let orders = [
        order(1, None, &[(1, 10_000), (5, -2_500)]),
        // paid back when it was cancelled: before, after and not at all
        order(2, Some(6), &[(2, 5_000), (5, -5_000)]),
        order(3, Some(6), &[(2, 5_000), (7, -5_000)]),
        order(4, Some(6), &[(2, 5_000)]),
    ];
    let account = account(&orders, Decimal::new(5, 1), 4, 10);
    let texts = [account.opening, account.earned, account.taken, account.closing].map(text);
    assert_eq!(texts, ["125", "0", "87.5", "37.5"]);
    let kinds: Vec<_> = account.entries.iter().map(|entry| (entry.order.as_str(), entry.kind)).collect();
    use Kind::{Cancellation, Refund};
    assert_eq!(kinds, [("#1", Refund), ("#2", Refund), ("#3", Cancellation), ("#4", Cancellation)]);
}

#[test]
fn what_cannot_be_counted_is_an_error_and_not_a_number() {
    let mut orders = [order(1, None, &[(1, 100)]), order(2, None, &[(2, 100)])];
    orders[1].movements[0].amount = Money::parse("1", "USD").unwrap();
    let mixed = entries(&orders, Decimal::ONE).and_then(|entries| Account::new(&entries, at(0), at(9)));
    assert_eq!(mixed, Err(PointsError::Currencies));
    orders[1].movements[0].amount = Money::new(Decimal::MAX, "EUR".parse().unwrap());
    assert_eq!(entries(&orders, Decimal::TEN), Err(PointsError::Overflow));
}

#[test]
fn levels_begin_where_they_say() {
    let tiers =
        BTreeMap::from([("Gold".to_owned(), 2000), ("Bronze".to_owned(), 0), ("Silver".to_owned(), 500)]);
    let of = |points: &str| {
        let tier = Tier::of(points.parse().unwrap(), &tiers).unwrap();
        (tier.name, tier.next.map(|next| (next.name, next.missing)))
    };
    let named = |name: &str| Some(name.to_owned());
    let next = |name: &str, missing: &str| Some((name.to_owned(), missing.to_owned()));
    assert_eq!(of("-1"), (None, next("Bronze", "1")));
    assert_eq!(of("0"), (named("Bronze"), next("Silver", "500")));
    assert_eq!(of("499.99"), (named("Bronze"), next("Silver", "0.01")));
    assert_eq!(of("500"), (named("Silver"), next("Gold", "1500")));
    assert_eq!(of("2000.5"), (named("Gold"), None));
    assert_eq!(Tier::of(Decimal::ONE, &BTreeMap::new()), None);
}

#[test]
fn a_balance_of_another_app_is_a_number_or_an_error() {
    assert_eq!(kept_elsewhere(None), Some(Decimal::ZERO));
    assert_eq!(kept_elsewhere(Some(" 120.5 ")), Some(Decimal::new(1205, 1)));
    for bad in ["", "many", "1e3", "{\"value\":1}"] {
        assert_eq!(kept_elsewhere(Some(bad)), None, "{bad}");
    }
}

#[test]
fn a_period_is_whole_months_of_the_shops_time() {
    let zone = TimeZone::get("Europe/Paris").unwrap();
    let period = Period::before(date(2026, 11, 1), 1).unwrap();
    assert_eq!((period.from, period.to), (date(2026, 10, 1), date(2026, 10, 31)));
    // begins in summer time, ends in winter time
    let (start, end) = period.bounds(&zone).unwrap();
    assert_eq!(
        (start.to_string(), end.to_string()),
        ("2026-09-30T22:00:00Z".into(), "2026-10-31T23:00:00Z".into())
    );
    let quarter = Period::before(date(2027, 1, 31), 3).unwrap();
    assert_eq!((quarter.from, quarter.to), (date(2026, 10, 1), date(2026, 12, 31)));
    assert_eq!(Period::before(date(-9999, 1, 1), 1), None);
}
