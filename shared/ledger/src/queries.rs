//! Reading communications: one, those an index lists, and which of many there are.
//!
//! One item that cannot be read is its own problem: what stands beside it is answered. An index is eventually
//! consistent, the items it names are read as they are now.

use crate::{
    Entry, LedgerError,
    entry::resource_key,
    request::{millis, read, text},
    table::Ledger,
};
use aws_sdk_dynamodb::{
    operation::query::builders::QueryFluentBuilder,
    types::{AttributeValue, KeysAndAttributes},
};
use comms::{CommunicationId, CustomerKey, Gid, ShopDomain};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::Duration,
};

/// What is read of one resource. None comes near it, unless something repeats itself without end.
const MAX_OF_RESOURCE: usize = 200;

/// Items read at once.
const READS: usize = 25;

/// DynamoDB's bound on the keys of one request, which it refuses where one is in it twice.
const KEYS: usize = 100;

/// How often keys are asked for that a busy table left out of its answer, and the first pause, which doubles.
const MAX_ATTEMPTS: u32 = 6;
const PAUSE: Duration = Duration::from_millis(50);

/// What an index lists.
#[derive(Debug, Default)]
pub struct Found {
    /// What was read, in the index's order.
    pub entries: Vec<Entry>,
    /// What was not.
    pub problems: Vec<Problem>,
}

/// An item that the index lists and that was not read.
#[derive(Debug)]
pub struct Problem {
    /// Its key: in nearly all cases the communication.
    pub pk: String,
    /// Why it was not read.
    pub error: LedgerError,
}

impl Problem {
    /// Reading it again does not help: another release may.
    pub fn is_unreadable(&self) -> bool {
        matches!(self.error, LedgerError::Malformed { .. })
    }
}

impl Ledger {
    /// One communication, as it is now.
    pub async fn get(&self, communication: &CommunicationId) -> Result<Option<Entry>, LedgerError> {
        let item = self.item(communication.as_str(), "reading a communication").await?;
        item.map(|item| read(communication, Some(item))).transpose()
    }

    /// The communications about one order, customer or company location, oldest first, 200 at the most.
    ///
    /// # Errors
    /// When the index cannot be asked.
    pub async fn of_resource(&self, shop: &ShopDomain, resource: &Gid) -> Result<Found, LedgerError> {
        let keys = self.keys_of_resource(shop, resource, MAX_OF_RESOURCE).await?;
        let mut found = self.all(keys).await;
        found.entries.sort_by_key(|entry| (entry.created_epoch_ms, entry.document));
        Ok(found)
    }

    /// The ids of the communications about one order, customer or company location, `most` at the most, in no
    /// order.
    ///
    /// # Errors
    /// When the index cannot be asked, or lists what is no communication.
    pub async fn ids_of_resource(
        &self,
        shop: &ShopDomain,
        resource: &Gid,
        most: usize,
    ) -> Result<Vec<CommunicationId>, LedgerError> {
        let keys = self.keys_of_resource(shop, resource, most).await?;
        keys.iter().map(|pk| communication(pk)).collect()
    }

    /// Every communication for a customer or about one of these resources, each once, in no order and without a bound: for
    /// who must not miss one.
    ///
    /// # Errors
    /// When an index cannot be asked.
    pub async fn everything_about(
        &self,
        shop: &ShopDomain,
        customer: Option<&CustomerKey>,
        resources: impl IntoIterator<Item = &Gid>,
    ) -> Result<Found, LedgerError> {
        let mut keys = BTreeSet::new();
        if let Some(customer) = customer {
            let doing = "listing a customer's communications";
            keys.extend(self::keys(self.by_customer(customer), usize::MAX, doing).await?);
        }
        for resource in resources {
            keys.extend(self.keys_of_resource(shop, resource, usize::MAX).await?);
        }
        let mut found = self.all(keys.into_iter().collect()).await;
        found.entries.retain(|entry| entry.shop == *shop);
        Ok(found)
    }

    /// What the index lists for a customer.
    pub(crate) fn by_customer(&self, customer: &CustomerKey) -> QueryFluentBuilder {
        self.index("by-customer")
            .key_condition_expression("customer = :key")
            .expression_attribute_values(":key", text(customer.as_str()))
    }

    async fn keys_of_resource(
        &self,
        shop: &ShopDomain,
        resource: &Gid,
        most: usize,
    ) -> Result<Vec<String>, LedgerError> {
        let query = self
            .index("by-resource")
            .key_condition_expression("resource_key = :key")
            .expression_attribute_values(":key", text(&resource_key(shop, resource)));
        keys(query, most, "listing a resource's communications").await
    }

    /// The communications of a shop whose channel is to be asked by now, the longest due first, `limit` at the
    /// most.
    ///
    /// # Errors
    /// When the index cannot be asked.
    pub async fn due_checks(
        &self,
        shop: &ShopDomain,
        now: Timestamp,
        limit: u16,
    ) -> Result<Found, LedgerError> {
        let output = self
            .index("by-check")
            .key_condition_expression("check_shop = :shop AND check_epoch_ms <= :now")
            .expression_attribute_values(":shop", text(shop.as_str()))
            .expression_attribute_values(":now", millis(now))
            .limit(i32::from(limit))
            .send()
            .await
            .map_err(|error| LedgerError::Request { doing: "listing due checks", source: error.into() })?;
        Ok(self.all(output.items().iter().map(key).collect()).await)
    }

    /// Which of these communications the ledger knows.
    ///
    /// # Errors
    /// Also when the table stays too busy to answer for all of them.
    pub async fn known(&self, ids: &[CommunicationId]) -> Result<HashSet<CommunicationId>, LedgerError> {
        let distinct: BTreeSet<&str> = ids.iter().map(CommunicationId::as_str).collect();
        let distinct: Vec<&str> = distinct.into_iter().collect();
        let mut known = HashSet::new();
        for chunk in distinct.chunks(KEYS) {
            let keys = chunk.iter().map(|pk| [("pk".to_owned(), text(pk))].into()).collect();
            self.present(keys, &mut known).await?;
        }
        Ok(known)
    }

    async fn present(
        &self,
        keys: Vec<HashMap<String, AttributeValue>>,
        known: &mut HashSet<CommunicationId>,
    ) -> Result<(), LedgerError> {
        let each = |item: HashMap<String, AttributeValue>| known.extend(key(&item).parse().ok());
        self.batch("asking what is known", keys, Some("pk"), each).await
    }

    /// Reads items by their keys, in one request as long as the table is not busy, in no order.
    async fn batch(
        &self,
        doing: &'static str,
        mut keys: Vec<HashMap<String, AttributeValue>>,
        projection: Option<&str>,
        mut each: impl FnMut(HashMap<String, AttributeValue>),
    ) -> Result<(), LedgerError> {
        let failed = |source| LedgerError::Request { doing, source };
        for attempt in 0..MAX_ATTEMPTS {
            let asked = KeysAndAttributes::builder()
                .set_keys(Some(keys))
                .set_projection_expression(projection.map(str::to_owned))
                .consistent_read(true)
                .build()
                .map_err(|error| failed(error.into()))?;
            let output = self.client.batch_get_item().request_items(&self.table, asked).send().await;
            let output = output.map_err(|error| failed(error.into()))?;
            let items = output.responses.and_then(|mut tables| tables.remove(&self.table));
            items.into_iter().flatten().for_each(&mut each);
            // an answer may leave some out, when it gets too large or the table is busy
            let left = output.unprocessed_keys.unwrap_or_default().remove(&self.table);
            keys = left.map(|left| left.keys).unwrap_or_default();
            if keys.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(PAUSE.saturating_mul(2_u32.saturating_pow(attempt))).await;
        }
        Err(failed("the table is too busy".into()))
    }

    /// The items of these keys, in their order, a hundred per request; nothing of those that are gone.
    pub(crate) async fn read_together(&self, keys: Vec<String>) -> Result<Found, LedgerError> {
        let mut items: HashMap<String, HashMap<String, AttributeValue>> = HashMap::new();
        let distinct: BTreeSet<&String> = keys.iter().collect();
        let distinct: Vec<_> = distinct.into_iter().collect();
        for chunk in distinct.chunks(KEYS) {
            let chunk = chunk.iter().map(|pk| [("pk".to_owned(), text(pk))].into()).collect();
            let each = |item| {
                items.insert(key(&item), item);
            };
            self.batch("reading communications", chunk, None, each).await?;
        }
        let mut found = Found::default();
        for pk in keys {
            let Some(item) = items.remove(&pk) else { continue };
            match communication(&pk).and_then(|id| read(&id, Some(item))) {
                Ok(entry) => found.entries.push(entry),
                Err(error) => found.problems.push(Problem { pk, error }),
            }
        }
        Ok(found)
    }

    pub(crate) fn index(&self, name: &str) -> QueryFluentBuilder {
        self.client.query().table_name(&self.table).index_name(name)
    }

    /// The items of these keys, in their order; nothing of those that are gone.
    async fn all(&self, keys: Vec<String>) -> Found {
        let reads = stream::iter(keys).map(|pk| async move {
            let entry = self.listed(&pk).await;
            (pk, entry)
        });
        let mut found = Found::default();
        for (pk, entry) in reads.buffered(READS).collect::<Vec<_>>().await {
            match entry {
                Ok(entry) => found.entries.extend(entry),
                Err(error) => found.problems.push(Problem { pk, error }),
            }
        }
        found
    }

    async fn listed(&self, pk: &str) -> Result<Option<Entry>, LedgerError> {
        self.get(&communication(pk)?).await
    }

    /// One item, as it is now.
    pub(crate) async fn item(
        &self,
        pk: &str,
        doing: &'static str,
    ) -> Result<Option<HashMap<String, AttributeValue>>, LedgerError> {
        let get = self.client.get_item().table_name(&self.table).key("pk", text(pk)).consistent_read(true);
        let output = get.send().await;
        output.map(|output| output.item).map_err(|error| LedgerError::Request { doing, source: error.into() })
    }
}

/// The keys that a query lists, page by page until there are `most`.
async fn keys(
    query: QueryFluentBuilder,
    most: usize,
    doing: &'static str,
) -> Result<Vec<String>, LedgerError> {
    let mut items = query.into_paginator().items().send();
    let mut keys = Vec::new();
    while keys.len() < most
        && let Some(item) = items.next().await
    {
        keys.push(key(&item.map_err(|error| LedgerError::Request { doing, source: error.into() })?));
    }
    Ok(keys)
}

fn communication(pk: &str) -> Result<CommunicationId, LedgerError> {
    pk.parse().map_err(|error: comms::InvalidCommunicationId| LedgerError::Malformed {
        pk: pk.to_owned(),
        source: error.into(),
    })
}

/// An item's key. DynamoDB has none without.
pub(crate) fn key(item: &HashMap<String, AttributeValue>) -> String {
    item.get("pk").and_then(|pk| pk.as_s().ok()).cloned().unwrap_or_default()
}
