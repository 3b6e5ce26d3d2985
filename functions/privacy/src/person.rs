//! Which communications are a customer's: those that are reported on the customer or on one of the orders that the request
//! names, as far as they are for this customer; and for an erasure, which ends all of their erasable documents at once, also
//! every other one that was for this customer.

use crate::{PrivacyError, Tools};
use comms::{CustomerKey, Gid};
use ledger::{Entry, Found};
use secrecy::ExposeSecret;
use std::collections::BTreeMap;
use work::PrivacyItem;

/// A customer as the system knows them, with their communications.
pub struct Person {
    pub id: Gid,
    pub key: CustomerKey,
    pub entries: Vec<Entry>,
    /// Entries that this release cannot read, by their ids.
    pub unread: Vec<String>,
}

/// The customer of a request with what the request asks for.
pub async fn asked_for(tools: &Tools, item: &PrivacyItem) -> Result<Person, PrivacyError> {
    let (id, key) = customer(tools, item).await?;
    let resources = std::iter::once(&id).chain(&item.orders);
    let found = tools.ledger.everything_about(&item.shop, None, resources).await?;
    person(id, key, found)
}

/// The customer of a request with everything that was ever for them, whether the request names it or not.
///
/// # Errors
/// Also when something of it cannot be read: nobody knows then whether it is held.
pub async fn everything(tools: &Tools, item: &PrivacyItem) -> Result<Person, PrivacyError> {
    let (id, key) = customer(tools, item).await?;
    let resources = std::iter::once(&id).chain(&item.orders);
    let found = tools.ledger.everything_about(&item.shop, Some(&key), resources).await?;
    let person = person(id, key, found)?;
    match person.unread.first() {
        Some(pk) => Err(PrivacyError::Unread(pk.clone())),
        None => Ok(person),
    }
}

async fn customer(tools: &Tools, item: &PrivacyItem) -> Result<(Gid, CustomerKey), PrivacyError> {
    let id = item.customer.clone().ok_or(PrivacyError::NoCustomer)?;
    let secret = tools.secrets.customer_key((tools.clock)()).await?;
    let key = CustomerKey::derive(secret.expose_secret().as_bytes(), &item.shop, &id);
    Ok((id, key))
}

fn person(id: Gid, key: CustomerKey, found: Found) -> Result<Person, PrivacyError> {
    let mut unread = Vec::new();
    for problem in found.problems {
        if !problem.is_unreadable() {
            return Err(problem.error.into());
        }
        unread.push(problem.pk);
    }
    // an order may have been given to another customer
    let theirs = |entry: &Entry| entry.customer.as_deref().is_none_or(|customer| customer == key.as_str());
    let mine = found.entries.into_iter().filter(theirs);
    let entries: BTreeMap<_, _> = mine.map(|entry| (entry.communication.clone(), entry)).collect();
    Ok(Person { id, key, entries: entries.into_values().collect(), unread })
}
