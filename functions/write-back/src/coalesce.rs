//! Telling one shop about many communications with few requests.
//!
//! Reports are grouped by the resource that carries them, read, merged and written, up to 25 resources a
//! request. Promises that one resource's failure is its own: a refused one is taken out and the others are
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
const MAX_STALE_ATTEMPTS: u32 = 4;

/// How many resources are given tags at once.
pub const TAGGING: usize = 5;

/// What became of one report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportResult {
    /// Shopify has it.
    Reported,
    /// Shopify will not have it; why.
    Refused(String),
    /// Another delivery may succeed.
    Later(Retry),
}

/// One resource and its reports.
#[derive(Debug)]
struct Target {
    gid: Gid,
    /// Positions of its items in the batch.
    items: Vec<usize>,
    reports: Status,
    tags: BTreeSet<String>,
    stale_attempts: u32,
}

/// Reports `items`, all of one shop. The answer has one entry per item, in order.
pub async fn report(
    shopify: &AdminApi,
    call: Call<'_>,
    names: &WriteBack,
    items: &[&WriteBackItem],
) -> Vec<ReportResult> {
    // what nothing below accounts for is delivered again, and never taken for reported
    let unsettled = ReportResult::Later(Retry::waiting("the report was not dealt with"));
    let mut shop = Shop { shopify, call, names, results: vec![unsettled; items.len()], written: Vec::new() };
    let mut chunks = chunks(group(items));
    while let Some(chunk) = chunks.pop() {
        chunks.extend(shop.write(chunk).await);
    }
    shop.tag(items).await;
    shop.results
}

fn group(items: &[&WriteBackItem]) -> Vec<Target> {
    let mut resources: BTreeMap<&Gid, Target> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        let resource = resources.entry(&item.reported_on).or_insert_with(|| Target {
            gid: item.reported_on.clone(),
            items: Vec::new(),
            reports: Status::default(),
            tags: BTreeSet::new(),
            stale_attempts: 0,
        });
        resource.items.push(index);
        resource.reports.add(Report::from(*item));
        resource.tags.extend(item.tags.iter().cloned());
    }
    resources.into_values().collect()
}

/// Chunks of one kind each, so that a kind the app may not touch does not hold up the others. Owners come
/// sorted by kind.
fn chunks(resources: Vec<Target>) -> Vec<Vec<Target>> {
    let mut chunks: Vec<Vec<Target>> = Vec::new();
    for resource in resources {
        match chunks.last_mut() {
            Some(chunk)
                if chunk.len() < MAX_METAFIELDS
                    && chunk.last().is_some_and(|last| last.gid.kind() == resource.gid.kind()) =>
            {
                chunk.push(resource)
            }
            _ => chunks.push(vec![resource]),
        }
    }
    chunks
}

struct Shop<'a> {
    shopify: &'a AdminApi,
    call: Call<'a>,
    names: &'a WriteBack,
    results: Vec<ReportResult>,
    /// Those whose reports Shopify has, and who may get their tags.
    written: Vec<Target>,
}

impl Shop<'_> {
    /// Reads, merges and writes. Returns what is left to do.
    async fn write(&mut self, chunk: Vec<Target>) -> Vec<Vec<Target>> {
        let gids: Vec<_> = chunk.iter().map(|resource| resource.gid.clone()).collect();
        let found = match self.shopify.read_status(self.call, self.names, &gids).await {
            Ok(found) => found,
            Err(error) => return self.isolate(chunk, &error),
        };
        let (mut resources, mut writes) = (Vec::new(), Vec::new());
        for (resource, found) in chunk.into_iter().zip(found) {
            match found.map(|found| self.merge(&resource, found)) {
                None => self.settle(&resource, &ReportResult::Refused("resource not found".to_owned())),
                Some(Ok(None)) => self.wrote(resource),
                Some(Ok(Some(write))) => {
                    resources.push(resource);
                    writes.push(write);
                }
                Some(Err(error)) => self.settle(
                    &resource,
                    &ReportResult::Refused(format!("the status cannot be written as JSON: {error}")),
                ),
            }
        }
        if writes.is_empty() {
            return Vec::new();
        }
        match self.shopify.write_status(self.call, self.names, &writes).await {
            Ok(()) => {
                resources.into_iter().for_each(|resource| self.wrote(resource));
                Vec::new()
            }
            Err(error) => self.take_out(resources, &error),
        }
    }

    /// The write that tells `resource`, if it does not say all of that already.
    fn merge(
        &self,
        resource: &Target,
        found: StatusMetafield,
    ) -> Result<Option<MetafieldWrite>, serde_json::Error> {
        let mut status = Status::default();
        if let Some(value) = &found.value {
            let existing = Status::read(value);
            if existing.damaged {
                tracing::warn!(shop = %self.call.shop, resource = %resource.gid, "the status metafield held something else, which is replaced");
            } else if !existing.outdated
                && merged(&existing.status, &resource.reports).newest() == existing.status.newest()
            {
                return Ok(None);
            }
            status = existing.status;
        }
        let value = merged(&status, &resource.reports).value()?;
        Ok(Some(MetafieldWrite { owner: resource.gid.clone(), value, compare_digest: found.compare_digest }))
    }

    /// Nothing was written, because of some of the resources: settles those, and returns the others for
    /// another pass. Those that were stale are written again, a bounded number of times.
    fn take_out(&mut self, resources: Vec<Target>, error: &AdminError) -> Vec<Vec<Target>> {
        let AdminError::UserErrors { errors, .. } = error else { return self.isolate(resources, error) };
        let mut objections: BTreeMap<usize, _> = BTreeMap::new();
        for objection in errors {
            match objection.element().filter(|element| *element < resources.len()) {
                // of several objections to one element, a lasting one counts
                Some(element) if objection.is_stale() => drop(objections.entry(element).or_insert(objection)),
                Some(element) => drop(objections.insert(element, objection)),
                None => return self.isolate(resources, error),
            }
        }
        let mut again = Vec::new();
        for (index, mut resource) in resources.into_iter().enumerate() {
            match objections.get(&index) {
                None => again.push(resource),
                Some(objection) if objection.is_stale() && resource.stale_attempts < MAX_STALE_ATTEMPTS => {
                    resource.stale_attempts += 1;
                    again.push(resource);
                }
                Some(objection) if objection.may_pass() => {
                    self.settle(&resource, &ReportResult::Later(Retry::waiting(objection)))
                }
                Some(objection) => self.settle(&resource, &ReportResult::Refused(objection.to_string())),
            }
        }
        if again.is_empty() { Vec::new() } else { vec![again] }
    }

    /// An error that does not say whose it is. One of the moment is everybody's; for another, such as an answer that
    /// cannot be read, halves are tried until those it belongs to are alone with it.
    fn isolate(&mut self, mut resources: Vec<Target>, error: &AdminError) -> Vec<Vec<Target>> {
        if is_of_one(error) && resources.len() > 1 {
            let half = resources.split_off(resources.len() / 2);
            return vec![resources, half];
        }
        let result = failed(error);
        resources.iter().for_each(|resource| self.settle(resource, &result));
        Vec::new()
    }

    /// Shopify has the reports of `resource`.
    fn wrote(&mut self, resource: Target) {
        self.settle(&resource, &ReportResult::Reported);
        self.written.push(resource);
    }

    fn settle(&mut self, resource: &Target, result: &ReportResult) {
        for index in &resource.items {
            if let Some(slot) = self.results.get_mut(*index) {
                *slot = result.clone();
            }
        }
    }

    /// Adds the tags. What goes wrong concerns the items that brought some; the others have been reported.
    async fn tag(&mut self, items: &[&WriteBackItem]) {
        let (shopify, call) = (self.shopify, self.call);
        let tagged =
            std::mem::take(&mut self.written).into_iter().filter(|resource| !resource.tags.is_empty());
        let failures: Vec<_> = stream::iter(tagged)
            .map(|resource| async move {
                let tags: Vec<_> = resource.tags.iter().cloned().collect();
                let result = shopify.add_tags(call, &resource.gid, &tags).await;
                (resource, result)
            })
            .buffer_unordered(TAGGING)
            .filter_map(|(resource, result)| async move { Some((resource, result.err()?)) })
            .collect()
            .await;
        for (mut resource, error) in failures {
            resource.items.retain(|index| items.get(*index).is_some_and(|item| !item.tags.is_empty()));
            self.settle(&resource, &failed(&error));
        }
    }
}

/// Whether the error may be gone without one of the resources. One that took its time is not asked for again at once.
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

fn failed(error: &AdminError) -> ReportResult {
    match error.class() {
        Class::Permanent => ReportResult::Refused(chain(error)),
        // every request here may be repeated
        Class::Transient { .. } | Class::Unknown | Class::Stuck => ReportResult::Later(Retry::of(error)),
    }
}
