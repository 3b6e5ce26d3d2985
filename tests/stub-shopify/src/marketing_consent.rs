//! `customerEmailMarketingConsentUpdate`: what a customer said about marketing by e-mail, with the rules that the schema
//! states. Which states it takes is the schema's word; the wording of refusals is a guess.

use crate::{gid::type_of, json::Json, shop::Shop};
use jiff::Timestamp;
use serde_json::{Value, json};

/// States that the schema says are rejected as input.
const READ_ONLY: [&str; 3] = ["NOT_SUBSCRIBED", "REDACTED", "INVALID"];

pub(crate) fn update(shop: &mut Shop, input: &Value, now: Timestamp) -> Value {
    let refuse = |field: &[&str], message: &str, code: &str| json!({"customer": null, "userErrors": [{"field": field, "message": message, "code": code}]});
    let id = input["customerId"].as_str().unwrap_or_default();
    let consent = &input["emailMarketingConsent"];
    let state = consent["marketingState"].as_str().unwrap_or_default();
    if READ_ONLY.contains(&state) {
        let field = ["input", "emailMarketingConsent", "marketingState"];
        return refuse(&field, "Marketing state is not included in the list", "INCLUSION");
    }
    let customer = shop.document(id).map(Json::value).filter(|_| type_of(id) == Some("Customer"));
    let Some(customer) = customer.cloned() else {
        return refuse(&["input", "customerId"], "Customer not found", "INVALID");
    };
    if customer["defaultEmailAddress"]["emailAddress"].as_str().is_none() {
        return refuse(&["input", "customerId"], "Customer must have an email address", "INVALID");
    }
    let at = consent["consentUpdatedAt"].as_str().and_then(|at| at.parse::<Timestamp>().ok()).unwrap_or(now);
    if at > now {
        let field = ["input", "emailMarketingConsent", "consentUpdatedAt"];
        return refuse(&field, "Consent updated at must not be in the future", "INVALID");
    }
    let mut changed = customer;
    changed["defaultEmailAddress"]["marketingState"] = state.into();
    changed["defaultEmailAddress"]["marketingUpdatedAt"] = at.to_string().into();
    if !consent["marketingOptInLevel"].is_null() {
        changed["defaultEmailAddress"]["marketingOptInLevel"] = consent["marketingOptInLevel"].clone();
    }
    shop.register(changed.clone(), Value::Null);
    json!({"customer": changed, "userErrors": []})
}
