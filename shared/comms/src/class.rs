//! What a failure means for the work it interrupted.

use std::time::Duration;

/// The four answers a caller needs from any failed call, and nothing else.
///
/// A client names what happened in an error of its own; [`Classify::class`] is the one place that turns
/// that into one of these, with an exhaustive match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Trying again gives the same answer: record the failure, report it, acknowledge the message.
    Permanent,
    /// Trying again gives the same answer until a release or a person changes something: record nothing, try a few
    /// times, and leave the work among the dead letters, from where it is given back.
    Stuck,
    /// Trying again may help, for as long as it takes; not before `retry_after`, where the other side named a time.
    Transient {
        /// How long the other side asks to wait, counted from its answer.
        retry_after: Option<Duration>,
    },
    /// The other side may or may not have acted. Harmless for a call without effects (try again),
    /// never repeated blindly for a send.
    Unknown,
}

impl Class {
    /// Transient, and the other side named no time.
    pub const fn transient() -> Self {
        Self::Transient { retry_after: None }
    }
}

/// Implemented by every error that crosses a crate's border.
pub trait Classify {
    /// What the error means for the work. An exhaustive match, so that an error that is added has to decide.
    fn class(&self) -> Class;
}
