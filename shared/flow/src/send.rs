//! Sending what was archived, at most once.

use crate::{
    evidence::dated,
    fault,
    pipeline::{Draft, Halt, Job},
    produce::Archived,
};
use delivery::{AskCall, Asked, SendCall};
use ledger::{Lease, SendMark};
use shop_config::Channel;

/// Sends the document, or finds out that an earlier attempt did. Answers the channel's reference.
pub async fn settle(
    job: &Job<'_>,
    lease: &Lease,
    draft: &Draft<'_>,
    channel: Channel,
    archived: &Archived,
) -> Result<String, Halt> {
    let output = &archived.stored.output;
    if channel == Channel::Exstream {
        // composing was sending, and its answer is in the archive
        return Ok(output.file_name.clone().unwrap_or_else(|| Channel::Exstream.name().to_owned()));
    }
    if lease.send_mark() == SendMark::MayHaveHappened {
        let asked = job.tools.channels.ask(AskCall {
            shop: &job.item.shop,
            document: job.plan.document,
            communication: job.communication,
            channel,
            media_type: &output.media_type,
            dated: dated(&lease.entry),
            timeout: job.time_left(),
        });
        match asked.await {
            Ok(Asked::Accepted { reference }) => return Ok(reference),
            Ok(Asked::NotSent) => {}
            Ok(Asked::CannotTell) if job.may_resend() => {}
            Ok(Asked::CannotTell) => {
                return Err(Halt::Unknown(format!(
                    "{} may have taken it before the worker died",
                    channel.name()
                )));
            }
            // not knowing is not the same as not sent: the mark stays as it is
            Err(error) => return Err(Halt::of(&error)),
        }
    }
    let bytes = match &archived.bytes {
        Some(bytes) => bytes.clone(),
        None => job.tools.archive.read_document(output).await.map_err(|error| Halt::of(&error))?,
    };
    let now = job.now();
    let marked = job.tools.ledger.mark_sending(lease, channel.name(), Some(&archived.as_recorded), now).await;
    marked.map_err(|error| Halt::of(&error))?;
    fault::point("mark-sending");
    let accepted = job
        .tools
        .channels
        .send(SendCall {
            shop: &job.item.shop,
            config: &job.loaded.config,
            document: job.plan.document,
            settings: job.settings,
            communication: job.communication,
            channel,
            recipient: &draft.content.recipient,
            order_name: draft.content.order_name.as_deref(),
            content: &bytes,
            media_type: &output.media_type,
            sha256: &output.sha256,
            pages: output.pages,
            dated: dated(&lease.entry),
            email_credentials: &job.secrets.email,
            now,
            timeout: job.time_left(),
        })
        .await
        .map_err(|error| Halt::of_send(&error))?;
    fault::point("send");
    Ok(accepted.reference)
}
