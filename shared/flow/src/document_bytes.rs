//! Bytes of documents, which wait for room in the function's memory before they are read.

use crate::{context::Attempt, halt::Halt};
use bytes::Bytes;
use exstream::Room;

/// The bytes of archived outputs in their order, once there is room for all of them.
///
/// # Errors
/// When there is no room in time, or the archive does not answer.
pub async fn archived_bytes<'a>(
    attempt: &Attempt<'_>,
    outputs: impl Iterator<Item = &'a archive::Output> + Clone,
) -> Result<Vec<Bytes>, Halt> {
    let all = outputs.clone().map(|output| output.bytes).fold(0, u64::saturating_add);
    // asked for once: two that wait for more while they hold some would wait for each other
    let room = room(attempt, usize::try_from(all).unwrap_or(usize::MAX)).await?;
    let mut read = Vec::new();
    for output in outputs {
        let bytes = attempt.clients.archive.read_document(output).await.map_err(Halt::of_call)?;
        read.push(hold(room.clone(), bytes));
    }
    Ok(read)
}

/// Waits for room for so many bytes and their copies. Small documents need none.
///
/// # Errors
/// When there is none within the time left.
pub async fn room(attempt: &Attempt<'_>, bytes: usize) -> Result<Option<Room>, Halt> {
    let room = tokio::time::timeout(attempt.time_left(), attempt.clients.memory.room_to_send(bytes)).await;
    room.map_err(|_| Halt::retry("there was no room for a large document within the time allowed"))
}

/// Gives the room back when the last copy of the bytes is dropped.
pub fn hold(room: Option<Room>, bytes: Bytes) -> Bytes {
    match room {
        Some(room) => room.hold(bytes),
        None => bytes,
    }
}
