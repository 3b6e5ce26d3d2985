//! How much of the process' memory documents of megabytes take at once.
//!
//! A function makes ten documents side by side in 256 MB. What is small, as nearly all are, is not counted and waits
//! for nobody. What is large waits, in the order of arrival, until there is room for all the copies that will be made
//! of it; it asks once, before the first copy, so that two can never wait for each other. The room is given back when
//! the last of its bytes is dropped, whoever holds them by then.

use bytes::Bytes;
use std::{future::Future, sync::Arc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Ten of these and their copies fit beside everything else.
pub(crate) const SMALL_BYTES: usize = 1024 * 1024;

/// Permits are kilobytes.
const UNIT: usize = 1024;

/// The memory that large documents may take, shared by its clones.
#[derive(Debug, Clone)]
pub struct Memory {
    free: Arc<Semaphore>,
    total: usize,
}

/// What one document may take of it.
#[derive(Debug, Clone)]
pub struct Room {
    _permit: Arc<OwnedSemaphorePermit>,
}

/// Bytes with the room they are in.
struct Kept {
    bytes: Bytes,
    _room: Room,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Memory {
    pub fn new(bytes: usize) -> Self {
        let total = (bytes / UNIT).clamp(1, Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(total)), total }
    }

    /// Waits until there is room for a document of so many bytes and the base64 it is sent as. `None` for a small
    /// one, which needs none. What is larger than all there is gets all of it.
    pub fn room_to_send(&self, bytes: usize) -> impl Future<Output = Option<Room>> + use<> {
        self.room(bytes, bytes / 3 * 4)
    }

    /// The same for a text of so many bytes of base64: beside it the document that is in it, or the text once more.
    pub(crate) fn room_to_decode(&self, bytes: usize) -> impl Future<Output = Option<Room>> + use<> {
        self.room(bytes, bytes / 4 * 3)
    }

    fn room(&self, bytes: usize, copies: usize) -> impl Future<Output = Option<Room>> + use<> {
        let free = Arc::clone(&self.free);
        let units = (bytes.saturating_add(copies) / UNIT).min(self.total);
        async move {
            if bytes <= SMALL_BYTES {
                return None;
            }
            let units = u32::try_from(units).unwrap_or(u32::MAX);
            // it is never closed
            let permit = free.acquire_many_owned(units).await.ok()?;
            Some(Room { _permit: Arc::new(permit) })
        }
    }
}

impl Room {
    /// The same bytes, which hold the room until the last of their clones is dropped.
    pub fn hold(self, bytes: Bytes) -> Bytes {
        Bytes::from_owner(Kept { bytes, _room: self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{pin::pin, task::Poll};

    const MB: usize = 1024 * 1024;

    /// Whether the room is there without waiting.
    async fn at_once(room: impl Future<Output = Option<Room>>) -> Option<Option<Room>> {
        let mut room = pin!(room);
        std::future::poll_fn(|context| match room.as_mut().poll(context) {
            Poll::Ready(room) => Poll::Ready(Some(room)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }

    #[tokio::test]
    async fn what_is_large_waits_until_the_last_byte_before_it_is_dropped() {
        let memory = Memory::new(30 * MB);
        let room = memory.room_to_decode(12 * MB).await.unwrap();
        let bytes = room.hold(Bytes::from_static(b"document"));
        assert_eq!(bytes, b"document"[..]);
        let part = bytes.slice(1..2);
        drop(bytes);
        assert!(at_once(memory.room_to_decode(12 * MB)).await.is_none(), "21 of 30 MB are taken");
        drop(part);
        assert!(at_once(memory.room_to_decode(12 * MB)).await.flatten().is_some());
    }

    #[tokio::test]
    async fn what_is_small_waits_for_nobody() {
        let memory = Memory::new(30 * MB);
        let _all = memory.room_to_send(1000 * MB).await.unwrap();
        assert_eq!(memory.free.available_permits(), 0, "more than there is gets all of it");
        assert!(matches!(at_once(memory.room_to_send(MB)).await, Some(None)));
        assert!(at_once(memory.room_to_send(MB + 1)).await.is_none());
    }

    #[tokio::test]
    async fn they_come_in_turn() {
        let memory = Memory::new(30 * MB);
        let first = memory.room_to_decode(10 * MB).await;
        let waiting = tokio::spawn(memory.room_to_decode(16 * MB));
        tokio::task::yield_now().await;
        assert!(
            at_once(memory.room_to_decode(2 * MB)).await.is_none(),
            "the largest would never have its turn"
        );
        drop(first);
        assert!(waiting.await.unwrap().is_some());
    }
}
