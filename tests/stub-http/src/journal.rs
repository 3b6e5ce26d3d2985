//! What the stub was asked: counts by operation and the last requests, without their secrets.
//!
//! An entry exists from the moment a request is read, so a request that never got its answer is seen too.
//! Bounded in number and in bytes; counts continue when old requests are forgotten.

use crate::{fault::FaultKind, message::Request};
use serde::Serialize;
use serde_json::Value;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

const MAX_ENTRIES: usize = 500;
const MAX_BODY_BYTES: usize = 256 << 10;
const SECRET_HEADERS: [&str; 5] =
    ["authorization", "otdsticket", "x-shopify-access-token", "cookie", "proxy-authorization"];

#[derive(Debug, Clone, Default, Serialize)]
pub struct Counts {
    pub requests: u64,
    /// Answers below 400 that no fault setting touched.
    pub answered: u64,
    pub faults: u64,
    pub in_flight: u64,
    pub max_in_flight: u64,
}

#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    pub sequence: u64,
    pub at: jiff::Timestamp,
    /// The general name first, as `GET /__stub/requests` counts them.
    pub operations: Vec<String>,
    pub method: String,
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub headers: BTreeMap<String, String>,
    pub body_bytes: usize,
    /// JSON as JSON, other text as a string; absent for token requests, which hold secrets.
    pub body: Option<Value>,
    pub status: Option<u16>,
    pub fault: Option<FaultKind>,
    pub duration_ms: Option<u64>,
}

#[derive(Debug, Default)]
struct Records {
    next: u64,
    counts: BTreeMap<String, Counts>,
    entries: VecDeque<Entry>,
}

#[derive(Debug, Default)]
pub struct Journal(Mutex<Records>);

impl Journal {
    fn records(&self) -> MutexGuard<'_, Records> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn open(&self, operations: &[String], request: &Request) -> OpenEntry<'_> {
        let mut records = self.records();
        let sequence = records.next;
        records.next += 1;
        for operation in operations {
            let counts = records.counts.entry(operation.clone()).or_default();
            counts.requests += 1;
            counts.in_flight += 1;
            counts.max_in_flight = counts.max_in_flight.max(counts.in_flight);
        }
        if records.entries.len() == MAX_ENTRIES {
            records.entries.pop_front();
        }
        records.entries.push_back(describe(sequence, operations, request));
        OpenEntry {
            journal: self,
            sequence,
            operations: operations.to_vec(),
            begun: Instant::now(),
            open: true,
        }
    }

    /// How often each operation was asked for, and how it went.
    pub fn statistics(&self) -> BTreeMap<String, Counts> {
        self.records().counts.clone()
    }

    /// The newest `limit` entries in order, of one operation if one is named.
    pub fn entries(&self, operation: Option<&str>, limit: usize) -> Vec<Entry> {
        let records = self.records();
        let wanted = |e: &&Entry| operation.is_none_or(|name| e.operations.iter().any(|o| o == name));
        let mut found: Vec<_> = records.entries.iter().rev().filter(wanted).take(limit).cloned().collect();
        found.reverse();
        found
    }

    /// Forgets everything but what is still in flight.
    pub fn clear(&self) {
        let mut records = self.records();
        records.entries.clear();
        for counts in records.counts.values_mut() {
            let in_flight = counts.in_flight;
            *counts = Counts { in_flight, max_in_flight: in_flight, ..Counts::default() };
        }
        records.counts.retain(|_, counts| counts.in_flight > 0);
    }
}

/// A request that has not been answered yet.
pub(crate) struct OpenEntry<'a> {
    journal: &'a Journal,
    sequence: u64,
    operations: Vec<String>,
    begun: Instant,
    open: bool,
}

impl OpenEntry<'_> {
    pub fn close(mut self, status: u16, fault: Option<FaultKind>) {
        self.finish(Some(status), fault);
    }

    fn finish(&mut self, status: Option<u16>, fault: Option<FaultKind>) {
        if !std::mem::take(&mut self.open) {
            return;
        }
        let mut records = self.journal.records();
        for operation in &self.operations {
            let counts = records.counts.entry(operation.clone()).or_default();
            counts.in_flight = counts.in_flight.saturating_sub(1);
            counts.faults += u64::from(fault.is_some());
            counts.answered += u64::from(fault.is_none() && status.is_some_and(|s| s < 400));
        }
        if let Some(entry) = records.entries.iter_mut().rev().find(|e| e.sequence == self.sequence) {
            entry.status = status;
            entry.fault = fault;
            entry.duration_ms = Some(self.begun.elapsed().as_millis() as u64);
        }
    }
}

impl Drop for OpenEntry<'_> {
    fn drop(&mut self) {
        self.finish(None, None);
    }
}

fn describe(sequence: u64, operations: &[String], request: &Request) -> Entry {
    let secret = operations.iter().any(|o| o == "token");
    let body = (!secret && request.body.len() <= MAX_BODY_BYTES).then(|| {
        serde_json::from_slice(&request.body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&request.body).into_owned()))
    });
    let headers = request.headers.iter().filter(|(name, _)| !SECRET_HEADERS.contains(&name.as_str()));
    Entry {
        sequence,
        at: jiff::Timestamp::now(),
        operations: operations.to_vec(),
        method: request.method.to_string(),
        path: request.path.clone(),
        query: request.query.iter().cloned().collect(),
        headers: headers
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body_bytes: request.body.len(),
        body,
        status: None,
        fault: None,
        duration_ms: None,
    }
}
