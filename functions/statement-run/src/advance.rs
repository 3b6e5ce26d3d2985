//! What a run does next.

use crate::{
    Outcome, Run, Tools,
    items::Item,
    later, read,
    state::{Part, Source, Stage},
};
use comms::{Class, Classify, chain};
use jiff::{SignedDuration, Timestamp};
use service::ShopSecrets;
use shop_config::{ShopConfig, Statements};
use shopify::{
    AdminError, Call, account,
    bulk::{BulkFile, BulkStart, BulkState},
};
use std::time::Duration;
use tokio::time::Instant;
use work::{Retry, Version};

/// Bulk operations for one part of a run.
const ATTEMPTS: u32 = 3;

/// A run that began longer ago and has not ended is one that nobody works on.
const LONGEST_RUN: SignedDuration = SignedDuration::from_hours(24);

const MISSING_SCOPE: &str = "the app lacks the scope read_all_orders: orders older than 60 days would be missing and balances wrong; have Shopify grant it, then run again";

/// One invocation's hold of a run.
pub struct Session<'a> {
    pub tools: &'a Tools,
    pub config: &'a ShopConfig,
    pub settings: &'a Statements,
    pub secrets: &'a ShopSecrets,
    /// When this invocation has to come to its end.
    pub until: Instant,
    pub run: Box<Run>,
    pub version: Version,
}

/// What follows an invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    Later(Duration),
    Over(Outcome),
}

/// What follows a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Something was done: look again.
    Done,
    /// Nothing can be done for so long.
    Wait(Duration),
}

impl Session<'_> {
    /// Does what can be done now.
    pub async fn advance(&mut self) -> Result<Next, Retry> {
        loop {
            if let Some(outcome) = self.run.end() {
                self.run.outcome = Some(outcome.clone());
                self.report(&outcome);
                return Ok(Next::Over(outcome));
            }
            if self.is_over() {
                return Ok(Next::Later(Duration::ZERO));
            }
            let Some(wait) = self.round().await? else { continue };
            if wait > self.tools.pace.patience || Instant::now() + wait >= self.until {
                return Ok(Next::Later(wait));
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Tries everything once. Answers how long to wait, if nothing was done.
    async fn round(&mut self) -> Result<Option<Duration>, Retry> {
        let mut steps = Vec::new();
        for index in 0..self.run.chunks.len() {
            steps.push(self.chunk(index).await?);
        }
        self.run.chunks.retain(|chunk| !chunk.jobs.is_empty());
        for index in 0..self.run.parts.len() {
            if self.is_over() {
                break;
            }
            steps.extend(self.part(index).await?);
        }
        let waits = steps.iter().map(|step| match step {
            Step::Done => None,
            Step::Wait(wait) => Some(*wait),
        });
        Ok(waits.collect::<Option<Vec<_>>>().and_then(|waits| waits.into_iter().min()))
    }

    async fn part(&mut self, index: usize) -> Result<Option<Step>, Retry> {
        let Some(part) = self.run.parts.get(index) else { return Ok(None) };
        let step = match &part.stage {
            Stage::Waiting => self.start(index).await?,
            Stage::Running { operation, since } => {
                let (operation, since) = (operation.clone(), *since);
                self.follow(index, operation, since).await?
            }
            Stage::Surveying { .. } | Stage::Reading { .. } => self.read(index).await?,
            Stage::Done | Stage::Failed { .. } => return Ok(None),
        };
        Ok(Some(step))
    }

    async fn start(&mut self, index: usize) -> Result<Step, Retry> {
        if self.earlier_run_goes_on().await? {
            return Ok(Step::Wait(Duration::from_secs(30)));
        }
        let Some(part) = self.run.parts.get(index) else { return Ok(Step::Done) };
        let query = match &part.source {
            Source::CompanyLocations => account::locations_query().to_owned(),
            Source::Customers { tag } => account::customers_query(tag),
        };
        let started = match self.tools.shopify.sees_all_orders(self.call()).await {
            Ok(true) => self.tools.shopify.start_bulk(self.call(), &query).await,
            Ok(false) => {
                self.fail(index, MISSING_SCOPE.to_owned());
                return Ok(Step::Done);
            }
            Err(error) => Err(error),
        };
        match started {
            Ok(BulkStart::Started(operation)) => {
                let since = (self.tools.clock)();
                if let Some(part) = self.run.parts.get_mut(index) {
                    part.attempts += 1;
                    part.stage = Stage::Running { operation, since };
                }
                self.save().await?;
                Ok(Step::Done)
            }
            // other runs of this shop, or other apps' of its owner, are at work
            Ok(BulkStart::Busy) => Ok(Step::Wait(Duration::from_secs(30))),
            Err(AdminError::Throttled { retry_after }) => Ok(throttled(retry_after)),
            Err(error) if error.class() == Class::Permanent => {
                self.fail(index, chain(&error));
                Ok(Step::Done)
            }
            Err(error) => Err(Retry::of(&error)),
        }
    }

    /// Whether the run of the month before is still at work: its statements are what these begin with.
    async fn earlier_run_goes_on(&self) -> Result<bool, Retry> {
        let Some(before) = self.run.period.before() else { return Ok(false) };
        let key = Run::key(&self.run.shop, &before);
        let found = self.tools.checkpoints.load::<Run>(&key).await.map_err(|error| Retry::of(&error))?;
        let recent = (self.tools.clock)() - LONGEST_RUN;
        Ok(found.is_some_and(|(run, _)| run.outcome.is_none() && run.begun_at > recent))
    }

    async fn follow(&mut self, index: usize, operation: comms::Gid, since: Timestamp) -> Result<Step, Retry> {
        match self.tools.shopify.bulk_state(self.call(), &operation).await {
            Ok(BulkState::Running) => Ok(Step::Wait(self.pause(since))),
            Ok(BulkState::Completed { url: None, .. }) => {
                self.set(index, Stage::Done);
                Ok(Step::Done)
            }
            Ok(BulkState::Completed { url: Some(_), .. }) => {
                let survey = Box::new(bulk_reader::Survey::new(self.tools.pace.limits));
                self.set(index, Stage::Surveying { operation, file: BulkFile::default(), survey });
                Ok(Step::Done)
            }
            Ok(BulkState::Ended { reason }) => {
                self.restart(index, &format!("the bulk operation ended: {reason}"));
                Ok(Step::Done)
            }
            Err(AdminError::Throttled { retry_after }) => Ok(throttled(retry_after)),
            Err(error) => Err(Retry::of(&error)),
        }
    }

    async fn read(&mut self, index: usize) -> Result<Step, Retry> {
        match read::part(self, index).await {
            Ok(step) => Ok(step),
            Err(read::Failure::Retry(retry)) => Err(retry),
            Err(read::Failure::Throttled(wait)) => Ok(throttled(wait)),
            Err(read::Failure::Restart(reason)) => {
                self.restart(index, &reason);
                Ok(Step::Done)
            }
        }
    }

    /// Has the part's bulk operation run again, unless it was often enough.
    fn restart(&mut self, index: usize, reason: &str) {
        tracing::warn!(shop = %self.run.shop, run = crate::RUN, period = %self.run.period.name, reason, "a bulk operation is of no use");
        match self.run.parts.get_mut(index) {
            Some(part) if part.attempts < ATTEMPTS => part.stage = Stage::Waiting,
            _ => self.fail(index, reason.to_owned()),
        }
    }

    fn fail(&mut self, index: usize, reason: String) {
        self.set(index, Stage::Failed { reason });
    }

    pub fn set(&mut self, index: usize, stage: Stage) {
        if let Some(part) = self.run.parts.get_mut(index) {
            part.stage = stage;
        }
    }

    pub fn stage(&self, index: usize) -> Option<&Stage> {
        self.run.parts.get(index).map(|Part { stage, .. }| stage)
    }

    /// Sends items to the flow, and notes the accounts whose item its queue would never take.
    pub async fn send(&mut self, items: Vec<Item>) -> Result<u64, Retry> {
        let count = items.len();
        let refused = self.maker().send(self.tools, items).await?;
        let sent = count.saturating_sub(refused.len()) as u64;
        self.run.counts.refused += refused.len() as u64;
        self.run.counts.queued += sent;
        for (account, what) in refused {
            self.note(account.as_str(), &what);
        }
        Ok(sent)
    }

    /// `what` names no value of the account's.
    pub fn note(&mut self, account: &str, what: &str) {
        tracing::warn!(shop = %self.run.shop, run = crate::RUN, what, "an account gets no statement");
        self.run.note(account, what);
    }

    pub fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    pub fn call(&self) -> Call<'_> {
        Call {
            shop: &self.run.shop,
            settings: &self.config.shopify,
            credentials: &self.secrets.shopify,
            now: (self.tools.clock)(),
            deadline: self.until,
        }
    }

    /// How long to leave something alone that has been at work since then: longer, the longer it takes.
    pub fn pause(&self, since: Timestamp) -> Duration {
        let age =
            Duration::try_from((self.tools.clock)() - since.min((self.tools.clock)())).unwrap_or_default();
        (age / 4).clamp(Duration::from_millis(500), Duration::from_secs(60))
    }

    /// Writes the state, over the version that was read.
    pub async fn save(&mut self) -> Result<(), Retry> {
        let key = Run::key(&self.run.shop, &self.run.period);
        let saved = self.tools.checkpoints.save(&key, &*self.run, Some(&self.version)).await;
        self.version = saved.map_err(|error| later(&error))?;
        Ok(())
    }

    fn report(&self, outcome: &Outcome) {
        let Run { shop, period, counts, .. } = &*self.run;
        let reason = match outcome {
            Outcome::Done => None,
            Outcome::Failed { reason } => Some(reason.as_str()),
        };
        tracing::info!(
            shop = %shop,
            run = crate::RUN,
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
            "run over"
        );
    }
}

fn throttled(wait: Option<Duration>) -> Step {
    Step::Wait(wait.unwrap_or(Duration::from_secs(10)))
}
