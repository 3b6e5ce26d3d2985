//! Batch mode: a chunk of accounts becomes one Exstream job a document, then its work items.
//!
//! A chunk is an object with the accounts' data, written before anything is handed to Exstream; driver files
//! are made from it, and made again where a job is repeated. Items are sent when every job of the chunk has
//! come to an end: one an account and document, which names the job that composed it. A job that fails twice,
//! or does not end, is given up: its accounts get items that name no job, and the flow composes by itself. It
//! may then find a document that another item's job composed as well; the two are one communication.

use crate::{
    advance::{Session, Step},
    items::{Composed, Held, Item},
    state::{Chunk, Included, Job, JobStage, Places},
};
use archive::sha256_hex;
use bytes::Bytes;
use comms::{Class, Classify, Document, chain};
use exstream::{BatchCall, ExstreamError, JobState};
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use tokio::time::Instant;
use work::Retry;

const ATTEMPTS: u32 = 2;
/// After which a job is not waited for any more.
const JOB_TIME: SignedDuration = SignedDuration::from_hours(6);
impl Session<'_> {
    /// Does what can be done for a chunk. One whose items are sent has no jobs any more.
    pub async fn chunk(&mut self, index: usize) -> Result<Step, Retry> {
        let Some(chunk) = self.run.chunks.get(index) else { return Ok(Step::Done) };
        let stages: Vec<_> = chunk.jobs.iter().map(|job| &job.stage).collect();
        let waiting = stages.iter().position(|stage| matches!(stage, JobStage::Waiting));
        if let Some(place) = waiting {
            self.submit(index, place).await?;
            return Ok(Step::Done);
        }
        let running = stages.iter().position(|stage| matches!(stage, JobStage::Running { .. }));
        match running {
            Some(place) => self.follow_job(index, place).await,
            None => {
                self.send_chunk(index).await?;
                Ok(Step::Done)
            }
        }
    }

    async fn submit(&mut self, index: usize, place: usize) -> Result<(), Retry> {
        let Some((chunk, job)) = self.job(index, place) else { return Ok(()) };
        let (document, attempts) = (job.document, job.attempts + 1);
        let external_id = format!("{}-{}-{}-{document}", crate::RUN, self.run.period.name, chunk.number);
        let places_key = format!("{}-{document}-{}.json", chunk.key, (self.tools.clock)().as_nanosecond());
        let held: Vec<Held> = self.fetch(&chunk.key).await?;
        let Some(call) = self.batch_call(document) else {
            return self.settle(index, place, attempts, JobStage::GivenUp).await;
        };
        let (driver, places) = self.driver_file(&held, document);
        let text = serde_json::to_string(&places).map_err(Retry::new)?;
        self.tools.payloads.store(&places_key, &text).await.map_err(|error| Retry::of(&error))?;
        let stage = if places.included.is_empty() {
            JobStage::Complete { job: None, places: places_key }
        } else {
            match self.tools.exstream.submit(call, &driver, &external_id).await {
                Ok(job) => JobStage::Running { job, since: (self.tools.clock)(), places: places_key },
                Err(error) => self.refused(&error, attempts)?,
            }
        };
        self.settle(index, place, attempts, stage).await
    }

    /// What a job becomes that Exstream did not take.
    fn refused(&mut self, error: &ExstreamError, attempts: u32) -> Result<JobStage, Retry> {
        if matches!(error.class(), Class::Transient { .. }) {
            return Err(Retry::of(error));
        }
        Ok(self.again(attempts, &chain(error)))
    }

    fn again(&mut self, attempts: u32, reason: &str) -> JobStage {
        self.run.counts.failed_jobs += 1;
        tracing::warn!(shop = %self.run.shop, run = crate::RUN, attempts, reason, "a batch job failed");
        if attempts < ATTEMPTS { JobStage::Waiting } else { JobStage::GivenUp }
    }

    async fn follow_job(&mut self, index: usize, place: usize) -> Result<Step, Retry> {
        let Some((_, Job { document, attempts, stage })) = self.job(index, place) else {
            return Ok(Step::Done);
        };
        let JobStage::Running { job, since, places } = stage else { return Ok(Step::Done) };
        let (document, attempts, since) = (*document, *attempts, *since);
        let (job, places) = (job.clone(), places.clone());
        let Some(call) = self.batch_call(document) else {
            self.settle(index, place, attempts, JobStage::GivenUp).await?;
            return Ok(Step::Done);
        };
        let stage = match self.tools.exstream.job(call, &job).await {
            Ok(found) if found.state == JobState::Complete => JobStage::Complete { job: Some(job), places },
            Ok(found) if found.state == JobState::Running && self.is_recent(since) => {
                return Ok(Step::Wait(self.pause(since)));
            }
            Ok(found) => {
                if found.state == JobState::Running
                    && let Err(error) = self.tools.exstream.stop(call, &job).await
                {
                    tracing::warn!(shop = %self.run.shop, error = chain(&error), "a batch job cannot be stopped");
                }
                self.again(attempts, &format!("{:?}", found.state))
            }
            Err(error @ ExstreamError::Refused { .. }) => self.again(attempts, &chain(&error)),
            Err(error) => return Err(Retry::of(&error)),
        };
        self.settle(index, place, attempts, stage).await?;
        Ok(Step::Done)
    }

    async fn send_chunk(&mut self, index: usize) -> Result<(), Retry> {
        let Some(chunk) = self.run.chunks.get(index) else { return Ok(()) };
        let held: Vec<Held> = self.fetch(&chunk.key).await?;
        let mut items = Vec::new();
        let mut alone = BTreeSet::new();
        for job in &chunk.jobs {
            let JobStage::Complete { job: id, places } = &job.stage else {
                alone.extend(0..held.len());
                continue;
            };
            let Places { included, failed } = self.fetch(places).await?;
            alone.extend(failed.into_iter().filter_map(|place| usize::try_from(place).ok()));
            let Some(id) = id else { continue };
            for (Included { place, driver_sha256 }, index) in included.into_iter().zip(0..) {
                let held = usize::try_from(place).ok().and_then(|place| held.get(place));
                let composed = Composed { document: job.document, job: id.clone(), index, driver_sha256 };
                items.extend(held.map(|held| Item { held: held.clone(), composed: Some(composed) }));
            }
        }
        let alone = alone.into_iter().filter_map(|place| held.get(place));
        items.extend(alone.map(|held| Item { held: held.clone(), composed: None }));
        self.send(items).await?;
        self.run.chunks.get_mut(index).into_iter().for_each(|chunk| chunk.jobs.clear());
        self.save().await
    }

    fn job(&self, index: usize, place: usize) -> Option<(&Chunk, &Job)> {
        let chunk = self.run.chunks.get(index)?;
        Some((chunk, chunk.jobs.get(place)?))
    }

    async fn settle(
        &mut self,
        index: usize,
        place: usize,
        attempts: u32,
        stage: JobStage,
    ) -> Result<(), Retry> {
        let job = self.run.chunks.get_mut(index).and_then(|chunk| chunk.jobs.get_mut(place));
        if let Some(job) = job {
            (job.attempts, job.stage) = (attempts, stage);
        }
        self.save().await
    }

    fn is_recent(&self, since: Timestamp) -> bool {
        (self.tools.clock)() - JOB_TIME < since
    }

    async fn fetch<T: DeserializeOwned>(&self, key: &str) -> Result<T, Retry> {
        let text = self.tools.payloads.fetch(key).await.map_err(|error| Retry::of(&error))?;
        let text = text.ok_or_else(|| Retry::new("the accounts of a batch job are gone"))?;
        serde_json::from_str(&text).map_err(|_| Retry::new("the accounts of a batch job cannot be read"))
    }

    /// A driver file of all accounts that have the document.
    fn driver_file(&self, held: &[Held], document: Document) -> (Bytes, Places) {
        let mut bytes = br#"{"customers":["#.to_vec();
        let mut places = Places::default();
        for (held, place) in held.iter().zip(0..) {
            match (self.tools.driver)(held.payload.get(), document, self.config) {
                Ok(Some(driver)) => {
                    if !places.included.is_empty() {
                        bytes.push(b',');
                    }
                    bytes.extend_from_slice(&driver);
                    places.included.push(Included { place, driver_sha256: sha256_hex(&driver) });
                }
                Ok(None) => {}
                // the flow finds the same, and records it
                Err(_) => places.failed.push(place),
            }
        }
        bytes.extend_from_slice(b"]}");
        (bytes.into(), places)
    }

    /// Nothing if the document was switched off since.
    fn batch_call(&self, document: Document) -> Option<BatchCall<'_>> {
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
