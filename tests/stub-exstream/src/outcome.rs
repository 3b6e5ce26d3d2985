//! What becomes of an accepted message, as a control call says it.
//!
//! A rule that names a message holds for it whenever its status is asked for, so that it can be opened or
//! opted out of later. A rule that names none is used up by the next messages that are accepted.

use crate::{
    email_record::{EmailRecord, OutcomeRule},
    stub::ExstreamStub,
    text_message::TextRecord,
};
use serde_json::json;
use std::sync::PoisonError;
use stub_http::{Answer, Request, control};

impl ExstreamStub {
    /// The rule that the next accepted message uses up.
    pub(crate) fn take_outcome(&self) -> Option<OutcomeRule> {
        let mut rules = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        let next = rules.iter_mut().find(|rule| !rule.is_named() && rule.times != Some(0))?;
        next.times = Some(next.times.unwrap_or(1) - 1);
        Some(next.clone())
    }

    pub(crate) fn outcome_of(&self, message: &EmailRecord) -> Option<OutcomeRule> {
        let rules = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        rules.iter().rev().find(|rule| rule.names(message)).cloned().or_else(|| message.outcome.clone())
    }

    pub(crate) fn outcome_of_text(&self, message: &TextRecord) -> OutcomeRule {
        let rules = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        let named = rules.iter().rev().find(|rule| rule.names_text(message)).cloned();
        named.or_else(|| message.outcome.clone()).unwrap_or_default()
    }

    /// `PUT` replaces the rules, `POST` adds to them; the newest that names a message decides.
    pub(crate) fn set_outcomes(&self, request: &Request, add: bool) -> Answer {
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

    pub(crate) fn report_outcomes(&self) -> Answer {
        let rules = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        Answer::json(200, &json!({ "outcomes": *rules }))
    }
}
