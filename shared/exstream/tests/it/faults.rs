//! Answers that are not documents: each is named and classified.

use crate::support::{DRIVER, Server, answer, compose, config, envelope, json};
use comms::{Class, Classify};
use exstream::ExstreamError;
use std::time::Duration;

async fn error(status: u16, media_type: &'static str, body: String, document: &str) -> ExstreamError {
    let server = Server::start(move |_| answer(status, media_type, body.clone())).await;
    let error = compose(&config(&server.base, "", document)).await.unwrap_err();
    for private in ["Zoë", "Öztürk", "1001", DRIVER] {
        assert!(!format!("{error} {error:?}").contains(private), "{error:?}");
    }
    error
}

async fn named(status: u16, body: &str) -> (String, Class, bool) {
    let error = error(status, "application/json", body.to_owned(), "").await;
    (error.to_string(), error.class(), error.may_have_acted())
}

fn named_as(text: &str, class: Class, acted: bool) -> (String, Class, bool) {
    (text.to_owned(), class, acted)
}

#[tokio::test]
async fn failure_statuses() {
    let first = r#"{"timestamp":1,"status":404,"message":"Communication of Zoë Öztürk not found","error":"Not Found","errorCode":1205,"path":"/x"}"#;
    let second = r#"{"status":"error","data":[{"errorMessage":"bad mapping for '#1001'","statusCode":"400","engineOutputContext":{}}]}"#;
    let gateway =
        r#"{"fault":{"faultstring":"Invalid ApiKey","detail":{"errorcode":"oauth.v2.InvalidApiKey"}}}"#;
    let now = Class::transient();
    for (status, body, expected) in [
        (
            404,
            first,
            named_as(
                "Exstream refused the request: status 404, 1205, Communication of * * not found",
                now,
                false,
            ),
        ),
        (
            400,
            second,
            named_as(
                "Exstream refused the request: status 400, bad mapping for '#*'",
                Class::Permanent,
                false,
            ),
        ),
        (422, "neither", named_as("Exstream refused the request: status 422", Class::Permanent, false)),
        (
            401,
            gateway,
            named_as(
                "Exstream does not accept the credentials: status 401, oauth.v2.InvalidApiKey, Invalid ApiKey",
                now,
                false,
            ),
        ),
        (403, "", named_as("Exstream does not accept the credentials: status 403", now, false)),
        (408, "", named_as("Exstream cannot serve the request now: status 408", now, false)),
        (302, "", named_as("Exstream cannot serve the request now: status 302", now, false)),
        (500, "<html>", named_as("Exstream cannot serve the request now: status 500", now, true)),
        (503, "", named_as("Exstream cannot serve the request now: status 503", now, true)),
    ] {
        assert_eq!(named(status, body).await, expected);
    }
}

#[tokio::test]
async fn too_many_requests_says_when() {
    let server = Server::start(|_| {
        let mut busy = json(429, "");
        busy.headers_mut().insert("retry-after", "7".parse().unwrap());
        busy
    })
    .await;
    let error = compose(&config(&server.base, "", "")).await.unwrap_err();
    assert_eq!(error.class(), Class::Transient { retry_after: Some(Duration::from_secs(7)) });
    assert!(!error.may_have_acted());
}

#[tokio::test]
async fn success_that_is_none() {
    let cases = [
        (
            r#"{"status":"error","data":[{"errorMessage":"engine SEVERE","statusCode":"404"}]}"#,
            "Exstream refused the request: status 404, engine SEVERE",
            Class::transient(),
        ),
        (
            r#"{"status":"error","data":[{"errorMessage":"no","statusCode":"401"}]}"#,
            "Exstream does not accept the credentials: status 401, no",
            Class::transient(),
        ),
        (r#"{"status":"error","data":[]}"#, "Exstream reports a failed composition", Class::transient()),
        (
            r#"{"status":500,"message":"x","errorCode":3}"#,
            "Exstream cannot serve the request now: status 500, 3, x",
            Class::transient(),
        ),
        (
            r#"{"fault":{"faultstring":"Spike arrest"}}"#,
            "Exstream reports a failed composition, Spike arrest",
            Class::transient(),
        ),
        (
            r#"{"status":"success","data":[]}"#,
            "Exstream reports success and returns no output",
            Class::Permanent,
        ),
        (r#"{"status":"success"}"#, "Exstream reports success and returns no output", Class::Permanent),
        (
            r#"{"status":"success","data":[{"mimeType":"application/pdf"}]}"#,
            "output 0 has no content",
            Class::Permanent,
        ),
        (
            r#"{"status":"success","data":[{"content":"","mimeType":"application/pdf"}]}"#,
            "output 0 has no content",
            Class::Permanent,
        ),
        (
            r#"{"status":"success","data":[{"content":"?","mimeType":"application/pdf"}]}"#,
            "the content of output 0 is not base64",
            Class::Permanent,
        ),
        (
            r#"{"status":"success","data":[{"content":"aGVsbG8="}]}"#,
            "expected application/pdf, got no media type",
            Class::transient(),
        ),
        (
            r#"{"status":"success","data":[{"content":"aGVsbG8=","mimeType":"application/pdf"}]}"#,
            "the output does not look like application/pdf",
            Class::Permanent,
        ),
        ("{}", "the answer is not one of Exstream's: an envelope without a status", Class::transient()),
        (
            "<html>maintenance</html>",
            "the answer is not one of Exstream's: not the documented JSON",
            Class::transient(),
        ),
        (
            r#"{"status":"success","data":[{"content":"JVBERi0"#,
            "Exstream's answer of 47 bytes is cut off",
            Class::Unknown,
        ),
        ("", "Exstream's answer of 0 bytes is cut off", Class::Unknown),
    ];
    for (body, text, class) in cases {
        let (found, found_class, _) = named(200, body).await;
        assert_eq!((found.as_str(), found_class), (text, class), "{body}");
    }
}

#[tokio::test]
async fn the_media_type_must_be_the_expected_one() {
    let html = "output = \"text/html\"";
    let wrong = error(200, "application/json", envelope("application/pdf", b"%PDF-"), html).await;
    assert_eq!(
        (wrong.to_string().as_str(), wrong.class()),
        ("expected text/html, got application/pdf", Class::transient())
    );
    let empty = error(200, "application/json", envelope("text/html", b" \n"), html).await;
    assert_eq!(empty.to_string(), "the output does not look like text/html");
    let raw = error(200, "text/html", "<html>login</html>".to_owned(), "answer = \"raw\"").await;
    assert_eq!(
        (raw.to_string().as_str(), raw.class()),
        ("expected application/pdf, got text/html", Class::transient())
    );
    let raw = error(200, "application/pdf", "<html>".to_owned(), "answer = \"raw\"").await;
    assert_eq!(raw.to_string(), "the output does not look like application/pdf");
    let raw = error(
        200,
        "application/json",
        r#"{"status":"error","data":[{"statusCode":"404"}]}"#.to_owned(),
        "answer = \"raw\"",
    )
    .await;
    assert_eq!(raw.to_string(), "Exstream refused the request: status 404");
}

#[tokio::test]
async fn two_outputs_of_the_expected_type_are_one_too_many() {
    let one = r#"{"content":"JVBERi0=","mimeType":"application/pdf"}"#;
    let body = format!(r#"{{"status":"success","data":[{one},{one}]}}"#);
    assert_eq!(
        named(200, &body).await,
        named_as(
            "Exstream returned 2 outputs of application/pdf: configure the communication to make one, or `outputs` with the queue of each",
            Class::transient(),
            true,
        )
    );
}

#[tokio::test]
async fn the_service_gateway_may_fail_too() {
    for (body, text) in [
        (r#"{"status":"failure","data":{}}"#, "Exstream reports a failed composition"),
        (r#"{"status":"","data":{"result":[]}}"#, "Exstream reports success and returns no output"),
        (
            r#"{"status":"","data":{"result":[{"content":{"data":"","contentType":"application/pdf","empty":true}}]}}"#,
            "output 0 has no content",
        ),
        (r#"{"status":"","data":{"result":[{}]}}"#, "output 0 has no content"),
        (r#"{"status":"","data":{"result":[{"#, "Exstream's answer of 32 bytes is cut off"),
    ] {
        let server = Server::start(move |_| json(200, body)).await;
        assert_eq!(compose(&config(&server.base, "sgw", "")).await.unwrap_err().to_string(), text);
    }
}

#[tokio::test]
async fn settings_that_cannot_be_sent_are_named_before_anything_is() {
    for (exstream, document) in [
        ("headers = { \"a b\" = \"c\" }", ""),
        ("headers = { a = \"b\\nc\" }", ""),
        ("path = \"/{nobody}\"", ""),
        ("service = \"..\"", ""),
        ("", "empower_user = \"a\\nb\""),
    ] {
        let error = compose(&config("http://127.0.0.1:1", exstream, document)).await.unwrap_err();
        assert!(matches!(error, ExstreamError::Settings(_)), "{error}");
        assert_eq!((error.class(), error.may_have_acted()), (Class::transient(), false));
    }
}
