use super::{Case, fixture, sample, text};
use comms::Class;
use serde_json::{Value, json};

pub fn case() -> Case {
    Case::new(
        &sample!("subscription-billing-attempts-failure"),
        "gid://shopify/SubscriptionBillingAttempt/4645218207155102",
        [("BillingAttempt", fixture!("billing-attempt"))],
    )
}

fn edited(edit: impl FnOnce(&mut Value)) -> Case {
    case().edit("BillingAttempt", edit)
}

/// The contract's next attempt ended like this.
fn then(state: &str) -> Case {
    edited(|attempt| {
        let next = json!({
            "id": "gid://shopify/SubscriptionBillingAttempt/4645218207155103", "createdAt": "2026-11-22T08:00:00Z",
            "state": {"__typename": format!("SubscriptionBillingAttempt{state}State")},
        });
        attempt["subscriptionContract"]["billingAttempts"]["nodes"].as_array_mut().unwrap().insert(0, next);
    })
}

#[tokio::test]
async fn the_letter_goes_to_the_subscriber() {
    let (data, content) = case().letter().await.ready();
    assert_eq!(data.get("order"), None);
    assert_eq!(text(&data, "/payment/kind"), "billing");
    assert_eq!(text(&data, "/payment/cause"), "expired");
    assert_eq!(data["payment"]["amount"], json!({"amount": "24.90", "currency": "EUR"}));
    assert_eq!(text(&data, "/subscription/next_billing"), "2026-12-22T07:00:00+01:00");
    assert_eq!(text(&data, "/subscription/items/0/title"), "Camp coffee");
    assert_eq!(text(&data, "/address/city"), "Nantes");
    assert_eq!(text(&data, "/subscription/next_billing_on"), "2026-12-22");
    assert_eq!(content.reported_on.as_ref().unwrap().as_str(), "gid://shopify/Customer/7300000005106");
    assert_eq!(content.customer, content.reported_on);
    assert_eq!(content.recipient.email.as_deref(), Some("lea.fontaine@example.com"));
    assert_eq!(content.name.as_deref(), Some("Camp coffee"));
}

#[tokio::test]
async fn an_attempt_that_no_longer_matters_is_not_written_about() {
    for (case, why) in [
        (then("Success"), "paid since"),
        (then("Failed"), "the billing was tried again since"),
        (then("Pending"), "the billing was tried again since"),
        (
            edited(|it| it["state"]["__typename"] = "SubscriptionBillingAttemptSuccessState".into()),
            "paid since",
        ),
        (edited(|it| it["state"]["error"] = json!({"paymentCode": "INVOICE_ALREADY_PAID"})), "paid since"),
        (
            edited(|it| it["state"]["error"] = json!({"inventoryCode": "INSUFFICIENT_INVENTORY"})),
            "it failed for lack of stock, not of money",
        ),
        (
            edited(|it| it["subscriptionContract"]["status"] = "CANCELLED".into()),
            "the subscription has ended",
        ),
    ] {
        let (reason, owner) = case.letter().await.suppressed();
        assert_eq!(reason, why);
        assert_eq!(owner.unwrap().kind(), "Customer");
    }
    edited(|it| it["state"]["__typename"] = "SubscriptionBillingAttemptPendingState".into())
        .letter()
        .await
        .why_nothing();
}

#[tokio::test]
async fn errors_of_other_kinds_and_of_no_known_kind_are_told() {
    let coded = |error: Value| edited(|it| it["state"]["error"] = error);
    let data = coded(json!({"generalCode": "PAYMENT_METHOD_NOT_FOUND"})).letter().await.data();
    assert_eq!(text(&data, "/payment/cause"), "method_not_usable");
    let silent = coded(json!({})).edit("BillingAttempt", |it| it["transactions"]["nodes"] = json!([]));
    let data = silent.letter().await.data();
    assert_eq!((data["payment"].get("amount"), text(&data, "/payment/cause")), (None, "other"));
}

#[tokio::test]
async fn without_a_customer_there_is_nobody_to_write_to() {
    let deleted = edited(|it| {
        it["subscriptionContract"]["customer"] = Value::Null;
        it["subscriptionContract"]["originOrder"] = json!({"id": "gid://shopify/Order/7"});
    });
    let (reason, owner) = deleted.letter().await.suppressed();
    assert_eq!(
        (reason.as_str(), owner.unwrap().as_str()),
        ("the customer is deleted", "gid://shopify/Order/7")
    );
    let bare = edited(|it| {
        for field in ["firstName", "lastName", "defaultEmailAddress", "defaultPhoneNumber", "defaultAddress"]
        {
            it["subscriptionContract"]["customer"][field] = Value::Null;
        }
    });
    let (_, content) = bare.letter().await.ready();
    assert_eq!((content.recipient.name, content.recipient.email), (None, None));
}

#[tokio::test]
async fn an_attempt_is_left_alone_for_a_while() {
    let early = case().config("delay_minutes = 0", "delay_minutes = 15").at("2026-11-22T06:10:00Z");
    assert!(matches!(early.letter().await.error().class, Class::Transient { retry_after: Some(_) }));
}

/// There is no order to pay for: the app charges again, and a new card is what helps.
#[tokio::test]
async fn a_failed_renewal_says_how_to_change_the_card_and_not_how_to_pay() {
    let data = case().letter().await.data();
    assert_eq!((data.get("pay"), data["subscription"].get("next_try")), (None, None));
    let url = text(&data, "/subscription/change_card/url");
    assert_eq!(url, "https://northwind-demo.example/account/subscriptions");
    assert!(!data.to_string().contains("FR76"), "no transfer for what is charged by itself");
    let retried = case()
        .config("refund_days = 10", "refund_days = 10\nsubscription_retry_days = 3")
        .at("2026-11-23T09:00:00Z");
    let data = retried.letter().await.data();
    assert_eq!(text(&data, "/subscription/next_try_on"), "2026-11-25");
    let late = retried.at("2026-11-26T09:00:00Z").letter().await.data();
    assert_eq!(late["subscription"].get("next_try"), None, "that day has passed");
}
