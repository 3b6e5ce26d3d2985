//! The next channel of the list, where a channel certainly did not deliver.
//!
//! It is a further issue of the document, with the archived bytes and a record of its own. Its revision follows from the
//! first issue's and the channel, so that any number of requests makes one, whoever asks: the pipeline after a refusal,
//! `delivery-status` after a bounce or a day's silence. The list is followed in its order, so each channel is tried at
//! most once. A send whose outcome is unknown leads to none.

use crate::{clients::Clients, copy, plan::Plan, resend::ResendRequest};
use archive::{ArchiveError, is_test};
use comms::{MessageClass, PostalAddress, Revision, State, Undelivered};
use delivery::choose;
use ledger::Entry;
use shop_config::{Channel, ShopConfig};
use work::{NextChannel, Resend, Retry, Trigger, WorkItem};

/// The reason of a communication that its channel took and of which nothing was heard for a day.
pub const UNCONFIRMED: &str = "unconfirmed: nothing was heard of it for 24 h";

/// Stands before the channel in a revision.
const PREFIX: &str = "next-";

/// Who asked, in the record.
const ACTOR: &str = "next-channel";

/// Whether a day's silence has been noted.
pub fn is_unconfirmed(entry: &Entry) -> bool {
    entry.state == State::Accepted && entry.reason.as_deref() == Some(UNCONFIRMED)
}

/// How it is known that a communication was not delivered, if the shop wants the next channel tried for that.
pub fn due(entry: &Entry, config: &ShopConfig) -> Option<Undelivered> {
    let settings = config.document(entry.document)?;
    let channel = channel(entry)?;
    let undelivered = undelivered(entry)?;
    let is_wanted = settings.next_channel_on.contains(&undelivered)
        && settings.class(entry.document) != MessageClass::Marketing
        && !settings.channels_after(channel).is_empty();
    is_wanted.then_some(undelivered)
}

/// A failure after a send was begun is a refusal: whatever leaves doubt about a send ends as `unknown`.
fn undelivered(entry: &Entry) -> Option<Undelivered> {
    entry.archived.as_ref().filter(|archived| !is_test(&archived.archive_key))?;
    match entry.state {
        State::Bounced => Some(Undelivered::Bounced),
        State::Failed if entry.sends > 0 => Some(Undelivered::Refused),
        State::Accepted if is_unconfirmed(entry) => Some(Undelivered::NoOutcome),
        State::Accepted
        | State::Archived
        | State::Claimed
        | State::Delivered
        | State::Failed
        | State::Sending
        | State::Suppressed
        | State::Unknown => None,
    }
}

/// The request for it, to the flow of the communication.
pub fn item(entry: &Entry, config: &ShopConfig) -> Option<WorkItem> {
    let after = due(entry, config)?;
    Some(WorkItem {
        v: WorkItem::VERSION,
        shop: entry.shop.clone(),
        flow: entry.flow,
        trigger: Trigger {
            topic: "next-channel".to_owned(),
            webhook_id: format!("{PREFIX}{}", entry.communication),
            event_id: None,
            triggered_at: None,
            test: false,
        },
        subject: entry.subject.clone(),
        payload: None,
        payload_key: None,
        resend: None,
        next_channel: Some(NextChannel { of: entry.communication.clone(), after }),
        request: None,
        trace: None,
    })
}

/// What is to be issued by which channel; `None` if it is not, or no longer, due, or if no further channel reaches the
/// recipient.
///
/// # Errors
/// When ledger or archive do not answer.
pub async fn load(
    clients: &Clients,
    item: &WorkItem,
    next: &NextChannel,
    config: &ShopConfig,
) -> Result<Option<ResendRequest>, Retry> {
    let entry = clients.ledger.get(&next.of).await?;
    let Some(entry) = entry.filter(|entry| entry.shop == item.shop && entry.flow == item.flow) else {
        return Err(Retry::new(format!("the ledger has no communication {} of this shop and flow", next.of)));
    };
    let known = (due(&entry, config), channel(&entry), entry.archived.as_ref());
    let (Some(_), Some(before), Some(archived)) = known else { return Ok(None) };
    let record = clients.archive.record_of(&archived.archive_key, &archived.record_version).await;
    let record = match record {
        Ok((record, _)) => record,
        Err(error @ (ArchiveError::Absent { .. } | ArchiveError::Erased { .. })) => {
            tracing::info!(shop = %item.shop, communication = %next.of, reason = %error, "nothing is left to send");
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let content = copy::content(&record);
    let Some(settings) = config.document(entry.document) else { return Ok(None) };
    // a letter goes nowhere without a postal address
    let has_address = content.postal_address.as_ref().is_some_and(PostalAddress::is_usable);
    let may_print = has_address || !settings.goes_by_post(entry.document);
    let later = settings.channels_after(before).iter().copied();
    let later: Vec<_> = later.filter(|channel| may_print || *channel != Channel::Print).collect();
    let Some(channel) = choose(&later, &content.recipient) else {
        tracing::info!(shop = %item.shop, communication = %next.of, "no further channel reaches the recipient");
        return Ok(None);
    };
    let revision = revision(&entry.revision, channel);
    let reason = format!("{before}: {}", next.after);
    let resend = Resend {
        of: next.of.clone(),
        revision: revision.clone(),
        actor: ACTOR.to_owned(),
        reason,
        recompose: false,
        to: None,
    };
    let Entry { document, subject, reported_on, .. } = entry;
    let plan = Plan { document, subject, revision, reported_on, wanted: true };
    Ok(Some(ResendRequest { plan, resend, copy_of: Some(record), channel: Some(channel), to: None }))
}

fn channel(entry: &Entry) -> Option<Channel> {
    entry.channel.as_deref()?.parse().ok()
}

/// `next-sms` of a first issue, `<revision>.next-sms` of another one; the same from whichever channel before it.
fn revision(of: &Revision, channel: Channel) -> Revision {
    let is_next = |name: &str| name.strip_prefix(PREFIX).is_some_and(|name| name.parse::<Channel>().is_ok());
    let first = match of.as_str() {
        "initial" => None,
        name if is_next(name) => None,
        name => match name.rsplit_once('.') {
            Some((first, next)) if is_next(next) => Some(first),
            _ => Some(name),
        },
    };
    Revision::named(match first {
        Some(first) => format!("{first}.{PREFIX}{channel}"),
        None => format!("{PREFIX}{channel}"),
    })
}

#[cfg(test)]
mod tests;
