//! Core Messaging: what is sent, and what each answer says about whether it was taken.

use crate::support::{Fixture, Server, answer, channels};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use comms::{Class, Classify, Document, MessageClass};
use delivery::{Accepted, AskCall, DeliveryError, JobStatus, SendCall, SendOutput, SendStatus, StatusCall};
use exstream::ExchangeError;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use shop_config::{Channel, Use};
use std::{collections::BTreeMap, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

const HTML: (&str, &[u8]) = ("text/html", b"<h1>Bonjour</h1>");
const PDF: (&str, &[u8]) = ("application/pdf", b"%PDF-1.7 hello");
const TAKEN: &str = r#"{"job_id":"xsi-1234567"}"#;

/// A token service and a Core Messaging that answers `status` and `body`.
async fn messaging(status: u16, body: &'static str) -> Server {
    Server::start(move |seen| match seen.target.as_str() {
        "POST /token" => answer(200, r#"{"access_token":"tok","expires_in":900}"#),
        _ => answer(status, body),
    })
    .await
}

async fn send(fixture: &Fixture) -> Result<Accepted, DeliveryError> {
    channels("http://127.0.0.1:1").await.send(fixture.call(Channel::Email)).await
}

async fn sent(fixture: impl FnOnce(&str) -> Fixture) -> String {
    let server = messaging(202, TAKEN).await;
    let accepted = send(&fixture(&server.base)).await.unwrap();
    assert_eq!(accepted.reference, "xsi-1234567");
    let seen = server.seen().pop().unwrap();
    let headers = ["accept", "authorization", "connection", "content-type", "x-mra-submitid"]
        .map(|name| format!("{name}: {}", seen.header(name).unwrap().replace("tok", "[token]")));
    let json: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
    format!("{}\n{}\n\n{}", seen.target, headers.join("\n"), serde_json::to_string_pretty(&json).unwrap())
}

#[tokio::test]
async fn an_html_document_is_the_body() {
    insta::assert_snapshot!(sent(|base| Fixture::new(base, HTML.0, HTML.1)).await);
}

#[tokio::test]
async fn a_pdf_document_is_attached() {
    insta::assert_snapshot!(sent(|base| Fixture::new(base, PDF.0, PDF.1)).await);
}

/// The shop's own words, in the recipient's language.
#[tokio::test]
async fn the_shop_words_the_message_and_names_the_file() {
    let request = sent(|base| {
        let mut fixture = Fixture::new(base, PDF.0, PDF.1);
        let settings = fixture.config.documents.get_mut(&Document::OrderConfirmation).unwrap();
        let texts = |en: &str, fr: &str| [("en".to_owned(), en.to_owned()), ("fr".to_owned(), fr.to_owned())];
        settings.message =
            texts("Hello", "Bonjour,\n\nvotre commande {order} est confirmée.\n{brand}").into();
        settings.file_name = texts("Order {order}.pdf", "Commande {order}.pdf").into();
        // what is filled in is neither a placeholder nor a path
        fixture.order_name = Some("../{brand}\r\nBcc: x".to_owned());
        fixture
    })
    .await;
    let request: serde_json::Value = serde_json::from_str(request.split("\n\n").last().unwrap()).unwrap();
    assert_eq!(request["attachments"][0]["name"], "Commande ..-{brand} Bcc- x.pdf");
    let text = BASE64_STANDARD.decode(request["body"][0]["data"].as_str().unwrap()).unwrap();
    assert_eq!(
        String::from_utf8(text).unwrap(),
        "Bonjour,\n\nvotre commande ../{brand} Bcc: x est confirmée.\nAcme\n"
    );
}

/// A page as the text, and what is for other channels stays away.
#[tokio::test]
async fn each_output_has_its_place_in_the_message() {
    let server = messaging(202, TAKEN).await;
    let fixture = Fixture::new(&server.base, HTML.0, HTML.1);
    let pdf = Bytes::from_static(PDF.1);
    let sha256 = hex::encode(Sha256::digest(PDF.1));
    let (named, unnamed) = (
        BTreeMap::from(
            [("en", "Terms {order}.pdf"), ("fr", "Conditions.pdf")]
                .map(|(l, t)| (l.to_owned(), t.to_owned())),
        ),
        BTreeMap::new(),
    );
    let of = |uses, file_name| SendOutput {
        uses,
        media_type: PDF.0,
        bytes: &pdf,
        sha256: &sha256,
        queue: None,
        pages: None,
        file_name,
    };
    let attached: &[Use] = &[Use::EmailAttachment, Use::Web];
    let outputs = [
        of(attached, &unnamed),
        SendOutput { uses: &[Use::EmailBody], ..fixture.output() },
        of(&[Use::Print], &unnamed),
        of(attached, &named),
        of(attached, &unnamed),
    ];
    let call = SendCall { outputs: &outputs, ..fixture.call(Channel::Email) };
    let channels = channels("http://127.0.0.1:1").await;
    channels.send(call).await.unwrap();
    let request: serde_json::Value = serde_json::from_slice(&server.seen().pop().unwrap().body).unwrap();
    let names = |what: &str| -> Vec<String> {
        request[what].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("body"), ["document.html"]);
    assert_eq!(names("attachments"), ["1001.pdf", "Conditions.pdf", "1001-2.pdf"], "no two have one name");

    let seen = server.seen().len();
    let changed = Bytes::from_static(b"%PDF-1.7 other");
    let mut other = outputs;
    other[2].bytes = &changed;
    let error = channels.send(SendCall { outputs: &other, ..call }).await.unwrap_err();
    assert!(matches!(error, DeliveryError::NotArchived), "not even one that it does not take: {error}");
    let error = channels.send(SendCall { outputs: &outputs[2..3], ..call }).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "nothing was composed for the channel `email`: no output is for `email-body`"
    );
    assert_eq!(error.class(), Class::Permanent);
    assert_eq!(server.seen().len(), seen);
}

#[tokio::test]
async fn hostile_names_stay_in_their_place() {
    let text = sent(|base| {
        let mut fixture = Fixture::new(base, PDF.0, PDF.1);
        fixture.order_name = Some("../#1\r\nBcc: x@y.z{order}\0\"".to_owned());
        fixture.recipient.locale = "de".to_owned();
        fixture
    })
    .await;
    assert!(text.contains(r#""subject": "Your order ../#1 Bcc: x@y.z{order} \"""#), "{text}");
    assert!(text.contains(r#""name": "1--Bcc--x-y-z-order.pdf""#), "{text}");
}

#[tokio::test]
async fn what_must_not_be_sent_is_not() {
    let server = messaging(200, TAKEN).await;
    let mut nobody = Fixture::new(&server.base, HTML.0, HTML.1);
    nobody.recipient.email = Some("zoe@example.com\r\nBcc: x@y.z".to_owned());
    let mut other_bytes = Fixture::new(&server.base, HTML.0, HTML.1);
    other_bytes.content = "<h1>Adieu</h1>".into();
    let empower = Fixture::new(&server.base, "application/vnd.exstream-empower", b"x");
    for (fixture, expected) in [
        (nobody, "the recipient has no usable e-mail address"),
        (other_bytes, "the bytes to send are not the archived ones"),
        (empower, "email cannot carry application/vnd.exstream-empower"),
    ] {
        let error = send(&fixture).await.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.class()), (expected, Class::Permanent));
    }
    assert!(server.seen().is_empty());
}

/// The table of docs/guarantees.md. Only what proves that nothing was taken is sent again.
#[tokio::test]
async fn each_answer_says_whether_the_message_was_taken() {
    let fault = |code: &str| {
        let fault = serde_json::json!({"fault": {"faultstring": "no", "detail": {"errorcode": code}}});
        fault.to_string()
    };
    let flow = |code: &str| fault(&format!("messaging.adaptors.http.flow.{code}"));
    let page = || "<html><head><title>502 Bad Gateway</title></head></html>".to_owned();
    let (not_taken, doubt, refused) = (Class::transient(), Class::Unknown, Class::Permanent);
    for (status, body, class) in [
        (400, String::new(), refused),
        (404, page(), refused),
        (413, page(), refused),
        (422, r#"{"error":{"code":"invalid_request"}}"#.to_owned(), refused),
        (403, String::new(), not_taken),
        (408, String::new(), not_taken),
        (429, String::new(), not_taken),
        (429, fault("policies.ratelimit.QuotaViolation"), not_taken),
        (500, fault("policies.ratelimit.SpikeArrestViolation"), not_taken),
        // a gateway that lost the service in the middle of a request, and one that never reached it, say the same
        (503, flow("ServiceUnavailable"), doubt),
        // said, too, after a first target had the request and the last one was given up
        (503, flow("NoActiveTargets"), doubt),
        (503, flow("SslHandshakeFailed"), doubt),
        (502, flow("UnexpectedEOFAtTarget"), doubt),
        (504, flow("GatewayTimeout"), doubt),
        (500, fault("steps.javascript.ScriptExecutionFailed"), doubt),
        (503, r#"{"status":503,"error":"Service Unavailable"}"#.to_owned(), doubt),
        (503, r#"{"error":"busy","job_id":"xsi-1"}"#.to_owned(), doubt),
        (500, r#"{"error":{"code":"internal_error"}}"#.to_owned(), doubt),
        (500, page(), doubt),
        (502, page(), doubt),
        (502, String::new(), doubt),
        (503, page(), doubt),
        (504, page(), doubt),
        (520, page(), doubt),
        (302, String::new(), doubt),
        (200, String::new(), doubt),
        (200, page(), doubt),
        (200, "{}".to_owned(), doubt),
        (202, r#"{"job_id":""}"#.to_owned(), doubt),
    ] {
        let server = {
            let body = body.clone();
            Server::start(move |seen| match seen.target.as_str() {
                "POST /token" => answer(200, r#"{"access_token":"tok","expires_in":900}"#),
                _ => answer(status, body.clone()),
            })
            .await
        };
        let error = send(&Fixture::new(&server.base, HTML.0, HTML.1)).await.unwrap_err();
        assert_eq!(error.class(), class, "{status} {body}: {error}");
        assert!(!format!("{error:?}").contains("zoe"));
        assert_eq!(server.targets(), ["POST /token", "POST /mra/v1/outbound/emails"], "sent once");
    }
}

/// Varnish and others add it to a failure that came after the request was passed on.
#[tokio::test]
async fn retry_after_is_no_proof_that_nothing_was_taken() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "POST /token" => answer(200, r#"{"access_token":"tok","expires_in":900}"#),
        _ => {
            let mut page = answer(503, "<html>Backend fetch failed</html>");
            page.headers_mut().insert("retry-after", "5".parse().unwrap());
            page
        }
    })
    .await;
    let error = send(&Fixture::new(&server.base, HTML.0, HTML.1)).await.unwrap_err();
    assert_eq!(error.class(), Class::Unknown, "{error}");
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let server = messaging(401, "").await;
    let error = send(&Fixture::new(&server.base, HTML.0, HTML.1)).await.unwrap_err();
    assert!(matches!(error, DeliveryError::Unauthorized { status: 401 }), "{error}");
    assert_eq!(error.class(), Class::transient());
    assert_eq!(server.seen().len(), 4);
}

/// Core Messaging that reads the message, writes `half` and then hangs or hangs up.
async fn broken(half: &'static str, hang: bool) -> DeliveryError {
    let tokens = messaging(500, "").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut read = Vec::new();
        while !read.ends_with(b"}]}") {
            assert_ne!(socket.read_buf(&mut read).await.unwrap(), 0);
        }
        socket.write_all(half.as_bytes()).await.unwrap();
        if hang {
            std::future::pending::<()>().await;
        }
    });
    let mut fixture = Fixture::new(&tokens.base, HTML.0, HTML.1);
    fixture.config.delivery.email.as_mut().unwrap().base_url = base.parse().unwrap();
    fixture.timeout = Duration::from_millis(if hang { 300 } else { 10_000 });
    send(&fixture).await.unwrap_err()
}

#[tokio::test]
async fn once_the_message_has_left_no_answer_means_nobody_knows() {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"job_id\":";
    for (half, hang) in [("", true), ("", false), (half, true), (half, false)] {
        let error = broken(half, hang).await;
        assert_eq!(error.class(), Class::Unknown, "{error:?}");
    }
}

/// No listener, no such host, and a server that does not speak TLS.
#[tokio::test]
async fn before_it_has_left_nothing_was_sent() {
    let tokens = messaging(500, "").await;
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for base in [
        format!("http://{free}"),
        "https://core-messaging.invalid".to_owned(),
        tokens.base.replace("http://", "https://"),
    ] {
        let mut fixture = Fixture::new(&tokens.base, HTML.0, HTML.1);
        fixture.config.delivery.email.as_mut().unwrap().base_url = base.parse().unwrap();
        let error = send(&fixture).await.unwrap_err();
        assert!(matches!(error, DeliveryError::Exchange(ExchangeError::NotSent { .. })), "{base}: {error:?}");
        assert_eq!(error.class(), Class::transient());
    }
}

/// HTTP Basic stands in place of a token, for the message as for the question about it.
#[tokio::test]
async fn core_messaging_takes_http_basic() {
    let status = include_str!("../fixtures/email-status.json").replace("xsi-1234567", "xsi-1&x=y");
    let server = Server::start(move |seen| match seen.target.as_str() {
        "POST /mra/v1/outbound/emails" => answer(202, TAKEN),
        _ => answer(200, status.clone()),
    })
    .await;
    let mut fixture = Fixture::new(&server.base, HTML.0, HTML.1);
    fixture.config.delivery.email.as_mut().unwrap().token = shop_config::Token::Basic;
    send(&fixture).await.unwrap();
    let outcome = channels("http://127.0.0.1:1").await.job_status(status_call(&fixture)).await.unwrap();
    assert_eq!(outcome.status, JobStatus::Delivered);
    assert_eq!(server.seen().len(), 2, "no token is asked for");
    for seen in server.seen() {
        assert_eq!(seen.header("authorization"), Some("Basic aWQ6czNjcmV0"), "{}", seen.target);
    }
}

#[tokio::test]
async fn whether_core_messaging_answers_at_all_is_told_from_a_gateways_word() {
    for (status, body, expected) in [
        (404, r#"{"error":{"code":"not_found"}}"#, true),
        (400, "", true),
        (200, "{}", true),
        (200, "<html>Please sign in</html>", false),
        (302, "", false),
        (502, "<html>", false),
        (503, "", false),
    ] {
        let server = messaging(status, body).await;
        let fixture = Fixture::new(&server.base, HTML.0, HTML.1);
        let answers = channels("http://127.0.0.1:1").await.messaging_answers(status_call(&fixture)).await;
        assert_eq!(answers, expected, "{status} {body}");
        assert!(server.targets()[1].starts_with("GET "), "a question sends nothing");
    }
    let fixture = Fixture::new("http://127.0.0.1:1", HTML.0, HTML.1);
    assert!(!channels("http://127.0.0.1:1").await.messaging_answers(status_call(&fixture)).await);
}

#[tokio::test]
async fn neither_email_nor_exstream_can_tell() {
    let fixture = Fixture::new("http://127.0.0.1:1", HTML.0, HTML.1);
    for channel in [Channel::Email, Channel::Exstream] {
        let call = fixture.call(channel);
        let ask = AskCall {
            shop: call.shop,
            document: call.document,
            communication: call.communication,
            channel,
            media_type: call.outputs[0].media_type,
            dated: call.dated,
            now: call.dated,
            timeout: Duration::from_secs(10),
        };
        assert_eq!(channels("http://127.0.0.1:1").await.ask(ask).await.unwrap(), SendStatus::CannotTell);
    }
    let sent = channels("http://127.0.0.1:1").await.send(fixture.call(Channel::Exstream)).await.unwrap();
    assert_eq!(sent.reference, "exstream", "composing was sending");
}

fn status_call(fixture: &Fixture) -> StatusCall<'_> {
    StatusCall {
        shop: &fixture.shop,
        channel: Channel::Email,
        settings: fixture.config.delivery.messaging(Channel::Email, MessageClass::Transactional).unwrap(),
        credentials: &fixture.credentials,
        job_id: "xsi-1&x=y",
        now: Timestamp::UNIX_EPOCH,
        timeout: Duration::from_secs(10),
    }
}

async fn status(server: &Server) -> Result<JobStatus, DeliveryError> {
    let fixture = Fixture::new(&server.base, HTML.0, HTML.1);
    let outcome = channels("http://127.0.0.1:1").await.job_status(status_call(&fixture)).await;
    outcome.map(|outcome| outcome.status)
}

#[tokio::test]
async fn a_jobs_status_is_asked_for_and_read() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "POST /token" => answer(200, r#"{"access_token":"tok","expires_in":900}"#),
        _ => answer(200, include_str!("../fixtures/email-status.json").replace("xsi-1234567", "xsi-1&x=y")),
    })
    .await;
    assert_eq!(status(&server).await.unwrap(), JobStatus::Delivered);
    assert_eq!(server.targets()[1], "GET /mra/v1/outbound/emails/status?job_id=xsi-1%26x%3Dy");
    for code in [500, 503] {
        assert_eq!(status(&messaging(code, "").await).await.unwrap_err().class(), Class::transient());
    }
    for none in ["<html>", "{}", r#"{"error":{"code":"internal_error","message":"no"}}"#] {
        let error = status(&messaging(200, none).await).await.unwrap_err();
        assert!(matches!(error, DeliveryError::Unintelligible), "{none}: {error}");
    }
    let anothers = status(&messaging(200, include_str!("../fixtures/email-status.json")).await).await;
    assert!(matches!(anothers, Err(DeliveryError::Unintelligible)), "{anothers:?}");
}

/// A job is forgotten after a while; a gateway without a route says 404, too, but not that.
#[tokio::test]
async fn a_job_that_is_gone_is_told_from_a_gateway_that_does_not_know_the_way() {
    let gone = messaging(404, r#"{"error":{"code":"not_found","message":"the job does not exist"}}"#).await;
    assert_eq!(status(&gone).await.unwrap(), JobStatus::Gone);
    for page in ["", "<html><h1>404 Not Found</h1></html>"] {
        let error = status(&messaging(404, page).await).await.unwrap_err();
        assert!(matches!(error, DeliveryError::Refused { status: 404 }), "{page}: {error}");
    }
}

/// Marketing never goes without the link that ends it: where the shop says, or at the end.
#[tokio::test]
async fn a_text_of_marketing_has_the_link_that_ends_it() {
    const URL: &str = "https://documents.example/u/token";
    for (text, expected) in [
        (None, "Your order #1001\n\nAcme\n\nUnsubscribe: https://documents.example/u/token\n"),
        (Some("News."), "News.\n\nUnsubscribe: https://documents.example/u/token\n"),
        (Some("No more: {unsubscribe}\nBye"), "No more: https://documents.example/u/token\nBye\n"),
    ] {
        let server = messaging(202, TAKEN).await;
        let mut fixture = Fixture::new(&server.base, PDF.0, PDF.1);
        fixture.recipient.locale = "en".to_owned();
        if let Some(text) = text {
            let settings = fixture.config.documents.values_mut().next().unwrap();
            settings.message = [("en".to_owned(), text.to_owned())].into();
        }
        let call = SendCall { unsubscribe_url: Some(URL), ..fixture.call(Channel::Email) };
        channels("http://127.0.0.1:1").await.send(call).await.unwrap();
        let sent = server.seen().pop().unwrap();
        let message: serde_json::Value = serde_json::from_slice(&sent.body).unwrap();
        let data = message["body"][0]["data"].as_str().unwrap();
        assert_eq!(String::from_utf8(BASE64_STANDARD.decode(data).unwrap()).unwrap(), expected);
    }
}
