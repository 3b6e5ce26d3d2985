//! Refunds in other currencies, and amounts that do not add up.

use super::{
    refunds::{cents, confirmed_with},
    *,
};

fn convert(value: &mut Value, rate: i64, currency: &str) {
    match value {
        Value::Object(map) => {
            if let Some(Value::Object(money)) = map.get_mut("presentmentMoney") {
                let cents = cents(&Value::Object(money.clone()));
                money.insert("amount".to_owned(), (cents * rate / 100).to_string().into());
                money.insert("currencyCode".to_owned(), currency.into());
            } else {
                map.values_mut().for_each(|it| convert(it, rate, currency));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|it| convert(it, rate, currency)),
        _ => {}
    }
}

#[tokio::test]
async fn the_customers_currency_leads_and_the_shops_is_named_beside_it() {
    let (mut refund, mut r#return, mut order) = (refund(), approved(), order());
    for node in [&mut refund, &mut r#return, &mut order] {
        convert(node, 160, "JPY");
    }
    order["presentmentCurrencyCode"] = "JPY".into();
    order["totalOutstandingSet"]["shopMoney"]["amount"] = "12.50".into();
    order["totalOutstandingSet"]["presentmentMoney"]["amount"] = "2000".into();
    let (data, _) = driver(confirmed_with(refund, r#return, order).await);
    contract::conforms(&schema(Document::RefundConfirmation), &data);
    assert_eq!(data["totals"]["total"], json!({"amount": "26432", "currency": "JPY"}));
    assert_eq!(data["totals"]["total_in_shop_currency"], json!({"amount": "165.20", "currency": "EUR"}));
    assert_eq!(data["payments"][0]["amount"]["currency"], "JPY");
    assert_eq!(data["outstanding"], json!({"amount": "2000", "currency": "JPY"}));
    assert_eq!(data["totals"].get("unexplained"), None);
}

/// Two currencies cannot be added up; that is said, and no figure is made up.
#[tokio::test]
async fn amounts_in_two_currencies_are_refused() {
    let mut refund = refund();
    convert(&mut refund["transactions"], 100, "USD");
    let subject = id(&refund);
    let wire = Wire::new([refund, approved(), order()]).await;
    let plan = first(Document::RefundConfirmation, &subject, None, &config());
    let item = item("refunds/create", &subject);
    let Err(error) = ReturnLetters.gather(wire.gather(&plan, &item, &config())).await else { panic!() };
    assert_eq!(
        (error.class, error.reason.as_str()),
        (Class::Stuck, "the refund's amounts: cannot add USD to EUR"),
        "it ends as a dead letter"
    );
}

/// Whatever amounts Shopify says, there is a document or a reason, and never a panic.
#[tokio::test]
async fn amounts_that_cannot_be_added_are_an_error() {
    let (mut made, mut refused) = (0, 0);
    let nodes = Value::Array(vec![order(), refund(), approved()]);
    for nodes in contract::with_huge_amounts(&nodes, 60) {
        let Value::Array(nodes) = nodes else { panic!() };
        let wire = Wire::new(nodes).await;
        for (document, topic, subject) in [
            (Document::RefundConfirmation, "refunds/create", id(&refund())),
            (Document::ReturnInstructions, "returns/approve", id(&approved())),
        ] {
            let plan = first(document, &subject, None, &config());
            match ReturnLetters.gather(wire.gather(&plan, &item(topic, &subject), &config())).await {
                Ok(_) => made += 1,
                Err(_) => refused += 1,
            }
        }
    }
    assert!(made > 0 && refused > 0, "{made} {refused}");
}
