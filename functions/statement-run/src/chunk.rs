//! What all steps of batch jobs need: where a job stands in the run, its stored objects, and calls of Exstream.

use crate::{
    session::Session,
    state::{Job, JobStage, RUN},
};
use comms::Document;
use exstream::{BatchCall, BatchJob};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::Instant;
use work::Retry;

const ATTEMPTS: u32 = 2;

/// A job's place in the run.
#[derive(Debug, Clone, Copy)]
pub struct JobAt {
    pub chunk: usize,
    pub job: usize,
}

impl Session<'_> {
    pub fn job(&self, at: JobAt) -> Option<&Job> {
        self.run.chunks.get(at.chunk)?.jobs.get(at.job)
    }

    /// Moves a job to its next stage, and writes the state.
    pub async fn set_job(&mut self, at: JobAt, attempts: u32, stage: JobStage) -> Result<(), Retry> {
        let job = self.run.chunks.get_mut(at.chunk).and_then(|chunk| chunk.jobs.get_mut(at.job));
        if let Some(job) = job {
            (job.attempts, job.stage) = (attempts, stage);
        }
        self.save().await
    }

    /// The stage after a failed attempt.
    pub fn job_failed(&mut self, attempts: u32, reason: &str) -> JobStage {
        self.run.counts.failed_jobs += 1;
        tracing::warn!(shop = %self.run.shop, run = RUN, attempts, reason, "a batch job failed");
        if attempts < ATTEMPTS { JobStage::Waiting } else { JobStage::GivenUp }
    }

    /// Notes a problem of a job, each once.
    pub fn note_job(&mut self, job: &BatchJob, what: &str) {
        tracing::warn!(shop = %self.run.shop, run = RUN, job = job.id, "the batch job {what}");
        let name = format!("batch job {}", job.id);
        if !self.run.problems.iter().any(|problem| problem.account == name && problem.what == what) {
            self.run.note(&name, what);
        }
    }

    pub async fn fetch<T: DeserializeOwned>(&self, key: &str) -> Result<T, Retry> {
        let text = self.tools.payloads.fetch(key).await?;
        let text = text.ok_or_else(|| Retry::new("the stored accounts of a batch job are missing"))?;
        serde_json::from_str(&text)
            .map_err(|_| Retry::new("the stored accounts of a batch job cannot be read"))
    }

    pub async fn store(&self, key: &str, value: &impl Serialize) -> Result<(), Retry> {
        let text = serde_json::to_string(value).map_err(Retry::new)?;
        self.tools.payloads.store(key, &text).await.map_err(|error| Retry::of(&error))
    }

    /// `None` if the document was switched off since.
    pub fn batch_call(&self, document: Document) -> Option<BatchCall<'_>> {
        let settings = &self.config.exstream;
        Some(BatchCall {
            shop: &self.run.shop,
            settings,
            document: self.config.document(document)?,
            credentials: &self.secrets.exstream,
            now: (self.tools.clock)(),
            timeout: settings.timeout().min(self.until.saturating_duration_since(Instant::now())),
        })
    }
}
