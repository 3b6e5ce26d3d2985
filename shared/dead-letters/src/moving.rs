//! Taking messages where they belong, batch by batch, within bounds.

use crate::{Batches, Choice, DeadLetterError, Message, NotTaken, Way};
use std::time::Duration;
use tokio::time::Instant;

/// After so many batches in a row of which nothing could be moved, the cause is not in the messages.
const MOST_FAILED_BATCHES: u32 = 3;

/// How much is moved, and how fast.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// A batch is at most ten messages, and no faster than this.
    pub pace: Duration,
    pub most: u64,
    /// No batch begins later.
    pub until: Option<Instant>,
}

#[derive(Debug, Default, Clone, Copy)]
pub struct Progress {
    pub done: u64,
    pub failed: u64,
    pub skipped: u64,
}

/// Moves what is meant. Whatever ends it, the rest can be received again at once. `tell` is called after each batch with what
/// was done so far, and why messages of the batch stay.
///
/// # Errors
/// When SQS does not answer, or nothing of several batches could be moved. `progress` says what was done.
pub async fn move_all(
    mut batches: Batches<'_>,
    choice: &Choice,
    way: &Way,
    bounds: Bounds,
    progress: &mut Progress,
    tell: impl FnMut(&Progress, &[NotTaken]),
) -> Result<(), DeadLetterError> {
    let moved = move_batches(&mut batches, choice, way, bounds, progress, tell).await;
    batches.show_again().await;
    moved
}

async fn move_batches(
    batches: &mut Batches<'_>,
    choice: &Choice,
    way: &Way,
    bounds: Bounds,
    progress: &mut Progress,
    mut tell: impl FnMut(&Progress, &[NotTaken]),
) -> Result<(), DeadLetterError> {
    let mut failed_batches = 0;
    let is_time = || bounds.until.is_none_or(|until| Instant::now() < until);
    while progress.done < bounds.most
        && is_time()
        && let Some(batch) = batches.next().await?
    {
        let next = Instant::now() + bounds.pace;
        let left = usize::try_from(bounds.most - progress.done).unwrap_or(usize::MAX);
        let (meant, others): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|message| choice.takes(&message.letter));
        progress.skipped += others.len() as u64;
        batches.leave_alone(&others).await;
        let meant: Vec<Message> = meant.into_iter().take(left).collect();
        let results = way.take(&meant).await;
        let taken =
            meant.iter().zip(&results).filter(|(_, result)| result.is_ok()).map(|(message, _)| message);
        let taken: Vec<_> = taken.collect();
        progress.done += batches.delete(&taken).await?;
        let failures: Vec<_> = results.into_iter().filter_map(Result::err).collect();
        progress.failed += failures.len() as u64;
        tell(progress, &failures);
        let all_failed = !meant.is_empty() && failures.len() == meant.len();
        failed_batches = if all_failed { failed_batches + 1 } else { 0 };
        if failed_batches == MOST_FAILED_BATCHES {
            return Err(DeadLetterError::NothingMoves);
        }
        if is_time() && progress.done < bounds.most {
            tokio::time::sleep_until(next).await;
        }
    }
    Ok(())
}
