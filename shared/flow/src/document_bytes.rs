//! Bytes of documents, which wait for room in the function's memory before they are read.

use crate::{context::Attempt, halt::Halt};
use bytes::Bytes;
use exstream::Room;

/// The bytes of an archived document, once there is room for them.
///
/// # Errors
/// When there is no room in time, or the archive does not answer.
pub async fn archived_bytes(attempt: &Attempt<'_>, output: &archive::Output) -> Result<Bytes, Halt> {
    let room = room(attempt, usize::try_from(output.bytes).unwrap_or(usize::MAX)).await?;
    let bytes = attempt.clients.archive.read_document(output).await.map_err(Halt::of_call)?;
    Ok(hold(room, bytes))
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
