//! The print spool against a small S3 that knows conditional puts and checksums.

use crate::support::{Fixture, Seen, Server, answer, channels, channels_with};
use aws_sdk_s3::config::retry::RetryConfig;
use axum::{body::Body, http::HeaderValue, response::Response};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use comms::{Class, Classify};
use delivery::{AskCall, DeliveryError, SendCall, SendStatus};
use exstream::Budget;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use shop_config::Channel;
use std::{
    collections::BTreeMap,
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

/// What a bucket with versions keeps of each key, the newest last; nothing where it was deleted.
#[derive(Default)]
struct Bucket(BTreeMap<String, Vec<Option<Vec<u8>>>>);

impl Bucket {
    fn current(&self, key: &str) -> Option<&Vec<u8>> {
        self.0.get(key)?.last()?.as_ref()
    }

    fn add(&mut self, key: &str, bytes: &[u8]) {
        self.0.entry(key.to_owned()).or_default().push(Some(bytes.to_vec()));
    }

    /// What a provider does with what it has collected.
    fn empty(&mut self) {
        self.0.values_mut().for_each(|versions| versions.push(None));
    }

    /// How often something was put under `key`.
    fn puts(&self, key: &str) -> usize {
        self.0.get(key).into_iter().flatten().flatten().count()
    }
}

type Objects = Arc<Mutex<Bucket>>;

/// An S3 that holds `objects`. A put of a key in `failing` is lost with a server error.
async fn s3(objects: &Objects, failing: &'static str) -> Server {
    let objects = Arc::clone(objects);
    Server::start(move |seen| {
        let (method, key) = request(seen);
        let mut objects = objects.lock().unwrap();
        match method {
            "PUT" if key == failing => error(500, "InternalError"),
            _ => answered(&mut objects, seen),
        }
    })
    .await
}

fn request(seen: &Seen) -> (&str, String) {
    let (method, path) = seen.target.split_once(' ').unwrap();
    let path = path.split('?').next().unwrap();
    (method, path.trim_start_matches("/operations").trim_start_matches('/').to_owned())
}

fn answered(objects: &mut Bucket, seen: &Seen) -> Response {
    match request(seen) {
        ("PUT", key) => put(objects, key, seen),
        ("GET", key) if key.is_empty() => versions(objects, seen),
        (_, key) => {
            objects.current(&key).map_or_else(|| error(404, "NoSuchKey"), |bytes| object(bytes, seen))
        }
    }
}

fn put(objects: &mut Bucket, key: String, seen: &Seen) -> Response {
    assert_eq!(seen.header("if-none-match"), Some("*"), "every put is conditional");
    let checksum = BASE64_STANDARD.encode(Sha256::digest(&seen.body));
    match seen.header("x-amz-checksum-sha256") {
        Some(claimed) if claimed == checksum => {}
        _ => return error(400, "BadDigest"),
    }
    if objects.current(&key).is_some() {
        return error(412, "PreconditionFailed");
    }
    objects.add(&key, &seen.body);
    with_version(answer(200, ""))
}

fn with_version(mut response: Response) -> Response {
    response.headers_mut().insert("x-amz-version-id", HeaderValue::from_static("3HL4kqtJvjVBH40Nrjfkd"));
    response
}

/// The versions and deletions of the keys that begin with a prefix.
fn versions(objects: &Bucket, seen: &Seen) -> Response {
    let query = seen.target.split_once('?').unwrap().1;
    assert!(query.split('&').any(|it| it == "versions" || it == "versions="), "{query}");
    let prefix = query.split('&').find_map(|it| it.strip_prefix("prefix=")).unwrap().replace("%2F", "/");
    let found = objects.0.iter().filter(|(key, _)| key.starts_with(&prefix));
    let entries = found.flat_map(|(key, versions)| {
        versions.iter().rev().map(move |version| {
            let name = if version.is_some() { "Version" } else { "DeleteMarker" };
            format!("<{name}><Key>{key}</Key><VersionId>v</VersionId></{name}>")
        })
    });
    let entries: String = entries.collect();
    answer(200, format!("<?xml version=\"1.0\"?><ListVersionsResult>{entries}</ListVersionsResult>"))
}

fn object(bytes: &[u8], seen: &Seen) -> Response {
    let mut response = with_version(answer(200, Body::from(bytes.to_vec())));
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
    channels(&server.base).await.send(fixture.call(Channel::Print)).await.map(|accepted| accepted.reference)
}

async fn ask(server: &Server, fixture: &Fixture) -> Result<SendStatus, DeliveryError> {
    ask_after(server, fixture, SignedDuration::from_mins(5)).await
}

/// Asks so long after the communication was begun.
async fn ask_after(
    server: &Server,
    fixture: &Fixture,
    age: SignedDuration,
) -> Result<SendStatus, DeliveryError> {
    let call = fixture.call(Channel::Print);
    let ask = AskCall {
        shop: call.shop,
        document: call.document,
        communication: call.communication,
        channel: call.channel,
        media_type: call.outputs[0].media_type,
        dated: call.dated,
        now: call.dated + age,
        timeout: Duration::from_secs(10),
    };
    channels(&server.base).await.ask(ask).await
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
    assert_eq!(objects.current(OBJECT).unwrap(), b"%PDF-1.7 hello");
    let manifest: serde_json::Value = serde_json::from_slice(objects.current(MANIFEST).unwrap()).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&manifest).unwrap());
}

#[tokio::test]
async fn spooling_again_changes_nothing_and_is_accepted() {
    let objects = Objects::default();
    let server = s3(&objects, "").await;
    let mut fixture = fixture();
    spool(&server, &fixture).await.unwrap();
    let before = objects.lock().unwrap().0.clone();
    // a later attempt adopts the archived document and may not know its pages
    fixture.pages = None;
    assert_eq!(spool(&server, &fixture).await.unwrap(), OBJECT);
    assert_eq!(objects.lock().unwrap().0, before);
}

#[tokio::test]
async fn another_document_under_the_same_key_is_an_error() {
    for key in [OBJECT, MANIFEST] {
        let objects = Objects::default();
        objects.lock().unwrap().add(key, b"{\"v\":1}");
        let server = s3(&objects, "").await;
        let error = spool(&server, &fixture()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("the print spool holds something else under {key}"));
        assert_eq!(error.class(), Class::Permanent);
        assert_eq!(objects.lock().unwrap().current(key).unwrap(), b"{\"v\":1}");
    }
}

#[tokio::test]
async fn a_crash_between_the_puts_is_told_and_repaired() {
    let objects = Objects::default();
    let failing = s3(&objects, MANIFEST).await;
    let error = spool(&failing, &fixture()).await.unwrap_err();
    assert_eq!(
        (error.to_string(), error.class()),
        (format!("putting {MANIFEST} in the print spool"), Class::transient())
    );
    let server = s3(&objects, "").await;
    assert_eq!(ask(&server, &fixture()).await.unwrap(), SendStatus::NotSent);
    spool(&server, &fixture()).await.unwrap();
    assert_eq!(
        ask(&server, &fixture()).await.unwrap(),
        SendStatus::Accepted { reference: OBJECT.to_owned() }
    );
}

/// The provider deletes what it has collected, whenever it likes.
#[tokio::test]
async fn an_emptied_spool_still_says_that_the_document_was_sent() {
    let objects = Objects::default();
    let server = s3(&objects, "").await;
    let fixture = fixture();
    spool(&server, &fixture).await.unwrap();
    objects.lock().unwrap().empty();
    let accepted = SendStatus::Accepted { reference: OBJECT.to_owned() };
    assert_eq!(ask(&server, &fixture).await.unwrap(), accepted);
    // deletions of what is not there any more leave their marks as well
    (0..20).for_each(|_| objects.lock().unwrap().empty());
    assert_eq!(ask_after(&server, &fixture, SignedDuration::from_hours(24 * 90)).await.unwrap(), accepted);
    assert_eq!(server.seen().len(), 4, "two puts, and one request for each question");
}

/// The versions of a key are kept for a time only; a deletion alone says that something was there.
#[tokio::test]
async fn what_left_no_version_is_in_doubt_once_versions_may_be_gone() {
    let objects = Objects::default();
    let server = s3(&objects, "").await;
    let fixture = fixture();
    let days = |days: i64| SignedDuration::from_hours(24 * days);
    assert_eq!(ask_after(&server, &fixture, days(30)).await.unwrap(), SendStatus::NotSent);
    assert_eq!(ask_after(&server, &fixture, days(31)).await.unwrap(), SendStatus::CannotTell);
    objects.lock().unwrap().0.insert(MANIFEST.to_owned(), vec![None]);
    assert_eq!(ask(&server, &fixture).await.unwrap(), SendStatus::CannotTell);
    // another key that only begins alike is no trace
    let objects = Objects::default();
    objects.lock().unwrap().add(&format!("{MANIFEST}.done"), b"{}");
    assert_eq!(ask(&s3(&objects, "").await, &fixture).await.unwrap(), SendStatus::NotSent);
}

/// S3 stores the manifest and its answer is lost; the provider is quick. A second put would be a second letter.
#[tokio::test]
async fn a_manifest_whose_put_was_not_answered_is_not_put_again() {
    let objects = Objects::default();
    let kept = Arc::clone(&objects);
    let server = Server::start(move |seen| {
        let mut objects = kept.lock().unwrap();
        let answer = answered(&mut objects, seen);
        if request(seen) == ("PUT", MANIFEST.to_owned()) {
            objects.empty();
            return error(500, "InternalError");
        }
        answer
    })
    .await;
    let fixture = fixture();
    let repeating = channels_with(&server.base, RetryConfig::standard().with_max_attempts(3)).await;
    let error = repeating.send(fixture.call(Channel::Print)).await.unwrap_err();
    assert_eq!(error.class(), Class::transient());
    assert_eq!(objects.lock().unwrap().puts(MANIFEST), 1);
    assert_eq!(ask(&server, &fixture).await.unwrap(), SendStatus::Accepted { reference: OBJECT.to_owned() });
}

/// S3 refuses a conditional put that meets another request for its key, and wants it repeated.
#[tokio::test]
async fn a_put_that_collides_is_repeated_unless_the_manifest_was_there() {
    for (key, was_there, puts) in [(OBJECT, false, 1), (MANIFEST, false, 1), (MANIFEST, true, 0)] {
        let objects = Objects::default();
        let (kept, collided) = (Arc::clone(&objects), Mutex::new(false));
        let server = Server::start(move |seen| {
            let mut objects = kept.lock().unwrap();
            if request(seen) == ("PUT", key.to_owned())
                && !std::mem::replace(&mut collided.lock().unwrap(), true)
            {
                if was_there {
                    // another attempt's manifest, which the provider deletes at this very moment
                    objects.0.insert(key.to_owned(), vec![Some(b"{}".to_vec()), None]);
                }
                return error(409, "ConditionalRequestConflict");
            }
            answered(&mut objects, seen)
        })
        .await;
        assert_eq!(spool(&server, &fixture()).await.unwrap(), OBJECT, "{key}");
        assert_eq!(objects.lock().unwrap().puts(key) - usize::from(was_there), puts, "{key}");
    }
}

/// Without versions nothing could be told once the provider has deleted what it has collected.
#[tokio::test]
async fn a_bucket_without_versions_gets_no_manifest() {
    let server = Server::start(|_| answer(200, "")).await;
    let error = spool(&server, &fixture()).await.unwrap_err();
    assert_eq!(
        comms::chain(&error),
        format!("putting {OBJECT} in the print spool: the bucket does not keep versions")
    );
    assert_eq!(server.seen().len(), 1);
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
    // made first: it takes its time, and the send's is counted from the call
    let channels = channels(&format!("http://{}", silent.local_addr().unwrap())).await;
    let mut fixture = fixture();
    fixture.timeout = Duration::from_millis(500);
    let error = channels.send(fixture.call(Channel::Print)).await.unwrap_err();
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
    let error = channels(&server.base).await.send(late).await.unwrap_err();
    assert!(matches!(error, DeliveryError::OutOfTime), "{error:?}");
    assert_eq!(error.class(), Class::transient());
    assert_eq!(objects.lock().unwrap().0.keys().map(String::as_str).collect::<Vec<_>>(), [OBJECT]);
    assert_eq!(ask(&server, &fixture).await.unwrap(), SendStatus::NotSent);
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

/// The manifest, of a document with these settings.
async fn manifest_of(change: impl FnOnce(&mut Fixture)) -> Result<serde_json::Value, DeliveryError> {
    let objects = Objects::default();
    let server = s3(&objects, "").await;
    let mut fixture = Fixture::new("http://127.0.0.1:1", "application/pdf", b"%PDF-1.7");
    change(&mut fixture);
    channels(&server.base).await.send(fixture.call(Channel::Print)).await?;
    let bucket = objects.lock().unwrap();
    Ok(serde_json::from_slice(bucket.current(MANIFEST).unwrap()).unwrap())
}

#[tokio::test]
async fn a_letter_says_how_it_is_printed_and_where_it_goes() {
    let manifest = manifest_of(|fixture| {
        let print = &mut fixture.config.delivery.print;
        print.sides = shop_config::Sides::TwoSidedLongEdge;
        print.service_class = Some("registered".to_owned());
        let own = &mut fixture.config.documents.values_mut().next().unwrap().print;
        own.copies = Some(2);
        own.media = Some("na_letter_8.5x11in".to_owned());
    })
    .await
    .unwrap();
    let job = serde_json::json!({
        "copies": 2, "sides": "two-sided-long-edge", "print-color-mode": "auto", "media": "na_letter_8.5x11in",
    });
    assert_eq!((&manifest["job"], &manifest["service_class"]), (&job, &"registered".into()));
    let recipient = &manifest["recipient"];
    assert_eq!(
        recipient["lines"],
        serde_json::json!(["Zoë Öztürk", "3 quai de la Fosse", "44000 Nantes", "FRANCE"])
    );
    assert_eq!((&recipient["city"], &recipient["country_code"]), (&"Nantes".into(), &"FR".into()));
    assert_eq!(manifest["return_address"], serde_json::json!(["Acme"]), "the brand has no address");
}

#[tokio::test]
async fn a_letter_without_an_address_is_not_printed_and_leaves_nothing() {
    let error = manifest_of(|fixture| fixture.postal_address.city = None).await.unwrap_err();
    assert!(matches!(error, DeliveryError::NoPostalAddress) && error.class() == Class::Permanent);
}

#[tokio::test]
async fn what_goes_with_the_parcel_names_nobody() {
    let manifest = manifest_of(|fixture| {
        fixture.config.documents.values_mut().next().unwrap().print.by_post = Some(false);
        fixture.postal_address.city = None;
    })
    .await
    .unwrap();
    assert_eq!((manifest.get("recipient"), manifest.get("return_address")), (None, None));
    assert_eq!(manifest["job"]["copies"], 1);
}
