//! The ways in which a promise about one communication can be broken.

use serde_json::Value;

/// How what is there breaks a promise about one communication.
#[derive(Debug, thiserror::Error)]
pub enum Breach {
    #[error("unknown, and nothing was in doubt")]
    NotInDoubt,
    #[error("{state} by `{channel}`: {reason}")]
    State { state: String, channel: String, reason: String },
    #[error("{0} is not there")]
    Missing(String),
    #[error("{0} is not what the ledger says")]
    Different(String),
    #[error("the record cannot be read: {0}")]
    Record(#[from] serde_json::Error),
    #[error("the record is of something else")]
    OtherRecord,
    #[error("what was sent was not archived before")]
    NotArchived,
    #[error("sent {0} times")]
    Sent(usize),
    #[error("the report is {state}: {reason}")]
    Report { state: String, reason: String },
    #[error("Shopify shows it as {document} {state}")]
    ShownAs { document: Box<Value>, state: Box<Value> },
    #[error("Shopify shows it {times} times at {order}")]
    Shown { times: usize, order: String },
}
