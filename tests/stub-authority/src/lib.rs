//! A time-stamping authority for tests: `openssl ts` behind HTTP, with certificates of its own.
//!
//! It is strict: it answers a request by RFC 3161 with a number and for certificates, of the right media type, and refuses
//! everything else. It can be told to answer wrongly ([`Behaviour`]), to sign with another certificate
//! ([`Authority::certify`]), and to stamp another time than the machine's ([`Authority::stamp_at`]). The local stack runs it as
//! a part of `local-stubs`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "only tests and the local run call this, and a failure is a failed test"
)]

mod openssl;

pub use openssl::Usage;

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use der::{Decode, Encode, asn1::Int};
use jiff::Timestamp;
use openssl::Folder;
use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::net::TcpListener;
use x509_tsp::TimeStampReq;

/// What it does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Behaviour {
    /// It stamps.
    #[default]
    Stamps,
    /// 200, and a reply by RFC 3161 that grants nothing.
    Rejects,
    /// A stamp that answers another request.
    WrongNonce,
    /// A stamp over something else.
    WrongImprint,
    /// 200, and a page for people.
    Page,
    /// 503.
    Unavailable,
    /// 200, and more bytes than any reply has.
    Huge,
    /// The connection stays open and nothing comes.
    Silent,
}

/// An authority with a root certificate and one that signs.
#[derive(Clone)]
pub struct Authority {
    folder: Arc<Folder>,
    state: Arc<Mutex<Answers>>,
}

#[derive(Default)]
struct Answers {
    behaviour: Behaviour,
    /// What it takes for the time; the machine's if none is set.
    clock: Option<Timestamp>,
    asked: usize,
}

impl Authority {
    /// With a root for thirty years and a certificate for ten.
    pub fn new() -> Self {
        Self { folder: Arc::new(Folder::new()), state: Arc::default() }
    }

    /// The same in a folder that stays, with new certificates: what was in it is gone. The root is its `root.pem`.
    pub fn in_folder(path: &Path) -> Self {
        Self { folder: Arc::new(Folder::kept(path)), state: Arc::default() }
    }

    /// The root's certificate, which is to be trusted.
    pub fn root_pem(&self) -> String {
        self.folder.read("root.pem")
    }

    /// From now on it signs by another certificate.
    pub fn certify(&self, usage: Usage, from: Timestamp, until: Timestamp) {
        self.folder.certify(usage, from, until);
    }

    pub fn behave(&self, behaviour: Behaviour) {
        self.state().behaviour = behaviour;
    }

    /// Sets its clock.
    pub fn set_clock(&self, at: Timestamp) {
        self.state().clock = Some(at);
    }

    /// How many tokens it signed for another time than the machine's.
    pub fn signed(&self) -> u64 {
        self.folder.signed()
    }

    /// How many requests it had.
    pub fn asked(&self) -> usize {
        self.state().asked
    }

    fn state(&self) -> MutexGuard<'_, Answers> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The reply to a request.
    pub fn reply(&self, query: &[u8]) -> Vec<u8> {
        let clock = self.state().clock;
        match clock {
            Some(at) => self.stamp_at(query, at),
            None => self.folder.reply(query),
        }
    }

    /// The same as at another time.
    pub fn stamp_at(&self, query: &[u8], at: Timestamp) -> Vec<u8> {
        let query = TimeStampReq::from_der(query).expect("the request is by RFC 3161");
        self.folder.sign(&query, at)
    }

    /// A router that answers at every path.
    pub fn router(&self) -> Router {
        Router::new().fallback(answer).with_state(self.clone())
    }

    /// Serves on a port of its own, and answers its address.
    pub async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let router = self.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}/time-stamp")
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

async fn answer(
    State(authority): State<Authority>,
    method: Method,
    headers: HeaderMap,
    query: Bytes,
) -> Response {
    let behaviour = {
        let mut state = authority.state();
        state.asked += 1;
        state.behaviour
    };
    if method != Method::POST {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    if headers.get(CONTENT_TYPE).is_none_or(|it| it != "application/timestamp-query") {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    let Ok(request) = TimeStampReq::from_der(&query) else { return StatusCode::BAD_REQUEST.into_response() };
    if request.nonce.is_none() || !request.cert_req {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let reply = match behaviour {
        Behaviour::Stamps => authority.reply(&query),
        // rejection, badRequest
        Behaviour::Rejects => vec![0x30, 9, 0x30, 7, 2, 1, 2, 3, 2, 5, 0x20],
        Behaviour::WrongNonce => {
            let nonce = Int::new(&[0x42; 8]).ok();
            authority.reply(&TimeStampReq { nonce, ..request }.to_der().expect("a request"))
        }
        Behaviour::WrongImprint => {
            let mut other = request;
            let mut hash = other.message_imprint.hashed_message.as_bytes().to_vec();
            hash.reverse();
            other.message_imprint.hashed_message = der::asn1::OctetString::new(hash).expect("a hash");
            authority.reply(&other.to_der().expect("a request"))
        }
        Behaviour::Page => return ([(CONTENT_TYPE, "text/html")], "<p>Welcome").into_response(),
        Behaviour::Unavailable => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Behaviour::Huge => vec![0x30; 8 << 20],
        Behaviour::Silent => std::future::pending().await,
    };
    ([(CONTENT_TYPE, "application/timestamp-reply")], reply).into_response()
}
