//! `ctl dlq`: what was given up, queue by queue; having it delivered again, or discarding it.
//!
//! Nothing is moved before a person has seen the plan: how many messages there are, and why those that were looked at were
//! given up. A move goes batch by batch (`batches.rs`): each message is first put where it belongs (`back.rs`) and then
//! deleted here, so that a crash or a cancel between the two leaves it in both places, never in none. Twice the same work
//! names the same communication. What is discarded is deleted, and who discarded it, and why, is on record before.

mod back;
mod batches;
mod letter;

use crate::{again::Decision, audit, failure::Failure, out::say, stack::Stack};
use back::Way;
use batches::{Batches, Progress};
use comms::ShopDomain;
use letter::Letter;
use std::{collections::BTreeMap, process::ExitCode, time::Duration};
use work::GivenUp;

#[derive(clap::Subcommand)]
pub enum DlqCommand {
    /// Show how many messages each dead-letter queue has.
    List {
        /// Print one JSON object per line instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Show messages of a dead-letter queue: what they are about and why they were given up, never what they say.
    Show {
        #[command(flatten)]
        of: Of,
        /// So many at most.
        #[arg(long, default_value_t = 20)]
        most: usize,
        /// Print one JSON object per line instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Have messages delivered again: prints the plan, and with `--confirm` carries it out. Can be interrupted at any
    /// time, and continued after a minute: what is left is still there.
    Redrive(Move),
    /// Delete messages for good: prints the plan, and with `--confirm` carries it out. Their work is never done.
    Discard(Move),
}

impl DlqCommand {
    pub fn name(&self) -> &'static str {
        match self {
            Self::List { .. } => "ctl-dlq-list",
            Self::Show { .. } => "ctl-dlq-show",
            Self::Redrive(_) => "ctl-dlq-redrive",
            Self::Discard(_) => "ctl-dlq-discard",
        }
    }
}

/// After so many batches in a row of which nothing could be moved, the cause is not in the messages.
const MOST_FAILED_BATCHES: u32 = 3;

/// Which messages are meant.
#[derive(Debug, Clone, clap::Args)]
pub struct Of {
    /// The queue, such as `order-confirmation`, `write-back` or `intake`.
    pub queue: String,
    /// Only those given up for this cause: `cannot-work` or `waited-too-long`.
    #[arg(long)]
    pub cause: Option<GivenUp>,
    /// Only those of this shop.
    #[arg(long)]
    pub shop: Option<ShopDomain>,
    /// Only those whose reason contains this text.
    #[arg(long)]
    pub reason_contains: Option<String>,
}

impl Of {
    fn takes(&self, letter: &Letter) -> bool {
        let Self { queue: _, cause, shop, reason_contains } = self;
        cause.is_none_or(|cause| letter.cause == Some(cause))
            && shop.as_ref().is_none_or(|shop| letter.shop.as_deref() == Some(shop.as_str()))
            && reason_contains.as_ref().is_none_or(|text| letter.reason.contains(text.as_str()))
    }
}

#[derive(Clone, clap::Args)]
pub struct Move {
    #[command(flatten)]
    of: Of,
    #[command(flatten)]
    decision: Decision,
    /// Carry it out. Without this, only the plan is printed.
    #[arg(long)]
    confirm: bool,
    /// So many per second at most.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rate: u32,
    /// So many at most.
    #[arg(long)]
    most: Option<u64>,
    /// So many are looked at for the plan.
    #[arg(long, default_value_t = 1000)]
    sample: usize,
}

pub async fn run(stack: &Stack, command: DlqCommand) -> Result<ExitCode, Failure> {
    match command {
        DlqCommand::List { json } => list(stack, json).await,
        DlqCommand::Show { of, most, json } => show(stack, &of, most, json).await,
        DlqCommand::Redrive(request) => {
            let way = Way::back(stack, &request.of.queue)?;
            carry_out(stack, request, way, "redrive").await
        }
        DlqCommand::Discard(request) => carry_out(stack, request, Way::Nowhere, "discard").await,
    }
}

/// The number of messages in a queue, hidden ones included.
pub async fn count(stack: &Stack, url: &str) -> Result<u64, Failure> {
    batches::count(&stack.sqs, url).await
}

async fn list(stack: &Stack, json: bool) -> Result<ExitCode, Failure> {
    for (name, url) in stack.dead_letter_queues() {
        let count = batches::count(&stack.sqs, url).await?;
        match json {
            true => crate::out::json(&serde_json::json!({"queue": name, "messages": count}).to_string()),
            false => say!("{count:>8}  {name}"),
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(stack: &Stack, of: &Of, most: usize, json: bool) -> Result<ExitCode, Failure> {
    let mut batches = Batches::of(&stack.sqs, stack.dead_letter_queue(&of.queue)?);
    let shown = show_batches(&mut batches, of, most, json).await;
    batches.show_again().await;
    shown.map(|()| ExitCode::SUCCESS)
}

async fn show_batches(batches: &mut Batches<'_>, of: &Of, most: usize, json: bool) -> Result<(), Failure> {
    let mut shown = 0;
    while shown < most
        && let Some(batch) = batches.next().await?
    {
        for message in batch.iter().filter(|message| of.takes(&message.letter)).take(most - shown) {
            shown += 1;
            match json {
                true => crate::out::json(&serde_json::to_string(&message.letter)?),
                false => say!("{}", message.letter),
            }
        }
    }
    Ok(())
}

/// The plan, then the move.
async fn carry_out(stack: &Stack, request: Move, way: Way, what: &str) -> Result<ExitCode, Failure> {
    let Move { of, decision, confirm, rate, most, sample } = request;
    let decision = decision.checked()?;
    let url = stack.dead_letter_queue(&of.queue)?;
    let count = batches::count(&stack.sqs, url).await?;
    say!("{count} messages in the dead letters of {}", of.queue);
    let mut batches = Batches::of(&stack.sqs, url);
    let planned = plan(&mut batches, &of, sample).await;
    batches.show_again().await;
    planned?;
    if !confirm {
        say!("nothing was done: --confirm carries out the {what}, {rate} messages per second");
        return Ok(ExitCode::SUCCESS);
    }
    let mut entry = audit::Entry::new(what, &decision, format!("dead letters of {}", of.queue));
    entry.put(stack, "begun").await?;
    let pace = Duration::from_secs_f64(10.0 / f64::from(rate));
    let mut progress = Progress::through(count);
    let moved = move_all(&stack.sqs, url, &of, &way, (pace, most.unwrap_or(u64::MAX)), &mut progress).await;
    entry.moved = Some(progress.done);
    let recorded = entry.put(stack, if moved.is_ok() { "ended" } else { "failed" }).await;
    let failed = progress.failed;
    say!(
        "{} messages: {what} done; {failed} failed and stay; {} left alone",
        progress.done,
        progress.skipped
    );
    if let Err(error) = &recorded {
        crate::out::note!("ctl: how it ended is not on record: {}", comms::chain(error.as_ref()));
    }
    // why the move failed is what a person needs first
    moved.and(recorded)?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints how many are meant of those that are looked at, and why they were given up.
async fn plan(batches: &mut Batches<'_>, of: &Of, sample: usize) -> Result<(), Failure> {
    let (mut reasons, mut looked_at) = (BTreeMap::<String, u64>::new(), 0);
    while looked_at < sample
        && let Some(batch) = batches.next().await?
    {
        looked_at += batch.len();
        for message in batch.iter().filter(|message| of.takes(&message.letter)) {
            *reasons.entry(message.letter.why()).or_default() += 1;
        }
    }
    let meant: u64 = reasons.values().sum();
    say!("of {looked_at} that were looked at, {meant} are meant:");
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for (why, count) in reasons.iter().take(20) {
        say!("{count:>8}  {why}");
    }
    Ok(())
}

/// Moves what is meant. Whatever ends it, the rest can be received again at once.
async fn move_all(
    sqs: &aws_sdk_sqs::Client,
    url: &str,
    of: &Of,
    way: &Way,
    bounds: (Duration, u64),
    progress: &mut Progress,
) -> Result<(), Failure> {
    let mut batches = Batches::of(sqs, url);
    let moved = move_batches(&mut batches, of, way, bounds, progress).await;
    batches.show_again().await;
    moved
}

async fn move_batches(
    batches: &mut Batches<'_>,
    of: &Of,
    way: &Way,
    (pace, most): (Duration, u64),
    progress: &mut Progress,
) -> Result<(), Failure> {
    let mut failed_batches = 0;
    while progress.done < most
        && let Some(batch) = batches.next().await?
    {
        let next = tokio::time::Instant::now() + pace;
        let left = usize::try_from(most - progress.done).unwrap_or(usize::MAX);
        let (meant, others): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|message| of.takes(&message.letter));
        progress.skipped += others.len() as u64;
        batches.leave_alone(&others).await;
        let meant = meant.into_iter().take(left).collect::<Vec<_>>();
        let gone = way.take(&meant).await;
        progress.failed += gone.iter().filter(|gone| gone.is_err()).count() as u64;
        for error in gone.iter().filter_map(|gone| gone.as_ref().err()).take(3) {
            crate::out::note!("ctl: {}", comms::chain(error.as_ref()));
        }
        let taken = meant.iter().zip(&gone).filter(|(_, gone)| gone.is_ok()).map(|(message, _)| message);
        progress.done += batches.delete(&taken.collect::<Vec<_>>()).await?;
        progress.tell();
        let all_failed = !gone.is_empty() && gone.iter().all(Result::is_err);
        failed_batches = if all_failed { failed_batches + 1 } else { 0 };
        if failed_batches == MOST_FAILED_BATCHES {
            return Err("batch after batch fails as a whole, so nothing more is tried".into());
        }
        tokio::time::sleep_until(next).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
