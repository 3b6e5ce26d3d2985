//! What a person says became of a send whose outcome is unknown. It is recorded at once, and Shopify is told.

use crate::{
    Decision, Refusal,
    evidence::{add_fact, decided},
};
use archive::{Archive, Fact, FactKind, is_test};
use comms::{CommunicationId, State, WriteBackState};
use flow::report;
use jiff::Timestamp;
use ledger::{Entry, Ledger};
use shop_config::ConfigStore;
use work::WriteBackItem;

/// What was settled, and what Shopify is to be told of it.
#[derive(Debug)]
pub struct Settled {
    pub entry: Entry,
    pub report: Option<WriteBackItem>,
}

/// Whether a person may settle an unknown send so.
pub const fn can_settle_as(state: State) -> bool {
    State::Unknown.may_become(state)
}

/// Archives the decision, then records the outcome. Made again by whoever got no answer, it records nothing more and returns the report again.
///
/// # Errors
/// When it is refused, or ledger, archive or configuration do not answer.
pub async fn settle(
    ledger: &Ledger,
    archive: &Archive,
    configs: &ConfigStore,
    id: &CommunicationId,
    state: State,
    decision: Decision,
    now: Timestamp,
) -> Result<Settled, Refusal> {
    if !can_settle_as(state) {
        return Err(Refusal::NoOutcome(state));
    }
    let entry = ledger.get(id).await?.ok_or(Refusal::NoSuchCommunication)?;
    let loaded = configs.get(&entry.shop, now).await?;
    let test = entry.archived.as_ref().is_some_and(|archived| is_test(&archived.archive_key));
    let owed = report::owed(&loaded.config, &entry.reported_on, test);
    let reason = format!("{}: {}", decision.actor, decision.reason);
    if entry.state == State::Unknown {
        // in full, before the ledger has its beginning: after a death in between, the same decision does the rest
        let fact = Fact { settled_as: Some(state), ..decided(FactKind::Settled, &decision, now) };
        add_fact(archive, &entry, &fact, now).await?;
    }
    let entry = match ledger.settle(id, state, &reason, owed, now).await? {
        Some(entry) => entry,
        // recorded by an earlier try that got no further
        None => match ledger.get(id).await? {
            Some(now) if now.state == state && now.write_back == WriteBackState::Pending => now,
            Some(now) => return Err(Refusal::NotUnknown(now.state)),
            None => return Err(Refusal::NoSuchCommunication),
        },
    };
    let report = (owed == WriteBackState::Pending)
        .then(|| report::settled(&entry, &loaded.config, decision.actor, decision.reason));
    Ok(Settled { entry, report })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_outcome_settles() {
        let outcomes: Vec<_> = State::ALL.iter().copied().filter(|state| can_settle_as(*state)).collect();
        assert_eq!(outcomes, [State::Accepted, State::Delivered, State::Bounced, State::Failed]);
    }
}
