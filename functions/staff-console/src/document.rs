//! Documents on their way to a person: checked against their records, whole or in parts, as what they are and nothing else.

use crate::{
    Console,
    audit::Act,
    http::HttpRequest,
    keyring::Ticket,
    merge::merged,
    page::{self, Notice},
    person::Person,
};
use archive::{ArchiveError, EvidenceRecord, Output, sha256_hex};
use bytes::Bytes;
use comms::{CommunicationId, ShopDomain, chain};
use downloads::{HttpResponse, PART_BYTES, Part, disposition, file_name};
use jiff::Timestamp;
use ledger::Entry;
use maud::html;

/// What is archived of a communication.
pub enum Outputs {
    None,
    /// Its customer was forgotten.
    Erased,
    /// The archive does not answer, or has another record than the ledger says.
    Unreadable,
    Record(Box<EvidenceRecord>),
}

impl Outputs {
    pub fn record(&self) -> Option<&EvidenceRecord> {
        match self {
            Self::Record(record) => Some(record),
            Self::None | Self::Erased | Self::Unreadable => None,
        }
    }

    pub fn list(&self) -> &[Output] {
        self.record().map(|record| &record.outputs[..]).unwrap_or_default()
    }
}

/// Reads the record that the ledger names.
pub async fn outputs(console: &Console, entry: &Entry) -> Outputs {
    let Some(archived) = &entry.archived else { return Outputs::None };
    match console.archive.record_of(&archived.archive_key, &archived.record_version).await {
        Ok((record, json)) if sha256_hex(&json) == archived.record_sha256 => {
            Outputs::Record(Box::new(record))
        }
        Ok(_) => {
            tracing::error!(communication = %entry.communication, "the record is not the one the ledger names");
            Outputs::Unreadable
        }
        Err(ArchiveError::Erased { .. }) => Outputs::Erased,
        Err(error) => {
            tracing::error!(communication = %entry.communication, error = %chain(&error), "record not read");
            Outputs::Unreadable
        }
    }
}

/// What the file of an output is called where it is saved.
pub fn saved_as(record: &EvidenceRecord, number: usize) -> String {
    let extension = extension(record.outputs.get(number));
    file_name(record.document.title("en"), record.name.as_deref(), extension)
}

fn extension(output: Option<&Output>) -> &str {
    let name = output.and_then(|output| output.object.rsplit('/').next()).unwrap_or_default();
    name.rsplit_once('.').map_or("bin", |(_, extension)| extension)
}

/// An output, for somebody who has logged in.
pub async fn answer(
    console: &Console,
    person: &Person,
    id: &CommunicationId,
    number: usize,
    request: &HttpRequest,
) -> HttpResponse {
    let entry = match console.entry(person, id).await {
        Ok(Some(entry)) => entry,
        Ok(None) => return page::notice(Notice::NotFound),
        Err(error) => return unavailable(&error),
    };
    send(console, &person.subject, &entry, number, request).await
}

/// Nothing leaves before the whole was checked and the reading is on record.
async fn send(
    console: &Console,
    subject: &str,
    entry: &Entry,
    number: usize,
    request: &HttpRequest,
) -> HttpResponse {
    let found = outputs(console, entry).await;
    let record = match &found {
        Outputs::Record(record) => record,
        Outputs::None => return page::notice(Notice::NotFound),
        Outputs::Erased => return page::notice(Notice::Erased),
        Outputs::Unreadable => return page::notice(Notice::Unavailable),
    };
    let Some(output) = record.outputs.get(number) else { return page::notice(Notice::NotFound) };
    // no answer has a validator, so a conditional range is always of something else
    let header = request.header("range").filter(|_| request.header("if-range").is_none());
    let part = Part::of(header, output.bytes);
    let name = saved_as(record, number);
    // what does not fit into an answer is fetched in parts, by a page
    if part == Part::Whole && output.bytes > PART_BYTES {
        return in_parts(request.path(), output, &name);
    }
    let extension = extension(Some(output));
    let response = HttpResponse::of_part(&part, output.bytes, &output.media_type, &name, extension);
    if part == Part::Unsatisfiable {
        return response;
    }
    // of each part, too: nobody is asked to begin with the first
    if let Err(error) = console.audit.record(subject, Act::Open, entry, None).await {
        return unavailable(&error);
    }
    let bytes = match console.archive.read_document(output).await {
        Ok(bytes) => bytes,
        Err(error) => return unavailable(&error),
    };
    response.bytes(&part.cut(&bytes))
}

/// The page that fetches a large document from its own address.
fn in_parts(path: &str, output: &Output, name: &str) -> HttpResponse {
    let content = html! {
        h1 { "A large document" }
        p #status role="status" {}
        p { a.button href=(path) download=(name) data-bytes=(output.bytes) data-sha256=(output.sha256)
            data-type=(output.media_type) data-loading="Loading" data-loaded="Saved"
            data-failed="It could not be loaded." { "Download" } }
    };
    page::Page { signed_in: None, title: "A large document", here: "", content, has_script: true }.answer(200)
}

/// What a ticket opens, for whoever has its address in its two minutes.
pub async fn of_ticket(
    console: &Console,
    ticket: &str,
    request: &HttpRequest,
    now: Timestamp,
) -> HttpResponse {
    let ticket: Ticket = match console.keyring(now).await.map(|keyring| keyring.read(ticket, now)) {
        Ok(Ok(ticket)) => ticket,
        Ok(Err(_)) => return page::notice(Notice::LinkEnded),
        Err(error) => return unavailable(&error),
    };
    let Ok(shop) = ticket.shop.parse::<ShopDomain>() else { return page::notice(Notice::LinkEnded) };
    let mut entries = Vec::new();
    for id in &ticket.communications {
        let Ok(id) = id.parse::<CommunicationId>() else { return page::notice(Notice::LinkEnded) };
        match console.ledger.get(&id).await {
            Ok(entry) => entries.extend(entry.filter(|entry| entry.shop == shop)),
            Err(error) => return unavailable(&error),
        }
    }
    match (ticket.output, &entries[..]) {
        (Some(number), [entry]) => send(console, &ticket.subject, entry, number, request).await,
        (None, entries) => together(console, &ticket.subject, &shop, entries).await,
        (Some(_), _) => page::notice(Notice::NotFound),
    }
}

/// All PDF documents of some communications in one, for printing: the admin of their shop may fetch it and show it in a frame.
async fn together(console: &Console, subject: &str, shop: &ShopDomain, entries: &[Entry]) -> HttpResponse {
    let mut documents: Vec<Bytes> = Vec::new();
    for entry in entries {
        let found = outputs(console, entry).await;
        let Some(output) = printed(&found) else { continue };
        if let Err(error) = console.audit.record(subject, Act::Print, entry, None).await {
            return unavailable(&error);
        }
        match console.archive.read_document(output).await {
            Ok(bytes) => documents.push(bytes),
            Err(error) => return unavailable(&error),
        }
    }
    let bytes = match merged(&documents) {
        Ok(bytes) if bytes.len() as u64 <= PART_BYTES => bytes,
        Ok(_) => return page::notice(Notice::NotFound),
        Err(error) => return unavailable(&error),
    };
    let (content_type, policy) = downloads::content("application/pdf");
    let admin = format!("frame-ancestors https://admin.shopify.com https://{shop}");
    let mut response =
        HttpResponse::new(200, content_type, &policy.replace("frame-ancestors 'none'", &admin))
            .header("content-disposition", disposition("Documents.pdf", "pdf"))
            // whoever has the address may have the document, whatever page asks
            .header("access-control-allow-origin", "*")
            .header("cross-origin-resource-policy", "cross-origin")
            .bytes(&bytes);
    // it knows no exceptions, and the policy says the same with one
    response.headers.remove("x-frame-options");
    response
}

/// The output that is printed: the first PDF.
pub fn printed(outputs: &Outputs) -> Option<&Output> {
    outputs.list().iter().find(|output| output.media_type == "application/pdf")
}

fn unavailable(error: &dyn std::error::Error) -> HttpResponse {
    tracing::error!(error = %chain(error), "document not shown");
    page::notice(Notice::Unavailable)
}
