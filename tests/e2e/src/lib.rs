//! What the end-to-end tests stand on: a deployed local stack, shops of their own, workers on a leash.
//!
//! The stack is the one `infra/local/local.py up --name e2e` deploys; its outputs are in the file named by
//! `STACK_FILE`. Every test makes a shop of its own, with its own stub servers where it sets faults, so all
//! tests run at once and none sees another's. Nothing here sleeps for luck: it polls a condition.

pub mod evidence;
pub mod runtime;
pub mod samples;
pub mod shop;
pub mod stack;

use std::{future::Future, time::Duration};
use tokio::time::Instant;

/// Polls until `look` answers something, and fails with `what` after a minute and a half.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let until = Instant::now() + Duration::from_secs(90);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < until, "not within 90 s: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// An order number that no other test uses and that no float can hold.
pub fn order_number() -> u64 {
    let random = uuid::Uuid::new_v4().as_u128() as u64;
    (1 << 60) + (random >> 5) * 2 + 1
}
