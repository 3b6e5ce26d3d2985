//! The rate bucket of a shop: full at first, restored by the second, emptied by what queries cost.

use serde_json::{Value, json};
use std::time::Instant;

#[derive(Debug)]
pub(crate) struct Bucket {
    size: f64,
    restore_rate: f64,
    available: f64,
    at: Instant,
}

impl Bucket {
    pub fn new(size: u32, restore_rate: u32, now: Instant) -> Self {
        Self { size: size.into(), restore_rate: restore_rate.into(), available: size.into(), at: now }
    }

    /// Changes the limits; what is available stays, within the new size.
    pub fn resize(&mut self, size: u32, restore_rate: u32, now: Instant) {
        self.restore(now);
        let was_full = self.available >= self.size;
        self.size = size.into();
        self.restore_rate = restore_rate.into();
        self.available = if was_full { self.size } else { self.available.min(self.size) };
    }

    /// Takes the requested cost if it is there.
    pub fn take(&mut self, cost: u32, now: Instant) -> bool {
        self.restore(now);
        let enough = self.available >= f64::from(cost);
        if enough {
            self.available -= f64::from(cost);
        }
        enough
    }

    /// Gives back what a query was charged beyond its actual cost.
    pub fn refund(&mut self, points: u32) {
        self.available = (self.available + f64::from(points)).min(self.size);
    }

    fn restore(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        self.available = (self.available + seconds * self.restore_rate).min(self.size);
        self.at = now;
    }

    /// `throttleStatus` as Shopify writes it, in whole points.
    pub fn status(&self) -> Value {
        json!({
            "maximumAvailable": self.size as u64,
            "currentlyAvailable": self.available as u64,
            "restoreRate": self.restore_rate as u64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn it_refills_at_its_rate_up_to_its_size() {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let mut bucket = Bucket::new(100, 50, start);
        assert!(bucket.take(80, start));
        assert!(!bucket.take(30, start));
        assert!(!bucket.take(30, after(190)));
        assert!(bucket.take(30, after(200)));
        assert_eq!(bucket.status()["currentlyAvailable"], 0);
        bucket.refund(10);
        assert!(bucket.take(10, after(200)));
        assert!(bucket.take(100, after(60_000)));
        assert!(!bucket.take(1, after(60_000)));
    }
}
