//! Letters about what went wrong.

use super::{NAME, case, five_hundred, named_from_right_to_left, run, without_customer, without_email};
use e2e::samples::Samples;
use serde_json::{Value, json};

const FAILED: &[&str] = &["payment-failure-letter: accepted by email"];
const CANCELLED: &[&str] = &["cancellation-letter: accepted by email"];

/// A later try to pay for the order.
const AGAIN: &str = "gid://shopify/OrderTransaction/920982911946155199";

fn tried_again(it: &mut Samples, status: &str) {
    let mut again = it["payment-failed"].clone();
    again["id"] = AGAIN.into();
    again["status"] = status.into();
    for at in ["createdAt", "processedAt"] {
        again[at] = "2026-11-22T09:30:00Z".into();
    }
    it.add("payment-again", again.clone());
    again.as_object_mut().unwrap().remove("order");
    it["order-payment-failed"]["transactions"].as_array_mut().unwrap().push(again);
}

fn event_of_the_second_try(detail: &mut Value) {
    detail["payload"]["id"] = 920982911946155199u64.into();
    detail["payload"]["admin_graphql_api_id"] = AGAIN.into();
}

fn paid_since(it: &mut Samples) {
    tried_again(it, "SUCCESS");
    for money in ["shopMoney", "presentmentMoney"] {
        it["order-payment-failed"]["totalOutstandingSet"][money]["amount"] = "0.0".into();
    }
}

/// What was an inquiry has become a chargeback.
fn escalated(it: &mut Samples) {
    it["order-disputed"]["disputes"][0]["initiatedAs"] = "INQUIRY".into();
}

fn event_of_the_inquiry(detail: &mut Value) {
    detail["payload"]["type"] = "inquiry".into();
}

fn event_of_the_chargeback(detail: &mut Value) {
    detail["metadata"]["X-Shopify-Topic"] = "disputes/update".into();
}

/// The first event of the dispute that is won by now.
fn event_of_its_beginning(detail: &mut Value) {
    detail["payload"]["id"] = 285332461850155102u64.into();
    detail["payload"]["order_id"] = 820982911946155104u64.into();
}

fn five_hundred_lines(it: &mut Samples) {
    let line = it["order-cancelled"]["lineItems"][0].clone();
    it["order-cancelled"]["lineItems"] = five_hundred(&line, |copy, number| {
        copy["id"] = format!("gid://shopify/LineItem/{number}").into();
        copy["sku"] = format!("SKU-{number}").into();
    });
}

#[tokio::test]
async fn payments_late_repeated_and_odd() {
    let cases = vec![
        case("paid since")
            .shopify(paid_since)
            .event("order-transactions-create")
            .ends(&["payment-failure-letter: suppressed, paid since"]),
        case("tried twice")
            .shopify(|it| tried_again(it, "FAILURE"))
            .event("order-transactions-create")
            .event_with("order-transactions-create", event_of_the_second_try)
            .ends(&[
                "payment-failure-letter: accepted by email",
                "payment-failure-letter: suppressed, the payment was tried again since",
            ])
            .says("payment-failure-letter", "/payment/id", AGAIN),
        case("cancelled since")
            .shopify(|it| it["order-payment-failed"]["cancelledAt"] = "2026-11-22T10:00:00Z".into())
            .event("order-transactions-create")
            .ends(&["payment-failure-letter: suppressed, the order is cancelled"]),
        case("a payment for no order")
            .shopify(|it| it["payment-failed"]["order"] = Value::Null)
            .event_with("order-transactions-create", |it| it["payload"]["order_id"] = Value::Null)
            .ends(&[
                "payment-failure-letter: suppressed, it belongs to no order: there is nobody to write to",
            ]),
        case("no e-mail address")
            .shopify(|it| without_email(&mut it["order-payment-failed"]))
            .event("order-transactions-create")
            .ends(&["payment-failure-letter: accepted by print"]),
        case("a deleted customer")
            .shopify(|it| without_customer(&mut it["order-payment-failed"]))
            .event("order-transactions-create")
            .ends(FAILED)
            .says("payment-failure-letter", "/customer/id", Value::Null),
        case("a name from right to left")
            .shopify(|it| named_from_right_to_left(&mut it["order-payment-failed"]))
            .event("order-transactions-create")
            .ends(FAILED)
            .says("payment-failure-letter", "/customer/name", NAME),
        case("a language the letter does not speak")
            .shopify(|it| {
                it["order-payment-failed"]["customerLocale"] = "he".into();
                it["order-payment-failed"]["customer"]["locale"] = "he".into();
            })
            .event("order-transactions-create")
            .ends(&["payment-failure-letter: failed, no translation for the locale he: a regulated \
                     document needs one (documents.payment-failure-letter.locales)"]),
        case("a subscription that was billed since")
            .shopify(|it| {
                let attempts = it["billing-attempt-failed"]["subscriptionContract"]["billingAttempts"]
                    .as_array_mut()
                    .unwrap();
                attempts.push(json!({
                    "id": "gid://shopify/SubscriptionBillingAttempt/4645218207155103",
                    "__typename": "SubscriptionBillingAttempt", "createdAt": "2026-11-22T08:00:00Z",
                    "state": {"__typename": "SubscriptionBillingAttemptSuccessState", "order": null},
                }));
            })
            .event("subscription-billing-attempts-failure")
            .ends(&["payment-failure-letter: suppressed, paid since"]),
        case("a subscription of a deleted customer")
            .shopify(|it| it["billing-attempt-failed"]["subscriptionContract"]["customer"] = Value::Null)
            .event("subscription-billing-attempts-failure")
            .ends(&["payment-failure-letter: suppressed, the customer is deleted"]),
        case("an instalment that is paid")
            .shopify(|it| {
                it["payment-schedule-due"]["completedAt"] = "2026-11-19T09:00:00Z".into();
                it["payment-schedule-due"]["balanceDue"]["amount"] = "0.00".into();
            })
            .event("payment-schedules-due")
            .ends(&["payment-overdue-letter: suppressed, paid since"]),
        case("an instalment that is due later by now")
            .shopify(|it| it["payment-schedule-due"]["dueAt"] = "2126-11-18T09:00:00Z".into())
            .event("payment-schedules-due"),
        case("an instalment of an order without lines and e-mail address")
            .shopify(|it| {
                without_email(&mut it["order-on-terms"]);
                it["order-on-terms"]["lineItems"] = json!([]);
            })
            .event("payment-schedules-due")
            .ends(&["payment-overdue-letter: accepted by print"])
            .says("payment-overdue-letter", "/due/amount/amount", "1045.00"),
    ];
    run("exception-letters", cases).await;
}

#[tokio::test]
async fn cancellations_and_disputes_late_repeated_and_odd() {
    let cases = vec![
        case("an order that is not cancelled")
            .shopify(|it| it["order-cancelled"]["cancelledAt"] = Value::Null)
            .event("orders-cancelled"),
        case("a cancelled order of five hundred lines")
            .shopify(five_hundred_lines)
            .event("orders-cancelled")
            .ends(CANCELLED)
            .says("cancellation-letter", "/lines/499/sku", "SKU-500"),
        case("a cancelled order without lines, of a deleted customer")
            .shopify(|it| {
                without_customer(&mut it["order-cancelled"]);
                it["order-cancelled"]["lineItems"] = json!([]);
            })
            .event("orders-cancelled")
            .ends(CANCELLED)
            .says("cancellation-letter", "/lines", json!([]))
            .says("cancellation-letter", "/customer/id", Value::Null),
        case("a deleted order")
            .shopify(|it| it.remove("order-cancelled"))
            .event("orders-cancelled")
            .ends(&["cancellation-letter: failed, Shopify has no such order, and nobody to tell"]),
        case("a dispute that is decided")
            .event_with("disputes-create", event_of_its_beginning)
            .event("disputes-update")
            .ends(&[
                "dispute-notice: suppressed, the dispute is already decided",
                "dispute-resolution: accepted by email",
            ])
            .says("dispute-resolution", "/in_favour_of", "shop"),
        case("another outcome than the event's")
            .shopify(|it| it["dispute-won"]["status"] = "LOST".into())
            .event("disputes-update"),
        case("an inquiry that is a chargeback by now")
            .shopify(escalated)
            .event_with("disputes-create", event_of_the_inquiry)
            .event_with("disputes-create", event_of_the_chargeback)
            .ends(&[
                "dispute-notice: suppressed, it has become another kind of dispute, of which a notice of \
                 its own tells",
                "dispute-notice: accepted by email",
            ])
            .says("dispute-notice", "/escalated", true),
        case("a dispute of a deleted customer without e-mail address")
            .shopify(|it| {
                without_email(&mut it["order-disputed"]);
                without_customer(&mut it["order-disputed"]);
            })
            .event("disputes-create")
            .ends(&["dispute-notice: accepted by print"])
            .says("dispute-notice", "/customer/email", Value::Null),
        case("a deleted dispute")
            .shopify(|it| it.remove("dispute-open"))
            .event("disputes-create")
            .ends(&["dispute-notice: failed, Shopify has no such dispute"]),
    ];
    run("exception-letters", cases).await;
}
