//! The secrets that salts follow from: one item per customer, or per record without one. Made once and never changed,
//! only deleted. Of two runs that make one at the same time, both get the first.

use crate::{CommitmentSecret, LogError, Owner};
use aws_sdk_dynamodb::{
    Client,
    primitives::Blob,
    types::{AttributeValue, KeysAndAttributes, ReturnValuesOnConditionCheckFailure},
};
use comms::ShopDomain;
use futures::{StreamExt, TryStreamExt, stream};
use std::{
    collections::{BTreeSet, HashMap},
    error::Error,
};

/// DynamoDB reads no more at once.
const READ_AT_ONCE: usize = 100;
/// New secrets are written one by one, because only so the first of two is kept.
const WRITES_AT_ONCE: usize = 16;
/// How often keys that the table was too busy for are asked for again.
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
        let mut found = HashMap::new();
        for some in owners.chunks(READ_AT_ONCE) {
            let items = self.read(some.iter().map(|owner| key(shop, owner))).await?;
            found.extend(
                some.iter().filter_map(|owner| Some((owner.clone(), items.get(&name(shop, owner))?.clone()))),
            );
        }
        let absent = owners.into_iter().filter(|owner| !found.contains_key(owner)).collect::<Vec<_>>();
        let made = stream::iter(absent)
            .map(|owner| async move {
                let secret = self.make(shop, &owner).await?;
                Ok::<_, LogError>((owner, secret))
            })
            .buffer_unordered(WRITES_AT_ONCE)
            .try_collect::<Vec<_>>()
            .await?;
        found.extend(made);
        Ok(found)
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

    async fn make(&self, shop: &ShopDomain, owner: &Owner) -> Result<CommitmentSecret, LogError> {
        let made = CommitmentSecret::random().ok_or(LogError::NoRandomness)?;
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .item("pk", key(shop, owner))
            .item("secret", AttributeValue::B(Blob::new(made.expose())))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match put {
            Ok(_) => Ok(made),
            Err(error) => {
                let refused = error.as_service_error().and_then(|error| match error {
                    aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(
                        refused,
                    ) => refused.item.as_ref(),
                    _ => None,
                });
                match refused {
                    Some(item) => secret(item),
                    None => Err(LogError::request("making", "a secret", error)),
                }
            }
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
