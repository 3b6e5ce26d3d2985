//! The stand-in's SMS and WhatsApp: what it takes, what it refuses, and what it says of a message afterwards.

use crate::support::{Stub, exstream};
use reqwest::Response;
use serde_json::{Value, json};
use std::time::Duration;
use stub_exstream::ExstreamOptions;
use stub_http::{Fault, FaultKind};

const SMS: &str = "/mra/v1/outbound/sms";
const WHATSAPP: &str = "/mra/v1/outbound/whatsapp/template_message";

fn sms() -> Value {
    json!({
        "options": {"billing_code": "acme", "customer_reference": "c-1"},
        "destinations": [{"ref": "c-1", "sms": "0033612345678"}],
        "sms_text": "Your order",
    })
}

fn whatsapp() -> Value {
    let template = json!({"template_id": "t", "language_code": "en", "parameters": {"body[1]text": "#1001"}});
    json!({
        "destinations": [{"whatsapp": "+33612345678"}],
        "whatsapp_template_message": {"template_message": {"channel_template": {"WHATSAPP": template}}},
    })
}

async fn send(stub: &Stub, path: &str, message: &Value) -> Response {
    let request = stub.http.post(stub.url(path)).bearer_auth(stub.token().await);
    request.json(message).send().await.unwrap()
}

async fn job(stub: &Stub, path: &str, message: &Value) -> String {
    let answer: Value = send(stub, path, message).await.json().await.unwrap();
    answer["job_id"].as_str().unwrap().to_owned()
}

async fn status(stub: &Stub, family: &str, job: &str) -> Value {
    let url = stub.url(&format!("/mra/v1/outbound/{family}/status?job_id={job}"));
    stub.http.get(url).bearer_auth(stub.token().await).send().await.unwrap().json().await.unwrap()
}

async fn texts(stub: &Stub) -> usize {
    stub.look("texts").await["texts"].as_array().unwrap().len()
}

#[tokio::test]
async fn an_accepted_message_can_be_asked_for_by_its_own_channel() {
    let stub = exstream(ExstreamOptions::default()).await;
    for (path, family, message) in [(SMS, "sms", sms()), (WHATSAPP, "whatsapp", whatsapp())] {
        let first = job(&stub, path, &message).await;
        assert_ne!(first, job(&stub, path, &message).await, "nothing is deduplicated");
        let state = status(&stub, family, &first).await;
        assert_eq!(state["deliveries"][0]["delivery_attempts"][0]["state"], "Sent");
        for other in ["sms", "whatsapp", "emails"].into_iter().filter(|it| *it != family) {
            assert_eq!(status(&stub, other, &first).await["error"]["code"], "not_found", "{other}");
        }
    }
    assert_eq!(texts(&stub).await, 4);
}

#[tokio::test]
async fn what_no_sample_shows_is_refused() {
    let stub = exstream(ExstreamOptions::default()).await;
    let changed = |message: Value, change: fn(&mut Value)| {
        let mut message = message;
        change(&mut message);
        message
    };
    for message in [
        changed(sms(), |it| it["sms_text"] = json!("")),
        changed(sms(), |it| it["sms_text"] = json!(7)),
        changed(sms(), |it| it["destinations"][0]["sms"] = json!("06 12 34 56 78")),
        changed(sms(), |it| it["destinations"][0]["sms"] = json!("0612345678")),
        changed(sms(), |it| it["destinations"] = json!([])),
        changed(sms(), |it| it["options"]["message_id"] = json!("m")),
        changed(sms(), |it| it["unicode"] = json!(true)),
    ] {
        assert_eq!(send(&stub, SMS, &message).await.status(), 400, "{message}");
    }
    let template = "/whatsapp_template_message/template_message/channel_template/WHATSAPP";
    for (pointer, value) in [
        (format!("{template}/template_id"), json!(" ")),
        (format!("{template}/parameters"), json!({"header[1]text": "x"})),
        (format!("{template}/parameters"), json!({"body[1]text": 1})),
        ("/destinations/0".to_owned(), json!({"whatsapp": "+33612345678", "ref": "c-1"})),
    ] {
        let mut message = whatsapp();
        *message.pointer_mut(&pointer).unwrap() = value;
        assert_eq!(send(&stub, WHATSAPP, &message).await.status(), 400, "{message}");
    }
    let without = stub.http.post(stub.url(SMS)).json(&sms()).send().await.unwrap();
    assert_eq!(without.status(), 401);
    assert_eq!(texts(&stub).await, 0);
}

#[tokio::test]
async fn an_outcome_can_be_given_by_number_and_an_answer_be_lost() {
    let stub = exstream(ExstreamOptions::default()).await;
    stub.set("outcomes", json!([{"number": "0033612345678", "outcome": "bounced"}])).await;
    let bounced = job(&stub, SMS, &sms()).await;
    let attempt = status(&stub, "sms", &bounced).await["deliveries"][0]["delivery_attempts"][0].take();
    assert_eq!((&attempt["state"], &attempt["gamma_code"]), (&json!("Failed"), &json!(1103)));
    stub.fail(Fault::new("sms", FaultKind::TimeoutAfterSuccess).times(1)).await;
    let request = stub.http.post(stub.url(SMS)).bearer_auth(stub.token().await);
    let request = request.json(&sms()).timeout(Duration::from_millis(200));
    assert!(request.send().await.unwrap_err().is_timeout());
    assert_eq!(texts(&stub).await, 2);
}
