//! What the stub holds: its settings, and everything that it was sent or made.

use crate::{
    communication::{Communication, OutputRecord, one, pdf_queue},
    email_record::{EmailRecord, OutcomeRule},
    job::{Job, JobPlan},
    options::{ExstreamOptions, ExstreamSettings},
    text_message::TextRecord,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, atomic::AtomicU64},
    time::Duration,
};
use stub_http::{Controls, Tokens};
use tokio::sync::Semaphore;

/// The stand-in for Exstream and Core Messaging.
#[derive(Debug)]
pub struct ExstreamStub {
    pub(crate) controls: Controls,
    pub(crate) options: ExstreamOptions,
    pub(crate) settings: RwLock<Arc<ExstreamSettings>>,
    pub(crate) tokens: Tokens,
    pub(crate) engine: Semaphore,
    pub(crate) communications: RwLock<BTreeMap<String, Communication>>,
    pub(crate) outputs: Mutex<Vec<OutputRecord>>,
    pub(crate) emails: Mutex<Vec<EmailRecord>>,
    pub(crate) texts: Mutex<Vec<TextRecord>>,
    pub(crate) outcomes: Mutex<Vec<OutcomeRule>>,
    pub(crate) plans: Mutex<Vec<JobPlan>>,
    pub(crate) jobs: Mutex<BTreeMap<String, Job>>,
    /// Whether a communication's data map has a list of customers at its root, by what it was sent first.
    pub(crate) roots: Mutex<BTreeMap<String, bool>>,
    /// Uploaded samples by name.
    pub(crate) samples: Mutex<BTreeMap<String, Vec<u8>>>,
    pub(crate) serial: AtomicU64,
}

impl ExstreamStub {
    pub(crate) fn new(options: ExstreamOptions) -> Self {
        let known = options.communications.iter().map(|c| (c.id.to_ascii_lowercase(), c.clone())).collect();
        Self {
            controls: Controls::default(),
            settings: RwLock::new(Arc::new(options.settings.clone())),
            tokens: Tokens::default(),
            engine: Semaphore::new(options.engine_processes.max(1)),
            communications: RwLock::new(known),
            outputs: Mutex::default(),
            emails: Mutex::default(),
            texts: Mutex::default(),
            outcomes: Mutex::default(),
            plans: Mutex::default(),
            jobs: Mutex::default(),
            roots: Mutex::default(),
            samples: Mutex::default(),
            serial: AtomicU64::new(1),
            options,
        }
    }

    pub(crate) fn settings(&self) -> Arc<ExstreamSettings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn jobs(&self) -> MutexGuard<'_, BTreeMap<String, Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long a job stays in each of its states.
    pub(crate) fn step(&self) -> Duration {
        Duration::from_millis(self.settings().job_step_ms)
    }

    /// A registered communication, or any UUID (with a derived name) if none is registered.
    pub(crate) fn communication(&self, id: &str) -> Option<Communication> {
        let known = self.communications.read().unwrap_or_else(PoisonError::into_inner);
        let key = id.to_ascii_lowercase();
        if let Some(found) = known.get(&key) {
            return Some(found.clone());
        }
        (known.is_empty() && is_uuid(&key)).then(|| Communication {
            name: format!("communication-{}", &key[..8]),
            id: key,
            version: one(),
            data_source: None,
            outputs: pdf_queue(),
            parts: None,
        })
    }

    /// Whether the communication makes whatever type is asked for, because nobody registered its queues.
    pub(crate) fn accepts_any(&self, id: &str) -> bool {
        let known = self.communications.read().unwrap_or_else(PoisonError::into_inner);
        !known.contains_key(&id.to_ascii_lowercase())
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
