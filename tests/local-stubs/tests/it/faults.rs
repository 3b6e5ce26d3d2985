//! Every kind of fault, at both stubs, and that it ends when it should.

use crate::{
    email,
    support::{SHOP, Stub, driver, exstream, order_event, shopify},
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use stub_exstream::ExstreamOptions;
use stub_http::{Fault, FaultKind};

const ORDER: &str = "query Order($id: ID!) { order(id: $id) { id } }";

fn id() -> Value {
    json!({"id": "gid://shopify/Order/1"})
}

async fn orders() -> Stub {
    let stub = shopify().await;
    stub.set("orders", order_event(1)).await;
    stub
}

async fn composes(stub: &Stub) {
    let response = stub.on_demand(&driver(1), None).await;
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["status"], "success");
}

#[tokio::test]
async fn statuses_come_in_the_products_own_shape_and_end() {
    let stub = exstream(ExstreamOptions::default()).await;
    let fault = Fault {
        retry_after_seconds: Some(7),
        ..Fault::new("ondemand", FaultKind::Status).status(503).times(1)
    };
    stub.fail(fault).await;
    let response = stub.on_demand(&driver(1), None).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"].to_str().unwrap()),
        (503, &"7")
    );
    assert_eq!(response.json::<Value>().await.unwrap()["errorCode"], "FAULT");
    composes(&stub).await;
    stub.fail(Fault::new("ondemand", FaultKind::Throttled)).await;
    let response = stub.on_demand(&driver(1), None).await;
    assert_eq!((response.status().as_u16(), response.headers().contains_key("retry-after")), (429, true));
    stub.fail(Fault::new("ondemand", FaultKind::AccessDenied)).await;
    assert_eq!(stub.on_demand(&driver(1), None).await.status(), 403);
    stub.control(reqwest::Method::DELETE, "faults", None).await;
    composes(&stub).await;
    let statistics = stub.look("requests").await["statistics"]["ondemand"].take();
    assert_eq!(
        (&statistics["requests"], &statistics["faults"], &statistics["answered"]),
        (&json!(5), &json!(3), &json!(2))
    );
}

#[tokio::test]
async fn a_success_status_may_hold_no_success() {
    let stub = exstream(ExstreamOptions::default()).await;
    let mut bodies = Vec::new();
    for kind in [FaultKind::Malformed200, FaultKind::Error200, FaultKind::Empty200, FaultKind::WrongType200] {
        stub.fail(Fault::new("ondemand", kind).times(1)).await;
        let response = stub.on_demand(&driver(1), None).await;
        assert_eq!(response.status(), 200, "{kind:?}");
        bodies.push(response.text().await.unwrap());
    }
    assert!(serde_json::from_str::<Value>(&bodies[0]).is_err() && bodies[0].starts_with('{'));
    let error: Value = serde_json::from_str(&bodies[1]).unwrap();
    assert_eq!((&error["status"], &error["data"][0]["statusCode"]), (&json!("error"), &json!("500")));
    let empty: Value = serde_json::from_str(&bodies[2]).unwrap();
    assert_eq!(empty, json!({"status": "success", "data": []}));
    assert!(bodies[3].starts_with("<html>"));
    stub.fail(Fault::new("ondemand", FaultKind::NonJsonError).times(1)).await;
    let response = stub.on_demand(&driver(1), None).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"].to_str().unwrap()),
        (502, &"text/html")
    );
}

#[tokio::test]
async fn a_mail_whose_answer_never_came_was_accepted_all_the_same() {
    let stub = exstream(ExstreamOptions::default()).await;
    stub.fail(Fault::new("email", FaultKind::TimeoutAfterSuccess).times(1)).await;
    let request = stub.http.post(stub.url("/mra/v1/outbound/emails")).bearer_auth(stub.token().await);
    let request = request.json(&email::message("zoe@example.com")).timeout(Duration::from_millis(200));
    assert!(request.send().await.unwrap_err().is_timeout());
    assert_eq!(stub.look("emails").await["emails"].as_array().unwrap().len(), 1);
    // and the client may also see the connection close
    stub.fail(Fault::new("email", FaultKind::TimeoutAfterSuccess).delay_ms(1).times(1)).await;
    let request = stub.http.post(stub.url("/mra/v1/outbound/emails")).bearer_auth(stub.token().await);
    let error = request.json(&email::message("zoe@example.com")).send().await.unwrap_err();
    assert!(!error.is_timeout() && error.is_request(), "{error:?}");
    assert_eq!(stub.look("emails").await["emails"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_dropped_connection_did_no_work() {
    let stub = exstream(ExstreamOptions::default()).await;
    stub.fail(Fault::new("email", FaultKind::DropConnection).times(1)).await;
    let request = stub.http.post(stub.url("/mra/v1/outbound/emails")).bearer_auth(stub.token().await);
    assert!(request.json(&email::message("zoe@example.com")).send().await.is_err());
    assert_eq!(stub.look("emails").await["emails"], json!([]));
    assert_eq!(email::send(&stub, &email::message("zoe@example.com")).await.status(), 200);
}

#[tokio::test]
async fn a_delay_delays_the_true_answer_and_shutdown_ends_a_hanging_one() {
    let stub = exstream(ExstreamOptions::default()).await;
    stub.fail(Fault::new("ondemand", FaultKind::Delay).delay_ms(150).times(1)).await;
    let begun = Instant::now();
    composes(&stub).await;
    assert!(begun.elapsed() >= Duration::from_millis(150));
    stub.fail(Fault::new("email", FaultKind::TimeoutAfterSuccess)).await;
    let (url, token) = (stub.url("/mra/v1/outbound/emails"), stub.token().await);
    let client = stub.http.clone();
    let hanging = tokio::spawn(async move {
        client
            .post(url)
            .bearer_auth(token)
            .json(&email::message("zoe@example.com"))
            .send()
            .await
            .map(|r| r.status())
    });
    while stub.look("emails").await["emails"] == json!([]) {
        tokio::task::yield_now().await;
    }
    let begun = Instant::now();
    stub.running.shutdown().await;
    assert!(hanging.await.unwrap().is_err());
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn work_goes_on_when_the_client_has_gone() {
    let stub = exstream(ExstreamOptions::default()).await;
    stub.set("settings", json!({"latency_ms": 150})).await;
    let request = stub.http.post(stub.url("/mra/v1/outbound/emails")).bearer_auth(stub.token().await);
    let request = request.json(&email::message("zoe@example.com")).timeout(Duration::from_millis(50));
    assert!(request.send().await.unwrap_err().is_timeout());
    while stub.look("emails").await["emails"] == json!([]) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn tokens_fail_too() {
    let stub = exstream(ExstreamOptions::default()).await;
    stub.fail(Fault::new("token", FaultKind::Status).status(401).times(1)).await;
    let body =
        json!({"client_id": "local", "client_secret": "local-secret", "grant_type": "client_credentials"});
    let request = stub.http.post(stub.url("/tenants/t1/oauth2/token")).json(&body);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["fault"]["detail"]["errorcode"], "oauth.v2.InvalidApiKey");
    stub.token().await;
}

#[tokio::test]
async fn the_admin_api_fails_by_root_field_and_by_operation_name() {
    let stub = orders().await;
    stub.fail(Fault::new("metafieldsSet", FaultKind::Throttled)).await;
    assert!(stub.graphql(ORDER, id()).await["data"]["order"].is_object());
    stub.fail(Fault::new("Order", FaultKind::Throttled).times(1)).await;
    let answer = stub.graphql(ORDER, id()).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "THROTTLED");
    assert!(
        answer.get("data").is_none() && answer["extensions"]["cost"]["throttleStatus"]["restoreRate"] == 100
    );
    let over_http = Fault {
        retry_after_seconds: Some(3),
        ..Fault::new("graphql", FaultKind::Throttled).status(429).times(1)
    };
    stub.fail(over_http).await;
    let response = stub.graphql_response(ORDER, id()).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()),
        (429, "3.0")
    );
    stub.fail(Fault::new("order", FaultKind::AccessDenied).times(1)).await;
    let answer = stub.graphql(ORDER, id()).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "ACCESS_DENIED");
    assert_eq!((&answer["data"]["order"], &answer["errors"][0]["path"][0]), (&Value::Null, &json!("order")));
    stub.fail(Fault::new("graphql", FaultKind::Error200).times(1)).await;
    assert_eq!(stub.graphql(ORDER, id()).await["errors"][0]["extensions"]["code"], "INTERNAL_SERVER_ERROR");
    stub.fail(Fault::new("graphql", FaultKind::NonJsonError).times(1)).await;
    assert_eq!(stub.graphql_response(ORDER, id()).await.unwrap().status(), 502);
    stub.fail(Fault::new("graphql", FaultKind::DropConnection).times(1)).await;
    assert!(stub.graphql_response(ORDER, id()).await.is_err());
    assert!(stub.graphql(ORDER, id()).await["data"]["order"].is_object());
    assert_eq!(stub.count("Order").await, stub.count("graphql").await);
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_was_made() {
    let stub = orders().await;
    stub.fail(Fault::new("tagsAdd", FaultKind::TimeoutAfterSuccess).delay_ms(1)).await;
    let query = "mutation($id: ID!) { tagsAdd(id: $id, tags: [\"sent\"]) { userErrors { message } } }";
    assert!(stub.graphql_response(query, id()).await.is_err());
    assert_eq!(stub.look("tags?owner=gid://shopify/Order/1").await["tags"], json!(["Angel", "sent", "vip"]));
}

#[tokio::test]
async fn a_bad_setting_changes_nothing() {
    let stub = orders().await;
    let put = |what: &'static str, body: Value| {
        let request =
            stub.http.put(stub.url(&format!("/__stub/{what}"))).header("X-Stub-Shop", SHOP).json(&body);
        async move { request.send().await.unwrap().status().as_u16() }
    };
    let before = stub.look("settings").await;
    assert_eq!(put("settings", json!({"bucket_size": 5, "nonsense": 1})).await, 400);
    assert_eq!(put("faults", json!([{"match": "x", "kind": "explode"}])).await, 400);
    assert_eq!(stub.look("settings").await, before);
    assert_eq!(put("nothing", json!(1)).await, 404);
}
