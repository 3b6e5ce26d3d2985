//! The consent to marketing, as strict as the schema's descriptions are.

use crate::support::{Stub, shopify};
use serde_json::{Value, json};

const CUSTOMER: &str = "gid://shopify/Customer/501";

async fn customers() -> Stub {
    let stub = shopify().await;
    let address =
        json!({"emailAddress": "a@b.co", "marketingState": "SUBSCRIBED", "marketingUpdatedAt": null});
    for customer in [
        json!({"__typename": "Customer", "id": CUSTOMER, "defaultEmailAddress": address}),
        json!({"__typename": "Customer", "id": "gid://shopify/Customer/502", "defaultEmailAddress": null}),
    ] {
        stub.set("documents", customer).await;
    }
    stub
}

async fn update(stub: &Stub, customer: &str, consent: Value) -> Value {
    let mutation = "mutation($input: CustomerEmailMarketingConsentUpdateInput!) { customerEmailMarketingConsentUpdate(input: $input) { userErrors { field code } } }";
    let input = json!({"customerId": customer, "emailMarketingConsent": consent});
    let answer = stub.graphql(mutation, json!({"input": input})).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"]["customerEmailMarketingConsentUpdate"]["userErrors"].clone()
}

#[tokio::test]
async fn a_consent_ends_and_is_read_as_ended() {
    let stub = customers().await;
    let at = json!({"marketingState": "UNSUBSCRIBED", "consentUpdatedAt": "2026-01-01T09:00:00Z"});
    assert_eq!(update(&stub, CUSTOMER, at).await, json!([]));
    let query =
        "query($id: ID!) { customer(id: $id) { defaultEmailAddress { marketingState marketingUpdatedAt } } }";
    let read = stub.graphql(query, json!({"id": CUSTOMER})).await;
    let expected = json!({"marketingState": "UNSUBSCRIBED", "marketingUpdatedAt": "2026-01-01T09:00:00Z"});
    assert_eq!(read["data"]["customer"]["defaultEmailAddress"], expected);
}

#[tokio::test]
async fn what_the_schema_rejects_is_refused() {
    let stub = customers().await;
    for state in ["NOT_SUBSCRIBED", "REDACTED", "INVALID"] {
        let refused = update(&stub, CUSTOMER, json!({"marketingState": state})).await;
        assert_eq!(refused[0]["code"], "INCLUSION", "{state}");
    }
    let ended = json!({"marketingState": "UNSUBSCRIBED"});
    for nobody in ["gid://shopify/Customer/502", "gid://shopify/Customer/9", "gid://shopify/Order/1"] {
        assert_eq!(update(&stub, nobody, ended.clone()).await[0]["code"], "INVALID", "{nobody}");
    }
    let future = json!({"marketingState": "UNSUBSCRIBED", "consentUpdatedAt": "2999-01-01T00:00:00Z"});
    assert_eq!(update(&stub, CUSTOMER, future).await[0]["code"], "INVALID");
}
