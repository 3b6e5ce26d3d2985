//! The link in marketing that ends it: its address for the document, and its record before the document is made.
//!
//! The address follows from the communication, so a repeated attempt writes the same one. The record is stored once the
//! document is admitted and before it is composed: whoever holds a document can use its link.

use crate::{content::Content, context::Attempt, halt::Halt, outcome::OutcomeDetails};
use comms::MessageClass;
use delivery::SendOutput;
use links::{LinkKey, Token, UnsubscribeOffer, unsubscribe_path};
use shop_config::Use;
use std::sync::Arc;

/// The address, if the document is marketing and the deployment has pages.
///
/// # Errors
/// When the key of links cannot be read.
pub async fn address(attempt: &Attempt<'_>) -> Result<Option<String>, Halt> {
    let Some(pages) = attempt.clients.channels.web_pages() else { return Ok(None) };
    if !is_marketing(attempt) {
        return Ok(None);
    }
    let key = key(attempt).await?;
    let token = Token::derive_unsubscribe(&key, attempt.communication);
    Ok(Some(format!("{}{}", pages.address, unsubscribe_path(&token))))
}

/// Stores what the address does.
///
/// # Errors
/// When it cannot be stored: the document is not made with a link that leads nowhere.
pub async fn offer(attempt: &Attempt<'_>, content: &Content, details: &OutcomeDetails) -> Result<(), Halt> {
    let Some(pages) = attempt.clients.channels.web_pages() else { return Ok(()) };
    // the record of an earlier issue names no customer, what the document is about does
    let subject = Some(&attempt.plan.subject).filter(|subject| subject.kind() == "Customer");
    let customer = content.customer.as_ref().or(subject);
    let (Some(customer), Some(customer_key)) = (customer, &details.customer) else { return Ok(()) };
    if details.test || !is_marketing(attempt) {
        return Ok(());
    }
    let offer = UnsubscribeOffer {
        communication: attempt.communication,
        shop: &attempt.item.shop,
        customer,
        customer_key,
        locale: &content.recipient.locale,
        sender: &delivery::sender(attempt.loaded.config.brand(attempt.plan.document)),
    };
    let key = key(attempt).await?;
    let offered = pages.links.offer_unsubscribe(&key, &offer, attempt.now()).await;
    offered.map(drop).map_err(Halt::of_call)
}

/// Whether an e-mail whose text was composed has the link. A text of the shop's gets it, if it has no place for it; a
/// copy of what was sent before has the link that it had.
///
/// # Errors
/// When it has not: marketing that cannot be ended is not sent.
pub fn check(attempt: &Attempt<'_>, url: &str, outputs: &[SendOutput<'_>]) -> Result<(), Halt> {
    let has_link =
        |output: &SendOutput<'_>| output.bytes.windows(url.len()).any(|part| part == url.as_bytes());
    let body = outputs.iter().find(|output| output.is_for(Use::EmailBody));
    if attempt.copy_of().is_some() || body.is_none_or(has_link) {
        return Ok(());
    }
    Err(Halt::Failed(
        "the e-mail has no link to unsubscribe: its template leaves out unsubscribe_url".to_owned(),
    ))
}

fn is_marketing(attempt: &Attempt<'_>) -> bool {
    attempt.settings.class(attempt.plan.document) == MessageClass::Marketing
}

async fn key(attempt: &Attempt<'_>) -> Result<Arc<LinkKey>, Halt> {
    attempt.clients.secrets.link_key(attempt.now()).await.map_err(Halt::of_call)
}
