//! What people do: sending again, settling, holding, having dead letters delivered again or discarding them.
//!
//! Each comes from a form of a page of the same session: without that session's secret nothing is done, whoever's page sent
//! it. A form carries the name of its request, so that pressing twice is one request.

use crate::{
    Console,
    audit::Act,
    http::{Fields, HttpRequest},
    log_in::{self, SignedIn},
    page::{Notice, of_person, unavailable},
    pages::{communication::show, dead_letters_of, hold::matter},
    person::Right,
    route::Route,
};
use comms::CommunicationId;
use decisions::{Decision, Refusal, ResendRequest};
use downloads::HttpResponse;
use jiff::Timestamp;
use ledger::Entry;
use work::Message;

/// What a form asks for, and what becomes of it.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    #[error(transparent)]
    Decision(#[from] decisions::InvalidDecision),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the request has no name of 8 to 64 letters and digits")]
    Request,
    #[error("choose what became of it")]
    State,
    /// Nothing is known of whether it was queued.
    #[error("it could not be queued")]
    Queue(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl NotDone {
    /// Whether somebody can do better, or this has to be repaired.
    pub fn is_answer(&self) -> bool {
        let broken = |refusal: &Refusal| {
            matches!(refusal, Refusal::Ledger(_) | Refusal::Config(_) | Refusal::Archive(_))
        };
        match self {
            Self::Queue(_) => false,
            Self::Refused(refusal) => !broken(refusal),
            Self::Decision(_) | Self::Request | Self::State => true,
        }
    }
}

pub async fn answer(
    console: &Console,
    route: Route<'_>,
    signed_in: &SignedIn,
    request: &HttpRequest,
    now: Timestamp,
) -> HttpResponse {
    let Ok(form) = request.form() else { return of_person(signed_in, Notice::BadForm) };
    if form.get("csrf") != Some(&signed_in.csrf) || is_from_elsewhere(request) {
        return of_person(signed_in, Notice::BadForm).status(403);
    }
    let needs = match route {
        Route::LogOut => return log_in::end(console),
        Route::Redrive(_) | Route::Discard(_) => Right::Redrive,
        Route::Settle(_) => Right::Settle,
        Route::Hold(_) | Route::Release(_) => Right::Hold,
        _ => Right::Resend,
    };
    if !signed_in.person.may(needs) {
        return of_person(signed_in, Notice::NotAllowed);
    }
    let dead_letters =
        async |queue, act| dead_letters_of::carry_out(console, signed_in, (queue, act), &form, now).await;
    let (id, act) = match route {
        Route::Redrive(queue) => return dead_letters(queue, Act::Redrive).await,
        Route::Discard(queue) => return dead_letters(queue, Act::Discard).await,
        Route::Hold(id) => (id, Act::Hold),
        Route::Release(id) => (id, Act::Release),
        Route::Resend(id) => (id, Act::Resend),
        Route::Settle(id) => (id, Act::Settle),
        _ => return of_person(signed_in, Notice::NotFound),
    };
    let entry = match console.entry(&signed_in.person, &id).await {
        Ok(Some(entry)) => entry,
        Ok(None) => return of_person(signed_in, Notice::NotFound),
        Err(error) => return unavailable(signed_in, &error),
    };
    decide(console, signed_in, &entry, act, &form, now).await
}

async fn decide(
    console: &Console,
    signed_in: &SignedIn,
    entry: &Entry,
    act: Act,
    form: &Fields,
    now: Timestamp,
) -> HttpResponse {
    let id = &entry.communication;
    let actor = signed_in.person.name.clone();
    let reason = form.get("reason").unwrap_or_default().to_owned();
    if let Err(error) = console.audit.record(&signed_in.person.subject, act, entry, Some(&reason)).await {
        return unavailable(signed_in, &error);
    }
    let done = match Decision::new(actor, reason) {
        Err(error) => Err(NotDone::from(error)),
        Ok(decision) if act == Act::Settle => settle(console, id, decision, form, now).await,
        Ok(decision) if matches!(act, Act::Hold | Act::Release) => {
            change_hold(console, entry, act, &decision, form, now).await
        }
        Ok(decision) => {
            let name = form.get("request").unwrap_or_default();
            resend(console, id, decision, name, form.get("to"), now).await.map(drop)
        }
    };
    match done {
        // the page is asked for anew, so that reloading it repeats nothing
        Ok(()) => HttpResponse::redirect(&format!("/c/{id}?done={}", act.name())),
        Err(error) if error.is_answer() => {
            let said = format!("It was not done: {error}.");
            show(console, signed_in, entry, Some((&said, false)), 409, now).await
        }
        Err(error) => unavailable(signed_in, &error),
    }
}

/// Queues another issue; the same request again is the same issue.
pub async fn resend(
    console: &Console,
    id: &CommunicationId,
    decision: Decision,
    name: &str,
    to: Option<&str>,
    now: Timestamp,
) -> Result<CommunicationId, NotDone> {
    let is_name =
        (8..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !is_name {
        return Err(NotDone::Request);
    }
    let (name, to) = (Some(name.to_owned()), to.map(str::to_owned));
    let request = ResendRequest { decision, name, recompose: false, to };
    let reissue =
        decisions::resend(&console.ledger, &console.archive, &console.configs, id, request, now).await?;
    let queue = console.flows.get(&reissue.item.flow).ok_or_else(|| NotDone::Queue("no queue".into()))?;
    let message = Message::of(&reissue.item).map_err(|error| NotDone::Queue(error.into()))?;
    queue.send(&message).await.map_err(|error| NotDone::Queue(error.into()))?;
    Ok(reissue.issue)
}

async fn settle(
    console: &Console,
    id: &CommunicationId,
    decision: Decision,
    form: &Fields,
    now: Timestamp,
) -> Result<(), NotDone> {
    let state = form.get("state").and_then(|text| text.parse().ok()).ok_or(NotDone::State)?;
    let settled =
        decisions::settle(&console.ledger, &console.archive, &console.configs, id, state, decision, now)
            .await?;
    if let Some(report) = settled.report {
        let message = Message::of(&report).map_err(|error| NotDone::Queue(error.into()))?;
        console.write_back.send(&message).await.map_err(|error| NotDone::Queue(error.into()))?;
    }
    Ok(())
}

/// The same again changes nothing.
async fn change_hold(
    console: &Console,
    entry: &Entry,
    act: Act,
    decision: &Decision,
    form: &Fields,
    now: Timestamp,
) -> Result<(), NotDone> {
    let matter = matter(form.get("matter").unwrap_or_default())?;
    match act {
        Act::Release => decisions::release(&console.archive, entry, &matter, decision, now).await?,
        _ => decisions::hold(&console.archive, entry, &matter, decision, now).await?,
    };
    Ok(())
}

/// Whether a browser says that a page elsewhere sent it. Where none says so, the form's secret decides alone.
fn is_from_elsewhere(request: &HttpRequest) -> bool {
    request.header("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none"))
}
