//! A statement begins where the last one ended, whatever happened in between.

use super::{
    properties::{LATER, account, hours_until, life, months, step},
    *,
};
use crate::{carry::Said, data::CurrencyData, ledger::Correction};
use proptest::{collection::vec, prelude::*};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

fn september() -> Period {
    period("2026-09-01", "2026-09-30")
}

/// What the next month's statement reads in the record of this one.
fn said(statements: &[Statement<'_>], period: &Period, zone: &TimeZone) -> Said {
    let data: Vec<_> = statements.iter().map(|it| CurrencyData::new(it, &[30], zone).unwrap()).collect();
    Said::read(&json!({"period": period, "statements": data}).to_string()).unwrap()
}

struct Months {
    last: Option<Said>,
    zone: TimeZone,
}

/// A statement as a person reads it: opening, lines, closing.
fn text(statement: &Statement<'_>) -> Vec<String> {
    let mut text = vec![format!("opening {}", statement.opening.amount_text())];
    for (entry, _) in &statement.lines {
        let order = entry.order.map_or("-", |order| order.name);
        let why = match entry.correction {
            Some(Correction { reason, of: Some(of) }) => format!(" {reason:?} {of:?}"),
            Some(Correction { reason, of: None }) => format!(" {reason:?}"),
            None => String::new(),
        };
        text.push(format!("{} {:?}{why} {order} {}", entry.on, entry.kind, entry.amount.amount_text()));
    }
    text.push(format!("closing {}", statement.closing.amount_text()));
    text
}

impl Months {
    fn new() -> Self {
        Self { last: None, zone: zone("Europe/Paris") }
    }

    /// The statement of a month, of the orders as they are when its run is made; of one currency.
    fn run(&mut self, period: &Period, orders: &[AccountOrder]) -> Vec<String> {
        let all = statements(orders, self.last.as_ref(), period, &self.zone).unwrap();
        all.iter().for_each(adds_up);
        let lines = all.iter().flat_map(text).collect();
        let next = (!all.is_empty()).then(|| said(&all, period, &self.zone));
        drop(all);
        self.last = next.or(self.last.take());
        lines
    }
}

fn paid_order() -> AccountOrder {
    order(1, "2026-09-02T10:00:00Z", "100", "EUR").paid("2026-09-02T10:00:01Z", "100")
}

/// The money goes back in the month after: the credit was said already, and is not said again.
#[test]
fn what_was_taken_off_and_is_paid_back_later_is_credited_once() {
    let taken_off = || paid_order().returned("2026-09-20T10:00:00Z", "30", "0");
    // Shopify's refund of an edit may also come with the money only
    let silent = || {
        paid_order()
            .change(|order| &mut order.current_total, "-30")
            .change(|order| &mut order.outstanding, "-30")
    };
    for (september_shows, on) in [(taken_off(), "2026-09-20"), (silent(), "2026-09-02")] {
        let mut months = Months::new();
        let paid_back = september_shows.clone().returned("2026-10-05T10:00:00Z", "0", "30");
        let first = months.run(&september(), &[september_shows]);
        assert!(first.contains(&format!("{on} Credit #1 -30.00")), "{first:?}");
        assert_eq!(first.last().unwrap(), "closing -30.00");
        assert_eq!(
            months.run(&october(), &[paid_back]),
            ["opening -30.00", "2026-10-05 Refund #1 30.00", "closing 0.00"]
        );
    }
}

#[test]
fn what_was_said_months_ago_is_not_said_again() {
    let mut months = Months::new();
    let taken_off = paid_order().returned("2026-09-20T10:00:00Z", "30", "0");
    months.run(&september(), std::slice::from_ref(&taken_off));
    let nothing_happens = months.run(&october(), std::slice::from_ref(&taken_off));
    assert_eq!(nothing_happens, ["opening -30.00", "closing -30.00"]);
    let paid_back = [taken_off.returned("2026-11-05T10:00:00Z", "0", "30")];
    assert_eq!(
        months.run(&period("2026-11-01", "2026-11-30"), &paid_back),
        ["opening -30.00", "2026-11-05 Refund #1 30.00", "closing 0.00"]
    );
}

#[test]
fn two_removals_without_money_are_each_in_their_own_month() {
    let mut months = Months::new();
    let unpaid = order(1, "2026-09-02T10:00:00Z", "100", "EUR").returned("2026-09-20T10:00:00Z", "30", "0");
    months.run(&september(), std::slice::from_ref(&unpaid));
    let again = [unpaid.returned("2026-10-20T10:00:00Z", "20", "0")];
    assert_eq!(
        months.run(&october(), &again),
        ["opening 70.00", "2026-10-20 Credit #1 -20.00", "closing 50.00"]
    );
}

#[test]
fn what_an_edit_adds_to_a_paid_order_is_a_correction() {
    let mut months = Months::new();
    assert_eq!(months.run(&september(), &[paid_order()]).last().unwrap(), "closing 0.00");
    let edited = paid_order()
        .change(|order| &mut order.total, "25")
        .change(|order| &mut order.current_total, "25")
        .change(|order| &mut order.outstanding, "25");
    assert_eq!(
        months.run(&october(), &[edited]),
        ["opening 0.00", "2026-10-01 Correction OrderChanged #1 25.00", "closing 25.00"]
    );
}

#[test]
fn what_is_recorded_late_is_listed_with_its_own_day() {
    let mut months = Months::new();
    let unpaid = order(1, "2026-09-02T10:00:00Z", "100", "EUR");
    months.run(&september(), std::slice::from_ref(&unpaid));
    let orders = [unpaid.paid("2026-09-28T10:00:00Z", "100"), order(2, "2026-09-29T10:00:00Z", "40", "EUR")];
    assert_eq!(
        months.run(&october(), &orders),
        [
            "opening 100.00",
            "2026-09-28 Correction RecordedLate Payment #1 -100.00",
            "2026-09-29 Correction RecordedLate Invoice #2 40.00",
            "closing 40.00",
        ]
    );
    assert_eq!(
        months.run(&period("2026-11-01", "2026-11-30"), &orders),
        ["opening 40.00", "closing 40.00"],
        "and once only"
    );
}

/// No statement was made of September, whatever the reason.
#[test]
fn a_month_without_a_statement_is_made_up_for() {
    let mut months = Months::new();
    let old = order(1, "2026-08-02T10:00:00Z", "100", "EUR");
    months.run(&period("2026-08-01", "2026-08-31"), std::slice::from_ref(&old));
    let cancelled = order(3, "2026-09-10T10:00:00Z", "9", "EUR").cancelled("2026-09-11T10:00:00Z").returned(
        "2026-09-11T10:00:01Z",
        "9",
        "0",
    );
    let orders =
        [old.paid("2026-09-05T10:00:00Z", "100"), order(2, "2026-10-03T10:00:00Z", "7", "EUR"), cancelled];
    assert_eq!(
        months.run(&october(), &orders),
        [
            "opening 100.00",
            "2026-09-05 Correction RecordedLate Payment #1 -100.00",
            "2026-10-03 Invoice #2 7.00",
            "closing 7.00",
        ]
    );
}

/// Deleted in Shopify, or moved to another account.
#[test]
fn an_order_that_is_gone_is_named_by_the_last_statement() {
    let mut months = Months::new();
    months.run(&september(), &[order(1, "2026-09-02T10:00:00Z", "100", "EUR")]);
    assert_eq!(
        months.run(&october(), &[]),
        ["opening 100.00", "2026-10-01 Correction OrderGone #1 -100.00", "closing 0.00"]
    );
    assert_eq!(months.run(&period("2026-11-01", "2026-11-30"), &[]), [] as [&str; 0]);
}

/// Half past eleven on the last evening of September: October in Paris, September in New York.
#[test]
fn a_shop_that_moves_to_another_time_zone_lists_nothing_twice_and_nothing_never() {
    let (early, late) = ("2026-09-30T20:00:00Z", "2026-09-30T22:30:00Z");
    let orders = [order(1, early, "100", "EUR"), order(2, late, "7", "EUR")];
    let mut months = Months::new();
    assert_eq!(months.run(&september(), &orders).last().unwrap(), "closing 100.00");
    months.zone = zone("America/New_York");
    assert_eq!(
        months.run(&october(), &orders),
        ["opening 100.00", "2026-09-30 Correction RecordedLate Invoice #2 7.00", "closing 107.00"]
    );
    let mut months = Months { zone: zone("Asia/Tokyo"), ..Months::new() };
    assert_eq!(months.run(&september(), &orders), [] as [&str; 0], "both are October there");
    let mut months = Months { zone: zone("America/New_York"), ..Months::new() };
    assert_eq!(months.run(&september(), &orders).last().unwrap(), "closing 107.00");
    months.zone = zone("Asia/Tokyo");
    assert_eq!(months.run(&october(), &orders), ["opening 107.00", "closing 107.00"]);
}

#[test]
fn a_currency_that_the_account_has_no_order_in_any_more_still_ends() {
    let mut months = Months::new();
    let orders =
        [order(1, "2026-09-02T10:00:00Z", "100", "EUR"), order(2, "2026-09-02T10:00:00Z", "7", "MOON")];
    months.run(&september(), &orders);
    assert_eq!(
        months.run(&october(), &orders[..1]),
        [
            "opening 100.00",
            "closing 100.00",
            "opening 7.00",
            "2026-10-01 Correction OrderGone #2 -7.00",
            "closing 0.00"
        ]
    );
}

/// A balance that the orders of the last statement do not explain is still the one that was said.
#[test]
fn a_balance_without_orders_is_corrected_as_such() {
    let euros = |amount: &str| json!({"amount": amount, "currency": "EUR"});
    let last = json!({
        "period": september(),
        "statements": [{"currency": "EUR", "closing_balance": euros("12.00"), "open_items": [], "entries": []}],
    });
    let mut months = Months { last: Said::read(&last.to_string()), ..Months::new() };
    assert_eq!(
        months.run(&october(), &[]),
        ["opening 12.00", "2026-10-01 Correction Unexplained - -12.00", "closing 0.00"]
    );
    assert!(Said::read("{}").is_none());
}

/// Of a later month, or of the same: the run was made out of order.
#[test]
fn what_a_later_statement_said_is_not_taken_up() {
    let orders = [order(1, "2026-09-02T10:00:00Z", "100", "EUR")];
    let all = statements(&orders, None, &october(), &zone("UTC")).unwrap();
    let later = said(&all, &october(), &zone("UTC"));
    for earlier in [september(), october()] {
        let plain = statements(&orders, None, &earlier, &zone("UTC")).unwrap();
        let after = statements(&orders, Some(&later), &earlier, &zone("UTC")).unwrap();
        assert_eq!((text(&after[0]), after.len()), (text(&plain[0]), 1));
    }
}

/// What the driver data says of one account over the months.
fn closing_balances(statements: &[Statement<'_>]) -> BTreeMap<String, Money> {
    statements.iter().map(|it| (it.currency.to_string(), it.closing)).collect()
}

proptest! {
    /// Orders are edited, returned, paid, given back, taken off and paid back, in any order; a run is made after each
    /// month, or left out; the shop's time zone may change. Each statement begins where the last one ended, nothing
    /// that moved money is listed twice, and in the end every balance is what Shopify says is outstanding.
    #[test]
    fn a_statement_begins_where_the_last_one_ended(
        lives in vec(life(step()), 0..10),
        left_out in vec(prop::bool::weighted(0.2), 8),
        moves_after in prop::option::of(0usize..8),
    ) {
        let mut last: Option<Said> = None;
        let mut ended: BTreeMap<String, Money> = BTreeMap::new();
        let mut listed: BTreeSet<(String, Kind, Timestamp, String)> = BTreeSet::new();
        let end = period("2027-02-01", "2029-12-31");
        let runs = months().into_iter().zip(left_out).enumerate();
        let runs = runs.map(|(index, (month, left_out))| (index, month, left_out));
        for (index, month, left_out) in runs.chain([(8, end, false)]) {
            if left_out {
                continue;
            }
            let moved = moves_after.is_some_and(|after| index > after);
            let zone = zone(if moved { "America/New_York" } else { "Europe/Paris" });
            let orders = account(&lives, if index == 8 { LATER } else { hours_until(&month, &zone) });
            let all = statements(&orders, last.as_ref(), &month, &zone).unwrap();
            for statement in &all {
                adds_up(statement);
                let currency = statement.currency.to_string();
                let zero = Money::zero(statement.currency);
                let before = ended.remove(&currency).unwrap_or(zero);
                prop_assert!(last.is_none() || statement.opening == before, "{} {}", month.name, currency);
                for (entry, _) in &statement.lines {
                    let kind = entry.correction.map_or(Some(entry.kind), |it| it.of);
                    let money = kind.filter(|kind| matches!(kind, Kind::Payment | Kind::Refund));
                    if let (Some(kind), Some(order), None) = (money, entry.order, moves_after) {
                        let one = (order.name.to_owned(), kind, entry.at, entry.amount.amount_text());
                        prop_assert!(listed.insert(one), "{:?}", text(statement));
                    }
                }
            }
            for (currency, left) in &ended {
                prop_assert!(left.amount().is_zero(), "{} {currency} is left out", month.name);
            }
            ended = closing_balances(&all);
            if index == 8 {
                for (currency, closing) in &ended {
                    let own = orders.iter().filter(|order| order.currency.to_string() == *currency);
                    prop_assert_eq!(closing.amount(), total(own.map(|order| order.outstanding)), "{}", currency);
                }
            }
            let next = (!all.is_empty()).then(|| said(&all, &month, &zone));
            drop(all);
            last = next.or(last.take());
        }
    }

    /// The same where Shopify's sums contradict each other, and change as they like.
    #[test]
    fn contradictions_are_corrected_too(
        sums in vec((0i64..9_000, 0i64..9_000, -9_000i64..9_000, -900i64..900, any::<bool>()), 4),
    ) {
        let zone = zone("Europe/Paris");
        let mut last: Option<Said> = None;
        let mut ended = Money::zero("EUR".parse().unwrap());
        for (month, (total, current, outstanding, discrepancy, paid)) in months().into_iter().skip(2).zip(sums) {
            let money = |cents| Money::new(Decimal::new(cents, 2), "EUR".parse().unwrap());
            let mut order = order(1, "2026-08-03T10:00:00Z", &Decimal::new(total, 2).to_string(), "EUR");
            if paid {
                order = order.paid("2026-08-04T10:00:00Z", "12.34").returned("2026-08-05T10:00:00Z", "1", "0.5");
            }
            (order.current_total, order.outstanding, order.refund_discrepancy) =
                (money(current), money(outstanding), money(discrepancy));
            let orders = [order];
            let all = statements(&orders, last.as_ref(), &month, &zone).unwrap();
            let zero = Money::zero(ended.currency());
            let (opening, closing) = all.first().map_or((zero, zero), |it| (it.opening, it.closing));
            all.iter().for_each(adds_up);
            prop_assert_eq!(opening, ended);
            prop_assert_eq!(closing.amount(), Decimal::new(outstanding, 2));
            ended = closing;
            let next = (!all.is_empty()).then(|| said(&all, &month, &zone));
            drop(all);
            last = next.or(last.take());
        }
    }
}
