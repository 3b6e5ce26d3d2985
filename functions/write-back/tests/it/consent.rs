//! Messages about unsubscriptions, beside reports.

use crate::{
    handler::{LONG, failures, function, recorded, serve},
    item, order, shop,
    shopify::FakeShopify,
};
use comms::{Document, ShopDomain};
use fakes::FakeAws;
use serde_json::json;

fn unsubscribe(shop: &ShopDomain, customer: &str) -> String {
    json!({
        "v": 1, "kind": "unsubscribe", "shop": shop, "customer": customer,
        "communication": "c4809f9b199959867b344883a5f958d0", "at": "2026-11-27T09:00:00Z",
    })
    .to_string()
}

const CUSTOMER: &str = "gid://shopify/Customer/501";

#[tokio::test]
async fn shopify_is_told_once_however_often_it_comes() {
    let aws = FakeAws::start().await;
    let shopify = FakeShopify::start([]).await;
    shopify.store().consents.insert(CUSTOMER.to_owned(), "SUBSCRIBED".to_owned());
    // reports that are switched off are another matter
    serve(&aws, &shop("acme"), &shopify.url, false);
    let function = function(&aws).await;
    for _ in 0..3 {
        assert_eq!(failures(&function, &[unsubscribe(&shop("acme"), CUSTOMER)], LONG).await, [""; 0]);
    }
    assert_eq!(shopify.store().consents[CUSTOMER], "UNSUBSCRIBED");
    assert_eq!(shopify.store().writes, 1);
    assert!(recorded(&aws).is_empty(), "it is no report");
}

#[tokio::test]
async fn what_fails_is_delivered_again_and_nothing_beside_it_does() {
    let aws = FakeAws::start().await;
    let (well, ill) = (FakeShopify::start([order(1)]).await, FakeShopify::start([]).await);
    ill.store().instead = Some("<html>".to_owned());
    serve(&aws, &shop("well"), &well.url, true);
    serve(&aws, &shop("ill"), &ill.url, true);
    let report = item(&shop("well"), &order(1), Document::OrderConfirmation);
    let bodies = [
        unsubscribe(&shop("ill"), CUSTOMER),
        serde_json::to_string(&report).unwrap(),
        unsubscribe(&shop("well"), CUSTOMER),
        unsubscribe(&shop("well"), CUSTOMER).replace("unsubscribe\"", "other\""),
        unsubscribe(&shop("well"), "a customer"),
    ];
    assert_eq!(failures(&function(&aws).await, &bodies, LONG).await, ["m0", "m3", "m4"]);
    assert_eq!(recorded(&aws).len(), 1);
}
