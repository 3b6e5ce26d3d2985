//! What goes over the wire. Fields are only added.

use comms::{CommunicationId, State, one_line};
use decisions::why_not_again;
use jiff::Timestamp;
use ledger::Entry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A communication, as a list shows it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    pub communication: CommunicationId,
    /// Its name in configurations, such as `receipt`.
    pub document: comms::Document,
    /// Its name for people, in English.
    pub label: String,
    pub state: State,
    /// The order, customer or company location that shows it.
    pub reported_on: String,
    /// Why it failed, was suppressed, came back or is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// When work on it began.
    #[schemars(with = "String")]
    pub issued_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub sent_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub delivered_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub failed_at: Option<Timestamp>,
    /// Whether there is something to open.
    pub has_document: bool,
    pub may_resend: bool,
    /// One sentence, where it may not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not_resend: Option<String>,
}

impl Document {
    pub fn of(entry: &Entry) -> Self {
        let moment = |epoch_ms: i64| Timestamp::from_millisecond(epoch_ms).ok();
        let updated = moment(entry.updated_epoch_ms);
        let refusal = why_not_again(entry);
        Self {
            communication: entry.communication.clone(),
            document: entry.document,
            label: entry.document.title("en").to_owned(),
            state: entry.state,
            reported_on: entry.reported_on.as_str().to_owned(),
            reason: entry.reason.as_deref().map(one_line),
            channel: entry.channel.as_deref().map(one_line),
            issued_at: moment(entry.created_epoch_ms).unwrap_or(Timestamp::UNIX_EPOCH),
            sent_at: match entry.state {
                State::Accepted => moment(entry.accepted_at_epoch_ms()),
                // what a person settled was sent nobody knows when
                State::Delivered | State::Bounced => entry.accepted_epoch_ms.and_then(moment),
                _ => None,
            },
            delivered_at: updated.filter(|_| entry.state == State::Delivered),
            failed_at: updated.filter(|_| matches!(entry.state, State::Failed | State::Bounced)),
            has_document: entry.archived.is_some(),
            may_resend: refusal.is_none(),
            why_not_resend: refusal.map(|refusal| format!("It cannot be sent again: {refusal}.")),
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Documents {
    pub documents: Vec<Document>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Why {
    pub communication: CommunicationId,
    pub state: State,
    /// The answer first.
    pub sentences: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct ResourceWhy {
    /// Why there is nothing, where there is nothing.
    pub sentences: Vec<String>,
    pub documents: Vec<WhyDocument>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct WhyDocument {
    pub communication: CommunicationId,
    pub label: String,
    pub state: State,
    pub sentences: Vec<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenRequest {
    /// Which output, counted from 0.
    #[serde(default)]
    pub output: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Opened {
    /// Opens the document without a token, for two minutes.
    pub url: String,
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
    pub media_type: String,
    pub file_name: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResendRequest {
    /// Names the request: 8 to 64 letters, digits or hyphens, made once per form. The same again is the same issue.
    #[schemars(regex(pattern = "^[A-Za-z0-9-]{8,64}$"))]
    pub request: String,
    /// Why, in 1 to 200 bytes on one line, without anything personal.
    pub reason: String,
    /// A corrected e-mail address, or a number in E.164. Absent: where it went.
    #[serde(default)]
    pub to: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Resent {
    /// The further issue.
    pub communication: CommunicationId,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldRequest {
    /// What it is held for, such as the number of a case: 1 to 90 bytes on one line, without anything personal.
    pub matter: String,
    /// Why, in 1 to 200 bytes on one line, without anything personal.
    pub reason: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Holds {
    pub communication: CommunicationId,
    /// Whether there is evidence that can be held.
    pub may_hold: bool,
    /// What it is held for. It is kept until the last one ends.
    pub matters: Vec<HeldFor>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct HeldFor {
    pub matter: String,
    /// Whether the shop's staff holds it for this and may end it. What others hold it for, they end.
    pub may_release: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrintRequest {
    #[schemars(length(min = 1, max = 50))]
    pub communications: Vec<CommunicationId>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Printed {
    /// In the order asked for.
    pub documents: Vec<Printable>,
    /// All that can be printed, in one PDF. Absent if nothing can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged: Option<Merged>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Printable {
    pub communication: CommunicationId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// Why it cannot be printed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Printable {
    pub const fn empty(communication: CommunicationId) -> Self {
        Self { communication, url: None, media_type: None, file_name: None, error: None }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Merged {
    pub url: String,
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
    /// Absent where the pages of one of them were not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages: Option<u32>,
}

/// What a customer has of an order.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OwnDocuments {
    /// Oldest first.
    pub documents: Vec<OwnDocument>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct OwnDocument {
    /// Its name for people, in the language of the document.
    pub title: String,
    pub locale: String,
    #[schemars(with = "String")]
    pub issued_at: Timestamp,
    /// The page that the customer's own link opens.
    pub url: String,
    #[schemars(with = "String")]
    pub valid_until: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::path::Path;

    #[test]
    fn the_contract_is_published() {
        let schema = |name: &str, schema: schemars::Schema| (name.to_owned(), schema.to_value());
        let all: serde_json::Map<_, _> = [
            schema("documents", schemars::schema_for!(Documents)),
            schema("document", schemars::schema_for!(Document)),
            schema("why", schemars::schema_for!(Why)),
            schema("why of a resource", schemars::schema_for!(ResourceWhy)),
            schema("open, request", schemars::schema_for!(OpenRequest)),
            schema("open", schemars::schema_for!(Opened)),
            schema("resend, request", schemars::schema_for!(ResendRequest)),
            schema("resend", schemars::schema_for!(Resent)),
            schema("holds", schemars::schema_for!(Holds)),
            schema("hold or release, request", schemars::schema_for!(HoldRequest)),
            schema("print, request", schemars::schema_for!(PrintRequest)),
            schema("own documents", schemars::schema_for!(OwnDocuments)),
            schema("print", schemars::schema_for!(Printed)),
        ]
        .into_iter()
        .collect();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/extension-api.v1.json");
        contract::published(&file, &json!(all));
    }
}
