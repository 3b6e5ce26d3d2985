//! Bulk operations: what may be run, how it continues, and the file at its URL.

use crate::{
    documents,
    support::{SHOP, Stub},
};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::{io::Write as _, time::Duration};
use stub_http::{Fault, FaultKind};

const ORDERS: &str = "{ orders { edges { node { id name purchasingEntity { ... on PurchasingCompany { location { id } } } refunds { id } } } } }";
const LOCATIONS: &str = "{ companyLocations { edges { node { id name orders(first: 1) { edges { node { id returns { edges { node { id name } } } } } } } } } }";

async fn run(stub: &Stub, query: &str, group: bool) -> Value {
    let mutation = "mutation($q: String!, $g: Boolean!) { bulkOperationRunQuery(query: $q, groupObjects: $g) { bulkOperation { id status url objectCount } userErrors { field message code } } }";
    let mut answer = stub.graphql(mutation, json!({"q": query, "g": group})).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    answer["data"]["bulkOperationRunQuery"].take()
}

async fn started(stub: &Stub, query: &str, group: bool) -> String {
    let payload = run(stub, query, group).await;
    assert_eq!(
        (&payload["userErrors"], &payload["bulkOperation"]["status"]),
        (&json!([]), &json!("CREATED"))
    );
    payload["bulkOperation"]["id"].as_str().unwrap().to_owned()
}

async fn look(stub: &Stub, id: &str) -> Value {
    let query = "query($id: ID!) { bulkOperation(id: $id) { id status errorCode completedAt objectCount rootObjectCount fileSize url partialDataUrl } }";
    stub.graphql(query, json!({ "id": id })).await["data"]["bulkOperation"].take()
}

/// The states an operation passes, and how it ends.
async fn ended(stub: &Stub, id: &str) -> (Vec<String>, Value) {
    let mut seen: Vec<String> = Vec::new();
    loop {
        let operation = look(stub, id).await;
        let status = operation["status"].as_str().unwrap().to_owned();
        if seen.last() != Some(&status) {
            seen.push(status.clone());
        }
        if matches!(status.as_str(), "COMPLETED" | "FAILED" | "CANCELED") {
            return (seen, operation);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn lines(stub: &Stub, operation: &Value) -> Vec<Value> {
    let response = stub.http.get(operation["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/jsonl");
    let text = response.text().await.unwrap();
    assert_eq!(operation["fileSize"], text.len().to_string());
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn quick(step_ms: u64) -> Stub {
    let stub = documents::filled().await;
    stub.set("settings", json!({ "bulk_step_ms": step_ms })).await;
    stub
}

#[tokio::test]
async fn it_goes_through_its_states_and_gives_the_shops_documents() {
    let stub = quick(60).await;
    let id = started(&stub, ORDERS, true).await;
    let (states, operation) = ended(&stub, &id).await;
    assert_eq!(states, ["CREATED", "RUNNING", "COMPLETED"]);
    assert_eq!((&operation["objectCount"], &operation["rootObjectCount"]), (&json!("3"), &json!("3")));
    assert!(operation["completedAt"].is_string() && operation["partialDataUrl"].is_null());
    let lines = lines(&stub, &operation).await;
    assert_eq!(
        lines[0],
        json!({"id": "gid://shopify/Order/1", "name": "#1", "purchasingEntity": {"location": {"id": "gid://shopify/CompanyLocation/1"}}, "refunds": [{"id": "gid://shopify/Refund/1"}]})
    );
    assert_eq!(lines[2]["purchasingEntity"], json!({}));
    let listed = stub.graphql("{ bulkOperations(first: 5, query: \"status:completed operation_type:query\") { nodes { id } } currentBulkOperation { id } }", json!({})).await;
    assert_eq!(
        listed["data"],
        json!({"bulkOperations": {"nodes": [{"id": id}]}, "currentBulkOperation": {"id": id}})
    );
    let node = "query($id: ID!) { node(id: $id) { ... on BulkOperation { status } } }";
    assert_eq!(stub.graphql(node, json!({"id": id})).await["data"]["node"]["status"], "COMPLETED");
}

#[tokio::test]
async fn children_follow_their_parent_at_once_only_when_grouped() {
    let stub = quick(1).await;
    let many: Vec<Value> = (10..40)
        .map(|number| json!({"id": format!("gid://shopify/Order/{number}"), "name": "#", "returns": [{"id": format!("gid://shopify/Return/{number}"), "name": "R"}],
            "purchasingEntity": {"location": {"id": format!("gid://shopify/CompanyLocation/{}", 1 + number % 2)}}}))
        .collect();
    stub.set("documents", json!(many)).await;
    let mut sorted = Vec::new();
    for group in [true, false] {
        let id = started(&stub, LOCATIONS, group).await;
        let (_, operation) = ended(&stub, &id).await;
        let mut lines = lines(&stub, &operation).await;
        // two locations, 32 orders of theirs and their returns: `first` means nothing here
        assert_eq!((lines.len(), &operation["rootObjectCount"]), (2 + 32 + 32, &json!("2")));
        let at = |id: &Value| lines.iter().position(|line| line["id"] == *id).unwrap();
        let mut apart = 0;
        for (index, line) in lines.iter().enumerate() {
            let Some(parent) = line.get("__parentId") else { continue };
            assert!(at(parent) < index, "a child comes after its parent");
            let between = &lines[at(parent) + 1..index];
            apart += usize::from(between.iter().any(|l| l.get("__parentId").is_none()));
        }
        assert_eq!(apart == 0, group, "{apart}");
        lines.sort_by_key(Value::to_string);
        sorted.push(lines);
    }
    assert_eq!(sorted[0], sorted[1]);
}

#[tokio::test]
async fn five_run_at_once_and_a_cancelled_one_makes_room() {
    let stub = quick(60_000).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(started(&stub, ORDERS, true).await);
    }
    let refused = run(&stub, ORDERS, true).await;
    assert_eq!(refused["bulkOperation"], Value::Null);
    let error = &refused["userErrors"][0];
    assert_eq!((&error["code"], &error["field"]), (&json!("OPERATION_IN_PROGRESS"), &Value::Null));
    let expected =
        format!("A bulk query operation for this app and shop is already in progress: {}.", ids.join(", "));
    assert_eq!(error["message"], expected);
    let cancel = "mutation($id: ID!) { bulkOperationCancel(id: $id) { bulkOperation { status } userErrors { message } } }";
    let answer = stub.graphql(cancel, json!({"id": ids[0]})).await;
    assert_eq!(
        answer["data"]["bulkOperationCancel"],
        json!({"bulkOperation": {"status": "CANCELING"}, "userErrors": []})
    );
    stub.set("settings", json!({"bulk_step_ms": 1})).await;
    assert_eq!(ended(&stub, &ids[0]).await.1["url"], Value::Null);
    ended(&stub, &ids[1]).await;
    started(&stub, ORDERS, true).await;
    let again = stub.graphql(cancel, json!({"id": ids[0]})).await;
    assert_eq!(again["data"]["bulkOperationCancel"]["userErrors"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_run_in_bulk_is_refused_in_shopifys_words() {
    let stub = quick(1).await;
    for (query, expected) in [
        ("{ shop { id } }", vec!["Bulk queries must contain at least one connection."]),
        ("", vec!["Invalid bulk query: syntax error, unexpected end of file"]),
        (
            "#graphql\nmutation { tagsAdd(id: \"x\", tags: []) { node { id } } }",
            vec!["Invalid operation type. Only `query` operations are supported."],
        ),
        (
            "{ node(id: \"gid://shopify/Order/1\") { id } }",
            vec![
                "Bulk queries cannot contain a top level `node` field.",
                "Bulk queries must contain at least one connection.",
            ],
        ),
        (
            "{ orders { nodes { id } } }",
            vec![
                "All connection fields in a bulk query must select their contents using 'edges' > 'node', e.g: 'orders { edges { node {'. Selecting via 'nodes' is not supported. Invalid connection fields: 'orders'.",
            ],
        ),
        (
            "{ orders { edges { node { name returns { edges { node { id } } } } } } }",
            vec![
                "The parent 'node' field for a nested connection must select the 'id' field without an alias and must be of 'ID' return type. Connection fields without 'id': orders.",
            ],
        ),
        (
            "{ orders { edges { node { id fulfillments { fulfillmentLineItems { edges { node { id } } } } } } } }",
            vec!["Queries that contain a connection field within a list field are not currently supported."],
        ),
        (
            "{ customers { edges { node { id orders { edges { node { id customer { orders { edges { node { id returns { edges { node { id } } } } } } } } } } } } } }",
            vec!["Bulk queries cannot contain connections with a nesting depth greater than 2."],
        ),
        (
            "{ customers { edges { node { id a: orders { edges { node { id } } } b: orders { edges { node { id } } } c: orders { edges { node { id } } } d: orders { edges { node { id } } } e: orders { edges { node { id } } } } } } }",
            vec!["Bulk queries cannot contain more than 5 connections."],
        ),
    ] {
        let payload = run(&stub, query, true).await;
        let errors = payload["userErrors"].as_array().unwrap();
        let messages: Vec<_> = errors.iter().map(|e| e["message"].as_str().unwrap()).collect();
        assert_eq!(messages, expected, "{query}");
        assert!(
            payload["bulkOperation"].is_null()
                && errors.iter().all(|e| e["code"] == "INVALID" && e["field"] == json!(["query"]))
        );
    }
    let unknown = run(&stub, "{ orders { edges { node { id nope } } } }", true).await;
    assert!(
        unknown["userErrors"][0]["message"].as_str().unwrap().starts_with("Invalid bulk query: "),
        "{unknown}"
    );
    // a connection within an object of a node belongs to the node
    let terms =
        "{ orders { edges { node { id paymentTerms { id paymentSchedules { edges { node { id } } } } } } } }";
    let order = json!({"id": "gid://shopify/Order/77", "paymentTerms": {"id": "gid://shopify/PaymentTerms/1", "paymentSchedules": [{"id": "gid://shopify/PaymentSchedule/1"}]}});
    stub.set("documents", order).await;
    let id = started(&stub, terms, true).await;
    let lines = lines(&stub, &ended(&stub, &id).await.1).await;
    assert!(
        lines.contains(
            &json!({"id": "gid://shopify/PaymentSchedule/1", "__parentId": "gid://shopify/Order/77"})
        )
    );
}

#[tokio::test]
async fn a_test_says_what_the_next_operations_give() {
    let stub = quick(1).await;
    let jsonl =
        "{\"id\":\"gid://shopify/Order/1\"}\n{\"id\":\"x\",\"__parentId\":\"gid://shopify/Order/1\"}\n";
    let planned = json!([
        {"jsonl": jsonl},
        {"status": "FAILED", "error_code": "TIMEOUT", "jsonl": jsonl, "partial": true},
        {"status": "FAILED", "error_code": "ACCESS_DENIED"},
        {"jsonl": ""},
    ]);
    stub.set(&format!("shops/{SHOP}/bulk"), planned).await;
    let mut ends = Vec::new();
    for _ in 0..5 {
        let id = started(&stub, ORDERS, true).await;
        ends.push(ended(&stub, &id).await.1);
    }
    assert_eq!((&ends[0]["objectCount"], &ends[0]["rootObjectCount"]), (&json!("2"), &json!("1")));
    assert_eq!(lines(&stub, &ends[0]).await.len(), 2);
    assert_eq!(
        (&ends[1]["status"], &ends[1]["errorCode"], &ends[1]["url"]),
        (&json!("FAILED"), &json!("TIMEOUT"), &Value::Null)
    );
    let partial = stub.http.get(ends[1]["partialDataUrl"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(partial.text().await.unwrap(), jsonl);
    assert_eq!((&ends[2]["errorCode"], &ends[2]["partialDataUrl"]), (&json!("ACCESS_DENIED"), &Value::Null));
    // nothing found: complete, without a file
    assert_eq!(
        (&ends[3]["status"], &ends[3]["url"], &ends[3]["objectCount"]),
        (&json!("COMPLETED"), &Value::Null, &json!("0"))
    );
    assert_eq!(ends[4]["rootObjectCount"], "3");
    // what a document lacks ends the operation, and the reason can be read
    stub.set("documents", json!({"id": "gid://shopify/Order/5"})).await;
    let id = started(&stub, ORDERS, true).await;
    assert_eq!(ended(&stub, &id).await.1["status"], "FAILED");
    let report = stub.look("bulk").await["operations"].take();
    assert!(report[5]["problem"].as_str().unwrap().contains("`name`"), "{report}");
}

/// An operation whose result is a file of so many bytes; the URL and the bytes.
async fn with_file(stub: &Stub, name: &str, size: usize) -> (String, Vec<u8>, std::path::PathBuf) {
    let bytes: Vec<u8> = (0..size).map(|index| b"0123456789abcde\n"[index % 16]).collect();
    let path = std::env::temp_dir().join(format!("local-stubs-{}-{name}.jsonl", std::process::id()));
    std::fs::File::create(&path).unwrap().write_all(&bytes).unwrap();
    stub.set("bulk", json!({"file": path, "objects": size / 16})).await;
    let id = started(stub, ORDERS, true).await;
    let operation = ended(stub, &id).await.1;
    assert_eq!(operation["objectCount"], (size / 16).to_string());
    (operation["url"].as_str().unwrap().to_owned(), bytes, path)
}

async fn ranged(stub: &Stub, url: &str, headers: &[(&'static str, &str)]) -> Response {
    let mut request = stub.http.get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_file_is_served_in_ranges_to_those_who_have_the_same_one() {
    let stub = quick(1).await;
    let (url, bytes, path) = with_file(&stub, "ranges", 1 << 20).await;
    let whole = stub.http.get(&url).send().await.unwrap();
    let header = |response: &Response, name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(
        (header(&whole, "accept-ranges"), header(&whole, "content-length")),
        ("bytes".to_owned(), (1 << 20).to_string())
    );
    let tag = header(&whole, "etag");
    assert_eq!(whole.bytes().await.unwrap(), bytes);
    let part = ranged(&stub, &url, &[("range", "bytes=1000000-"), ("if-range", &tag)]).await;
    assert_eq!(
        (part.status().as_u16(), header(&part, "content-range")),
        (206, "bytes 1000000-1048575/1048576".to_owned())
    );
    assert_eq!(part.bytes().await.unwrap(), bytes[1_000_000..]);
    let part = ranged(&stub, &url, &[("range", "bytes=5-9")]).await;
    assert_eq!(part.bytes().await.unwrap(), bytes[5..10]);
    let outside = ranged(&stub, &url, &[("range", "bytes=1048576-")]).await;
    assert_eq!(
        (outside.status().as_u16(), header(&outside, "content-range")),
        (416, "bytes */1048576".to_owned())
    );
    // another file has taken its place: the whole of it comes
    std::fs::write(&path, "{}\n").unwrap();
    let changed = ranged(&stub, &url, &[("range", "bytes=1-"), ("if-range", &tag)]).await;
    assert_eq!((changed.status().as_u16(), changed.text().await.unwrap()), (200, "{}\n".to_owned()));
    std::fs::remove_file(&path).unwrap();
    assert_eq!(stub.http.get(&url).send().await.unwrap().status(), 404);
    let unknown = stub.url("/bulk-operation-outputs/nope");
    assert_eq!(stub.http.get(unknown).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_download_can_break_off_and_a_range_can_be_overlooked() {
    let stub = quick(1).await;
    let (url, bytes, path) = with_file(&stub, "cut", 3 << 20).await;
    for after in [0, 700_001] {
        stub.fail(Fault::new("bulk_file", FaultKind::CutAfter).after_bytes(after).times(1)).await;
        let mut response = match stub.http.get(&url).send().await {
            Ok(response) => response,
            Err(_) if after == 0 => continue,
            Err(error) => panic!("{error}"),
        };
        assert_eq!((response.status().as_u16(), response.content_length()), (200, Some(3 << 20)));
        let mut got = Vec::new();
        let error = loop {
            match response.chunk().await {
                Ok(Some(chunk)) => got.extend_from_slice(&chunk),
                Ok(None) => panic!("the body ended well"),
                Err(error) => break error,
            }
        };
        assert!(error.is_body() || error.is_decode(), "{error:?}");
        assert_eq!(got.len() as u64, after);
        assert_eq!(got, bytes[..got.len()]);
    }
    stub.fail(Fault::new("bulk_file", FaultKind::IgnoreRange).times(1)).await;
    let whole = ranged(&stub, &url, &[("range", "bytes=100-")]).await;
    assert_eq!((whole.status().as_u16(), whole.bytes().await.unwrap().len()), (200, 3 << 20));
    stub.fail(Fault::new("bulk_file", FaultKind::Status).status(503).times(1)).await;
    assert_eq!(stub.http.get(&url).send().await.unwrap().status(), 503);
    assert_eq!(ranged(&stub, &url, &[("range", "bytes=100-")]).await.status(), 206);
    stub.control(Method::DELETE, "bulk", None).await;
    std::fs::remove_file(path).unwrap();
}
