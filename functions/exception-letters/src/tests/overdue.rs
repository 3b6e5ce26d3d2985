use super::{Case, fixture, sample, text};
use serde_json::{Value, json};

pub fn case() -> Case {
    Case::new(
        &sample!("payment-schedules-due"),
        "gid://shopify/PaymentSchedule/606405506930155102",
        [
            ("PaymentSchedule", fixture!("payment-schedule")),
            ("OrderForDocuments", fixture!("order-on-terms")),
        ],
    )
}

#[tokio::test]
async fn the_letter_says_what_is_due_since_when_and_how_to_pay() {
    let (data, content) = case().letter().await.ready();
    assert_eq!(text(&data, "/due/state"), "overdue");
    assert_eq!(data["due"]["days_overdue"], 5);
    assert_eq!(text(&data, "/due/date"), "2026-11-18T10:00:00+01:00");
    assert_eq!(data["due"]["amount"], json!({"amount": "1045.00", "currency": "EUR"}));
    assert_eq!(text(&data, "/due/terms"), "Net 30");
    assert_eq!(data["due"]["instalment"], json!({"number": 2, "of": 2}));
    assert_eq!(text(&data, "/order/po_number"), "AHS-2026-118");
    assert_eq!(text(&data, "/address/company"), "Alpine Hut Supplies AG");
    assert_eq!(text(&data, "/pay/url"), "https://northwind-demo.example/pay/1085?key=demo");
    assert!(data["customer"]["company_location"].is_string());
    assert_eq!(content.reported_on.as_ref().unwrap().as_str(), "gid://shopify/Order/820982911946155105");
}

/// Days are those of the shop's calendar: in Paris, 18 November ends an hour before it does in UTC, and the
/// day the clocks change is as long as any other.
#[tokio::test]
async fn days_are_counted_in_the_shops_zone() {
    for (now, due, days, state) in [
        ("2026-11-18T09:00:01Z", "2026-11-18T09:00:00Z", 0, "due"),
        ("2026-11-18T22:59:59Z", "2026-11-18T09:00:00Z", 0, "due"),
        ("2026-11-18T23:00:00Z", "2026-11-18T09:00:00Z", 1, "overdue"),
        // said to be due a moment before it is
        ("2026-11-18T08:59:59Z", "2026-11-18T09:00:00Z", 0, "due"),
        ("2026-10-26T00:30:00Z", "2026-10-24T22:30:00Z", 1, "overdue"),
        ("2027-01-02T09:00:00Z", "2026-11-18T09:00:00Z", 45, "overdue"),
    ] {
        let case = case().at(now).edit("PaymentSchedule", |node| node["dueAt"] = due.into());
        let data = case.letter().await.data();
        assert_eq!(
            (data["due"]["days_overdue"].as_i64(), text(&data, "/due/state")),
            (Some(days), state),
            "{now}"
        );
    }
}

#[tokio::test]
async fn what_is_paid_or_cancelled_is_not_asked_for() {
    let paid = case().edit("PaymentSchedule", |node| node["completedAt"] = "2026-11-19T08:00:00Z".into());
    let (reason, owner) = paid.letter().await.suppressed();
    assert_eq!((reason.as_str(), owner.unwrap().kind()), ("paid since", "Order"));
    let settled = case().edit("PaymentSchedule", |node| node["totalBalance"]["amount"] = "0.00".into());
    assert_eq!(settled.letter().await.why_suppressed(), "paid since");
    let order_paid =
        case().order(|order| order["totalOutstandingSet"]["shopMoney"]["amount"] = "0.00".into());
    assert_eq!(order_paid.letter().await.why_suppressed(), "paid since");
    let cancelled = case().order(|order| order["cancelledAt"] = "2026-11-19T08:00:00Z".into());
    assert_eq!(cancelled.letter().await.why_suppressed(), "the order is cancelled");
}

/// Shopify will say "due" again.
#[tokio::test]
async fn a_due_date_that_was_moved_leads_to_nothing() {
    for due in [json!("2026-12-18T09:00:00Z"), Value::Null] {
        case().edit("PaymentSchedule", |node| node["dueAt"] = due).letter().await.why_nothing();
    }
}

#[tokio::test]
async fn the_terms_of_a_draft_order_have_nobody_to_write_to() {
    let draft = case().edit("PaymentSchedule", |node| node["paymentTerms"]["order"] = Value::Null);
    assert!(draft.letter().await.why_suppressed().contains("nobody to write to"));
}

#[tokio::test]
async fn one_instalment_is_not_counted() {
    let single = case().edit("PaymentSchedule", |node| {
        node["paymentTerms"]["paymentSchedules"]["nodes"].as_array_mut().unwrap().remove(0);
    });
    assert_eq!(single.letter().await.data()["due"].get("instalment"), None);
}
