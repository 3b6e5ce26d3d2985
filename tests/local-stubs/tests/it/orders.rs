//! Orders through GraphQL: registered from the event, checked by the schema, gone when deleted.

use crate::support::{SHOP, Stub, order_event, shopify};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use stub_shopify::{ShopifyOptions, ShopifyStub, find_schema};

const LARGE: u64 = 820_982_911_946_154_509;

fn gid() -> Value {
    json!({"id": format!("gid://shopify/Order/{LARGE}")})
}

async fn registered() -> Stub {
    let stub = shopify().await;
    stub.set("orders", order_event(LARGE)).await;
    stub
}

#[tokio::test]
async fn the_event_is_enough_to_ask_for_its_order() {
    let stub = registered().await;
    let query = "query($id: ID!) { order(id: $id) {
        id legacyResourceId number createdAt tags displayFinancialStatus displayFulfillmentStatus discountCodes
        totalPriceSet { shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }
        totalOutstandingSet { shopMoney { amount } }
        customer { id firstName defaultEmailAddress { emailAddress } }
        billingAddress { city countryCodeV2 }
        purchasingEntity { __typename ... on Customer { id } }
        shippingLines(first: 5) { nodes { title discountedPriceSet { shopMoney { amount } } } }
        lineItems(first: 1) { pageInfo { hasNextPage endCursor } nodes {
            sku quantity discountedTotalSet { presentmentMoney { amount } } customAttributes { key value }
            taxLines { rate ratePercentage }
            discountAllocations { allocatedAmountSet { shopMoney { amount } } discountApplication { __typename ... on DiscountCodeApplication { code } } }
        } }
    } }";
    let answer = stub.graphql(query, gid()).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    let order = &answer["data"]["order"];
    assert_eq!(order["legacyResourceId"], LARGE.to_string());
    assert_eq!((&order["number"], &order["createdAt"]), (&json!(1001), &json!("2026-11-22T09:00:00Z")));
    assert_eq!(order["tags"], json!(["Angel", "vip"]));
    assert_eq!(
        order["totalPriceSet"]["presentmentMoney"],
        json!({"amount": "1234.5", "currencyCode": "USD"})
    );
    assert_eq!(order["displayFulfillmentStatus"], "UNFULFILLED");
    assert_eq!(
        order["purchasingEntity"],
        json!({"__typename": "Customer", "id": "gid://shopify/Customer/7"})
    );
    let line = &order["lineItems"]["nodes"][0];
    assert_eq!(line["discountedTotalSet"]["presentmentMoney"]["amount"], "28.0");
    assert_eq!(line["taxLines"][0], json!({"rate": 0.055, "ratePercentage": 5.5}));
    assert_eq!(line["customAttributes"], json!([{"key": "Gift", "value": "true"}]));
    assert_eq!(
        line["discountAllocations"][0]["discountApplication"],
        json!({"__typename": "DiscountCodeApplication", "code": "WELCOME"})
    );
    assert_eq!(order["lineItems"]["pageInfo"]["hasNextPage"], true);
    let next = "query($id: ID!, $after: String) { order(id: $id) { lineItems(first: 5, after: $after) { pageInfo { hasNextPage hasPreviousPage } nodes { id } } } }";
    let mut variables = gid();
    variables["after"] = order["lineItems"]["pageInfo"]["endCursor"].clone();
    let page = stub.graphql(next, variables).await["data"]["order"]["lineItems"].take();
    assert_eq!(page["nodes"], json!([{"id": "gid://shopify/LineItem/12"}]));
    assert_eq!(page["pageInfo"], json!({"hasNextPage": false, "hasPreviousPage": true}));
}

#[tokio::test]
async fn what_is_inside_an_order_has_a_node_of_its_own() {
    let stub = registered().await;
    let query = "query($id: ID!) { node(id: $id) { id __typename ... on Customer { displayName } ... on Order { name } } }";
    let customer = stub.graphql(query, json!({"id": "gid://shopify/Customer/7"})).await;
    assert_eq!(customer["data"]["node"]["displayName"], "Zoë Moreau");
    let nodes = "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Order { tags } } }";
    let ids = json!({"ids": [gid()["id"], "gid://shopify/Order/1"]});
    assert_eq!(
        stub.graphql(nodes, ids).await["data"]["nodes"],
        json!([{"id": gid()["id"], "tags": ["Angel", "vip"]}, null])
    );
}

#[tokio::test]
async fn an_order_may_be_registered_in_parts_and_deleted() {
    let stub = shopify().await;
    let mut event = order_event(LARGE);
    let payload = event["detail"]["payload"].take();
    let extra = json!({"transactions": [{"id": "gid://shopify/OrderTransaction/1", "kind": "SALE", "status": "SUCCESS", "amountSet": {"shopMoney": {"amount": "1.0", "currencyCode": "EUR"}}}]});
    stub.set("orders", json!({"shop": SHOP, "order": payload, "graphql": extra})).await;
    stub.set("orders", json!([{"id": "gid://shopify/Order/5", "name": "#5", "legacyResourceId": "5"}])).await;
    let query = "query($id: ID!) { order(id: $id) { name transactions(first: 5) { kind amountSet { shopMoney { amount } } } } }";
    let answer = stub.graphql(query, gid()).await;
    assert_eq!(answer["data"]["order"]["transactions"][0]["kind"], "SALE", "{answer}");
    assert_eq!(
        stub.graphql(query, json!({"id": "gid://shopify/Order/5"})).await["data"]["order"]["name"],
        "#5"
    );
    stub.control(Method::DELETE, &format!("orders?id=gid://shopify/Order/{LARGE}"), None).await;
    let answer = stub.graphql(query, gid()).await;
    assert_eq!((&answer["data"]["order"], answer.get("errors")), (&Value::Null, None));
}

#[tokio::test]
async fn shops_do_not_see_each_other() {
    let stub = registered().await;
    let url = stub.url("/admin/api/2026-10/graphql.json");
    let query = json!({"query": "query($id: ID!) { order(id: $id) { id } shop { myshopifyDomain } }", "variables": gid()});
    for (shop, known) in [(SHOP, true), ("other.myshopify.com", false)] {
        let request =
            stub.http.post(&url).header("X-Stub-Shop", shop).header("X-Shopify-Access-Token", "shpat_local");
        let answer: Value = request.json(&query).send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["data"]["order"].is_object(), known, "{shop}");
        assert_eq!(answer["data"]["shop"]["myshopifyDomain"], shop);
    }
}

#[tokio::test]
async fn an_operation_the_schema_does_not_allow_is_refused() {
    let stub = registered().await;
    let code = |answer: &Value| answer["errors"][0]["extensions"]["code"].clone();
    for (query, expected) in [
        ("query($id: ID!) { order(id: $id) { nope } }", "undefinedField"),
        ("query($id: ID!) { order(identifier: $id) { id } }", "undefinedArgument"),
        ("query($id: Int!) { order(id: $id) { id } }", "disallowedVariableUsage"),
        ("query($id: ID!) { order(id: $id) { id }", "PARSE_ERROR"),
    ] {
        let answer = stub.graphql(query, gid()).await;
        assert!(answer.get("data").is_none(), "{answer}");
        let codes: Vec<_> =
            answer["errors"].as_array().unwrap().iter().map(|e| &e["extensions"]["code"]).collect();
        assert!(codes.contains(&&json!(expected)), "{answer}");
    }
    let answer = stub.graphql("query($id: ID!) { order(id: $id) { id } }", json!({})).await;
    assert_eq!(code(&answer), "INVALID_VARIABLE");
    let response = stub
        .http
        .post(stub.url("/admin/api/2026-10/graphql.json"))
        .header("X-Shopify-Access-Token", "shpat_local");
    assert_eq!(response.body("[]").send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn a_document_cannot_say_what_the_schema_does_not_know() {
    let stub = shopify().await;
    let strange = json!({"id": "gid://shopify/Order/5", "name": {"first": "#5"}, "displayFinancialStatus": "RICH", "note": 5, "nope": 1});
    stub.set("orders", strange).await;
    let query = "query($id: ID!) { order(id: $id) { note displayFinancialStatus } }";
    let answer = stub.graphql(query, json!({"id": "gid://shopify/Order/5"})).await;
    assert_eq!(answer["data"]["order"], json!({"note": "5", "displayFinancialStatus": null}));
    let answer = stub
        .graphql("query($id: ID!) { order(id: $id) { name } }", json!({"id": "gid://shopify/Order/5"}))
        .await;
    assert_eq!(answer["data"]["order"], Value::Null);
    let missing = stub
        .graphql("query($id: ID!) { order(id: $id) { createdAt } }", json!({"id": "gid://shopify/Order/5"}))
        .await;
    assert!(missing["errors"][0]["message"].as_str().unwrap().contains("`createdAt`"), "{missing}");
}

#[tokio::test]
async fn a_search_term_that_is_not_understood_returns_everything_with_a_warning() {
    let stub = registered().await;
    let query = "query($q: String) { orders(first: 10, query: $q, sortKey: UPDATED_AT) { edges { cursor node { id } } pageInfo { hasNextPage } } }";
    let count = |answer: &Value| answer["data"]["orders"]["edges"].as_array().unwrap().len();
    let answer = stub.graphql(query, json!({"q": "made_up:1"})).await;
    assert_eq!(
        (count(&answer), &answer["extensions"]["search"][0]["warnings"][0]["field"]),
        (1, &json!("made_up"))
    );
    let answer = stub
        .graphql(
            query,
            json!({"q": "updated_at:>='2026-11-22T09:00:00Z' updated_at:<'2026-11-23T00:00:00Z'"}),
        )
        .await;
    assert_eq!((count(&answer), answer["extensions"].get("search")), (1, None));
    assert_eq!(count(&stub.graphql(query, json!({"q": "updated_at:>'2027-01-01T00:00:00Z'"})).await), 0);
}

#[tokio::test]
async fn a_token_belongs_to_its_shop() {
    let stub = registered().await;
    let ask = |secret: &str| {
        let body = format!("grant_type=client_credentials&client_id=local&client_secret={secret}");
        stub.http.post(stub.url(&format!("/shops/{SHOP}/admin/oauth/access_token"))).body(body).send()
    };
    assert_eq!(ask("wrong").await.unwrap().status(), 400);
    let granted: Value = ask("local-secret").await.unwrap().json().await.unwrap();
    assert_eq!(granted["expires_in"], 86_399);
    let token = granted["access_token"].as_str().unwrap();
    let query = |shop: &str, token: &str| {
        let request = stub.http.post(stub.url(&format!("/shops/{shop}/admin/api/2026-10/graphql.json")));
        let request =
            request.header("X-Shopify-Access-Token", token).json(&json!({"query": "{ shop { id } }"}));
        async move { request.send().await.unwrap().status() }
    };
    assert_eq!(query(SHOP, token).await, StatusCode::OK);
    assert_eq!(query("other.myshopify.com", token).await, StatusCode::UNAUTHORIZED);
    assert_eq!(query(SHOP, "shpat_wrong").await, StatusCode::UNAUTHORIZED);
    stub.control(Method::POST, "expire-tokens", None).await;
    assert_eq!(query(SHOP, token).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn without_a_schema_it_does_not_start() {
    let any = "127.0.0.1:0".parse().unwrap();
    let start = |schema: &str| {
        ShopifyStub::start(any, ShopifyOptions { schema: schema.into(), ..ShopifyOptions::default() })
    };
    let error = start("").await.unwrap_err();
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("no schema was given"));
    assert!(start("/does/not/exist").await.is_err());
}

/// The same with the whole schema, where it is installed.
#[tokio::test]
async fn the_whole_schema_loads_and_serves() {
    let Some(schema) = find_schema() else { return };
    let any = "127.0.0.1:0".parse().unwrap();
    let running =
        ShopifyStub::start(any, ShopifyOptions { schema, ..ShopifyOptions::default() }).await.unwrap();
    let stub = Stub { running, http: reqwest::Client::new() };
    stub.set("orders", order_event(LARGE)).await;
    let query = "query($id: ID!) { order(id: $id) { id refunds(first: 2) { id } events(first: 1) { nodes { id } } risk { recommendation } } }";
    let answer = stub.graphql(query, gid()).await;
    assert_eq!(answer["errors"][0]["path"], json!(["order", "risk"]), "{answer}");
    let answer = stub.graphql("{ currentAppInstallation { id app { title } } }", json!({})).await;
    assert_eq!(answer["data"]["currentAppInstallation"]["app"]["title"], "Local app");
}
