//! Recording what a print provider's lines say, and reporting it to Shopify.

use crate::{
    Asked, DeliveryStatus,
    error::CheckError,
    facts, log,
    print_files::{FilesResult, LineResult, judge},
};
use comms::{ShopDomain, WriteBackState, chain};
use delivery::PrintStatusLine;
use flow::report;
use ledger::{ChannelOutcome, Entry};
use tokio::time::Instant;

impl DeliveryStatus {
    /// Reads a shop's status files. What goes wrong here is counted and keeps nobody else back.
    pub(crate) async fn printed(&self, shop: &ShopDomain, until: Instant) -> Asked {
        let Some(files) = &self.files else { return Asked::default() };
        let now = (self.tools.clock)();
        let handle = async |line: PrintStatusLine| {
            self.line(shop, &line).await.unwrap_or_else(|error| LineResult::Failed(chain(&error)))
        };
        match files.pass(shop, now, until, handle).await {
            Ok(FilesResult { recorded, problems }) => {
                let outcome = |entry: &Entry| match entry.state {
                    comms::State::Delivered => ChannelOutcome::Delivered,
                    _ => ChannelOutcome::Bounced { reason: entry.reason.clone().unwrap_or_default() },
                };
                Asked { outcomes: recorded.iter().map(|entry| Some(outcome(entry))).collect(), problems }
            }
            Err(error) => {
                tracing::warn!(%shop, reason = chain(&error), "status files not listed");
                Asked { outcomes: Vec::new(), problems: 1 }
            }
        }
    }

    async fn line(&self, shop: &ShopDomain, line: &PrintStatusLine) -> Result<LineResult, CheckError> {
        let now = (self.tools.clock)();
        let entry = self.tools.ledger.get(&line.communication).await?;
        let outcome = match (judge(line, shop, entry.as_ref()), &entry) {
            (Ok(outcome), _) => outcome,
            // recorded by a pass that got no further
            (Err(LineResult::Known), Some(entry)) if entry.write_back == WriteBackState::Pending => {
                self.report_printed(entry).await?;
                return Ok(LineResult::Known);
            }
            (Err(other), _) => return Ok(other),
        };
        let Some(entry) = entry else { return Ok(LineResult::Early) };
        let loaded = self.tools.configs.get(shop, now).await?;
        let owed = report::owed(&loaded.config, &entry.reported_on, false);
        facts::add(&self.tools.archive, &entry, &outcome, line.at, now).await?;
        let recorded = self.tools.ledger.record_report(&entry, &outcome, owed, now).await;
        match recorded? {
            Some(recorded) => {
                log(&recorded);
                self.report_printed(&recorded).await?;
                Ok(LineResult::Recorded(Box::new(recorded)))
            }
            // somebody was faster: the next pass sees with what
            None => Err(CheckError::Moved),
        }
    }

    async fn report_printed(&self, entry: &Entry) -> Result<(), CheckError> {
        let loaded = self.tools.configs.get(&entry.shop, (self.tools.clock)()).await?;
        self.report(entry, &loaded).await
    }
}
