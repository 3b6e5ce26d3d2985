//! A process that stands still in the midst of a request and continues after its time has ended: whatever it had
//! begun, it does not complete.

use crate::support::at;
use axum::body::Bytes;
use exstream::{AccessToken, Budget, ExchangeError, Outgoing, exchange};
use jiff::Timestamp;
use reqwest::{Client, Method, header::HeaderMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::{io::AsyncReadExt as _, net::TcpListener, task::JoinHandle};

/// More than the sockets between two processes hold.
const LARGE: usize = 32 * 1024 * 1024;

/// A server that reads until the connection ends, and calls `begun` when it has read something. Answers what it has
/// read.
async fn server(begun: impl Fn() + Send + 'static) -> (String, JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let reading = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let (mut buffer, mut length) = (vec![0; 64 * 1024], 0);
        while let Ok(read @ 1..) = socket.read(&mut buffer).await {
            begun();
            length += read;
        }
        length
    });
    (base, reading)
}

async fn send(base: &str, length: usize, clock: fn() -> Timestamp) -> ExchangeError {
    let outgoing = Outgoing {
        method: Method::POST,
        url: base.parse().unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::from(vec![b'x'; length]),
        limit: 100,
    };
    let budget = Budget::until(at(60), clock);
    exchange(&Client::new(), &outgoing, &AccessToken::None, budget).await.unwrap_err()
}

/// The monotonic clock does not move while a virtual machine stands still.
#[tokio::test]
async fn a_request_that_had_begun_is_not_completed() {
    static LATE: AtomicBool = AtomicBool::new(false);
    let (base, reading) = server(|| LATE.store(true, Ordering::SeqCst)).await;
    let error = send(&base, LARGE, || at(if LATE.load(Ordering::SeqCst) { 60 } else { 0 })).await;
    let read = reading.await.unwrap();
    assert!((1..LARGE).contains(&read), "{read}");
    assert!(matches!(error, ExchangeError::NotSent { .. }), "nobody can have acted on half of it: {error:?}");
}

#[tokio::test]
async fn a_request_that_is_late_before_its_first_byte_has_no_body() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let (base, reading) = server(|| {}).await;
    // in time when the call begins, and late once there is a connection
    let error = send(&base, 1000, || at(if ASKED.fetch_add(1, Ordering::SeqCst) < 2 { 0 } else { 60 })).await;
    assert!(reading.await.unwrap() < 1000);
    assert!(matches!(error, ExchangeError::NotSent { .. }), "{error:?}");
}

/// A connection that is lost before the last byte was handed over.
#[tokio::test]
async fn half_a_request_is_no_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.read_exact(&mut [0; 1000]).await.unwrap();
    });
    let error = send(&base, LARGE, || at(0)).await;
    assert!(matches!(error, ExchangeError::NotSent { .. }), "{error:?}");
}
