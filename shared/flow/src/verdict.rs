//! Whether a document may be written, in the same words for every document, and what the pipeline makes of it.
//!
//! A document's own file judges: a pure function from what Shopify has now to a [`Verdict`]. What ends the work is a
//! [`Stop`], so that [`Verdict::or_stop`] and `?` leave the document's `gather`. Here is the only place that says what
//! the pipeline does about each.

use crate::{content::Content, gather::Gather, gather_error::GatherError, plan::Plan};
use comms::{Class, Gid};
use jiff::Timestamp;
use std::{borrow::Cow, time::Duration};

/// Whether a document may be written, from what is known now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Write,
    /// It is not sent, on purpose and for good: the reason is recorded and shown in Shopify, and no later event makes
    /// this communication. Only for what can never become due again.
    Suppress(&'static str),
    /// Not due now: too early, or not what this event is about. Nothing is recorded, so that a later event, or
    /// reconciliation, can make the same communication.
    NotDue(&'static str),
    /// Too early to tell: the work is delivered again at that time, for the reason.
    WaitUntil(Timestamp, &'static str),
    /// What the event told of is no longer so, and this is due in its place. Nothing is recorded of the plan that was
    /// asked for. If the other one was made before, it stays made once.
    ReplaceBy(Box<Plan>),
}

impl Verdict {
    /// Continues where the document may be written. `reported_on` is the order, customer or company location that is
    /// told of a suppression, where the plan may not have named it.
    ///
    /// # Errors
    /// Everything but [`Verdict::Write`] ends the work on the document.
    pub fn or_stop(self, gather: &Gather<'_>, reported_on: Option<&Gid>) -> Result<(), Stop> {
        match self {
            Self::Write => Ok(()),
            Self::Suppress(reason) => {
                let reported_on = reported_on.cloned();
                Err(Stop::Ended(Gathered::Suppressed { reason: reason.into(), reported_on }))
            }
            Self::NotDue(reason) => Err(Stop::not_due(reason)),
            Self::WaitUntil(until, reason) => {
                let wait = Duration::try_from(until.duration_since(gather.now)).unwrap_or_default();
                let class = Class::Transient { retry_after: Some(wait) };
                Err(GatherError { class, reason: reason.to_owned() }.into())
            }
            Self::ReplaceBy(plan) => Err(Stop::Ended(Gathered::Replaced(plan))),
        }
    }
}

/// Why a document's `gather` ends without the document.
pub enum Stop {
    /// There is none to be made.
    Ended(Gathered),
    /// It could not be made.
    Failed(GatherError),
}

impl Stop {
    /// As [`Verdict::Suppress`], on what the plan names.
    pub fn suppressed(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Ended(Gathered::suppressed(reason))
    }

    /// As [`Verdict::NotDue`].
    pub fn not_due(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Ended(Gathered::NotDue(reason.into()))
    }
}

impl<E: Into<GatherError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// What became of a plan, for the pipeline.
pub enum Gathered {
    /// The document, to be composed.
    Ready(Box<Content>),
    /// See [`Verdict::Suppress`].
    Suppressed {
        /// As recorded, and shown in Shopify.
        reason: Cow<'static, str>,
        /// On what it is reported, if the plan did not name it.
        reported_on: Option<Gid>,
    },
    /// See [`Verdict::NotDue`].
    NotDue(Cow<'static, str>),
    /// See [`Verdict::ReplaceBy`].
    Replaced(Box<Plan>),
}

impl Gathered {
    /// Suppressed, on what the plan names.
    pub fn suppressed(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Suppressed { reason: reason.into(), reported_on: None }
    }

    /// What a document's `gather` came to.
    ///
    /// # Errors
    /// When the document could not be made.
    pub fn of(made: Result<Content, Stop>) -> Result<Self, GatherError> {
        match made {
            Ok(content) => Ok(Self::Ready(Box::new(content))),
            Err(Stop::Ended(gathered)) => Ok(gathered),
            Err(Stop::Failed(error)) => Err(error),
        }
    }
}
