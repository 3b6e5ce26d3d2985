use super::*;
use serde_json::{Value, json};

fn bag(amount: &str) -> Value {
    let money = json!({"amount": amount, "currencyCode": "EUR"});
    json!({"shopMoney": money, "presentmentMoney": money})
}

fn transaction(number: u64, at: &str) -> Value {
    json!({
        "id": format!("gid://shopify/OrderTransaction/{number}"), "kind": "SALE", "status": "FAILURE",
        "errorCode": "CARD_DECLINED", "createdAt": at, "processedAt": null, "test": false,
        "formattedGateway": "Shopify Payments", "amountSet": bag("94.9"), "paymentDetails": null,
    })
}

fn attempt(node: Value) -> PaymentAttempt {
    PaymentAttempt::from_graphql(&json!({ "node": node }).to_string()).unwrap().unwrap()
}

const AT: &str = "2026-11-22T09:10:04Z";

#[test]
fn an_attempt_is_read_with_the_others_of_its_order() {
    let mut node = transaction(9007199254740993, AT);
    node["order"] = json!({
        "id": "gid://shopify/Order/1", "transactions": [transaction(1, AT), node.clone()],
        "paymentCollectionDetails": {"additionalPaymentCollectionUrl": "https://pay.example/1"},
    });
    let attempt = attempt(node);
    let order = attempt.order.unwrap();
    assert_eq!(attempt.payment, order.payments[1]);
    assert_eq!(attempt.payment.id.number(), "9007199254740993");
    assert_eq!(attempt.payment.error_code.as_deref(), Some("card_declined"));
    assert_eq!(attempt.payment.amount.shop.amount_text(), "94.90");
    assert!(attempt.payment.failed() && attempt.payment.is_charge() && !attempt.payment.succeeded());
    assert_eq!(order.pay_url.as_deref(), Some("https://pay.example/1"));
}

#[test]
fn a_transaction_processed_elsewhere_counts_from_then() {
    let mut node = transaction(1, AT);
    node["processedAt"] = "2026-11-22T09:00:00Z".into();
    assert_eq!(attempt(node).payment.at, "2026-11-22T09:00:00Z".parse().unwrap());
}

#[test]
fn of_two_at_the_same_moment_the_higher_number_is_later() {
    let payment = |number, at| attempt(transaction(number, at)).payment;
    assert!(payment(1, "2026-11-22T09:10:05Z").is_later_than(&payment(2, AT)));
    // compared as numbers: as texts, 10 comes before 9
    assert!(payment(10, AT).is_later_than(&payment(9, AT)));
    assert!(!payment(9, AT).is_later_than(&payment(9, AT)));
}

#[test]
fn no_more_than_four_digits_of_a_card_are_kept() {
    let method = |details: Value| {
        let mut node = transaction(1, AT);
        node["paymentDetails"] = details;
        attempt(node).payment.method
    };
    let card =
        |number: Value| method(json!({"company": "Visa", "number": number, "paymentMethodName": "visa"}));
    for (number, kept) in [
        (json!("•••• •••• •••• 4242"), Some("4242")),
        (json!("4000056655665556"), Some("5556")),
        (json!("•• 42"), Some("42")),
        (json!("••••"), None),
        (Value::Null, None),
    ] {
        assert_eq!(card(number).last_digits.as_deref(), kept);
    }
    assert_eq!(card(Value::Null).known_as(), Some("Visa"));
    assert_eq!(method(json!({"paymentMethodName": "PayPal"})).known_as(), Some("PayPal"));
    assert_eq!(method(json!({})).known_as(), Some("Shopify Payments"));
}

#[test]
fn words_shopify_has_added_since_are_kept() {
    let mut node = transaction(1, AT);
    node["kind"] = "ONE_OF_TOMORROW".into();
    node["status"] = "ANOTHER".into();
    let payment = attempt(node).payment;
    assert_eq!((payment.kind.as_str(), payment.status.as_str()), ("one_of_tomorrow", "another"));
    assert!(!payment.failed() && !payment.is_charge());
}

#[test]
fn what_shopify_does_not_have_is_nothing_and_what_cannot_be_read_is_named() {
    assert_eq!(PaymentAttempt::from_graphql(r#"{"node":null}"#), Ok(None));
    assert_eq!(Cancellation::from_graphql(r#"{"order":null}"#), Ok(None));
    assert_eq!(PaymentSchedule::from_graphql(r#"{"node":null}"#), Ok(None));
    assert_eq!(BillingAttempt::from_graphql(r#"{"subscriptionBillingAttempt":null}"#), Ok(None));
    let mut node = transaction(1, AT);
    node["amountSet"]["shopMoney"]["amount"] = "Ann".into();
    let error = PaymentAttempt::from_graphql(&json!({ "node": node }).to_string()).unwrap_err();
    assert_eq!(error.path(), "node.amountSet.shopMoney.amount");
}

#[test]
fn a_void_knows_what_it_released() {
    let mut void = transaction(2, AT);
    void["parentTransaction"] = json!({"amountSet": bag("50")});
    let order = json!({"id": "gid://shopify/Order/1", "cancelledAt": AT, "cancelReason": "STAFF", "transactions": [void]});
    let cancellation = Cancellation::from_graphql(&json!({ "order": order }).to_string()).unwrap().unwrap();
    assert_eq!(cancellation.reason.as_deref(), Some("staff"));
    assert_eq!(cancellation.payments[0].parent_amount.unwrap().shop.amount_text(), "50.00");
}

#[test]
fn instalments_are_counted_by_due_date() {
    let schedule =
        |id: u64, due: Value| json!({"id": format!("gid://shopify/PaymentSchedule/{id}"), "dueAt": due});
    let node = |id: u64, all: Vec<Value>| {
        json!({"node": {
            "id": format!("gid://shopify/PaymentSchedule/{id}"), "issuedAt": null, "dueAt": null, "completedAt": null,
            "totalBalance": {"amount": "10.0", "currencyCode": "JPY"},
            "paymentTerms": {"paymentTermsName": "Net 30", "paymentSchedules": {"nodes": all}, "order": null},
        }})
    };
    let all = || {
        vec![
            schedule(3, Value::Null),
            schedule(2, "2026-12-18T09:00:00Z".into()),
            schedule(1, "2026-11-18T09:00:00Z".into()),
        ]
    };
    let read = |node: Value| PaymentSchedule::from_graphql(&node.to_string()).unwrap().unwrap();
    for number in 1..=3 {
        let found = read(node(number, all()));
        assert_eq!(found.instalment, Some(Instalment { number: number as usize, of: 3 }));
        assert_eq!((found.balance.to_string().as_str(), found.order), ("10 JPY", None));
    }
    assert_eq!(read(node(1, vec![schedule(1, Value::Null)])).instalment, None);
    assert_eq!(read(node(9, all())).instalment, None, "not among those shown");
}

#[test]
fn a_billing_attempt_knows_which_came_after_it() {
    let state = |name: &str| json!({"__typename": name});
    let one = |id: u64, at: &str| {
        json!({"id": format!("gid://shopify/SubscriptionBillingAttempt/{id}"), "createdAt": at,
            "state": state("SubscriptionBillingAttemptFailedState")})
    };
    let mut attempt = one(2, AT);
    attempt["completedAt"] = "2026-11-22T09:10:09Z".into();
    attempt["state"]["error"] = json!({"generalCode": "CUSTOMER_INVALID"});
    attempt["transactions"] = json!({"nodes": []});
    attempt["subscriptionContract"] = json!({
        "id": "gid://shopify/SubscriptionContract/1", "status": "ACTIVE", "nextBillingDate": null,
        "originOrder": null, "customer": null, "lines": {"nodes": []},
        "billingAttempts": {"nodes": [one(4, "2026-11-22T10:00:00Z"), one(3, AT), one(2, AT), one(1, AT)]},
    });
    let read = |attempt: &Value| {
        let data = json!({"subscriptionBillingAttempt": attempt});
        BillingAttempt::from_graphql(&data.to_string()).unwrap().unwrap()
    };
    let later = |attempt: &BillingAttempt| {
        attempt.later().map(|later| later.id.number().to_owned()).collect::<Vec<_>>()
    };
    let found = read(&attempt);
    assert_eq!((found.state.as_str(), found.error_code.as_deref()), ("failed", Some("customer_invalid")));
    assert!(!found.out_of_stock);
    assert_eq!(later(&found), ["4", "3"]);
    // an attempt so old that it is not among the latest: those begun after it ended are later
    attempt["id"] = "gid://shopify/SubscriptionBillingAttempt/0".into();
    assert_eq!(later(&read(&attempt)), ["4"]);
}

#[test]
fn debug_output_tells_nobody_how_somebody_pays() {
    let mut node = transaction(1, AT);
    node["paymentDetails"] = json!({"company": "Visa", "number": "•••• 4242"});
    node["order"] = json!({
        "id": "gid://shopify/Order/1", "transactions": [],
        "paymentCollectionDetails": {"additionalPaymentCollectionUrl": "https://pay.example/1"},
    });
    let text = format!("{:?}", attempt(node));
    assert!(text.contains("gid://shopify/Order/1"), "{text}");
    assert!(!text.contains("4242") && !text.contains("pay.example"), "{text}");
}
