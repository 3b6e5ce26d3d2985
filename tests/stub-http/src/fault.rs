//! Faults that a test orders: which requests they hit, how often, and what then goes wrong.
//!
//! Rules are tried in order and the first that fires decides; delays add up and let the request continue.
//! A rate is drawn from a fixed seed, so that a run can be repeated.

use serde::{Deserialize, Serialize};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Waits `delay_ms`, then answers truly.
    Delay,
    /// Answers `status` (500) in the product's error shape; the work is not done.
    Status,
    /// Does the work, hangs for `delay_ms` (two minutes), then closes without answering.
    TimeoutAfterSuccess,
    /// Does the work and answers 200 with only the first half of the true body.
    #[serde(rename = "malformed_200")]
    Malformed200,
    /// Answers 200 with a body that says the work failed.
    #[serde(rename = "error_200")]
    Error200,
    /// Answers 200 with a success that holds nothing.
    #[serde(rename = "empty_200")]
    Empty200,
    /// Answers 200 with an HTML page.
    #[serde(rename = "wrong_type_200")]
    WrongType200,
    /// Answers `status` (502) with an HTML page, as a proxy does.
    NonJsonError,
    /// Refuses because of load: GraphQL's THROTTLED, else 429 with Retry-After.
    Throttled,
    /// Refuses because a permission is missing: GraphQL's ACCESS_DENIED, else 403.
    AccessDenied,
    /// Closes the connection; the work is not done.
    DropConnection,
    /// Answers truly, but the connection dies after `after_bytes` of the body (and `delay_ms` of silence).
    CutAfter,
    /// Answers as if the request had no Range header.
    IgnoreRange,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The operation's name as `GET /__stub/requests` counts it, or `*`.
    #[serde(rename = "match")]
    pub operation: String,
    pub kind: FaultKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_bytes: Option<u64>,
    /// The share of matching requests that are hit; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// How many requests are hit before the rule is spent; no end without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// How many matching requests pass before the first is hit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<u64>,
}

impl Fault {
    pub fn new(operation: &str, kind: FaultKind) -> Self {
        Self {
            operation: operation.to_owned(),
            kind,
            status: None,
            retry_after_seconds: None,
            delay_ms: None,
            after_bytes: None,
            rate: None,
            times: None,
            skip: None,
        }
    }

    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times: Some(times), ..self }
    }

    #[must_use]
    pub fn status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    #[must_use]
    pub fn delay_ms(self, delay_ms: u64) -> Self {
        Self { delay_ms: Some(delay_ms), ..self }
    }

    #[must_use]
    pub fn after_bytes(self, after_bytes: u64) -> Self {
        Self { after_bytes: Some(after_bytes), ..self }
    }

    /// Long enough for what came before to be sent.
    pub(crate) fn hang_before_cut(&self) -> Duration {
        Duration::from_millis(self.delay_ms.unwrap_or(30))
    }

    pub(crate) fn hang(&self) -> Duration {
        Duration::from_millis(self.delay_ms.unwrap_or(120_000))
    }
}

/// What happens to one request.
#[derive(Debug, Default)]
pub(crate) struct FaultPlan {
    pub delay: Duration,
    pub fault: Option<Fault>,
}

#[derive(Debug)]
struct Rule {
    fault: Fault,
    seen: u64,
    hits: u64,
    random: fastrand::Rng,
}

#[derive(Debug, Default)]
pub struct FaultBook(Mutex<Vec<Rule>>);

impl FaultBook {
    /// Replaces all rules.
    pub fn set(&self, faults: Vec<Fault>) {
        let rules = faults
            .into_iter()
            .zip(1u64..)
            .map(|(fault, seed)| Rule { fault, seen: 0, hits: 0, random: fastrand::Rng::with_seed(seed) })
            .collect();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = rules;
    }

    /// The rules and how many requests each has hit.
    pub fn report(&self) -> Vec<(Fault, u64)> {
        let rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rules.iter().map(|rule| (rule.fault.clone(), rule.hits)).collect()
    }

    pub(crate) fn plan(&self, operations: &[String]) -> FaultPlan {
        let mut plan = FaultPlan::default();
        let mut rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for rule in rules.iter_mut() {
            if !rule.fires(operations) {
                continue;
            }
            let delay = Duration::from_millis(rule.fault.delay_ms.unwrap_or_default());
            match rule.fault.kind {
                FaultKind::Delay => plan.delay += delay,
                FaultKind::TimeoutAfterSuccess | FaultKind::CutAfter => {
                    plan.fault = Some(rule.fault.clone());
                    break;
                }
                _ => {
                    plan.delay += delay;
                    plan.fault = Some(rule.fault.clone());
                    break;
                }
            }
        }
        plan
    }
}

impl Rule {
    fn fires(&mut self, operations: &[String]) -> bool {
        if self.fault.operation != "*" && !operations.contains(&self.fault.operation) {
            return false;
        }
        self.seen += 1;
        let waits = self.seen <= self.fault.skip.unwrap_or_default();
        let spent = self.fault.times.is_some_and(|times| self.hits >= times);
        if waits || spent || self.fault.rate.is_some_and(|rate| self.random.f64() >= rate) {
            return false;
        }
        self.hits += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(book: &FaultBook, operation: &str, requests: usize) -> usize {
        (0..requests).filter(|_| book.plan(&[operation.to_owned()]).fault.is_some()).count()
    }

    #[test]
    fn a_rule_hits_what_it_names_as_often_as_it_says() {
        let book = FaultBook::default();
        let fault = Fault { skip: Some(2), ..Fault::new("token", FaultKind::Status).times(3) };
        book.set(vec![fault]);
        assert_eq!(hits(&book, "email", 10), 0);
        assert_eq!(hits(&book, "token", 2), 0);
        assert_eq!(hits(&book, "token", 10), 3);
        assert_eq!(book.report()[0].1, 3);
    }

    #[test]
    fn a_rate_is_kept_and_repeats() {
        let rule = || Fault { rate: Some(0.05), ..Fault::new("*", FaultKind::Status) };
        let count = |_| {
            let book = FaultBook::default();
            book.set(vec![rule()]);
            hits(&book, "email", 10_000)
        };
        assert!((400..600).contains(&count(())), "{}", count(()));
        assert_eq!(count(()), count(()));
    }

    #[test]
    fn delays_add_up_and_do_not_end_the_search() {
        let book = FaultBook::default();
        book.set(vec![
            Fault::new("*", FaultKind::Delay).delay_ms(5),
            Fault::new("email", FaultKind::Status).delay_ms(7),
            Fault::new("email", FaultKind::DropConnection),
        ]);
        let plan = book.plan(&["email".to_owned()]);
        assert_eq!((plan.delay.as_millis(), plan.fault.unwrap().kind), (12, FaultKind::Status));
    }
}
