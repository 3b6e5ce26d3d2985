//! Chance that can be repeated.

use crate::server::lock;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// SplitMix64, shared by everything that draws.
#[derive(Debug, Clone)]
pub struct Random(Arc<Mutex<u64>>);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(seed)))
    }

    pub fn next(&self) -> u64 {
        let mut state = lock(&self.0);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = *state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// In 0..1.
    pub fn share(&self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn happens(&self, rate: f64) -> bool {
        self.share() < rate
    }

    pub fn up_to(&self, most: Duration) -> Duration {
        most.mul_f64(self.share())
    }

    /// A position in a list of `length`, which is not empty.
    pub fn below(&self, length: usize) -> usize {
        (self.share() * length as f64) as usize
    }
}
