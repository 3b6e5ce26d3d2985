//! What every request shares: attribute values, and the two kinds of refusal. A refused condition is an answer,
//! a failed request an error; nothing here decides what either means for a communication.

use crate::{Entry, Lease, LedgerError};
use aws_sdk_dynamodb::{
    error::SdkError,
    operation::update_item::{UpdateItemError, UpdateItemOutput},
    primitives::Blob,
    types::AttributeValue,
};
use comms::{CommunicationId, State};
use jiff::Timestamp;
use std::collections::HashMap;

pub(crate) type Item = Option<HashMap<String, AttributeValue>>;

/// Splits a refused condition, which is an answer, from a failed request, which is an error.
pub(crate) fn conditional(
    doing: &'static str,
    result: Result<UpdateItemOutput, SdkError<UpdateItemError>>,
) -> Result<Result<UpdateItemOutput, Item>, LedgerError> {
    match result {
        Ok(output) => Ok(Ok(output)),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(refused)) => Ok(Err(refused.item.clone())),
            _ => Err(LedgerError::Request { doing, source: error.into() }),
        },
    }
}

/// What came of a write of a lease's holder that asked for the item where it is refused. `is_ours` says whether the
/// item is what this very write made of it: if its answer is lost, it is sent again, and then refused because of
/// itself.
pub(crate) fn owned(
    lease: &Lease,
    doing: &'static str,
    result: Result<UpdateItemOutput, SdkError<UpdateItemError>>,
    is_ours: impl FnOnce(&Entry) -> bool,
) -> Result<(), LedgerError> {
    let communication = &lease.entry.communication;
    let ours = match conditional(doing, result)? {
        Ok(_) => true,
        Err(item) => read(communication, item).is_ok_and(|entry| is_ours(&entry)),
    };
    if ours { Ok(()) } else { Err(LedgerError::LostLease(communication.clone())) }
}

/// The item that a refusal shows, if this very write made it: its answer was lost, and it was sent again.
pub(crate) fn made_at(
    now: Timestamp,
    state: State,
    communication: &CommunicationId,
    item: Item,
) -> Option<Entry> {
    let is_ours = |entry: &Entry| entry.state == state && entry.updated_epoch_ms == now.as_millisecond();
    read(communication, item).ok().filter(is_ours)
}

pub(crate) fn read(communication: &CommunicationId, item: Item) -> Result<Entry, LedgerError> {
    let malformed = |source| LedgerError::Malformed { pk: communication.to_string(), source };
    serde_dynamo::from_item(item.unwrap_or_default()).map_err(|error| malformed(Box::new(error)))
}

pub(crate) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// A hash, which takes half the room as bytes.
pub(crate) fn hash(bytes: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

/// A SHA-256 in hexadecimal, as bytes.
pub(crate) fn sha256(digits: &str) -> AttributeValue {
    hex::decode(digits).map_or_else(|_| text(digits), |bytes| hash(&bytes))
}

pub(crate) fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn millis(at: Timestamp) -> AttributeValue {
    number(at.as_millisecond())
}

pub(crate) fn from_millis(epoch_ms: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(epoch_ms).ok()
}
