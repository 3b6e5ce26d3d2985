//! Who works on a run: one message at a time holds its lease. A message whose ticket is lower than the run's is out of
//! date and does nothing, so a run that was passed on has one message that continues it.

use crate::{
    session::{Next, Session, saved_elsewhere},
    state::{Lease, Outcome, Run},
    tools::Tools,
};
use std::time::Duration;
use tokio::time::Instant;
use work::{Message, Retry, RunItem, Version};

pub enum Claim {
    Claimed(Box<Run>, Version),
    NothingToDo { period: String, reason: &'static str },
}

/// Claims the stored run, or `fresh` if there is none, for the message `holder`.
pub async fn claim(
    tools: &Tools,
    item: &RunItem,
    fresh: Run,
    holder: &str,
    deadline: Instant,
) -> Result<Claim, Retry> {
    let key = Run::key(&item.shop, &fresh.period);
    let nothing = |run: &Run, reason| Claim::NothingToDo { period: run.period.name.clone(), reason };
    let found = tools.checkpoints.load::<Run>(&key).await?;
    let (mut run, version) = found.map_or((fresh, None), |(run, version)| (run, Some(version)));
    match item.ticket {
        Some(ticket) if ticket < run.ticket => return Ok(nothing(&run, "overtaken")),
        Some(ticket) => run.ticket = ticket,
        None => run.retry(),
    }
    if run.outcome.is_some() {
        return Ok(nothing(&run, "finished before"));
    }
    let now = (tools.clock)();
    if let Some(lease) = run.lease.as_ref().filter(|lease| lease.holder != holder) {
        let left = u64::try_from(lease.until_epoch_ms - now.as_millisecond()).unwrap_or(0);
        if left > 0 {
            let after = Some(Duration::from_millis(left) + Duration::from_secs(1));
            return Err(Retry { after, ..Retry::waiting("another worker has the run") });
        }
    }
    let left = deadline.saturating_duration_since(Instant::now());
    let until_epoch_ms = now.as_millisecond() + i64::try_from(left.as_millis()).unwrap_or(i64::MAX / 2);
    run.lease = Some(Lease { holder: holder.to_owned(), until_epoch_ms });
    let saved = tools.checkpoints.save(&key, &run, version.as_ref()).await;
    let version = saved.map_err(|error| saved_elsewhere(&error))?;
    Ok(Claim::Claimed(Box::new(run), version))
}

/// Releases the run until the next message, which is sent first: a message too many does nothing, one too
/// few would end the run. Answers what became of this message.
pub async fn release(
    session: &mut Session<'_>,
    item: &RunItem,
    advanced: &Result<Next, Retry>,
) -> Result<&'static str, Retry> {
    session.run.lease = None;
    let result = match advanced {
        Ok(Next::Later(delay)) => {
            session.run.ticket += 1;
            let next = RunItem {
                period: Some(session.run.period.name.clone()),
                ticket: Some(session.run.ticket),
                ..item.clone()
            };
            let message = Message::of(&next)?;
            let delay = (*delay).max(Duration::from_secs(1));
            session.tools.inbox.queue.send_later(&message, delay).await?;
            "continues later"
        }
        Ok(Next::Ended(Outcome::Done)) => "done",
        Ok(Next::Ended(Outcome::Failed { .. })) => "failed",
        // the message is redelivered and finds what was done
        Err(retry) => {
            if let Err(error) = session.save().await {
                tracing::warn!(shop = %item.shop, reason = %error.reason, after = %retry.reason, "a run's state is not written");
            }
            return Ok("comes back");
        }
    };
    session.save().await?;
    Ok(result)
}
