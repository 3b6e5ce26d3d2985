//! What becomes of an accepted e-mail, as a control call says it.
//!
//! A rule that names a message holds for it whenever its status is asked for, so that it can be opened or
//! opted out of later. A rule that names none is used up by the next messages that are accepted.

use super::{ExstreamStub, email::EmailRecord};
use crate::{
    control,
    http::{Answer, Request},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::PoisonError;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutcomeRule {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
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
    /// The job is forgotten: its time is over.
    Gone,
    /// No attempt is ever reported.
    Silent,
}

impl OutcomeRule {
    const fn is_named(&self) -> bool {
        self.customer_reference.is_some() || self.job_id.is_some() || self.email.is_some()
    }

    fn names(&self, message: &EmailRecord) -> bool {
        let same = |wanted: &Option<String>, own: Option<&String>| {
            wanted.as_ref().is_none_or(|wanted| Some(wanted) == own)
        };
        let to = |email: &String| message.destinations.iter().any(|d| d.email == *email);
        self.is_named()
            && same(&self.customer_reference, message.customer_reference.as_ref())
            && same(&self.job_id, Some(&message.job_id))
            && self.email.as_ref().is_none_or(to)
    }
}

impl ExstreamStub {
    /// The rule that the next accepted message uses up.
    pub(super) fn take_outcome(&self) -> Option<OutcomeRule> {
        let mut rules = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        let next = rules.iter_mut().find(|rule| !rule.is_named() && rule.times != Some(0))?;
        next.times = Some(next.times.unwrap_or(1) - 1);
        Some(next.clone())
    }

    pub(super) fn outcome_of(&self, message: &EmailRecord) -> Option<OutcomeRule> {
        let rules = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        rules.iter().rev().find(|rule| rule.names(message)).cloned().or_else(|| message.outcome.clone())
    }

    /// `PUT` replaces the rules, `POST` adds to them; the newest that names a message decides.
    pub(super) fn set_outcomes(&self, request: &Request, add: bool) -> Answer {
        let sent: Vec<OutcomeRule> = match request.json() {
            Ok(sent) => sent,
            Err(refused) => return refused,
        };
        let mut rules = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        if !add {
            rules.clear();
        }
        rules.extend(sent);
        control::done()
    }

    pub(super) fn report_outcomes(&self) -> Answer {
        let rules = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        Answer::json(200, &json!({ "outcomes": *rules }))
    }
}
