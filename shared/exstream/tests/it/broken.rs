//! Connections that break, hang or never end. What matters is whether Exstream can have acted.

use crate::support::{Server, compose, compose_with, config, exstream, json};
use axum::body::{Body, Bytes};
use comms::{Class, Classify};
use exstream::{Credentials, ExchangeError, ExstreamError};
use http_body::Frame;
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// A server that reads a request's body and then writes `answer`, and hangs or hangs up.
async fn raw(answer: &'static str, hang: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        read_request(&mut socket).await;
        socket.write_all(answer.as_bytes()).await.unwrap();
        if hang {
            std::future::pending::<()>().await;
        }
    });
    base
}

async fn read_request(socket: &mut TcpStream) {
    let mut read = Vec::new();
    while !read.ends_with(b"}}]}") {
        assert_ne!(socket.read_buf(&mut read).await.unwrap(), 0);
    }
}

async fn outcome(base: &str, timeout: Duration) -> ExstreamError {
    compose_with(&exstream(), &config(base, "", ""), &Credentials::None, timeout).await.unwrap_err()
}

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(10);

#[tokio::test]
async fn no_connection_means_nothing_was_sent() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = outcome(&format!("http://{free}"), LONG).await;
    assert!(matches!(error, ExstreamError::Exchange(ExchangeError::NotSent { .. })), "{error:?}");
    assert_eq!((error.class(), error.may_have_acted()), (Class::transient(), false));
}

#[tokio::test]
async fn a_time_out_while_connecting_means_nothing_was_sent() {
    // TLS to a server that never answers the handshake: the total time-out strikes before the body is asked for
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let error = outcome(&url, SHORT).await;
    assert!(matches!(error, ExstreamError::Exchange(ExchangeError::NotSent { .. })), "{error:?}");
}

#[tokio::test]
async fn no_time_left_means_nothing_was_sent() {
    let error = outcome("http://127.0.0.1:1", Duration::ZERO).await;
    assert!(matches!(error, ExstreamError::Exchange(ExchangeError::OutOfTime)), "{error:?}");
    assert_eq!(error.class(), Class::transient());
}

#[tokio::test]
async fn silence_after_the_request_means_nobody_knows() {
    for (base, timeout) in [(raw("", true).await, SHORT), (raw("", false).await, LONG)] {
        let error = outcome(&base, timeout).await;
        assert!(matches!(error, ExstreamError::Exchange(ExchangeError::Unanswered { .. })), "{error:?}");
        assert_eq!((error.class(), error.may_have_acted()), (Class::Unknown, true));
        assert!(!format!("{error:?}").contains(&base), "an address may carry what a log must not");
    }
}

#[tokio::test]
async fn half_an_answer_means_nobody_knows() {
    let half =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{\"status\":";
    for (base, timeout) in [(raw(half, true).await, SHORT), (raw(half, false).await, LONG)] {
        let error = outcome(&base, timeout).await;
        assert!(
            matches!(error, ExstreamError::Exchange(ExchangeError::Truncated { received: 10, .. })),
            "{error:?}"
        );
        assert_eq!(error.class(), Class::Unknown);
    }
}

#[tokio::test]
async fn a_failure_status_counts_even_if_its_body_is_cut_off() {
    let half = "HTTP/1.1 400 Bad Request\r\ncontent-length: 1000\r\n\r\n{\"status\":";
    let error = outcome(&raw(half, false).await, LONG).await;
    assert!(matches!(error, ExstreamError::Refused { status: 400, .. }), "{error:?}");
}

struct Endless;

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'A'; 16 * 1024])))))
    }
}

#[tokio::test]
async fn an_endless_answer_ends_at_the_limit() {
    for status in [200, 500] {
        let server = Server::start(move |_| json(status, Body::new(Endless))).await;
        let error = compose(&config(&server.base, "max_output_bytes = 1000000", "")).await.unwrap_err();
        match status {
            200 => assert!(matches!(error, ExstreamError::TooLarge { limit: 1_000_000 }), "{error:?}"),
            _ => assert!(matches!(error, ExstreamError::Unavailable { status: 500, .. }), "{error:?}"),
        }
    }
}

#[tokio::test]
async fn an_announced_size_over_the_limit_is_not_waited_for() {
    let announced = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2000\r\n\r\n";
    let base = raw(announced, true).await;
    let error = compose(&config(&base, "max_output_bytes = 1999", "")).await.unwrap_err();
    assert!(matches!(error, ExstreamError::TooLarge { limit: 1999 }), "{error:?}");
    assert_eq!((error.class(), error.may_have_acted()), (Class::Permanent, true));
}
