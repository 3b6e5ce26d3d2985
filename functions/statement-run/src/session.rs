//! One invocation's hold of a run: what every step needs, and nothing of what the steps do.

use crate::{
    items::{Item, ItemWriter},
    state::{Outcome, Part, RUN, Run, Stage},
    tools::Tools,
};
use comms::Document;
use jiff::Timestamp;
use service::ShopSecrets;
use shop_config::{ShopConfig, Statements};
use shopify::Call;
use std::time::Duration;
use tokio::time::Instant;
use work::{CheckpointError, Retry, Version};

pub struct Session<'a> {
    pub tools: &'a Tools,
    pub config: &'a ShopConfig,
    pub settings: &'a Statements,
    pub secrets: &'a ShopSecrets,
    /// When this invocation has to end.
    pub until: Instant,
    pub run: Box<Run>,
    pub version: Version,
}

/// What follows an invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    Later(Duration),
    Ended(Outcome),
}

/// What follows a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Something was done: look again.
    Done,
    /// Nothing can be done for so long.
    Wait(Duration),
}

impl Step {
    /// Waits as long as Shopify asks for.
    pub fn throttled(wait: Option<Duration>) -> Self {
        Self::Wait(wait.unwrap_or(Duration::from_secs(10)))
    }
}

impl Session<'_> {
    pub fn stage(&self, index: usize) -> Option<&Stage> {
        self.run.parts.get(index).map(|Part { stage, .. }| stage)
    }

    pub fn set_stage(&mut self, index: usize, stage: Stage) {
        if let Some(part) = self.run.parts.get_mut(index) {
            part.stage = stage;
        }
    }

    pub fn fail_part(&mut self, index: usize, reason: String) {
        self.set_stage(index, Stage::Failed { reason });
    }

    /// The documents of the flow that the shop sends.
    pub fn documents(&self) -> Vec<Document> {
        let all = [Document::AccountStatement, Document::PurchaseSummary];
        all.into_iter().filter(|document| self.config.document(*document).is_some()).collect()
    }

    pub fn item_writer(&self) -> ItemWriter<'_> {
        ItemWriter {
            shop: &self.run.shop,
            period: &self.run.period,
            issued_on: self.run.issued_on,
            begun_at: self.run.begun_at,
        }
    }

    /// Sends items to the flow, and notes the accounts whose item its queue would never take.
    pub async fn send(&mut self, items: Vec<Item>) -> Result<(), Retry> {
        let count = items.len();
        let refused = self.item_writer().send(self.tools, items).await?;
        self.run.counts.refused += refused.len() as u64;
        self.run.counts.queued += count.saturating_sub(refused.len()) as u64;
        for (account, error) in refused {
            self.note_account(account.as_str(), &comms::chain(&error));
        }
        Ok(())
    }

    /// Notes why an account gets no statement. `what` quotes nothing of the account's.
    pub fn note_account(&mut self, account: &str, what: &str) {
        tracing::warn!(shop = %self.run.shop, run = RUN, what, "an account gets no statement");
        self.run.note(account, what);
    }

    pub fn is_out_of_time(&self) -> bool {
        Instant::now() >= self.until
    }

    /// How to ask the run's shop for data.
    pub fn call(&self) -> Call<'_> {
        Call {
            shop: &self.run.shop,
            settings: &self.config.shopify,
            credentials: &self.secrets.shopify,
            now: (self.tools.clock)(),
            deadline: self.until,
        }
    }

    /// How long to wait before asking again about work that began at `since`: longer, the longer it takes.
    pub fn pause(&self, since: Timestamp) -> Duration {
        let now = (self.tools.clock)();
        let age = Duration::try_from(now - since.min(now)).unwrap_or_default();
        (age / 4).clamp(Duration::from_millis(500), Duration::from_secs(60))
    }

    /// Writes the state, over the version that was read.
    pub async fn save(&mut self) -> Result<(), Retry> {
        let key = Run::key(&self.run.shop, &self.run.period);
        let saved = self.tools.checkpoints.save(&key, &*self.run, Some(&self.version)).await;
        self.version = saved.map_err(|error| saved_elsewhere(&error))?;
        Ok(())
    }
}

/// Another worker wrote first. It may also have been this one, by a request that was repeated: only the redelivered
/// message can tell.
pub fn saved_elsewhere(error: &CheckpointError) -> Retry {
    Retry { after: Some(Duration::from_secs(5)), ..Retry::of(error) }
}
