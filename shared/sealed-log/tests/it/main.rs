//! Logs in a bucket of this process: dying at every put, two runs at once, tampering, and bundles byte by byte.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "helpers of tests fail the way tests do"
)]

mod bucket;
mod bundles;
mod complete;
mod crashes;
mod time;
mod tools;

use archive::LockMode;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use bucket::Bucket;
use comms::{CommunicationId, ShopDomain};
use jiff::{Timestamp, civil::Date};
use sealed_log::{
    Commitment, CommitmentSecret, Entry, LabelKey, LogError, LogStore, Owned, Sealed, ShopLog, origin,
};
use std::convert::Infallible;
use tlog::VerifierKey;

fn shop() -> ShopDomain {
    "acme.myshopify.com".parse().unwrap()
}

fn date() -> Date {
    "2026-11-27".parse().unwrap()
}

fn now() -> Timestamp {
    "2026-11-27T12:00:00Z".parse().unwrap()
}

fn pair() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
}

fn key() -> VerifierKey {
    let public = pair().public_key().as_ref().try_into().unwrap();
    VerifierKey::new(origin("archive", &shop()).unwrap(), public)
}

async fn sign(text: &str) -> Result<Vec<u8>, Infallible> {
    Ok(pair().sign(text.as_bytes()).as_ref().to_vec())
}

fn id(number: u64) -> CommunicationId {
    format!("{number:032x}").parse().unwrap()
}

/// Of three customers in turn.
fn secret(number: u64) -> CommitmentSecret {
    CommitmentSecret::from_bytes(&[u8::try_from(number % 3).unwrap() + 1; 32]).unwrap()
}

fn owned(entries: &[Entry]) -> Vec<Owned> {
    let number = |entry: &Entry| u64::from_str_radix(&entry.communication.as_str()[16..], 16).unwrap();
    let own = |entry: &Entry| Owned { entry: entry.clone(), label_key: LabelKey::of(&secret(number(entry))) };
    entries.iter().map(own).collect()
}

fn entries(numbers: std::ops::Range<u64>) -> Vec<Entry> {
    let commitment = |number: u64| Commitment(std::array::from_fn(|at| number.to_be_bytes()[at % 8]));
    numbers
        .map(|number| Entry { communication: id(number), object: None, commitment: commitment(number) })
        .collect()
}

async fn store(bucket: &Bucket) -> LogStore {
    LogStore::new(bucket.client().await, "archive".to_owned(), LockMode::Compliance, 100)
}

async fn open(store: &LogStore) -> Result<ShopLog<'_>, LogError> {
    ShopLog::open(store, &shop(), key()).await
}

/// A run: finishes what was left, then seals these in batches of `size`, each once.
async fn run(store: &LogStore, mut open_entries: Vec<Entry>, size: usize) -> Result<(), LogError> {
    let mut log = open(store).await?;
    log.resume(sign, now()).await?;
    let mut sealed = Vec::new();
    let each = |_, entry: Entry| sealed.push((entry.communication, entry.object));
    sealed_log::LogReader::new(store).sealed_on(&shop(), date(), each).await?;
    open_entries.retain(|it| !sealed.contains(&(it.communication.clone(), it.object.clone())));
    while !open_entries.is_empty() {
        let batch: Vec<_> = open_entries.iter().take(size).cloned().collect();
        let theirs = match log.seal(date(), owned(&batch), sign, now()).await? {
            Sealed::Own => batch,
            Sealed::Other(other) => other.entries,
        };
        open_entries.retain(|entry| !theirs.contains(entry));
    }
    Ok(())
}
