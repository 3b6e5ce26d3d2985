//! Chance that can be repeated.

use crate::server::lock;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// One seeded generator, shared by everything that draws.
#[derive(Debug, Clone)]
pub struct Random(Arc<Mutex<fastrand::Rng>>);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))))
    }

    pub fn next(&self) -> u64 {
        lock(&self.0).u64(..)
    }

    /// In 0..1.
    pub fn share(&self) -> f64 {
        lock(&self.0).f64()
    }

    pub fn happens(&self, rate: f64) -> bool {
        self.share() < rate
    }

    pub fn up_to(&self, most: Duration) -> Duration {
        most.mul_f64(self.share())
    }

    /// A position in a list of `length`, which is not empty.
    pub fn below(&self, length: usize) -> usize {
        lock(&self.0).usize(..length)
    }
}
