use super::{Case, fixture, sample, text};
use serde_json::{Value, json};

pub fn case() -> Case {
    Case::new(
        &sample!("orders-cancelled"),
        "gid://shopify/Order/820982911946155102",
        [("OrderCancellation", fixture!("cancellation")), ("OrderForDocuments", fixture!("order-cancelled"))],
    )
}

/// The order's payments: kind, status, amount, and what the parent was about.
fn paid(payments: &[(&str, &str, &str, Option<&str>)]) -> Case {
    let bag = |amount: &str| {
        let money = json!({"amount": amount, "currencyCode": "EUR"});
        json!({"shopMoney": money, "presentmentMoney": money})
    };
    let payments: Vec<Value> = payments
        .iter()
        .enumerate()
        .map(|(index, (kind, status, amount, parent))| {
            json!({
                "id": format!("gid://shopify/OrderTransaction/{}", index + 1), "kind": kind, "status": status,
                "createdAt": "2026-11-22T15:30:40Z", "amountSet": bag(amount),
                "parentTransaction": parent.map(|amount| json!({"amountSet": bag(amount)})),
            })
        })
        .collect();
    case().edit("OrderCancellation", |order| order["transactions"] = payments.into())
}

#[tokio::test]
async fn the_letter_says_why_what_and_where_the_money_is() {
    let (data, content) = case().letter().await.ready();
    assert_eq!(text(&data, "/cancellation/reason"), "inventory");
    assert_eq!(text(&data, "/cancellation/date"), "2026-11-22T16:30:38+01:00");
    let lines = data["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 2);
    assert_eq!((lines[1]["quantity"].as_u64(), text(&lines[1], "/total/amount")), (Some(2), "17.00"));
    assert_eq!(text(&data, "/total/amount"), "151.90");
    assert_eq!(text(&data, "/money/outcome"), "refunded");
    assert_eq!(text(&data, "/money/refunded/amount"), "151.90");
    assert_eq!(text(&data, "/money/refunds/0/method/card_last_digits"), "4242");
    assert_eq!(text(&data, "/money/arrives_by"), "2026-12-02");
    assert_eq!(text(&data, "/customer/name"), "عمر حدّاد");
    assert_eq!(content.recipient.name.as_deref(), Some("عمر حدّاد"));
    assert_eq!(content.owner.as_ref(), Some(&case().subject));
}

#[tokio::test]
async fn every_way_of_the_money_has_its_outcome() {
    type Payments = &'static [(&'static str, &'static str, &'static str, Option<&'static str>)];
    let cases: &[(Payments, &str, [&str; 5])] = &[
        // outcome; paid, refunded, pending, released, kept
        (&[], "nothing_charged", ["0.00", "0.00", "0.00", "0.00", "0.00"]),
        (&[("SALE", "FAILURE", "50", None)], "nothing_charged", ["0.00", "0.00", "0.00", "0.00", "0.00"]),
        (
            &[("AUTHORIZATION", "SUCCESS", "50", None), ("VOID", "SUCCESS", "0", Some("50"))],
            "released",
            ["0.00", "0.00", "0.00", "50.00", "0.00"],
        ),
        (&[("AUTHORIZATION", "SUCCESS", "50", None)], "reserved", ["0.00", "0.00", "0.00", "0.00", "0.00"]),
        (
            &[
                ("AUTHORIZATION", "SUCCESS", "50", None),
                ("CAPTURE", "SUCCESS", "50", Some("50")),
                ("REFUND", "PENDING", "50", Some("50")),
            ],
            "refund_pending",
            ["50.00", "0.00", "50.00", "0.00", "0.00"],
        ),
        (
            &[
                ("SALE", "SUCCESS", "60", None),
                ("CHANGE", "SUCCESS", "10", None),
                ("REFUND", "SUCCESS", "20", Some("60")),
                ("REFUND", "FAILURE", "30", Some("60")),
            ],
            "partly_refunded",
            ["50.00", "20.00", "0.00", "0.00", "30.00"],
        ),
        (&[("SALE", "SUCCESS", "50", None)], "not_refunded", ["50.00", "0.00", "0.00", "0.00", "50.00"]),
    ];
    for (payments, outcome, sums) in cases {
        let data = paid(payments).letter().await.data();
        assert_eq!(text(&data, "/money/outcome"), *outcome, "{payments:?}");
        let found = ["paid", "refunded", "refund_pending", "released", "kept"]
            .map(|name| text(&data, &format!("/money/{name}/amount")).to_owned());
        assert_eq!(found, *sums, "{payments:?}");
        let any = data["money"]["refunds"].as_array().unwrap().is_empty();
        assert_eq!(
            any,
            data["money"].get("arrives_by").is_none(),
            "a date where money comes, and only there"
        );
    }
}

#[tokio::test]
async fn an_order_paid_in_several_currencies_is_added_up_in_the_shops() {
    let case = paid(&[("SALE", "SUCCESS", "50", None), ("SALE", "SUCCESS", "20", None)]);
    let dollars = json!({"amount": "22.00", "currencyCode": "USD"});
    let case = case.edit("OrderCancellation", |order| {
        order["transactions"][1]["amountSet"]["presentmentMoney"] = dollars;
    });
    let data = case.letter().await.data();
    assert_eq!(data["money"]["paid"], json!({"amount": "70.00", "currency": "EUR"}));
}

#[tokio::test]
async fn every_reason_is_told_and_an_unknown_one_keeps_its_text() {
    for (reason, told) in [
        (json!("CUSTOMER"), "customer"),
        (json!("FRAUD"), "fraud"),
        (json!("DECLINED"), "declined"),
        (json!("STAFF"), "staff"),
        (json!("OTHER"), "other"),
        (json!("ONE_OF_TOMORROW"), "one_of_tomorrow"),
        (Value::Null, "other"),
    ] {
        let case = case().edit("OrderCancellation", |order| order["cancelReason"] = reason);
        assert_eq!(text(&case.letter().await.data(), "/cancellation/reason"), told);
    }
}

/// The letter can be asked for again, or be found by reconciliation, once Shopify shows it.
#[tokio::test]
async fn an_order_that_is_not_cancelled_leads_to_nothing() {
    let case = case().edit("OrderCancellation", |order| order["cancelledAt"] = Value::Null);
    case.letter().await.why_nothing();
}

#[tokio::test]
async fn an_order_may_have_no_line_or_five_hundred() {
    let lines = |count: usize| {
        case().order(|order| {
            let line = order["lineItems"]["nodes"][0].clone();
            order["lineItems"]["nodes"] = vec![line; count].into();
        })
    };
    assert_eq!(lines(0).letter().await.data()["lines"], json!([]));
    let data = lines(500).letter().await.data();
    assert_eq!(data["lines"].as_array().unwrap().len(), 500);
    assert_eq!(data["lines"][499]["number"], 500);
}

#[tokio::test]
async fn a_deleted_customer_still_has_a_letter() {
    let case = case().order(|order| {
        for field in ["customer", "purchasingEntity", "email", "customerLocale"] {
            order[field] = Value::Null;
        }
    });
    let (data, content) = case.letter().await.ready();
    assert_eq!(content.recipient.name.as_deref(), Some("عمر حدّاد"), "by the address");
    assert_eq!((data["locale"].as_str(), content.customer), (Some("en"), None));
}
