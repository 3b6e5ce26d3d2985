//! `ctl dlq`: what was given up, queue by queue; having it delivered again, or discarding it.
//!
//! Nothing is moved before a person has seen the plan: how many messages there are, and why those that were looked at were
//! given up. What is discarded is deleted, and who discarded it, and why, is on record before. How a move goes, and what a
//! crash leaves, is in the library `dead-letters`.

use crate::{again::Decision, failure::Failure, out::say, stack::Stack};
use comms::ShopDomain;
use dead_letters::{
    Batches, Bounds, Choice, Letter, NoWayBack, Patience, Plan, Progress, Way, look, move_all,
};
use decisions::{AuditEntry, Stage};
use std::{process::ExitCode, time::Duration};
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
    fn choice(&self) -> Choice {
        let Self { queue: _, cause, shop, reason_contains } = self.clone();
        Choice { cause, shop, reason_contains, ..Choice::default() }
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
            let way = way_back(stack, &request.of.queue)?;
            carry_out(stack, request, way, "redrive").await
        }
        DlqCommand::Discard(request) => carry_out(stack, request, Way::Nowhere, "discard").await,
    }
}

/// The number of messages in a queue, hidden ones included.
pub async fn count(stack: &Stack, url: &str) -> Result<u64, Failure> {
    Ok(dead_letters::count(&stack.sqs, url).await?)
}

/// The way back of a queue's dead letters.
fn way_back(stack: &Stack, queue: &str) -> Result<Way, Failure> {
    if let Some(none) = NoWayBack::of(queue) {
        return Err(none.into());
    }
    if Way::is_to_intake(queue) {
        let function = stack.outputs.function_intake.clone();
        return Ok(Way::Intake { lambda: stack.lambda.clone(), function });
    }
    let url = stack.queue_url(queue)?.to_owned();
    Ok(Way::Queue { sqs: stack.sqs.clone(), url })
}

async fn list(stack: &Stack, json: bool) -> Result<ExitCode, Failure> {
    for (name, url) in stack.dead_letter_queues() {
        let count = count(stack, url).await?;
        match json {
            true => crate::out::json(&serde_json::json!({"queue": name, "messages": count}).to_string()),
            false => say!("{count:>8}  {name}"),
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(stack: &Stack, of: &Of, most: usize, json: bool) -> Result<ExitCode, Failure> {
    let url = stack.dead_letter_queue(&of.queue)?;
    let (mut batches, choice) = (Batches::of(&stack.sqs, url, Patience::THOROUGH), of.choice());
    let shown = show_batches(&mut batches, &choice, most, json).await;
    batches.show_again().await;
    shown.map(|()| ExitCode::SUCCESS)
}

async fn show_batches(
    batches: &mut Batches<'_>,
    choice: &Choice,
    most: usize,
    json: bool,
) -> Result<(), Failure> {
    let mut shown = 0;
    while shown < most
        && let Some(batch) = batches.next().await?
    {
        for message in batch.iter().filter(|message| choice.takes(&message.letter)).take(most - shown) {
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
    let count = count(stack, url).await?;
    say!("{count} messages in the dead letters of {}", of.queue);
    let choice = of.choice();
    let thorough = || Batches::of(&stack.sqs, url, Patience::THOROUGH);
    let plan: Plan = look(thorough(), &choice, sample).await?;
    say!("of {} that were looked at, {} are meant:", plan.looked_at, plan.meant.len());
    for (why, count) in plan.counts(Letter::why).iter().take(20) {
        say!("{count:>8}  {why}");
    }
    if !confirm {
        say!("nothing was done: --confirm carries out the {what}, {rate} messages per second");
        return Ok(ExitCode::SUCCESS);
    }
    let (s3, bucket) = (&stack.s3, &stack.outputs.operations_bucket);
    let mut entry = AuditEntry::new(what, &decision, format!("dead letters of {}", of.queue));
    entry.put(s3, bucket, Stage::Begun).await?;
    let pace = Duration::from_secs_f64(10.0 / f64::from(rate));
    let bounds = Bounds { pace, most: most.unwrap_or(u64::MAX), until: None };
    let (mut progress, mut shown) = (Progress::default(), Shown::through(count));
    let moved = move_all(thorough(), &choice, &way, bounds, &mut progress, |progress, failures| {
        for error in failures.iter().take(3) {
            crate::out::note!("ctl: {}", comms::chain(error));
        }
        shown.tell(progress);
    })
    .await;
    entry.moved = Some(progress.done);
    let recorded = entry.put(s3, bucket, if moved.is_ok() { Stage::Ended } else { Stage::Failed }).await;
    let failed = progress.failed;
    say!(
        "{} messages: {what} done; {failed} failed and stay; {} left alone",
        progress.done,
        progress.skipped
    );
    if let Err(error) = &recorded {
        crate::out::note!("ctl: how it ended is not on record: {}", comms::chain(error));
    }
    // why the move failed is what a person needs first
    moved?;
    recorded?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How far a move is: a line for every thousand messages.
struct Shown {
    about: u64,
    told: u64,
}

impl Shown {
    const fn through(about: u64) -> Self {
        Self { about, told: 0 }
    }

    fn tell(&mut self, Progress { done, failed, skipped }: &Progress) {
        let seen = done + failed + skipped;
        if seen >= self.told + 1000 {
            self.told = seen;
            say!("{seen} of about {}: {done} done, {failed} failed", self.about);
        }
    }
}

#[cfg(test)]
mod tests;
