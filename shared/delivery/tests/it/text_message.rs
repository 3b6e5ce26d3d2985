//! SMS and WhatsApp: what is sent. What each answer means is shown for e-mail, by the same client.

use crate::support::{Fixture, LINK, Server, answer, channels};
use bytes::Bytes;
use comms::{Class, Classify, Document, MessageClass};
use delivery::{Accepted, DeliveryError, JobStatus, Phone, StatusCall};
use jiff::Timestamp;
use shop_config::Channel;
use std::{collections::BTreeMap, time::Duration};

const TAKEN: &str = r#"{"job_id":"usme-1234567"}"#;
const PDF: (&str, &[u8]) = ("application/pdf", b"%PDF-1.7 hello");

async fn messaging(status: u16, body: &'static str) -> Server {
    Server::start(move |seen| match seen.target.as_str() {
        "POST /token" => answer(200, r#"{"access_token":"tok","expires_in":900}"#),
        _ => answer(status, body),
    })
    .await
}

async fn send(fixture: &Fixture, channel: Channel) -> Result<Accepted, DeliveryError> {
    channels("http://127.0.0.1:1").await.send(fixture.call(channel)).await
}

/// The request that was sent, if one was.
async fn sent(channel: Channel, change: impl FnOnce(&mut Fixture)) -> Result<String, DeliveryError> {
    let server = messaging(202, TAKEN).await;
    let mut fixture = Fixture::new(&server.base, PDF.0, PDF.1);
    change(&mut fixture);
    let accepted = send(&fixture, channel).await;
    if accepted.is_err() {
        assert!(server.seen().is_empty(), "{:?}", server.targets());
    }
    assert_eq!(accepted?.reference, "usme-1234567");
    let seen = server.seen().pop().unwrap();
    assert_eq!(seen.header("connection"), Some("close"));
    assert_eq!(seen.header("x-mra-submitid"), None, "documented for e-mail only");
    let json: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
    Ok(format!("{}\n\n{}", seen.target, serde_json::to_string_pretty(&json).unwrap()))
}

fn receipt(fixture: &mut Fixture) -> &mut shop_config::DocumentConfig {
    fixture.config.documents.get_mut(&Document::OrderConfirmation).unwrap()
}

fn texts(fr: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("fr".to_owned(), fr.to_owned())])
}

#[tokio::test]
async fn a_text_message_is_the_shops_in_the_recipients_language() {
    insta::assert_snapshot!(sent(Channel::Sms, |_| {}).await.unwrap());
}

#[tokio::test]
async fn a_whatsapp_message_fills_the_places_of_its_template() {
    insta::assert_snapshot!(sent(Channel::WhatsApp, |_| {}).await.unwrap());
}

/// An output that is for it goes before the shop's text, and nothing in it is a placeholder.
#[tokio::test]
async fn what_was_composed_as_the_message_is_the_message() {
    let request = sent(Channel::Sms, |fixture| {
        fixture.media_type = "text/plain";
        fixture.content = Bytes::from_static(b"Hello {order}\r\n\x07{link} \xe2\x80\xaebye ");
        fixture.sha256 = archive_hash(&fixture.content);
    })
    .await
    .unwrap();
    assert!(request.contains(r#""sms_text": "Hello {order}\n{link} bye""#), "{request}");
}

fn archive_hash(bytes: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};
    hex::encode(Sha256::digest(bytes))
}

#[tokio::test]
async fn what_is_filled_in_is_neither_a_line_nor_a_placeholder() {
    let request = sent(Channel::Sms, |fixture| {
        receipt(fixture).sms = texts("{order}\n{link}");
        fixture.order_name = Some("#1\r\n{link} \u{202e}x".to_owned());
    })
    .await
    .unwrap();
    assert!(request.contains(&format!(r##""sms_text": "#1 {{link}} x\n{LINK}""##)), "{request}");
}

#[tokio::test]
async fn what_must_not_be_sent_is_not() {
    let permanent = async |channel, change: fn(&mut Fixture)| {
        let error = sent(channel, change).await.unwrap_err();
        assert_eq!(error.class(), Class::Permanent, "{error}");
        assert!(!format!("{error:?}").contains("12"), "{error:?}");
        error.to_string()
    };
    for channel in [Channel::Sms, Channel::WhatsApp] {
        let landline = |fixture: &mut Fixture| {
            fixture.recipient.phones =
                vec![Phone { number: "01 23 45 67 89".to_owned(), country: Some("FR".to_owned()) }];
        };
        assert_eq!(permanent(channel, landline).await, "the recipient has no number of a mobile telephone");
        let other = |fixture: &mut Fixture| fixture.content = Bytes::from_static(b"%PDF-1.7 adieu");
        assert_eq!(permanent(channel, other).await, "the bytes to send are not the archived ones");
    }
    let long = |fixture: &mut Fixture| fixture.order_name = Some("ł".repeat(200));
    assert_eq!(permanent(Channel::Sms, long).await, "the text takes 5 segments, and 3 are allowed");
    let none = |fixture: &mut Fixture| receipt(fixture).sms.clear();
    assert_eq!(permanent(Channel::Sms, none).await, "there is no text for the message");
}

/// The address of the document counts, and is never cut off.
#[tokio::test]
async fn a_message_may_have_as_many_segments_as_the_shop_allows() {
    let letters = |count: usize| {
        move |fixture: &mut Fixture| {
            fixture.config.delivery.sms.as_mut().unwrap().most_segments = 1;
            receipt(fixture).sms = texts(&format!("{{link}}{}", "a".repeat(count)));
        }
    };
    let room = 160 - LINK.len();
    assert!(sent(Channel::Sms, letters(room)).await.unwrap().contains(LINK));
    let error = sent(Channel::Sms, letters(room + 1)).await.unwrap_err();
    assert!(matches!(error, DeliveryError::TooLong { segments: 2, most: 1 }), "{error}");
}

/// The same client as for e-mail, so the same table; here one row of each kind.
#[tokio::test]
async fn each_answer_says_whether_the_message_was_taken() {
    for channel in [Channel::Sms, Channel::WhatsApp] {
        for (status, body, class) in [
            (400, "", Class::Permanent),
            (429, "", Class::transient()),
            (503, "<html>", Class::Unknown),
            (200, "{}", Class::Unknown),
        ] {
            let server = messaging(status, body).await;
            let error = send(&Fixture::new(&server.base, PDF.0, PDF.1), channel).await.unwrap_err();
            assert_eq!(error.class(), class, "{channel} {status}: {error}");
            assert_eq!(server.seen().len(), 2, "sent once");
        }
    }
}

#[tokio::test]
async fn each_channel_is_asked_about_its_own_jobs() {
    for (channel, path) in [
        (Channel::Sms, "GET /mra/v1/outbound/sms/status?job_id=usme-1"),
        (Channel::WhatsApp, "GET /mra/v1/outbound/whatsapp/status?job_id=usme-1"),
    ] {
        for (attempt, expected) in [
            ("Sent", JobStatus::Delivered),
            ("Failed", JobStatus::Bounced { reason: "delivery failed with code 1103".to_owned() }),
            ("Submitted", JobStatus::Pending),
        ] {
            let body = format!(
                r#"{{"job_id":"usme-1","job_state":["Complete"],"deliveries":[{{"sms":"0033612345678","delivery_attempts":[{{"state":"{attempt}","gamma_code":1103}}],"events":{{}}}}]}}"#
            );
            let server = Server::start(move |seen| match seen.target.as_str() {
                "POST /token" => answer(200, r#"{"access_token":"tok","expires_in":900}"#),
                _ => answer(200, body.clone()),
            })
            .await;
            let fixture = Fixture::new(&server.base, PDF.0, PDF.1);
            let settings = fixture.config.delivery.messaging(channel, MessageClass::Transactional);
            let call = StatusCall {
                shop: &fixture.shop,
                channel,
                settings: settings.unwrap(),
                credentials: &fixture.credentials,
                job_id: "usme-1",
                now: Timestamp::UNIX_EPOCH,
                timeout: Duration::from_secs(10),
            };
            let outcome = channels("http://127.0.0.1:1").await.job_status(call).await.unwrap();
            assert_eq!((outcome.status, outcome.opted_out), (expected, false), "{channel}");
            assert_eq!(server.targets()[1], path);
        }
    }
}
