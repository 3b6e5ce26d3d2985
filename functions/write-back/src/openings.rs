//! The first openings of published documents as facts beside their records. The function that everybody can reach queues
//! them and has no right to the archive. A message that comes twice, late or after a crash adds nothing twice.

use archive::{Archive, ArchiveError, Fact, FactKind, folder_of};
use comms::chain;
use jiff::Timestamp;
use work::{OpenedItem, Retry};

/// Adds the fact that a message tells of. What is not in the archive any more, or was erased, gets no facts.
///
/// # Errors
/// When the message is to be delivered again.
pub async fn add(archive: &Archive, body: &str, now: Timestamp) -> Result<(), Retry> {
    let item = OpenedItem::from_json(body).map_err(|error| Retry::new(chain(&error)))?;
    let OpenedItem { shop, communication, object, what, at, .. } = item;
    let folder = folder_of(&object);
    if !folder.starts_with(&format!("{shop}/")) || !folder.ends_with(&format!("/{communication}/")) {
        return Err(Retry::new("the message names a document of somebody else"));
    }
    let fact = Fact { opened: Some(what), ..Fact::new(FactKind::Opened, at) };
    let record = match archive.record_beside(&object, &communication).await {
        Err(ArchiveError::Absent { .. } | ArchiveError::Erased { .. }) => return Ok(()),
        record => record?,
    };
    match archive.add_fact(&record, &fact, now).await {
        Ok(_) => tracing::info!(%shop, %communication, "opened"),
        Err(ArchiveError::Absent { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
