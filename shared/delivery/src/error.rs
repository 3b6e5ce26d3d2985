//! What can go wrong with a delivery, and whether it may be tried again.

use comms::{Class, Classify};
use exstream::{CallError, ExchangeError, TokenError};
use links::LinkError;
use shop_config::{Channel, Use};
use std::time::Duration;

pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Names what happened. Carries statuses and object keys; never an address, a number, a subject or a document.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    #[error("the channel's settings cannot be used: {0}")]
    Settings(&'static str),
    #[error("the recipient has no usable e-mail address")]
    NoAddress,
    #[error("the recipient has no number of a mobile telephone")]
    NoNumber,
    #[error("there is no text for the message")]
    NoText,
    #[error("the text takes {segments} segments, and {most} are allowed")]
    TooLong { segments: usize, most: usize },
    #[error("{channel} cannot carry {media_type}")]
    MediaType { channel: &'static str, media_type: String },
    #[error("nothing was composed for the channel `{channel}`: no output is for `{wanted}`")]
    NoOutput { channel: Channel, wanted: Use },
    #[error("the letter has no postal address that it could arrive at")]
    NoPostalAddress,
    #[error("the bytes to send are not the archived ones")]
    NotArchived,
    #[error("the time for the send ended before it began")]
    OutOfTime,
    #[error("no access token for Core Messaging")]
    Token(#[source] TokenError),
    #[error("calling Core Messaging")]
    Exchange(#[source] ExchangeError),
    #[error("Core Messaging does not accept the credentials: status {status}")]
    Unauthorized { status: u16 },
    /// Core Messaging says the request itself is wrong.
    #[error("Core Messaging refused the request: status {status}")]
    Refused { status: u16 },
    /// Core Messaging says, in a way that leaves no doubt, that it did not take the request.
    #[error("Core Messaging cannot serve the request now: status {status}")]
    Unavailable { status: u16, retry_after: Option<Duration> },
    /// A failure status that a message may have been accepted before.
    #[error("Core Messaging may have accepted the message: status {status}")]
    Unclear { status: u16 },
    /// A success answer without the job id that would prove it.
    #[error("Core Messaging reports success without a job id: status {status}")]
    NoReference { status: u16 },
    #[error("Core Messaging's answer about a job is not the documented JSON")]
    Unintelligible,
    /// Publishing bears repetition.
    #[error("publishing the page")]
    Page(#[from] LinkError),
    /// A person has taken it back, or its time has ended; either way it is not published again by itself.
    #[error("the page {0}")]
    PageEnded(&'static str),
    #[error("the print spool holds something else under {key}")]
    SpoolConflict { key: String },
    /// Spooling may have happened: the answer of S3 may have been lost after the manifest was put. Spooling
    /// again is harmless, and [`crate::Channels::ask`] can tell; a caller that gives up must ask first.
    #[error("{doing} {key} in the print spool")]
    Spool { doing: &'static str, key: String, source: Cause },
}

impl DeliveryError {
    /// A channel that cannot carry what was composed.
    pub(crate) fn media_type(channel: Channel, media_type: &str) -> Self {
        let media_type = media_type.chars().filter(char::is_ascii_graphic).take(80).collect();
        Self::MediaType { channel: channel.name(), media_type }
    }
}

impl Classify for DeliveryError {
    /// Unknown is everything after which a message may be on its way and nobody can tell. A spool failure may
    /// have been a success, too, but spooling is idempotent and can be asked about, so it is tried again. What an
    /// operator can fix waits and continues once it is fixed.
    fn class(&self) -> Class {
        match self {
            Self::Token(error) => error.class(),
            Self::Exchange(error) => error.class(),
            Self::Page(error) => error.class(),
            Self::Unavailable { retry_after, .. } => Class::Transient { retry_after: *retry_after },
            Self::Settings(_)
            | Self::Unauthorized { .. }
            | Self::Unintelligible
            | Self::OutOfTime
            | Self::Spool { .. } => Class::transient(),
            Self::Unclear { .. } | Self::NoReference { .. } => Class::Unknown,
            Self::NoAddress
            | Self::NoNumber
            | Self::NoText
            | Self::TooLong { .. }
            | Self::PageEnded(_)
            | Self::NoPostalAddress
            | Self::MediaType { .. }
            | Self::NoOutput { .. }
            | Self::NotArchived
            | Self::Refused { .. }
            | Self::SpoolConflict { .. } => Class::Permanent,
        }
    }
}

impl From<CallError> for DeliveryError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Token(error) => Self::Token(error),
            CallError::Exchange(error) => Self::Exchange(error),
        }
    }
}
