//! Issuing a communication again: the archived bytes, to where they went or to a corrected address, or a new composition.
//!
//! The new issue is a communication of its own, whose id follows from the request. So a request that is made twice, because
//! its answer was lost or a button was pressed twice, is one issue: the second one finds the first in the ledger.

use crate::{
    Decision, Refusal,
    evidence::{add_fact, decided},
};
use archive::{Archive, Fact, FactKind, is_test};
use comms::{CommunicationId, MessageClass, Revision};
use delivery::Address;
use jiff::{Timestamp, tz::TimeZone};
use ledger::{Entry, Ledger};
use sha2::{Digest, Sha256};
use shop_config::{ConfigStore, ShopConfig};
use work::{Resend, Trigger, WorkItem};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct ResendRequest {
    pub decision: Decision,
    /// Names this request, so that the same one is made once. Without a name, every millisecond has a request of its own.
    pub name: Option<String>,
    pub recompose: bool,
    /// A corrected e-mail address or number.
    pub to: Option<String>,
}

/// A further issue that is to be queued for its flow.
#[derive(Debug)]
pub struct Reissue {
    /// The new communication.
    pub issue: CommunicationId,
    pub item: WorkItem,
}

/// Checks a request, and archives that it was made. The flow checks again what may have changed until it works on it.
///
/// # Errors
/// When it is refused, or could not be checked or archived: then nothing is to be queued.
pub async fn resend(
    ledger: &Ledger,
    archive: &Archive,
    configs: &ConfigStore,
    id: &CommunicationId,
    request: ResendRequest,
    now: Timestamp,
) -> Result<Reissue, Refusal> {
    let to = request.to.as_deref().map(str::parse::<Address>).transpose()?;
    let entry = ledger.get(id).await?.ok_or(Refusal::NoSuchCommunication)?;
    may_go_out(&entry, request.recompose)?;
    if let Some(to) = &to {
        if request.recompose {
            return Err(Refusal::RecomposedElsewhere);
        }
        reaches(to, &entry, &configs.get(&entry.shop, now).await?.config)?;
    }
    let revision = revision(&request, id, now);
    let issue = CommunicationId::derive(&entry.shop, entry.document, &entry.subject, &revision);
    let fact = Fact { issue: Some(issue.clone()), ..decided(FactKind::Reissued, &request.decision, now) };
    add_fact(archive, &entry, &fact, now).await?;
    let item = item(&entry, &issue, revision, request, now);
    Ok(Reissue { issue, item })
}

/// Whether there is something that may go out.
pub(crate) fn may_go_out(entry: &Entry, recompose: bool) -> Result<(), Refusal> {
    if entry.state.is_open() {
        return Err(Refusal::Open(entry.state));
    }
    match &entry.archived {
        _ if recompose => Ok(()),
        None => Err(Refusal::NothingArchived),
        Some(archived) if is_test(&archived.archive_key) => Err(Refusal::Rehearsed),
        Some(_) => Ok(()),
    }
}

/// Whether the document may go there: the flow asks the same again.
fn reaches(to: &Address, entry: &Entry, config: &ShopConfig) -> Result<(), Refusal> {
    let settings = config.document(entry.document).ok_or(Refusal::SwitchedOff)?;
    if settings.class(entry.document) == MessageClass::Marketing {
        return Err(Refusal::Marketing);
    }
    if !settings.channels.iter().any(|channel| to.fits(*channel)) {
        return Err(Refusal::NoChannel);
    }
    Ok(())
}

fn revision(request: &ResendRequest, of: &CommunicationId, now: Timestamp) -> Revision {
    Revision::named(match &request.name {
        // of who asked, too: a name that two people hit upon is two requests
        Some(name) => {
            let parts = [request.decision.actor(), of.as_str(), name];
            let digest =
                parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part).chain_update(b"\0"));
            format!("resend-{}", hex::encode(&digest.finalize()[..8]))
        }
        None => format!("resend-{}", now.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%S%3fZ")),
    })
}

fn item(
    entry: &Entry,
    issue: &CommunicationId,
    revision: Revision,
    request: ResendRequest,
    now: Timestamp,
) -> WorkItem {
    let ResendRequest { decision: Decision { actor, reason }, recompose, to, .. } = request;
    WorkItem {
        v: WorkItem::VERSION,
        shop: entry.shop.clone(),
        flow: entry.flow,
        trigger: Trigger {
            topic: "resend".to_owned(),
            webhook_id: format!("resend-{issue}"),
            event_id: None,
            triggered_at: Some(now),
            test: false,
        },
        subject: entry.subject.clone(),
        payload: None,
        payload_key: None,
        resend: Some(Resend { of: entry.communication.clone(), revision, actor, reason, recompose, to }),
        next_channel: None,
        request: None,
        trace: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(actor: &str, name: Option<&str>) -> ResendRequest {
        let decision = Decision::new(actor.to_owned(), "asked".to_owned()).unwrap();
        ResendRequest { decision, name: name.map(str::to_owned), recompose: false, to: None }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_same_request_is_one_issue_and_another_is_another() {
        let (a, b): (CommunicationId, CommunicationId) =
            ("0".repeat(32).parse().unwrap(), "1".repeat(32).parse().unwrap());
        let of = |actor, name, id, second| revision(&request(actor, Some(name)), id, at(second));
        let first = of("ops", "form-0001", &a, 1);
        assert_eq!(of("ops", "form-0001", &a, 99), first, "whenever its answer is asked for again");
        for other in
            [of("eve", "form-0001", &a, 1), of("ops", "form-0002", &a, 1), of("ops", "form-0001", &b, 1)]
        {
            assert_ne!(other, first);
        }
        let unnamed = |millisecond| {
            revision(&request("ops", None), &a, Timestamp::from_millisecond(millisecond).unwrap())
        };
        assert_eq!(unnamed(7).as_str(), "resend-19700101T000000007Z");
        assert_ne!(unnamed(7), unnamed(8), "two people ask in the same second");
    }
}
