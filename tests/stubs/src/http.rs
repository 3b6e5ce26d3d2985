//! Requests and answers as the stubs see them, and the listener that can break a connection on purpose.
//!
//! A request is read whole (bounded), named, recorded, put through the fault settings and answered by the
//! service. The work runs in its own task: a client that hangs up does not undo what it asked for, as with
//! the real servers.

use crate::{
    body::{Cut, Sending, Source, Stream},
    control,
    fault::{Fault, FaultBook, FaultKind},
    journal::Journal,
    wire::{Breakable, Wire},
};
use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

/// The largest body accepted: a batch driver file.
const MAX_BODY_BYTES: usize = 256 << 20;

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("listen on {addr}")]
    Bind { addr: SocketAddr, source: io::Error },
    #[error("the Admin schema")]
    Schema(#[from] crate::shopify::SchemaError),
    #[error("open {path}")]
    Open { path: PathBuf, source: io::Error },
    #[error("an HTTP client")]
    Client(#[source] reqwest::Error),
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
    /// A part of a file in place of `body`.
    pub stream: Option<Box<Stream>>,
    /// Where the body breaks off.
    pub cut: Option<Box<Cut>>,
}

impl Answer {
    pub fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let headers = vec![(header::CONTENT_TYPE, content_type.to_owned())];
        Self { status, headers, body: body.into(), stream: None, cut: None }
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
        let body = match (self.stream, self.cut) {
            (None, None) => Body::from(self.body),
            (None, cut) => Body::new(Sending::start(Source::Bytes(self.body), cut.as_deref().copied())),
            (Some(stream), cut) => Body::new(Sending::start(Source::File(*stream), cut.as_deref().copied())),
        };
        let mut response = Response::new(body);
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

/// Binds `addr` and serves `app` until shut down.
pub(crate) async fn listen(addr: SocketAddr, app: Router) -> Result<Running, StartError> {
    let listener = TcpListener::bind(addr).await.map_err(|source| StartError::Bind { addr, source })?;
    let addr = listener.local_addr().map_err(|source| StartError::Bind { addr, source })?;
    let (closing, mut closed) = watch::channel(false);
    let task = tokio::spawn(async move {
        let served = axum::serve(listener, app)
            .with_graceful_shutdown(async move { _ = closed.wait_for(|closing| *closing).await });
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
            if let Some(stream) = &mut whole.stream {
                stream.len /= 2;
            }
            whole
        }
        FaultKind::CutAfter => {
            let mut whole = service.answer(request).await;
            whole.cut =
                Some(Box::new(Cut { after: fault.after_bytes.unwrap_or(0), hang: fault.hang_before_cut() }));
            whole
        }
        FaultKind::IgnoreRange => {
            let mut whole = request.clone();
            whole.headers.remove(header::RANGE);
            service.answer(&whole).await
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

pub(crate) fn percent_decode(text: &str) -> String {
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
