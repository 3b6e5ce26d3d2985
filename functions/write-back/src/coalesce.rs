//! Telling one shop about many communications with few requests.
//!
//! Reports are grouped by the resource that carries them, read, merged and written, up to 25 resources a
//! request. Promises that one resource's trouble is its own: a refused one is taken out and the others are
//! written without it. Nothing here has to be undone after a crash: what was written is found by the next
//! delivery and merges to the same value, and tags are added to a set.

use crate::status::{Report, Status};
use comms::{Class, Classify, Gid, chain};
use futures::{StreamExt, stream};
use shop_config::WriteBack;
use shopify::{AdminApi, AdminError, Call, MAX_METAFIELDS, MetafieldWrite, StatusMetafield};
use std::collections::{BTreeMap, BTreeSet};
use work::{Retry, WriteBackItem};

/// How often a resource is read again because somebody else wrote to it in between.
const STALE_ROUNDS: u32 = 4;

/// How many resources are given tags at once.
const TAGGING: usize = 5;

/// What became of one report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Shopify has it.
    Reported,
    /// Shopify will not have it; why.
    Refused(String),
    /// Another delivery may succeed.
    Later(Retry),
}

/// One resource and what it is to be told.
#[derive(Debug)]
struct Owner {
    gid: Gid,
    /// Positions of its items in the batch.
    items: Vec<usize>,
    reports: Status,
    tags: BTreeSet<String>,
    stale_rounds: u32,
}

/// Reports `items`, all of one shop. The answer has one entry an item, in order.
pub async fn report(
    shopify: &AdminApi,
    call: Call<'_>,
    names: &WriteBack,
    items: &[&WriteBackItem],
) -> Vec<Told> {
    // what nothing below accounts for comes back; it is never taken for told
    let unsettled = Told::Later(Retry::new("the report was not dealt with"));
    let mut shop = Shop { shopify, call, names, told: vec![unsettled; items.len()], written: Vec::new() };
    let mut chunks = chunks(group(items));
    while let Some(chunk) = chunks.pop() {
        chunks.extend(shop.write(chunk).await);
    }
    shop.tag(items).await;
    shop.told
}

fn group(items: &[&WriteBackItem]) -> Vec<Owner> {
    let mut owners: BTreeMap<&Gid, Owner> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        let owner = owners.entry(&item.owner).or_insert_with(|| Owner {
            gid: item.owner.clone(),
            items: Vec::new(),
            reports: Status::default(),
            tags: BTreeSet::new(),
            stale_rounds: 0,
        });
        owner.items.push(index);
        owner.reports.add(Report::from(*item));
        owner.tags.extend(item.tags.iter().cloned());
    }
    owners.into_values().collect()
}

/// Chunks of one kind each, so that a kind the app may not touch does not hold up the others. Owners come
/// sorted by kind.
fn chunks(owners: Vec<Owner>) -> Vec<Vec<Owner>> {
    let mut chunks: Vec<Vec<Owner>> = Vec::new();
    for owner in owners {
        match chunks.last_mut() {
            Some(chunk)
                if chunk.len() < MAX_METAFIELDS
                    && chunk.last().is_some_and(|last| last.gid.kind() == owner.gid.kind()) =>
            {
                chunk.push(owner)
            }
            _ => chunks.push(vec![owner]),
        }
    }
    chunks
}

struct Shop<'a> {
    shopify: &'a AdminApi,
    call: Call<'a>,
    names: &'a WriteBack,
    told: Vec<Told>,
    /// Those whose reports Shopify has, and who may get their tags.
    written: Vec<Owner>,
}

impl Shop<'_> {
    /// Reads, merges and writes. Returns what is left to do.
    async fn write(&mut self, chunk: Vec<Owner>) -> Vec<Vec<Owner>> {
        let gids: Vec<_> = chunk.iter().map(|owner| owner.gid.clone()).collect();
        let found = match self.shopify.read_status(self.call, self.names, &gids).await {
            Ok(found) => found,
            Err(error) => return self.isolate(chunk, &error),
        };
        let (mut owners, mut writes) = (Vec::new(), Vec::new());
        for (owner, found) in chunk.into_iter().zip(found) {
            match found.map(|found| self.merge(&owner, found)) {
                None => self.settle(&owner, &Told::Refused("owner not found".to_owned())),
                Some(Ok(None)) => self.wrote(owner),
                Some(Ok(Some(write))) => {
                    owners.push(owner);
                    writes.push(write);
                }
                Some(Err(error)) => self
                    .settle(&owner, &Told::Refused(format!("the status cannot be written as JSON: {error}"))),
            }
        }
        if writes.is_empty() {
            return Vec::new();
        }
        match self.shopify.write_status(self.call, self.names, &writes).await {
            Ok(()) => {
                owners.into_iter().for_each(|owner| self.wrote(owner));
                Vec::new()
            }
            Err(error) => self.take_out(owners, &error),
        }
    }

    /// The write that tells `owner`, if it does not say all of that already.
    fn merge(
        &self,
        owner: &Owner,
        found: StatusMetafield,
    ) -> Result<Option<MetafieldWrite>, serde_json::Error> {
        let mut status = Status::default();
        if let Some(value) = &found.value {
            let existing = Status::read(value);
            if existing.damaged {
                tracing::warn!(shop = %self.call.shop, owner = %owner.gid, "the status metafield held something else, which is replaced");
            } else if merged(&existing.status, &owner.reports).newest() == existing.status.newest() {
                return Ok(None);
            }
            status = existing.status;
        }
        let value = merged(&status, &owner.reports).value()?;
        Ok(Some(MetafieldWrite { owner: owner.gid.clone(), value, compare_digest: found.compare_digest }))
    }

    /// Nothing was written, because of some of the owners: settles those, and returns the others for
    /// another round. Those that were stale go round again, a bounded number of times.
    fn take_out(&mut self, owners: Vec<Owner>, error: &AdminError) -> Vec<Vec<Owner>> {
        let AdminError::UserErrors { errors, .. } = error else { return self.isolate(owners, error) };
        let mut objections: BTreeMap<usize, _> = BTreeMap::new();
        for objection in errors {
            match objection.element().filter(|element| *element < owners.len()) {
                // of several objections to one element, a lasting one counts
                Some(element) if objection.is_stale() => drop(objections.entry(element).or_insert(objection)),
                Some(element) => drop(objections.insert(element, objection)),
                None => return self.isolate(owners, error),
            }
        }
        let mut again = Vec::new();
        for (index, mut owner) in owners.into_iter().enumerate() {
            match objections.get(&index) {
                None => again.push(owner),
                Some(objection) if objection.is_stale() && owner.stale_rounds < STALE_ROUNDS => {
                    owner.stale_rounds += 1;
                    again.push(owner);
                }
                Some(objection) if objection.may_pass() => {
                    self.settle(&owner, &Told::Later(Retry::new(objection)))
                }
                Some(objection) => self.settle(&owner, &Told::Refused(objection.to_string())),
            }
        }
        if again.is_empty() { Vec::new() } else { vec![again] }
    }

    /// An error that does not say whose it is. One of the moment is everybody's; for another, such as an answer that
    /// cannot be read, halves are tried until those it belongs to are alone with it.
    fn isolate(&mut self, mut owners: Vec<Owner>, error: &AdminError) -> Vec<Vec<Owner>> {
        if is_of_one(error) && owners.len() > 1 {
            let half = owners.split_off(owners.len() / 2);
            return vec![owners, half];
        }
        let told = told(error);
        owners.iter().for_each(|owner| self.settle(owner, &told));
        Vec::new()
    }

    /// Shopify has what `owner` is to be told.
    fn wrote(&mut self, owner: Owner) {
        self.settle(&owner, &Told::Reported);
        self.written.push(owner);
    }

    fn settle(&mut self, owner: &Owner, told: &Told) {
        for index in &owner.items {
            if let Some(slot) = self.told.get_mut(*index) {
                *slot = told.clone();
            }
        }
    }

    /// Adds the tags. What goes wrong concerns the items that brought some; the others have been told.
    async fn tag(&mut self, items: &[&WriteBackItem]) {
        let (shopify, call) = (self.shopify, self.call);
        let tagged = std::mem::take(&mut self.written).into_iter().filter(|owner| !owner.tags.is_empty());
        let failures: Vec<_> = stream::iter(tagged)
            .map(|owner| async move {
                let tags: Vec<_> = owner.tags.iter().cloned().collect();
                let result = shopify.add_tags(call, &owner.gid, &tags).await;
                (owner, result)
            })
            .buffer_unordered(TAGGING)
            .filter_map(|(owner, result)| async move { Some((owner, result.err()?)) })
            .collect()
            .await;
        for (mut owner, error) in failures {
            owner.items.retain(|index| items.get(*index).is_some_and(|item| !item.tags.is_empty()));
            self.settle(&owner, &told(&error));
        }
    }
}

/// Whether the error may be gone without one of the owners. One that took its time is not asked for again at once.
fn is_of_one(error: &AdminError) -> bool {
    match error {
        AdminError::Status { .. } => error.class() == Class::Permanent,
        error if error.is_timeout() => false,
        error => error.class() == Class::Permanent || error.may_be_of_one(),
    }
}

fn merged(existing: &Status, reports: &Status) -> Status {
    let mut status = existing.clone();
    status.merge(reports.clone());
    status
}

fn told(error: &AdminError) -> Told {
    match error.class() {
        Class::Permanent => Told::Refused(chain(error)),
        // every request here may be repeated
        Class::Transient { .. } | Class::Unknown => Told::Later(Retry::of(error)),
    }
}
