//! Ending a consent: what is asked, what is written, and what a later word of the customer's does.

use crate::wire::{Reply, Wire};
use comms::{Class, Classify, Gid};
use jiff::Timestamp;
use shopify::{AdminError, marketing::ConsentEnd};

fn at() -> Timestamp {
    "2026-11-27T09:00:00Z".parse().unwrap()
}

fn says(state: &str, updated: &str) -> Reply {
    Reply::text(&format!(
        r#"{{"data":{{"customer":{{"defaultEmailAddress":{{"marketingState":"{state}","marketingUpdatedAt":{updated}}}}}}}}}"#
    ))
}

fn answered(errors: &str) -> Reply {
    Reply::text(&format!(
        r#"{{"data":{{"customerEmailMarketingConsentUpdate":{{"userErrors":[{errors}]}}}}}}"#
    ))
}

async fn end(replies: Vec<Reply>) -> (Result<ConsentEnd, AdminError>, Vec<serde_json::Value>) {
    let wire = Wire::new(replies).await;
    let ended = wire.api.end_consent(wire.call(), &Gid::new("Customer", 501), at()).await;
    (ended, wire.asked().iter().map(|asked| asked.json()["variables"].clone()).collect())
}

#[tokio::test]
async fn an_older_consent_is_ended_as_of_the_customers_word() {
    for updated in ["null", r#""2026-11-27T08:59:59Z""#, r#""2026-11-27T09:00:00Z""#] {
        let (ended, asked) = end(vec![says("SUBSCRIBED", updated), answered("")]).await;
        assert_eq!(ended.unwrap(), ConsentEnd::Recorded, "{updated}");
        let input = serde_json::json!({
            "customerId": "gid://shopify/Customer/501",
            "emailMarketingConsent": {"marketingState": "UNSUBSCRIBED", "consentUpdatedAt": "2026-11-27T09:00:00Z"},
        });
        assert_eq!(asked[1]["input"], input);
    }
}

#[tokio::test]
async fn a_later_word_of_the_customer_stays() {
    let (ended, asked) = end(vec![says("SUBSCRIBED", r#""2026-11-27T09:00:01Z""#)]).await;
    assert_eq!((ended.unwrap(), asked.len()), (ConsentEnd::Overtaken, 1));
}

#[tokio::test]
async fn without_a_consent_nothing_is_written() {
    for state in ["UNSUBSCRIBED", "NOT_SUBSCRIBED", "INVALID"] {
        let (ended, asked) = end(vec![says(state, "null")]).await;
        assert_eq!((ended.unwrap(), asked.len()), (ConsentEnd::NoConsent, 1), "{state}");
    }
    for nobody in [r#"{"data":{"customer":null}}"#, r#"{"data":{"customer":{"defaultEmailAddress":null}}}"#] {
        let (ended, _) = end(vec![Reply::text(nobody)]).await;
        assert_eq!(ended.unwrap(), ConsentEnd::NoAddress);
    }
}

#[tokio::test]
async fn an_error_inside_of_a_success_is_an_error() {
    let refusal = r#"{"field":["input","customerId"],"message":"no","code":"INTERNAL_ERROR"}"#;
    let (ended, _) = end(vec![says("SUBSCRIBED", "null"), answered(refusal)]).await;
    assert!(matches!(ended, Err(AdminError::UserErrors { .. })));
    let nothing = Reply::text(r#"{"data":{"customerEmailMarketingConsentUpdate":null}}"#);
    let (ended, _) = end(vec![says("SUBSCRIBED", "null"), nothing]).await;
    assert_ne!(ended.unwrap_err().class(), Class::Unknown);
}
