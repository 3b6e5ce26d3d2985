//! Sending what was archived. Whether it was sent before is settled by then. What has to wait for its channel
//! (`gate.rs`) waits before the send is marked.

use crate::{
    evidence::dated,
    fault,
    gate::{Permit, Way},
    job::{Draft, Halt, Job},
    produce::{self, Archived},
};
use delivery::{SendCall, StatusCall};
use ledger::Lease;
use shop_config::Channel;
use std::time::Duration;

/// For the question whether Core Messaging answers at all.
const PROBE: Duration = Duration::from_secs(5);

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
    let permit = match channel {
        Channel::Email => leave(job).await?,
        Channel::Print | Channel::Exstream => None,
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
    let sent = job.tools.channels.send(call).await;
    if let Some(permit) = permit {
        permit.done(&sent).await;
    }
    let accepted = sent.map_err(|error| match channel {
        // the spool can be asked, so nothing need be assumed
        Channel::Print => Halt::of(&error),
        Channel::Email | Channel::Exstream => Halt::of_send(&error),
    })?;
    fault::point("send");
    Ok(accepted.reference)
}

/// The leave to send an e-mail: after a few doubtful answers no message is sent that could only add to them.
async fn leave<'a>(job: &'a Job<'_>) -> Result<Option<Permit<'a>>, Halt> {
    let Some(settings) = &job.loaded.config.delivery.email else { return Ok(None) };
    let tools = job.tools;
    let host = settings.base_url.authority();
    let way = Way { ledger: &tools.ledger, shop: &job.item.shop, host, clock: tools.clock };
    let call = StatusCall {
        shop: &job.item.shop,
        settings,
        credentials: &job.secrets.email,
        job_id: "none",
        now: job.now(),
        timeout: PROBE,
    };
    tools.gates.enter(way, async || tools.channels.email_answers(call).await).await.map(Some)
}
