//! Was it sent? The question a worker leaves behind that died, or lost an answer, around a send.
//!
//! Answered from the ledger's entry and the channel alone, before the order or the configuration is looked
//! at. Print can always answer, Exstream answers by what is in the archive, e-mail cannot.

use crate::{
    evidence::dated,
    job::{Halt, Job},
};
use archive::{Location, media_type};
use delivery::{AskCall, SendStatus};
use ledger::{Lease, SendMark};
use shop_config::Channel;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Doubt {
    /// No send was begun, or it certainly did not happen.
    #[default]
    None,
    /// It may have happened; the shop has chosen to send again, or nobody could be asked.
    Open,
    /// It happened.
    Sent { reference: String },
    /// Exstream sent it while composing, and its answer is in the archive; the record may be missing.
    SentByExstream,
}

pub async fn settle(job: &Job<'_>, lease: &Lease) -> Result<Doubt, Halt> {
    if lease.send_mark() != SendMark::MayHaveHappened {
        return Ok(Doubt::None);
    }
    match lease.entry.channel.as_deref().and_then(|name| name.parse::<Channel>().ok()) {
        Some(Channel::Exstream) => ask_archive(job, lease).await,
        Some(channel @ (Channel::Print | Channel::Email)) => ask_channel(job, lease, channel).await,
        None => repeat_or(job, lease, "a send was begun by a channel this version does not know".to_owned()),
    }
}

async fn ask_channel(job: &Job<'_>, lease: &Lease, channel: Channel) -> Result<Doubt, Halt> {
    let archived = lease.entry.archived.as_ref();
    let asked = job.tools.channels.ask(AskCall {
        shop: &job.item.shop,
        document: job.plan.document,
        communication: job.communication,
        channel,
        media_type: archived.map_or("", |archived| media_type(&archived.archive_key)),
        dated: dated(&lease.entry),
        now: job.now(),
        timeout: job.time_left(),
    });
    match asked.await {
        Ok(SendStatus::Accepted { reference }) => Ok(Doubt::Sent { reference }),
        Ok(SendStatus::NotSent) => Ok(Doubt::None),
        Ok(SendStatus::CannotTell) => {
            repeat_or(job, lease, format!("{} may have taken it before the worker died", channel.name()))
        }
        // not knowing is not the same as not sent: the mark stays as it is
        Err(error) => Err(Halt::of(&error)),
    }
}

/// Had Exstream answered, its answer would be in the archive.
async fn ask_archive(job: &Job<'_>, lease: &Lease) -> Result<Doubt, Halt> {
    let location =
        Location::new(&job.item.shop, dated(&lease.entry), job.plan.document, job.communication, false);
    let found = job.tools.archive.find(&location).await.map_err(|error| Halt::of(&error))?;
    match found.document {
        Some(_) => Ok(Doubt::SentByExstream),
        None => repeat_or(job, lease, "Exstream may have sent it before the worker died".to_owned()),
    }
}

fn repeat_or(job: &Job<'_>, lease: &Lease, reason: String) -> Result<Doubt, Halt> {
    if job.may_resend(lease.entry.sends) { Ok(Doubt::Open) } else { Err(Halt::Unknown(reason)) }
}
