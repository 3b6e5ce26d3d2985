//! Facts: what became of a communication after its record was locked. A public, versioned contract
//! (`schemas/fact.v1.json`).
//!
//! The record says what was composed, before anything is sent; a fact says what happened to it later. Each fact is an
//! object of its own beside the record, `fact-01.json`, `fact-02.json` and so on, and names the SHA-256 of the one before
//! it, the first one that of the record: none can be taken out or exchanged without the next one showing it.
//!
//! Facts name no person: where something was sent is in the record, and what a channel says of it has addresses and
//! numbers covered. The one exception is [`FactKind::Addressed`], for an address that the record does not have.

use crate::{Recipient, Software};
use comms::{CommunicationId, State, covered, cut, names, one_line};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most that is kept of a channel's words or a person's reason.
const MAX_WORDS_BYTES: usize = 500;

names! {
    /// What happened.
    FactKind, "fact", {
        /// It is about to be sent by another channel or to another address than the record says.
        Addressed = "addressed",
        /// A channel took it.
        Accepted = "accepted",
        /// The channel did not take it and never will.
        Refused = "refused",
        /// It could not be sent.
        Failed = "failed",
        /// It may or may not have been sent.
        Unknown = "unknown",
        /// It was decided not to send it.
        Suppressed = "suppressed",
        /// The channel says that it reached the recipient.
        Delivered = "delivered",
        /// The channel says that it did not, or that it came back.
        Bounced = "bounced",
        /// Nothing was heard of it for a day.
        Unconfirmed = "unconfirmed",
        /// The recipient wants no more of the kind.
        OptedOut = "opted-out",
        /// A person said what became of a send whose outcome was unknown.
        Settled = "settled",
        /// A person asked for another issue of it.
        Reissued = "reissued",
        /// Its page, or a document on it, was opened for the first time.
        Opened = "opened",
        /// It must not be deleted, whatever its retention says.
        Held = "held",
        /// The end of that.
        Released = "released",
    }
}

/// A decision of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// Who, by their own account.
    pub actor: String,
    /// Why, in their words.
    pub reason: String,
}

/// What happened, before it has its place in the chain.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fact {
    /// What happened.
    #[serde(rename = "fact")]
    pub kind: FactKind,
    /// When, by the clock of whoever learned it.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// When it happened, by the channel's own clock. Absent where the channel says nothing of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub said_at: Option<Timestamp>,
    /// The channel it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// What the channel calls the delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The address that was used, as a field of the record's `recipient`. Absent for marketing, whose record names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<AddressField>,
    /// What the channel said, or why, with addresses and numbers covered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    /// As what a person settled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_as: Option<State>,
    /// Who decided, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// What it is held for, such as the number of a case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matter: Option<String>,
    /// The further issue that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<CommunicationId>,
    /// What was opened: `page`, or the document's file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<String>,
    /// Where it goes, if the record does not say that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Recipient>,
}

names! {
    /// A field of the record's recipient.
    AddressField, "address", {
        Email = "email",
        Phone = "phone",
        PostalAddress = "postal_address",
    }
}

/// A fact in its place: what an object `fact-<n>.json` says.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FactRecord {
    /// The version of this format: 1.
    pub v: u32,
    /// Whose fact it is.
    pub communication: CommunicationId,
    /// Its place, from 1.
    pub number: u32,
    /// SHA-256 of the communication's `record.json`.
    pub record_sha256: String,
    /// SHA-256 of the fact before this one; of the record, for the first.
    pub previous_sha256: String,
    /// What happened.
    #[serde(flatten)]
    pub fact: Fact,
    /// What wrote it.
    pub software: Software,
}

impl Fact {
    /// A fact of which nothing more is known.
    pub const fn new(kind: FactKind, at: Timestamp) -> Self {
        Self {
            kind,
            at,
            said_at: None,
            channel: None,
            reference: None,
            address: None,
            words: None,
            settled_as: None,
            decision: None,
            matter: None,
            issue: None,
            opened: None,
            recipient: None,
        }
    }

    /// With what the channel said.
    #[must_use]
    pub fn saying(mut self, words: Option<&str>) -> Self {
        self.words = words.map(|words| cut(&covered(&one_line(words)), MAX_WORDS_BYTES).to_owned());
        self
    }

    /// Whether `other` says the same: then it is this fact once more, and not a further one. When it was learned does
    /// not count, so that whoever comes to it again after a crash does not add it twice.
    pub fn is_again(&self, other: &Self) -> bool {
        let told = |fact: &Self| {
            let by_reference = fact.reference.clone().filter(|_| fact.kind == FactKind::Accepted);
            let decision = fact.decision.clone();
            let (issue, opened, matter) = (fact.issue.clone(), fact.opened.clone(), fact.matter.clone());
            (fact.kind, by_reference, fact.settled_as, decision, issue, opened, matter)
        };
        // a matter can be taken up again, and a communication be held for it once more
        let is_state = !matches!(self.kind, FactKind::Held | FactKind::Released);
        is_state && told(self) == told(other) && self.recipient == other.recipient
    }
}

impl FactRecord {
    /// The version of the format that this release writes.
    pub const VERSION: u32 = 1;

    /// The published JSON Schema.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }
}

// may have an address
impl std::fmt::Debug for Fact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fact").field("kind", &self.kind).field("at", &self.at).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for FactRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FactRecord")
            .field("communication", &self.communication)
            .field("number", &self.number)
            .field("fact", &self.fact)
            .finish_non_exhaustive()
    }
}

/// What facts are called: `fact-01.json`.
const PREFIX: &str = "fact-";

/// The name of a fact's object.
pub fn name(number: u32) -> String {
    format!("{PREFIX}{number:02}.json")
}

/// The number of the fact that an object is, by its name without its folder.
pub fn fact_number(name: &str) -> Option<u32> {
    let number = name.strip_prefix(PREFIX)?.strip_suffix(".json")?;
    number.parse().ok().filter(|it| self::name(*it) == name)
}

/// The matters for which a communication is held, after these facts.
pub fn open_matters<'a>(facts: impl IntoIterator<Item = &'a Fact>) -> Vec<String> {
    let mut open = Vec::new();
    for fact in facts {
        let Some(matter) = &fact.matter else { continue };
        open.retain(|it| it != matter);
        if fact.kind == FactKind::Held {
            open.push(matter.clone());
        }
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_contract_is_published_and_the_sample_conforms() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        contract::published(&folder.join("schemas/fact.v1.json"), &FactRecord::schema());
        let fact = Fact {
            channel: Some("email".to_owned()),
            reference: Some("job-1".to_owned()),
            address: Some(AddressField::Email),
            ..Fact::new(FactKind::Accepted, "2026-11-27T09:00:00Z".parse().unwrap())
        };
        let record = FactRecord {
            v: FactRecord::VERSION,
            communication: "c4809f9b199959867b344883a5f958d0".parse().unwrap(),
            number: 1,
            record_sha256: "0".repeat(64),
            previous_sha256: "0".repeat(64),
            fact,
            software: Software { name: "shopify-exstream".into(), version: "0.0.0".into() },
        };
        let sample = serde_json::to_value(&record).unwrap();
        contract::published(&folder.join("samples/fact.v1.json"), &sample);
        contract::conforms(&FactRecord::schema(), &sample);
        let read: FactRecord = serde_json::from_value(sample).unwrap();
        assert!(read == record);
    }

    #[test]
    fn a_channels_words_name_nobody() {
        let words = "550 5.1.1 <zoe@example.com> unknown,\r\ncalled +33600000000";
        let fact = Fact::new(FactKind::Bounced, at(1)).saying(Some(words));
        assert_eq!(fact.words.as_deref(), Some("550 5.1.1 *** unknown, called ***"));
        let long = Fact::new(FactKind::Bounced, at(1)).saying(Some(&"é".repeat(900)));
        assert!(long.words.unwrap().len() <= MAX_WORDS_BYTES);
    }

    #[test]
    fn the_same_fact_learned_twice_is_one() {
        let accepted = |reference: &str, second| Fact {
            reference: Some(reference.to_owned()),
            ..Fact::new(FactKind::Accepted, at(second))
        };
        assert!(accepted("a", 1).is_again(&accepted("a", 2)));
        assert!(!accepted("a", 1).is_again(&accepted("b", 1)), "a second send");
        let opened =
            |what: &str| Fact { opened: Some(what.to_owned()), ..Fact::new(FactKind::Opened, at(1)) };
        assert!(opened("page").is_again(&opened("page")));
        assert!(!opened("page").is_again(&opened("document.pdf")));
        let held = Fact { matter: Some("m".to_owned()), ..Fact::new(FactKind::Held, at(1)) };
        assert!(!held.is_again(&held), "a matter can be taken up again");
    }

    #[test]
    fn the_names_of_facts_sort_and_are_read_back() {
        for (number, file) in [(1, "fact-01.json"), (42, "fact-42.json"), (100, "fact-100.json")] {
            assert_eq!((name(number).as_str(), fact_number(file)), (file, Some(number)));
        }
        for other in ["fact-1.json", "fact-001.json", "record.json", "fact-01.json.x", "fact-x.json"] {
            assert_eq!(fact_number(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_held_for_two_matters_is_released_from_both() {
        let fact = |kind, matter: &str| Fact { matter: Some(matter.to_owned()), ..Fact::new(kind, at(1)) };
        let (held, released) = (FactKind::Held, FactKind::Released);
        let mut facts = vec![fact(held, "a"), fact(held, "b"), fact(released, "a")];
        assert_eq!(open_matters(&facts), ["b"]);
        facts.extend([fact(held, "a"), fact(released, "b")]);
        assert_eq!(open_matters(&facts), ["a"]);
        facts.push(fact(released, "a"));
        assert!(open_matters(&facts).is_empty());
    }

    #[test]
    fn does_not_print_an_address() {
        let recipient: Recipient = serde_json::from_value(json!({"email": "zoe@example.com"})).unwrap();
        let fact = Fact { recipient: Some(recipient), ..Fact::new(FactKind::Addressed, at(1)) };
        assert!(!format!("{fact:?}").contains("zoe"));
    }
}
