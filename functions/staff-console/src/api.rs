//! The interface of the Shopify app's extensions: JSON, with Shopify's session token. A public contract
//! (`schemas/extension-api.v1.json`).
//!
//! A member of a shop's staff sees their own shop and no other: of a communication of another one it is not even said that
//! it exists. There are no cookies here, so that any page may ask and none gets an answer without a token of its own.

mod account;
mod hold;
mod wire;

use crate::{
    Console,
    act::{self, NotDone},
    audit::Act,
    document::{Outputs, outputs, printed, saved_as},
    http::{BadBody, HttpRequest},
    keyring::{Signed, Ticket},
    person::{Person, Right},
    route::ApiRoute,
    shop_staff::{self, StaffError},
};
use archive::Output;
use comms::{CommunicationId, Gid, ShopDomain, chain};
use decisions::{Decision, why, why_nothing};
use downloads::{HttpResponse, NOWHERE, PART_BYTES};
use jiff::{SignedDuration, Timestamp};
use ledger::Entry;
use serde::Serialize;
use wire::{
    Document, Documents, Merged, OpenRequest, Opened, PrintRequest, Printable, Printed, ResendRequest,
    Resent, ResourceWhy, Why, WhyDocument,
};

/// The most documents that are printed at once.
const MAX_PRINTED: usize = 50;

/// The most bytes of them together: a merged document is little longer, and has to fit into one answer.
const MAX_PRINTED_BYTES: u64 = PART_BYTES / 16 * 15;

/// An answer that is none of those a question hopes for.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("The request cannot be read: {0}.")]
    Invalid(&'static str),
    #[error("The request is too long.")]
    TooLarge,
    #[error("Open the page in the Shopify admin again.")]
    Unauthenticated,
    #[error("This is not allowed.")]
    Forbidden,
    #[error("There is no such document.")]
    NotFound,
    #[error("There is no such method here.")]
    Method(&'static str),
    #[error("It was not done: {0}.")]
    Refused(String),
    #[error("This does not work at the moment.")]
    Unavailable(String),
}

impl ApiError {
    const fn status(&self) -> (u16, &'static str) {
        match self {
            Self::Invalid(_) => (400, "invalid"),
            Self::TooLarge => (413, "too_large"),
            Self::Unauthenticated => (401, "unauthenticated"),
            Self::Forbidden => (403, "forbidden"),
            Self::NotFound => (404, "not_found"),
            Self::Method(_) => (405, "method"),
            Self::Refused(_) => (409, "refused"),
            Self::Unavailable(_) => (503, "unavailable"),
        }
    }

    fn unavailable(error: &dyn std::error::Error) -> Self {
        Self::Unavailable(chain(error))
    }
}

impl From<BadBody> for ApiError {
    fn from(error: BadBody) -> Self {
        match error {
            BadBody::TooLarge => Self::TooLarge,
            BadBody::Type => Self::Invalid("it must be application/json"),
            BadBody::Malformed => Self::Invalid("it is not what the contract says"),
        }
    }
}

impl From<StaffError> for ApiError {
    fn from(error: StaffError) -> Self {
        match error {
            StaffError::Token(why) => {
                tracing::warn!(%why, "session token refused");
                Self::Unauthenticated
            }
            error => Self::unavailable(&error),
        }
    }
}

impl From<NotDone> for ApiError {
    fn from(error: NotDone) -> Self {
        match error {
            NotDone::Request => Self::Invalid("request needs 8 to 64 letters, digits or hyphens"),
            error if error.is_answer() => Self::Refused(error.to_string()),
            error => Self::unavailable(&error),
        }
    }
}

pub async fn answer(
    console: &Console,
    route: ApiRoute,
    request: &HttpRequest,
    now: Timestamp,
) -> HttpResponse {
    if request.method() == "OPTIONS" {
        return open_to_all(204);
    }
    let result = match route {
        ApiRoute::Unknown => Err(ApiError::NotFound),
        route if request.method() != route.method() => Err(ApiError::Method(route.method())),
        route => authorized(console, route, request, now).await,
    };
    match result {
        Ok(response) => response,
        Err(error) => refusal(&error),
    }
}

async fn authorized(
    console: &Console,
    route: ApiRoute,
    request: &HttpRequest,
    now: Timestamp,
) -> Result<HttpResponse, ApiError> {
    if matches!(route, ApiRoute::Account) {
        return Box::pin(account::documents(console, request, now)).await;
    }
    let person = shop_staff::person(request.bearer(), &console.secrets, &console.configs, now).await;
    let person = person?;
    let call = Call { console, person, request, now };
    match route {
        ApiRoute::Documents => call.documents().await,
        ApiRoute::Document(id) => call.document(&id).await,
        ApiRoute::Why(id) => call.why(&id).await,
        ApiRoute::WhyOfResource => call.why_of_resource().await,
        ApiRoute::Open(id) => call.open(&id).await,
        ApiRoute::Resend(id) => call.resend(&id).await,
        ApiRoute::Holds(id) => call.holds(&id).await,
        ApiRoute::Hold(id) => call.change_hold(&id, Act::Hold).await,
        ApiRoute::Release(id) => call.change_hold(&id, Act::Release).await,
        ApiRoute::Print => call.print().await,
        ApiRoute::Account | ApiRoute::Unknown => Err(ApiError::NotFound),
    }
}

struct Call<'a> {
    console: &'a Console,
    person: Person,
    request: &'a HttpRequest,
    now: Timestamp,
}

impl Call<'_> {
    fn may(&self, right: Right) -> Result<(), ApiError> {
        if self.person.may(right) { Ok(()) } else { Err(ApiError::Forbidden) }
    }

    async fn entry(&self, id: &CommunicationId) -> Result<Entry, ApiError> {
        let entry = self.console.entry(&self.person, id).await;
        entry.map_err(|error| ApiError::unavailable(&error))?.ok_or(ApiError::NotFound)
    }

    async fn record(&self, act: Act, entry: &Entry, why: Option<&str>) -> Result<(), ApiError> {
        let recorded = self.console.audit.record(&self.person.subject, act, entry, why).await;
        recorded.map_err(|error| ApiError::unavailable(&error))
    }

    /// Everything about the order, customer or company location that is asked for.
    async fn of_resource(&self) -> Result<Vec<Entry>, ApiError> {
        self.may(Right::Look)?;
        let query = self.request.query();
        let resource = query.get("resource").and_then(|text| text.parse::<Gid>().ok());
        let resource = resource.filter(|it| matches!(it.kind(), "Order" | "Customer" | "CompanyLocation"));
        let resource = resource.ok_or(ApiError::Invalid(
            "resource must be the id of an order, a customer or a company location",
        ))?;
        let shop = self.person.shop.as_ref().ok_or(ApiError::Forbidden)?;
        self.console.audit.note(&self.person, Act::Search, Some(shop));
        about(self.console, shop, &resource).await
    }

    async fn documents(&self) -> Result<HttpResponse, ApiError> {
        let entries = self.of_resource().await?;
        json(200, &Documents { documents: entries.iter().map(Document::of).collect() })
    }

    async fn document(&self, id: &CommunicationId) -> Result<HttpResponse, ApiError> {
        self.may(Right::Look)?;
        let entry = self.entry(id).await?;
        self.record(Act::SeeState, &entry, None).await?;
        json(200, &Document::of(&entry))
    }

    async fn why(&self, id: &CommunicationId) -> Result<HttpResponse, ApiError> {
        self.may(Right::Look)?;
        let entry = self.entry(id).await?;
        self.record(Act::SeeState, &entry, None).await?;
        let sentences = why(&entry, self.now);
        json(200, &Why { communication: entry.communication, state: entry.state, sentences })
    }

    async fn why_of_resource(&self) -> Result<HttpResponse, ApiError> {
        let entries = self.of_resource().await?;
        let mut sentences = Vec::new();
        if let (true, Some(shop)) = (entries.is_empty(), self.person.shop.as_ref()) {
            let loaded = self.console.configs.get(shop, self.now).await;
            sentences = why_nothing(&loaded.map_err(|error| ApiError::unavailable(&error))?.config);
        }
        let documents = entries.iter().map(|entry| WhyDocument {
            communication: entry.communication.clone(),
            label: entry.document.title("en").to_owned(),
            state: entry.state,
            sentences: why(entry, self.now),
        });
        json(200, &ResourceWhy { sentences, documents: documents.collect() })
    }

    async fn open(&self, id: &CommunicationId) -> Result<HttpResponse, ApiError> {
        self.may(Right::Open)?;
        let OpenRequest { output: number } = self.request.json()?;
        let entry = self.entry(id).await?;
        let found = outputs(self.console, &entry).await;
        let record = match &found {
            Outputs::Record(record) => record,
            Outputs::None => return Err(ApiError::Refused("nothing of it is archived".to_owned())),
            Outputs::Erased => {
                return Err(ApiError::Refused("it was erased, as the customer asked".to_owned()));
            }
            Outputs::Unreadable => return Err(ApiError::Unavailable("the record cannot be read".to_owned())),
        };
        let output = record.outputs.get(number).ok_or(ApiError::NotFound)?;
        let (url, expires_at) = self.ticket(vec![id.to_string()], Some(number)).await?;
        let (media_type, file_name) = (output.media_type.clone(), saved_as(record, number));
        json(200, &Opened { url, expires_at, media_type, file_name })
    }

    /// An address that works for a moment. What is opened by it is on record when it is opened.
    async fn ticket(
        &self,
        communications: Vec<String>,
        output: Option<usize>,
    ) -> Result<(String, Timestamp), ApiError> {
        let shop = self.person.shop.as_ref().map(ToString::to_string).ok_or(ApiError::Forbidden)?;
        let ticket = Ticket { communications, output, subject: self.person.subject.clone(), shop };
        let keyring = self.console.keyring(self.now).await.map_err(|error| ApiError::unavailable(&error))?;
        let signed = keyring.sign(&ticket, self.now);
        let url = signed.and_then(|signed| self.console.address(self.request, &format!("/open/{signed}")));
        let url = url.ok_or_else(|| ApiError::Unavailable("no address can be made".to_owned()))?;
        let valid = SignedDuration::try_from(Ticket::VALID).unwrap_or_default();
        Ok((url, self.now.checked_add(valid).unwrap_or(self.now)))
    }

    async fn resend(&self, id: &CommunicationId) -> Result<HttpResponse, ApiError> {
        self.may(Right::Resend)?;
        let ResendRequest { request, reason, to } = self.request.json()?;
        let entry = self.entry(id).await?;
        self.record(Act::Resend, &entry, Some(&reason)).await?;
        let decision = Decision::new(self.person.name.clone(), reason).map_err(NotDone::from)?;
        let issue = act::resend(self.console, id, decision, &request, to.as_deref(), self.now).await?;
        json(202, &Resent { communication: issue })
    }

    async fn print(&self) -> Result<HttpResponse, ApiError> {
        self.may(Right::Open)?;
        let PrintRequest { communications } = self.request.json()?;
        if communications.is_empty() || communications.len() > MAX_PRINTED {
            return Err(ApiError::Invalid("1 to 50 communications are printed at once"));
        }
        let mut documents = Vec::new();
        let (mut together, mut pages, mut bytes) = (Vec::new(), Some(0), 0);
        for id in communications {
            let printable = self.printable(&id).await.and_then(|(printable, output)| {
                if bytes + output.bytes > MAX_PRINTED_BYTES {
                    return Err(ApiError::Refused(
                        "it is too large to be printed with the others".to_owned(),
                    ));
                }
                Ok((printable, output))
            });
            if let Ok((_, output)) = &printable {
                together.push(id.to_string());
                bytes += output.bytes;
                pages = pages.zip(output.pages).map(|(pages, more): (u32, u32)| pages.saturating_add(more));
            }
            documents.push(match printable {
                Ok((printable, _)) => printable,
                Err(error) => Printable { error: Some(error.to_string()), ..Printable::empty(id) },
            });
        }
        let merged = match together.is_empty() {
            true => None,
            false => {
                let (url, expires_at) = self.ticket(together, None).await?;
                Some(Merged { url, expires_at, pages })
            }
        };
        json(200, &Printed { documents, merged })
    }

    /// One of many, with the output that is printed.
    async fn printable(&self, id: &CommunicationId) -> Result<(Printable, Output), ApiError> {
        let entry = self.entry(id).await?;
        let found = outputs(self.console, &entry).await;
        let output = printed(&found);
        let (Some(record), Some(output)) = (found.record(), output) else {
            return Err(ApiError::Refused("there is no PDF of it".to_owned()));
        };
        let number = record.outputs.iter().position(|it| it == output).unwrap_or_default();
        let (url, _) = self.ticket(vec![id.to_string()], Some(number)).await?;
        let printable = Printable {
            url: Some(url),
            media_type: Some(output.media_type.clone()),
            file_name: Some(saved_as(record, number)),
            ..Printable::empty(id.clone())
        };
        Ok((printable, output.clone()))
    }
}

/// What there is about a resource of a shop. What cannot be read is left out, and logged.
async fn about(console: &Console, shop: &ShopDomain, resource: &Gid) -> Result<Vec<Entry>, ApiError> {
    let found = console.ledger.of_resource(shop, resource).await;
    let found = found.map_err(|error| ApiError::unavailable(&error))?;
    for problem in &found.problems {
        tracing::error!(communication = problem.pk, error = %chain(&problem.error), "not listed");
    }
    Ok(found.entries)
}

/// Without a body: pages of other hosts may ask, and nothing is decided by where they come from.
pub fn open_to_all(status: u16) -> HttpResponse {
    HttpResponse::new(status, "application/json", &format!("default-src 'none'; {NOWHERE}"))
        .header("access-control-allow-origin", "*")
        .header("access-control-allow-headers", "authorization, content-type")
        .header("access-control-allow-methods", "GET, POST, OPTIONS")
        .header("access-control-max-age", "600")
        .header("cross-origin-resource-policy", "cross-origin")
}

fn json(status: u16, body: &impl Serialize) -> Result<HttpResponse, ApiError> {
    let body = serde_json::to_string(body).map_err(|error| ApiError::unavailable(&error))?;
    Ok(open_to_all(status).text(body))
}

fn refusal(error: &ApiError) -> HttpResponse {
    let (status, code) = error.status();
    if let ApiError::Unavailable(why) = error {
        tracing::error!(error = why, "extension not answered");
    }
    let body = serde_json::json!({"error": {"code": code, "message": error.to_string()}});
    let answer = open_to_all(status).text(body.to_string());
    match error {
        ApiError::Method(allowed) => answer.header("allow", format!("{allowed}, OPTIONS")),
        ApiError::Unavailable(_) => answer.header("retry-after", "10"),
        _ => answer,
    }
}
