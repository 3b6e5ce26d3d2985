//! What runs out, day by day.

use crate::replenish::{Days, Due, due, earlier_days, of_revision, revision};
use comms::{Gid, Revision};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use shop_config::{Marketing, Purchases, Replenishment};
use shopify::marketing::{BoughtLine, Purchase};
use std::collections::BTreeMap;

fn marketing() -> Marketing {
    let days_by_sku = BTreeMap::from([("WAX".to_owned(), 30), ("SOAP".to_owned(), 10)]);
    let rules = Replenishment { days_by_sku, lead_days: 5, stale_days: 20 };
    Marketing { replenishment: Some(rules), ..Marketing::default() }
}

fn purchase(number: u64, at: &str, lines: &[(&str, u64)]) -> Purchase {
    let line = |&(sku, quantity): &(&str, u64)| BoughtLine {
        id: Gid::new("LineItem", number),
        title: format!("Tin of {sku}"),
        sku: (!sku.is_empty()).then(|| sku.to_owned()),
        quantity,
        delivered: quantity,
    };
    Purchase {
        order: Gid::new("Order", number),
        name: format!("#{number}"),
        at: at.parse().unwrap(),
        cancelled_at: None,
        paid: true,
        lines: lines.iter().map(line).collect(),
    }
}

fn since(purchases: &[Purchase], after: Option<&str>, last: &str) -> Vec<Due> {
    let days = Days { last: last.parse().unwrap(), after: after.map(|after| after.parse().unwrap()) };
    due(purchases, &marketing(), days, &TimeZone::get("Europe/Paris").unwrap())
}

fn on(purchases: &[Purchase], day: &str) -> Vec<Due> {
    since(purchases, None, day)
}

/// The days of a range on which something is due, with the reasons not to send it.
fn days(purchases: &[Purchase]) -> Vec<(Date, Option<&'static str>)> {
    let mut day: Date = "2026-01-01".parse().unwrap();
    let mut found = vec![];
    while day.year() == 2026 {
        found.extend(on(purchases, &day.to_string()).into_iter().map(|due| (day, due.pointless)));
        day = day.tomorrow().unwrap();
    }
    found
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

#[test]
fn a_purchase_is_due_from_its_lead_until_it_is_stale() {
    // 23:30 in Paris is the day before in UTC: the day it was bought on is the shop's
    let days = days(&[purchase(1, "2026-03-01T23:30:00Z", &[("WAX", 1)])]);
    assert_eq!(days.first().unwrap().0, day("2026-03-27"), "2 March, 30 days, 5 before");
    assert_eq!((days.last().unwrap().0, days.len()), (day("2026-04-16"), 21));
}

#[test]
fn more_of_it_lasts_longer_and_lines_of_one_order_add_up() {
    let purchases = [purchase(1, "2026-03-01T12:00:00Z", &[("WAX", 1), ("", 4), ("OTHER", 9), ("WAX", 1)])];
    assert_eq!(days(&purchases).first().unwrap().0, day("2026-04-25"), "1 March, 60 days, 5 before");
    let due = &on(&purchases, "2026-04-25")[0];
    assert_eq!((due.quantity, due.empty, due.title.as_str()), (2, day("2026-04-30"), "Tin of WAX"));
}

/// WAX is to be reminded of on 26 March, SOAP on 27 March.
fn two_days() -> [Purchase; 2] {
    [purchase(1, "2026-03-01T12:00:00Z", &[("WAX", 1)]), purchase(2, "2026-03-02T12:00:00Z", &[("SOAP", 3)])]
}

fn skus(due: &[Due]) -> Vec<&str> {
    due.iter().map(|due| due.sku.as_str()).collect()
}

#[test]
fn a_firing_reminds_of_all_days_since_the_one_before_in_one_message() {
    let purchases = two_days();
    let daily = since(&purchases, Some("2026-03-26"), "2026-03-27");
    assert_eq!(
        (skus(&daily), revision(&daily)),
        (vec!["SOAP"], Some(Revision::named("replenish-2026-03-27")))
    );
    let weekly = since(&purchases, Some("2026-03-20"), "2026-03-28");
    assert_eq!((skus(&weekly), revision(&weekly)), (vec!["WAX", "SOAP"], revision(&daily)));
    assert_eq!(since(&purchases, Some("2026-03-27"), "2026-03-28"), vec![]);
    assert_eq!(revision(&[]), None);
}

/// The same message however often and late it comes, and on the next day, too.
#[test]
fn a_message_is_named_by_its_last_day() {
    let purchases = two_days();
    let first = on(&purchases[..1], "2026-03-26");
    assert_eq!(revision(&first), Some(Revision::named("replenish-2026-03-26")));
    let next = on(&purchases, "2026-03-27");
    assert_eq!(revision(&next), revision(&on(&purchases, "2026-03-28")));
    // what was looked up is what is made, even if more has become due since
    assert_eq!(skus(&of_revision(next.clone(), &revision(&first).unwrap())), ["WAX"]);
    assert_eq!(of_revision(next, &Revision::named("replenish-never")), vec![]);
}

#[test]
fn a_message_asks_for_those_of_the_days_before_its_last() {
    let purchases = two_days();
    assert_eq!(earlier_days(&on(&purchases, "2026-03-28")), [day("2026-03-26")]);
    assert_eq!(earlier_days(&on(&purchases, "2026-03-26")), []);
}

#[test]
fn what_was_not_paid_or_never_came_does_not_run_out() {
    let [unpaid, mut waits] = two_days();
    let mut unpaid = unpaid;
    unpaid.paid = false;
    waits.lines[0].delivered = 0;
    let purchases = [unpaid, waits];
    assert_eq!(days(&purchases), vec![]);
    let zone = TimeZone::get("Europe/Paris").unwrap();
    let by = |paid, delivered| {
        let marketing = Marketing { purchases: Purchases { paid, delivered }, ..marketing() };
        let days = Days { last: day("2026-03-27"), after: None };
        due(&purchases, &marketing, days, &zone).into_iter().map(|due| due.sku).collect::<Vec<_>>()
    };
    assert_eq!((by(false, true), by(true, false)), (vec!["WAX".to_owned()], vec!["SOAP".to_owned()]));
    assert_eq!(by(false, false), ["WAX", "SOAP"]);
}

#[test]
fn of_an_order_that_came_in_part_only_that_part_runs_out() {
    let mut part = purchase(1, "2026-03-01T12:00:00Z", &[("SOAP", 3)]);
    part.lines[0].delivered = 2;
    let due = &on(std::slice::from_ref(&part), "2026-03-16")[0];
    assert_eq!((due.quantity, due.remind), (2, day("2026-03-16")));
}

/// Whoever has ordered it again waits for it, and needs no reminder.
#[test]
fn an_order_that_is_still_on_its_way_is_bought_again() {
    let mut again = purchase(2, "2026-03-20T12:00:00Z", &[("WAX", 1)]);
    (again.paid, again.lines[0].delivered) = (false, 0);
    assert_eq!(days(&[purchase(1, "2026-03-01T12:00:00Z", &[("WAX", 1)]), again]), vec![]);
}

#[test]
fn bought_again_in_time_it_is_never_due_and_later_it_is_pointless() {
    let first = purchase(1, "2026-03-01T12:00:00Z", &[("WAX", 1)]);
    let early = [purchase(2, "2026-03-20T12:00:00Z", &[("WAX", 1)]), first.clone()];
    assert_eq!(days(&early).first().unwrap().0, day("2026-04-14"), "of the second purchase only");
    // due on 26 March, bought again on 28 March: a message of the 26th that is delivered late stays what it was
    let late = [first.clone(), purchase(2, "2026-03-28T12:00:00Z", &[("WAX", 1)])];
    assert_eq!(on(&late, "2026-03-26")[0].pointless, Some("it was bought again"));
    assert_eq!(revision(&on(&late, "2026-03-26")), revision(&on(std::slice::from_ref(&first), "2026-03-26")));
    // an order that was cancelled is no purchase
    let mut gone = late.clone();
    gone[1].cancelled_at = Some("2026-03-29T12:00:00Z".parse::<Timestamp>().unwrap());
    assert_eq!(on(&gone, "2026-03-26")[0].pointless, None);
}

#[test]
fn what_was_cancelled_or_returned_does_not_run_out() {
    let mut cancelled = purchase(1, "2026-03-01T12:00:00Z", &[("WAX", 1)]);
    cancelled.cancelled_at = Some("2026-03-02T12:00:00Z".parse().unwrap());
    assert_eq!(days(std::slice::from_ref(&cancelled)), vec![]);
    cancelled.cancelled_at = Some("2026-03-27T12:00:00Z".parse().unwrap());
    assert!(days(&[cancelled]).iter().all(|(_, why)| *why == Some("the order was cancelled")));
    assert_eq!(days(&[purchase(1, "2026-03-01T12:00:00Z", &[("WAX", 0)])]), vec![]);
}

#[test]
fn absurd_quantities_never_run_out() {
    assert_eq!(days(&[purchase(1, "2026-03-01T12:00:00Z", &[("WAX", u64::MAX)])]), vec![]);
    assert_eq!(days(&[purchase(1, "2026-03-01T12:00:00Z", &[("WAX", 1 << 40)])]), vec![]);
}
