//! Asking for a document in place of the event that leads to it.
//!
//! The document is the very communication that the event would make: its id follows from shop, order and document alone.
//! So any number of requests, by whomever, and the event besides, make it once, and a request for what was sent before
//! sends nothing. Another copy is `resend.rs`'s.

use crate::{Decision, Refusal};
use comms::{CommunicationId, Document, Gid, Revision, ShopDomain};
use jiff::Timestamp;
use ledger::{Entry, Ledger};
use shop_config::ShopConfig;
use work::{Request, Trigger, WorkItem};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct DocumentRequest {
    pub shop: ShopDomain,
    /// The order that it is about.
    pub order: Gid,
    pub document: Document,
    pub decision: Decision,
    /// Names this request in the record. Letters, digits and hyphens.
    pub name: String,
    /// The language to write in, in place of the customer's.
    pub language: Option<String>,
}

/// What follows from a request.
#[derive(Debug)]
pub enum Requested {
    /// It is to be queued for its flow. What is under way already is only continued by that.
    Work { communication: CommunicationId, item: Box<WorkItem> },
    /// It has ended before: nothing is to be queued.
    Known(Box<Entry>),
}

/// Checks a request. The flow checks again what may have changed until it works on it.
///
/// # Errors
/// When it is refused, or the ledger does not answer.
pub async fn request(
    ledger: &Ledger,
    config: &ShopConfig,
    request: DocumentRequest,
    now: Timestamp,
) -> Result<Requested, Refusal> {
    let DocumentRequest { shop, order, document, .. } = &request;
    let topic = document.event_of_order().ok_or(Refusal::NotRequestable(*document))?;
    if order.kind() != "Order" {
        return Err(Refusal::NoOrder);
    }
    config.document(*document).ok_or(Refusal::SwitchedOff)?;
    if let Some(language) = request.language.as_deref().filter(|it| !config.speaks(*document, it)) {
        let language = comms::one_line(language).chars().take(35).collect();
        return Err(Refusal::Language { document: *document, language });
    }
    let communication = CommunicationId::derive(shop, *document, order, &Revision::Initial);
    if let Some(entry) = ledger.get(&communication).await?.filter(|entry| !entry.state.is_open()) {
        return Ok(Requested::Known(Box::new(entry)));
    }
    let item = Box::new(item(request, topic, now));
    Ok(Requested::Work { communication, item })
}

fn item(request: DocumentRequest, topic: &str, now: Timestamp) -> WorkItem {
    let DocumentRequest { shop, order, document, decision: Decision { actor, reason }, name, language } =
        request;
    WorkItem {
        v: WorkItem::VERSION,
        shop,
        flow: document.flow(),
        trigger: Trigger {
            topic: topic.to_owned(),
            webhook_id: format!("request-{name}"),
            event_id: None,
            triggered_at: Some(now),
            test: false,
        },
        subject: order,
        payload: None,
        payload_key: None,
        resend: None,
        next_channel: None,
        request: Some(Request { document, actor, reason, locale: language }),
        trace: None,
    }
}
