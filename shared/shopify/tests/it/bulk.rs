use crate::wire::{Reply, Wire, cost};
use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, Response},
};
use bytes::Bytes;
use comms::{Class, Classify, Gid};
use serde_json::{Value, json};
use shop_config::Shopify;
use shopify::{
    AdminError,
    bulk::{BulkFile, BulkStart, BulkState, Download, DownloadError, ResultUrl},
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};
use tokio::net::TcpListener;

fn answer(data: &Value) -> Reply {
    Reply::json(&json!({"data": data, "extensions": cost(10, 1990)}))
}

fn run(operation: &Value, errors: &Value) -> Reply {
    answer(&json!({"bulkOperationRunQuery": {"bulkOperation": operation, "userErrors": errors}}))
}

#[tokio::test]
async fn an_operation_is_started_refused_or_has_to_wait() {
    let refusal = |code: &str| json!([{"field": null, "message": "no", "code": code}]);
    let wire = Wire::new([
        run(&json!({"id": "gid://shopify/BulkOperation/7933223797042"}), &json!([])),
        run(&Value::Null, &refusal("OPERATION_IN_PROGRESS")),
        run(&Value::Null, &refusal("LIMIT_REACHED")),
        run(&Value::Null, &refusal("INVALID")),
    ])
    .await;
    let start = async || wire.api.start_bulk(wire.call(), "{ companyLocations }").await;
    let id = Gid::new("BulkOperation", 7_933_223_797_042);
    assert_eq!(start().await.unwrap(), BulkStart::Started(id));
    assert_eq!((start().await.unwrap(), start().await.unwrap()), (BulkStart::Busy, BulkStart::Busy));
    assert!(matches!(start().await.unwrap_err(), AdminError::UserErrors { .. }));
    let asked = wire.asked()[0].json();
    assert_eq!(asked["variables"], json!({"query": "{ companyLocations }"}));
    assert!(asked["query"].as_str().unwrap().contains("groupObjects: true"));
}

#[tokio::test]
async fn every_state_of_an_operation_is_one_of_three() {
    let state = |status: &str, code: Value, url: Value| {
        answer(
            &json!({"bulkOperation": {"status": status, "errorCode": code, "fileSize": "115969", "url": url}}),
        )
    };
    let url = "https://storage.googleapis.com/shopify-tiers-assets/x?Signature=secret";
    let wire = Wire::new([
        state("CREATED", Value::Null, Value::Null),
        state("CANCELING", Value::Null, Value::Null),
        state("COMPLETED", Value::Null, json!(url)),
        state("COMPLETED", Value::Null, Value::Null),
        state("FAILED", json!("INTERNAL_SERVER_ERROR"), Value::Null),
        state("EXPIRED", Value::Null, Value::Null),
        answer(&json!({"bulkOperation": null})),
    ])
    .await;
    let id = Gid::new("BulkOperation", 1);
    let next = async || wire.api.bulk_state(wire.call(), &id).await.unwrap();
    let ended = |reason: &str| BulkState::Ended { reason: reason.to_owned() };
    assert_eq!((next().await, next().await), (BulkState::Running, BulkState::Running));
    let found = next().await;
    assert_eq!(
        found,
        BulkState::Completed { url: ResultUrl::parse(url, &wire.settings), bytes: Some(115_969) }
    );
    assert!(!format!("{found:?}").contains("secret"));
    assert_eq!(next().await, BulkState::Completed { url: None, bytes: Some(115_969) });
    assert_eq!(next().await, ended("INTERNAL_SERVER_ERROR"));
    assert_eq!((next().await, next().await), (ended("EXPIRED"), ended("unknown")));
}

/// Whoever can put words into Shopify's mouth would otherwise have this system fetch what is inside its network.
#[tokio::test]
async fn a_result_is_fetched_from_shopify_and_from_nowhere_else() {
    let real = Shopify::default();
    let local = Shopify { base_url: Some("http://127.0.0.1:4602".parse().unwrap()), ..Shopify::default() };
    for (url, fine, fine_locally) in [
        (
            "https://storage.googleapis.com/shopify-tiers-assets-prod-us-east1/bulk-operation-outputs/x?a=b",
            true,
            true,
        ),
        ("https://bulk.shopifycdn.com/x", true, true),
        ("http://127.0.0.1:4602/bulk/x", false, true),
        ("https://localhost/x", false, true),
        ("http://storage.googleapis.com/x", false, false),
        ("https://storage.googleapis.com@evil.example/x", false, false),
        ("https://storage.googleapis.com.evil.example/x", false, false),
        ("https://evilshopify.com/x", false, false),
        ("https://10.0.0.1/x", false, false),
        ("https://169.254.169.254/latest/meta-data/", false, false),
        ("ftp://storage.googleapis.com/x", false, false),
        ("", false, false),
    ] {
        assert_eq!(ResultUrl::parse(url, &real).is_some(), fine, "{url}");
        assert_eq!(ResultUrl::parse(url, &local).is_some(), fine_locally, "{url}");
    }
    let state = json!({"bulkOperation": {"status": "COMPLETED", "fileSize": "1", "url": "https://10.0.0.1/x?s=secret"}});
    let wire = Wire::new([answer(&state)]).await;
    let error = wire.api.bulk_state(wire.call(), &Gid::new("BulkOperation", 1)).await.unwrap_err();
    assert!(matches!(error, AdminError::ResultAddress { .. }) && error.class() == Class::transient());
    assert!(!format!("{error} {error:?}").contains("secret"));
}

/// How one connection behaves.
#[derive(Clone, Copy)]
enum FileReply {
    Good,
    /// Breaks after so many bytes.
    Breaks(usize),
    /// Sends everything, whatever was asked for.
    Whole,
    /// Serves another file.
    Other,
    Status(u16),
}

/// The headers `Range` and `If-Range` of a request.
type Asked = (Option<String>, Option<String>);

#[derive(Clone)]
struct Files {
    replies: Arc<Mutex<VecDeque<FileReply>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

const FILE: &str = "0123456789abcdefghij";

impl Files {
    async fn start(replies: impl IntoIterator<Item = FileReply>) -> (Self, String) {
        let files =
            Self { replies: Arc::new(Mutex::new(replies.into_iter().collect())), asked: Arc::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/file?Signature=secret", listener.local_addr().unwrap());
        let router = Router::new().fallback(serve).with_state(files.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (files, url)
    }
}

async fn serve(State(files): State<Files>, headers: HeaderMap) -> Response<Body> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    files.asked.lock().unwrap().push((text("range"), text("if-range")));
    let reply = files.replies.lock().unwrap().pop_front().unwrap_or(FileReply::Good);
    if let FileReply::Status(status) = reply {
        return Response::builder().status(status).body(Body::empty()).unwrap();
    }
    let other = matches!(reply, FileReply::Other);
    let etag = if other { "\"b\"" } else { "\"a\"" };
    let from: usize = text("range").map_or(0, |range| range[6..range.len() - 1].parse().unwrap());
    let whole = from == 0 || matches!(reply, FileReply::Whole) || other;
    let body = if whole { FILE } else { &FILE[from..] };
    let mut response = Response::builder().header("etag", etag).header("content-length", body.len());
    if !whole {
        response = response.status(206).header("content-range", format!("bytes {from}-19/20"));
    }
    let FileReply::Breaks(after) = reply else { return response.body(body.into()).unwrap() };
    let pieces = [Ok(Bytes::from_static(&body.as_bytes()[..after.min(body.len())])), Err("broken")];
    response.body(Body::from_stream(futures::stream::iter(pieces))).unwrap()
}

async fn read(url: &str, from: u64, file: BulkFile) -> Result<(String, BulkFile), DownloadError> {
    let local = Shopify { base_url: Some("http://127.0.0.1:1".parse().unwrap()), ..Shopify::default() };
    let url = ResultUrl::parse(url, &local).unwrap();
    let mut download = Download::new(reqwest::Client::new(), &url, from, file);
    let mut bytes = Vec::new();
    while let Some(chunk) = download.chunk().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok((String::from_utf8(bytes).unwrap(), download.file().clone()))
}

fn known() -> BulkFile {
    BulkFile { length: Some(20), etag: Some("\"a\"".to_owned()) }
}

#[tokio::test]
async fn a_file_is_read_whole_over_connections_that_break_at_any_byte() {
    let broken = (0..20).map(async |first| {
        let replies =
            [FileReply::Breaks(first), FileReply::Breaks(3), FileReply::Status(503), FileReply::Good];
        let (files, url) = Files::start(replies).await;
        let (text, file) = read(&url, 0, BulkFile::default()).await.unwrap();
        assert_eq!((text.as_str(), &file), (FILE, &known()), "{first}");
        // how much of what was sent before the break arrives is the network's to decide
        let asked = files.asked.lock().unwrap();
        assert!(asked[1..].iter().all(|(range, tag)| range.is_none() || tag.as_deref() == Some("\"a\"")));
    });
    futures::future::join_all(broken).await;
}

#[tokio::test]
async fn reading_goes_on_at_a_byte_even_if_the_server_cannot() {
    for reply in [FileReply::Good, FileReply::Whole] {
        for from in 1..=20u64 {
            let (files, url) = Files::start([reply]).await;
            let (text, _) = read(&url, from, known()).await.unwrap();
            assert_eq!(text, FILE[usize::try_from(from).unwrap()..]);
            let asked = files.asked.lock().unwrap();
            match from {
                20 => assert!(asked.is_empty(), "nothing is left to ask for"),
                _ => assert_eq!(asked[0], (Some(format!("bytes={from}-")), Some("\"a\"".to_owned()))),
            }
        }
    }
}

#[tokio::test]
async fn another_file_is_never_taken_for_the_one_before() {
    let (_, url) = Files::start([FileReply::Other]).await;
    assert!(matches!(read(&url, 5, known()).await, Err(DownloadError::Changed)));
    let (_, url) = Files::start([FileReply::Good]).await;
    let longer = BulkFile { length: Some(21), etag: None };
    assert!(matches!(read(&url, 0, longer).await, Err(DownloadError::Changed)));
    let (_, url) = Files::start([FileReply::Status(416)]).await;
    assert!(matches!(read(&url, 5, known()).await, Err(DownloadError::Changed)));
}

#[tokio::test]
async fn an_address_that_is_over_says_so_and_stays_secret() {
    for (status, gone) in [(403, true), (404, true), (410, true), (302, false), (418, false)] {
        let (_, url) = Files::start([FileReply::Status(status)]).await;
        let error = read(&url, 0, BulkFile::default()).await.unwrap_err();
        assert_eq!(matches!(error, DownloadError::Gone { .. }), gone, "{error}");
    }
    let (_, url) = Files::start([FileReply::Status(500); 4]).await;
    let error = read(&url, 0, BulkFile::default()).await.unwrap_err();
    assert!(matches!(error, DownloadError::Broken { at: 0, .. }), "{error}");
    let nobody = read("http://127.0.0.1:1/?Signature=secret", 0, BulkFile::default()).await.unwrap_err();
    assert!(!comms::chain(&nobody).contains("secret") && !format!("{nobody:?}").contains("secret"));
}
