//! The states of a communication and the order they are passed in.

use crate::names;

names! {
    /// Where a communication is. It only moves forward; see [`State::may_become`].
    ///
    /// ```text
    /// claimed ──▶ archived (only archived: the end)
    ///    ├──────▶ sending ──▶ accepted ──▶ delivered ──▶ bounced
    ///    │           │           └───────────────────────────▲
    ///    │           ├──────▶ unknown ──▶ accepted | failed | delivered | bounced
    ///    └───────────┴──────▶ failed | suppressed
    /// ```
    State, "state", {
        /// Somebody holds the lease and works on it.
        Claimed = "claimed",
        /// Composed and archived, and that is all it was made for.
        Archived = "archived",
        /// A send was begun; without a delivery reference it is not known whether it happened.
        Sending = "sending",
        /// The channel took it.
        Accepted = "accepted",
        /// A delivery source says it reached the recipient.
        Delivered = "delivered",
        /// A delivery source says it did not, or that it was returned afterwards.
        Bounced = "bounced",
        /// It cannot be made or sent; the reason is recorded.
        Failed = "failed",
        /// It was decided not to send it; the reason is recorded.
        Suppressed = "suppressed",
        /// A send may or may not have happened and the channel cannot tell.
        Unknown = "unknown",
    }
}

names! {
    /// How it is known that a channel did not deliver, of a document that may be tried by the next one.
    Undelivered, "reason for the next channel", {
        /// The channel took the document and reports that it did not arrive.
        Bounced = "bounced",
        /// The channel refused it.
        Refused = "refused",
        /// The channel took it, and for a day reports nothing.
        NoOutcome = "no-outcome",
    }
}

impl State {
    /// How far along the state is. A report with a lower rank never replaces one with a higher rank.
    pub const fn rank(self) -> u8 {
        match self {
            Self::Claimed => 0,
            Self::Archived => 1,
            Self::Sending => 2,
            Self::Unknown => 3,
            Self::Accepted => 4,
            Self::Failed | Self::Suppressed => 5,
            Self::Delivered => 6,
            // comes after "delivered", and has the last word
            Self::Bounced => 7,
        }
    }

    /// Whether `next` is a legal successor. Staying in a state is not a move.
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Claimed => {
                matches!(
                    next,
                    Self::Archived | Self::Sending | Self::Accepted | Self::Failed | Self::Suppressed
                )
            }
            Self::Archived | Self::Bounced | Self::Failed | Self::Suppressed => false,
            Self::Sending => matches!(next, Self::Accepted | Self::Failed | Self::Suppressed | Self::Unknown),
            Self::Unknown => matches!(next, Self::Accepted | Self::Failed | Self::Delivered | Self::Bounced),
            Self::Accepted => matches!(next, Self::Delivered | Self::Bounced),
            Self::Delivered => matches!(next, Self::Bounced),
        }
    }

    /// Whether a channel took it, or may have.
    pub const fn was_sent(self) -> bool {
        matches!(self, Self::Accepted | Self::Delivered | Self::Bounced | Self::Unknown)
    }

    /// Whether somebody may still have to work on it: a lapsed lease in such a state is taken over.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Claimed | Self::Sending)
    }
}

names! {
    /// Whether the outcome has been reported to Shopify.
    WriteBackState, "state of a report", {
        /// The shop does not want reports, or there is no resource to report on.
        None = "none",
        /// A report is owed.
        Pending = "pending",
        /// Shopify took the report.
        Reported = "reported",
        /// Shopify refused the report for good; the ledger has the reason.
        Failed = "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_legal_move_never_lowers_the_rank() {
        for &from in State::ALL {
            for &to in State::ALL {
                if from.may_become(to) {
                    assert!(to.rank() > from.rank(), "{from} -> {to}");
                }
            }
        }
    }

    #[test]
    fn what_was_delivered_may_still_come_back_and_nothing_else() {
        for &next in State::ALL {
            assert_eq!(State::Delivered.may_become(next), next == State::Bounced, "{next}");
            assert!(!State::Bounced.may_become(next), "{next}");
        }
    }
}
