//! The server around a stub: reads, names and records each request, applies the faults that a test ordered, and
//! asks the service for the answer.
//!
//! A request is read whole (bounded), named, recorded, put through the fault settings and answered by
//! the service. The work runs in its own task: a client that hangs up does not undo what it asked for, as with
//! the real servers.

use crate::{
    body::Cut,
    connection::{BreakableListener, Connection},
    control::{self, Controls},
    fault::{Fault, FaultKind},
    message::{Answer, Request, form_pairs},
};
use axum::{
    Router,
    extract::{ConnectInfo, State},
    http::header,
    response::Response,
};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

/// The largest body accepted: a batch driver file.
const MAX_BODY_BYTES: usize = 256 << 20;

/// The stub cannot listen.
#[derive(Debug, thiserror::Error)]
#[error("listen on {addr}")]
pub struct ListenError {
    addr: SocketAddr,
    source: io::Error,
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

/// The part of a stub that knows the product it stands for.
pub trait Service: Send + Sync + 'static {
    fn controls(&self) -> &Controls;

    /// Names of what the request asks for, the general one first; fault settings match any of them.
    fn operations(&self, request: &Request) -> Vec<String>;

    fn answer(&self, request: &Request) -> impl Future<Output = Answer> + Send;

    /// The product's own shape of a failure that a fault setting asks for.
    fn failure(&self, fault: &Fault, operations: &[String]) -> Answer;

    /// Serves `/__stub/<what>` beyond the routes that both stubs have.
    fn control(&self, what: &str, request: &Request) -> Option<Answer>;
}

async fn bind(addr: SocketAddr) -> Result<(TcpListener, SocketAddr), ListenError> {
    let failed = |source| ListenError { addr, source };
    let listener = TcpListener::bind(addr).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Binds `addr` (port 0 picks one) and serves until shut down.
///
/// # Errors
/// The address cannot be bound.
pub async fn start<S: Service>(addr: SocketAddr, service: S) -> Result<Running, ListenError> {
    let (listener, addr) = bind(addr).await?;
    let (closing, mut closed) = watch::channel(false);
    let state = Arc::new(ServerState { service, closing: closing.subscribe() });
    let app = Router::new()
        .fallback(handle::<S>)
        .with_state(state)
        .into_make_service_with_connect_info::<Connection>();
    let task = tokio::spawn(async move {
        let served = axum::serve(BreakableListener(listener), app)
            .with_graceful_shutdown(async move { _ = closed.wait_for(|closing| *closing).await });
        // axum's accept loop retries by itself and never reports an error
        let _ = served.await;
    });
    Ok(Running { addr, closing, task })
}

/// Binds `addr` and serves `app` until shut down.
pub(crate) async fn listen(addr: SocketAddr, app: Router) -> Result<Running, ListenError> {
    let (listener, addr) = bind(addr).await?;
    let (closing, mut closed) = watch::channel(false);
    let task = tokio::spawn(async move {
        let served = axum::serve(listener, app)
            .with_graceful_shutdown(async move { _ = closed.wait_for(|closing| *closing).await });
        let _ = served.await;
    });
    Ok(Running { addr, closing, task })
}

struct ServerState<S> {
    service: S,
    closing: watch::Receiver<bool>,
}

async fn handle<S: Service>(
    State(shared): State<Arc<ServerState<S>>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
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
    let served = tokio::spawn(async move { serve(&shared, &request, &connection).await }).await;
    served.unwrap_or_else(|_| Answer::text(500, "the stub failed\n")).into_response()
}

async fn serve<S: Service>(shared: &ServerState<S>, request: &Request, connection: &Connection) -> Answer {
    let service = &shared.service;
    if let Some(what) = request.path.strip_prefix("/__stub/") {
        return control::answer(service.controls(), what, request)
            .or_else(|| service.control(what, request))
            .unwrap_or_else(|| Answer::text(404, "no such control route\n"));
    }
    let operations = service.operations(request);
    let entry = service.controls().journal.open(&operations, request);
    let plan = service.controls().faults.plan(&operations);
    if !plan.delay.is_zero() {
        pause(&shared.closing, plan.delay).await;
    }
    let (answer, kind) = match plan.fault {
        None => (service.answer(request).await, None),
        Some(fault) => {
            (answer_with_fault(shared, request, connection, &fault, &operations).await, Some(fault.kind))
        }
    };
    entry.close(answer.status, kind);
    answer
}

/// The answer to a request that a fault setting hits.
async fn answer_with_fault<S: Service>(
    shared: &ServerState<S>,
    request: &Request,
    connection: &Connection,
    fault: &Fault,
    operations: &[String],
) -> Answer {
    let service = &shared.service;
    let answer = match fault.kind {
        FaultKind::Delay => service.answer(request).await,
        FaultKind::DropConnection => {
            connection.cut();
            Answer::text(500, "")
        }
        FaultKind::TimeoutAfterSuccess => {
            let done = service.answer(request).await;
            pause(&shared.closing, fault.hang()).await;
            connection.cut();
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
