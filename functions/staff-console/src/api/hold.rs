//! Holding evidence for a matter of the shop's staff. Their matters bear a mark of their own, so that they end no hold that
//! others have placed, whatever they call it.

use super::{
    ApiError, Call, json,
    wire::{HeldFor, HoldRequest, Holds},
};
use crate::{act::NotDone, audit::Act, person::Right};
use comms::CommunicationId;
use decisions::{Decision, Matter, hold, matters, release};
use downloads::HttpResponse;
use ledger::Entry;

/// Begins the matters of the shop's staff.
const STAFF: &str = "staff: ";

impl Call<'_> {
    pub(super) async fn holds(&self, id: &CommunicationId) -> Result<HttpResponse, ApiError> {
        self.may(Right::Hold)?;
        let entry = self.entry(id).await?;
        self.record(Act::SeeHolds, &entry, None).await?;
        let matters = matters(&self.console.archive, &entry).await.map_err(NotDone::from)?;
        json(200, &answer(&entry, matters))
    }

    /// Holds or releases. The same again changes nothing and answers the same.
    pub(super) async fn change_hold(&self, id: &CommunicationId, act: Act) -> Result<HttpResponse, ApiError> {
        self.may(Right::Hold)?;
        let HoldRequest { matter, reason } = self.request.json()?;
        let entry = self.entry(id).await?;
        let decision = Decision::new(self.person.name.clone(), reason).map_err(NotDone::from)?;
        if matter.trim().is_empty() {
            return Err(ApiError::Refused("the matter needs a name".to_owned()));
        }
        let matter = Matter::new(format!("{STAFF}{}", matter.trim())).map_err(NotDone::from)?;
        self.record(act, &entry, Some(decision.reason())).await?;
        let archive = &self.console.archive;
        let changed = match act {
            Act::Release => release(archive, &entry, &matter, &decision, self.now).await,
            _ => hold(archive, &entry, &matter, &decision, self.now).await,
        };
        json(200, &answer(&entry, changed.map_err(NotDone::from)?))
    }
}

fn answer(entry: &Entry, matters: Vec<String>) -> Holds {
    let matters = matters.into_iter().map(|matter| match matter.strip_prefix(STAFF) {
        Some(own) => HeldFor { matter: own.to_owned(), may_release: true },
        None => HeldFor { matter, may_release: false },
    });
    Holds {
        communication: entry.communication.clone(),
        may_hold: flow::record_of(entry).is_some(),
        matters: matters.collect(),
    }
}
