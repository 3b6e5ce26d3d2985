//! The table of secrets: one item per customer and kind, or per record without a customer. Made once and never changed,
//! only destroyed. Of two runs that make one at the same time, both get the first. For the log they are read and made by
//! the hundred: a million leaves may belong to as many customers.
//!
//! Encrypted objects name a secret by its id, which an index leads from to the item, and which leads nowhere without it. An
//! index is behind its table for a moment: a secret that was made right now is found by its owner, and by its id soon.

use crate::{CommitmentSecret, KeyId, Owner};
use aws_sdk_dynamodb::{
    Client,
    primitives::Blob,
    types::{AttributeValue, KeysAndAttributes, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem},
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

/// The index by the id of the key, `key_id`, with keys only.
pub const KEY_INDEX: &str = "by-key";
/// Items of a page: whoever dies in one does it again.
const SCANNED_AT_ONCE: i32 = 100;

type Item = HashMap<String, AttributeValue>;

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// DynamoDB did not do it. Repeating is safe: a secret is made under a condition and destroyed for good.
    #[error("{doing} {what}")]
    Request {
        /// What was being done.
        doing: &'static str,
        /// To what.
        what: &'static str,
        /// Why not.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Somebody else wrote the item.
    #[error("a secret has not 32 bytes")]
    Malformed,
    /// The operating system gave no randomness.
    #[error("no randomness for a secret")]
    NoRandomness,
}

impl SecretError {
    fn request(
        doing: &'static str,
        what: &'static str,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Request { doing, what, source: source.into() }
    }
}

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
    pub async fn find(
        &self,
        shop: &ShopDomain,
        owner: &Owner,
    ) -> Result<Option<CommitmentSecret>, SecretError> {
        self.get(key(shop, owner)).await
    }

    async fn get(&self, pk: AttributeValue) -> Result<Option<CommitmentSecret>, SecretError> {
        let get = self.client.get_item().table_name(&self.table).key("pk", pk);
        let item = get.consistent_read(true).send().await;
        let item = item.map_err(|error| SecretError::request("reading", "a secret", error))?.item;
        item.map(|item| secret(&item)).transpose()
    }

    /// The keys of the items that had this id when the index last heard of them.
    async fn listed(&self, id: &KeyId) -> Result<Vec<AttributeValue>, SecretError> {
        let query = self.client.query().table_name(&self.table).index_name(KEY_INDEX);
        let query = query
            .key_condition_expression("key_id = :id")
            .expression_attribute_values(":id", AttributeValue::S(id.to_hex()));
        let found = query.send().await;
        let found = found.map_err(|error| SecretError::request("looking for", "a secret", error))?;
        Ok(found.items().iter().filter_map(|item| item.get("pk").cloned()).collect())
    }

    /// The secrets of all `owners`, made where there are none.
    ///
    /// # Errors
    /// DynamoDB did not do it; some may have been made.
    pub async fn of(
        &self,
        shop: &ShopDomain,
        owners: BTreeSet<Owner>,
    ) -> Result<HashMap<Owner, CommitmentSecret>, SecretError> {
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
    ) -> Result<HashMap<Owner, CommitmentSecret>, SecretError> {
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
        Err(SecretError::request("making", "secrets", "others make them at the same time"))
    }

    /// The secret of an owner, made if there is none.
    ///
    /// # Errors
    /// DynamoDB did not do it; it may have been made.
    pub async fn find_or_make(
        &self,
        shop: &ShopDomain,
        owner: &Owner,
    ) -> Result<CommitmentSecret, SecretError> {
        match self.find(shop, owner).await? {
            Some(secret) => Ok(secret),
            None => self.make_one(shop, owner).await,
        }
    }

    /// The secret with this id; none if it was destroyed, or made a moment ago.
    ///
    /// # Errors
    /// DynamoDB did not answer.
    pub async fn by_key_id(&self, id: &KeyId) -> Result<Option<CommitmentSecret>, SecretError> {
        let Some(pk) = self.listed(id).await?.into_iter().next() else { return Ok(None) };
        // the index may know it still
        let secret = self.get(pk).await?;
        // the owner may have got another one since
        Ok(secret.filter(|secret| secret.key_id() == *id))
    }

    /// Destroys the secret with this id, if there is one.
    ///
    /// # Errors
    /// DynamoDB did not answer; it may be destroyed.
    pub async fn destroy_key(&self, id: &KeyId) -> Result<(), SecretError> {
        for pk in self.listed(id).await? {
            // the owner may have got another one since
            let delete = self.client.delete_item().table_name(&self.table).key("pk", pk);
            let delete = delete
                .condition_expression("key_id = :id")
                .expression_attribute_values(":id", AttributeValue::S(id.to_hex()));
            match delete.send().await {
                Ok(_) => {}
                Err(error)
                    if error
                        .as_service_error()
                        .is_some_and(|error| error.is_conditional_check_failed_exception()) => {}
                Err(error) => return Err(SecretError::request("destroying", "a secret", error)),
            }
        }
        Ok(())
    }

    /// The ids of the erasable secrets of a shop, some at a time: those after `after`, and where to continue.
    ///
    /// # Errors
    /// DynamoDB did not answer.
    pub async fn erasable_of(
        &self,
        shop: &ShopDomain,
        after: Option<String>,
    ) -> Result<(Vec<KeyId>, Option<String>), SecretError> {
        let start = after.map(|pk| HashMap::from([("pk".to_owned(), AttributeValue::S(pk))]));
        let scan = self.client.scan().table_name(&self.table).consistent_read(true);
        let scan = scan
            .projection_expression("pk, key_id")
            .filter_expression("begins_with(pk, :shop)")
            .expression_attribute_values(":shop", AttributeValue::S(format!("{shop}#erasable#")))
            .limit(SCANNED_AT_ONCE)
            .set_exclusive_start_key(start);
        let page = scan.send().await.map_err(|error| SecretError::request("listing", "secrets", error))?;
        let id = |item: &Item| KeyId::from_hex(item.get("key_id")?.as_s().ok()?);
        let found = page.items().iter().map(|item| id(item).ok_or(SecretError::Malformed));
        let found = found.collect::<Result<_, _>>()?;
        let next = page.last_evaluated_key().and_then(|key| key.get("pk")?.as_s().ok().cloned());
        Ok((found, next))
    }

    /// Destroys the secret of an owner, if there is one. What was made with it can be opened and proved by nobody any more.
    ///
    /// # Errors
    /// DynamoDB did not answer; it may be destroyed.
    pub async fn destroy(&self, shop: &ShopDomain, owner: &Owner) -> Result<(), SecretError> {
        let delete = self.client.delete_item().table_name(&self.table).key("pk", key(shop, owner));
        delete.send().await.map(drop).map_err(|error| SecretError::request("destroying", "a secret", error))
    }

    async fn read(
        &self,
        keys: impl Iterator<Item = AttributeValue>,
    ) -> Result<HashMap<String, CommitmentSecret>, SecretError> {
        let failed = |error: Box<dyn Error + Send + Sync>| SecretError::request("reading", "secrets", error);
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

    /// Makes one, or reads what another made at the same time.
    async fn make_one(&self, shop: &ShopDomain, owner: &Owner) -> Result<CommitmentSecret, SecretError> {
        let made = CommitmentSecret::random().ok_or(SecretError::NoRandomness)?;
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .item("pk", key(shop, owner))
            .item("secret", AttributeValue::B(Blob::new(made.expose())))
            .item("key_id", AttributeValue::S(made.key_id().to_hex()))
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
                    None => Err(SecretError::request("making", "a secret", error)),
                }
            }
        }
    }

    /// Makes the secrets of `owners`, all or none: `None` where one was there already, or the table was too busy.
    async fn make(
        &self,
        shop: &ShopDomain,
        owners: &[Owner],
    ) -> Result<Option<Vec<CommitmentSecret>>, SecretError> {
        let failed = |error: Box<dyn Error + Send + Sync>| SecretError::request("making", "secrets", error);
        let mut made = Vec::with_capacity(owners.len());
        let mut request = self.client.transact_write_items();
        for owner in owners {
            let secret = CommitmentSecret::random().ok_or(SecretError::NoRandomness)?;
            let put = Put::builder()
                .table_name(&self.table)
                .item("pk", key(shop, owner))
                .item("secret", AttributeValue::B(Blob::new(secret.expose())))
                .item("key_id", AttributeValue::S(secret.key_id().to_hex()))
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
        Owner::Erasable(customer) => format!("{shop}#erasable#{customer}"),
        Owner::Communication(id) => format!("{shop}#communication#{id}"),
    }
}

fn key(shop: &ShopDomain, owner: &Owner) -> AttributeValue {
    AttributeValue::S(name(shop, owner))
}

fn secret(item: &Item) -> Result<CommitmentSecret, SecretError> {
    let bytes = item.get("secret").and_then(|value| value.as_b().ok());
    let secret = bytes.and_then(|bytes| CommitmentSecret::from_bytes(bytes.as_ref()));
    secret.ok_or(SecretError::Malformed)
}
