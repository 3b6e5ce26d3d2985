//! The ledger's item, as stored.

use comms::{CommunicationId, Document, Flow, Gid, Revision, ShopDomain, State, WriteBackState};
use serde::{Deserialize, Serialize};

/// What the ledger knows of one communication. At most 1 KB; customers appear only as a keyed hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    #[serde(rename = "pk")]
    pub communication: CommunicationId,
    pub shop: ShopDomain,
    pub flow: Flow,
    pub document: Document,
    pub subject: Gid,
    pub revision: Revision,
    /// The order, customer or company location that is told about it.
    pub order: Gid,
    pub state: State,
    /// Set while a send that was begun certainly did not happen: the next owner sends without asking.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsent: bool,
    /// Who holds the lease: the invocation's request id.
    pub owner: String,
    pub lease_until_epoch_ms: i64,
    pub attempts: u32,
    /// When the communication was first claimed. Its archive location is derived from this.
    pub created_epoch_ms: i64,
    pub updated_epoch_ms: i64,
    #[serde(default, flatten)]
    pub archived: Option<ArchivedAs>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// What the channel calls the delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Why it failed, was suppressed, or is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The customer's keyed hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    #[serde(default = "no_write_back")]
    pub write_back: WriteBackState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_back_reason: Option<String>,
}

/// Where the document is, and which template made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivedAs {
    pub archive_key: String,
    pub archive_version: String,
    pub sha256: String,
    pub record_version: String,
    pub record_sha256: String,
    pub template: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_version: Option<u32>,
}

fn no_write_back() -> WriteBackState {
    WriteBackState::None
}
