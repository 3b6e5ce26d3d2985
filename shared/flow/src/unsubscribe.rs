//! The link in marketing that ends it: its address for the document, and its record before the document is made.
//!
//! The address follows from the communication, so a repeated attempt writes the same one. The record is stored once the
//! document is admitted and before it is composed: whoever holds a document can use its link.

use crate::{content::Content, context::Attempt, halt::Halt, outcome::OutcomeDetails};
use comms::MessageClass;
use links::{LinkKey, Sender, Token, UnsubscribeOffer, unsubscribe_path};
use shop_config::Brand;
use std::sync::Arc;

/// The address, if the document is marketing and the deployment has pages.
///
/// # Errors
/// When the key of links cannot be read.
pub async fn address(attempt: &Attempt<'_>) -> Result<Option<String>, Halt> {
    let Some(pages) = &attempt.clients.pages else { return Ok(None) };
    if !is_marketing(attempt) {
        return Ok(None);
    }
    let key = key(attempt).await?;
    let token = Token::derive_unsubscribe(&key, attempt.communication);
    Ok(Some(format!("{}{}", pages.url, unsubscribe_path(&token))))
}

/// Stores what the address does. A copy of what was sent before has the link that it had.
///
/// # Errors
/// When it cannot be stored: the document is not made with a link that leads nowhere.
pub async fn offer(attempt: &Attempt<'_>, content: &Content, details: &OutcomeDetails) -> Result<(), Halt> {
    let Some(pages) = &attempt.clients.pages else { return Ok(()) };
    let (Some(customer), Some(customer_key)) = (&content.customer, &details.customer) else { return Ok(()) };
    if details.test || !is_marketing(attempt) {
        return Ok(());
    }
    let offer = UnsubscribeOffer {
        communication: attempt.communication,
        shop: &attempt.item.shop,
        customer,
        customer_key,
        locale: &content.recipient.locale,
        sender: &sender(attempt.loaded.config.brand(attempt.plan.document)),
    };
    let key = key(attempt).await?;
    let offered = pages.links.offer_unsubscribe(&key, &offer, attempt.now()).await;
    offered.map(drop).map_err(Halt::of_call)
}

fn is_marketing(attempt: &Attempt<'_>) -> bool {
    attempt.settings.class(attempt.plan.document) == MessageClass::Marketing
}

async fn key(attempt: &Attempt<'_>) -> Result<Arc<LinkKey>, Halt> {
    attempt.clients.secrets.link_key(attempt.now()).await.map_err(Halt::of_call)
}

/// Who the page says it is from.
fn sender(brand: &Brand) -> Sender {
    Sender {
        name: brand.name.clone(),
        email: brand.reply_to.clone(),
        phone: brand.phone.clone(),
        url: brand.url.as_ref().map(ToString::to_string),
        colour: brand.colour.clone(),
    }
}
