//! Stage 2: was it sent? The question that a worker leaves behind which died, or lost an answer, around a send.
//!
//! Answered from the ledger's entry, the facts in the archive and the channel alone, before the order or the configuration is looked
//! at. Print and pages can always answer, Exstream answers by what is in the archive, Core Messaging cannot.

use crate::{
    context::{Attempt, channel_of, dated},
    doubt::Doubt,
    evidence, facts,
    halt::Halt,
};
use archive::{Output, media_type};
use delivery::{AskCall, SendStatus};
use ledger::{Lease, SendMark};
use shop_config::{Channel, Use};

/// What is known of the send that the ledger's mark tells of.
///
/// # Errors
/// When it may have happened, nobody can tell, and the shop does not want it repeated; or when the channel does not
/// answer. The doubt is open then.
pub async fn settle_doubt(attempt: &Attempt<'_>, lease: &Lease) -> Result<Doubt, Halt> {
    if lease.send_mark() != SendMark::MayHaveHappened {
        return Ok(Doubt::None);
    }
    if let Some(reference) = facts::accepted(attempt, lease).await.map_err(Halt::of_call)? {
        return Ok(Doubt::Sent { reference });
    }
    match channel_of(&lease.entry) {
        Some(Channel::Exstream) => ask_archive(attempt, lease).await,
        Some(
            channel @ (Channel::Print | Channel::Web | Channel::Email | Channel::Sms | Channel::WhatsApp),
        ) => ask_channel(attempt, lease, channel).await,
        None => repeat_or_unknown(attempt, lease, "a send was begun by a channel this version does not know"),
    }
}

async fn ask_channel(attempt: &Attempt<'_>, lease: &Lease, channel: Channel) -> Result<Doubt, Halt> {
    let media_type = media_type_for(attempt, lease, channel).await?;
    let asked = attempt.clients.channels.ask(AskCall {
        shop: &attempt.item.shop,
        document: attempt.plan.document,
        communication: attempt.communication,
        channel,
        media_type: &media_type,
        dated: dated(&lease.entry),
        now: attempt.now(),
        timeout: attempt.time_left(),
    });
    match asked.await {
        Ok(SendStatus::Accepted { reference }) => Ok(Doubt::Sent { reference }),
        Ok(SendStatus::NotSent) => Ok(Doubt::None),
        Ok(SendStatus::CannotTell) => {
            let reason = format!("{} may have taken it before the worker died", channel.name());
            repeat_or_unknown(attempt, lease, reason)
        }
        // not knowing is not the same as not sent: the mark stays as it is
        Err(error) => Err(Halt::of_call(error)),
    }
}

/// The media type of what the channel was given: the archived document's, or of several outputs that of the one that is
/// printed, which the record names.
async fn media_type_for(attempt: &Attempt<'_>, lease: &Lease, channel: Channel) -> Result<String, Halt> {
    let Some(archived) = &lease.entry.archived else { return Ok(String::new()) };
    if channel == Channel::Print && !attempt.settings.outputs.is_empty() {
        let record = attempt.clients.archive.record_of(&archived.archive_key, &archived.record_version);
        let (record, _) = record.await.map_err(Halt::of_call)?;
        let is_printed = |output: &&Output| Use::Print.is_among(&evidence::uses(output), &output.media_type);
        if let Some(output) = record.outputs.iter().find(is_printed) {
            return Ok(output.media_type.clone());
        }
    }
    Ok(media_type(&archived.archive_key).to_owned())
}

/// Had Exstream answered, its answer would be in the archive.
async fn ask_archive(attempt: &Attempt<'_>, lease: &Lease) -> Result<Doubt, Halt> {
    let location = attempt.location(lease, false);
    let found = attempt.clients.archive.find(&location).await.map_err(Halt::of_call)?;
    match found.document {
        Some(_) => Ok(Doubt::SentByExstream),
        None => repeat_or_unknown(attempt, lease, "Exstream may have sent it before the worker died"),
    }
}

fn repeat_or_unknown(attempt: &Attempt<'_>, lease: &Lease, reason: impl Into<String>) -> Result<Doubt, Halt> {
    if attempt.may_resend(lease.entry.sends) { Ok(Doubt::Open) } else { Err(Halt::Unknown(reason.into())) }
}
