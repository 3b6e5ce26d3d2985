//! What runs out, day by day.

use crate::replenish::{Due, due};
use comms::Gid;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use shop_config::Replenishment;
use shopify::marketing::{BoughtLine, Purchase};
use std::collections::BTreeMap;

fn rules() -> Replenishment {
    let days_by_sku = BTreeMap::from([("WAX".to_owned(), 30), ("SOAP".to_owned(), 10)]);
    Replenishment { days_by_sku, lead_days: 5, stale_days: 20 }
}

fn purchase(number: u64, at: &str, lines: &[(&str, u64)]) -> Purchase {
    let line = |&(sku, quantity): &(&str, u64)| BoughtLine {
        title: format!("Tin of {sku}"),
        sku: (!sku.is_empty()).then(|| sku.to_owned()),
        quantity,
    };
    Purchase {
        order: Gid::new("Order", number),
        name: format!("#{number}"),
        at: at.parse().unwrap(),
        cancelled_at: None,
        lines: lines.iter().map(line).collect(),
    }
}

fn on(purchases: &[Purchase], day: &str) -> Vec<Due> {
    due(purchases, &rules(), day.parse().unwrap(), &TimeZone::get("Europe/Paris").unwrap())
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

#[test]
fn each_purchase_and_sku_has_a_name_of_its_own() {
    let purchases = [
        purchase(1, "2026-03-01T12:00:00Z", &[("WAX", 1), ("SOAP", 2)]),
        purchase(2, "2026-03-01T13:00:00Z", &[("SOAP", 3)]),
    ];
    let mut revisions: Vec<_> = ["2026-03-20", "2026-03-27", "2026-04-02"]
        .iter()
        .flat_map(|day| on(&purchases, day))
        .map(|due| due.revision())
        .collect();
    revisions.sort_by_key(|revision| revision.as_str().to_owned());
    revisions.dedup();
    let texts: Vec<_> = revisions.iter().map(|revision| revision.as_str()).collect();
    assert_eq!(texts.len(), 2, "{texts:?}: the first soap was bought again at once");
    assert!(
        texts.iter().all(|text| text.starts_with("replenish-") && text.len() <= 10 + 20 + 1 + 16),
        "{texts:?}"
    );
}

#[test]
fn bought_again_in_time_it_is_never_due_and_later_it_is_pointless() {
    let first = purchase(1, "2026-03-01T12:00:00Z", &[("WAX", 1)]);
    let early = [purchase(2, "2026-03-20T12:00:00Z", &[("WAX", 1)]), first.clone()];
    assert_eq!(days(&early).first().unwrap().0, day("2026-04-14"), "of the second purchase only");
    // due on 26 March, bought again on 28 March: a message of the 26th that is delivered late stays what it was
    let late = [first.clone(), purchase(2, "2026-03-28T12:00:00Z", &[("WAX", 1)])];
    assert_eq!(on(&late, "2026-03-26")[0].pointless, Some("it was bought again"));
    assert_eq!(
        on(&late, "2026-03-26")[0].revision(),
        on(std::slice::from_ref(&first), "2026-03-26")[0].revision()
    );
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
