//! `ctl resend` and `ctl settle`: what a person decides about a communication, with their name and reason.

use crate::{access, failure::Failure, rows::remark, stack::Stack, table};
use archive::AccessKind;
use comms::{CommunicationId, State};
use decisions::{ResendRequest, Settled, can_settle_as};
use jiff::Timestamp;
use shop_config::ConfigStore;
use std::{process::ExitCode, time::Duration};
use work::Message;

/// Who decides, and why. Both become evidence.
#[derive(Clone, clap::Args)]
pub struct Decision {
    /// Who asks for it: a name or an account that your organisation can find again.
    #[arg(long, env = "CTL_ACTOR")]
    pub actor: String,
    /// Why, in a few words, without anything personal: support agents see it in Shopify.
    #[arg(long)]
    pub reason: String,
}

impl Decision {
    /// What can become evidence.
    pub fn checked(self) -> Result<decisions::Decision, Failure> {
        Ok(decisions::Decision::new(self.actor, self.reason)?)
    }
}

/// What is asked for of another issue.
#[derive(Clone)]
pub struct Request {
    pub decision: Decision,
    pub recompose: bool,
    /// A corrected e-mail address or number.
    pub to: Option<String>,
    /// Rows instead of a table.
    pub json: bool,
}

/// Queues another issue of a communication, and waits for it.
pub async fn resend(
    stack: &Stack,
    configs: &ConfigStore,
    id: &CommunicationId,
    request: Request,
    wait: Option<Duration>,
) -> Result<ExitCode, Failure> {
    let Request { decision, recompose, to, json } = request;
    let decision = decision.checked()?;
    let entry = stack.entry(id).await?;
    access::record(stack, &entry.shop, id, AccessKind::Resend, &decision).await?;
    let request = ResendRequest { decision, name: None, recompose, to };
    let (ledger, archive, now) = (&stack.ledger, &stack.archive, Timestamp::now());
    let reissue = decisions::resend(ledger, archive, configs, id, request, now).await?;
    stack.queue(reissue.item.flow.name())?.send(&Message::of(&reissue.item)?).await?;
    let issue = reissue.issue;
    remark!(json, "{issue}  another issue of {id} is on its way");
    match wait {
        Some(wait) => table::settle(stack, &[issue], json, wait).await,
        None => Ok(ExitCode::SUCCESS),
    }
}

/// Records what became of a send whose outcome is unknown, and reports it to Shopify.
pub async fn settle(
    stack: &Stack,
    configs: &ConfigStore,
    id: &CommunicationId,
    state: State,
    decision: Decision,
    json: bool,
) -> Result<ExitCode, Failure> {
    let (decision, now) = (decision.checked()?, Timestamp::now());
    let (ledger, archive) = (&stack.ledger, &stack.archive);
    let settled = decisions::settle(ledger, archive, configs, id, state, decision, now).await?;
    let Settled { entry, report } = settled;
    if let Some(report) = report {
        stack.queue("write-back")?.send(&Message::of(&report)?).await?;
    }
    table::print(&[table::Row::from(&entry)], json)?;
    Ok(ExitCode::SUCCESS)
}

/// No state that a send can be settled as.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected accepted, delivered, bounced or failed")]
pub struct NotSettled;

/// The states a person may settle an unknown send as.
pub fn settled_state(text: &str) -> Result<State, NotSettled> {
    text.parse().ok().filter(|state| can_settle_as(*state)).ok_or(NotSettled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_end_settles() {
        assert_eq!(settled_state("accepted"), Ok(State::Accepted));
        assert!(settled_state("sending").is_err());
    }
}
