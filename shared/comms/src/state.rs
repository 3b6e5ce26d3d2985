//! The states of a communication and the order they are passed in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where a communication is. It only ever moves forward; see [`State::may_become`].
///
/// ```text
/// claimed ──▶ archived (only archived: the end)
///    ├──────▶ sending ──▶ accepted ──▶ delivered | bounced
///    │           ├──────▶ unknown ──▶ accepted | failed | delivered | bounced
///    └───────────┴──────▶ failed | suppressed
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Somebody holds the lease and works on it.
    Claimed,
    /// Composed and archived, and that is all it was made for.
    Archived,
    /// A send was begun; without a delivery reference nobody knows whether it happened.
    Sending,
    /// The channel took it.
    Accepted,
    /// A delivery source says it reached the recipient.
    Delivered,
    /// A delivery source says it did not.
    Bounced,
    /// It cannot be made or sent; the reason is recorded.
    Failed,
    /// It was decided not to send it; the reason is recorded.
    Suppressed,
    /// A send may or may not have happened and the channel cannot tell.
    Unknown,
}

impl State {
    pub const ALL: [Self; 9] = [
        Self::Claimed,
        Self::Archived,
        Self::Sending,
        Self::Accepted,
        Self::Delivered,
        Self::Bounced,
        Self::Failed,
        Self::Suppressed,
        Self::Unknown,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Archived => "archived",
            Self::Sending => "sending",
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Bounced => "bounced",
            Self::Failed => "failed",
            Self::Suppressed => "suppressed",
            Self::Unknown => "unknown",
        }
    }

    /// How far along the state is. A report with a lower rank never replaces one with a higher rank.
    pub const fn rank(self) -> u8 {
        match self {
            Self::Claimed => 0,
            Self::Archived => 1,
            Self::Sending => 2,
            Self::Unknown => 3,
            Self::Accepted => 4,
            Self::Failed | Self::Suppressed => 5,
            Self::Delivered | Self::Bounced => 6,
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
            Self::Archived | Self::Delivered | Self::Bounced | Self::Failed | Self::Suppressed => false,
            Self::Sending => matches!(next, Self::Accepted | Self::Failed | Self::Suppressed | Self::Unknown),
            Self::Unknown => matches!(next, Self::Accepted | Self::Failed | Self::Delivered | Self::Bounced),
            Self::Accepted => matches!(next, Self::Delivered | Self::Bounced),
        }
    }

    /// Whether somebody may still have to work on it: a lapsed lease in such a state is taken over.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Claimed | Self::Sending)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether Shopify has been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WriteBackState {
    /// The shop does not want reports, or there is no resource to report on.
    None,
    /// A report is owed.
    Pending,
    /// Shopify took the report.
    Reported,
    /// Shopify refused the report for good; the ledger has the reason.
    Failed,
}

impl WriteBackState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pending => "pending",
            Self::Reported => "reported",
            Self::Failed => "failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_legal_move_never_lowers_the_rank() {
        for from in State::ALL {
            for to in State::ALL {
                if from.may_become(to) {
                    assert!(to.rank() > from.rank(), "{from} -> {to}");
                }
            }
        }
    }
}
