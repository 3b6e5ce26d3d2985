//! What can go wrong with links.

use crate::Unpublishable;
use comms::{Class, Classify, CommunicationId};

type Cause = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error("{doing} in the table of links")]
    Request { doing: &'static str, source: Cause },
    /// Another release may read it.
    #[error("the item of {what} in the table of links cannot be read")]
    Malformed { what: &'static str, source: Cause },
    #[error(transparent)]
    Unpublishable(#[from] Unpublishable),
    /// The key was changed since the link was made, so its token is not known any more.
    #[error("the link of {0} was made with another key: only a replacement can be sent")]
    KeyChanged(CommunicationId),
    /// Another request changed the link at the same time.
    #[error("the link of {0} is being changed by another request")]
    Changed(CommunicationId),
}

impl Classify for LinkError {
    fn class(&self) -> Class {
        match self {
            // publishing and replacing bear repetition
            Self::Request { .. } | Self::Changed(_) => Class::transient(),
            Self::Malformed { .. } => Class::Stuck,
            // a person has to replace the link
            Self::KeyChanged(_) | Self::Unpublishable(_) => Class::Permanent,
        }
    }
}
