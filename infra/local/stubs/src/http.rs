//! Requests and answers as the stubs see them, and the listener that can break a connection on purpose.
//!
//! A request is read whole (bounded), named, recorded, put through the fault settings and answered by the
//! service. The work runs in its own task: a client that hangs up does not undo what it asked for, as with
//! the real servers.

use crate::{
    control,
    fault::{Fault, FaultBook, FaultKind},
    journal::Journal,
};
use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, State, connect_info::Connected},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::Response,
    serve::{IncomingStream, Listener},
};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// The largest body accepted: a batch driver file.
const MAX_BODY_BYTES: usize = 256 << 20;

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("listen on {addr}")]
    Bind { addr: SocketAddr, source: io::Error },
    #[error("the Admin schema")]
    Schema(#[from] crate::shopify::SchemaError),
}

/// A stub that is listening. Dropping it ends the stub too, without waiting for its connections.
#[derive(Debug)]
pub struct Running {
    pub addr: SocketAddr,
    closing: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    /// `http://<addr>`, to be used as a base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Stops listening, breaks connections that hang on purpose and waits for the others.
    pub async fn shutdown(self) {
        let _ = self.closing.send(true);
        let _ = self.task.await;
    }
}

#[derive(Debug, Clone)]
pub struct Request {
    pub method: Method,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Request {
    pub fn segments(&self) -> Vec<&str> {
        self.path.split('/').filter(|s| !s.is_empty()).collect()
    }

    /// A header's value, if it is text and not blank.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim).filter(|v| !v.is_empty())
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Answer> {
        serde_json::from_slice(&self.body).map_err(|error| Answer::text(400, &format!("bad JSON: {error}\n")))
    }
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(HeaderName, String)>,
    pub body: Bytes,
}

impl Answer {
    pub fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self { status, headers: vec![(header::CONTENT_TYPE, content_type.to_owned())], body: body.into() }
    }

    pub fn json(status: u16, value: &Value) -> Self {
        Self::new(status, "application/json", value.to_string())
    }

    pub fn text(status: u16, text: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", text.to_owned())
    }

    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

/// What both stubs share: the fault settings and the record of requests.
#[derive(Debug, Default)]
pub struct Core {
    pub faults: FaultBook,
    pub journal: Journal,
}

/// The part of a stub that knows the product it stands for.
pub trait Service: Send + Sync + 'static {
    fn core(&self) -> &Core;

    /// Names of what the request asks for, the general one first; fault settings match any of them.
    fn operations(&self, request: &Request) -> Vec<String>;

    fn answer(&self, request: &Request) -> impl Future<Output = Answer> + Send;

    /// The product's own shape of a failure that a fault setting asks for.
    fn failure(&self, fault: &Fault, operations: &[String]) -> Answer;

    /// Serves `/__stub/<what>` beyond the routes that both stubs have.
    fn control(&self, what: &str, request: &Request) -> Option<Answer>;
}

/// Binds `addr` (port 0 picks one) and serves until shut down.
pub async fn start<S: Service>(addr: SocketAddr, service: S) -> Result<Running, StartError> {
    let listener = TcpListener::bind(addr).await.map_err(|source| StartError::Bind { addr, source })?;
    let addr = listener.local_addr().map_err(|source| StartError::Bind { addr, source })?;
    let (closing, mut closed) = watch::channel(false);
    let state = Arc::new(Shared { service, closing: closing.subscribe() });
    let app =
        Router::new().fallback(handle::<S>).with_state(state).into_make_service_with_connect_info::<Wire>();
    let task = tokio::spawn(async move {
        let served = axum::serve(Breakable(listener), app)
            .with_graceful_shutdown(async move { _ = closed.wait_for(|closing| *closing).await });
        // axum's accept loop retries by itself and never reports an error
        let _ = served.await;
    });
    Ok(Running { addr, closing, task })
}

struct Shared<S> {
    service: S,
    closing: watch::Receiver<bool>,
}

async fn handle<S: Service>(
    State(shared): State<Arc<Shared<S>>>,
    ConnectInfo(wire): ConnectInfo<Wire>,
    request: axum::extract::Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY_BYTES).await else {
        return Answer::text(413, "the body is too large or was cut off\n").into_response();
    };
    let request = Request {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: form_pairs(parts.uri.query().unwrap_or_default()),
        headers: parts.headers,
        body,
    };
    let served = tokio::spawn(async move { serve(&shared, &request, &wire).await }).await;
    served.unwrap_or_else(|_| Answer::text(500, "the stub failed\n")).into_response()
}

async fn serve<S: Service>(shared: &Shared<S>, request: &Request, wire: &Wire) -> Answer {
    let service = &shared.service;
    if let Some(what) = request.path.strip_prefix("/__stub/") {
        return control::answer(service.core(), what, request)
            .or_else(|| service.control(what, request))
            .unwrap_or_else(|| Answer::text(404, "no such control route\n"));
    }
    let operations = service.operations(request);
    let entry = service.core().journal.open(&operations, request);
    let plan = service.core().faults.plan(&operations);
    if !plan.delay.is_zero() {
        pause(&shared.closing, plan.delay).await;
    }
    let (answer, kind) = match plan.fault {
        None => (service.answer(request).await, None),
        Some(fault) => (spoil(shared, request, wire, &fault, &operations).await, Some(fault.kind)),
    };
    entry.close(answer.status, kind);
    answer
}

/// The answer to a request that a fault setting hits.
async fn spoil<S: Service>(
    shared: &Shared<S>,
    request: &Request,
    wire: &Wire,
    fault: &Fault,
    operations: &[String],
) -> Answer {
    let service = &shared.service;
    let answer = match fault.kind {
        FaultKind::Delay => service.answer(request).await,
        FaultKind::DropConnection => {
            wire.cut();
            Answer::text(500, "")
        }
        FaultKind::TimeoutAfterSuccess => {
            let done = service.answer(request).await;
            pause(&shared.closing, fault.hang()).await;
            wire.cut();
            done
        }
        FaultKind::Malformed200 => {
            let mut whole = service.answer(request).await;
            whole.status = 200;
            whole.body = whole.body.slice(..whole.body.len() / 2);
            whole
        }
        FaultKind::NonJsonError => html_error(fault.status.unwrap_or(502)),
        FaultKind::Status
        | FaultKind::Error200
        | FaultKind::Empty200
        | FaultKind::WrongType200
        | FaultKind::Throttled
        | FaultKind::AccessDenied => service.failure(fault, operations),
    };
    match fault.retry_after_seconds {
        Some(seconds) if !answer.headers.iter().any(|(name, _)| name == header::RETRY_AFTER) => {
            answer.with_header(header::RETRY_AFTER, seconds.to_string())
        }
        _ => answer,
    }
}

/// What a proxy in front of the product says: no JSON, no product error code.
fn html_error(status: u16) -> Answer {
    let page = format!("<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>\n");
    Answer::new(status, "text/html", page)
}

async fn pause(closing: &watch::Receiver<bool>, time: Duration) {
    let mut closing = closing.clone();
    let _ = tokio::time::timeout(time, closing.wait_for(|closing| *closing)).await;
}

/// `a=1&b=x+y` decoded. Also used for form bodies.
pub fn form_pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (percent_decode(key), percent_decode(value))
        })
        .collect()
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let hex = |at: usize| bytes.get(at).and_then(|b| char::from(*b).to_digit(16));
        match (bytes[index], hex(index + 1), hex(index + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                index += 2;
            }
            (b'+', ..) => out.push(b' '),
            (other, ..) => out.push(other),
        }
        index += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A listener whose connections can be broken from inside a handler.
struct Breakable(TcpListener);

impl Listener for Breakable {
    type Io = BreakableStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, addr) = Listener::accept(&mut self.0).await;
        let _ = stream.set_nodelay(true);
        (BreakableStream { stream, wire: Wire::default() }, addr)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// The switch that breaks one connection: once cut, nothing more is written to it.
#[derive(Debug, Clone, Default)]
struct Wire(Arc<AtomicBool>);

impl Wire {
    fn cut(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::Acquire) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl Connected<IncomingStream<'_, Breakable>> for Wire {
    fn connect_info(stream: IncomingStream<'_, Breakable>) -> Self {
        stream.io().wire.clone()
    }
}

struct BreakableStream {
    stream: TcpStream,
    wire: Wire,
}

impl AsyncRead for BreakableStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for BreakableStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.wire.check()?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.wire.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
