//! Core Messaging: accepting, asking, and the missing deduplication.

use crate::support::{Stub, exstream};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::Response;
use serde_json::{Value, json};
use stub_exstream::ExstreamOptions;

pub fn message(to: &str) -> Value {
    json!({
        "options": {"message_id": "m-1", "customer_reference": "c-1", "email_options": {"subject": "Your order", "from_display_name": "Acme", "charset": "UTF-8"}},
        "destinations": [{"ref": "c-1", "email": to}],
        "body": [{"name": "body.html", "type": "html", "charset": "UTF-8", "data": BASE64_STANDARD.encode("<p>Zoë</p>")}],
        "attachments": [{"name": "a.pdf", "type": "pdf", "data": BASE64_STANDARD.encode([0u8, 159, 1])}],
    })
}

pub async fn send(stub: &Stub, message: &Value) -> Response {
    let request = stub.http.post(stub.url("/mra/v1/outbound/emails")).bearer_auth(stub.token().await);
    request.header("X-MRA-SubmitId", "s-1").json(message).send().await.unwrap()
}

async fn status(stub: &Stub, job: &str) -> Value {
    let url = stub.url(&format!("/mra/v1/outbound/emails/status?job_id={job}"));
    stub.http.get(url).bearer_auth(stub.token().await).send().await.unwrap().json().await.unwrap()
}

async fn job(stub: &Stub, to: &str) -> String {
    let answer: Value = send(stub, &message(to)).await.json().await.unwrap();
    let job = answer["job_id"].as_str().unwrap().to_owned();
    assert!(job.starts_with("xsi-"));
    job
}

#[tokio::test]
async fn an_accepted_mail_can_be_asked_for_and_the_same_again_is_another() {
    let stub = exstream(ExstreamOptions::default()).await;
    let first = job(&stub, "zoe@example.com").await;
    assert_ne!(first, job(&stub, "zoe@example.com").await);
    let emails = stub.look("emails").await["emails"].take();
    assert_eq!(emails.as_array().unwrap().len(), 2);
    assert_eq!((&emails[0]["submit_id"], &emails[0]["subject"]), (&json!("s-1"), &json!("Your order")));
    assert_eq!(
        (&emails[0]["body"][0]["text"], &emails[0]["attachments"][0]["bytes"]),
        (&json!("<p>Zoë</p>"), &json!(3))
    );
    let state = status(&stub, &first).await;
    assert_eq!(state["job_state"], json!(["Complete", "Posted"]));
    assert_eq!(state["customer_reference_base64"], BASE64_STANDARD.encode("c-1"));
    let attempt = &state["deliveries"][0]["delivery_attempts"][0];
    assert_eq!((&attempt["state"], &attempt["gamma_code"]), (&json!("Sent"), &json!(0)));
    assert_eq!(status(&stub, "xsi-1").await["error"]["code"], "not_found");
}

#[tokio::test]
async fn a_bounce_shows_and_an_attempt_may_take_time() {
    let stub = exstream(ExstreamOptions::default()).await;
    let bounced = job(&stub, "bounce@example.com").await;
    let delivery = status(&stub, &bounced).await["deliveries"][0].take();
    assert_eq!(delivery["delivery_attempts"][0]["state"], "Failed");
    assert_eq!(delivery["events"]["email_delivery_events"]["dsn"]["status"], "5.1.1");
    stub.set("settings", json!({"delivery_ms": 60_000})).await;
    let waiting = status(&stub, &bounced).await;
    assert_eq!(
        (&waiting["job_state"], &waiting["deliveries"][0]["delivery_attempts"]),
        (&json!(["Active"]), &json!([]))
    );
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_and_not_kept() {
    let stub = exstream(ExstreamOptions::default()).await;
    let broken = |change: fn(&mut Value)| {
        let mut message = message("zoe@example.com");
        change(&mut message);
        message
    };
    for message in [
        message("not an address"),
        broken(|m| m["options"]["email_options"]["subject"] = json!(" ")),
        broken(|m| m["body"] = json!([])),
        broken(|m| m["attachments"][0]["data"] = json!("%%%")),
        broken(|m| m["destinations"] = json!([])),
    ] {
        assert_eq!(send(&stub, &message).await.status(), 400, "{message}");
    }
    assert_eq!(stub.look("emails").await["emails"], json!([]));
}

#[tokio::test]
async fn a_test_says_what_becomes_of_the_next_messages() {
    let stub = exstream(ExstreamOptions::default()).await;
    stub.set(
        "outcomes",
        json!([
            {"outcome": "bounced", "status": "5.2.1", "reason": "mailbox disabled"},
            {"outcome": "silent", "times": 2},
        ]),
    )
    .await;
    let mut jobs = Vec::new();
    for _ in 0..4 {
        jobs.push(job(&stub, "zoe@example.com").await);
    }
    let bounced = status(&stub, &jobs[0]).await;
    let events = &bounced["deliveries"][0]["events"]["email_delivery_events"];
    assert_eq!(
        (&events["dsn"]["status"], &events["dsn"]["reason"], &events["dsn"]["action"]),
        (&json!("5.2.1"), &json!("mailbox disabled"), &json!("failed"))
    );
    for silent in &jobs[1..3] {
        let state = status(&stub, silent).await;
        assert_eq!(
            (&state["job_state"], &state["deliveries"][0]["delivery_attempts"]),
            (&json!(["Active"]), &json!([]))
        );
    }
    assert_eq!(status(&stub, &jobs[3]).await["deliveries"][0]["delivery_attempts"][0]["state"], "Sent");
}

#[tokio::test]
async fn what_happens_to_a_message_can_be_said_after_it_was_sent() {
    let stub = exstream(ExstreamOptions::default()).await;
    let sent = job(&stub, "zoe@example.com").await;
    let events = |state: &Value| state["deliveries"][0]["events"]["email_delivery_events"].clone();
    assert_eq!(events(&status(&stub, &sent).await), json!({"html_open": [], "pull": []}));
    let later = json!([{"customer_reference": "c-1", "html_open": true, "opt_out": true}]);
    stub.control(reqwest::Method::POST, "outcomes", Some(later)).await;
    let seen = events(&status(&stub, &sent).await);
    assert!(seen["html_open"][0]["time"].is_string() && seen["opt_out"]["time"].is_string(), "{seen}");
    assert_eq!(seen.get("dsn"), None);
    // the newest word counts, and another message is not concerned
    let bounce = json!([{"job_id": sent, "outcome": "bounced"}]);
    stub.control(reqwest::Method::POST, "outcomes", Some(bounce)).await;
    assert_eq!(events(&status(&stub, &sent).await)["dsn"]["status"], "5.1.1");
    stub.set("outcomes", json!([{"email": "zoe@example.com", "delay_ms": 60_000}])).await;
    assert_eq!(status(&stub, &sent).await["job_state"], json!(["Active"]));
    let other = job(&stub, "max@example.com").await;
    assert_eq!(status(&stub, &other).await["job_state"], json!(["Complete", "Posted"]));
}

#[tokio::test]
async fn events_come_in_the_shape_that_a_test_asks_for() {
    let stub = exstream(ExstreamOptions::default()).await;
    let sent = job(&stub, "zoe@example.com").await;
    stub.set("outcomes", json!([{"job_id": sent, "outcome": "returned", "html_open": true}])).await;
    for (shape, dsn, open, opt_out) in [
        ("documented", "/dsn/status", "/html_open/0/time", None),
        ("lists", "/dsn/0/status", "/html_open/0/time", Some(json!([]))),
        ("objects", "/dsn/status", "/html_open/time", Some(json!({}))),
        ("nulls", "/dsn/status", "/html_open/time", Some(Value::Null)),
    ] {
        stub.set("settings", json!({"event_shape": shape})).await;
        let delivery = status(&stub, &sent).await["deliveries"][0].take();
        let events = &delivery["events"]["email_delivery_events"];
        assert!(events.pointer(dsn).is_some() && events.pointer(open).is_some(), "{shape}: {events}");
        assert_eq!(events.get("opt_out"), opt_out.as_ref(), "{shape}");
        assert_eq!(delivery["delivery_attempts"][0]["state"], "Sent", "returned after it was sent");
    }
    stub.set("outcomes", json!([{"job_id": sent, "outcome": "gone"}])).await;
    assert_eq!(status(&stub, &sent).await["error"]["code"], "not_found");
}
