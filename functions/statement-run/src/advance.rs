//! The order of a run's steps: batch jobs first, because they bound how much may be read; then the bulk operations.
//! Each step leaves the run in a state from which it can be repeated.

use crate::{
    batch_job, bulk_file, bulk_operation,
    session::{Next, Session, Step},
    state::{Outcome, RUN, Run, Stage},
};
use std::time::Duration;
use tokio::time::Instant;
use work::Retry;

/// Does what can be done now, until the run ends, time is up, or there is nothing to do for long.
pub async fn advance(session: &mut Session<'_>) -> Result<Next, Retry> {
    loop {
        if let Some(outcome) = session.run.end() {
            session.run.outcome = Some(outcome.clone());
            report(&session.run, &outcome);
            return Ok(Next::Ended(outcome));
        }
        if session.is_out_of_time() {
            return Ok(Next::Later(Duration::ZERO));
        }
        let Some(wait) = pass(session).await? else { continue };
        if wait > session.tools.pace.patience || Instant::now() + wait >= session.until {
            return Ok(Next::Later(wait));
        }
        tokio::time::sleep(wait).await;
    }
}

/// Tries everything once. Answers how long to wait, if nothing was done.
async fn pass(session: &mut Session<'_>) -> Result<Option<Duration>, Retry> {
    let mut steps = Vec::new();
    for index in 0..session.run.chunks.len() {
        steps.push(batch_job::advance(session, index).await?);
    }
    session.run.chunks.retain(|chunk| !chunk.jobs.is_empty());
    for index in 0..session.run.parts.len() {
        if session.is_out_of_time() {
            break;
        }
        steps.extend(part(session, index).await?);
    }
    let waits = steps.iter().map(|step| match step {
        Step::Done => None,
        Step::Wait(wait) => Some(*wait),
    });
    Ok(waits.collect::<Option<Vec<_>>>().and_then(|waits| waits.into_iter().min()))
}

/// Advances one part of the run; `None` if it has ended.
async fn part(session: &mut Session<'_>, index: usize) -> Result<Option<Step>, Retry> {
    let Some(stage) = session.stage(index) else { return Ok(None) };
    let step = match stage {
        Stage::Waiting => bulk_operation::start(session, index).await?,
        Stage::Running { operation, since } => {
            let (operation, since) = (operation.clone(), *since);
            bulk_operation::follow(session, index, operation, since).await?
        }
        Stage::Surveying { operation, .. } | Stage::Reading { operation, .. } => {
            let operation = operation.clone();
            bulk_file::read(session, index, &operation).await?
        }
        Stage::Done | Stage::Failed { .. } => return Ok(None),
    };
    Ok(Some(step))
}

fn report(run: &Run, outcome: &Outcome) {
    let Run { shop, period, counts, .. } = run;
    let reason = match outcome {
        Outcome::Done => None,
        Outcome::Failed { reason } => Some(reason.as_str()),
    };
    tracing::info!(
        shop = %shop,
        run = RUN,
        period = %period.name,
        queued = counts.queued,
        without_orders = counts.without_orders,
        too_large = counts.too_large,
        unreadable = counts.unreadable,
        refused = counts.refused,
        orphans = counts.orphans,
        failed_jobs = counts.failed_jobs,
        unproven_outputs = counts.unproven,
        missing_outputs = counts.missing,
        reason,
        "run ended"
    );
}
