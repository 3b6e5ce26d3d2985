//! Stage 6: sending what was archived. Whether it was sent before is settled by then. What has to wait for its channel
//! (`gate.rs`) waits before the send is marked.

use crate::{
    context::{Archived, Attempt, Draft, dated},
    document_bytes::archived_bytes,
    fault,
    gate::{Permit, Route},
    halt::Halt,
    send_mark::begin_send,
};
use delivery::{SendCall, SendOutput, StatusCall};
use ledger::Lease;
use shop_config::Channel;
use std::time::Duration;

/// For the question whether Core Messaging answers at all.
const PROBE: Duration = Duration::from_secs(5);

/// Sends the document; answers the channel's reference.
///
/// # Errors
/// When it was not sent, or may have been.
pub async fn send(
    attempt: &Attempt<'_>,
    lease: &Lease,
    draft: &Draft<'_>,
    channel: Channel,
    archived: &Archived,
) -> Result<String, Halt> {
    let output = &archived.stored.output;
    if channel == Channel::Exstream {
        return sent_by_composing(archived);
    }
    let bytes = match &archived.bytes {
        Some(bytes) => bytes.clone(),
        None => archived_bytes(attempt, output).await?,
    };
    let permit = match channel {
        Channel::Email => leave(attempt).await?,
        Channel::Print | Channel::Exstream => None,
    };
    let budget = begin_send(attempt, lease, channel, Some(&archived.as_recorded)).await?;
    let call = SendCall {
        shop: &attempt.item.shop,
        config: &attempt.loaded.config,
        document: attempt.plan.document,
        settings: attempt.settings,
        communication: attempt.communication,
        channel,
        recipient: &draft.content.recipient,
        order_name: draft.content.name.as_deref(),
        outputs: &[SendOutput {
            uses: &[],
            media_type: &output.media_type,
            bytes: &bytes,
            sha256: &output.sha256,
            pages: output.pages,
            queue: output.queue.as_deref(),
            file_name: attempt.settings.file_names(&output.media_type, output.queue.as_deref()),
        }],
        dated: dated(&lease.entry),
        email_credentials: &attempt.secrets.email,
        now: attempt.now(),
        budget,
    };
    let sent = attempt.clients.channels.send(call).await;
    if let Some(permit) = permit {
        permit.done(&sent).await;
    }
    let accepted = sent.map_err(|error| match channel {
        // the spool can be asked, so nothing need be assumed
        Channel::Print => Halt::of_call(error),
        Channel::Email | Channel::Exstream => Halt::of_send(error),
    })?;
    fault::point("send");
    Ok(accepted.reference)
}

/// Composing for channel `exstream` was the send.
fn sent_by_composing(archived: &Archived) -> Result<String, Halt> {
    let exstream = Channel::Exstream.name();
    match archived.stored.details.channel.as_deref() == Some(exstream) {
        true => Ok(exstream.to_owned()),
        false => Err(Halt::Failed(
            "it is archived as composed for another channel, so Exstream cannot send it".to_owned(),
        )),
    }
}

/// The leave to send an e-mail: after a few doubtful answers no message is sent that could only add to them.
async fn leave<'a>(attempt: &'a Attempt<'_>) -> Result<Option<Permit<'a>>, Halt> {
    let Some(settings) = &attempt.loaded.config.delivery.email else { return Ok(None) };
    let clients = attempt.clients;
    let host = settings.base_url.authority();
    let route = Route { ledger: &clients.ledger, shop: &attempt.item.shop, host, clock: clients.clock };
    let call = StatusCall {
        shop: &attempt.item.shop,
        settings,
        credentials: &attempt.secrets.email,
        job_id: "none",
        now: attempt.now(),
        timeout: PROBE,
    };
    clients.gates.enter(route, async || clients.channels.email_answers(call).await).await.map(Some)
}
