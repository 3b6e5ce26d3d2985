//! Why a document could not be made, and whether trying again may help.

use comms::{Class, Classify, chain};
use std::fmt;

/// Gathering failed. The message names the field or the call, never a value of a customer's.
///
/// `?` takes any classified error, with its class and its whole chain of causes.
#[derive(Debug)]
pub struct GatherError {
    /// What the failure means for the work.
    pub class: Class,
    /// For the log, the ledger and the report.
    pub reason: String,
}

impl GatherError {
    /// The communication ends as failed: neither trying again nor a later release can change it.
    pub fn permanent(reason: impl fmt::Display) -> Self {
        Self { class: Class::Permanent, reason: reason.to_string() }
    }

    /// The work is delivered again, because the rest of it is there later: what Shopify shows lags behind the event.
    pub fn not_yet(reason: impl fmt::Display) -> Self {
        Self { class: Class::transient(), reason: reason.to_string() }
    }

    /// What Shopify answered cannot be made into the document. The work is delivered again and ends in the dead letters,
    /// from where a later release can take it up again.
    pub fn unusable(reason: impl fmt::Display) -> Self {
        Self { class: Class::Stuck, reason: reason.to_string() }
    }
}

/// Takes an error's class and its whole chain of causes.
impl<E: Classify + std::error::Error> From<E> for GatherError {
    fn from(error: E) -> Self {
        Self { class: error.class(), reason: chain(&error) }
    }
}
