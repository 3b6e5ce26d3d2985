use super::{Case, fixture, sample, text};
use comms::Class;
use serde_json::{Value, json};
use std::time::Duration;

pub fn case() -> Case {
    Case::new(
        &sample!("order-transactions-create"),
        "gid://shopify/OrderTransaction/920982911946155102",
        [("OrderTransaction", fixture!("payment-attempt")), ("OrderForDocuments", fixture!("order-unpaid"))],
    )
}

/// Another payment of the order.
fn other(kind: &str, status: &str, at: &str, amount: &str) -> Value {
    let money = json!({"amount": amount, "currencyCode": "EUR"});
    json!({
        "id": "gid://shopify/OrderTransaction/920982911946155199", "kind": kind, "status": status,
        "createdAt": at, "processedAt": null, "test": false, "formattedGateway": null, "paymentDetails": null,
        "amountSet": {"shopMoney": money, "presentmentMoney": money},
    })
}

fn with(other: Value) -> Case {
    case().edit("OrderTransaction", |node| {
        node["order"]["transactions"].as_array_mut().unwrap().push(other);
    })
}

const LATER: &str = "2026-11-22T09:30:00Z";

#[tokio::test]
async fn the_letter_says_what_failed_why_and_how_to_pay() {
    let (data, content) = case().letter().await.ready();
    assert_eq!(data["payment"]["amount"], json!({"amount": "94.90", "currency": "EUR"}));
    assert_eq!(data["payment"].get("error_code"), None, "a code is between the shop and its provider");
    assert_eq!(text(&data, "/payment/cause"), "insufficient_funds");
    assert_eq!(text(&data, "/payment/date"), "2026-11-22T10:11:32+01:00");
    assert_eq!(text(&data, "/payment/method/card_last_digits"), "4444");
    assert_eq!(text(&data, "/pay/url"), "https://northwind-demo.example/pay/1081?key=demo");
    assert_eq!(text(&data, "/pay/by"), "2026-12-07");
    assert!(text(&data, "/pay/instructions").starts_with("Ou par virement"));
    assert_eq!(data["contact"].as_array().unwrap().len(), 2);
    assert_eq!(content.reported_on.as_ref().unwrap().as_str(), "gid://shopify/Order/820982911946155101");
    assert_eq!(content.name.as_deref(), Some("#1081"));
    assert!(!content.test);
    assert!(!data.to_string().contains("•"), "no masked number");
}

#[tokio::test]
async fn the_shops_address_to_pay_stands_in_where_shopify_has_none() {
    let case = case().edit("OrderTransaction", |node| {
        node["order"]["paymentCollectionDetails"]["additionalPaymentCollectionUrl"] = Value::Null;
    });
    assert_eq!(text(&case.letter().await.data(), "/pay/url"), "https://northwind-demo.example/pay");
}

#[tokio::test]
async fn what_was_paid_or_cancelled_since_is_not_written_about() {
    let paid = with(other("SALE", "SUCCESS", LATER, "94.90"));
    let (reason, owner) = paid.letter().await.suppressed();
    assert_eq!(reason, "paid since");
    assert_eq!(owner.unwrap().as_str(), "gid://shopify/Order/820982911946155101");
    let reserved = with(other("AUTHORIZATION", "SUCCESS", LATER, "120.00"));
    assert_eq!(reserved.letter().await.why_suppressed(), "paid since");
    let nothing_left = case().order(|order| {
        order["totalOutstandingSet"]["shopMoney"]["amount"] = "0.0".into();
    });
    assert_eq!(nothing_left.letter().await.why_suppressed(), "paid since");
    let cancelled = case().order(|order| order["cancelledAt"] = "2026-11-22T10:00:00Z".into());
    assert_eq!(cancelled.letter().await.why_suppressed(), "the order is cancelled");
    let after_all = case().edit("OrderTransaction", |node| node["status"] = "SUCCESS".into());
    assert_eq!(after_all.letter().await.why_suppressed(), "the payment succeeded after all");
}

#[tokio::test]
async fn a_part_payment_or_a_refund_leaves_the_letter_due() {
    let gift_card = with(other("SALE", "SUCCESS", LATER, "20.00"));
    gift_card.letter().await.data();
    let refund = with(other("REFUND", "SUCCESS", LATER, "94.90"));
    refund.letter().await.data();
}

/// What is authorized is the shop's to take: an attempt that fails afterwards, the capture itself among them, asks the
/// customer for nothing.
#[tokio::test]
async fn a_failed_attempt_after_an_authorization_asks_for_nothing() {
    let authorized = |amount: &'static str| {
        let money = |currency: &str| json!({"amount": amount, "currencyCode": currency});
        let bag = json!({"shopMoney": money("EUR"), "presentmentMoney": money("EUR")});
        case().order(|order| order["totalCapturableSet"] = bag)
    };
    assert_eq!(authorized("94.90").letter().await.why_suppressed(), "the payment is authorized");
    let capture = authorized("94.90").edit("OrderTransaction", |node| node["kind"] = "CAPTURE".into());
    assert_eq!(capture.letter().await.why_suppressed(), "the payment is authorized");
    let data = authorized("50.00").letter().await.data();
    assert_eq!(text(&data, "/outstanding/amount"), "44.90", "less what is authorized");
}

#[tokio::test]
async fn of_several_attempts_only_the_last_is_written_about() {
    for status in ["FAILURE", "ERROR", "PENDING", "AWAITING_RESPONSE", "ONE_OF_TOMORROW"] {
        let again = with(other("SALE", status, LATER, "94.90"));
        assert_eq!(again.letter().await.why_suppressed(), "the payment was tried again since", "{status}");
    }
    // at the same moment, the higher number is the later one
    let same = with(other("SALE", "FAILURE", "2026-11-22T09:11:32Z", "94.90"));
    assert_eq!(same.letter().await.why_suppressed(), "the payment was tried again since");
    let mut asked_for = with(other("SALE", "FAILURE", LATER, "94.90"));
    asked_for.resend = true;
    asked_for.letter().await.data();
}

#[tokio::test]
async fn an_attempt_is_left_alone_for_a_while() {
    let patient = |now| case().config("delay_minutes = 0", "delay_minutes = 15").at(now);
    let error = patient("2026-11-22T09:12:32Z").letter().await.error();
    assert_eq!(error.class, Class::Transient { retry_after: Some(Duration::from_secs(14 * 60)) });
    patient("2026-11-22T09:26:32Z").letter().await.data();
    let mut asked_for = patient("2026-11-22T09:12:32Z");
    asked_for.resend = true;
    asked_for.letter().await.data();
    // a clock that is behind keeps nobody waiting where no wait is wanted
    case().at("2026-11-22T09:00:00Z").letter().await.data();
}

#[tokio::test]
async fn what_is_no_failed_charge_leads_to_nothing() {
    for (field, value) in
        [("kind", "REFUND"), ("kind", "VOID"), ("status", "PENDING"), ("status", "ONE_OF_TOMORROW")]
    {
        case().edit("OrderTransaction", |node| node[field] = value.into()).letter().await.why_nothing();
    }
}

/// A code can be an accusation (`fraud_suspected`, `pick_up_card`): the letter says what the customer can do about it.
#[tokio::test]
async fn codes_lead_to_a_cause_and_are_not_told() {
    let coded = |code: Value| case().edit("OrderTransaction", |node| node["errorCode"] = code);
    for (code, cause) in [
        (json!("MOON_PHASE"), "other"),
        (Value::Null, "other"),
        (json!("FRAUD_SUSPECTED"), "declined"),
        (json!("INCORRECT_ZIP"), "wrong_details"),
    ] {
        let data = coded(code).letter().await.data();
        assert_eq!((data["payment"].get("error_code"), text(&data, "/payment/cause")), (None, cause));
        assert!(!data.to_string().contains("fraud"));
    }
}

#[tokio::test]
async fn amounts_are_those_the_customer_saw() {
    let yen = json!({"amount": "15184.0", "currencyCode": "JPY"});
    let case = case().edit("OrderTransaction", |node| node["amountSet"]["presentmentMoney"] = yen);
    let data = case.letter().await.data();
    assert_eq!(data["payment"]["amount"], json!({"amount": "15184", "currency": "JPY"}));
    assert_eq!(data["outstanding"], json!({"amount": "94.90", "currency": "EUR"}));
    // a payment in another currency counts by its amount in the shop's
    let paid = case.edit("OrderTransaction", |node| {
        node["order"]["transactions"].as_array_mut().unwrap().push(other("SALE", "SUCCESS", LATER, "94.90"));
    });
    assert_eq!(paid.letter().await.why_suppressed(), "paid since");
}

#[tokio::test]
async fn a_deleted_customer_without_an_address_still_has_a_letter() {
    let bare = case().order(|order| {
        for field in ["customer", "billingAddress", "shippingAddress", "email", "purchasingEntity"] {
            order[field] = Value::Null;
        }
        order["lineItems"]["nodes"] = json!([]);
    });
    let (data, content) = bare.letter().await.ready();
    assert_eq!((data.get("address"), data["customer"].get("name")), (None, None));
    assert_eq!((content.customer, content.recipient.email), (None, None));
}

#[tokio::test]
async fn mail_goes_to_the_order_and_else_to_the_customer() {
    let without = case().order(|order| order["email"] = Value::Null);
    let (data, content) = without.letter().await.ready();
    assert_eq!(content.recipient.email.as_deref(), Some("ines.laurent@example.com"));
    assert_eq!(text(&data, "/customer/email"), "ines.laurent@example.com");
}

#[tokio::test]
async fn nothing_is_delivered_of_a_test() {
    let payment = case().edit("OrderTransaction", |node| node["test"] = true.into());
    assert!(payment.letter().await.ready().1.test);
    let order = case().order(|order| order["test"] = true.into());
    assert!(order.letter().await.ready().1.test);
}

#[tokio::test]
async fn an_order_out_of_sight_is_told_from_one_that_is_not() {
    let hidden = case().edit("OrderTransaction", |node| node["order"] = Value::Null);
    assert_eq!(hidden.letter().await.error().class, Class::transient(), "Shopify may show it later");
    let (reason, owner) = hidden.payload(json!({"kind": "sale"})).letter().await.suppressed();
    assert!(reason.contains("nobody to write to") && owner.is_none(), "{reason}");
    let mut gone = case();
    gone.answers.insert("OrderTransaction", json!({"node": null}));
    assert!(gone.letter().await.error().reason.contains("no such transaction"));
}
