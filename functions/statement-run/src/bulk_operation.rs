//! Starts the bulk operation of a part of a run and waits for it. Starting is not safe against a crash before the
//! state is written: the operation is then nobody's, and another one is started.

use crate::{
    session::{Session, Step},
    state::{RUN, Run, Source, Stage},
};
use comms::{Class, Classify, Gid, chain};
use jiff::{SignedDuration, Timestamp};
use shopify::{
    AdminError, account,
    bulk::{BulkFile, BulkStart, BulkState},
};
use std::time::Duration;
use work::Retry;

/// Bulk operations for one part of a run.
const ATTEMPTS: u32 = 3;
/// Nobody works any more on a run that began longer ago and has not ended.
const LONGEST_RUN: SignedDuration = SignedDuration::from_hours(24);
/// How long to wait for other runs and other bulk operations.
const BUSY: Duration = Duration::from_secs(30);
const MISSING_SCOPE: &str = "the app lacks the scope read_all_orders: orders older than 60 days would be missing and balances wrong; have Shopify grant it, then run again";

pub async fn start(session: &mut Session<'_>, index: usize) -> Result<Step, Retry> {
    if earlier_run_is_open(session).await? {
        return Ok(Step::Wait(BUSY));
    }
    let Some(part) = session.run.parts.get(index) else { return Ok(Step::Done) };
    let query = match &part.source {
        Source::CompanyLocations => account::locations_query().to_owned(),
        Source::Customers { tag } => account::customers_query(tag),
    };
    let started = match session.tools.shopify.sees_all_orders(session.call()).await {
        Ok(true) => session.tools.shopify.start_bulk(session.call(), &query).await,
        Ok(false) => {
            session.fail_part(index, MISSING_SCOPE.to_owned());
            return Ok(Step::Done);
        }
        Err(error) => Err(error),
    };
    match started {
        Ok(BulkStart::Started(operation)) => {
            let since = (session.tools.clock)();
            if let Some(part) = session.run.parts.get_mut(index) {
                part.attempts += 1;
                part.stage = Stage::Running { operation, since };
            }
            session.save().await?;
            Ok(Step::Done)
        }
        // other runs of this shop, or other apps of its owner, have operations running
        Ok(BulkStart::Busy) => Ok(Step::Wait(BUSY)),
        Err(AdminError::Throttled { retry_after }) => Ok(Step::throttled(retry_after)),
        Err(error) if error.class() == Class::Permanent => {
            session.fail_part(index, chain(&error));
            Ok(Step::Done)
        }
        Err(error) => Err(Retry::of(&error)),
    }
}

/// Whether the run of the month before has not ended: these statements begin with the balances of its statements.
async fn earlier_run_is_open(session: &Session<'_>) -> Result<bool, Retry> {
    let Some(before) = session.run.period.before() else { return Ok(false) };
    let key = Run::key(&session.run.shop, &before);
    let found = session.tools.checkpoints.load::<Run>(&key).await?;
    let oldest = (session.tools.clock)() - LONGEST_RUN;
    Ok(found.is_some_and(|(run, _)| run.outcome.is_none() && run.begun_at > oldest))
}

pub async fn follow(
    session: &mut Session<'_>,
    index: usize,
    operation: Gid,
    since: Timestamp,
) -> Result<Step, Retry> {
    match session.tools.shopify.bulk_state(session.call(), &operation).await {
        Ok(BulkState::Running) => return Ok(Step::Wait(session.pause(since))),
        Ok(BulkState::Completed { url: None, .. }) => session.set_stage(index, Stage::Done),
        Ok(BulkState::Completed { url: Some(_), .. }) => {
            let survey = Box::new(bulk_reader::Survey::new(session.tools.pace.limits));
            let file = BulkFile::default();
            session.set_stage(index, Stage::Surveying { operation, file, survey });
        }
        Ok(BulkState::Ended { reason }) => {
            restart(session, index, &format!("the bulk operation ended: {reason}"));
        }
        Err(AdminError::Throttled { retry_after }) => return Ok(Step::throttled(retry_after)),
        Err(error) => return Err(Retry::of(&error)),
    }
    Ok(Step::Done)
}

/// Has the part's bulk operation run again; fails the part after [`ATTEMPTS`].
pub fn restart(session: &mut Session<'_>, index: usize, reason: &str) {
    tracing::warn!(shop = %session.run.shop, run = RUN, period = %session.run.period.name, reason, "a bulk operation cannot be used");
    match session.run.parts.get_mut(index) {
        Some(part) if part.attempts < ATTEMPTS => part.stage = Stage::Waiting,
        _ => session.fail_part(index, reason.to_owned()),
    }
}
