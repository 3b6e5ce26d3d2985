//! The event: a versioned contract (`schemas/outcome-event.v1.json`). It names no customer: what a document
//! is about is left out where that is a person, and so is whatever looks like an address in a reason.

use comms::{CommunicationId, Document, Flow, Gid, Revision, ShopDomain, State, names};
use jiff::Timestamp;
use ledger::Entry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The `source` of every event.
pub const SOURCE: &str = "shopify-exstream";

/// The `detail-type` of every event.
pub const DETAIL_TYPE: &str = "CommunicationOutcome";

names! {
    /// What became of a communication. `accepted` is an end where the channel reports no more than that.
    Outcome, "outcome", {
        /// Composed and archived, and that is all it was made for.
        Archived = "archived",
        /// The channel took it, and nothing more is expected of the channel.
        Accepted = "accepted",
        /// It reached the recipient.
        Delivered = "delivered",
        /// The channel could not deliver it, or it came back.
        Bounced = "bounced",
        /// A letter that was printed and came back.
        Returned = "returned",
        /// It cannot be made or sent; the reason says why.
        Failed = "failed",
        /// It was decided not to send it; the reason says why.
        Suppressed = "suppressed",
        /// It may or may not have been sent, and the channel cannot tell. A person settles it.
        Unknown = "unknown",
    }
}

impl Outcome {
    /// `None` while work on it or an answer of its channel is still to come.
    pub fn of(state: State, channel: Option<&str>, is_watched: bool) -> Option<Self> {
        match state {
            State::Claimed | State::Sending => None,
            State::Accepted if is_watched => None,
            State::Accepted => Some(Self::Accepted),
            State::Archived => Some(Self::Archived),
            State::Delivered => Some(Self::Delivered),
            State::Bounced if channel == Some("print") => Some(Self::Returned),
            State::Bounced => Some(Self::Bounced),
            State::Failed => Some(Self::Failed),
            State::Suppressed => Some(Self::Suppressed),
            State::Unknown => Some(Self::Unknown),
        }
    }
}

/// What became of one communication. A later outcome of it has an event of its own: what was delivered may
/// come back, and a person settles what was unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutcomeEvent {
    /// The version of this format: 1.
    pub v: u8,
    /// Tells events apart: communication and outcome. The same event may come more than once.
    pub id: String,
    /// The key: which document this is about.
    pub communication: CommunicationId,
    pub outcome: Outcome,
    /// Of two events about one communication, the one with the higher step is the later, in whatever order they come.
    pub step: u8,
    /// When that was recorded, in UTC.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub recorded_at: Timestamp,
    /// When work on it began, in UTC.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub created_at: Timestamp,
    /// When its channel took it, in UTC. Absent if none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub accepted_at: Option<Timestamp>,
    pub shop: ShopDomain,
    pub flow: Flow,
    pub document: Document,
    /// Which issue of the document it is.
    pub revision: Revision,
    /// What it is about in Shopify, such as an order or a return. Absent where that is a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Gid>,
    /// The order or company location that shows it in Shopify. Absent where that is a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_on: Option<Gid>,
    /// The channel that was chosen. Absent if none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Why it failed, was suppressed, bounced or is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The Exstream communication that composed it. Absent if nothing was composed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// SHA-256 of the archived document, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// SHA-256 of its evidence record, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_sha256: Option<String>,
    /// A rehearsal, which was never to be delivered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
}

impl OutcomeEvent {
    pub fn new(entry: &Entry, outcome: Outcome) -> Self {
        let archived = entry.archived.as_ref();
        let at = |epoch_ms| Timestamp::from_millisecond(epoch_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let was_taken = matches!(entry.state, State::Accepted | State::Delivered | State::Bounced);
        Self {
            v: 1,
            id: format!("{}-{outcome}", entry.communication),
            communication: entry.communication.clone(),
            outcome,
            step: entry.state.rank(),
            recorded_at: at(entry.updated_epoch_ms),
            created_at: at(entry.created_epoch_ms),
            accepted_at: was_taken.then(|| at(entry.accepted_at_epoch_ms())),
            shop: entry.shop.clone(),
            flow: entry.flow,
            document: entry.document,
            revision: entry.revision.clone(),
            subject: impersonal(&entry.subject),
            reported_on: impersonal(&entry.reported_on),
            channel: entry.channel.clone(),
            reason: entry.reason.as_deref().map(comms::covered),
            template: archived.map(|it| it.template.clone()),
            sha256: archived.map(|it| it.sha256.clone()),
            record_sha256: archived.map(|it| it.record_sha256.clone()),
            test: archived.is_some_and(|it| it.archive_key.starts_with("test/")),
        }
    }
}

fn impersonal(resource: &Gid) -> Option<Gid> {
    (resource.kind() != "Customer").then(|| resource.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry() -> Entry {
        let sample = include_str!("../samples/outcome-event.v1.json");
        let sample: OutcomeEvent = serde_json::from_str(sample).unwrap();
        serde_json::from_value(json!({
            "pk": sample.communication, "shop": sample.shop, "flow": sample.flow, "document": sample.document,
            "subject": sample.subject, "revision": sample.revision, "reported_on": sample.reported_on,
            "state": "bounced", "attempts": 1, "created_epoch_ms": sample.created_at.as_millisecond(),
            "updated_epoch_ms": sample.recorded_at.as_millisecond(),
            "accepted_epoch_ms": sample.accepted_at.unwrap().as_millisecond(),
            "archive_key": "northwind-demo.myshopify.com/x/document.pdf", "archive_version": "v",
            "sha256": sample.sha256, "record_version": "v", "record_sha256": sample.record_sha256,
            "template": sample.template, "channel": "email", "reason": "5.1.1 user unknown",
        }))
        .unwrap()
    }

    #[test]
    fn the_contract_is_published_and_the_sample_is_an_event() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let schema = schemars::schema_for!(OutcomeEvent).to_value();
        contract::published(&folder.join("schemas/outcome-event.v1.json"), &schema);
        let event = OutcomeEvent::new(&entry(), Outcome::Bounced);
        let event = serde_json::to_value(event).unwrap();
        contract::published(&folder.join("samples/outcome-event.v1.json"), &event);
        contract::conforms(&schema, &event);
    }

    #[test]
    fn each_state_has_an_outcome_or_none() {
        for &state in State::ALL {
            let outcome = Outcome::of(state, Some("email"), false);
            assert_eq!(outcome.is_none(), state.is_open(), "{state}");
            if let Some(outcome) = outcome {
                assert_eq!(outcome.name(), state.name());
            }
        }
        assert_eq!(Outcome::of(State::Accepted, Some("email"), true), None);
        assert_eq!(Outcome::of(State::Bounced, Some("print"), false), Some(Outcome::Returned));
        assert_eq!(Outcome::of(State::Delivered, Some("email"), true), Some(Outcome::Delivered));
    }

    #[test]
    fn no_person_is_named() {
        let customer = Gid::new("Customer", 501);
        let personal = Entry {
            subject: customer.clone(),
            reported_on: customer,
            customer: Some("0".repeat(32)),
            reference: Some("job-zoe@example.com".to_owned()),
            reason: Some("550 <zoe@example.com> unknown, called +33600000000".to_owned()),
            ..entry()
        };
        let text = serde_json::to_string(&OutcomeEvent::new(&personal, Outcome::Bounced)).unwrap();
        for part in ["501", "zoe", "3360", &"0".repeat(32)] {
            assert!(!text.contains(part), "{part} in {text}");
        }
        assert!(text.contains("550 *** unknown, called ***"), "{text}");
    }

    #[test]
    fn a_rehearsal_says_that_it_is_one() {
        let mut entry = entry();
        entry.archived.as_mut().unwrap().archive_key.insert_str(0, "test/");
        assert!(OutcomeEvent::new(&entry, Outcome::Archived).test);
    }
}
