//! Why a stage stops the work on a communication.
//!
//! Whoever calls an outside service says by the constructor what the call was: one that may be made again, one that
//! comes before a send, or the send itself. So there is no `From`, and no `?` that would choose unseen.

use comms::{Class, Classify, chain};
use std::error::Error;
use work::Retry;

/// Why the work stops before the communication has come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halt {
    /// Trying again gives the same answer. The reason is recorded.
    Failed(String),
    /// The channel did not take it and never will. The reason is recorded, and the next channel may be tried.
    Refused(String),
    /// It may have been sent, and nobody can tell.
    Unknown(String),
    /// The message is delivered again.
    Retry {
        /// Says what wait the other side asks for.
        class: Class,
        /// Is logged.
        reason: String,
        /// A send was marked and did not happen.
        unsent: bool,
    },
}

impl Halt {
    /// Tried again for a reason that no error has given.
    pub fn retry(reason: impl Into<String>) -> Self {
        Self::Retry { class: Class::transient(), reason: reason.into(), unsent: false }
    }

    /// For what is put off before it is begun.
    pub fn put_off(retry: Retry) -> Self {
        let class = Class::Transient { retry_after: retry.at_least };
        Self::Retry { class, reason: retry.reason, unsent: false }
    }

    /// For a call whose effects bear repetition: what is not permanent is tried again.
    pub fn of_call(error: impl Classify + Error) -> Self {
        match error.class() {
            Class::Permanent => Self::Failed(chain(&error)),
            class => Self::Retry { class, reason: chain(&error), unsent: false },
        }
    }

    /// For a call that comes before a send, which then does not happen.
    pub fn before_send(error: impl Classify + Error) -> Self {
        match Self::of_call(error) {
            Self::Retry { class, reason, .. } => Self::Retry { class, reason, unsent: true },
            halt => halt,
        }
    }

    /// For a send: what is permanent is the channel's refusal.
    pub fn refused(self) -> Self {
        match self {
            Self::Failed(reason) => Self::Refused(reason),
            halt => halt,
        }
    }

    /// For a call that sends and cannot be asked about.
    pub fn of_send(error: impl Classify + Error) -> Self {
        match error.class() {
            Class::Permanent => Self::Failed(chain(&error)),
            Class::Unknown => Self::Unknown(chain(&error)),
            class @ (Class::Transient { .. } | Class::Stuck) => {
                Self::Retry { class, reason: chain(&error), unsent: true }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, thiserror::Error)]
    #[error("no")]
    struct Refusal(Class);

    impl Classify for Refusal {
        fn class(&self) -> Class {
            self.0
        }
    }

    /// Only a lost answer of a send leaves doubt; a send whose answer was lost is never taken for one that did not happen.
    #[test]
    fn what_the_call_was_decides_what_its_failure_means() {
        let no = || "no".to_owned();
        let retry = |class, unsent| Halt::Retry { class, reason: no(), unsent };
        let (permanent, unknown) = (Class::Permanent, Class::Unknown);
        for class in [permanent, unknown, Class::transient(), Class::Stuck] {
            let of = [Halt::of_call, Halt::before_send, Halt::of_send].map(|of| of(Refusal(class)));
            let expected = match class {
                Class::Permanent => [Halt::Failed(no()), Halt::Failed(no()), Halt::Failed(no())],
                Class::Unknown => [retry(class, false), retry(class, true), Halt::Unknown(no())],
                Class::Transient { .. } | Class::Stuck => {
                    [retry(class, false), retry(class, true), retry(class, true)]
                }
            };
            assert_eq!(of, expected, "{class:?}");
        }
    }
}
