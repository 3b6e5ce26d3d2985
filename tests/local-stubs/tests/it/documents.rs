//! Documents of every kind: by id, in lists, as members of unions, searched, tagged and deleted.

use crate::support::{SHOP, Stub, shopify};
use reqwest::Method;
use serde_json::{Value, json};

fn money(amount: &str) -> Value {
    json!({"amount": amount, "currencyCode": "EUR"})
}

fn bag(amount: &str) -> Value {
    json!({"shopMoney": money(amount), "presentmentMoney": money(amount)})
}

fn order(number: u32, updated: &str, entity: Value) -> Value {
    json!({
        "id": format!("gid://shopify/Order/{number}"), "name": format!("#{number}"), "updatedAt": updated,
        "createdAt": updated, "processedAt": updated, "tags": ["b2b"], "totalPriceSet": bag("10.0"),
        "customer": {"id": "gid://shopify/Customer/7", "displayName": "as the order has it"},
        "purchasingEntity": entity,
        "refunds": [{"id": format!("gid://shopify/Refund/{number}"), "createdAt": updated, "note": "late"}],
        "returns": [{"id": format!("gid://shopify/Return/{number}"), "name": "R1", "status": "OPEN"}],
        "disputes": [{"id": "gid://shopify/OrderDisputeSummary/3", "status": "WON", "initiatedAs": "CHARGEBACK"}],
    })
}

pub fn location(number: u32) -> Value {
    json!({
        "id": format!("gid://shopify/CompanyLocation/{number}"), "name": format!("Depot {number}"), "currency": "EUR",
        "createdAt": "2026-01-01T00:00:00Z", "updatedAt": format!("2026-11-0{number}T00:00:00Z"),
        "company": {"id": "gid://shopify/Company/1", "name": "Acme"},
    })
}

pub fn customer(number: u32, tags: &[&str]) -> Value {
    json!({
        "id": format!("gid://shopify/Customer/{number}"), "displayName": format!("Customer {number}"), "tags": tags,
        "updatedAt": "2026-11-01T00:00:00Z", "createdAt": "2026-01-01T00:00:00Z", "numberOfOrders": "3",
        "defaultEmailAddress": {"emailAddress": format!("c{number}@example.com"), "marketingState": "SUBSCRIBED"},
    })
}

pub async fn filled() -> Stub {
    let stub = shopify().await;
    let of_location = json!({"company": {"id": "gid://shopify/Company/1", "name": "Acme"}, "location": {"id": "gid://shopify/CompanyLocation/1"}});
    let of_customer = json!({"id": "gid://shopify/Customer/7"});
    stub.set(
        "documents",
        json!([
            order(1, "2026-11-20T10:00:00+01:00", of_location.clone()),
            order(2, "2026-11-20T09:30:00Z", of_location),
            order(3, "2026-11-21T00:00:00Z", of_customer),
            location(1),
            location(2),
            customer(7, &["vip"]),
            customer(8, &[]),
            {"id": "gid://shopify/ShopifyPaymentsDispute/3", "status": "NEEDS_RESPONSE", "type": "CHARGEBACK", "initiatedAt": "2026-11-01T00:00:00Z",
             "amount": money("10.0"), "order": {"id": "gid://shopify/Order/1"}, "legacyResourceId": "3"},
        ]),
    )
    .await;
    stub
}

async fn data(stub: &Stub, query: &str) -> Value {
    let mut answer = stub.graphql(query, json!({})).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    answer["data"].take()
}

#[tokio::test]
async fn everything_with_an_id_can_be_asked_for_by_it() {
    let stub = filled().await;
    let found = data(
        &stub,
        r#"{ refund(id: "gid://shopify/Refund/2") { note } return(id: "gid://shopify/Return/2") { status }
             companyLocation(id: "gid://shopify/CompanyLocation/2") { name company { name } }
             dispute(id: "gid://shopify/ShopifyPaymentsDispute/3") { status order { name } }
             customer(id: "gid://shopify/Customer/7") { displayName }
             order(id: "gid://shopify/Order/1") { customer { displayName } disputes { __typename status } }
             node(id: "gid://shopify/Refund/1") { __typename } missing: return(id: "gid://shopify/Return/9") { id } }"#,
    )
    .await;
    assert_eq!(found["refund"]["note"], "late");
    assert_eq!(found["return"]["status"], "OPEN");
    assert_eq!(found["companyLocation"], json!({"name": "Depot 2", "company": {"name": "Acme"}}));
    assert_eq!(found["dispute"], json!({"status": "NEEDS_RESPONSE", "order": {"name": "#1"}}));
    // its own document comes before what an order says about the customer
    assert_eq!(found["customer"]["displayName"], "Customer 7");
    assert_eq!(found["order"]["customer"]["displayName"], "Customer 7");
    assert_eq!(found["order"]["disputes"], json!([{"__typename": "OrderDisputeSummary", "status": "WON"}]));
    assert_eq!((&found["node"]["__typename"], &found["missing"]), (&json!("Refund"), &Value::Null));
}

#[tokio::test]
async fn members_of_unions_are_told_apart_by_id_by_name_or_by_their_fields() {
    let stub = filled().await;
    let query = r#"query($id: ID!) { order(id: $id) { purchasingEntity { __typename ... on PurchasingCompany { location { name } } ... on Customer { displayName } } } }"#;
    let entity = |id: &'static str| {
        let stub = &stub;
        async move { stub.graphql(query, json!({"id": id})).await["data"]["order"]["purchasingEntity"].take() }
    };
    assert_eq!(
        entity("gid://shopify/Order/1").await,
        json!({"__typename": "PurchasingCompany", "location": {"name": "Depot 1"}})
    );
    assert_eq!(
        entity("gid://shopify/Order/3").await,
        json!({"__typename": "Customer", "displayName": "Customer 7"})
    );
}

#[tokio::test]
async fn root_connections_are_searched_sorted_and_paged() {
    let stub = filled().await;
    let names = |found: &Value, of: &str| -> Vec<String> {
        let nodes = found[of]["nodes"].as_array().unwrap().iter();
        nodes.map(|node| node["id"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect()
    };
    let found = data(
        &stub,
        r#"{ orders(first: 5, sortKey: UPDATED_AT) { nodes { id } }
             newest: orders(first: 1, sortKey: UPDATED_AT, reverse: true) { nodes { id } pageInfo { hasNextPage } }
             some: orders(first: 5, query: "updated_at:<'2026-11-20T09:15:00Z' tag:b2b customer_id:7") { nodes { id } }
             customers(first: 5, query: "tag:vip") { nodes { id } }
             companyLocations(first: 1, sortKey: UPDATED_AT, query: "company_id:1") { nodes { id } pageInfo { hasNextPage } }
             disputes(first: 5, query: "status:needs_response") { nodes { id } }
             shopifyPaymentsAccount { disputes(first: 5) { nodes { id } } } }"#,
    )
    .await;
    assert_eq!(names(&found, "orders"), ["1", "2", "3"]);
    assert_eq!(
        (names(&found, "newest"), &found["newest"]["pageInfo"]["hasNextPage"]),
        (vec!["3".to_owned()], &json!(true))
    );
    assert_eq!(names(&found, "some"), ["1"]);
    assert_eq!(names(&found, "customers"), ["7"]);
    assert_eq!(names(&found, "companyLocations"), ["1"]);
    assert_eq!(found["companyLocations"]["pageInfo"]["hasNextPage"], true);
    assert_eq!(names(&found, "disputes"), ["3"]);
    assert_eq!(names(&found["shopifyPaymentsAccount"], "disputes"), ["3"]);
    // disputes cannot be searched by time of change: everything comes, with a warning
    let answer = stub
        .graphql(r#"{ disputes(first: 5, query: "updated_at:>2030-01-01") { nodes { id } } }"#, json!({}))
        .await;
    assert_eq!(names(&answer["data"], "disputes"), ["3"]);
    assert_eq!(answer["extensions"]["search"][0]["warnings"][0]["field"], "updated_at");
    assert_eq!(answer["extensions"]["search"][0]["path"], json!(["disputes"]));
}

#[tokio::test]
async fn orders_of_an_account_are_those_that_name_it() {
    let stub = filled().await;
    let found = data(
        &stub,
        r#"{ companyLocation(id: "gid://shopify/CompanyLocation/1") { orders(first: 1, reverse: true) { nodes { name } pageInfo { hasNextPage } } }
             customer(id: "gid://shopify/Customer/7") { orders(first: 9) { nodes { name } } } }"#,
    )
    .await;
    assert_eq!(
        found["companyLocation"]["orders"],
        json!({"nodes": [{"name": "#2"}], "pageInfo": {"hasNextPage": true}})
    );
    assert_eq!(found["customer"]["orders"]["nodes"], json!([{"name": "#1"}, {"name": "#2"}, {"name": "#3"}]));
}

#[tokio::test]
async fn what_was_deleted_is_gone_wherever_it_was_mentioned() {
    let stub = filled().await;
    stub.control(Method::DELETE, "documents?id=gid://shopify/Customer/7", None).await;
    let query = r#"{ customer(id: "gid://shopify/Customer/7") { id } order(id: "gid://shopify/Order/1") { customer { id } } }"#;
    assert_eq!(data(&stub, query).await, json!({"customer": null, "order": {"customer": null}}));
    stub.set("documents", customer(7, &[])).await;
    assert_eq!(data(&stub, query).await["order"]["customer"]["id"], "gid://shopify/Customer/7");
}

#[tokio::test]
async fn a_segment_has_the_members_it_was_given() {
    let stub = filled().await;
    let segment = json!({"id": "gid://shopify/Segment/1", "name": "Best", "query": "amount_spent > 100",
        "members": ["gid://shopify/Customer/7", "gid://shopify/Customer/8"]});
    stub.set(&format!("shops/{SHOP}/segments"), segment).await;
    let found = data(
        &stub,
        r#"{ segment(id: "gid://shopify/Segment/1") { name query } segments(first: 2) { nodes { name } }
             customerSegmentMembers(segmentId: "gid://shopify/Segment/1", first: 1) { totalCount pageInfo { hasNextPage endCursor } edges { node { id displayName defaultEmailAddress { emailAddress } } } }
             tagged: customerSegmentMembers(query: "customer_tags CONTAINS 'vip'", first: 5) { totalCount }
             same: customerSegmentMembers(query: "amount_spent > 100", first: 5) { totalCount }
             customerSegmentMembership(customerId: "gid://shopify/Customer/9", segmentIds: ["gid://shopify/Segment/1", "gid://shopify/Segment/2"]) { memberships { segmentId isMember } } }"#,
    )
    .await;
    assert_eq!(
        (&found["segment"]["name"], &found["segments"]["nodes"][0]["name"]),
        (&json!("Best"), &json!("Best"))
    );
    let members = &found["customerSegmentMembers"];
    assert_eq!((&members["totalCount"], &members["pageInfo"]["hasNextPage"]), (&json!(2), &json!(true)));
    assert_eq!(
        members["edges"],
        json!([{"node": {"id": "gid://shopify/CustomerSegmentMember/7", "displayName": "Customer 7", "defaultEmailAddress": {"emailAddress": "c7@example.com"}}}])
    );
    assert_eq!((&found["tagged"]["totalCount"], &found["same"]["totalCount"]), (&json!(1), &json!(2)));
    assert_eq!(
        found["customerSegmentMembership"]["memberships"],
        json!([{"segmentId": "gid://shopify/Segment/1", "isMember": false}])
    );
    let next = "query($after: String) { customerSegmentMembers(segmentId: \"gid://shopify/Segment/1\", first: 1, after: $after) { edges { node { displayName } } } }";
    let answer = stub.graphql(next, json!({"after": members["pageInfo"]["endCursor"]})).await;
    assert_eq!(
        answer["data"]["customerSegmentMembers"]["edges"],
        json!([{"node": {"displayName": "Customer 8"}}])
    );
    // who is not named any more has left
    stub.set("segments", json!({"id": "gid://shopify/Segment/1", "members": ["gid://shopify/Customer/8"]}))
        .await;
    let query = r#"{ customerSegmentMembership(customerId: "gid://shopify/Customer/7", segmentIds: ["gid://shopify/Segment/1"]) { memberships { isMember } } segment(id: "gid://shopify/Segment/1") { name } }"#;
    let found = data(&stub, query).await;
    assert_eq!(found["customerSegmentMembership"]["memberships"], json!([{"isMember": false}]));
    assert_eq!(found["segment"]["name"], "Best");
}

#[tokio::test]
async fn a_members_query_is_created_and_then_read() {
    let stub = filled().await;
    let create = "mutation($q: String!) { customerSegmentMembersQueryCreate(input: {query: $q}) { customerSegmentMembersQuery { id done currentCount } userErrors { field message } } }";
    let mut answer = stub.graphql(create, json!({"q": "customer_tags CONTAINS 'vip'"})).await;
    let created = answer["data"]["customerSegmentMembersQueryCreate"]["customerSegmentMembersQuery"].take();
    assert_eq!(created["done"], false, "{answer}");
    let read = "query($id: ID!) { customerSegmentMembersQuery(id: $id) { done } customerSegmentMembers(queryId: $id, first: 2) { totalCount } }";
    let answer = stub.graphql(read, json!({"id": created["id"]})).await;
    assert_eq!(answer["data"]["customerSegmentMembersQuery"]["done"], true);
    assert_eq!(answer["data"]["customerSegmentMembers"]["totalCount"], 1);
    let refused = stub.graphql(create, json!({"q": "not a valid segment query ???"})).await;
    let refused = &refused["data"]["customerSegmentMembersQueryCreate"];
    assert_eq!(
        (&refused["customerSegmentMembersQuery"], &refused["userErrors"][0]["field"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn customers_and_company_locations_take_metafields_and_a_return_does_not() {
    let stub = filled().await;
    let set = "mutation($m: [MetafieldsSetInput!]!) { metafieldsSet(metafields: $m) { metafields { value ownerType } userErrors { field code } } }";
    let input = |owner: &str| json!({"m": [{"ownerId": owner, "namespace": "$app:communications", "key": "status", "type": "json", "value": "{}"}]});
    for (owner, kind) in
        [("gid://shopify/Customer/7", "CUSTOMER"), ("gid://shopify/CompanyLocation/1", "COMPANY_LOCATION")]
    {
        let answer = stub.graphql(set, input(owner)).await;
        assert_eq!(
            answer["data"]["metafieldsSet"]["metafields"],
            json!([{"value": "{}", "ownerType": kind}]),
            "{answer}"
        );
    }
    let read = r#"{ companyLocation(id: "gid://shopify/CompanyLocation/1") { metafield(namespace: "$app:communications", key: "status") { value } } }"#;
    assert_eq!(data(&stub, read).await["companyLocation"]["metafield"]["value"], "{}");
    let refused = stub.graphql(set, input("gid://shopify/Return/1")).await["data"]["metafieldsSet"].take();
    assert_eq!(
        refused,
        json!({"metafields": [], "userErrors": [{"field": ["metafields", "0", "ownerId"], "code": "INVALID"}]})
    );
}

#[tokio::test]
async fn customers_take_tags_and_company_locations_do_not() {
    let stub = filled().await;
    let add = "mutation($id: ID!) { tagsAdd(id: $id, tags: [\"letter\"]) { node { id ... on Customer { tags } } userErrors { field message } } }";
    let answer = stub.graphql(add, json!({"id": "gid://shopify/Customer/7"})).await;
    assert_eq!(answer["data"]["tagsAdd"]["node"]["tags"], json!(["letter", "vip"]));
    assert_eq!(
        data(&stub, "{ customers(first: 3, query: \"tag:letter\") { nodes { tags } } }").await["customers"]["nodes"],
        json!([{"tags": ["letter", "vip"]}])
    );
    let refused =
        stub.graphql(add, json!({"id": "gid://shopify/CompanyLocation/1"})).await["data"]["tagsAdd"].take();
    assert_eq!((&refused["node"], &refused["userErrors"][0]["field"]), (&Value::Null, &json!(["id"])));
    // a customer that only an order mentions takes tags too, and keeps them beside the order's own words
    let mentioned = json!({"id": "gid://shopify/Order/4", "name": "#4", "customer": {"id": "gid://shopify/Customer/9", "displayName": "Nine", "tags": []}});
    stub.set("documents", mentioned.clone()).await;
    stub.graphql(add, json!({"id": "gid://shopify/Customer/9"})).await;
    stub.set("documents", mentioned).await;
    let query = r#"{ order(id: "gid://shopify/Order/4") { customer { displayName tags } } }"#;
    assert_eq!(
        data(&stub, query).await["order"]["customer"],
        json!({"displayName": "Nine", "tags": ["letter"]})
    );
}
