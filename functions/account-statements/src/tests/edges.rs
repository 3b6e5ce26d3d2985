//! Where one month ends and the next begins, in every time zone.

use super::*;

fn october_in(name: &str, placed: &str) -> usize {
    let orders = [order(1, placed, "100", "EUR")];
    let all = statements(&orders, None, &october(), &zone(name)).unwrap();
    all.first().map_or(0, |statement| statement.lines.len())
}

#[test]
fn a_month_ends_at_the_shops_midnight() {
    for (name, last, first_after) in [
        ("Europe/Paris", "2026-10-31T22:59:59Z", "2026-10-31T23:00:00Z"),
        // the clocks are set back in the night after the month's end
        ("America/New_York", "2026-11-01T03:59:59Z", "2026-11-01T04:00:00Z"),
        ("Pacific/Kiritimati", "2026-10-31T09:59:59Z", "2026-10-31T10:00:00Z"),
        ("Asia/Kathmandu", "2026-10-31T18:14:59Z", "2026-10-31T18:15:00Z"),
    ] {
        assert_eq!((october_in(name, last), october_in(name, first_after)), (1, 0), "{name}");
    }
    assert_eq!(october_in("Europe/Paris", "2026-10-31T23:30:00Z"), 0, "that is November in Paris");
    assert_eq!(october_in("UTC", "2026-10-31T23:30:00Z"), 1);
    assert_eq!(october_in("Europe/Paris", "2026-09-30T21:59:59Z"), 0);
    assert_eq!(october_in("Europe/Paris", "2026-09-30T22:00:00Z"), 1);
}

/// Half past two comes twice on the day the clocks are set back: entries keep the order they happened in.
#[test]
fn the_hour_that_comes_twice() {
    let orders =
        [order(2, "2026-10-25T00:30:00Z", "10", "EUR"), order(1, "2026-10-25T01:30:00Z", "20", "EUR")];
    let zone = zone("Europe/Paris");
    let statement = statements(&orders, None, &october(), &zone).unwrap().remove(0);
    let dates: Vec<_> = statement.lines.iter().map(|(entry, _)| driver::iso(entry.at, &zone)).collect();
    assert_eq!(dates, ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"]);
}

/// In Cairo the day of the change begins at one o'clock.
#[test]
fn a_day_without_a_midnight() {
    let april = |from: &str, to: &str, placed: &str| {
        let orders = [order(1, placed, "10", "EUR")];
        let all = statements(&orders, None, &period(from, to), &zone("Africa/Cairo")).unwrap();
        all.first().map_or(0, |statement| statement.lines.len())
    };
    assert_eq!(april("2026-04-01", "2026-04-23", "2026-04-23T21:59:59Z"), 1);
    assert_eq!(april("2026-04-01", "2026-04-23", "2026-04-23T22:00:00Z"), 0);
    assert_eq!(april("2026-04-24", "2026-04-30", "2026-04-23T22:00:00Z"), 1);
}

#[test]
fn thirty_days_are_days_and_not_hours() {
    // across the change of the clocks, and across a leap day
    for (placed, due) in [("2026-10-10T22:30:00Z", "2026-11-10"), ("2028-02-10T12:00:00Z", "2028-03-11")] {
        let orders = [order(1, placed, "10", "EUR").on_terms(Some(30), true)];
        let all = period("2026-01-01", "2028-12-31");
        let statement = statements(&orders, None, &all, &zone("Europe/Paris")).unwrap().remove(0);
        assert_eq!(statement.open[0].due, Some(due.parse().unwrap()), "{placed}");
    }
}
