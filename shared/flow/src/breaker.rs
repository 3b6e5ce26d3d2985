//! Whether work of a shop may begin: not while a person has paused it, and not while a service that it needs is ill. Exstream
//! is asked about before the claim, Core Messaging right before a send is marked, so that what is not sent does not wait.
//!
//! A service is ill once half of its latest answers to this process were failures that pass by themselves. Then nothing is
//! begun for a while: messages go back to their queue unclaimed, so no send is marked that could end in doubt. When the time
//! has passed, one worker tries, of all processes; a good answer to it ends it for all, otherwise nothing is begun for as
//! long as the service has been ill by then, ten minutes at most, whether the worker failed or died. Answers to what was under
//! way when it became ill change nothing. What one process learns, others hear of as soon as of a configuration
//! ([`ledger::ShopState`]).
//!
//! Costs one read of the ledger per shop, process and minute. Doubtful answers of channels have gates of their own
//! (`gate.rs`), which close sooner and never let two in.

use cache::{Cache, Fresh};
use comms::{Class, Flow, ShopDomain, chain, names};
use jiff::Timestamp;
use ledger::{Ill, Ledger, LedgerError, ShopState};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use work::Retry;

names! {
    /// A service that may be ill for one shop and well for another.
    Dependency, "service", {
        Exstream = "exstream",
        Messaging = "messaging",
    }
}

/// So many answers are looked at.
const WINDOW: u32 = 20;
/// Fewer say nothing.
const FEWEST: u32 = 8;
/// What was answered longer ago than this is not looked at.
const RECENT: Duration = Duration::from_secs(120);
const FIRST_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

pub struct Breakers {
    /// What others noted is known after this time at the latest.
    heard_within: Duration,
    states: Cache<ShopDomain, ShopState>,
    services: Mutex<HashMap<(ShopDomain, Dependency), Health>>,
    opened: AtomicU64,
}

/// What this process knows of a service.
#[derive(Debug, Clone, Copy, Default)]
struct Health {
    /// The latest answers, a bit for each, the last one lowest; set is a failure.
    failures: u32,
    answers: u32,
    last: Timestamp,
    /// As far as this process has seen it become ill, or was let in to try it.
    ill: Option<Ill>,
    /// This process was let in to try it.
    trying: bool,
}

impl Health {
    fn add(&mut self, failed: bool, now: Timestamp) {
        let age = Duration::try_from(now.duration_since(self.last)).unwrap_or_default();
        if age > RECENT {
            (self.failures, self.answers) = (0, 0);
        }
        self.failures = ((self.failures << 1) | u32::from(failed)) & ((1 << WINDOW) - 1);
        self.answers = (self.answers + 1).min(WINDOW);
        self.last = now;
    }

    fn is_failing(&self) -> bool {
        self.answers >= FEWEST && self.failures.count_ones() * 2 >= self.answers
    }
}

/// How long it is not asked next: as long as it has been ill by the end of the pause before, so that pauses double whoever
/// makes them.
fn next_pause(ill: Ill) -> Duration {
    let lasted = ill.until_epoch_ms.saturating_sub(ill.since_epoch_ms);
    Duration::from_millis(u64::try_from(lasted).unwrap_or(0)).clamp(FIRST_PAUSE, LONGEST_PAUSE)
}

/// What two know of one illness.
fn joined(one: Option<Ill>, other: Option<Ill>) -> Option<Ill> {
    match (one, other) {
        (Some(one), Some(other)) => Some(Ill {
            since_epoch_ms: one.since_epoch_ms.min(other.since_epoch_ms),
            until_epoch_ms: one.until_epoch_ms.max(other.until_epoch_ms),
        }),
        (one, other) => one.or(other),
    }
}

impl Breakers {
    pub fn new(heard_within: Duration) -> Self {
        let opened = AtomicU64::default();
        Self { heard_within, states: Cache::default(), services: Mutex::default(), opened }
    }

    /// Whether work of a flow may begin: not if it is paused, or Exstream is ill, which nearly all work needs.
    ///
    /// # Errors
    /// When the message is put off: unclaimed, and not counted as a failure.
    pub async fn enter(
        &self,
        ledger: &Ledger,
        shop: &ShopDomain,
        flow: Flow,
        now: Timestamp,
    ) -> Result<(), Retry> {
        let state = self.state(ledger, shop, now).await?;
        if state.paused.contains_key(&flow) {
            return Err(Retry::put_off("a person has paused this flow of the shop", None));
        }
        self.admit(ledger, shop, &state, Dependency::Exstream, now).await
    }

    /// Whether a service may be asked. Of all who find its time past, one may.
    ///
    /// # Errors
    /// When the message is put off, and not before when.
    pub async fn ask(
        &self,
        ledger: &Ledger,
        shop: &ShopDomain,
        service: Dependency,
        now: Timestamp,
    ) -> Result<(), Retry> {
        let state = self.state(ledger, shop, now).await?;
        self.admit(ledger, shop, &state, service, now).await
    }

    /// The same, by a state that was read.
    async fn admit(
        &self,
        ledger: &Ledger,
        shop: &ShopDomain,
        state: &Arc<ShopState>,
        service: Dependency,
        now: Timestamp,
    ) -> Result<(), Retry> {
        let noted = state.ill.get(service.name()).copied();
        // both: what was noted may have been read a while ago
        let Some(ill) = joined(noted, self.change(shop, service, |_| {}).ill) else { return Ok(()) };
        let left = u64::try_from(ill.until_epoch_ms.saturating_sub(now.as_millisecond())).unwrap_or(0);
        let why = format!("{service} is ill and is tried by one message at a time");
        if left > 0 {
            return Err(Retry::put_off(why, Some(Duration::from_millis(left))));
        }
        let until = now.checked_add(next_pause(ill)).unwrap_or(now);
        let next = Ill { until_epoch_ms: until.as_millisecond(), ..ill };
        let is_mine = ledger.note_ill(shop, service.name(), Some(ill.until_epoch_ms), next).await?;
        self.states.forget(shop, state).await;
        self.change(shop, service, |health| {
            health.ill = is_mine.then_some(next);
            health.trying = is_mine;
        });
        if is_mine { Ok(()) } else { Err(Retry::put_off(why, Some(FIRST_PAUSE))) }
    }

    async fn state(
        &self,
        ledger: &Ledger,
        shop: &ShopDomain,
        now: Timestamp,
    ) -> Result<Arc<ShopState>, LedgerError> {
        let load = async || {
            let value = ledger.shop_state(shop).await?;
            Ok(Fresh { value, expires_at: now + self.heard_within })
        };
        self.states.get(shop, now, load).await
    }

    /// Learns from an answer: of no class, if it was good.
    pub async fn learn(
        &self,
        ledger: &Ledger,
        shop: &ShopDomain,
        service: Dependency,
        class: Option<Class>,
        now: Timestamp,
    ) {
        // whoever refuses for good is well
        let failed = matches!(class, Some(Class::Transient { .. } | Class::Unknown));
        let health = self.change(shop, service, |health| health.add(failed, now));
        let noted = match (failed, health.ill) {
            (false, Some(_)) if health.trying => {
                self.change(shop, service, |health| *health = Health::default());
                tracing::info!(%shop, %service, "the service is well again");
                ledger.note_well(shop, service.name()).await
            }
            (true, None) if health.is_failing() => {
                let until = now.checked_add(FIRST_PAUSE).unwrap_or(now);
                let (since_epoch_ms, until_epoch_ms) = (now.as_millisecond(), until.as_millisecond());
                let ill = Ill { since_epoch_ms, until_epoch_ms };
                self.change(shop, service, |health| health.ill = Some(ill));
                self.opened.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(%shop, %service, "the service is ill");
                // where another process was faster, its moment holds
                ledger.note_ill(shop, service.name(), None, ill).await.map(drop)
            }
            _ => Ok(()),
        };
        if let Err(error) = noted {
            tracing::warn!(%shop, %service, error = chain(&error), "a service's health is not noted");
        }
    }

    /// How many services have become ill since this was asked.
    pub fn opened(&self) -> u64 {
        self.opened.swap(0, Ordering::Relaxed)
    }

    /// What is known of a service, after this change.
    fn change(&self, shop: &ShopDomain, service: Dependency, change: impl FnOnce(&mut Health)) -> Health {
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        let health = services.entry((shop.clone(), service)).or_default();
        change(health);
        *health
    }
}

#[cfg(test)]
mod tests;
