//! What Shopify is told about a communication.

use crate::context::Attempt;
use comms::{Gid, State, WriteBackState};
use jiff::Timestamp;
use ledger::Entry;
use service::Place;
use shop_config::{Channel, ShopConfig};
use work::{Decision, DecisionKind, Request, Resend, WorkItem, WriteBackItem};

/// Whether this shop is to be told of a communication about `resource`. What belongs to no order, customer or
/// company location has nowhere to be reported.
pub fn owed(config: &ShopConfig, resource: &Gid, test: bool) -> WriteBackState {
    let carries = matches!(resource.kind(), "Order" | "Customer" | "CompanyLocation");
    if config.write_back.enabled && !test && carries { WriteBackState::Pending } else { WriteBackState::None }
}

/// The report of an entry as the ledger has it.
pub fn item(entry: &Entry, config: &ShopConfig) -> WriteBackItem {
    let archived = entry.archived.as_ref();
    let updated = moment(entry.updated_epoch_ms);
    let reached = matches!(entry.state, State::Archived | State::Accepted | State::Delivered);
    let tags =
        config.documents.get(&entry.document).map(|settings| settings.tags.clone()).unwrap_or_default();
    WriteBackItem {
        v: WriteBackItem::VERSION,
        shop: entry.shop.clone(),
        reported_on: entry.reported_on.clone(),
        subject: (entry.subject != entry.reported_on).then(|| entry.subject.clone()),
        communication: entry.communication.clone(),
        document: entry.document,
        state: entry.state,
        at: updated.unwrap_or(Timestamp::UNIX_EPOCH),
        channel: entry.channel.clone(),
        reason: entry.reason.clone(),
        template: archived.map(|archived| archived.template.clone()),
        template_version: archived.and_then(|archived| archived.template_version),
        sha256: archived.map(|archived| archived.sha256.clone()),
        period: entry.revision.period().map(str::to_owned),
        issue_of: None,
        decision: None,
        sent: match entry.state {
            State::Accepted => moment(entry.accepted_at_epoch_ms()),
            // what a person settled was sent nobody knows when
            State::Delivered | State::Bounced => entry.accepted_epoch_ms.and_then(moment),
            _ => None,
        },
        delivered: updated.filter(|_| entry.state == State::Delivered),
        failed: updated.filter(|_| matches!(entry.state, State::Failed | State::Bounced)),
        address: None,
        link: link(entry),
        tags: if reached { tags } else { Vec::new() },
        trace: None,
    }
}

/// The report of what an attempt came to. That of a further issue says of which document, and who asked for it.
pub fn attempted(attempt: &Attempt<'_>, entry: &Entry) -> WriteBackItem {
    let report = further(item(entry, &attempt.loaded.config), attempt.item, entry);
    // a function that records nothing hands on where it belongs
    let trace = attempt.place.and_then(Place::context).or(attempt.item.trace);
    WriteBackItem { trace, ..report }
}

fn further(report: WriteBackItem, item: &WorkItem, entry: &Entry) -> WriteBackItem {
    match (&item.resend, &item.next_channel) {
        (Some(resend), _) => asked_for(report, resend, item.trigger.triggered_at, entry),
        // nobody decided it: the shop's configuration says so
        (None, Some(next)) => WriteBackItem { issue_of: Some(next.of.clone()), ..report },
        (None, None) => match &item.request {
            Some(request) => requested(report, request, item.trigger.triggered_at, entry),
            None => report,
        },
    }
}

fn asked_for(item: WriteBackItem, resend: &Resend, at: Option<Timestamp>, entry: &Entry) -> WriteBackItem {
    let (actor, reason) = (resend.actor.clone(), resend.reason.clone());
    let decision = Decision { at: asked_at(&item, at, entry), kind: DecisionKind::Resend, actor, reason };
    WriteBackItem { issue_of: Some(resend.of.clone()), decision: Some(decision), ..item }
}

fn requested(item: WriteBackItem, request: &Request, at: Option<Timestamp>, entry: &Entry) -> WriteBackItem {
    let (actor, reason) = (request.actor.clone(), request.reason.clone());
    let decision = Decision { at: asked_at(&item, at, entry), kind: DecisionKind::Request, actor, reason };
    WriteBackItem { decision: Some(decision), ..item }
}

/// A request without a time was made no later than its work was begun.
fn asked_at(item: &WriteBackItem, at: Option<Timestamp>, entry: &Entry) -> Timestamp {
    at.or_else(|| moment(entry.created_epoch_ms)).unwrap_or(item.at)
}

/// The report of what a person settled. The ledger has the time of the decision, and no other.
pub fn settled(entry: &Entry, config: &ShopConfig, actor: String, reason: String) -> WriteBackItem {
    let item = item(entry, config);
    let decision = Decision { at: item.at, kind: DecisionKind::Settle, actor, reason };
    WriteBackItem { decision: Some(decision), sent: None, delivered: None, failed: None, ..item }
}

/// The beginning of the published link's hash, which is the channel's reference: enough to tell the links of a
/// communication apart.
fn link(entry: &Entry) -> Option<String> {
    let published = entry.channel.as_deref() == Some(Channel::Web.name());
    entry.reference.as_ref().filter(|_| published).map(|hash| hash.chars().take(12).collect())
}

fn moment(epoch_ms: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(epoch_ms).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use comms::{CommunicationId, Document, Revision};

    fn config() -> ShopConfig {
        ShopConfig::parse(include_str!("../../../infra/local/config/demo-shop.toml")).unwrap()
    }

    /// Begun at second 1, last changed at second 9.
    fn entry(state: State) -> Entry {
        let begun = crate::tests::entry::entry(Revision::of_period("2026-10"), 1);
        Entry { state, sends: 1, updated_epoch_ms: 9_000, write_back: WriteBackState::Pending, ..begun }
    }

    fn second(second: i64) -> Option<Timestamp> {
        Timestamp::from_second(second).ok()
    }

    #[test]
    fn sent_delivered_and_failed_have_times_of_their_own() {
        let times = |state, accepted_epoch_ms| {
            let item = item(&Entry { accepted_epoch_ms, ..entry(state) }, &config());
            (item.sent, item.delivered, item.failed)
        };
        assert_eq!(times(State::Accepted, None), (second(9), None, None));
        assert_eq!(times(State::Accepted, Some(5_000)), (second(5), None, None), "changed since");
        assert_eq!(times(State::Delivered, Some(5_000)), (second(5), second(9), None));
        assert_eq!(times(State::Bounced, Some(5_000)), (second(5), None, second(9)));
        assert_eq!(times(State::Delivered, None), (None, second(9), None), "nobody knows when it was sent");
        assert_eq!(times(State::Failed, None), (None, None, second(9)));
        for state in [State::Archived, State::Suppressed, State::Unknown] {
            assert_eq!(times(state, None), (None, None, None), "{state}");
        }
        assert_eq!(item(&entry(State::Accepted), &config()).period.as_deref(), Some("2026-10"));
    }

    #[test]
    fn a_published_link_is_named_by_the_beginning_of_its_hash() {
        let published = |channel: &str| {
            let (channel, reference) = (Some(channel.to_owned()), Some("0123456789abcdef".repeat(2)));
            item(&Entry { channel, reference, ..entry(State::Accepted) }, &config()).link
        };
        assert_eq!(published("web").as_deref(), Some("0123456789ab"));
        assert_eq!(published("email"), None);
    }

    #[test]
    fn a_decision_names_who_made_it_when_and_why() {
        let entry = entry(State::Accepted);
        let resend = Resend {
            of: CommunicationId::derive(&entry.shop, Document::Receipt, &entry.subject, &Revision::Initial),
            revision: Revision::named("resend-1"),
            actor: "support@acme.example".to_owned(),
            reason: "the address was wrong".to_owned(),
            recompose: false,
            to: None,
        };
        let report = asked_for(item(&entry, &config()), &resend, second(3), &entry);
        assert_eq!(report.issue_of.as_ref(), Some(&resend.of));
        let decision = report.decision.unwrap();
        assert_eq!((decision.kind, Some(decision.at)), (DecisionKind::Resend, second(3)));
        assert_eq!((decision.actor, decision.reason), (resend.actor.clone(), resend.reason.clone()));
        let report = asked_for(item(&entry, &config()), &resend, None, &entry);
        assert_eq!(report.decision.map(|it| it.at), second(1));
    }

    #[test]
    fn an_issue_by_the_next_channel_says_of_which_document_it_is() {
        let entry = entry(State::Accepted);
        let first =
            CommunicationId::derive(&entry.shop, Document::Receipt, &entry.subject, &Revision::Initial);
        let work = serde_json::json!({
            "v": 1, "shop": entry.shop, "flow": entry.flow, "subject": entry.subject,
            "trigger": {"topic": "next-channel", "webhook_id": "w"},
            "next_channel": {"of": first, "after": "bounced"},
        });
        let work = WorkItem::from_json(&work.to_string()).unwrap();
        let report = further(item(&entry, &config()), &work, &entry);
        assert_eq!((report.issue_of, report.decision), (Some(first), None));
    }

    /// The ledger has the moment of the decision, which is not that of the send.
    #[test]
    fn what_a_person_settled_has_no_time_but_that_of_the_decision() {
        for state in [State::Accepted, State::Delivered, State::Bounced, State::Failed] {
            let report = settled(&entry(state), &config(), "ops".to_owned(), "they have it".to_owned());
            assert_eq!((report.sent, report.delivered, report.failed), (None, None, None), "{state}");
            let decision = report.decision.unwrap();
            assert_eq!((decision.kind, Some(decision.at)), (DecisionKind::Settle, second(9)));
        }
    }
}
