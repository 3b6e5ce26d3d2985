//! `ctl resend` and `ctl settle`: what a person decides about a communication, with their name and reason.

use crate::{access, failure::Failure, out::say, stack::Stack, table};
use archive::{AccessKind, Fact, FactKind, RecordRef};
use comms::{CommunicationId, MessageClass, Revision, State, is_one_line};
use delivery::Address;
use flow::report;
use jiff::{Timestamp, tz::TimeZone};
use ledger::Entry;
use shop_config::ShopConfig;
use std::{process::ExitCode, time::Duration};
use work::{Message, Resend, Trigger, WorkItem};

/// Who decides, and why. Both become evidence.
#[derive(clap::Args)]
pub struct Decision {
    /// Who asks for it: a name or an account that your organisation can find again.
    #[arg(long, env = "CTL_ACTOR")]
    pub actor: String,
    /// Why, in a few words, without anything personal: support agents see it in Shopify.
    #[arg(long)]
    pub reason: String,
}

impl Decision {
    const MOST: usize = 200;

    /// As facts have it.
    pub fn fact(&self) -> archive::Decision {
        archive::Decision { actor: self.actor.clone(), reason: self.reason.clone() }
    }

    pub fn check(&self) -> Result<(), Failure> {
        for (name, text) in [("--actor", &self.actor), ("--reason", &self.reason)] {
            if text.trim().is_empty() || text.len() > Self::MOST || !is_one_line(text) {
                return Err(format!("{name} needs 1 to {} bytes on one line", Self::MOST).into());
            }
        }
        Ok(())
    }
}

/// What is asked for of another issue.
pub struct Request {
    pub decision: Decision,
    pub recompose: bool,
    /// A corrected e-mail address or number.
    pub to: Option<String>,
}

/// Whether the document may go there: the flow asks the same again.
fn reaches(to: &Address, entry: &Entry, config: &ShopConfig) -> Result<(), Failure> {
    let settings = config.document(entry.document).ok_or("the document is switched off")?;
    if settings.class(entry.document) == MessageClass::Marketing {
        return Err("it is marketing, and no consent is known for the other address".into());
    }
    if !settings.channels.iter().any(|channel| to.fits(*channel)) {
        return Err("the document has no channel for such an address".into());
    }
    Ok(())
}

/// Queues another issue of a communication, and waits for it.
pub async fn resend(
    stack: &Stack,
    id: &CommunicationId,
    request: Request,
    wait: Option<Duration>,
) -> Result<ExitCode, Failure> {
    request.decision.check()?;
    let to = request.to.as_deref().map(str::parse::<Address>).transpose()?;
    let entry = stack.ledger.get(id).await?.ok_or("the ledger has no such communication")?;
    if entry.state.is_open() {
        return Err(format!("it is {}: wait until it has ended", entry.state).into());
    }
    if !request.recompose {
        has_bytes(&entry)?;
    }
    if let Some(to) = &to {
        reaches(to, &entry, &stack.configs().get(&entry.shop, Timestamp::now()).await?.config)?;
    }
    let now = Timestamp::now();
    let revision =
        Revision::named(format!("resend-{}", now.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ")));
    let issue = CommunicationId::derive(&entry.shop, entry.document, &entry.subject, &revision);
    access::record(stack, &entry.shop, id, AccessKind::Resend, &request.decision).await?;
    let fact = Fact { issue: Some(issue.clone()), ..decided(FactKind::Reissued, &request.decision, now) };
    add_fact(stack, &entry, &fact, now).await?;
    let item = item(&entry, &issue, revision, request, now);
    stack.queue(entry.flow.name())?.send(&Message::of(&item)?).await?;
    say!("{issue}  another issue of {id} is on its way");
    match wait {
        Some(wait) => table::settle(stack, &[issue], false, wait).await,
        None => Ok(ExitCode::SUCCESS),
    }
}

/// A decision as a fact.
fn decided(kind: FactKind, decision: &Decision, now: Timestamp) -> Fact {
    Fact { decision: Some(decision.fact()), ..Fact::new(kind, now) }
}

/// Adds a fact to what is archived of a communication. Of a test, or where nothing is archived, there is nothing to add to.
async fn add_fact(stack: &Stack, entry: &Entry, fact: &Fact, now: Timestamp) -> Result<(), Failure> {
    let Some(archived) = entry.archived.as_ref().filter(|it| !archive::is_test(&it.archive_key)) else {
        return Ok(());
    };
    let (version, sha256) = (&archived.record_version, &archived.record_sha256);
    let record = RecordRef::beside(&archived.archive_key, &entry.communication, version, sha256);
    stack.archive.add_fact(&record, fact, now).await?;
    Ok(())
}

/// Whether there is something archived that may go out.
fn has_bytes(entry: &Entry) -> Result<(), Failure> {
    match &entry.archived {
        None => Err("nothing of it is archived; --recompose makes it from what Shopify has now".into()),
        Some(archived) if archive::is_test(&archived.archive_key) => Err(
            "it is of a test order or a dry run, which is never delivered; once the dry run has ended, --recompose \
             makes a real one from what Shopify has now"
                .into(),
        ),
        Some(_) => Ok(()),
    }
}

fn item(
    entry: &Entry,
    issue: &CommunicationId,
    revision: Revision,
    request: Request,
    now: Timestamp,
) -> WorkItem {
    let Request { decision: Decision { actor, reason }, recompose, to } = request;
    WorkItem {
        v: WorkItem::VERSION,
        shop: entry.shop.clone(),
        flow: entry.flow,
        trigger: Trigger {
            topic: "resend".to_owned(),
            webhook_id: format!("resend-{issue}"),
            event_id: None,
            triggered_at: Some(now),
            test: false,
        },
        subject: entry.subject.clone(),
        payload: None,
        payload_key: None,
        resend: Some(Resend { of: entry.communication.clone(), revision, actor, reason, recompose, to }),
        next_channel: None,
    }
}

/// Records what became of a send whose outcome is unknown, and reports it to Shopify.
pub async fn settle(
    stack: &Stack,
    id: &CommunicationId,
    state: State,
    decision: Decision,
) -> Result<ExitCode, Failure> {
    decision.check()?;
    let entry = stack.ledger.get(id).await?.ok_or("the ledger has no such communication")?;
    let now = Timestamp::now();
    let loaded = stack.configs().get(&entry.shop, now).await?;
    let test = entry.archived.as_ref().is_some_and(|archived| archive::is_test(&archived.archive_key));
    let owed = report::owed(&loaded.config, &entry.reported_on, test);
    let reason = format!("{}: {}", decision.actor, decision.reason);
    if entry.state == State::Unknown && State::Unknown.may_become(state) {
        // in full, before the ledger has its beginning: after a death in between, the same command does the rest
        let fact = Fact { settled_as: Some(state), ..decided(FactKind::Settled, &decision, now) };
        add_fact(stack, &entry, &fact, now).await?;
    }
    let settled = stack.ledger.settle(id, state, &reason, owed, now).await?;
    let entry = match settled {
        Some(entry) => entry,
        // recorded by an earlier try that got no further
        None => match stack.ledger.get(id).await? {
            Some(now) if now.state == state && now.write_back == comms::WriteBackState::Pending => now,
            _ => return Err(format!("it is {}, and only what is unknown can be settled", entry.state).into()),
        },
    };
    if owed == comms::WriteBackState::Pending {
        let report = report::settled(&entry, &loaded.config, decision.actor, decision.reason);
        let message = Message::of(&report)?;
        stack.queue("write-back")?.send(&message).await?;
    }
    table::print(&[table::Row::from(&entry)], false)?;
    Ok(ExitCode::SUCCESS)
}

/// No state that a send can be settled as.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected accepted, delivered, bounced or failed")]
pub struct NotSettled;

/// The states a person may settle an unknown send as.
pub fn settled_state(text: &str) -> Result<State, NotSettled> {
    [State::Accepted, State::Failed, State::Delivered, State::Bounced]
        .into_iter()
        .find(|state| state.name() == text)
        .ok_or(NotSettled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_has_a_name_and_a_reason() {
        let decision = |actor: &str, reason: &str| Decision { actor: actor.into(), reason: reason.into() };
        assert!(decision("ops@acme.example", "customer asked").check().is_ok());
        for bad in [
            decision(" ", "x"),
            decision("x", ""),
            decision("x", &"y".repeat(201)),
            decision("x", "a\nb"),
            decision("x", "a\u{202e}b"),
            decision("a\u{9b}2J", "b"),
        ] {
            assert!(bad.check().is_err());
        }
    }

    #[test]
    fn only_an_end_settles() {
        assert_eq!(settled_state("accepted"), Ok(State::Accepted));
        assert!(settled_state("sending").is_err());
    }
}
