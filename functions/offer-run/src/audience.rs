//! Queues the items of an audience, page by page: read a page, queue its items, save the position.

use crate::{
    firing::{Firing, work_item},
    previous_firing::previous_firing,
    tools::Tools,
};
use comms::Document;
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use shop_config::{Campaign, ShopConfig};
use shopify::{
    AdminError, Call, Credentials,
    marketing::{AudiencePage, Source},
};
use std::time::Duration;
use tokio::time::Instant;
use work::{Message, Retry, RunItem, Version};

/// No page is begun with less time than this.
const A_PAGE: Duration = Duration::from_secs(20);
/// Kept back from Shopify's time, to queue a page and save the position.
const QUEUEING: Duration = Duration::from_secs(8);
/// How long to wait for Shopify where it does not say.
const PAUSE: Duration = Duration::from_secs(2);

/// The checkpoint of a firing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub v: u32,
    /// When the firing was scheduled. Every item of it says the same.
    pub at: Timestamp,
    /// The date of the previous firing, for reminders. Every item of this one says the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Date>,
    /// Where the next page begins.
    pub after: Option<String>,
    /// Members whose items were queued.
    pub members: u64,
    /// Shopify's look-up of the audience, where it could not answer at once.
    pub prepared: Option<String>,
    pub stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Members are being queued.
    Members,
    Done,
}

/// What became of a message.
pub enum Outcome {
    /// The campaign, or its document, is not in the configuration.
    SwitchedOff,
    Done(Counts),
    /// The function sent itself a message that continues.
    HandedOn(Counts),
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Items queued by this message.
    pub queued: u64,
    /// Items queued by all messages of the firing so far.
    pub members: u64,
    /// Members that this message could not read; the log names them.
    pub unread: u64,
}

impl Outcome {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SwitchedOff => "switched-off",
            Self::Done(_) => "done",
            Self::HandedOn(_) => "goes-on",
        }
    }

    pub fn counts(&self) -> Counts {
        match self {
            Self::SwitchedOff => Counts::default(),
            Self::Done(counts) | Self::HandedOn(counts) => *counts,
        }
    }
}

/// The audience of a firing, and one message's time to queue it.
pub struct Audience<'a> {
    pub tools: &'a Tools,
    pub config: &'a ShopConfig,
    pub credentials: &'a Credentials,
    pub item: &'a RunItem,
    pub campaign: &'a Campaign,
    pub firing: &'a Firing,
    pub deadline: Instant,
}

/// What follows from asking for a page.
enum PageResult {
    Page(AudiencePage),
    /// Not now; the position is as it was.
    Pause(Duration),
    /// The way the audience is read has changed: save it, and ask again.
    Changed,
}

impl Audience<'_> {
    /// Queues the items of all members that are left, or as many as there is time for.
    pub async fn queue_all(&self) -> Result<Outcome, Retry> {
        let key = self.firing.key(&self.item.shop, &self.item.run);
        let found = self.tools.checkpoints.load(&key).await?;
        let (mut progress, mut version) = match found {
            Some((progress, version)) => (progress, Some(version)),
            None => (self.start().await?, None),
        };
        let (mut queued, mut unread) = (0, 0);
        while progress.stage != Stage::Done {
            if self.left() < A_PAGE {
                return self.hand_on(queued, unread, &progress).await;
            }
            let page = match self.page(&mut progress).await? {
                PageResult::Page(page) => page,
                PageResult::Changed => {
                    version = Some(self.save(&key, &progress, version.as_ref()).await?);
                    continue;
                }
                PageResult::Pause(pause) if self.left() > pause + A_PAGE => {
                    tokio::time::sleep(pause).await;
                    continue;
                }
                PageResult::Pause(_) if queued > 0 => return self.hand_on(queued, unread, &progress).await,
                PageResult::Pause(pause) => {
                    return Err(Retry { at_least: Some(pause), ..Retry::waiting("Shopify asks to wait") });
                }
            };
            let count = self.queue(&progress, &page).await?;
            unread += self.log_unread(&page);
            queued += count;
            progress.members += count;
            if page.next.is_none() {
                progress.stage = Stage::Done;
            }
            progress.after = page.next;
            version = Some(self.save(&key, &progress, version.as_ref()).await?);
        }
        Ok(Outcome::Done(Counts { queued, members: progress.members, unread }))
    }

    fn log_unread(&self, page: &AudiencePage) -> u64 {
        for member in &page.unread {
            tracing::warn!(shop = %self.item.shop, run = self.item.run, problem = %member, "a member cannot be read");
        }
        page.unread.len() as u64
    }

    async fn start(&self) -> Result<Progress, Retry> {
        let since = match self.campaign.document {
            Document::LoyaltyStatement => self.needs_all_orders().await.map(|()| None)?,
            Document::ReplenishmentReminder => {
                if !self.sees_all_orders().await? {
                    let (shop, run) = (&self.item.shop, &self.item.run);
                    tracing::warn!(%shop, run, "the app lacks the scope read_all_orders: purchases of more than 60 days ago get no reminder");
                }
                previous_firing(self.tools, self.item, self.firing.period).await?
            }
            _ => None,
        };
        let at = self.firing.at;
        Ok(Progress { v: 1, at, since, after: None, members: 0, prepared: None, stage: Stage::Members })
    }

    /// Points that are counted from orders need all of them: without the scope, the firing fails before it queues anything.
    async fn needs_all_orders(&self) -> Result<(), Retry> {
        let kept = self.config.marketing.loyalty.as_ref().and_then(|loyalty| loyalty.balance());
        if kept.is_some() {
            return Ok(());
        }
        if self.sees_all_orders().await? {
            return Ok(());
        }
        Err(Retry::new(
            "the app lacks the scope read_all_orders: points cannot be counted without orders older than 60 days. Grant it, or let an app keep the balance (marketing.loyalty.balance_metafield)",
        ))
    }

    async fn sees_all_orders(&self) -> Result<bool, Retry> {
        self.tools.shopify.sees_all_orders(self.call()).await.map_err(|error| Retry::of(&error))
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    fn call(&self) -> Call<'_> {
        Call {
            shop: &self.item.shop,
            settings: &self.config.shopify,
            credentials: self.credentials,
            now: (self.tools.clock)(),
            deadline: self.deadline.checked_sub(QUEUEING).unwrap_or(self.deadline),
        }
    }

    fn source(&self) -> Source<'_> {
        match &self.campaign.audience {
            shop_config::Audience::Segment(segment) => Source::Segment(segment),
            shop_config::Audience::Query(query) => Source::Query(query, &self.config.time_zone),
        }
    }

    /// The next page. Where Shopify cannot look up the audience while one waits, it is asked to prepare it in
    /// its own time.
    async fn page(&self, progress: &mut Progress) -> Result<PageResult, Retry> {
        let shopify = &self.tools.shopify;
        if let Some(prepared) = &progress.prepared {
            match shopify.audience_is_prepared(self.call(), prepared).await {
                Ok(Some(true)) => {}
                Ok(Some(false)) => return Err(Retry::waiting("Shopify still looks up the audience")),
                // Shopify has forgotten it: its positions mean nothing in another look-up
                Ok(None) => {
                    (progress.prepared, progress.after, progress.members) = (None, None, 0);
                    return Ok(PageResult::Changed);
                }
                Err(error) => return pause_or(&error),
            }
        }
        let source = progress.prepared.as_deref().map_or_else(|| self.source(), Source::Prepared);
        match shopify.audience(self.call(), source, progress.after.as_deref()).await {
            Ok(page) => Ok(PageResult::Page(page)),
            Err(error) if progress.prepared.is_none() && progress.after.is_none() && is_too_much(&error) => {
                let prepared = shopify.prepare_audience(self.call(), source).await;
                progress.prepared = Some(prepared?);
                Ok(PageResult::Changed)
            }
            Err(error) => pause_or(&error),
        }
    }

    async fn queue(&self, progress: &Progress, page: &AudiencePage) -> Result<u64, Retry> {
        let firing = Firing { at: progress.at, ..*self.firing };
        let (shop, run, document) = (&self.item.shop, &self.item.run, self.campaign.document);
        let mut messages = Vec::with_capacity(page.customers.len());
        for customer in &page.customers {
            let item =
                work_item(shop, run, document, &firing, progress.since, customer).map_err(Retry::new)?;
            messages.push(Message::of(&item)?);
        }
        let mut count = 0;
        for sent in self.tools.flow.send_all(&messages).await {
            sent?;
            count += 1;
        }
        Ok(count)
    }

    async fn save(&self, key: &str, progress: &Progress, read: Option<&Version>) -> Result<Version, Retry> {
        self.tools.checkpoints.save(key, progress, read).await.map_err(|error| Retry::of(&error))
    }

    /// Leaves the rest to another message, so that a large audience does not use up the deliveries of this one. A
    /// message that queued nothing is redelivered instead.
    async fn hand_on(&self, queued: u64, unread: u64, progress: &Progress) -> Result<Outcome, Retry> {
        if queued == 0 {
            return Err(Retry::waiting("too little of the invocation is left for a page"));
        }
        let item = RunItem {
            period: Some(self.firing.period.to_string()),
            scheduled_at: Some(progress.at),
            ..self.item.clone()
        };
        let message = Message::of(&item)?;
        self.tools.inbox.queue.send(&message).await?;
        Ok(Outcome::HandedOn(Counts { queued, members: progress.members, unread }))
    }
}

fn pause_or(error: &AdminError) -> Result<PageResult, Retry> {
    match error {
        AdminError::Throttled { retry_after } => Ok(PageResult::Pause(retry_after.unwrap_or(PAUSE))),
        error => Err(Retry::of(error)),
    }
}

/// Whether the query was too much for Shopify, rather than the requests too many.
fn is_too_much(error: &AdminError) -> bool {
    error.is_timeout() || matches!(error, AdminError::Graphql { .. }) && error.may_be_of_one()
}
