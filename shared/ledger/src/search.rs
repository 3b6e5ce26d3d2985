//! Finding communications by what a person knows: an order's name, a customer, an address, a time.
//!
//! Each way has a sparse index of its own. The write that records an outcome also adds the communication to it.
//! Names and addresses are kept as short hashes, so what an index lists may belong to another name of the same hash:
//! that is seen by the shop, and is less likely than a mistyped number. The indexes are eventually consistent; the items
//! they name are read as they are now.

use crate::{
    Found, LedgerError,
    request::{hash, millis, text},
    table::Ledger,
};
use aws_sdk_dynamodb::{operation::query::builders::QueryFluentBuilder, types::AttributeValue};
use comms::{CommunicationId, CustomerKey, Document, EmailKey, ShopDomain, State};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::{collections::HashMap, ops::Range};

/// What an index lists of one name, customer or address at the most.
pub const MAX_FOUND: u16 = 100;

/// Items asked for in one page of the index of what was not delivered.
const PAGE: i32 = 1000;

/// What was not delivered, from the index alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    /// The communication.
    pub communication: CommunicationId,
    /// Which document it would have brought.
    pub document: Document,
    /// `failed`, `suppressed`, `unknown` or `bounced`.
    pub state: State,
    /// Why, where that is known.
    pub reason: Option<String>,
    /// Since when.
    pub at: Timestamp,
}

/// The key of the index by name: a hash, because it is shorter than most shops' domains.
///
/// A name is found in whatever case it is typed, with or without the sign before it.
pub(crate) fn name_key(shop: &ShopDomain, name: &str) -> AttributeValue {
    let name = name.trim().trim_start_matches('#').to_lowercase();
    let digest = Sha256::new().chain_update(shop.as_str()).chain_update(b"\0").chain_update(name).finalize();
    hash(&digest[..8])
}

/// Whether a state is one that a person looks for because the document did not reach its recipient, or may not have.
pub(crate) const fn is_undelivered(state: State) -> bool {
    match state {
        State::Failed | State::Suppressed | State::Unknown | State::Bounced => true,
        State::Claimed | State::Archived | State::Sending | State::Accepted | State::Delivered => false,
    }
}

impl Ledger {
    /// The communications about what a person calls `name`, such as `#1001`, the latest [`MAX_FOUND`] of them, newest first.
    ///
    /// # Errors
    /// When the index cannot be asked.
    pub async fn of_name(&self, shop: &ShopDomain, name: &str) -> Result<Found, LedgerError> {
        let query = self
            .index("by-name")
            .key_condition_expression("name_key = :key")
            .expression_attribute_values(":key", name_key(shop, name));
        self.newest(shop, query, "looking for a name").await
    }

    /// The communications for a customer, as [`Ledger::of_name`].
    ///
    /// # Errors
    /// When the index cannot be asked.
    pub async fn of_customer(&self, shop: &ShopDomain, customer: &CustomerKey) -> Result<Found, LedgerError> {
        self.newest(shop, self.by_customer(customer), "looking for a customer").await
    }

    /// The communications whose recipient has this e-mail address, as [`Ledger::of_name`].
    ///
    /// # Errors
    /// When the index cannot be asked.
    pub async fn of_email(&self, shop: &ShopDomain, email: &EmailKey) -> Result<Found, LedgerError> {
        let query = self
            .index("by-email")
            .key_condition_expression("email_key = :key")
            .expression_attribute_values(":key", hash(email.as_bytes()));
        self.newest(shop, query, "looking for an address").await
    }

    /// What was not delivered in a time, of all states or of one, newest first, `most` at the most. The index answers by
    /// itself: no communication is read.
    ///
    /// # Errors
    /// When the index cannot be asked.
    pub async fn undelivered(
        &self,
        shop: &ShopDomain,
        time: Range<Timestamp>,
        state: Option<State>,
        most: usize,
    ) -> Result<Vec<Undelivered>, LedgerError> {
        let mut query = self
            .index("by-undelivered")
            .key_condition_expression("shop = :shop AND undelivered_ms BETWEEN :from AND :until")
            .expression_attribute_values(":shop", text(shop.as_str()))
            .expression_attribute_values(":from", millis(time.start))
            .expression_attribute_values(":until", millis(time.end))
            .scan_index_forward(false)
            .limit(PAGE);
        if let Some(state) = state {
            query = query
                .filter_expression("#state = :state")
                .expression_attribute_names("#state", "state")
                .expression_attribute_values(":state", text(state.name()));
        }
        let mut items = query.into_paginator().items().send();
        let mut rows = Vec::new();
        while rows.len() < most
            && let Some(item) = items.next().await
        {
            let item = item.map_err(|error| LedgerError::Request {
                doing: "listing what was not delivered",
                source: error.into(),
            })?;
            // one that this release cannot read costs the others nothing
            rows.extend(undelivered(&item));
        }
        Ok(rows)
    }

    /// Communications by their ids, in their order; nothing of those that are gone.
    ///
    /// # Errors
    /// When the table cannot be asked for all of them.
    pub async fn read_all(
        &self,
        ids: impl IntoIterator<Item = CommunicationId>,
    ) -> Result<Found, LedgerError> {
        self.read_together(ids.into_iter().map(String::from).collect()).await
    }

    /// The newest that a query lists, without those of another shop.
    async fn newest(
        &self,
        shop: &ShopDomain,
        query: QueryFluentBuilder,
        doing: &'static str,
    ) -> Result<Found, LedgerError> {
        let output = query.scan_index_forward(false).limit(MAX_FOUND.into()).send().await;
        let output = output.map_err(|error| LedgerError::Request { doing, source: error.into() })?;
        let mut found = self.read_together(output.items().iter().map(crate::queries::key).collect()).await?;
        found.entries.retain(|entry| entry.shop == *shop);
        Ok(found)
    }
}

fn undelivered(item: &HashMap<String, AttributeValue>) -> Option<Undelivered> {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
    let at = item.get("undelivered_ms")?.as_n().ok()?.parse().ok()?;
    Some(Undelivered {
        communication: text("pk")?.parse().ok()?,
        document: text("document")?.parse().ok()?,
        state: text("state")?.parse().ok()?,
        reason: text("reason").cloned(),
        at: Timestamp::from_millisecond(at).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_as_people_type_it() {
        let shop: ShopDomain = "a.myshopify.com".parse().unwrap();
        let other: ShopDomain = "b.myshopify.com".parse().unwrap();
        for typed in ["#1001", "1001", " #1001 ", "##1001"] {
            assert_eq!(name_key(&shop, typed), name_key(&shop, "#1001"), "{typed}");
        }
        assert_eq!(name_key(&shop, "NW-7"), name_key(&shop, "nw-7"));
        assert_ne!(name_key(&shop, "#1001"), name_key(&shop, "#1002"));
        assert_ne!(name_key(&shop, "#1001"), name_key(&other, "#1001"));
    }

    #[test]
    fn what_reached_its_recipient_is_in_no_list_of_failures() {
        let listed: Vec<_> = State::ALL.iter().filter(|state| is_undelivered(**state)).collect();
        assert_eq!(listed, [&State::Bounced, &State::Failed, &State::Suppressed, &State::Unknown]);
    }
}
