//! Accepted e-mails, and the rules that say what becomes of them.

use crate::text_message::TextRecord;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// An accepted e-mail. Bodies and attachments are kept as sizes and hashes.
#[derive(Debug, Clone, Serialize)]
pub struct EmailRecord {
    pub job_id: String,
    pub message_id: Option<String>,
    pub customer_reference: Option<String>,
    pub submit_id: Option<String>,
    pub subject: String,
    pub from_display_name: Option<String>,
    pub destinations: Vec<Destination>,
    pub body: Vec<PartRecord>,
    pub attachments: Vec<PartRecord>,
    pub accepted_at: jiff::Timestamp,
    /// What a control call had in store for it.
    #[serde(skip)]
    pub(crate) outcome: Option<OutcomeRule>,
    #[serde(skip)]
    pub(crate) since: Instant,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Destination {
    #[serde(rename = "ref", default)]
    pub reference: Option<String>,
    pub email: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct PartRecord {
    pub name: Option<String>,
    pub r#type: Option<String>,
    pub bytes: usize,
    pub sha256: String,
    /// The text of a text part.
    pub text: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutcomeRule {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Of a text message, as it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// How many messages a rule without a name is good for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    pub outcome: Outcome,
    /// The enhanced status code of a bounce; 5.1.1 if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Time until the first attempt, in place of the setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    pub html_open: bool,
    pub opt_out: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    #[default]
    Delivered,
    /// The first attempt fails.
    Bounced,
    /// Sent, and returned by the recipient's mail server afterwards.
    Returned,
    /// The job is forgotten: its time has passed.
    Gone,
    /// No attempt is ever reported.
    Silent,
}

impl OutcomeRule {
    pub(crate) const fn is_named(&self) -> bool {
        self.customer_reference.is_some()
            || self.job_id.is_some()
            || self.email.is_some()
            || self.number.is_some()
    }

    pub(crate) fn names(&self, message: &EmailRecord) -> bool {
        let to = |email: &String| message.destinations.iter().any(|d| d.email == *email);
        self.is_named()
            && self.number.is_none()
            && same(&self.customer_reference, message.customer_reference.as_ref())
            && same(&self.job_id, Some(&message.job_id))
            && self.email.as_ref().is_none_or(to)
    }

    pub(crate) fn names_text(&self, message: &TextRecord) -> bool {
        self.is_named()
            && self.email.is_none()
            && same(&self.customer_reference, message.customer_reference.as_ref())
            && same(&self.job_id, Some(&message.job_id))
            && same(&self.number, Some(&message.number))
    }
}

fn same(wanted: &Option<String>, own: Option<&String>) -> bool {
    wanted.as_ref().is_none_or(|wanted| Some(wanted) == own)
}
