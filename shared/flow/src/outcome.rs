//! What the stages come to, what is recorded of it, and what the batch loop is told.

use crate::{doubt::Doubt, plan::Plan};
use archive::Retention;
use comms::{CustomerKey, EmailKey, Gid, State};
use jiff::Timestamp;
use ledger::ArchivedAs;
use shop_config::Channel;
use std::borrow::Cow;
use work::{WorkItem, WriteBackItem};

/// How the stages ended that were not stopped.
#[derive(Debug)]
pub enum Conclusion {
    /// Archived, and that is all it was made for.
    Archived,
    /// A channel took it.
    Accepted {
        /// What the channel calls the delivery.
        reference: String,
    },
    /// It is not to be sent. The reason is recorded.
    Suppressed(Cow<'static, str>),
    /// It may be sent, but not before `until`.
    Postponed { until: Timestamp, reason: &'static str },
    /// Nothing is to be made of the event, and nothing is recorded.
    NotDue(Cow<'static, str>),
    /// The same, and another communication is due in its place.
    Replaced(Box<Plan>),
}

/// What the stages have found out that is recorded with an outcome.
#[derive(Debug, Default)]
pub struct OutcomeDetails {
    /// What this attempt has archived or adopted.
    pub archived: Option<ArchivedAs>,
    /// How long what this attempt has archived is locked.
    pub retention: Option<Retention>,
    pub channel: Option<Channel>,
    /// Where it goes by that channel, masked.
    pub address: Option<String>,
    pub customer: Option<CustomerKey>,
    /// What a person calls what the document is about.
    pub name: Option<String>,
    /// The keyed hash of the recipient's e-mail address.
    pub email: Option<EmailKey>,
    /// The order, customer or company location it belongs to, where the plan did not name it.
    pub reported_on: Option<Gid>,
    pub test: bool,
    pub doubt: Doubt,
    /// The channel refused the document.
    pub refused: bool,
}

/// Where a communication stands after an attempt, and what Shopify is to be told.
#[derive(Debug)]
pub struct Settled {
    pub state: State,
    pub reason: Option<String>,
    pub attempts: u32,
    /// Whether this very attempt brought it there.
    pub fresh: bool,
    pub report: Option<WriteBackItem>,
    /// The request to try the next channel.
    pub next_channel: Option<WorkItem>,
}

/// What an attempt came to. Neither, if nothing is to be made and nothing was recorded.
#[derive(Debug, Default)]
pub struct AttemptOutcome {
    pub settled: Option<Settled>,
    /// What is due in this communication's place.
    pub replacement: Option<Plan>,
}

impl From<Settled> for AttemptOutcome {
    fn from(settled: Settled) -> Self {
        Self { settled: Some(settled), replacement: None }
    }
}
