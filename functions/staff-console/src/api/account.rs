//! What a customer has of one of their orders: the documents that were published for them, by the links that they were sent.
//!
//! A document is theirs if the ledger says so: made for that customer, of that shop, about that order. It opens by its
//! link and no other way, so that an opening is recorded, and a link that was taken back or has ended stays so. Nobody
//! keeps a link's token: it follows from the deployment's key, and has to have the hash that is stored.

use super::{
    ApiError, about, json,
    wire::{OwnDocument, OwnDocuments},
};
use crate::{
    Console,
    audit::Act,
    customer::{Customer, customer},
    http::HttpRequest,
    person::Person,
};
use comms::{CustomerKey, Gid};
use downloads::HttpResponse;
use jiff::Timestamp;
use ledger::Entry;
use links::{Link, LinkKey, LinkState, Token};
use secrecy::ExposeSecret;

pub(super) async fn documents(
    console: &Console,
    request: &HttpRequest,
    now: Timestamp,
) -> Result<HttpResponse, ApiError> {
    let customer = customer(request.bearer(), &console.secrets, &console.configs, now).await?;
    let query = request.query();
    let order = query.get("order").and_then(|text| text.parse::<Gid>().ok());
    let order = order.filter(|it| it.kind() == "Order");
    let order = order.ok_or(ApiError::Invalid("order must be the id of an order"))?;
    let mut documents = Vec::new();
    let entries = own(console, &customer, &order, now).await?;
    let key = console.secrets.link_key(now).await.map_err(|error| ApiError::unavailable(&error))?;
    for entry in entries {
        let link = console.links.of(&entry.communication).await;
        let link = link.map_err(|error| ApiError::unavailable(&error))?;
        documents.extend(link.and_then(|link| shown(&link, &entry, &key, &console.documents_url, now)));
    }
    json(200, &OwnDocuments { documents })
}

/// What was made for this customer about an order, oldest first.
async fn own(
    console: &Console,
    Customer { shop, id }: &Customer,
    order: &Gid,
    now: Timestamp,
) -> Result<Vec<Entry>, ApiError> {
    let key = console.secrets.customer_key(now).await.map_err(|error| ApiError::unavailable(&error))?;
    let customer = CustomerKey::derive(key.expose_secret().as_bytes(), shop, id);
    let subject = format!("customer:{}", customer.as_str());
    let person = Person { name: subject.clone(), subject, roles: Vec::new(), shop: Some(shop.clone()) };
    console.audit.note(&person, Act::SeeOwn, Some(shop));
    let entries = about(console, shop, order).await?;
    let is_own = |entry: &Entry| entry.shop == *shop && entry.customer.as_deref() == Some(customer.as_str());
    Ok(entries.into_iter().filter(is_own).collect())
}

/// A link that still opens something. `None` also where the key is not the one that made it.
fn shown(link: &Link, entry: &Entry, key: &LinkKey, base: &str, now: Timestamp) -> Option<OwnDocument> {
    let is_of = link.communication == entry.communication && link.shop == entry.shop;
    if !is_of || link.state(now) != LinkState::Live {
        return None;
    }
    let token = Token::derive(key, &link.communication, link.serial);
    if token.hash() != link.token_sha256 {
        tracing::error!(communication = %link.communication, "the link was made with another key");
        return None;
    }
    let language = link.locale.split('-').next().unwrap_or_default();
    Some(OwnDocument {
        title: link.document.title(language).to_owned(),
        locale: link.locale.clone(),
        issued_at: Timestamp::from_millisecond(entry.created_epoch_ms).ok()?,
        url: format!("{base}{}", links::path(&token)),
        valid_until: Timestamp::from_millisecond(link.valid_until_epoch_ms).ok()?,
    })
}
