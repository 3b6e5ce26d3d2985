//! Finding communications by what a person knows of them.
//!
//! What an index lists is read as it is now and then compared with everything that was asked for, so that an index that is
//! behind shows nothing wrong. What was not delivered can be listed by time alone; everything else needs a name, an id, a
//! customer or an address.

use comms::{CommunicationId, CustomerKey, Document, EmailKey, Gid, ShopDomain, State};
use jiff::Timestamp;
use ledger::{Entry, Found, Ledger, LedgerError, MAX_FOUND};
use std::{collections::BTreeSet, ops::Range};

/// What is known of what is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    Communication(CommunicationId),
    /// What a person calls it, such as `#1001`.
    Name(String),
    /// The order, customer or company location that carries the report.
    Resource(Gid),
    /// The customer: whatever it is reported on.
    Customer(Gid),
    /// The recipient's e-mail address.
    Email(String),
    /// Digits: the number in an order's address in the admin, or a name of digits alone.
    Digits(u64),
    /// Nothing but a time: what was not delivered in it.
    Time,
}

impl By {
    /// What somebody typed into the one field there is.
    pub fn of(text: &str) -> Self {
        let text = text.trim();
        if text.is_empty() {
            return Self::Time;
        }
        if let Ok(id) = text.parse() {
            return Self::Communication(id);
        }
        if let Ok(gid) = text.parse::<Gid>() {
            return if gid.kind() == "Customer" { Self::Customer(gid) } else { Self::Resource(gid) };
        }
        if text.contains('@') {
            return Self::Email(text.to_owned());
        }
        match text.parse() {
            Ok(number) => Self::Digits(number),
            Err(_) => Self::Name(text.to_owned()),
        }
    }

    /// Whether the key of pseudonyms is needed to look for it.
    pub const fn needs_key(&self) -> bool {
        matches!(self, Self::Customer(_) | Self::Email(_))
    }
}

/// What is looked for.
#[derive(Debug, Clone)]
pub struct Question {
    pub shop: ShopDomain,
    pub by: By,
    pub document: Option<Document>,
    pub state: Option<State>,
    /// When it was begun; for [`By::Time`], when it came to what it is.
    pub time: Range<Timestamp>,
}

/// Looks for communications, the newest first. `key` is that of pseudonyms, where [`By::needs_key`].
///
/// # Errors
/// When an index cannot be asked.
pub async fn find(ledger: &Ledger, key: Option<&[u8]>, question: &Question) -> Result<Found, LedgerError> {
    let Question { shop, by, .. } = question;
    let key = key.unwrap_or_default();
    let mut found = match by {
        By::Communication(id) => ledger.read_all([id.clone()]).await?,
        By::Name(name) => of_name(ledger, shop, name).await?,
        By::Resource(gid) => ledger.of_resource(shop, gid).await?,
        By::Customer(gid) => {
            let mut found = ledger.of_customer(shop, &CustomerKey::derive(key, shop, gid)).await?;
            // a document that names no customer may be reported on one
            add(&mut found, ledger.of_resource(shop, gid).await?);
            found
        }
        By::Email(address) => ledger.of_email(shop, &EmailKey::derive(key, shop, address)).await?,
        By::Digits(number) => {
            let mut found = ledger.of_resource(shop, &Gid::new("Order", *number)).await?;
            add(&mut found, of_name(ledger, shop, &number.to_string()).await?);
            found
        }
        By::Time => return not_delivered(ledger, question).await,
    };
    let begun = |entry: &Entry| {
        let at = Timestamp::from_millisecond(entry.created_epoch_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        question.time.contains(&at)
    };
    found.entries.retain(|entry| fits(entry, question) && begun(entry));
    found.entries.sort_by_key(|entry| std::cmp::Reverse(entry.created_epoch_ms));
    Ok(found)
}

fn fits(entry: &Entry, question: &Question) -> bool {
    entry.shop == question.shop
        && question.document.is_none_or(|document| entry.document == document)
        && question.state.is_none_or(|state| entry.state == state)
}

async fn not_delivered(ledger: &Ledger, question: &Question) -> Result<Found, LedgerError> {
    let Question { shop, time, state, document, .. } = question;
    // more than are shown are asked for, where a document takes some away
    let most = usize::from(MAX_FOUND) * if document.is_some() { 10 } else { 1 };
    let rows = ledger.undelivered(shop, time.clone(), *state, most).await?;
    let rows = rows.into_iter().filter(|row| document.is_none_or(|document| row.document == document));
    let ids = rows.take(MAX_FOUND.into()).map(|row| row.communication);
    let mut found = ledger.read_all(ids).await?;
    found.entries.retain(|entry| fits(entry, question));
    Ok(found)
}

/// Everything about what bears the name: what ended before its name was known is found by what it is reported on.
async fn of_name(ledger: &Ledger, shop: &ShopDomain, name: &str) -> Result<Found, LedgerError> {
    let mut found = ledger.of_name(shop, name).await?;
    let resources: BTreeSet<String> =
        found.entries.iter().map(|entry| entry.reported_on.as_str().to_owned()).collect();
    for resource in resources.iter().take(5).filter_map(|text| text.parse::<Gid>().ok()) {
        // a customer's other orders do not bear the name
        if resource.kind() == "Order" {
            add(&mut found, ledger.of_resource(shop, &resource).await?);
        }
    }
    Ok(found)
}

fn add(found: &mut Found, more: Found) {
    for entry in more.entries {
        if !found.entries.iter().any(|known| known.communication == entry.communication) {
            found.entries.push(entry);
        }
    }
    found.problems.extend(more.problems);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_taken_for_what_it_looks_like() {
        for (typed, by) in [
            (" ", By::Time),
            ("#1001", By::Name("#1001".to_owned())),
            ("NW-7 ", By::Name("NW-7".to_owned())),
            ("1001", By::Digits(1001)),
            ("doe@example.com", By::Email("doe@example.com".to_owned())),
            ("gid://shopify/Order/1", By::Resource(Gid::new("Order", 1))),
            ("gid://shopify/Customer/7", By::Customer(Gid::new("Customer", 7))),
            (
                "c4809f9b199959867b344883a5f958d0",
                By::Communication("c4809f9b199959867b344883a5f958d0".parse().unwrap()),
            ),
        ] {
            assert_eq!(By::of(typed), by, "{typed}");
        }
    }
}
