//! Which communications are a customer's: those that are reported on the customer or on one of the orders that the request
//! names, as far as they are for this customer.

use crate::{PrivacyError, Tools};
use comms::{CustomerKey, Gid};
use ledger::Entry;
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

/// Looks the customer of a request up.
pub async fn find(tools: &Tools, item: &PrivacyItem) -> Result<Person, PrivacyError> {
    let id = item.customer.clone().ok_or(PrivacyError::NoCustomer)?;
    let secret = tools.secrets.customer_key((tools.clock)()).await?;
    let key = CustomerKey::derive(secret.expose_secret().as_bytes(), &item.shop, &id);
    let mut entries = BTreeMap::new();
    let mut unread = Vec::new();
    for resource in std::iter::once(&id).chain(&item.orders) {
        let found = tools.ledger.of_resource(&item.shop, resource).await?;
        for problem in found.problems {
            if !problem.is_unreadable() {
                return Err(problem.error.into());
            }
            unread.push(problem.pk);
        }
        // an order may have been given to another customer
        let theirs =
            |entry: &Entry| entry.customer.as_deref().is_none_or(|customer| customer == key.as_str());
        let mine = found.entries.into_iter().filter(theirs);
        entries.extend(mine.map(|entry| (entry.communication.clone(), entry)));
    }
    Ok(Person { id, key, entries: entries.into_values().collect(), unread })
}
