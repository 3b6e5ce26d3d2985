//! What can go wrong with a request to the ledger, and what it means for the work.

use comms::{Class, Classify, CommunicationId};

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why the ledger did not do what it was asked for. Nothing of it is final: the message is delivered again.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The lease lapsed and was taken over, or the communication has ended: nothing was written.
    #[error("{0} belongs to another holder now")]
    LostLease(CommunicationId),
    /// DynamoDB did not answer, or refused the request. A write may have been made.
    #[error("{doing} in the ledger")]
    Request {
        /// What was being done, such as `claiming`.
        doing: &'static str,
        /// What the SDK says.
        source: Cause,
    },
    /// The item is not one that this release can read; another may.
    #[error("the ledger's item {pk} cannot be read")]
    Malformed {
        /// The item's key.
        pk: String,
        /// What is wrong with it.
        source: Cause,
    },
}

impl Classify for LedgerError {
    fn class(&self) -> Class {
        match self {
            // whoever has the lease decides; the redelivered message sees the result
            Self::LostLease(_) | Self::Request { .. } => Class::transient(),
            Self::Malformed { .. } => Class::Stuck,
        }
    }
}
