//! One HTTP exchange with an outside service, and what is known when it fails.
//!
//! Owns the question every retry depends on: can the other side have acted? The request body is handed to
//! the connection through [`Watched`], in pieces, and only while time is left. Until the last piece is handed
//! over, the complete request cannot have left this process, so the failure is [`ExchangeError::NotSent`]; from
//! then on it is a failure of unknown effect. A process that was frozen in the midst of a request and wakes up
//! after its time has ended does not complete the request. Answers are read up to a limit while they arrive, so an
//! endless body costs no more memory than the limit, and the time allowed covers connecting, waiting and reading.

use crate::{AccessToken, Memory, Room, memory::SMALL_BYTES};
use bytes::{Bytes, BytesMut};
use comms::{Class, Classify};
use http_body::{Body, Frame, SizeHint};
use jiff::Timestamp;
use reqwest::{
    Client, Method, Request, Response, Url,
    header::{self, HeaderMap},
};
use rustls::AlertDescription;
use std::{
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

/// A request body is handed over in pieces of this size, each of them only while time is left.
const PIECE_BYTES: usize = 64 * 1024;

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
    /// What a large body and the copies that are made of it take.
    pub(crate) room: Option<Room>,
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
    #[error("the time allowed ended before the request was sent")]
    OutOfTime,
    /// The request left and no answer began: a time-out or a broken connection.
    #[error("the request was sent and no answer came")]
    Unanswered { source: reqwest::Error },
    /// A success answer began and did not end.
    #[error("the answer broke off after {received} bytes")]
    Truncated { received: usize, source: reqwest::Error },
    #[error("the answer is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("there was no room for a large answer within the time allowed")]
    NoRoom,
}

impl Classify for ExchangeError {
    fn class(&self) -> Class {
        match self {
            Self::NotSent { .. } | Self::OutOfTime => Class::transient(),
            Self::Unanswered { .. } | Self::Truncated { .. } | Self::TooLarge { .. } | Self::NoRoom => {
                Class::Unknown
            }
        }
    }
}

/// The time left for a call that needs several exchanges.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    until: Instant,
    latest: Option<Latest>,
}

/// A moment of the wall clock. A machine that was stopped and resumed may have missed it without its
/// monotonic clock having moved.
#[derive(Debug, Clone, Copy)]
struct Latest {
    at: Timestamp,
    clock: fn() -> Timestamp,
}

impl Budget {
    pub fn new(timeout: Duration) -> Self {
        Self { until: Instant::now() + timeout, latest: None }
    }

    /// Ends at a moment, whichever clock reaches it first: for a call that must not take effect any later.
    pub fn until(at: Timestamp, clock: fn() -> Timestamp) -> Self {
        let left = Duration::try_from(at.duration_since(clock())).unwrap_or_default();
        Self { until: Instant::now() + left, latest: Some(Latest { at, clock }) }
    }

    /// The same, but no longer than `timeout` from now.
    #[must_use]
    pub fn at_most(self, timeout: Duration) -> Self {
        Self { until: self.until.min(Instant::now() + timeout), ..self }
    }

    /// # Errors
    /// [`ExchangeError::OutOfTime`] when nothing is left.
    pub fn left(self) -> Result<Duration, ExchangeError> {
        let left = self.until.saturating_duration_since(Instant::now());
        let is_late = self.latest.is_some_and(|Latest { at, clock }| clock() >= at);
        if left.is_zero() || is_late { Err(ExchangeError::OutOfTime) } else { Ok(left) }
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
    exchange_within(http, outgoing, token, budget, None).await
}

/// The same, but a large answer is read only once there is room for it: until then the connection holds it back.
pub(crate) async fn exchange_within(
    http: &Client,
    outgoing: &Outgoing,
    token: &AccessToken,
    budget: Budget,
    memory: Option<&Memory>,
) -> Result<Reply, ExchangeError> {
    let mut request = Request::new(outgoing.method.clone(), outgoing.url.clone());
    *request.headers_mut() = outgoing.headers.clone();
    // a token that cannot be a header was refused when it was fetched
    if let Ok(Some((name, value))) = token.header() {
        request.headers_mut().insert(name, value);
    }
    *request.timeout_mut() = Some(budget.left()?);
    let handed_over = Arc::new(AtomicBool::new(outgoing.body.is_empty()));
    if !outgoing.body.is_empty() {
        let rest = outgoing.body.clone();
        let watched = Watched { rest, budget, handed_over: Arc::clone(&handed_over) };
        *request.body_mut() = Some(reqwest::Body::wrap(watched));
    }
    let response = http.execute(request).await.map_err(|error| {
        let source = error.without_url();
        let refused = is_certificate_refused(&source);
        if source.is_connect() || source.is_builder() || refused || !handed_over.load(Ordering::SeqCst) {
            ExchangeError::NotSent { source }
        } else {
            ExchangeError::Unanswered { source }
        }
    })?;
    read(response, outgoing.limit, budget, memory).await
}

/// Whether the other side ended the handshake because of our certificate, or because there was none. With TLS 1.3 it does so
/// after we have begun to send, but it reads nothing before.
fn is_certificate_refused(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(rustls::Error::AlertReceived(alert)) = inner.and_then(|it| it.downcast_ref()) {
            return matches!(
                alert,
                AlertDescription::CertificateRequired
                    | AlertDescription::BadCertificate
                    | AlertDescription::UnsupportedCertificate
                    | AlertDescription::CertificateRevoked
                    | AlertDescription::CertificateExpired
                    | AlertDescription::CertificateUnknown
                    | AlertDescription::UnknownCA
            );
        }
        cause = error.source();
    }
    false
}

async fn read(
    mut response: Response,
    limit: usize,
    budget: Budget,
    memory: Option<&Memory>,
) -> Result<Reply, ExchangeError> {
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
        room: None,
    };
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    if success && announced > limit {
        return Err(ExchangeError::TooLarge { limit });
    }
    let room_for = async |bytes| match memory {
        Some(memory) => room_for(memory, bytes, reply.media_type.as_deref(), budget).await,
        None => Ok(None),
    };
    let mut room = if success { room_for(announced).await? } else { None };
    let mut body = BytesMut::with_capacity(announced.min(limit));
    loop {
        // one that does not say how large it is may become as large as it may be
        if success && room.is_none() && body.len() > SMALL_BYTES {
            room = room_for(limit).await?;
            body.reserve(limit.saturating_sub(body.len()));
        }
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
    reply.room = room;
    Ok(reply)
}

async fn room_for(
    memory: &Memory,
    bytes: usize,
    media_type: Option<&str>,
    budget: Budget,
) -> Result<Option<Room>, ExchangeError> {
    let left = budget.left().map_err(|_| ExchangeError::NoRoom)?;
    let room = match media_type {
        Some("application/json") => tokio::time::timeout(left, memory.room_to_decode(bytes)).await,
        _ => tokio::time::timeout(left, memory.room_to_send(bytes)).await,
    };
    room.map_err(|_| ExchangeError::NoRoom)
}

/// `Application/PDF; charset=x` → `application/pdf`
pub(crate) fn media_type(text: &str) -> String {
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// A request body that ends in an error, and with it the request, once its time has ended, and that notes when all
/// of it was handed over. What cannot be called back is a piece that the connection has taken: a process that is
/// frozen between the last piece and the system call that writes it sends late.
struct Watched {
    rest: Bytes,
    budget: Budget,
    handed_over: Arc<AtomicBool>,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = ExchangeError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ExchangeError>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        if let Err(late) = self.budget.left() {
            return Poll::Ready(Some(Err(late)));
        }
        let length = self.rest.len().min(PIECE_BYTES);
        let piece = self.rest.split_to(length);
        if self.rest.is_empty() {
            self.handed_over.store(true, Ordering::SeqCst);
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
