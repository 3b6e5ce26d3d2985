//! Passes over all shops, as scheduled functions make them.

use comms::ShopDomain;
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

/// Does `work` for each shop, a few at once, until the time is up. What happens to one shop, a panic or the
/// end of the time included, happens to it alone, and is logged.
///
/// Each pass begins with another shop, so that a pass that is too long for its time leaves out others the
/// next time.
pub async fn pass_over_shops<T>(
    shops: Vec<ShopDomain>,
    now: Timestamp,
    time: Duration,
    at_once: usize,
    work: impl AsyncFn(&ShopDomain) -> Result<T, String>,
) -> Pass<T> {
    let mut pass = Pass { done: Vec::new(), failed: 0 };
    for (shop, result) in each_shop(shops, now, time, at_once, work).await {
        match result {
            Ok(done) => pass.done.push(done),
            Err(reason) => {
                pass.failed += 1;
                tracing::warn!(%shop, reason, "the shop's pass was aborted");
            }
        }
    }
    pass
}

async fn each_shop<T>(
    mut shops: Vec<ShopDomain>,
    now: Timestamp,
    time: Duration,
    at_once: usize,
    work: impl AsyncFn(&ShopDomain) -> Result<T, String>,
) -> Vec<(ShopDomain, Result<T, String>)> {
    if !shops.is_empty() {
        let minute = usize::try_from(now.as_second() / 60).unwrap_or_default();
        let begin = minute % shops.len();
        shops.rotate_left(begin);
    }
    let (work, deadline) = (&work, Instant::now() + time);
    stream::iter(shops)
        .map(|shop| async move {
            if Instant::now() >= deadline {
                return (shop, Err("the invocation had no time left for it".to_owned()));
            }
            let result = match timeout_at(deadline, AssertUnwindSafe(work(&shop)).catch_unwind()).await {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => Err("the handler panicked".to_owned()),
                Err(_) => Err("the invocation's time was up".to_owned()),
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
    fn one_shops_trouble_is_its_own_and_the_first_place_goes_round() {
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
                    "b" => Err("no".to_owned()),
                    "c" => std::future::pending().await,
                    _ => Ok(()),
                }
            }))
        };
        let round_of = |minute| {
            let results = pass(minute);
            results
                .into_iter()
                .map(|(shop, result)| (shop.as_str()[..1].to_owned(), result.is_ok()))
                .collect::<Vec<_>>()
        };
        let named = |names: [(&str, bool); 4]| names.map(|(name, fine)| (name.to_owned(), fine)).to_vec();
        assert_eq!(round_of(0), named([("a", false), ("b", false), ("c", false), ("d", false)]));
        assert_eq!(round_of(3), named([("d", true), ("a", false), ("b", false), ("c", false)]));
    }
}
