use crate::wire::{Reply, Wire, cost};
use comms::Gid;
use serde_json::{Value, json};
use shopify::{
    AdminError,
    returns::{Ids, RefundsOf, ReturnStatus, TransactionKind, TransactionStatus},
};

fn money(amount: &str) -> Value {
    json!({
        "shopMoney": {"amount": amount, "currencyCode": "EUR"},
        "presentmentMoney": {"amount": amount, "currencyCode": "USD"},
    })
}

fn page(nodes: Value, next: Option<&str>) -> Value {
    json!({"pageInfo": {"hasNextPage": next.is_some(), "endCursor": next}, "nodes": nodes})
}

fn answered(data: Value) -> Reply {
    Reply::json(&json!({"data": data, "extensions": cost(60, 1940)}))
}

/// A page of a return: the quantities of its lines and of its exchange lines.
fn return_page(
    lines: &[u64],
    next: Option<&str>,
    new: &[u64],
    next_new: Option<&str>,
    status: &str,
) -> Reply {
    let line = |quantity: &u64| {
        json!({
            "quantity": quantity, "customerNote": "", "returnReasonDefinition": {"handle": "other", "name": ""},
            "withCodeDiscountedTotalPriceSet": money("10.0"), "restockingFee": {"percentage": 12.5, "amountSet": money("1.25")},
            "fulfillmentLineItem": {"lineItem": {"id": "gid://shopify/LineItem/6", "title": "Coat", "variantTitle": null, "sku": ""}},
        })
    };
    let new_line = |quantity: &u64| {
        let item = |amount: &str| json!({"id": "gid://shopify/LineItem/7", "title": "Hat", "variantTitle": "M", "sku": "H-M", "discountedTotalSet": money(amount), "taxLines": []});
        json!({"quantity": quantity, "title": null, "variantTitle": null, "variantSku": null, "lineItems": [item("7.5"), item("0.5")]})
    };
    answered(json!({"return": {
        "id": "gid://shopify/Return/1", "name": "#1001-R1", "status": status,
        "createdAt": "2026-11-20T09:00:00Z", "requestApprovedAt": null, "order": {"id": "gid://shopify/Order/2"},
        "decline": null, "returnShippingFees": [{"amountSet": money("4.9")}],
        "returnLineItems": page(lines.iter().map(line).collect(), next),
        "refunds": page(json!([{"id": "gid://shopify/Refund/1", "createdAt": null, "processedAt": T1}]), None),
        "exchangeLineItems": page(new.iter().map(new_line).collect(), next_new),
        "reverseFulfillmentOrders": page(json!([
            {"status": "OPEN", "reverseDeliveries": page(json!([
                delivery(9, json!({"tracking": {"carrierName": "UPS", "number": "1Z", "url": null}, "label": null})),
                delivery(8, json!({"tracking": null, "label": {"publicFileUrl": "https://cdn.example/l.pdf"}})),
                // announced, with neither a number nor a file; and of a kind that is not known
                delivery(7, json!({"tracking": {"carrierName": "UPS", "number": "", "url": null}, "label": {"publicFileUrl": null}})),
                delivery(6, json!({})),
                delivery(5, Value::Null),
            ]), None)},
            {"status": "CANCELED", "reverseDeliveries": page(json!([
                delivery(4, json!({"tracking": {"carrierName": null, "number": "OLD", "url": null}, "label": null})),
            ]), None)},
        ]), None),
    }}))
}

fn delivery(number: u64, deliverable: Value) -> Value {
    json!({"id": Gid::new("ReverseDelivery", number), "deliverable": deliverable})
}

fn refund_page(lines: &[u64], next: Option<&str>, updated_at: &str, more: bool) -> Reply {
    let line = |quantity: &u64| {
        json!({
            "quantity": quantity, "subtotalSet": money("10.0"), "totalTaxSet": money("2.0"),
            "lineItem": {"id": "gid://shopify/LineItem/6", "title": "Coat", "variantTitle": "", "sku": null},
        })
    };
    let card = |number: &str| json!({"paymentMethodName": "visa", "company": "Visa", "number": number});
    let transaction = |kind: &str, status: &str, details: Value| {
        json!({
            "id": "gid://shopify/OrderTransaction/4", "kind": kind, "status": status, "test": false,
            "createdAt": "2026-11-20T09:00:00Z", "processedAt": null, "amountSet": money("12.0"),
            "gateway": "shopify_payments", "formattedGateway": null, "accountNumber": null, "paymentDetails": details,
            "parentTransaction": {
                "id": "gid://shopify/OrderTransaction/3", "gateway": "shopify_payments",
                "formattedGateway": "Shopify Payments", "accountNumber": null, "paymentDetails": card("•••• •••• •••• 4242"),
            },
        })
    };
    answered(json!({"refund": {
        "id": "gid://shopify/Refund/1", "processedAt": "2026-11-20T09:00:00Z", "updatedAt": updated_at,
        "order": {"id": "gid://shopify/Order/2"}, "return": null,
        "refundLineItems": page(lines.iter().map(line).collect(), next),
        "refundShippingLines": page(json!([]), None), "duties": null, "orderAdjustments": page(json!([]), None),
        "transactions": page(
            json!([
                transaction("REFUND", "SUCCESS", Value::Null),
                transaction("REFUND", "ERROR", card("•••• 17")),
                transaction("VOID", "UNKNOWN", json!({})),
            ]),
            more.then_some("x"),
        ),
    }}))
}

const T1: &str = "2026-11-20T09:00:00Z";
const T2: &str = "2026-11-20T09:00:01Z";

#[tokio::test]
async fn a_return_is_read_page_by_page_in_both_its_lists() {
    let wire = Wire::new([
        return_page(&[1], Some("a"), &[7], None, "OPEN"),
        return_page(&[2], Some("b"), &[], None, "OPEN"),
        return_page(&[3], None, &[], None, "OPEN"),
    ])
    .await;
    let found = wire.api.return_(wire.call(), &Gid::new("Return", 1)).await.unwrap().unwrap();
    assert_eq!(found.lines.iter().map(|line| line.quantity).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(found.exchange_lines.iter().map(|line| line.quantity).collect::<Vec<_>>(), [7]);
    let cursors: Vec<_> = wire
        .asked()
        .iter()
        .map(|asked| asked.json()["variables"].clone())
        .map(|it| (it["after"].clone(), it["afterExchange"].clone()))
        .collect();
    assert_eq!(cursors, [(json!(null), json!(null)), (json!("a"), json!(null)), (json!("b"), json!(null))]);
}

/// Asked again from its end on, a list that is read already adds nothing.
#[tokio::test]
async fn the_list_that_ends_first_is_asked_from_its_end() {
    let wire = Wire::new([
        return_page(&[1], Some("a"), &[7], Some("x"), "OPEN"),
        return_page(&[2], Some("b"), &[8], None, "OPEN"),
        return_page(&[], None, &[], None, "OPEN"),
    ])
    .await;
    let found = wire.api.return_(wire.call(), &Gid::new("Return", 1)).await.unwrap().unwrap();
    assert_eq!((found.lines.len(), found.exchange_lines.len()), (2, 2));
    let last = wire.asked().pop().unwrap().json();
    assert_eq!(last["operationName"], "ReturnForDocuments");
    assert_eq!(
        last["variables"],
        json!({
            "id": "gid://shopify/Return/1", "first": 100, "after": "b", "afterExchange": "x",
            "afterRefunds": null, "afterParcels": null,
        })
    );
}

#[tokio::test]
async fn what_changes_between_pages_is_read_anew_later() {
    let id = Gid::new("Return", 1);
    let wire = Wire::new([
        return_page(&[1], Some("a"), &[], None, "OPEN"),
        return_page(&[2], None, &[], None, "CANCELED"),
    ])
    .await;
    assert!(matches!(wire.api.return_(wire.call(), &id).await, Err(AdminError::Changed)));
    let gone = || Reply::text(r#"{"data":{"return":null,"refund":null,"node":null}}"#);
    let wire = Wire::new([return_page(&[1], Some("a"), &[], None, "OPEN"), gone()]).await;
    assert!(matches!(wire.api.return_(wire.call(), &id).await, Err(AdminError::Changed)));

    let id = Gid::new("Refund", 1);
    let wire = Wire::new([refund_page(&[1], Some("a"), T1, false), refund_page(&[2], None, T2, false)]).await;
    assert!(matches!(wire.api.refund(wire.call(), &id).await, Err(AdminError::Changed)));
    let wire = Wire::new([gone(), gone(), gone(), gone()]).await;
    assert_eq!(wire.api.refund(wire.call(), &id).await.unwrap(), None);
    assert_eq!(wire.api.return_(wire.call(), &id).await.unwrap(), None);
    assert_eq!(wire.api.return_labels(wire.call(), &id).await.unwrap(), None);
    assert_eq!(wire.api.refunds_of(wire.call(), &id).await.unwrap(), None);
}

#[tokio::test]
async fn a_return_is_what_shopify_says() {
    let wire = Wire::new([return_page(&[2], None, &[1], None, "OPEN")]).await;
    let found = wire.api.return_(wire.call(), &Gid::new("Return", 1)).await.unwrap().unwrap();
    let line = &found.lines[0];
    assert_eq!(
        (line.title.as_deref(), line.sku.as_deref(), line.reason.as_deref()),
        (Some("Coat"), None, Some("other"))
    );
    assert_eq!(line.customer_note, None);
    let fee = line.restocking_fee.as_ref().unwrap();
    assert_eq!(
        (fee.percent.unwrap().to_string().as_str(), fee.amount.presentment.to_string().as_str()),
        ("12.5", "1.25 USD")
    );
    let new = &found.exchange_lines[0];
    assert_eq!((new.title.as_deref(), new.sku.as_deref()), (Some("Hat"), Some("H-M")));
    assert_eq!(new.value.unwrap().shop.to_string(), "8.00 EUR");
    assert_eq!((found.status, found.approved_at), (ReturnStatus::Open, None));
    let labels: Vec<_> = found.labels.iter().map(|label| label.delivery.number()).collect();
    assert_eq!(labels, ["8", "9"], "in their order, and only what a parcel can be sent with");
}

#[tokio::test]
async fn labels_are_the_same_whichever_way_they_are_asked_for() {
    let id = Gid::new("Return", 1);
    let wire =
        Wire::new([return_page(&[], None, &[], None, "CLOSED"), return_page(&[], None, &[], None, "CLOSED")])
            .await;
    let found = wire.api.return_(wire.call(), &id).await.unwrap().unwrap();
    let labels = wire.api.return_labels(wire.call(), &id).await.unwrap().unwrap();
    assert_eq!((labels.labels, labels.status, labels.order), (found.labels, found.status, found.order));
}

#[tokio::test]
async fn a_refund_is_what_shopify_says() {
    let wire = Wire::new([refund_page(&[1], Some("a"), T1, false), refund_page(&[2], None, T1, false)]).await;
    let found = wire.api.refund(wire.call(), &Gid::new("Refund", 1)).await.unwrap().unwrap();
    assert_eq!(found.lines.iter().map(|line| line.quantity).collect::<Vec<_>>(), [1, 2]);
    let all: Vec<_> = found.transactions.iter().map(|it| (it.kind, it.status)).collect();
    use {TransactionKind as Kind, TransactionStatus as Status};
    assert_eq!(
        all[..3],
        [(Kind::Refund, Status::Success), (Kind::Refund, Status::Failed), (Kind::Other, Status::Open)]
    );
    let method = |index: usize| {
        let method = found.transactions[index].method.clone();
        (method.gateway_name.unwrap(), method.card_company.unwrap(), method.last_digits.unwrap())
    };
    let of = |digits: &str| ("Shopify Payments".to_owned(), "Visa".to_owned(), digits.to_owned());
    assert_eq!(
        (method(0), method(1)),
        (of("4242"), of("17")),
        "of the payment, unless the refund has its own"
    );
}

/// A payment that was not read may be one that has not succeeded.
#[tokio::test]
async fn a_refund_is_read_to_the_end_of_each_of_its_lists() {
    let wire = Wire::new([refund_page(&[1], None, T1, true), refund_page(&[], None, T1, false)]).await;
    let found = wire.api.refund(wire.call(), &Gid::new("Refund", 1)).await.unwrap().unwrap();
    assert_eq!((found.lines.len(), found.transactions.len()), (1, 6));
    let last = wire.asked().pop().unwrap().json();
    assert_eq!(last["variables"]["afterTransactions"], "x");
}

/// What Shopify adds to its words never costs a letter.
#[tokio::test]
async fn a_status_of_the_future_is_read() {
    let wire = Wire::new([return_page(&[2], None, &[], None, "ESCALATED")]).await;
    let found = wire.api.return_(wire.call(), &Gid::new("Return", 1)).await.unwrap().unwrap();
    assert_eq!(found.status, ReturnStatus::Unknown);
}

#[tokio::test]
async fn a_transactions_refunds_are_found_in_its_order() {
    let refund = |number: u64, transactions: &[u64]| {
        let nodes: Vec<_> =
            transactions.iter().map(|it| json!({"id": Gid::new("OrderTransaction", *it)})).collect();
        json!({"id": Gid::new("Refund", number), "transactions": {"nodes": nodes}})
    };
    let order = json!({"id": "gid://shopify/Order/2", "refunds": [refund(1, &[3]), refund(2, &[4, 5]), refund(3, &[])]});
    let wire = Wire::new([
        answered(json!({"node": {"order": order}})),
        answered(json!({"node": {"order": null}})),
        answered(json!({"node": {}})),
    ])
    .await;
    let transaction = Gid::new("OrderTransaction", 5);
    let found = wire.api.refunds_of(wire.call(), &transaction).await.unwrap();
    assert_eq!(found, Some(RefundsOf { order: Gid::new("Order", 2), refunds: vec![Gid::new("Refund", 2)] }));
    assert_eq!(wire.api.refunds_of(wire.call(), &transaction).await.unwrap(), None);
    assert_eq!(wire.api.refunds_of(wire.call(), &transaction).await.unwrap(), None);
}

/// The ids in Shopify's own samples of these events.
#[test]
fn ids_are_read_from_every_form_of_event() {
    let order = |number| Some(Gid::new("Order", number));
    for (payload, ids) in [
        (
            r#"{"order":{"id":1,"admin_graphql_api_id":"gid://shopify/Order/4783296544821"},"status":"open"}"#,
            Ids { order: order(4783296544821), r#return: None },
        ),
        (
            r#"{"order_id":4783296544821,"status":"canceled"}"#,
            Ids { order: order(4783296544821), r#return: None },
        ),
        (
            r#"{"order_id":18446744073709551615,"return":null}"#,
            Ids { order: order(u64::MAX), r#return: None },
        ),
        (
            r#"{"return":{"admin_graphql_api_id":"gid://shopify/Return/1"}}"#,
            Ids { order: None, r#return: Some(Gid::new("Return", 1)) },
        ),
        ("{}", Ids::default()),
    ] {
        assert_eq!(Ids::from_webhook(payload).unwrap(), ids, "{payload}");
    }
    let error = Ids::from_webhook(r#"{"order":{"admin_graphql_api_id":"Ann"}}"#).unwrap_err();
    assert!(!error.to_string().contains("Ann"), "{error}");
}
