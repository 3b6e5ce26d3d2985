//! Stage 7: recording what became of a communication, or giving it back.
//!
//! Only here is an outcome written, so here alone it is seen to that nothing but `unknown` or `accepted` follows an
//! open doubt, that an archived document is answered for, and that Shopify is told of what is recorded.

use crate::{
    context::{Attempt, channel_of},
    doubt::Doubt,
    facts::{self, OutcomeFact},
    fault,
    halt::Halt,
    left_behind::{self, LeftBehind},
    next_channel,
    outcome::{AttemptOutcome, Conclusion, OutcomeDetails, Settled},
    report,
};
use comms::{Class, Classify, State, WriteBackState, chain};
use jiff::Timestamp;
use ledger::{ArchivedAs, Entry, Lease, Outcome};
use shop_config::Channel;
use std::time::Duration;
use work::{Retry, WriteBackItem};

/// After this long a channel may know what became of what it took.
const FIRST_CHECK: Duration = Duration::from_secs(5 * 60);

/// Records how the stages ended; or lets go of the lease, so that the retry need not wait for it to lapse.
///
/// # Errors
/// When the message is to be delivered again: for the reason that stopped the stages, or because the ledger or the
/// archive does not answer.
pub async fn complete(
    attempt: &Attempt<'_>,
    lease: &Lease,
    result: Result<Conclusion, Halt>,
    details: OutcomeDetails,
) -> Result<AttemptOutcome, Retry> {
    let completion = Completion { attempt, lease, details };
    match result {
        Ok(Conclusion::Archived) => completion.record(State::Archived, None, None).await.map(Into::into),
        Ok(Conclusion::Accepted { reference }) => {
            completion.record(State::Accepted, Some(&reference), None).await.map(Into::into)
        }
        Ok(Conclusion::Suppressed(reason)) => completion.suppress(&reason).await.map(Into::into),
        Ok(Conclusion::Postponed { until, reason }) => {
            let after = Duration::try_from(until.duration_since(attempt.now())).ok();
            let retry = completion.give_back(false, Class::transient(), reason.to_owned()).await;
            Err(Retry { after, ..retry })
        }
        Ok(Conclusion::NotDue(reason)) => {
            let settled = completion.forget(&reason).await?;
            Ok(AttemptOutcome { settled, replacement: None })
        }
        Ok(Conclusion::Replaced(plan)) => {
            let settled = completion.forget("overtaken by a later change").await?;
            Ok(AttemptOutcome { settled, replacement: Some(*plan) })
        }
        Err(halt) => completion.halt(halt).await.map(Into::into),
    }
}

struct Completion<'a> {
    attempt: &'a Attempt<'a>,
    lease: &'a Lease,
    details: OutcomeDetails,
}

impl Completion<'_> {
    async fn halt(mut self, halt: Halt) -> Result<Settled, Retry> {
        match halt {
            Halt::Failed(reason) => self.record(State::Failed, None, Some(&reason)).await,
            Halt::Refused(reason) => {
                self.details.refused = true;
                self.record(State::Failed, None, Some(&reason)).await
            }
            // one more copy, if the shop wants it so; the mark stays, so nothing else can happen in between
            Halt::Unknown(reason) if self.attempt.may_resend(self.lease.entry.sends + 1) => {
                Err(self.give_back(false, Class::transient(), reason).await)
            }
            Halt::Unknown(reason) => self.record(State::Unknown, None, Some(&reason)).await,
            Halt::Retry { class, reason, unsent } => {
                // that this send did not happen says nothing of one before it
                let unsent = unsent && self.details.doubt == Doubt::None;
                Err(self.give_back(unsent, class, reason).await)
            }
        }
    }

    async fn suppress(self, reason: &str) -> Result<Settled, Retry> {
        self.record(State::Suppressed, None, Some(reason)).await
    }

    /// Nothing is recorded of it, unless it may have been sent or an earlier attempt has archived a document:
    /// neither is nothing.
    async fn forget(mut self, reason: &str) -> Result<Option<Settled>, Retry> {
        if self.details.doubt != Doubt::None {
            return self.suppress(reason).await.map(Some);
        }
        match self.left_behind().await? {
            LeftBehind::Nothing => {}
            LeftBehind::Document => return self.suppress(reason).await.map(Some),
            LeftBehind::Proven(archived) => {
                self.details.archived = Some(archived);
                return self.suppress(reason).await.map(Some);
            }
        }
        self.attempt.clients.ledger.forget(self.lease).await?;
        let Attempt { item, plan, communication, .. } = self.attempt;
        let (shop, flow, document) = (&item.shop, item.flow, plan.document);
        tracing::info!(%shop, %flow, %document, %communication, state = "nothing", reason);
        Ok(None)
    }

    async fn left_behind(&self) -> Result<LeftBehind, Retry> {
        match left_behind::look(self.attempt, self.lease).await {
            Ok(found) => Ok(found),
            Err(error) => Err(self.give_back(false, error.class(), chain(&error)).await),
        }
    }

    /// Lets go of the lease, so that the retry need not wait for it to lapse.
    async fn give_back(&self, unsent: bool, class: Class, reason: String) -> Retry {
        // if this fails, too, the lease lapses by itself
        if let Err(error) = self.attempt.clients.ledger.release(self.lease, unsent, self.attempt.now()).await
        {
            tracing::debug!(error = %error, "lease not released");
        }
        Retry::because(class, reason)
    }

    async fn record(
        self,
        state: State,
        reference: Option<&str>,
        reason: Option<&str>,
    ) -> Result<Settled, Retry> {
        let Attempt { clients, loaded, plan, communication, .. } = self.attempt;
        let details = &self.details;
        let state = details.doubt.recorded(state);
        let archived = match &details.archived {
            Some(archived) => Some(archived.clone()),
            None => self.left_behind().await?.proven(),
        };
        let unproven = self.prove(archived.as_ref(), OutcomeFact { state, reference, reason }).await;
        fault::point("fact");
        let now = self.attempt.now();
        let reported_on = details.reported_on.as_ref().unwrap_or(&plan.reported_on);
        let write_back = report::owed(&loaded.config, reported_on, details.test);
        let outcome = Outcome {
            archived: archived.as_ref(),
            channel: details.channel.map(Channel::name),
            reference,
            reason,
            customer: details.customer.as_ref(),
            name: details.name.as_deref(),
            email: details.email.as_ref(),
            write_back: Some(write_back),
            reported_on: details.reported_on.as_ref(),
            check_at: self.check_at(state, now),
        };
        if let Err(error) = clients.ledger.complete(self.lease, state, &outcome, now).await {
            if let Some(reference) = reference {
                // the one thing nobody could find again
                tracing::error!(%communication, reference, error = %chain(&error), "accepted, not recorded");
            }
            return Err(error.into());
        }
        fault::point("complete");
        if let Some(retry) = unproven {
            return Err(retry);
        }
        let (is_reported, refused) = (write_back == WriteBackState::Pending, details.refused);
        let entry = (is_reported || refused).then(|| self.recorded(state, archived, reference, reason, now));
        let report = entry.as_ref().filter(|_| is_reported).map(|entry| self.report(entry));
        let next_channel =
            entry.as_ref().filter(|_| refused).and_then(|it| next_channel::item(it, &loaded.config));
        let (reason, attempts) = (reason.map(str::to_owned), self.lease.entry.attempts);
        Ok(Settled { state, reason, attempts, fresh: true, report, next_channel })
    }

    /// Adds the fact of the outcome; why the message has to be delivered again once the outcome is recorded, so that it is
    /// added then.
    async fn prove(&self, archived: Option<&ArchivedAs>, outcome: OutcomeFact<'_>) -> Option<Retry> {
        let added = facts::add(self.attempt, self.lease, &self.details, archived?, outcome).await;
        let (error, communication) = (added.err()?, self.attempt.communication);
        tracing::error!(%communication, error = %chain(&error), "the fact of its outcome is not archived");
        (error.class() != Class::Permanent).then(|| Retry::because(error.class(), chain(&error)))
    }

    /// When the channel is to be asked what became of it, if it is one that can say.
    fn check_at(&self, state: State, now: Timestamp) -> Option<Timestamp> {
        let channel = self.details.channel.or_else(|| channel_of(&self.lease.entry));
        (state == State::Accepted && channel.is_some_and(Channel::is_messaging))
            .then(|| now.checked_add(FIRST_CHECK).unwrap_or(now))
    }

    /// The entry as it was just recorded.
    fn recorded(
        &self,
        state: State,
        archived: Option<ArchivedAs>,
        reference: Option<&str>,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Entry {
        let mut entry = self.lease.entry.clone();
        entry.state = state;
        entry.updated_epoch_ms = now.as_millisecond();
        entry.archived = archived.or(entry.archived);
        entry.channel = self.details.channel.map(|channel| channel.name().to_owned()).or(entry.channel);
        entry.reference = reference.map(str::to_owned).or(entry.reference);
        entry.reason = reason.map(str::to_owned);
        // only what a channel was asked to take can be refused
        entry.sends = entry.sends.saturating_add(u32::from(self.details.refused));
        if let Some(resource) = &self.details.reported_on {
            entry.reported_on = resource.clone();
        }
        entry
    }

    /// The report of what was just recorded.
    fn report(&self, entry: &Entry) -> WriteBackItem {
        WriteBackItem {
            // what was not sent went nowhere
            address: self.details.address.clone().filter(|_| entry.state.was_sent()),
            ..report::attempted(self.attempt, entry)
        }
    }
}
