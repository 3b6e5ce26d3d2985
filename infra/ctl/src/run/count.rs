//! Which documents of a run there are, and how each stands.
//!
//! The archive names those that were made, an index of the ledger those that were not delivered; the ledger says of each
//! whether it is of this run. One that is neither, because it has just begun, is in the flow's queue. What has ended is read
//! once, so a look at a run of a hundred thousand costs what has changed, and the listing.

use super::Run;
use crate::{failure::Failure, stack::Stack};
use comms::{CommunicationId, Document, State};
use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date, tz::TimeZone};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Messages live for 14 days, so nothing of a run is claimed later.
const DAYS: i32 = 15;
/// Of those that were not delivered, so many are looked at.
const UNDELIVERED: usize = 200_000;

/// The documents of a run, as far as they were seen.
#[derive(Default)]
pub struct Documents {
    ended: HashMap<CommunicationId, State>,
    open: HashMap<CommunicationId, State>,
    /// Of the same kind, and not of this run.
    others: HashSet<CommunicationId>,
    /// So many could not be read.
    pub unreadable: usize,
}

impl Documents {
    /// Looks for what is new, and at what was open.
    pub async fn look(
        &mut self,
        stack: &Stack,
        run: &Run,
        begun: Timestamp,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let mut ids = self.open.keys().cloned().collect::<HashSet<_>>();
        for document in run.documents.iter().filter(|_| !run.is_rehearsed) {
            for day in days(begun, now) {
                ids.extend(archived(stack, run, *document, day).await?);
            }
        }
        let until = now.checked_add(SignedDuration::from_mins(1))?;
        let undelivered = stack.ledger.undelivered(&run.shop, begun..until, None, UNDELIVERED).await?;
        let of_kind = undelivered.into_iter().filter(|it| run.documents.contains(&it.document));
        ids.extend(of_kind.map(|it| it.communication));
        ids.retain(|id| !self.ended.contains_key(id) && !self.others.contains(id));
        let found = stack.ledger.read_all(ids).await?;
        self.unreadable = found.problems.len();
        self.open.clear();
        for entry in found.entries {
            let (id, state) = (entry.communication, entry.state);
            match () {
                () if entry.revision != run.revision => _ = self.others.insert(id),
                () if state.is_open() => _ = self.open.insert(id, state),
                () => _ = self.ended.insert(id, state),
            }
        }
        Ok(())
    }

    /// How many there are in each state.
    pub fn by_state(&self) -> BTreeMap<State, u64> {
        let mut counts = BTreeMap::new();
        for state in self.ended.values().chain(self.open.values()) {
            let count: &mut u64 = counts.entry(*state).or_default();
            *count = count.saturating_add(1);
        }
        counts
    }

    pub fn open(&self) -> usize {
        self.open.len()
    }

    pub fn ended(&self) -> usize {
        self.ended.len()
    }

    pub fn has(&self, state: State) -> bool {
        self.ended.values().any(|it| *it == state)
    }
}

/// The days, in UTC, on which something of the run can have been claimed first.
fn days(begun: Timestamp, now: Timestamp) -> impl Iterator<Item = Date> {
    let date = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
    let (first, last) = (date(begun), date(now));
    let days = (0..DAYS).filter_map(move |day| first.checked_add(day.days()).ok());
    days.take_while(move |day| *day <= last)
}

/// The communications of which something is archived under a day.
async fn archived(
    stack: &Stack,
    run: &Run,
    document: Document,
    day: Date,
) -> Result<Vec<CommunicationId>, Failure> {
    let prefix = format!("{}/{}/{document}/", run.shop, day.strftime("%Y/%m/%d"));
    let listed =
        stack.s3.list_objects_v2().bucket(&stack.outputs.archive_bucket).prefix(&prefix).delimiter("/");
    let mut pages = listed.into_paginator().send();
    let mut ids = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page?;
        let folders = page.common_prefixes().iter().filter_map(|it| it.prefix());
        ids.extend(folders.filter_map(|it| it.strip_prefix(&prefix)?.trim_end_matches('/').parse().ok()));
    }
    Ok(ids)
}
