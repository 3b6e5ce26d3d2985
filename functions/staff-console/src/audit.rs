//! The trace of every reading and action: who, what, and of which communication. Left before anything is shown or done: what
//! leaves no trace does not happen.
//!
//! A line in the log names the account as the provider calls it and never an address. Whoever reads a document, its record or
//! its evidence, or has it sent again, is also on record in the archive, locked like the evidence itself: where that entry
//! cannot be put, nothing is shown. A crash leaves at most an entry of what was not shown.

use crate::person::Person;
use archive::{Access, AccessKind, AccessLog, ArchiveError};
use comms::{ShopDomain, one_line};
use jiff::Timestamp;
use ledger::Entry;

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Search,
    /// A customer's own links.
    SeeOwn,
    /// What the ledger says of a communication.
    SeeState,
    /// The same with what its record says.
    See,
    SeeEvidence,
    Open,
    Print,
    Resend,
    SeeHolds,
    Hold,
    Release,
    Settle,
    SeeOperations,
    Redrive,
    Discard,
}

impl Act {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::SeeOwn => "see-own",
            Self::SeeState => "see-state",
            Self::See => "see",
            Self::SeeEvidence => "see-evidence",
            Self::Open => "open",
            Self::Print => "print",
            Self::Resend => "resend",
            Self::SeeHolds => "see-holds",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Settle => "settle",
            Self::SeeOperations => "see-operations",
            Self::Redrive => "redrive",
            Self::Discard => "discard",
        }
    }

    /// What of the archive is read or handed out. Settling, holding and releasing are facts of their own.
    const fn reads(self) -> Option<AccessKind> {
        match self {
            Self::See | Self::SeeEvidence => Some(AccessKind::Record),
            Self::Open | Self::Print => Some(AccessKind::Document),
            Self::Resend => Some(AccessKind::Resend),
            Self::Search
            | Self::SeeOwn
            | Self::SeeState
            | Self::SeeHolds
            | Self::Hold
            | Self::Release
            | Self::Settle
            | Self::SeeOperations
            | Self::Redrive
            | Self::Discard => None,
        }
    }
}

pub struct Audit {
    log: AccessLog,
}

impl Audit {
    pub const fn new(log: AccessLog) -> Self {
        Self { log }
    }

    /// What concerns no single communication.
    pub fn note(&self, person: &Person, act: Act, shop: Option<&ShopDomain>) {
        let (person, act) = (one_line(&person.subject), act.name());
        tracing::info!(person, act, shop = shop.map(ShopDomain::as_str), "audit");
    }

    /// What somebody is about to read or do with a communication, and why, if they say it.
    ///
    /// # Errors
    /// When the archive does not take the entry. Show and do nothing then.
    pub async fn record(
        &self,
        subject: &str,
        act: Act,
        entry: &Entry,
        why: Option<&str>,
    ) -> Result<(), ArchiveError> {
        let Entry { shop, communication, document, .. } = entry;
        let person = one_line(subject);
        tracing::info!(
            person,
            act = act.name(),
            shop = shop.as_str(),
            communication = communication.as_str(),
            document = document.name(),
            "audit"
        );
        let Some(what) = act.reads() else { return Ok(()) };
        let access = Access {
            actor: subject.to_owned(),
            communication: communication.clone(),
            what,
            why: why.filter(|why| !why.trim().is_empty()).unwrap_or(act.name()).to_owned(),
            by: "console".to_owned(),
        };
        self.log.record_access(shop, &access, Timestamp::now()).await?;
        Ok(())
    }

    pub fn log_in(&self, subject: &str) {
        let person = one_line(subject);
        tracing::info!(person, act = "log-in", "audit");
    }
}
