//! What was erased, so that it can be erased again: a locked object per erasure, which names no person.
//!
//! It names secrets by the ids that encrypted objects have, which lead nowhere once the secrets are gone, and communications by
//! theirs. After a restore from a backup both lead somewhere again, and [`reapply`] follows them. Written before anything is
//! erased; two that say the same are one object.

use crate::{PrivacyError, Tools, erase};
use archive::sha256_hex;
use commitments::KeyId;
use comms::{CommunicationId, Document, ShopDomain};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What one erasure destroys and removes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    pub v: u32,
    pub shop: ShopDomain,
    /// Of the secrets, in hexadecimal.
    pub keys: Vec<String>,
    pub communications: Vec<Erased>,
}

/// A communication whose documents are erased, with what its keys follow from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Erased {
    pub communication: CommunicationId,
    pub document: Document,
    /// When it was begun.
    pub dated: Timestamp,
}

impl Tombstone {
    pub(crate) fn new(shop: &ShopDomain, keys: &[KeyId], mut communications: Vec<Erased>) -> Self {
        let mut keys: Vec<_> = keys.iter().map(|id| id.to_hex()).collect();
        keys.sort();
        keys.dedup();
        communications.sort();
        Self { v: 1, shop: shop.clone(), keys, communications }
    }
}

fn prefix(shop: &ShopDomain) -> String {
    format!("erasure/{shop}/")
}

/// Puts a tombstone. One that is there already says the same.
pub(crate) async fn put(tools: &Tools, tombstone: &Tombstone) -> Result<(), PrivacyError> {
    if tombstone.keys.is_empty() && tombstone.communications.is_empty() {
        return Ok(());
    }
    let json = serde_json::to_vec(tombstone)
        .map_err(|error| PrivacyError::request("writing", "a tombstone", Box::new(error)))?;
    let key = format!("{}{}.json", prefix(&tombstone.shop), sha256_hex(&json));
    let days = tools.max_retention_days;
    tools.archive.put_for_days(&key, json.into(), days, (tools.clock)()).await?;
    Ok(())
}

/// Erases again everything that was ever erased of a shop. Answers how many erasures there were.
pub(crate) async fn reapply(tools: &Tools, shop: &ShopDomain) -> Result<usize, PrivacyError> {
    let prefix = prefix(shop);
    let list = tools.s3.list_objects_v2().bucket(&tools.archive_bucket).prefix(&prefix);
    let mut pages = list.into_paginator().send();
    let mut count = 0;
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| PrivacyError::request("listing", &prefix, error))?;
        for key in page.contents().iter().filter_map(|object| object.key()) {
            let get = tools.s3.get_object().bucket(&tools.archive_bucket).key(key).send().await;
            let body =
                get.map_err(|error| PrivacyError::request("reading", key, error))?.body.collect().await;
            let body = body.map_err(|error| PrivacyError::request("reading", key, error))?.into_bytes();
            let tombstone: Tombstone = serde_json::from_slice(&body)
                .map_err(|error| PrivacyError::request("reading", key, Box::new(error)))?;
            erase::by_tombstone(tools, &tombstone).await?;
            count += 1;
        }
    }
    tracing::info!(%shop, erasures = count, "erased again");
    Ok(count)
}
