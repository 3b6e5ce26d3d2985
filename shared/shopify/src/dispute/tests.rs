use super::*;
use serde_json::{Value, json};

fn dispute() -> Value {
    json!({
        "id": "gid://shopify/ShopifyPaymentsDispute/285332461850802050", "type": "CHARGEBACK",
        "status": "NEEDS_RESPONSE", "initiatedAt": "2026-11-22T11:00:00Z", "evidenceDueBy": null,
        "evidenceSentOn": null, "finalizedOn": null, "amount": {"amount": "11.5", "currencyCode": "CAD"},
        "reasonDetails": {"reason": "FRAUDULENT", "networkReasonCode": "4837"},
        "order": {"id": "gid://shopify/Order/820982911946154508", "disputes": [
            {"id": "gid://shopify/OrderDisputeSummary/1", "initiatedAs": "CHARGEBACK"},
            {"id": "gid://shopify/OrderDisputeSummary/285332461850802050", "initiatedAs": "INQUIRY"},
        ]},
    })
}

fn read(dispute: &Value) -> Dispute {
    Dispute::from_graphql(&json!({ "dispute": dispute }).to_string()).unwrap().unwrap()
}

#[test]
fn a_dispute_is_found_among_those_of_its_order_by_its_number() {
    let found = read(&dispute());
    assert_eq!((found.kind.as_str(), found.began_as.as_deref()), ("chargeback", Some("inquiry")));
    assert_eq!((found.status.as_str(), found.reason.as_str()), ("needs_response", "fraudulent"));
    assert_eq!(found.amount.to_string(), "11.50 CAD");
    assert_eq!(found.order.unwrap().number(), "820982911946154508");
}

#[test]
fn what_is_not_there_is_nothing() {
    assert_eq!(Dispute::from_graphql(r#"{"dispute":null}"#), Ok(None));
    let mut alone = dispute();
    alone["order"] = Value::Null;
    let found = read(&alone);
    assert_eq!((found.order, found.began_as), (None, None));
    let mut strange = dispute();
    strange["order"]["disputes"] = json!([]);
    assert_eq!(read(&strange).began_as, None);
}
