//! One value per key, kept until it expires, loaded by one caller at a time.
//!
//! Serves shop configuration, secrets, access tokens and the template catalogue: things that are read for
//! every message and change rarely. Promises that concurrent callers of one key cause one load, that a
//! failed load is not kept, and that an expired value is never returned. The clock is the caller's.

use jiff::Timestamp;
use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

/// A value and the moment from which it must not be used.
#[derive(Debug, Clone)]
pub struct Fresh<V> {
    pub value: V,
    pub expires_at: Timestamp,
}

type Slot<V> = Arc<tokio::sync::Mutex<Option<Fresh<Arc<V>>>>>;

pub struct Cache<K, V> {
    slots: Mutex<HashMap<K, Slot<V>>>,
}

impl<K: Eq + Hash + Clone, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self { slots: Mutex::new(HashMap::new()) }
    }
}

impl<K: Eq + Hash + Clone, V> Cache<K, V> {
    /// The value of `key`, loaded if there is none or it has expired at `now`.
    ///
    /// # Errors
    /// Whatever `load` answers; the next caller then tries again.
    pub async fn get<E>(
        &self,
        key: &K,
        now: Timestamp,
        load: impl AsyncFnOnce() -> Result<Fresh<V>, E>,
    ) -> Result<Arc<V>, E> {
        let slot = self.slot(key);
        let mut slot = slot.lock().await;
        if let Some(fresh) = slot.as_ref().filter(|fresh| now < fresh.expires_at) {
            return Ok(Arc::clone(&fresh.value));
        }
        *slot = None;
        let Fresh { value, expires_at } = load().await?;
        let value = Arc::new(value);
        *slot = Some(Fresh { value: Arc::clone(&value), expires_at });
        Ok(value)
    }

    /// Forgets `stale`, and only that: a value another caller has loaded since stays.
    pub async fn forget(&self, key: &K, stale: &Arc<V>) {
        let slot = self.slot(key);
        let mut slot = slot.lock().await;
        if slot.as_ref().is_some_and(|fresh| Arc::ptr_eq(&fresh.value, stale)) {
            *slot = None;
        }
    }

    fn slot(&self, key: &K) -> Slot<V> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(key) {
            return Arc::clone(slot);
        }
        Arc::clone(slots.entry(key.clone()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[tokio::test]
    async fn loads_once_for_concurrent_callers_and_again_after_expiry() {
        let cache = Cache::<&str, u32>::default();
        let loads = AtomicU32::new(0);
        let get = async |now| {
            cache
                .get(&"k", at(now), async || {
                    tokio::task::yield_now().await;
                    let value = loads.fetch_add(1, Ordering::SeqCst);
                    Ok::<_, ()>(Fresh { value, expires_at: at(10) })
                })
                .await
                .unwrap()
        };
        let (a, b) = tokio::join!(get(1), get(1));
        assert_eq!((*a, *b, loads.load(Ordering::SeqCst)), (0, 0, 1));
        assert_eq!(*get(9).await, 0);
        assert_eq!(*get(10).await, 1, "an expired value is never returned");
    }

    #[tokio::test]
    async fn a_failed_load_is_not_kept_and_forgetting_spares_newer_values() {
        let cache = Cache::<&str, u32>::default();
        assert_eq!(cache.get(&"k", at(1), async || Err::<Fresh<u32>, _>("down")).await, Err("down"));
        let load = async |value| {
            cache.get(&"k", at(1), async || Ok::<_, ()>(Fresh { value, expires_at: at(9) })).await.unwrap()
        };
        let old = load(1).await;
        cache.forget(&"k", &old).await;
        let new = load(2).await;
        cache.forget(&"k", &old).await;
        assert_eq!((*new, *load(3).await), (2, 2));
    }
}
