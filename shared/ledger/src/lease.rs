//! The right to work on a communication, and what its holder can tell from an item.

use crate::Entry;
use comms::State;

/// The right to move one communication's state.
#[derive(Debug)]
pub struct Lease {
    /// The communication as the claim found it, with this lease in it.
    pub entry: Entry,
}

impl Lease {
    /// Whether an earlier holder began and did not finish.
    pub fn is_takeover(&self) -> bool {
        self.entry.attempts > 1
    }

    /// What is known of a send that an earlier holder began.
    pub fn send_mark(&self) -> SendMark {
        match (self.entry.state, self.entry.unsent) {
            (State::Sending, false) => SendMark::MayHaveHappened,
            (State::Sending, true) => SendMark::DidNotHappen,
            _ => SendMark::NeverBegun,
        }
    }

    /// Whether `entry` is what this lease's holder made of it by moving it to `state`.
    ///
    /// An end leaves no holder. But as each claim counts as an attempt, and only the holder of the latest moves the
    /// state, an item that has ended with this lease's attempt was ended by its holder, whatever became of it since.
    pub(crate) fn has_made(&self, state: State, entry: &Entry) -> bool {
        let Entry { created_epoch_ms, attempts, .. } = self.entry;
        let is_this_lease = (entry.created_epoch_ms, entry.attempts) == (created_epoch_ms, attempts);
        is_this_lease
            && match state {
                State::Sending => {
                    let is_marked = entry.state == state && !entry.unsent;
                    is_marked
                        && entry.lease_holder == self.entry.lease_holder
                        && entry.sends == self.entry.sends + 1
                }
                _ => !entry.state.is_open() && (entry.state == state || state.may_become(entry.state)),
            }
    }
}

/// What the ledger says of a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendMark {
    /// No send was begun.
    NeverBegun,
    /// One was begun, and certainly did not happen.
    DidNotHappen,
    /// One was begun, and nothing more is known: ask the channel before sending.
    MayHaveHappened,
}
