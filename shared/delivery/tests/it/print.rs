//! The print spool against a small S3 that knows conditional puts and checksums.

use crate::support::{Fixture, Seen, Server, answer, channels};
use axum::{body::Body, response::Response};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use comms::{Class, Classify};
use delivery::{AskCall, Asked, DeliveryError, SendCall};
use exstream::Budget;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use shop_config::Channel;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

const OBJECT: &str =
    "spool/acme.myshopify.com/2026/01/03/order-confirmation/c4809f9b199959867b344883a5f958d0.pdf";
const MANIFEST: &str =
    "spool/acme.myshopify.com/2026/01/03/order-confirmation/c4809f9b199959867b344883a5f958d0.manifest.json";

type Objects = Arc<Mutex<HashMap<String, Vec<u8>>>>;

/// An S3 that holds `objects`. A put of a key in `failing` is lost with a server error.
async fn s3(objects: &Objects, failing: &'static str) -> Server {
    let objects = Arc::clone(objects);
    Server::start(move |seen| {
        let (method, path) = seen.target.split_once(' ').unwrap();
        let key = path.split('?').next().unwrap().trim_start_matches("/operations/").to_owned();
        let mut objects = objects.lock().unwrap();
        match method {
            "PUT" if key == failing => error(500, "InternalError"),
            "PUT" => put(&mut objects, key, seen),
            _ => match objects.get(&key) {
                Some(bytes) => object(bytes, seen),
                None => error(404, "NoSuchKey"),
            },
        }
    })
    .await
}

fn put(objects: &mut HashMap<String, Vec<u8>>, key: String, seen: &Seen) -> Response {
    assert_eq!(seen.header("if-none-match"), Some("*"), "every put is conditional");
    let checksum = BASE64_STANDARD.encode(Sha256::digest(&seen.body));
    match seen.header("x-amz-checksum-sha256") {
        Some(claimed) if claimed == checksum => {}
        _ => return error(400, "BadDigest"),
    }
    if objects.contains_key(&key) {
        return error(412, "PreconditionFailed");
    }
    objects.insert(key, seen.body.to_vec());
    answer(200, "")
}

fn object(bytes: &[u8], seen: &Seen) -> Response {
    let mut response = answer(200, Body::from(bytes.to_vec()));
    let headers = response.headers_mut();
    headers.insert("content-length", bytes.len().into());
    if seen.header("x-amz-checksum-mode") == Some("ENABLED") {
        headers
            .insert("x-amz-checksum-sha256", BASE64_STANDARD.encode(Sha256::digest(bytes)).parse().unwrap());
    }
    response
}

fn error(status: u16, code: &str) -> Response {
    answer(status, format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>m</Message></Error>"))
}

fn fixture() -> Fixture {
    Fixture::new("http://127.0.0.1:1", "application/pdf", b"%PDF-1.7 hello")
}

async fn spool(server: &Server, fixture: &Fixture) -> Result<String, DeliveryError> {
    channels(&server.base).send(fixture.call(Channel::Print)).await.map(|accepted| accepted.reference)
}

async fn ask(server: &Server, fixture: &Fixture) -> Result<Asked, DeliveryError> {
    let call = fixture.call(Channel::Print);
    let ask = AskCall {
        shop: call.shop,
        document: call.document,
        communication: call.communication,
        channel: call.channel,
        media_type: call.media_type,
        dated: call.dated,
        timeout: Duration::from_secs(10),
    };
    channels(&server.base).ask(ask).await
}

#[tokio::test]
async fn the_document_comes_first_and_the_manifest_last() {
    let objects = Objects::default();
    let server = s3(&objects, "").await;
    assert_eq!(spool(&server, &fixture()).await.unwrap(), OBJECT);
    let targets: Vec<_> =
        server.targets().iter().map(|it| it.split('?').next().unwrap().to_owned()).collect();
    assert_eq!(targets, [format!("PUT /operations/{OBJECT}"), format!("PUT /operations/{MANIFEST}")]);
    assert_eq!(server.seen()[0].header("content-type"), Some("application/pdf"));
    let objects = objects.lock().unwrap();
    assert_eq!(objects[OBJECT], b"%PDF-1.7 hello");
    let manifest: serde_json::Value = serde_json::from_slice(&objects[MANIFEST]).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&manifest).unwrap());
}

#[tokio::test]
async fn spooling_again_changes_nothing_and_is_accepted() {
    let objects = Objects::default();
    let server = s3(&objects, "").await;
    let mut fixture = fixture();
    spool(&server, &fixture).await.unwrap();
    let before = objects.lock().unwrap().clone();
    // a later attempt adopts the archived document and may not know its pages
    fixture.pages = None;
    assert_eq!(spool(&server, &fixture).await.unwrap(), OBJECT);
    assert_eq!(*objects.lock().unwrap(), before);
}

#[tokio::test]
async fn another_document_under_the_same_key_is_an_error() {
    for key in [OBJECT, MANIFEST] {
        let objects = Objects::default();
        objects.lock().unwrap().insert(key.to_owned(), b"{\"v\":1}".to_vec());
        let server = s3(&objects, "").await;
        let error = spool(&server, &fixture()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("the print spool holds something else under {key}"));
        assert_eq!(error.class(), Class::Permanent);
        assert_eq!(objects.lock().unwrap()[key], b"{\"v\":1}");
    }
}

#[tokio::test]
async fn a_crash_between_the_puts_is_told_and_mended() {
    let objects = Objects::default();
    let failing = s3(&objects, MANIFEST).await;
    let error = spool(&failing, &fixture()).await.unwrap_err();
    assert_eq!(
        (error.to_string(), error.class()),
        (format!("putting {MANIFEST} in the print spool"), Class::transient())
    );
    let server = s3(&objects, "").await;
    assert_eq!(ask(&server, &fixture()).await.unwrap(), Asked::NotSent);
    spool(&server, &fixture()).await.unwrap();
    assert_eq!(ask(&server, &fixture()).await.unwrap(), Asked::Accepted { reference: OBJECT.to_owned() });
}

#[tokio::test]
async fn a_spool_that_cannot_be_reached_is_tried_again() {
    let denied = Server::start(|_| error(403, "AccessDenied")).await;
    let conflict = Server::start(|_| error(409, "ConditionalRequestConflict")).await;
    for server in [&denied, &conflict] {
        assert_eq!(spool(server, &fixture()).await.unwrap_err().class(), Class::transient());
        assert_eq!(ask(server, &fixture()).await.unwrap_err().class(), Class::transient());
    }
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut fixture = fixture();
    fixture.timeout = Duration::from_millis(200);
    let call = fixture.call(Channel::Print);
    let error = channels(&format!("http://{}", silent.local_addr().unwrap())).send(call).await.unwrap_err();
    assert_eq!(
        (error.to_string(), error.class()),
        (format!("spooling {OBJECT} in the print spool"), Class::transient())
    );
}

/// The manifest is the send: a worker that wakes up late must not put it beside another worker's.
#[tokio::test]
async fn what_is_late_has_no_manifest() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let clock =
        || Timestamp::from_second(if ASKED.fetch_add(1, Ordering::SeqCst) < 2 { 0 } else { 60 }).unwrap();
    let (objects, fixture) = (Objects::default(), fixture());
    let server = s3(&objects, "").await;
    let budget = Budget::until(Timestamp::from_second(60).unwrap(), clock);
    let late = SendCall { budget, ..fixture.call(Channel::Print) };
    let error = channels(&server.base).send(late).await.unwrap_err();
    assert!(matches!(error, DeliveryError::OutOfTime), "{error:?}");
    assert_eq!(error.class(), Class::transient());
    assert_eq!(objects.lock().unwrap().keys().map(String::as_str).collect::<Vec<_>>(), [OBJECT]);
    assert_eq!(ask(&server, &fixture).await.unwrap(), Asked::NotSent);
}

#[tokio::test]
async fn only_what_can_be_printed_is_spooled() {
    let objects = Objects::default();
    let server = s3(&objects, "").await;
    let fixture = Fixture::new("http://127.0.0.1:1", "application/json", b"{}");
    assert!(matches!(spool(&server, &fixture).await.unwrap_err(), DeliveryError::MediaType { .. }));
    let mut other_bytes = self::fixture();
    other_bytes.content = "%PDF-other".into();
    assert!(matches!(spool(&server, &other_bytes).await.unwrap_err(), DeliveryError::NotArchived));
    assert!(server.seen().is_empty());
}
