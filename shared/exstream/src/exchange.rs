//! One HTTP exchange with an outside service, and what is known when it fails.
//!
//! Owns the question every retry depends on: can the other side have acted? The request body is handed to
//! the connection through [`Watched`], which notes when it is first asked for. Until then the complete
//! request cannot have left this process, so the failure is [`ExchangeError::NotSent`]; from then on it is
//! a failure of unknown effect. Answers are read up to a limit while they arrive, so an endless body costs
//! no more memory than the limit, and the time allowed covers connecting, waiting and reading.

use crate::AccessToken;
use bytes::{Bytes, BytesMut};
use comms::{Class, Classify};
use http_body::{Body, Frame, SizeHint};
use reqwest::{
    Client, Method, Request, Response, Url,
    header::{self, HeaderMap},
};
use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::Instant;

/// How much of an error answer is read; enough for every documented shape.
const FAULT_BYTES: usize = 64 * 1024;

/// A complete answer. A failure status with an incomplete body counts as complete: the status says it all.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// From `Retry-After` in seconds, at most an hour.
    pub retry_after: Option<Duration>,
    /// The media type in lower case and without parameters.
    pub media_type: Option<String>,
    /// `Content-Disposition`, where it is readable text.
    pub disposition: Option<String>,
    pub body: Bytes,
}

impl Reply {
    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }
}

/// A request without its authorisation, so that it can be sent again with another one.
#[derive(Debug)]
pub struct Outgoing {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The largest success answer accepted, in bytes.
    pub limit: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The complete request never left: the other side cannot have acted.
    #[error("the request could not be sent")]
    NotSent { source: reqwest::Error },
    #[error("the time allowed was over before the request was sent")]
    OutOfTime,
    /// The request left and no answer began: a time-out or a broken connection.
    #[error("the request was sent and no answer came")]
    Unanswered { source: reqwest::Error },
    /// A success answer began and did not end.
    #[error("the answer broke off after {received} bytes")]
    Truncated { received: usize, source: reqwest::Error },
    #[error("the answer is larger than {limit} bytes")]
    TooLarge { limit: usize },
}

impl Classify for ExchangeError {
    fn class(&self) -> Class {
        match self {
            Self::NotSent { .. } | Self::OutOfTime => Class::transient(),
            Self::Unanswered { .. } | Self::Truncated { .. } | Self::TooLarge { .. } => Class::Unknown,
        }
    }
}

/// The time left for a call that needs several exchanges.
#[derive(Debug, Clone, Copy)]
pub struct Budget(Instant);

impl Budget {
    pub fn new(timeout: Duration) -> Self {
        Self(Instant::now() + timeout)
    }

    /// # Errors
    /// [`ExchangeError::OutOfTime`] when nothing is left.
    pub fn left(self) -> Result<Duration, ExchangeError> {
        let left = self.0.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ExchangeError::OutOfTime) } else { Ok(left) }
    }
}

/// Sends `outgoing` with `token` and reads the answer within `budget`.
///
/// # Errors
/// See [`ExchangeError`]. A failure status is an answer, not an error.
pub async fn exchange(
    http: &Client,
    outgoing: &Outgoing,
    token: &AccessToken,
    budget: Budget,
) -> Result<Reply, ExchangeError> {
    let mut request = Request::new(outgoing.method.clone(), outgoing.url.clone());
    *request.headers_mut() = outgoing.headers.clone();
    // a token that cannot be a header was refused when it was fetched
    if let Ok(Some((name, value))) = token.header() {
        request.headers_mut().insert(name, value);
    }
    *request.timeout_mut() = Some(budget.left()?);
    let asked_for = Arc::new(AtomicBool::new(outgoing.body.is_empty()));
    if !outgoing.body.is_empty() {
        let watched = Watched { body: Some(outgoing.body.clone()), asked_for: Arc::clone(&asked_for) };
        *request.body_mut() = Some(reqwest::Body::wrap(watched));
    }
    let response = http.execute(request).await.map_err(|error| {
        let source = error.without_url();
        if source.is_connect() || source.is_builder() || !asked_for.load(Ordering::SeqCst) {
            ExchangeError::NotSent { source }
        } else {
            ExchangeError::Unanswered { source }
        }
    })?;
    read(response, outgoing.limit).await
}

async fn read(mut response: Response, limit: usize) -> Result<Reply, ExchangeError> {
    let success = response.status().is_success();
    let limit = if success { limit } else { FAULT_BYTES };
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let mut reply = Reply {
        status: response.status().as_u16(),
        retry_after: text(header::RETRY_AFTER)
            .and_then(|text| text.trim().parse().ok())
            .map(|seconds: u64| Duration::from_secs(seconds.min(3600))),
        media_type: text(header::CONTENT_TYPE).map(media_type),
        disposition: text(header::CONTENT_DISPOSITION).map(str::to_owned),
        body: Bytes::new(),
    };
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    if success && announced > limit {
        return Err(ExchangeError::TooLarge { limit });
    }
    let mut body = BytesMut::with_capacity(announced.min(limit));
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= limit => body.extend_from_slice(&chunk),
            Ok(Some(_)) if success => return Err(ExchangeError::TooLarge { limit }),
            Err(error) if success => {
                return Err(ExchangeError::Truncated { received: body.len(), source: error.without_url() });
            }
            Ok(_) | Err(_) => break,
        }
    }
    reply.body = body.freeze();
    Ok(reply)
}

/// `Application/PDF; charset=x` → `application/pdf`
pub(crate) fn media_type(text: &str) -> String {
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// A request body that notes when the connection first asks for it.
struct Watched {
    body: Option<Bytes>,
    asked_for: Arc<AtomicBool>,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.asked_for.store(true, Ordering::SeqCst);
        Poll::Ready(self.body.take().map(|body| Ok(Frame::data(body))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.body.as_ref().map_or(0, |body| body.len() as u64))
    }
}
