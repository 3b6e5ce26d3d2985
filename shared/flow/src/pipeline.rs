//! One communication, from its claim to its outcome: the order of the stages, and nothing else.
//!
//! The doubt about a send that an earlier worker began is settled before anything else is looked at, from
//! what the ledger holds: neither a change of the order nor one of the configuration may turn "perhaps sent"
//! into "not sent". Where the doubt cannot be settled, every end but `accepted` is `unknown`.

use crate::{
    admit::{Answer, admit},
    claim::{Claimed, claim},
    complete::complete,
    content::Content,
    context::{Attempt, Draft},
    document_flow::DocumentFlow,
    doubt::Doubt,
    facts, fault,
    gather_content::gather_content,
    halt::Halt,
    outcome::{AttemptOutcome, Conclusion, OutcomeDetails},
    produce::produce,
    send::send,
    settle_doubt::settle_doubt,
    unsubscribe,
    verdict::Gathered,
};
use ledger::Lease;
use service::SpanName;
use work::Retry;

/// Takes a communication as far as this attempt can.
///
/// # Errors
/// When the message is to be delivered again.
pub async fn run<F: DocumentFlow>(attempt: &Attempt<'_>, flow: &F) -> Result<AttemptOutcome, Retry> {
    let span = attempt.begin(SpanName::Claim);
    let claimed = claim(attempt).await;
    attempt.end(span, &claimed);
    let lease = match claimed? {
        Claimed::Leased(lease) => lease,
        Claimed::Finished(settled) => return Ok((*settled).into()),
    };
    fault::point("claim");
    let is_test = attempt.item.trigger.test || attempt.loaded.config.is_dry_run(attempt.plan.document);
    let mut details = OutcomeDetails { test: is_test, ..OutcomeDetails::default() };
    let result = settle_and_gather(attempt, flow, &lease, &mut details).await;
    let span = attempt.begin(SpanName::Complete);
    let completed = complete(attempt, &lease, result, details).await;
    attempt.end(span, &completed);
    completed
}

async fn settle_and_gather<F: DocumentFlow>(
    attempt: &Attempt<'_>,
    flow: &F,
    lease: &Lease,
    details: &mut OutcomeDetails,
) -> Result<Conclusion, Halt> {
    // until it is settled
    details.doubt = Doubt::Open;
    details.doubt = settle_doubt(attempt, lease).await?;
    if let Doubt::Sent { reference } = &details.doubt {
        return Ok(Conclusion::Accepted { reference: reference.clone() });
    }
    if !attempt.plan.wanted {
        return Ok(Conclusion::Suppressed("switched off while it was being made".into()));
    }
    let span = attempt.begin(SpanName::Gather);
    let gathered = gather_content(attempt, flow).await;
    attempt.end(span, &gathered);
    let content = match gathered? {
        Gathered::Ready(content) => content,
        Gathered::Suppressed { reason, reported_on } => {
            details.reported_on = reported_on;
            return Ok(Conclusion::Suppressed(reason));
        }
        Gathered::NotDue(reason) => return Ok(Conclusion::NotDue(reason)),
        Gathered::Replaced(plan) => return Ok(Conclusion::Replaced(plan)),
    };
    fault::point("gather");
    details.reported_on = content.reported_on.clone();
    produce_and_send(attempt, lease, &content, details).await
}

async fn produce_and_send(
    attempt: &Attempt<'_>,
    lease: &Lease,
    content: &Content,
    details: &mut OutcomeDetails,
) -> Result<Conclusion, Halt> {
    match admit(attempt, lease, content, details).await? {
        Answer::Admitted => {}
        Answer::Suppressed(reason) => return Ok(Conclusion::Suppressed(reason)),
        Answer::Later(until) => return Ok(Conclusion::Postponed { until, reason: "quiet hours" }),
    }
    unsubscribe::offer(attempt, content, details).await?;
    let OutcomeDetails { channel, test, .. } = *details;
    details.address = channel
        .and_then(|channel| delivery::address(channel, &content.recipient))
        .map(|it| comms::masked(&it));
    let draft = Draft { content, channel, test, customer: details.customer.as_ref() };
    let archived = produce(attempt, lease, &draft).await?;
    details.archived = Some(archived.as_recorded.clone());
    details.retention = archived.retention.clone();
    match channel {
        Some(channel) => {
            facts::addressed(attempt, content, channel, &archived).await.map_err(Halt::of_call)?;
            let span = attempt.begin(SpanName::Send);
            let sent = send(attempt, lease, &draft, channel, &archived).await;
            attempt.end(span, &sent);
            let reference = sent?;
            Ok(Conclusion::Accepted { reference })
        }
        None => Ok(Conclusion::Archived),
    }
}
