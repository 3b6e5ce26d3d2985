//! Finding the last statement of an account: the one whose balance this one takes up.
//!
//! It is the latest that is in the archive, of a month before this one: whether it was delivered does not matter,
//! because what is archived is what the account was told and what is issued again. Tests and dry runs told nobody.
//! While that statement is still being made, this one waits; not for one that nobody has worked on for a day.

use crate::{carry::Said, item::revision, period::Period};
use comms::{CommunicationId, Document};
use flow::{Gather, GatherError, History, Previous};
use jiff::{SignedDuration, Timestamp};
use ledger::Entry;
use std::collections::HashSet;

/// How many months are searched.
const MONTHS: usize = 120;
/// Longer than any message waits for its next delivery: nobody works on the statement any more.
const ABANDONED: SignedDuration = SignedDuration::from_hours(24);

/// The last statement of the item's account.
pub struct Last {
    pub said: Option<Said>,
    pub issue: Option<Previous>,
}

/// The account's last statement before `period`. Of an account with one in the month before, this asks the ledger
/// once and the archive once.
///
/// # Errors
/// When the ledger or the archive does not answer, or the statement before is still being made.
pub async fn statement(
    gather: &Gather<'_>,
    history: History<'_>,
    period: &Period,
) -> Result<Last, GatherError> {
    let Some(entry) = entry(gather, history, period).await? else {
        return Ok(Last { said: None, issue: None });
    };
    let record = history.record(&entry).await?;
    let data = record.as_ref().and_then(|record| record.driver_data.data.as_ref());
    let said = data.and_then(|data| Said::read(data.get()));
    if said.is_none() {
        tracing::warn!(shop = %gather.item.shop, communication = %gather.communication, before = %entry.communication, "what the last statement said is not in its record: the balance is taken from the orders alone");
    }
    Ok(Last { said, issue: issue(&entry) })
}

/// The document of the month before, of a kind that says nothing of the time before it.
///
/// # Errors
/// When the ledger does not answer.
pub async fn of_the_month_before(
    gather: &Gather<'_>,
    history: History<'_>,
    period: &Period,
) -> Result<Option<Previous>, GatherError> {
    let Some(before) = period.before() else { return Ok(None) };
    let entry = history.entry(&id(gather, gather.plan.document, &before)).await?;
    Ok(entry.filter(counts).as_ref().and_then(issue))
}

async fn entry(
    gather: &Gather<'_>,
    history: History<'_>,
    period: &Period,
) -> Result<Option<Entry>, GatherError> {
    let mut months = std::iter::successors(period.before(), Period::before).take(MONTHS);
    let of = |month: &Period| id(gather, Document::AccountStatement, month);
    let Some(before) = months.next() else { return Ok(None) };
    let found = history.entry(&of(&before)).await?;
    if let Some(found) = usable(found, &before, gather.now)? {
        return Ok(Some(found));
    }
    let ids: HashSet<_> = history.ids(&gather.item.shop, &gather.plan.subject).await?.into_iter().collect();
    for month in months.take_while(|_| !ids.is_empty()) {
        let id = of(&month);
        if ids.contains(&id)
            && let Some(found) = usable(history.entry(&id).await?, &month, gather.now)?
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn id(gather: &Gather<'_>, document: Document, period: &Period) -> CommunicationId {
    let (shop, subject) = (&gather.item.shop, &gather.plan.subject);
    CommunicationId::derive(shop, document, subject, &revision(&period.name))
}

/// The entry, if its document counts as said.
fn usable(entry: Option<Entry>, period: &Period, now: Timestamp) -> Result<Option<Entry>, GatherError> {
    let Some(entry) = entry else { return Ok(None) };
    if counts(&entry) {
        return Ok(Some(entry));
    }
    let changed = Timestamp::from_millisecond(entry.updated_epoch_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let abandoned = now.duration_since(changed) > ABANDONED;
    if entry.state.is_open() && !abandoned {
        return Err(GatherError::not_yet(format!("the statement of {} is still being made", period.name)));
    }
    Ok(None)
}

fn counts(entry: &Entry) -> bool {
    entry.archived.as_ref().is_some_and(|archived| !archive::is_test(&archived.archive_key))
}

fn issue(entry: &Entry) -> Option<Previous> {
    let archived = entry.archived.as_ref()?;
    let record_sha256 = archived.record_sha256.clone();
    Some(Previous { communication: entry.communication.clone(), record_sha256 })
}
