//! What can go wrong with Exstream, and what it means for the work it interrupted.

use crate::{CallError, DriverError, ExchangeError, Fault, PageError, TokenError};
use comms::{Class, Classify};
use std::{sync::Arc, time::Duration};

/// Names what happened. Carries statuses, codes and stripped messages ([`Fault`]); never a token, a body or
/// driver data.
#[derive(Debug, thiserror::Error)]
pub enum ExstreamError {
    /// The configuration cannot be made into a request.
    #[error("the shop's Exstream settings cannot be used: {0}")]
    Settings(&'static str),
    #[error("the driver data cannot be put into the configured format")]
    Driver(#[source] DriverError),
    #[error("no access token for Exstream")]
    Token(#[source] TokenError),
    #[error("calling Exstream")]
    Exchange(#[source] ExchangeError),
    /// 401 with a token fetched after an earlier 401, or 403.
    #[error("Exstream does not accept the credentials: status {status}{fault}")]
    Unauthorized { status: u16, fault: Fault },
    /// Exstream says the request itself is wrong; 404: it does not know the communication or the domain.
    #[error("Exstream refused the request: status {status}{fault}")]
    Refused { status: u16, fault: Fault },
    /// 408, 429, a server error, or a redirect.
    #[error("Exstream cannot serve the request now: status {status}{fault}")]
    Unavailable { status: u16, retry_after: Option<Duration>, fault: Fault },
    /// HTTP success with an answer that reports a failure and gives no status.
    #[error("Exstream reports a failed composition{0}")]
    Failed(Fault),
    /// HTTP success from something that does not speak the adapter's language, such as a maintenance page.
    #[error("the answer is not one of Exstream's: {0}")]
    Unintelligible(&'static str),
    /// The JSON of a success answer ends in the middle.
    #[error("Exstream's answer of {received} bytes is cut off")]
    CutOff { received: usize },
    #[error("Exstream's answer is larger than the {limit} bytes the shop allows")]
    TooLarge { limit: usize },
    #[error("Exstream reports success and returns no output")]
    NoOutput,
    #[error("output {index} has no content")]
    NoContent { index: usize },
    #[error("the content of output {index} is not base64")]
    Undecodable { index: usize },
    #[error("expected {expected}, got {found}")]
    UnexpectedMediaType { expected: String, found: String },
    /// One of several outputs. Names types and queues, which are the template's.
    #[error("the composition has no output {wanted}; it has {found}")]
    MissingOutput { wanted: String, found: String },
    #[error("the page that Exstream made is not whole: {0}")]
    Page(#[source] PageError),
    /// Several documents where one is meant: nobody can say which of them the customer should get.
    #[error(
        "Exstream returned {count} outputs of {media_type}: configure the communication to make one, or `outputs` with the queue of each"
    )]
    SeveralOutputs { media_type: String, count: usize },
    /// The bytes contradict the media type they were announced with.
    #[error("the output does not look like {expected}")]
    NotTheType { expected: String },
    #[error("template {communication} must be version {pinned}; the latest approved version is {}", version(*.found))]
    PinMismatch { communication: String, pinned: u32, found: Option<u32> },
    #[error("template {communication} must be version {pinned}, which cannot be looked up")]
    PinUnchecked { communication: String, pinned: u32, source: Option<Arc<ExstreamError>> },
    #[error(
        "template {communication} must consist of the parts with the hash {pinned}; the {count} parts in force have \
         the hash {found}: compare them in the design service, and set parts_pin to the second hash if they are right"
    )]
    PartsMismatch { communication: String, pinned: String, found: String, count: u32 },
    #[error(
        "template {communication} must consist of the parts with the hash {pinned}, which cannot be looked up"
    )]
    PartsUnchecked { communication: String, pinned: String, source: Option<Arc<ExstreamError>> },
}

impl Classify for ExstreamError {
    /// Where an operator can fix the cause (settings, credentials, a communication Exstream does not know, a
    /// template of another version or with other outputs, a page without its pictures), work waits and continues once it is fixed. Any other
    /// success answer without a usable document is permanent: the same driver data and template give the same
    /// answer. A reported failure without a status may be either, and
    /// trying again costs less than a document that is never made.
    fn class(&self) -> Class {
        match self {
            Self::Token(error) => error.class(),
            Self::Exchange(error) => error.class(),
            Self::Unavailable { retry_after, .. } => Class::Transient { retry_after: *retry_after },
            Self::Settings(_)
            | Self::Unauthorized { .. }
            | Self::Refused { status: 404, .. }
            | Self::Failed(_)
            | Self::Unintelligible(_)
            | Self::UnexpectedMediaType { .. }
            | Self::SeveralOutputs { .. }
            | Self::MissingOutput { .. }
            | Self::Page(_)
            | Self::PinMismatch { .. }
            | Self::PinUnchecked { .. }
            | Self::PartsMismatch { .. }
            | Self::PartsUnchecked { .. } => Class::transient(),
            Self::CutOff { .. } => Class::Unknown,
            Self::Driver(_)
            | Self::Refused { .. }
            | Self::TooLarge { .. }
            | Self::NoOutput
            | Self::NoContent { .. }
            | Self::Undecodable { .. }
            | Self::NotTheType { .. } => Class::Permanent,
        }
    }
}

impl ExstreamError {
    /// Whether Exstream may have run the template. For a template that only composes this does not matter;
    /// for one that also sends (channel `exstream`), `true` means a repetition may be a second send.
    pub fn may_have_acted(&self) -> bool {
        match self {
            Self::Settings(_)
            | Self::Driver(_)
            | Self::Token(_)
            | Self::Unauthorized { .. }
            | Self::Refused { .. }
            | Self::PinMismatch { .. }
            | Self::PinUnchecked { .. }
            | Self::PartsMismatch { .. }
            | Self::PartsUnchecked { .. } => false,
            Self::Exchange(error) => error.class() == Class::Unknown,
            Self::Unavailable { status, .. } => *status >= 500,
            Self::Failed(_)
            | Self::Unintelligible(_)
            | Self::CutOff { .. }
            | Self::TooLarge { .. }
            | Self::NoOutput
            | Self::NoContent { .. }
            | Self::Undecodable { .. }
            | Self::UnexpectedMediaType { .. }
            | Self::SeveralOutputs { .. }
            | Self::MissingOutput { .. }
            | Self::Page(_)
            | Self::NotTheType { .. } => true,
        }
    }

    /// The error a status other than success stands for.
    pub(crate) fn from_status(status: u16, retry_after: Option<Duration>, fault: Fault) -> Self {
        match status {
            401 | 403 => Self::Unauthorized { status, fault },
            408 | 429 => Self::Unavailable { status, retry_after, fault },
            400..=499 => Self::Refused { status, fault },
            // a redirect is a wrong address in the settings or a gateway's maintenance page
            _ => Self::Unavailable { status, retry_after, fault },
        }
    }
}

impl From<CallError> for ExstreamError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Token(error) => Self::Token(error),
            CallError::Exchange(ExchangeError::TooLarge { limit }) => Self::TooLarge { limit },
            CallError::Exchange(error) => Self::Exchange(error),
        }
    }
}

fn version(found: Option<u32>) -> String {
    found.map_or_else(|| "unknown to the design service".to_owned(), |version| version.to_string())
}
