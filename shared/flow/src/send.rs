//! Sending what was archived. Whether it was sent before is settled by then.

use crate::{
    evidence::dated,
    fault,
    job::{Draft, Halt, Job},
    produce::{self, Archived},
};
use delivery::SendCall;
use ledger::Lease;
use shop_config::Channel;

/// Sends the document; answers the channel's reference.
pub async fn send(
    job: &Job<'_>,
    lease: &Lease,
    draft: &Draft<'_>,
    channel: Channel,
    archived: &Archived,
) -> Result<String, Halt> {
    let output = &archived.stored.output;
    if channel == Channel::Exstream {
        // composing for this channel was the send
        return match archived.stored.details.channel.as_deref() == Some(Channel::Exstream.name()) {
            true => Ok(Channel::Exstream.name().to_owned()),
            false => Err(Halt::Failed(
                "it is archived as composed for another channel, so Exstream cannot send it".to_owned(),
            )),
        };
    }
    let bytes = match &archived.bytes {
        Some(bytes) => bytes.clone(),
        None => produce::archived_bytes(job, output).await?,
    };
    let budget = job.begin_send(lease, channel, Some(&archived.as_recorded)).await?;
    let call = SendCall {
        shop: &job.item.shop,
        config: &job.loaded.config,
        document: job.plan.document,
        settings: job.settings,
        communication: job.communication,
        channel,
        recipient: &draft.content.recipient,
        order_name: draft.content.name.as_deref(),
        content: &bytes,
        media_type: &output.media_type,
        sha256: &output.sha256,
        pages: output.pages,
        dated: dated(&lease.entry),
        email_credentials: &job.secrets.email,
        now: job.now(),
        budget,
    };
    let accepted = job.tools.channels.send(call).await.map_err(|error| match channel {
        // the spool can be asked, so nothing need be assumed
        Channel::Print => Halt::of(&error),
        Channel::Email | Channel::Exstream => Halt::of_send(&error),
    })?;
    fault::point("send");
    Ok(accepted.reference)
}
