//! `ctl run`: begins a statement run or a campaign by hand, and follows it: until it has queued everything, or to its last
//! document (`run/follow.rs`).
//!
//! The run does not depend on who follows it. Whoever stops, is stopped or loses the connection follows on with the same
//! command: a run of a period that is under way or done is not begun again.

mod count;
mod follow;
mod look;
mod row;
#[cfg(test)]
mod tests;

use crate::{
    failure::Failure,
    out::{note, say},
    stack::Stack,
};
use account_statements::period_of;
use comms::{Document, Flow, Revision, ShopDomain};
use follow::{Following, Pace, Until};
use jiff::{Timestamp, civil::Date};
use row::Teller;
use shop_config::ShopConfig;
use std::{process::ExitCode, time::Duration};
use work::{Message, RunItem};

/// The run of account statements; every other run is a campaign.
const STATEMENTS: &str = "account-statements";

/// Seconds for a run to queue everything, and to make its last document.
const TO_QUEUE: u64 = 600;
const TO_MAKE: u64 = 24 * 3600;

/// Which run is begun, and how far it is followed.
#[derive(clap::Args)]
pub struct Order {
    /// The shop.
    shop: ShopDomain,
    /// `account-statements`, or the name of a campaign.
    name: String,
    /// The month, such as `2026-10`; for a campaign the day. Without it the last whole month, or today.
    #[arg(long)]
    period: Option<String>,
    /// Follow it to its last document, with counts, rate and remaining time. Without this, until it has queued everything.
    #[arg(long, conflicts_with = "no_wait")]
    follow: bool,
    /// Seconds to follow it; if nothing is said 600, or a day with `--follow`.
    #[arg(long)]
    timeout: Option<u64>,
    /// Do not wait.
    #[arg(long)]
    no_wait: bool,
    /// Print one JSON object per line instead of text.
    #[arg(long)]
    json: bool,
}

/// A run of a period, and what it makes.
pub struct Run {
    shop: ShopDomain,
    name: String,
    period: String,
    /// Which documents it leads to.
    documents: Vec<Document>,
    /// Which issue of them.
    revision: Revision,
    /// Its documents lie apart, where nobody lists them.
    is_rehearsed: bool,
}

pub async fn run(stack: &Stack, order: Order) -> Result<ExitCode, Failure> {
    let begun = Timestamp::now();
    let loaded = stack.configs().get(&order.shop, begun).await?;
    let run = Run::of(&loaded.config, order.name, order.period.as_deref(), begun)?;
    let mut teller = Teller::new(order.json);
    if order.no_wait {
        run.queue_up(stack, begun).await?;
        if order.json {
            teller.tell(&run.row(row::Stage::Queued), true);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let until = if order.follow { Until::Made } else { Until::Queued };
    let default = if order.follow { TO_MAKE } else { TO_QUEUE };
    let wait = Duration::from_secs(order.timeout.unwrap_or(default));
    // what is there before, so that the failure of an earlier attempt is not taken for this one's
    let following = Following::from(stack, &run, until, wait, Pace::default()).await?;
    run.queue_up(stack, begun).await?;
    let stop = async {
        // where signals cannot be heard, the program ends as any other does
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let end = following.follow(stop, |row, is_last| teller.tell(row, is_last)).await;
    if !order.json {
        say!("{end}");
    }
    Ok(end.exit_code())
}

impl Run {
    /// The run of a shop that is called `name`. Refuses a period that no run could be of before it is queued, because a
    /// message that is never right ends as a dead letter, and a campaign of a day to come would keep that day's own from
    /// being sent.
    fn of(config: &ShopConfig, name: String, period: Option<&str>, now: Timestamp) -> Result<Self, Failure> {
        let (shop, zone) = (config.shop.clone(), &config.time_zone);
        let (documents, period, revision) = if name == STATEMENTS && config.statements.is_some() {
            let (period, _) = period_of(period, now, zone)?;
            let is_made =
                |it: &Document| it.flow() == Flow::AccountStatements && config.document(*it).is_some();
            let documents = Document::ALL.iter().copied().filter(is_made).collect();
            (documents, period.name.clone(), Revision::of_period(&period.name))
        } else if let Some(campaign) = config.marketing.campaigns.get(&name) {
            let today = now.to_zoned(zone.clone()).date();
            let day = day_of(period, today)?.to_string();
            let revision = Revision::named(format!("{name}-{day}"));
            (vec![campaign.document], day, revision)
        } else {
            let campaigns: Vec<_> = config.marketing.campaigns.keys().map(String::as_str).collect();
            let what = format!("{shop} has no such run; its campaigns: {}", campaigns.join(", "));
            return Err(what.into());
        };
        let is_rehearsed = documents.iter().any(|document| config.is_dry_run(*document));
        Ok(Self { shop, name, period, documents, revision, is_rehearsed })
    }

    /// Sends the message that begins it.
    async fn queue_up(&self, stack: &Stack, now: Timestamp) -> Result<(), Failure> {
        let item = RunItem {
            v: RunItem::VERSION,
            shop: self.shop.clone(),
            run: self.name.clone(),
            period: Some(self.period.clone()),
            scheduled_at: Some(now),
            ticket: None,
        };
        stack.queue(self.queue())?.send(&Message::of(&item)?).await?;
        note!("the run {} of {} for {} is queued", self.name, self.shop, self.period);
        Ok(())
    }

    /// The queue of its own messages.
    fn queue(&self) -> &'static str {
        if self.name == STATEMENTS { "statement-run" } else { "offer-run" }
    }

    /// The flow that makes its documents.
    fn flow(&self) -> Flow {
        if self.name == STATEMENTS { Flow::AccountStatements } else { Flow::TargetedOffers }
    }

    /// The key of its state.
    fn key(&self) -> String {
        format!("runs/{}/{}/{}.json", self.shop, self.name, self.period)
    }
}

fn day_of(period: Option<&str>, today: Date) -> Result<Date, Failure> {
    let Some(text) = period else { return Ok(today) };
    let day: Date =
        text.parse().map_err(|_| format!("the period {text} is not a day, such as 2026-10-31"))?;
    if day > today {
        return Err(format!("the day {day} has not come in the shop's time zone").into());
    }
    Ok(day)
}
