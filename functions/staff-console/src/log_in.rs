//! Logging people in and out.
//!
//! Somebody without a session is sent to the identity provider with a state, a nonce and a challenge that only their browser
//! can answer: all three are in a signed cookie. Whoever comes back with another state, or without the cookie, begins anew. A
//! session is a signed cookie, too, and ends by itself after an hour: nothing is stored. After that the provider is asked
//! again, which notices an account that was closed.

use crate::{
    Console,
    http::{HttpRequest, set_cookie},
    keyring::{LogIn, Session, Signed},
    page::{self, Notice},
    person::Person,
    provider::{Exchange, ProviderError},
    route::{CALLBACK, is_page},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use comms::{chain, cut, one_line};
use downloads::HttpResponse;
use jiff::Timestamp;
use service::SecretError;
use std::time::Duration;
use uuid::Uuid;

/// Of a name and a subject, what fits into an evidence record and a log line.
const MAX_NAME_BYTES: usize = 100;

/// The longest address that is shown after the log-in. With it the cookie stays below the 4096 bytes that browsers keep.
const MAX_PAGE_BYTES: usize = 1024;

/// Whoever sent a request, with the session it came with.
pub struct SignedIn {
    pub person: Person,
    pub csrf: String,
}

/// Two random UUIDs: 244 random bits, 64 characters.
fn random() -> String {
    let bytes = [*Uuid::new_v4().as_bytes(), *Uuid::new_v4().as_bytes()].concat();
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Why it is not known who sent a request.
pub enum NotSignedIn {
    /// They have no session, or none any more.
    NoSession,
    /// The key that tells could not be read.
    Unknown(SecretError),
}

/// Who sent a request.
pub async fn signed_in(
    console: &Console,
    request: &HttpRequest,
    now: Timestamp,
) -> Result<SignedIn, NotSignedIn> {
    let cookie = request.cookie().ok_or(NotSignedIn::NoSession)?;
    let keyring = console.keyring(now).await.map_err(NotSignedIn::Unknown)?;
    let session: Session = keyring.read(cookie, now).map_err(|_| NotSignedIn::NoSession)?;
    let roles = console.role_names.of(&session.roles);
    let Session { subject, name, csrf, .. } = session;
    Ok(SignedIn { person: Person { subject, name, roles, shop: None }, csrf })
}

/// Sends somebody to the provider, and back to `page` afterwards.
pub async fn begin(console: &Console, request: &HttpRequest, page: &str, now: Timestamp) -> HttpResponse {
    // the page is in the cookie, and browsers keep none that is longer than they like
    let page = if page.len() <= MAX_PAGE_BYTES { page } else { "/" };
    let log_in = LogIn { state: random(), nonce: random(), verifier: random(), page: page.to_owned() };
    let LogIn { state, nonce, verifier, .. } = &log_in;
    let Some(redirect_uri) = console.address(request, CALLBACK) else {
        return page::notice(Notice::NotFound);
    };
    let address = console.provider.log_in_address(state, nonce, verifier, &redirect_uri, now).await;
    let signed = match console.keyring(now).await {
        Ok(keyring) => keyring.sign(&log_in, now),
        Err(error) => return unavailable(&chain(&error)),
    };
    match (address, signed) {
        (Ok(address), Some(signed)) => {
            HttpResponse::redirect(&address).header("set-cookie", set_cookie(&signed, LogIn::VALID))
        }
        (Err(error), _) => unavailable(&chain(&error)),
        (_, None) => unavailable("the log-in cannot be signed"),
    }
}

/// Somebody comes back from the provider.
pub async fn finish(console: &Console, request: &HttpRequest, now: Timestamp) -> HttpResponse {
    let query = request.query();
    let keyring = match console.keyring(now).await {
        Ok(keyring) => keyring,
        Err(error) => return unavailable(&chain(&error)),
    };
    let log_in: Option<LogIn> = request.cookie().and_then(|cookie| keyring.read(cookie, now).ok());
    // without a log-in that this browser began, a code may be that of another person
    let Some(log_in) = log_in.filter(|it| query.get("state") == Some(&it.state)) else {
        return refused("no log-in of this browser");
    };
    let (Some(code), Some(redirect_uri)) = (query.get("code"), console.address(request, CALLBACK)) else {
        return refused("the provider sent no code");
    };
    let secret = match console.client_secret(now).await {
        Ok(secret) => secret,
        Err(error) => return unavailable(&chain(&error)),
    };
    let exchange = Exchange {
        code,
        verifier: &log_in.verifier,
        nonce: &log_in.nonce,
        redirect_uri: &redirect_uri,
        client_secret: secret.as_deref(),
    };
    let identity = match console.provider.exchange(exchange, now).await {
        Ok(identity) => identity,
        Err(error @ (ProviderError::Code | ProviderError::Token(_))) => return refused(&chain(&error)),
        Err(error) => return unavailable(&chain(&error)),
    };
    let known =
        |text: &str| Some(cut(&one_line(text), MAX_NAME_BYTES).to_owned()).filter(|it| !it.is_empty());
    let Some(subject) = known(&identity.subject) else { return refused("the token names nobody") };
    let name = identity.email.as_deref().and_then(known).unwrap_or_else(|| subject.clone());
    // the names that say nothing here would only make the cookie long
    let is_role = |name: &String| !console.role_names.of(std::slice::from_ref(name)).is_empty();
    let roles = identity.roles.into_iter().filter(is_role).take(10).collect();
    let session = Session { subject, name, roles, csrf: random() };
    console.audit.log_in(&session.subject);
    match keyring.sign(&session, now) {
        Some(signed) => HttpResponse::redirect(landing(&log_in.page))
            .header("set-cookie", set_cookie(&signed, Session::VALID)),
        None => unavailable("the session cannot be signed"),
    }
}

/// A page of the console, whatever was asked for before the log-in.
fn landing(page: &str) -> &str {
    if is_page(page) { page } else { "/" }
}

/// Ends the session in this browser, and at the provider where that has a place for it.
pub fn end(console: &Console) -> HttpResponse {
    let settings = console.provider.settings();
    let to = settings.log_out.as_ref().map_or("/signed-out", |address| address.as_str());
    HttpResponse::redirect(to).header("set-cookie", set_cookie("", Duration::ZERO))
}

fn refused(why: &str) -> HttpResponse {
    tracing::warn!(why, "log-in refused");
    page::notice(Notice::LogInRefused).header("set-cookie", set_cookie("", Duration::ZERO))
}

pub fn unavailable(error: &str) -> HttpResponse {
    tracing::error!(error, "log-in not possible");
    page::notice(Notice::Unavailable)
}
