//! Leave to send by a channel that cannot be asked about a lost answer.
//!
//! In an outage every send may end in doubt, and a doubtful send is never repeated. So few are let into it: a process
//! that has not had a good answer lately sends one message at a time, and after a few doubtful answers in a row, whichever
//! processes got them, the channel is closed for all of them ([`ledger::Outage`]). What is to be sent then waits, unsent
//! and unmarked. When the time has passed, one worker asks the channel a question without an effect, and only if that is
//! answered sends its message. A good answer opens the channel for all; a failure, or the worker's death, leaves it closed
//! for longer.
//!
//! Costs nothing while answers are good: one read of the ledger by a process that has not sent for a minute.

use crate::halt::Halt;
use comms::{Class, Classify, ShopDomain, chain};
use jiff::Timestamp;
use ledger::{Ledger, LedgerError, Outage};
use shop_config::Channel;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::OwnedMutexGuard;
use work::Backoff;

/// So many doubtful answers in a row close a channel.
const DOUBTS: u32 = 3;

/// For so long a good answer is taken for the next one's.
const TRUST: Duration = Duration::from_secs(60);

/// So long a message waits in the process for the one that is tried before it. Then it goes back to the queue.
const TURN: Duration = Duration::from_secs(5);

/// The channels this process sends by, by shop and name.
pub struct Gates {
    gates: Mutex<HashMap<(ShopDomain, String), Arc<Gate>>>,
    backoff: Backoff,
}

#[derive(Default)]
struct Gate {
    turn: Arc<tokio::sync::Mutex<()>>,
    memory: Mutex<Memory>,
}

#[derive(Clone, Copy, Default)]
struct Memory {
    /// A good answer is young enough to count on.
    trusted_until: Option<Timestamp>,
    /// The ledger has an item that a good answer deletes.
    is_noted: bool,
}

/// The ledger, shop and channel of one send.
#[derive(Clone, Copy)]
pub struct Route<'a> {
    pub ledger: &'a Ledger,
    pub shop: &'a ShopDomain,
    pub channel: Channel,
    /// The channel's host, with its port.
    pub host: &'a str,
    pub clock: fn() -> Timestamp,
}

impl Route<'_> {
    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// What the channel is known by. Of one host, one may work while another does not.
    fn name(&self) -> String {
        match self.channel {
            Channel::Email => self.host.to_owned(),
            channel => format!("{}/{channel}", self.host),
        }
    }
}

/// The leave to send one message. Whoever has it says by [`Permit::done`] what came of it.
pub struct Permit<'a> {
    gates: &'a Gates,
    route: Route<'a>,
    gate: Arc<Gate>,
    /// Nobody else of this process sends meanwhile.
    _turn: Option<OwnedMutexGuard<()>>,
}

impl Gates {
    pub fn new(backoff: Backoff) -> Self {
        Self { gates: Mutex::default(), backoff }
    }

    /// Waits for the leave to send. `answers` asks the channel a question without an effect.
    ///
    /// # Errors
    /// When the message is to come back, and not before when.
    pub async fn enter<'a>(
        &'a self,
        route: Route<'a>,
        answers: impl AsyncFnOnce() -> bool,
    ) -> Result<Permit<'a>, Halt> {
        let gate = self.gate(route.shop, route.name());
        let permit = |turn| Permit { gates: self, route, gate: Arc::clone(&gate), _turn: turn };
        if gate.is_trusted(route.now()) {
            return Ok(permit(None));
        }
        let Ok(turn) = tokio::time::timeout(TURN, Arc::clone(&gate.turn).lock_owned()).await else {
            return Err(wait("another message is tried first", Duration::ZERO));
        };
        let now = route.now();
        if gate.is_trusted(now) {
            return Ok(permit(None));
        }
        let known = route.ledger.outage(route.shop, &route.name()).await.map_err(Halt::of_call)?;
        if let Some(known) = known {
            gate.remember(Memory { trusted_until: None, is_noted: true });
            if known.closed_until_epoch_ms > 0 {
                self.try_closed(route, &known, now, answers).await?;
            }
        }
        Ok(permit(Some(turn)))
    }

    /// Of all who find the channel closed, one continues once the time has passed, and only if the channel answers.
    async fn try_closed(
        &self,
        route: Route<'_>,
        known: &Outage,
        now: Timestamp,
        answers: impl AsyncFnOnce() -> bool,
    ) -> Result<(), Halt> {
        const CLOSED: &str = "the channel gives doubtful answers and is tried by one message at a time";
        let left = known.closed_until_epoch_ms.saturating_sub(now.as_millisecond());
        if let Some(left) = u64::try_from(left).ok().filter(|left| *left > 0) {
            return Err(wait(CLOSED, Duration::from_millis(left)));
        }
        let pause = self.pause(known);
        if !close(route, known, pause, now).await.map_err(Halt::of_call)? {
            return Err(wait(CLOSED, self.backoff.base));
        }
        if answers().await { Ok(()) } else { Err(wait("the channel does not answer", pause)) }
    }

    fn gate(&self, shop: &ShopDomain, name: String) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(gates.entry((shop.clone(), name)).or_default())
    }

    /// Longer than a send takes, and four times longer each time, within the bounds of the queue's own back-off.
    fn pause(&self, known: &Outage) -> Duration {
        self.backoff.delay(known.closings + 2)
    }
}

impl Gate {
    fn memory(&self) -> Memory {
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, memory: Memory) {
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = memory;
    }

    fn is_trusted(&self, now: Timestamp) -> bool {
        self.memory().trusted_until.is_some_and(|until| now < until)
    }
}

impl Permit<'_> {
    /// Learns from what came of the send. The send has ended: what fails here is logged and changes nothing about it.
    pub async fn done<T, E: Classify>(self, result: &Result<T, E>) {
        let learned = match result.as_ref().map_err(Classify::class) {
            Ok(_) | Err(Class::Permanent) => self.good().await,
            Err(Class::Unknown) => self.doubtful().await,
            // it was certainly not taken: nothing is learned of those that are
            Err(Class::Transient { .. } | Class::Stuck) => Ok(()),
        };
        if let Err(error) = learned {
            tracing::warn!(shop = %self.route.shop, error = chain(&error), "the channel's state is not noted");
        }
    }

    async fn good(&self) -> Result<(), LedgerError> {
        let is_noted = self.gate.memory().is_noted;
        let trusted_until = self.route.now().checked_add(TRUST).ok();
        self.gate.remember(Memory { trusted_until, is_noted });
        if is_noted {
            self.route.ledger.end_outage(self.route.shop, &self.route.name()).await?;
            self.gate.remember(Memory { trusted_until, is_noted: false });
        }
        Ok(())
    }

    async fn doubtful(&self) -> Result<(), LedgerError> {
        self.gate.remember(Memory { trusted_until: None, is_noted: true });
        let (route, now) = (self.route, self.route.now());
        let known = route.ledger.count_doubt(route.shop, &route.name(), now).await?;
        let is_closed = known.closed_until_epoch_ms > now.as_millisecond();
        if known.doubts >= DOUBTS && !is_closed {
            let pause = self.gates.pause(&known);
            if close(route, &known, pause, now).await? {
                let (shop, channel) = (route.shop, route.name());
                tracing::warn!(%shop, channel, pause_s = pause.as_secs(), "doubtful answers: the channel is closed");
            }
        }
        Ok(())
    }
}

async fn close(
    route: Route<'_>,
    known: &Outage,
    pause: Duration,
    now: Timestamp,
) -> Result<bool, LedgerError> {
    let until = now.checked_add(pause).unwrap_or(now);
    route.ledger.close_channel(route.shop, &route.name(), known, until, now).await
}

/// Unsent, and not before `at_least` has passed.
fn wait(reason: &str, at_least: Duration) -> Halt {
    let class = Class::Transient { retry_after: Some(at_least) };
    Halt::Retry { class, reason: reason.to_owned(), unsent: false }
}

#[cfg(test)]
mod tests;
