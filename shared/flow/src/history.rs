//! What was said before: for documents that take up what an earlier one said. Reads, and changes nothing.

use crate::gather_error::GatherError;
use archive::{Archive, ArchiveError, EvidenceRecord};
use comms::{Class, Classify, CommunicationId, Gid, ShopDomain};
use ledger::{Entry, Ledger};

/// Enough for twenty years of two documents per month.
const MOST_IDS: usize = 500;

/// The ledger and the archive, to be read.
#[derive(Clone, Copy)]
pub struct History<'a> {
    ledger: &'a Ledger,
    archive: &'a Archive,
}

impl<'a> History<'a> {
    /// Of this ledger and archive.
    pub const fn new(ledger: &'a Ledger, archive: &'a Archive) -> Self {
        Self { ledger, archive }
    }

    /// One communication, as it is now.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn entry(&self, communication: &CommunicationId) -> Result<Option<Entry>, GatherError> {
        Ok(self.ledger.get(communication).await?)
    }

    /// The communications that an order, customer or company location was told about. Eventually consistent.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn ids(&self, shop: &ShopDomain, resource: &Gid) -> Result<Vec<CommunicationId>, GatherError> {
        Ok(self.ledger.ids_of_resource(shop, resource, MOST_IDS).await?)
    }

    /// The record of a communication; nothing, if none is archived, or if what is there is no record.
    ///
    /// # Errors
    /// When the archive does not answer.
    pub async fn record(&self, entry: &Entry) -> Result<Option<EvidenceRecord>, GatherError> {
        let Some(archived) = &entry.archived else { return Ok(None) };
        match self.archive.record_of(&archived.archive_key, &archived.record_version).await {
            Ok((record, _)) => Ok(Some(record)),
            // erased, or past its retention
            Err(ArchiveError::Absent { .. }) => Ok(None),
            Err(error) => match error.class() {
                Class::Permanent => Ok(None),
                _ => Err(error.into()),
            },
        }
    }
}
