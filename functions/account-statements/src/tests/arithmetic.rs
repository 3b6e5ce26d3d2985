//! What each thing that can happen to an order does to the balance.

use super::*;
use crate::ledger::{Reconciliation, book};

fn text(money: Money) -> String {
    money.amount_text()
}

#[test]
fn an_invoice_and_its_payment_in_another_month() {
    let orders = [order(1, "2026-09-10T10:00:00Z", "100", "EUR").paid("2026-10-05T08:00:00Z", "100")];
    let statement = in_october(&orders).unwrap();
    assert_eq!((text(statement.opening), text(statement.closing)), ("100.00".into(), "0.00".into()));
    assert_eq!(lines(&statement), [(Kind::Payment, "2026-10-05".into(), "-100.00".into())]);
    let paid = statement.lines[0].0.paid.unwrap();
    assert_eq!(paid.gateway_name.as_deref(), Some("Bank transfer"));
}

#[test]
fn authorizations_voids_failures_and_pending_payments_are_no_payments() {
    use TransactionKind::{Other, Payment};
    use TransactionStatus::{Failed, Open, Success};
    let mut unpaid = order(1, "2026-10-02T10:00:00Z", "100", "EUR");
    for (kind, status) in [(Other, Success), (Payment, Failed), (Payment, Open)] {
        unpaid = unpaid.transaction(kind, status, "2026-10-03T10:00:00Z", "100");
    }
    let statement = in_october(std::slice::from_ref(&unpaid)).unwrap();
    assert_eq!((statement.lines.len(), text(statement.closing)), (1, "100.00".into()));
}

/// Returned goods of a paid order: the credit and the refund cancel out, and nothing is counted twice.
#[test]
fn a_partial_refund_is_a_credit_and_the_money_back() {
    let orders = [order(1, "2026-10-02T10:00:00Z", "100", "EUR")
        .paid("2026-10-02T10:00:01Z", "100")
        .returned("2026-10-09T10:00:00Z", "40", "40")];
    let statement = in_october(&orders).unwrap();
    let kinds: Vec<_> = lines(&statement).into_iter().map(|(kind, _, amount)| (kind, amount)).collect();
    assert_eq!(
        kinds,
        [
            (Kind::Invoice, "100.00".to_owned()),
            (Kind::Payment, "-100.00".to_owned()),
            (Kind::Credit, "-40.00".to_owned()),
            (Kind::Refund, "40.00".to_owned()),
        ]
    );
    assert_eq!(text(statement.closing), "0.00");
}

#[test]
fn a_refund_after_the_period_is_the_next_statements() {
    let orders = [order(1, "2026-10-02T10:00:00Z", "100", "EUR")
        .paid("2026-10-20T10:00:00Z", "100")
        .returned("2026-11-02T10:00:00Z", "100", "100")];
    let statement = in_october(&orders).unwrap();
    assert_eq!((statement.lines.len(), text(statement.closing)), (2, "0.00".into()));
    let november = period("2026-11-01", "2026-11-30");
    let next = statements(&orders, None, &november, &zone("Europe/Paris")).unwrap().remove(0);
    assert_eq!((next.opening, next.lines.len(), text(next.closing)), (statement.closing, 2, "0.00".into()));
}

#[test]
fn goods_taken_off_an_unpaid_order_are_a_credit_on_that_day() {
    let orders = [order(1, "2026-09-02T10:00:00Z", "100", "EUR").returned("2026-10-09T10:00:00Z", "30", "0")];
    let statement = in_october(&orders).unwrap();
    assert_eq!(lines(&statement), [(Kind::Credit, "2026-10-09".into(), "-30.00".into())]);
    assert_eq!((text(statement.opening), text(statement.closing)), ("100.00".into(), "70.00".into()));
}

/// Shopify's total includes what an edit added, and the order's own day is the only one known for it.
#[test]
fn an_edited_order_is_invoiced_with_what_was_added() {
    let edited = order(1, "2026-10-02T10:00:00Z", "100", "EUR")
        .change(|order| &mut order.total, "25")
        .change(|order| &mut order.current_total, "25")
        .change(|order| &mut order.outstanding, "25");
    let statement = in_october(std::slice::from_ref(&edited)).unwrap();
    assert_eq!(lines(&statement), [(Kind::Invoice, "2026-10-02".into(), "125.00".into())]);
}

#[test]
fn money_back_beyond_what_was_returned_is_credited_and_a_fee_kept_is_charged() {
    let paid = || order(1, "2026-10-02T10:00:00Z", "100", "EUR").paid("2026-10-02T10:00:01Z", "100");
    let goodwill = paid()
        .returned("2026-10-09T10:00:00Z", "0", "10")
        .change(|order| &mut order.refund_discrepancy, "-10")
        .change(|order| &mut order.outstanding, "-10");
    let fee = paid()
        .returned("2026-10-09T10:00:00Z", "100", "90")
        .change(|order| &mut order.refund_discrepancy, "10")
        .change(|order| &mut order.outstanding, "10");
    for (changed, credit) in [(goodwill, "-10.00"), (fee, "-90.00")] {
        assert!(changed.outstanding.amount().is_zero());
        let statement = in_october(std::slice::from_ref(&changed)).unwrap();
        assert_eq!(text(statement.sum(Kind::Credit).unwrap().0), credit);
        assert_eq!((text(statement.closing), statement.adjusted_orders), ("0.00".into(), 0));
    }
}

#[test]
fn an_overpaid_order_is_a_credit_that_no_other_order_uses() {
    let orders = [
        order(1, "2026-10-02T10:00:00Z", "100", "EUR").paid("2026-10-03T10:00:00Z", "130"),
        order(2, "2026-08-01T10:00:00Z", "20", "EUR"),
    ];
    let statement = in_october(&orders).unwrap();
    assert_eq!(text(statement.closing), "-10.00");
    let ageing = statement.ageing(&[30, 60, 90]).unwrap();
    assert_eq!((text(ageing.unapplied), text(ageing.overdue[3].amount)), ("-30.00".into(), "20.00".into()));
}

#[test]
fn test_orders_count_for_nothing() {
    let mut test = order(1, "2026-10-02T10:00:00Z", "100", "EUR");
    test.test = true;
    assert!(in_october(std::slice::from_ref(&test)).is_none());
}

#[test]
fn a_cancelled_order_nobody_paid_is_not_mentioned_unless_it_was_before() {
    let cancelled = |placed| {
        order(1, placed, "100", "EUR").cancelled("2026-10-20T10:00:00Z").returned(
            "2026-10-20T10:00:01Z",
            "100",
            "0",
        )
    };
    assert!(in_october(&[cancelled("2026-10-02T10:00:00Z")]).is_none());
    // September's statement had it as an invoice
    let before = [cancelled("2026-09-30T10:00:00Z")];
    let statement = in_october(&before).unwrap();
    assert_eq!(lines(&statement), [(Kind::Credit, "2026-10-20".into(), "-100.00".into())]);
    assert_eq!((text(statement.opening), text(statement.closing)), ("100.00".into(), "0.00".into()));
    // whatever Shopify still calls outstanding
    let mut voided = order(1, "2026-09-30T10:00:00Z", "100", "EUR").cancelled("2026-10-20T10:00:00Z");
    voided.current_total = Money::zero(voided.currency);
    assert_eq!(text(in_october(std::slice::from_ref(&voided)).unwrap().closing), "0.00");
}

#[test]
fn a_cancelled_order_that_was_paid_is_credited_and_the_money_is_the_customers() {
    let cancelled = order(1, "2026-09-02T10:00:00Z", "100", "EUR")
        .paid("2026-09-03T10:00:00Z", "100")
        .cancelled("2026-10-20T10:00:00Z")
        .returned("2026-10-20T10:00:01Z", "100", "0");
    let statement = in_october(std::slice::from_ref(&cancelled)).unwrap();
    assert_eq!(text(statement.closing), "-100.00");
    assert_eq!(text(statement.ageing(&[30]).unwrap().unapplied), "-100.00");
    // Shopify's record of the cancellation alone, with nothing said of the money
    let mut silent = order(2, "2026-10-02T10:00:00Z", "100", "EUR")
        .paid("2026-10-03T10:00:00Z", "40")
        .cancelled("2026-10-20T10:00:00Z");
    silent.current_total = silent.total;
    assert_eq!(
        text(in_october(std::slice::from_ref(&silent)).unwrap().closing),
        "0.00",
        "nobody owes for it"
    );
}

/// A kind that Shopify has added since counts as what makes the order's sums agree.
#[test]
fn a_transaction_of_an_unknown_kind_is_what_the_sums_say() {
    use TransactionKind::Unknown;
    use TransactionStatus::Success;
    let unknown = |order: AccountOrder| order.transaction(Unknown, Success, "2026-10-05T10:00:00Z", "40");
    let placed = || order(1, "2026-10-02T10:00:00Z", "100", "EUR");
    let by = |order: AccountOrder, by| order.change(|order| &mut order.outstanding, by);
    let nothing = unknown(placed());
    let payment = by(unknown(placed()), "-40");
    let refund = by(unknown(placed().paid("2026-10-03T10:00:00Z", "140")), "40");
    for (order, kind, closing) in [
        (nothing, None, "100.00"),
        (payment, Some(Kind::Payment), "60.00"),
        (refund, Some(Kind::Refund), "0.00"),
    ] {
        let statement = in_october(std::slice::from_ref(&order)).unwrap();
        let last = lines(&statement).pop().unwrap();
        assert_eq!((text(statement.closing), statement.adjusted_orders), (closing.to_owned(), 0));
        assert_eq!(Some(last.0).filter(|kind| *kind != Kind::Invoice), kind);
    }
    // nothing agrees: Shopify's outstanding amount is the balance, and the difference is shown
    let odd = [by(unknown(placed()), "-1")];
    let statement = in_october(&odd).unwrap();
    assert_eq!((text(statement.closing), statement.adjusted_orders), ("99.00".into(), 1));
    // and while a payment is under way, nobody can tell
    let open = by(unknown(placed()), "-1").change(|order| &mut order.capturable, "5");
    let error = book(&open, &zone("UTC")).err().unwrap().to_string();
    assert!(error.starts_with("gid://shopify/Order/1 has a transaction of a kind"), "{error}");
}

/// A difference that nothing explains is said, and the balance is Shopify's.
#[test]
fn what_shopify_says_beyond_the_lines_is_an_adjustment_for_an_operator() {
    let odd = order(1, "2026-10-02T10:00:00Z", "100", "EUR")
        .paid("2026-10-08T10:00:00Z", "60")
        .change(|order| &mut order.outstanding, "-0.02");
    let booked = book(&odd, &zone("UTC")).unwrap();
    assert_eq!(booked.reconciliation, Reconciliation::Adjusted(Money::parse("-0.02", "EUR").unwrap()));
    let orders = [odd, order(2, "2026-10-02T10:00:00Z", "1", "EUR")];
    let statement = in_october(&orders).unwrap();
    assert_eq!((text(statement.closing), statement.adjusted_orders), ("40.98".into(), 1));
    assert_eq!(lines(&statement)[3], (Kind::Adjustment, "2026-10-08".into(), "-0.02".into()));
    assert_eq!(text(statement.adjusted), "0.02");
}

/// An authorization, or a payment under way: what Shopify calls outstanding then is not what is owed.
#[test]
fn sums_are_not_compared_while_a_payment_is_under_way() {
    let capturable = order(1, "2026-10-02T10:00:00Z", "100", "EUR")
        .change(|order| &mut order.capturable, "100")
        .change(|order| &mut order.outstanding, "-100");
    assert_eq!(book(&capturable, &zone("UTC")).unwrap().reconciliation, Reconciliation::NotComparable);
    assert_eq!(text(in_october(std::slice::from_ref(&capturable)).unwrap().closing), "100.00");
}

#[test]
fn ageing_goes_by_the_day_something_is_due() {
    let placed = |number, placed: &str, terms| order(number, placed, "10", "EUR").on_terms(Some(terms), true);
    let orders = [
        placed(1, "2026-10-01T12:00:00Z", 30), // due on the last day
        placed(2, "2026-09-30T12:00:00Z", 30), // one day late
        placed(3, "2026-09-01T12:00:00Z", 30), // 30 days late
        placed(4, "2026-08-31T12:00:00Z", 30), // 31
        placed(5, "2026-07-03T12:00:00Z", 30), // 90
        placed(6, "2026-07-02T12:00:00Z", 30), // 91
        order(7, "2026-10-31T12:00:00Z", "10", "EUR"),
        order(8, "2026-10-30T12:00:00Z", "10", "EUR"),
        order(9, "2026-06-01T12:00:00Z", "10", "EUR").on_terms(None, false),
        order(10, "2026-06-01T12:00:00Z", "10", "EUR").on_terms(None, true),
        order(11, "2026-06-01T12:00:00Z", "10", "EUR").on_terms(Some(30), false), // given more time
        order(12, "2026-06-01T12:00:00Z", "10", "EUR").on_terms(Some(u32::MAX), false),
    ];
    let statement = in_october(&orders).unwrap();
    let late: Vec<_> =
        statement.open.iter().map(|open| (open.order.name.as_str(), open.days_overdue)).collect();
    assert_eq!(
        late,
        [
            ("#6", 91),
            ("#5", 90),
            ("#4", 31),
            ("#3", 30),
            ("#10", 1),
            ("#2", 1),
            ("#8", 1),
            ("#11", 0),
            ("#12", 0),
            ("#9", 0),
            ("#1", 0),
            ("#7", 0),
        ]
    );
    let ageing = statement.ageing(&[30, 60, 90]).unwrap();
    assert_eq!(text(ageing.not_due), "50.00");
    let buckets: Vec<_> =
        ageing.overdue.iter().map(|it| (it.from, it.to, text(it.amount), it.orders)).collect();
    assert_eq!(
        buckets,
        [
            (1, Some(30), "40.00".to_owned(), 4),
            (31, Some(60), "10.00".to_owned(), 1),
            (61, Some(90), "10.00".to_owned(), 1),
            (91, None, "10.00".to_owned(), 1),
        ]
    );
}

#[test]
fn currencies_are_never_added() {
    let orders = [
        order(1, "2026-10-02T10:00:00Z", "1290", "JPY"),
        order(2, "2026-10-02T10:00:00Z", "12.905", "KWD"),
        order(3, "2026-10-02T10:00:00Z", "0.10", "EUR"),
        order(4, "2026-10-03T10:00:00Z", "0.20", "EUR"),
        order(5, "2026-10-03T10:00:00Z", "7", "USD").paid("2026-09-03T10:00:00Z", "7"),
    ];
    let all = statements(&orders, None, &october(), &zone("Europe/Paris")).unwrap();
    all.iter().for_each(adds_up);
    let closing: Vec<_> = all.iter().map(|it| it.closing.to_string()).collect();
    assert_eq!(closing, ["0.30 EUR", "1290 JPY", "12.905 KWD", "0.00 USD"]);
}

#[test]
fn amounts_too_large_to_add_up_are_an_error() {
    let huge = "79228162514264337593543950335";
    let orders =
        [order(1, "2026-10-02T10:00:00Z", huge, "JPY"), order(2, "2026-10-02T10:00:00Z", huge, "JPY")];
    assert!(statements(&orders, None, &october(), &zone("UTC")).is_err());
}
