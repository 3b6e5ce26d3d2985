//! Stage 6: sending what was archived. Whether it was sent before is settled by then. What has to wait for its channel
//! (`gate.rs`) waits before the send is marked.

use crate::{
    breaker::Dependency,
    context::{Archived, Attempt, Draft, dated},
    document_bytes::archived_bytes,
    evidence, fault,
    gate::{Permit, Route},
    halt::Halt,
    send_mark::begin_send,
    unsubscribe,
};
use delivery::{Page, PageCall, SendCall, SendOutput, StatusCall};
use ledger::Lease;
use links::LinkedOutput;
use shop_config::{Channel, Use};
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
    match channel {
        Channel::Exstream => return sent_by_composing(archived),
        Channel::Web => return publish(attempt, lease, draft, archived).await,
        Channel::Email | Channel::Print | Channel::Sms | Channel::WhatsApp => {}
    }
    let stored = &archived.stored;
    let bytes = match &archived.bytes {
        Some(bytes) => bytes.clone(),
        None => archived_bytes(attempt, stored.outputs()).await?,
    };
    // a link works when the message with it arrives
    let page = match attempt.settings.links_to_page(channel) {
        true => Some(page(attempt, draft, archived).await?),
        false => None,
    };
    let uses: Vec<_> = stored.outputs().map(evidence::uses).collect();
    let outputs: Vec<_> = stored
        .outputs()
        .zip(&bytes)
        .zip(&uses)
        .map(|((output, bytes), uses)| SendOutput {
            uses,
            media_type: &output.media_type,
            bytes,
            sha256: &output.sha256,
            pages: output.pages,
            queue: output.queue.as_deref(),
            file_name: attempt.settings.file_names(
                &output.media_type,
                output.queue.as_deref(),
                output.fetched.as_deref(),
            ),
        })
        .collect();
    let unsubscribe_url = unsubscribe::address(attempt).await?;
    if let (Channel::Email, Some(url)) = (channel, &unsubscribe_url) {
        unsubscribe::check(attempt, url, &outputs)?;
    }
    let permit = leave(attempt, channel).await?;
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
        postal_address: draft.content.postal_address.as_ref(),
        outputs: &outputs,
        dated: dated(&lease.entry),
        link: page.as_ref().map(|page| page.address.as_str()),
        unsubscribe_url: unsubscribe_url.as_deref(),
        credentials: attempt.secrets.messaging(channel),
        now: attempt.now(),
        budget,
    };
    let sent = attempt.clients.channels.send(call).await;
    if let Some(permit) = permit {
        permit.done(&sent).await;
        attempt.learn(Dependency::Messaging, &sent).await;
    }
    let accepted = sent.map_err(|error| match channel.is_messaging() {
        true => Halt::of_send(error).refused(),
        // the spool can be asked, so nothing need be assumed
        false => Halt::of_call(error).refused(),
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

/// A page by itself. It can be asked for, so that whoever comes after this worker knows whether it is there.
async fn publish(
    attempt: &Attempt<'_>,
    lease: &Lease,
    draft: &Draft<'_>,
    archived: &Archived,
) -> Result<String, Halt> {
    begin_send(attempt, lease, Channel::Web, Some(&archived.as_recorded)).await?;
    let page = page(attempt, draft, archived).await.map_err(Halt::refused)?;
    fault::point("send");
    Ok(page.reference)
}

/// The document's page. Publishing it again finds what is there.
async fn page(attempt: &Attempt<'_>, draft: &Draft<'_>, archived: &Archived) -> Result<Page, Halt> {
    let key = attempt.clients.secrets.link_key(attempt.now()).await.map_err(Halt::of_call)?;
    let is_for_web =
        |output: &&archive::Output| Use::Web.is_among(&evidence::uses(output), &output.media_type);
    let outputs: Vec<_> = archived.stored.outputs().filter(is_for_web).map(linked).collect();
    let call = PageCall {
        shop: &attempt.item.shop,
        config: &attempt.loaded.config,
        document: attempt.plan.document,
        communication: attempt.communication,
        locale: &archived.stored.details.locale,
        name: draft.content.name.as_deref(),
        outputs: &outputs,
        key: &key,
        now: attempt.now(),
    };
    let page = attempt.clients.channels.publish(call).await.map_err(Halt::of_call)?;
    fault::point("publish");
    Ok(page)
}

/// What a page has of an archived output.
pub fn linked(output: &archive::Output) -> LinkedOutput {
    LinkedOutput {
        object: output.object.clone(),
        version_id: output.version_id.clone(),
        media_type: output.media_type.clone(),
        bytes: output.bytes,
        sha256: output.sha256.clone(),
    }
}

/// The leave to send by Core Messaging: after a few doubtful answers no message is sent that could only add to them.
/// Each of its channels is trusted by itself.
async fn leave<'a>(attempt: &'a Attempt<'_>, channel: Channel) -> Result<Option<Permit<'a>>, Halt> {
    let class = attempt.settings.class(attempt.plan.document);
    let Some(settings) = attempt.loaded.config.delivery.messaging(channel, class) else { return Ok(None) };
    let clients = attempt.clients;
    let (shop, now) = (&attempt.item.shop, attempt.now());
    clients.breakers.ask(&clients.ledger, shop, Dependency::Messaging, now).await.map_err(Halt::put_off)?;
    let host = settings.base_url.authority();
    let route =
        Route { ledger: &clients.ledger, shop: &attempt.item.shop, channel, host, clock: clients.clock };
    let call = StatusCall {
        shop: &attempt.item.shop,
        channel,
        settings,
        credentials: attempt.secrets.messaging(channel),
        job_id: "none",
        now: attempt.now(),
        timeout: PROBE,
    };
    clients.gates.enter(route, async || clients.channels.messaging_answers(call).await).await.map(Some)
}
