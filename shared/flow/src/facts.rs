//! The facts that this pipeline adds beside a record: what a send came to, and where something goes that the record
//! addresses elsewhere.
//!
//! The fact of an outcome is put before the outcome is recorded in the ledger. So a worker that dies in between leaves
//! the channel's answer in the archive, and the next one finds it there ([`accepted`]) instead of calling the send
//! unknown. If the archive does not take the fact, the outcome is recorded all the same, and the message is delivered
//! again until it does ([`ensure`]). What is only archived has no further fact: its record says all there is.

use crate::{
    content::Content,
    context::{Archived, Attempt, channel_of},
    evidence,
    outcome::OutcomeDetails,
};
use archive::{AddressField, ArchiveError, Fact, FactKind, Recipient, RecordRef, is_test};
use comms::{CommunicationId, MessageClass, State};
use jiff::Timestamp;
use ledger::{ArchivedAs, Entry, Lease};
use shop_config::Channel;

/// What an outcome is made of.
pub struct OutcomeFact<'a> {
    pub state: State,
    pub reference: Option<&'a str>,
    /// In full: the ledger has only its beginning.
    pub reason: Option<&'a str>,
}

/// Adds the fact of an outcome.
///
/// # Errors
/// When the archive does not take it.
pub async fn add(
    attempt: &Attempt<'_>,
    lease: &Lease,
    details: &OutcomeDetails,
    archived: &ArchivedAs,
    outcome: OutcomeFact<'_>,
) -> Result<(), ArchiveError> {
    let Some(kind) = kind(outcome.state, details.refused).filter(|_| !is_test(&archived.archive_key)) else {
        return Ok(());
    };
    let now = attempt.now();
    let channel = details.channel.or_else(|| channel_of(&lease.entry));
    let fact = Fact {
        reference: outcome.reference.map(str::to_owned),
        ..about(attempt, channel, Fact::new(kind, now)).saying(outcome.reason)
    };
    let (archive, record) = (&attempt.clients.archive, record(attempt.communication, archived));
    match &details.retention {
        Some(retention) => archive.add_first_fact(&record, &fact, retention, now).await?,
        None => archive.add_fact(&record, &fact, now).await?,
    };
    Ok(())
}

/// Adds the fact of an outcome that the ledger has, if none says it: the archive may not have taken it in time.
///
/// # Errors
/// When the archive does not answer.
pub async fn ensure(attempt: &Attempt<'_>, entry: &Entry) -> Result<(), ArchiveError> {
    let Some((record, kind)) = record_of(entry).zip(kind(entry.state, false)) else { return Ok(()) };
    let archive = &attempt.clients.archive;
    let facts = archive.facts(&record).await?;
    // whether it failed or was refused, the ledger does not say
    let is_there = facts
        .iter()
        .any(|(it, _)| it.fact.kind == kind || kind == FactKind::Failed && it.fact.kind == FactKind::Refused);
    if is_there {
        return Ok(());
    }
    let at = Timestamp::from_millisecond(entry.updated_epoch_ms).unwrap_or_else(|_| attempt.now());
    let fact = about(attempt, channel_of(entry), Fact::new(kind, at)).saying(entry.reason.as_deref());
    let reference = entry.reference.clone();
    archive.add_fact(&record, &Fact { reference, ..fact }, attempt.now()).await.map(drop)
}

/// The reference of a send that a worker wrote down who died before the ledger knew of it.
///
/// # Errors
/// When the archive does not answer.
pub async fn accepted(attempt: &Attempt<'_>, lease: &Lease) -> Result<Option<String>, ArchiveError> {
    let Some(archived) = &lease.entry.archived else { return Ok(None) };
    let facts = attempt.clients.archive.facts(&record(attempt.communication, archived)).await?;
    let accepted = facts.into_iter().rfind(|(it, _)| it.fact.kind == FactKind::Accepted);
    Ok(accepted.and_then(|(it, _)| it.fact.reference))
}

/// Before a send: writes down where it goes, if the record that an earlier attempt has archived says something else.
///
/// # Errors
/// When the archive does not take it.
pub async fn addressed(
    attempt: &Attempt<'_>,
    content: &Content,
    channel: Channel,
    archived: &Archived,
) -> Result<(), ArchiveError> {
    let Some(earlier) = &archived.adopted else { return Ok(()) };
    let recipient = evidence::recipient_of(attempt, content, channel);
    let of = |recipient: Option<&Recipient>| recipient.map(|it| address(channel, it));
    let is_said = earlier.channel.as_deref() == Some(channel.name())
        && of(earlier.recipient.as_ref()) == of(recipient.as_ref());
    if is_said {
        return Ok(());
    }
    let now = attempt.now();
    let channel = Some(channel.name().to_owned());
    // nothing could erase it there
    let recipient = recipient.filter(|_| archived.stored.primary.sealed.is_none());
    let fact = Fact { channel, recipient, ..Fact::new(FactKind::Addressed, now) };
    let record = record(attempt.communication, &archived.as_recorded);
    attempt.clients.archive.add_fact(&record, &fact, now).await.map(drop)
}

/// What of a recipient a channel uses.
fn address(channel: Channel, recipient: &Recipient) -> Recipient {
    let field = field(channel);
    let keep = |it: AddressField| field == Some(it);
    Recipient {
        name: None,
        email: recipient.email.clone().filter(|_| keep(AddressField::Email)),
        phone: recipient.phone.clone().filter(|_| keep(AddressField::Phone)),
        postal_address: recipient.postal_address.clone().filter(|_| keep(AddressField::PostalAddress)),
    }
}

const fn field(channel: Channel) -> Option<AddressField> {
    match channel {
        Channel::Email => Some(AddressField::Email),
        Channel::Sms | Channel::WhatsApp => Some(AddressField::Phone),
        Channel::Print => Some(AddressField::PostalAddress),
        Channel::Exstream | Channel::Web => None,
    }
}

/// The fact of a state; none of one that the record proves, or that is not the end of an attempt.
const fn kind(state: State, refused: bool) -> Option<FactKind> {
    match state {
        State::Accepted => Some(FactKind::Accepted),
        State::Failed if refused => Some(FactKind::Refused),
        State::Failed => Some(FactKind::Failed),
        State::Suppressed => Some(FactKind::Suppressed),
        State::Unknown => Some(FactKind::Unknown),
        State::Archived | State::Bounced | State::Claimed | State::Delivered | State::Sending => None,
    }
}

/// With the channel, and which of the record's addresses it uses.
fn about(attempt: &Attempt<'_>, channel: Option<Channel>, fact: Fact) -> Fact {
    let class = attempt.settings.class(attempt.plan.document);
    let by_post = attempt.settings.goes_by_post(attempt.plan.document);
    let is_recorded = |field: &AddressField| {
        class != MessageClass::Marketing && (*field != AddressField::PostalAddress || by_post)
    };
    Fact {
        channel: channel.map(|it| it.name().to_owned()),
        address: channel.and_then(field).filter(is_recorded),
        ..fact
    }
}

/// The record beside which the facts of a communication are. None of a test, or where nothing is archived: then there is
/// nothing to add to.
pub fn record_of(entry: &Entry) -> Option<RecordRef> {
    let archived = entry.archived.as_ref().filter(|it| !is_test(&it.archive_key))?;
    Some(record(&entry.communication, archived))
}

fn record(communication: &CommunicationId, archived: &ArchivedAs) -> RecordRef {
    let ArchivedAs { archive_key, record_version, record_sha256, .. } = archived;
    RecordRef::beside(archive_key, communication, record_version, record_sha256)
}
