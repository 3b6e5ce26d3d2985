//! Passes over all shops, as scheduled functions make them.

use comms::{ShopDomain, chain};
use futures::{FutureExt, StreamExt, stream};
use jiff::Timestamp;
use std::{panic::AssertUnwindSafe, time::Duration};
use tokio::time::{Instant, timeout_at};

/// What became of a pass.
#[derive(Debug)]
pub struct Pass<T> {
    /// Of each shop that was dealt with.
    pub done: Vec<T>,
    /// Shops whose pass was aborted; the log says why.
    pub failed: usize,
}

/// Why a shop's pass did not come to its end.
#[derive(Debug, thiserror::Error)]
enum Aborted<E: std::error::Error> {
    #[error(transparent)]
    Failed(E),
    #[error("the handler panicked")]
    Panicked,
    #[error("the invocation had no time left for it")]
    NotBegun,
    #[error("the invocation's time was up")]
    OutOfTime,
}

/// Does `work` for each shop, a few at once, until the time is up. What happens to one shop, a panic or the
/// end of the time included, happens to it alone, and is logged.
///
/// Each pass begins with another shop, so that a pass that is too long for its time leaves out others the
/// next time.
pub async fn pass_over_shops<T, E: std::error::Error>(
    shops: Vec<ShopDomain>,
    now: Timestamp,
    time: Duration,
    at_once: usize,
    work: impl AsyncFn(&ShopDomain) -> Result<T, E>,
) -> Pass<T> {
    let mut pass = Pass { done: Vec::new(), failed: 0 };
    for (shop, result) in each_shop(shops, now, time, at_once, work).await {
        match result {
            Ok(done) => pass.done.push(done),
            Err(error) => {
                pass.failed += 1;
                tracing::warn!(%shop, reason = chain(&error), "the shop's pass was aborted");
            }
        }
    }
    pass
}

async fn each_shop<T, E: std::error::Error>(
    mut shops: Vec<ShopDomain>,
    now: Timestamp,
    time: Duration,
    at_once: usize,
    work: impl AsyncFn(&ShopDomain) -> Result<T, E>,
) -> Vec<(ShopDomain, Result<T, Aborted<E>>)> {
    if !shops.is_empty() {
        let minute = usize::try_from(now.as_second() / 60).unwrap_or_default();
        let begin = minute % shops.len();
        shops.rotate_left(begin);
    }
    let (work, deadline) = (&work, Instant::now() + time);
    stream::iter(shops)
        .map(|shop| async move {
            if Instant::now() >= deadline {
                return (shop, Err(Aborted::NotBegun));
            }
            let result = match timeout_at(deadline, AssertUnwindSafe(work(&shop)).catch_unwind()).await {
                Ok(Ok(result)) => result.map_err(Aborted::Failed),
                Ok(Err(_)) => Err(Aborted::Panicked),
                Err(_) => Err(Aborted::OutOfTime),
            };
            (shop, result)
        })
        .buffer_unordered(at_once.max(1))
        .collect()
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shop_that_fails_holds_up_no_other_and_each_pass_begins_with_another_shop() {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let shops: Vec<ShopDomain> = ["a", "b", "c", "d"]
            .iter()
            .map(|name| format!("{name}.myshopify.com").parse().unwrap())
            .collect();
        let pass = |minute: i64| {
            let now = Timestamp::from_second(minute * 60).unwrap();
            runtime.block_on(each_shop(shops.clone(), now, Duration::from_secs(60), 1, async |shop| {
                match &shop.as_str()[..1] {
                    "a" => panic!("boom"),
                    "b" => Err(std::fmt::Error),
                    "c" => std::future::pending().await,
                    _ => Ok(()),
                }
            }))
        };
        let results_of = |minute| {
            pass(minute)
                .into_iter()
                .map(|(shop, result)| (shop.as_str()[..1].to_owned(), result.is_ok()))
                .collect::<Vec<_>>()
        };
        let named = |names: [(&str, bool); 4]| names.map(|(name, fine)| (name.to_owned(), fine)).to_vec();
        assert_eq!(results_of(0), named([("a", false), ("b", false), ("c", false), ("d", false)]));
        assert_eq!(results_of(3), named([("d", true), ("a", false), ("b", false), ("c", false)]));
    }
}
