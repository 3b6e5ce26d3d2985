//! Requests as they are sent and successful answers as they are read.

use crate::support::{
    DRIVER, PDF, Server, answer, at, client_credentials, compose, compose_with, config, document, envelope,
    exstream, json,
};
use exstream::{Budget, ComposeCall, Credentials};
use shop_config::Use;
use std::time::{Duration, Instant};

async fn request(exstream: &str, document: &str) -> String {
    let server = Server::start(|seen| match seen.target.contains("token") {
        true => json(200, r#"{"access_token":"tok","expires_in":900}"#),
        false => json(200, envelope("application/pdf", PDF)),
    })
    .await;
    let exstream_settings = exstream.replace("BASE", &server.base);
    let config = config(&server.base, &exstream_settings, document);
    let credentials = if exstream.contains("token") { client_credentials() } else { Credentials::None };
    // the service gateway reads another shape; what it was asked is all that matters here
    let _ = compose_with(&crate::support::exstream(), &config, &credentials, Duration::from_secs(10)).await;
    server.seen().last().unwrap().text()
}

#[tokio::test]
async fn orchestration_json() {
    let token = r#"token = { mode = "gateway_json", url = "BASE/token" }
        headers = { "X-CSRF" = "1", flow-variable = "a" }"#;
    insta::assert_snapshot!(request(token, "empower_user = \"svc\"").await);
}

#[tokio::test]
async fn orchestration_xml() {
    insta::assert_snapshot!(request("service = \"channel 1\"", "driver_format = \"xml\"").await);
}

#[tokio::test]
async fn orchestration_raw() {
    insta::assert_snapshot!(request("path = \"/{tenant}/in/{service}\"", "answer = \"raw\"").await);
}

#[tokio::test]
async fn sgw() {
    insta::assert_snapshot!(request("sgw", "driver_format = \"xml\"").await);
}

/// Nobody would know what became of a document written to a connection that died while the process was frozen.
#[tokio::test]
async fn only_a_request_that_sends_asks_for_its_own_connection() {
    let server = Server::start(|_| json(200, envelope("application/pdf", PDF))).await;
    let config = config(&server.base, "", "");
    for (sends, connection) in [(false, None), (true, Some("close"))] {
        let call = ComposeCall {
            shop: &config.shop,
            settings: &config.exstream,
            document: document(&config),
            credentials: &Credentials::None,
            driver: DRIVER.into(),
            sends,
            now: at(0),
            budget: Budget::new(Duration::from_secs(10)),
        };
        exstream().compose(call).await.unwrap();
        assert_eq!(server.seen().last().unwrap().header("connection"), connection);
    }
}

#[tokio::test]
async fn an_envelope_gives_the_listed_outputs_with_their_context() {
    let body = r#"{"status":"success","data":[
        {"content":"PGgxPg==","mimeType":"text/html","engineOutputContext":{"queueName":"Mail","fileName":"","customerNumber":"7"}},
        {"content":"JVBERi0x\r\nLjcgaGVsbG8=","mimeType":"Application/PDF;v=1","extra":1}]}"#;
    let server = Server::start(move |_| json(200, body)).await;
    let composed = compose(&config(&server.base, "", "")).await.unwrap();
    let [only] = &composed.outputs[..] else { panic!("{composed:?}") };
    assert_eq!((&only.output.bytes[..], only.output.mime_type.as_str()), (PDF, "application/pdf"));
    assert_eq!(
        (&only.output.queue, &only.output.file_name, &only.output.customer_number),
        (&None, &None, &None)
    );
    assert_eq!(only.uses, []);

    let outputs = r#"outputs = [
        { use = "archive", media_type = "application/pdf" },
        { use = "web", media_type = "text/html", queue = "Mail" }]"#;
    let composed = compose(&config(&server.base, "", outputs)).await.unwrap();
    let [pdf, html] = &composed.outputs[..] else { panic!("{composed:?}") };
    assert_eq!((&pdf.output.bytes[..], &pdf.uses[..]), (PDF, &[Use::Archive][..]));
    assert_eq!(
        (html.output.queue.as_deref(), &html.output.file_name, html.output.customer_number.as_deref()),
        (Some("Mail"), &None, Some("7"))
    );
    assert!(!server.seen()[1].text().contains("accept: text/html"), "one request, for all of them");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn raw_answers_are_the_document_and_may_still_be_envelopes() {
    let raw = Server::start(|_| {
        let mut raw = answer(200, "application/pdf; charset=x", PDF);
        raw.headers_mut().insert("content-disposition", "attachment; filename=\"x/a.pdf\"".parse().unwrap());
        raw
    })
    .await;
    let composed = compose(&config(&raw.base, "", "answer = \"raw\"")).await.unwrap();
    assert_eq!(
        (&composed.outputs[0].output.bytes[..], composed.outputs[0].output.file_name.as_deref()),
        (PDF, Some("a.pdf"))
    );

    let enveloped = Server::start(|_| json(200, envelope("application/pdf", PDF))).await;
    let composed = compose(&config(&enveloped.base, "", "answer = \"raw\"")).await.unwrap();
    assert_eq!(
        (&composed.outputs[0].output.bytes[..], composed.outputs[0].output.queue.as_deref()),
        (PDF, Some("PDF"))
    );
}

#[tokio::test]
async fn the_service_gateways_answer_is_read() {
    let body = r#"{"status":"","data":{"id":"1","attributeMap":{},"result":[{"Content-Disposition":["attachment; filename=\"b.pdf\""],"content":{"data":"JVBERi0xLjcgaGVsbG8=","contentType":"application/pdf","empty":false}}]}}"#;
    let server = Server::start(move |_| json(200, body)).await;
    let composed = compose(&config(&server.base, "sgw", "")).await.unwrap();
    assert_eq!(
        (&composed.outputs[0].output.bytes[..], composed.outputs[0].output.file_name.as_deref()),
        (PDF, Some("b.pdf"))
    );
}

#[tokio::test]
async fn seven_megabytes_fit() {
    let pdf: Vec<u8> = PDF.iter().copied().cycle().take(7 * 1024 * 1024).collect();
    let body = axum::body::Bytes::from(envelope("application/pdf", &pdf));
    let server = Server::start(move |_| json(200, body.clone())).await;
    let config = config(&server.base, "", "");
    let begun = Instant::now();
    let composed =
        compose_with(&exstream(), &config, &Credentials::None, Duration::from_secs(30)).await.unwrap();
    println!("7 MB PDF composed in {:?}", begun.elapsed());
    assert_eq!(composed.outputs[0].output.bytes, pdf);
}

#[test]
fn the_future_can_move_between_threads() {
    fn assert_send(_: impl Send) {}
    let config = config("http://127.0.0.1:1", "", "");
    let exstream = exstream();
    assert_send(compose_with(&exstream, &config, &Credentials::None, Duration::ZERO));
}
