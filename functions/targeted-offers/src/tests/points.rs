//! Points: exact, and never rewritten by what comes later.

use crate::points::{Account, History, Kind, Overflow, Period, Tier, Why, kept_elsewhere, text, whole};
use comms::{Gid, Money};
use jiff::{Timestamp, civil::date, tz::TimeZone};
use proptest::prelude::*;
use rust_decimal::Decimal;
use shop_config::{GiftCards, Loyalty, Rounding};
use shopify::marketing::{Method, MoneyMovement, OrderParts, PaidOrder};
use std::collections::BTreeMap;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn rules(rate: Decimal) -> Loyalty {
    Loyalty {
        points_per_unit: rate,
        rounding: Rounding::Down,
        gift_cards: GiftCards::WhenBought,
        store_credit: true,
        tax: true,
        shipping: true,
        currency: None,
        balance_metafield: None,
        tiers: BTreeMap::new(),
        months: 1,
    }
}

fn movement(second: i64, cents: i64, method: Method) -> MoneyMovement {
    let eur = "EUR".parse().unwrap();
    MoneyMovement { at: at(second), amount: Money::new(Decimal::new(cents, 2), eur), method }
}

fn order(number: u64, cancelled: Option<i64>, movements: &[(i64, i64)]) -> PaidOrder {
    PaidOrder {
        order: Gid::new("Order", number),
        name: format!("#{number}"),
        at: at(0),
        cancelled_at: cancelled.map(at),
        movements: movements.iter().map(|&(at, cents)| movement(at, cents, Method::Other)).collect(),
        parts: None,
    }
}

fn account_by(orders: &[PaidOrder], rules: &Loyalty, from: i64, to: i64) -> Account {
    Account::new(&History::new(orders, rules).unwrap(), at(from), at(to)).unwrap()
}

fn account(orders: &[PaidOrder], rate: Decimal, from: i64, to: i64) -> Account {
    account_by(orders, &rules(rate), from, to)
}

fn rounding() -> impl Strategy<Value = Rounding> {
    prop_oneof![Just(Rounding::Down), Just(Rounding::HalfUp), Just(Rounding::Up)]
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
        rate in 1..3_000_000i64, a in 0..100i64, b in 0..100i64, rounding in rounding(),
    ) {
        let rate = Decimal::new(rate, 6);
        let rules = Loyalty { rounding, ..rules(rate) };
        let (from, to) = (a.min(b), a.max(b));
        let period = account_by(&orders, &rules, from, to);
        prop_assert_eq!(period.opening + period.earned - period.taken, period.closing);
        let listed: Decimal = period.entries.iter().map(|entry| entry.points).sum();
        prop_assert_eq!(listed, period.earned - period.taken);
        prop_assert!(period.entries.iter().all(|entry| entry.points.fract().is_zero()));
        let (before, after) =
            (account_by(&orders, &rules, 0, from), account_by(&orders, &rules, to, 200));
        prop_assert_eq!(before.closing, period.opening);
        prop_assert_eq!(after.opening, period.closing);
        // in the end a cancelled order counts for nothing, and every other for its money
        let kept = orders.iter().filter(|order| order.cancelled_at.is_none());
        let of_order = |order: &PaidOrder| {
            let money: Decimal = order.movements.iter().map(|it| it.amount.amount()).sum();
            whole(money * rate, rounding)
        };
        prop_assert_eq!(after.closing, kept.map(of_order).sum::<Decimal>());
    }

    /// What happens later changes no earlier statement.
    #[test]
    fn the_past_stays(
        orders in prop::collection::vec(any_order(), 1..6),
        later in prop::collection::vec((50..100i64, -1000..1000i64), 0..4), cancelled in 50..100i64,
    ) {
        let mut changed = orders.clone();
        let first = &mut changed[0];
        first.cancelled_at = first.cancelled_at.filter(|at| at.as_second() < 50).or(Some(at(cancelled)));
        first.movements.extend(later.iter().map(|&(at, cents)| movement(at, cents, Method::Other)));
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
    assert_eq!(texts, ["125", "0", "88", "37"]);
    let kinds: Vec<_> = account.entries.iter().map(|entry| (entry.order.as_str(), entry.kind)).collect();
    use Kind::{Cancellation, Refund};
    assert_eq!(kinds, [("#1", Refund), ("#2", Refund), ("#3", Cancellation), ("#4", Cancellation)]);
}

/// An order is rounded as a whole: paid back in parts, it leaves nothing.
#[test]
fn points_are_whole_and_no_part_of_one_remains() {
    let orders = [order(1, None, &[(1, 5_990), (2, -2_995), (3, -2_995)])];
    for (rounding, points) in [
        (Rounding::Down, ["59", "-30", "-29"]),
        (Rounding::HalfUp, ["60", "-30", "-30"]),
        (Rounding::Up, ["60", "-30", "-30"]),
    ] {
        let account = account_by(&orders, &Loyalty { rounding, ..rules(Decimal::ONE) }, 0, 10);
        let texts: Vec<_> = account.entries.iter().map(|entry| text(entry.points)).collect();
        assert_eq!((&texts[..], text(account.closing)), (&points.map(str::to_owned)[..], "0".to_owned()));
    }
}

/// 50.00 for a gift card, then goods of 80.00, of which the gift card pays 50.00.
#[test]
fn a_gift_card_earns_once() {
    let mut card = order(1, None, &[(1, 5_000)]);
    card.parts =
        Some(OrderParts { total: Decimal::from(50), gift_cards: Decimal::from(50), ..OrderParts::default() });
    let mut goods = order(2, None, &[(2, 3_000)]);
    goods.movements.push(movement(2, 5_000, Method::GiftCard));
    goods.parts = Some(OrderParts { total: Decimal::from(80), ..OrderParts::default() });
    let orders = [card, goods];
    for (gift_cards, first, uncounted) in [(GiftCards::WhenBought, "50", 1), (GiftCards::WhenUsed, "0", 0)] {
        let rules = Loyalty { gift_cards, ..rules(Decimal::ONE) };
        let account = account_by(&orders, &rules, 0, 10);
        assert_eq!((text(account.closing).as_str(), text(account.entries[0].points).as_str()), ("80", first));
        assert_eq!(account.uncounted.len(), uncounted);
        assert!(account.uncounted.iter().all(|it| it.why == Why::GiftCard));
    }
}

/// 600.00 by card, 580.00 of it back as store credit, and 580.00 bought with that.
#[test]
fn store_credit_earns_what_it_took() {
    let mut first = order(1, None, &[(1, 60_000)]);
    first.movements.push(movement(2, -58_000, Method::StoreCredit));
    let mut second = order(2, None, &[]);
    second.movements.push(movement(3, 58_000, Method::StoreCredit));
    let orders = [first, second];
    assert_eq!(text(account(&orders, Decimal::ONE, 0, 3).closing), "20");
    assert_eq!(text(account(&orders, Decimal::ONE, 0, 10).closing), "600");
    let without = account_by(&orders, &Loyalty { store_credit: false, ..rules(Decimal::ONE) }, 0, 10);
    assert_eq!((text(without.closing).as_str(), without.uncounted.len()), ("600", 2));
    assert_eq!(without.uncounted[0].why, Why::StoreCredit);
}

/// 100.00 of goods and 10.00 of shipping, each with 20 % of tax, and half of it back.
#[test]
fn tax_and_shipping_earn_if_the_shop_wants_it() {
    let mut bought = order(1, None, &[(1, 13_200), (2, -6_600)]);
    bought.parts = Some(OrderParts {
        total: Decimal::from(132),
        tax: Decimal::from(22),
        shipping: Decimal::from(12),
        shipping_tax: Decimal::from(2),
        gift_cards: Decimal::ZERO,
    });
    for (tax, shipping, earned, left) in [
        (true, true, "132", "66"),
        (false, true, "110", "55"),
        (true, false, "120", "60"),
        (false, false, "100", "50"),
    ] {
        let rules = Loyalty { tax, shipping, ..rules(Decimal::ONE) };
        let account = account_by(std::slice::from_ref(&bought), &rules, 0, 10);
        assert_eq!((text(account.earned).as_str(), text(account.closing).as_str()), (earned, left));
    }
}

#[test]
fn an_order_in_another_currency_is_listed_and_earns_nothing() {
    let mut orders = [order(1, None, &[(1, 100)]), order(2, None, &[(2, 300)])];
    orders[0].movements[0].amount = Money::parse("7", "BGN").unwrap();
    let points = account(&orders, Decimal::ONE, 0, 9);
    assert_eq!(
        (text(points.closing).as_str(), points.uncounted.len()),
        ("3", 1),
        "the latest order's counts"
    );
    assert_eq!((points.uncounted[0].why, points.uncounted[0].order.as_str()), (Why::Currency, "#1"));
    let leva = Loyalty { currency: Some("BGN".parse().unwrap()), ..rules(Decimal::ONE) };
    assert_eq!(text(account_by(&orders, &leva, 0, 9).closing), "7");
}

#[test]
fn what_cannot_be_counted_is_an_error_and_not_a_number() {
    let mut orders = [order(1, None, &[(1, 100)])];
    orders[0].movements[0].amount = Money::new(Decimal::MAX, "EUR".parse().unwrap());
    assert_eq!(History::new(&orders, &rules(Decimal::TEN)), Err(Overflow));
}

#[test]
fn levels_begin_where_they_say() {
    let tiers =
        BTreeMap::from([("Gold".to_owned(), 2000), ("Bronze".to_owned(), 0), ("Silver".to_owned(), 500)]);
    let of = |points: &str| {
        let tier = Tier::of(points.parse().unwrap(), &tiers).unwrap().unwrap();
        (tier.name, tier.next.map(|next| (next.name, next.missing)))
    };
    let named = |name: &str| Some(name.to_owned());
    let next = |name: &str, missing: &str| Some((name.to_owned(), missing.to_owned()));
    assert_eq!(of("-1"), (None, next("Bronze", "1")));
    assert_eq!(of("0"), (named("Bronze"), next("Silver", "500")));
    assert_eq!(of("499.99"), (named("Bronze"), next("Silver", "0.01")));
    assert_eq!(of("500"), (named("Silver"), next("Gold", "1500")));
    assert_eq!(of("2000.5"), (named("Gold"), None));
    assert_eq!(Tier::of(Decimal::ONE, &BTreeMap::new()), Ok(None));
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
