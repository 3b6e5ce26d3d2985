//! Doubt about a send, and what it forbids.

use comms::State;

/// What is known of a send that an earlier attempt may have begun.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Doubt {
    /// No send was begun, or it certainly did not happen.
    #[default]
    None,
    /// It may have happened; the shop has chosen to send again, or nobody could be asked.
    Open,
    /// It happened.
    Sent {
        /// What the channel calls the delivery.
        reference: String,
    },
    /// Exstream sent it while composing, and its answer is in the archive; the record may be missing.
    SentByExstream,
}

impl Doubt {
    /// The state to record where the work came to `state`: what may have been sent is never recorded as not sent.
    pub fn recorded(&self, state: State) -> State {
        match state {
            State::Failed | State::Suppressed if *self != Self::None => State::Unknown,
            state => state,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_been_sent_never_ends_as_not_sent() {
        let sent = Doubt::Sent { reference: "r".to_owned() };
        for doubt in [Doubt::Open, sent, Doubt::SentByExstream] {
            for state in [State::Failed, State::Suppressed, State::Unknown] {
                assert_eq!(doubt.recorded(state), State::Unknown, "{doubt:?} {state}");
            }
            assert_eq!(doubt.recorded(State::Accepted), State::Accepted);
        }
        for state in State::ALL {
            assert_eq!(Doubt::None.recorded(*state), *state);
        }
    }
}
