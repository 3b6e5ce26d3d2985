//! What a person decides about a communication, with their name and reason: that a document is made that waits for it
//! (`request.rs`), that it is issued again (`resend.rs`), what
//! became of a send whose outcome is unknown (`settle.rs`), or that its evidence is held (`hold.rs`). And what they want to know before: why it was or was not
//! sent (`why.rs`), and which communications there are (`find.rs`). What a person does to the deployment as a whole is on
//! record in the operations bucket (`audit.rs`).
//!
//! `ctl` and the console decide through this library, so that both refuse the same and leave the same evidence: a decision
//! is a fact in the archive before anything follows from it (`evidence.rs`). It asks the ledger and the configuration; what
//! is to be queued it hands back to the caller, who alone knows the queues. A caller that dies before it has queued leaves
//! the fact of a request that was never carried out, or a settled communication whose report is queued by deciding the
//! same again.

mod audit;
mod evidence;
mod find;
mod hold;
mod request;
mod resend;
mod settle;
mod why;

pub use audit::{AuditEntry, AuditError, Stage};
pub use find::{By, Question, find};
pub use hold::{Matter, hold, matters, release};
pub use request::{DocumentRequest, Requested, request};
pub use resend::{Reissue, ResendRequest, resend};
pub use settle::{Settled, can_settle_as, settle};
pub use why::{why, why_not_again, why_nothing};

use archive::ArchiveError;
use comms::{Document, State, is_one_line};
use delivery::InvalidAddress;
use ledger::LedgerError;
use shop_config::ConfigError;

/// Who decides, and why. Both become evidence, and support agents see them in Shopify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    actor: String,
    reason: String,
}

/// A name or a reason that cannot become evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the {what} needs 1 to {} bytes on one line", Decision::MOST)]
pub struct InvalidDecision {
    /// `actor` or `reason`.
    pub what: &'static str,
}

impl Decision {
    /// The most bytes of each.
    pub const MOST: usize = 200;

    /// # Errors
    /// When one of them is empty, too long, or not one visible line.
    pub fn new(actor: String, reason: String) -> Result<Self, InvalidDecision> {
        for (what, text) in [("actor", &actor), ("reason", &reason)] {
            if text.trim().is_empty() || text.len() > Self::MOST || !is_one_line(text) {
                return Err(InvalidDecision { what });
            }
        }
        Ok(Self { actor, reason })
    }

    pub fn actor(&self) -> &str {
        &self.actor
    }

    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// As facts have it.
    pub fn fact(&self) -> archive::Decision {
        archive::Decision { actor: self.actor.clone(), reason: self.reason.clone() }
    }
}

/// Why a decision is not carried out. The messages are for the person.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("the ledger has no such communication")]
    NoSuchCommunication,
    #[error("it is {0}: wait until it has ended")]
    Open(State),
    #[error("nothing of it is archived; it can only be composed again, from what Shopify has now")]
    NothingArchived,
    #[error(
        "it is of a test order or a dry run, which is never delivered; once the dry run has ended, it can be composed \
         again from what Shopify has now"
    )]
    Rehearsed,
    #[error("it is {0}, and only what is unknown can be settled")]
    NotUnknown(State),
    #[error("nothing can be settled as {0}")]
    NoOutcome(State),
    #[error("there is no evidence of it to hold: nothing is archived, or it is of a test")]
    NoEvidence,
    #[error("the matter needs 1 to {} bytes on one line", Matter::MOST)]
    Matter,
    #[error("the document is switched off")]
    SwitchedOff,
    #[error(
        "{0} cannot be asked for: more than an order leads to it. order-confirmation, receipt and cancellation-letter can"
    )]
    NotRequestable(Document),
    #[error("it is not about an order")]
    NoOrder,
    #[error("{document} is not written in the language {language}")]
    Language { document: Document, language: String },
    #[error("it is marketing, and no consent is known for the other address")]
    Marketing,
    #[error("the document has no channel for such an address")]
    NoChannel,
    #[error("archived bytes can go to another address, a composition cannot")]
    RecomposedElsewhere,
    #[error("the corrected address is {0}")]
    Address(#[from] InvalidAddress),
    /// Nothing is known of whether it was carried out.
    #[error("the ledger did not answer")]
    Ledger(#[from] LedgerError),
    /// Nothing was done.
    #[error("the shop's configuration could not be read")]
    Config(#[from] ConfigError),
    /// Nothing was done. The fact may be there; deciding the same again adds no second one.
    #[error("the decision could not be archived")]
    Archive(#[from] ArchiveError),
}

impl Refusal {
    /// Whether the same decision may be carried out later.
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Open(_) | Self::Ledger(_) | Self::Config(_) | Self::Archive(_) => true,
            Self::NoSuchCommunication
            | Self::NothingArchived
            | Self::Rehearsed
            | Self::NotUnknown(_)
            | Self::NoOutcome(_)
            | Self::NoEvidence
            | Self::Matter
            | Self::SwitchedOff
            | Self::NotRequestable(_)
            | Self::NoOrder
            | Self::Language { .. }
            | Self::Marketing
            | Self::NoChannel
            | Self::RecomposedElsewhere
            | Self::Address(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_has_a_name_and_a_reason() {
        let decision = |actor: &str, reason: &str| Decision::new(actor.to_owned(), reason.to_owned());
        assert!(decision("ops@acme.example", "customer asked").is_ok());
        for (actor, reason, what) in [
            (" ", "x", "actor"),
            ("x", "", "reason"),
            ("x", &*"y".repeat(201), "reason"),
            ("x", "a\nb", "reason"),
            ("x", "a\u{202e}b", "reason"),
            ("a\u{9b}2J", "b", "actor"),
        ] {
            assert_eq!(decision(actor, reason), Err(InvalidDecision { what }));
        }
    }
}
