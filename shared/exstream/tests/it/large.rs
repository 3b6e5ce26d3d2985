//! Answers of megabytes, several at once, in little memory.

use crate::support::{PDF, Server, answer, compose_with, config, envelope, json};
use axum::body::{Body, Bytes};
use exstream::{Composed, Credentials, ExchangeError, Exstream, ExstreamError, Memory, TokenSource};
use http_body::Frame;
use shop_config::ShopConfig;
use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

const MB: usize = 1024 * 1024;

fn pdf(bytes: usize) -> Vec<u8> {
    let mut pdf = PDF.to_vec();
    pdf.resize(bytes, b' ');
    pdf
}

/// A body that does not say how long it is.
struct Unannounced(Option<Bytes>);

impl http_body::Body for Unannounced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// Exstream for which there is room for one document of three megabytes and the base64 it comes in.
fn exstream() -> Exstream {
    let http = reqwest::Client::new();
    Exstream::new(http.clone(), Arc::new(TokenSource::new(http).within(Memory::new(10 * MB))))
}

async fn compose(
    exstream: &Exstream,
    config: &ShopConfig,
    time: Duration,
) -> Result<Composed, ExstreamError> {
    compose_with(exstream, config, &Credentials::None, time).await
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn large_answers_come_in_turn_and_small_ones_pass_them() {
    let large = Bytes::from(envelope("application/pdf", &pdf(3 * MB)));
    let unannounced = large.clone();
    let servers = [
        Server::start(move |_| json(200, large.clone())).await,
        Server::start(move |_| json(200, Body::new(Unannounced(Some(unannounced.clone()))))).await,
        Server::start(|_| answer(200, "application/pdf", pdf(3 * MB))).await,
    ];
    let small = Server::start(|_| json(200, envelope("application/pdf", PDF))).await;
    let exstream = exstream();
    let (held, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (exstream, held, most) = (&exstream, &held, &most);
    let configs: Vec<_> = servers.iter().map(|server| config(&server.base, "", "")).collect();
    let one = async |config| {
        let composed = compose(exstream, config, LONG).await.unwrap();
        most.fetch_max(held.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        assert_eq!(composed.outputs[0].output.bytes.len(), 3 * MB);
        tokio::time::sleep(Duration::from_millis(50)).await;
        held.fetch_sub(1, Ordering::SeqCst);
        // its room is free only now
        drop(composed);
    };
    let config_of_small = config(&small.base, "", "");
    let small = async {
        let mut beside = 0;
        for _ in 0..20 {
            compose(exstream, &config_of_small, LONG).await.unwrap();
            beside += held.load(Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        beside
    };
    let [a, b, c] = [&configs[0], &configs[1], &configs[2]];
    let (.., beside) = tokio::join!(one(a), one(b), one(c), one(a), one(b), one(c), small);
    assert_eq!(most.load(Ordering::SeqCst), 1, "at once");
    assert!(beside > 0, "no small one came while a large one was held");
}

/// The answer is there and cannot be read: whether it took effect is known to nobody.
#[tokio::test]
async fn who_finds_no_room_in_time_gives_up() {
    let large = Bytes::from(envelope("application/pdf", &pdf(3 * MB)));
    let server = Server::start(move |_| json(200, large.clone())).await;
    let (exstream, config) = (exstream(), config(&server.base, "", ""));
    let first = compose(&exstream, &config, LONG).await.unwrap();
    let error = compose(&exstream, &config, Duration::from_millis(300)).await.unwrap_err();
    assert!(matches!(error, ExstreamError::Exchange(ExchangeError::NoRoom)), "{error:?}");
    assert!(error.may_have_acted());
    drop(first);
    compose(&exstream, &config, LONG).await.unwrap();
}
