//! What is known of each shop's query budget.
//!
//! Shopify gives every shop a bucket of points that refills at a steady rate and says in every answer what
//! is left. Messages handled at once share the bucket: without remembering, each would run into an empty
//! one alone. What is kept is an estimate; Shopify's answers correct it, and a refusal always counts.

use super::answer::Cost;
use comms::ShopDomain;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

#[derive(Default)]
pub(super) struct Budgets {
    shops: Mutex<HashMap<ShopDomain, Bucket>>,
}

#[derive(Default)]
struct Bucket {
    level: Option<Level>,
    /// What each operation was last charged.
    costs: HashMap<&'static str, f64>,
    blocked_until: Option<Instant>,
}

struct Level {
    available: f64,
    maximum: f64,
    restore_rate: f64,
    at: Instant,
}

impl Budgets {
    /// Sets points aside for an operation, or says how long until there are enough.
    pub fn reserve(&self, shop: &ShopDomain, operation: &'static str, now: Instant) -> Option<Duration> {
        let mut shops = self.lock();
        let bucket = shops.get_mut(shop)?;
        if let Some(wait) = bucket
            .blocked_until
            .and_then(|until| until.checked_duration_since(now))
            .filter(|it| !it.is_zero())
        {
            return Some(wait);
        }
        let level = bucket.level.as_mut()?;
        let cost = bucket.costs.get(operation).copied().unwrap_or(0.0);
        let elapsed = now.saturating_duration_since(level.at).as_secs_f64();
        let available = (level.available + elapsed * level.restore_rate).min(level.maximum);
        if available < cost && cost <= level.maximum {
            return Duration::try_from_secs_f64((cost - available) / level.restore_rate).ok();
        }
        (level.available, level.at) = (available - cost, now);
        None
    }

    /// Takes over what an answer says.
    pub fn learn(&self, shop: &ShopDomain, operation: &'static str, cost: Cost, now: Instant) {
        let mut shops = self.lock();
        let bucket = shops.entry(shop.clone()).or_default();
        if let Some(cost) = cost.requested_query_cost {
            bucket.costs.insert(operation, cost);
        }
        let status = cost.throttle_status;
        bucket.level = Some(Level {
            available: status.currently_available,
            maximum: status.maximum_available,
            restore_rate: status.restore_rate.max(1.0),
            at: now,
        });
    }

    /// Nothing is asked of the shop for this long.
    pub fn block(&self, shop: &ShopDomain, wait: Option<Duration>, now: Instant) {
        if let Some(wait) = wait {
            self.lock().entry(shop.clone()).or_default().blocked_until = Some(now + wait);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ShopDomain, Bucket>> {
        self.shops.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::answer::ThrottleStatus;

    #[test]
    fn points_are_set_aside_and_refill() {
        let (budgets, now) = (Budgets::default(), Instant::now());
        let shop: ShopDomain = "acme.myshopify.com".parse().unwrap();
        let throttle_status =
            ThrottleStatus { maximum_available: 1000.0, currently_available: 25.0, restore_rate: 50.0 };
        assert_eq!(budgets.reserve(&shop, "Read", now), None, "nothing is known yet");
        budgets.learn(&shop, "Read", Cost { requested_query_cost: Some(20.0), throttle_status }, now);
        assert_eq!(budgets.reserve(&shop, "Read", now), None);
        assert_eq!(budgets.reserve(&shop, "Read", now), Some(Duration::from_millis(300)), "5 of 20 are left");
        assert_eq!(budgets.reserve(&shop, "Read", now + Duration::from_millis(300)), None);
        assert_eq!(budgets.reserve(&shop, "Other", now), None, "a cost not known is no reason to wait");
        budgets.block(&shop, Some(Duration::from_secs(3)), now);
        assert_eq!(budgets.reserve(&shop, "Other", now), Some(Duration::from_secs(3)));
        assert_eq!(budgets.reserve(&shop, "Read", now + Duration::from_secs(60)), None);
        let other: ShopDomain = "other.myshopify.com".parse().unwrap();
        assert_eq!(budgets.reserve(&other, "Read", now), None, "shops do not share");
    }
}
