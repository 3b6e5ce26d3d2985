//! The secrets that salts follow from: one item per customer, or per record without one. Made once and never changed,
//! only deleted. Of two runs that make one at the same time, both get the first. They are read and made by the hundred: a
//! million leaves may belong to as many customers.

use crate::{CommitmentSecret, LogError, Owner};
use aws_sdk_dynamodb::{
    Client,
    primitives::Blob,
    types::{AttributeValue, KeysAndAttributes, Put, TransactWriteItem},
};
use comms::ShopDomain;
use futures::{StreamExt, TryStreamExt, stream};
use std::{
    collections::{BTreeSet, HashMap},
    error::Error,
};

/// DynamoDB reads no more at once, and makes no more in one transaction.
const AT_ONCE: usize = 100;
const REQUESTS_AT_ONCE: usize = 4;
/// How often keys that the table was too busy for, or that others make at the same time, are asked for again.
const REPEATS: usize = 5;

type Item = HashMap<String, AttributeValue>;

/// The table of secrets.
#[derive(Debug, Clone)]
pub struct CommitmentSecrets {
    client: Client,
    table: String,
}

impl CommitmentSecrets {
    /// Secrets in `table`.
    pub const fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// The secret of an owner; none if there is none yet, or none any more.
    ///
    /// # Errors
    /// DynamoDB did not answer.
    pub async fn find(&self, shop: &ShopDomain, owner: &Owner) -> Result<Option<CommitmentSecret>, LogError> {
        let get = self.client.get_item().table_name(&self.table).key("pk", key(shop, owner));
        let item = get.consistent_read(true).send().await;
        let item = item.map_err(|error| LogError::request("reading", "a secret", error))?.item;
        item.map(|item| secret(&item)).transpose()
    }

    /// The secrets of all `owners`, made where there are none.
    ///
    /// # Errors
    /// DynamoDB did not do it; some may have been made.
    pub async fn of(
        &self,
        shop: &ShopDomain,
        owners: BTreeSet<Owner>,
    ) -> Result<HashMap<Owner, CommitmentSecret>, LogError> {
        let owners: Vec<Owner> = owners.into_iter().collect();
        let found = stream::iter(owners.chunks(AT_ONCE).map(<[_]>::to_vec))
            .map(|owners| self.of_some(shop, owners))
            .buffer_unordered(REQUESTS_AT_ONCE)
            .try_collect::<Vec<_>>()
            .await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// The same for as many as one request takes. What another run makes at the same time, or what the table was too
    /// busy for, is read and made again.
    async fn of_some(
        &self,
        shop: &ShopDomain,
        mut absent: Vec<Owner>,
    ) -> Result<HashMap<Owner, CommitmentSecret>, LogError> {
        let mut found = HashMap::new();
        for _ in 0..REPEATS {
            let items = self.read(absent.iter().map(|owner| key(shop, owner))).await?;
            absent.retain(|owner| match items.get(&name(shop, owner)) {
                Some(secret) => {
                    found.insert(owner.clone(), secret.clone());
                    false
                }
                None => true,
            });
            if absent.is_empty() {
                return Ok(found);
            }
            if let Some(made) = self.make(shop, &absent).await? {
                found.extend(absent.into_iter().zip(made));
                return Ok(found);
            }
        }
        Err(LogError::request("making", "secrets", "others make them at the same time"))
    }

    async fn read(
        &self,
        keys: impl Iterator<Item = AttributeValue>,
    ) -> Result<HashMap<String, CommitmentSecret>, LogError> {
        let failed = |error: Box<dyn Error + Send + Sync>| LogError::request("reading", "secrets", error);
        let keys = keys.map(|key| HashMap::from([("pk".to_owned(), key)])).collect();
        let request = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
        let mut open = HashMap::from([(self.table.clone(), request.map_err(|error| failed(error.into()))?)]);
        let mut found = HashMap::new();
        for _ in 0..REPEATS {
            let answer = self.client.batch_get_item().set_request_items(Some(open)).send().await;
            let answer = answer.map_err(|error| failed(error.into()))?;
            for item in answer.responses.into_iter().flatten().flat_map(|(_, items)| items) {
                if let Some(Ok(name)) = item.get("pk").map(AttributeValue::as_s) {
                    found.insert(name.clone(), secret(&item)?);
                }
            }
            match answer.unprocessed_keys {
                Some(rest) if !rest.is_empty() => open = rest,
                _ => return Ok(found),
            }
        }
        Err(failed("the table is too busy".into()))
    }

    /// Makes the secrets of `owners`, all or none: `None` where one was there already, or the table was too busy.
    async fn make(
        &self,
        shop: &ShopDomain,
        owners: &[Owner],
    ) -> Result<Option<Vec<CommitmentSecret>>, LogError> {
        let failed = |error: Box<dyn Error + Send + Sync>| LogError::request("making", "secrets", error);
        let mut made = Vec::with_capacity(owners.len());
        let mut request = self.client.transact_write_items();
        for owner in owners {
            let secret = CommitmentSecret::random().ok_or(LogError::NoRandomness)?;
            let put = Put::builder()
                .table_name(&self.table)
                .item("pk", key(shop, owner))
                .item("secret", AttributeValue::B(Blob::new(secret.expose())))
                .condition_expression("attribute_not_exists(pk)")
                .build()
                .map_err(|error| failed(error.into()))?;
            request = request.transact_items(TransactWriteItem::builder().put(put).build());
            made.push(secret);
        }
        match request.send().await {
            Ok(_) => Ok(Some(made)),
            Err(error) => match error.as_service_error() {
                Some(error) if error.is_transaction_canceled_exception() => Ok(None),
                _ => Err(failed(error.into())),
            },
        }
    }
}

fn name(shop: &ShopDomain, owner: &Owner) -> String {
    match owner {
        Owner::Customer(customer) => format!("{shop}#customer#{customer}"),
        Owner::Communication(id) => format!("{shop}#communication#{id}"),
    }
}

fn key(shop: &ShopDomain, owner: &Owner) -> AttributeValue {
    AttributeValue::S(name(shop, owner))
}

fn secret(item: &Item) -> Result<CommitmentSecret, LogError> {
    let bytes = item.get("secret").and_then(|value| value.as_b().ok());
    let secret = bytes.and_then(|bytes| CommitmentSecret::from_bytes(bytes.as_ref()));
    secret.ok_or_else(|| LogError::contradiction("a secret", "it has not 32 bytes"))
}
