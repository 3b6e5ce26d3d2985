//! Batch mode: a chunk of accounts becomes one Exstream job a document, then its work items.
//!
//! A chunk is an object with the accounts' data, written before anything is handed to Exstream; driver files
//! are made from it, and made again where a job is repeated. Outputs of a job that is complete are fetched, and those
//! that prove whose they are are stored: an output names the communication of its own account, and of no other of its
//! file. Any other is not used. Items are sent when every job of the chunk has come to an end: one an account and
//! document whose output is stored, which names it; then the jobs are deleted. A job that fails twice, or does not
//! end, is given up. Accounts without an output get items that name none, and the flow composes by itself. It may
//! then find a document that another item's output is of as well; the two are one communication.

use crate::{
    advance::{Session, Step},
    items::{Composed, Held, Item},
    state::{Chunk, Included, Job, JobStage, OutputKey, Places},
};
use account_statements::Driver;
use archive::sha256_hex;
use bytes::Bytes;
use comms::{Class, Classify, CommunicationId, Document, chain};
use exstream::{BatchCall, BatchJob, ExstreamError, JobState, Kept, Template};
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use std::{collections::BTreeSet, time::Duration};
use tokio::time::Instant;
use work::Retry;

const ATTEMPTS: u32 = 2;
/// After which a job is not waited for any more.
const JOB_TIME: SignedDuration = SignedDuration::from_hours(6);
/// How often a job is asked after that a person holds.
const HELD: Duration = Duration::from_secs(5 * 60);
/// Outputs fetched in one step.
const SLICE: usize = 64;
/// Of these, outputs in memory at once.
const AT_ONCE: usize = 4;
/// Failed attempts to fetch a slice, after which what cannot be fetched is composed on demand.
const FAILURES: u32 = 5;

/// Where the outputs of a job are, and what made them.
#[derive(Clone, Copy)]
struct Source<'a> {
    document: Document,
    step: &'a str,
    template: Option<&'a Template>,
}

/// What became of an account's output.
enum Fetched {
    Stored(String),
    /// It does not say that it is the account's, or says that it is another's, too.
    Unproven,
    Missing(ExstreamError),
}

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
        let fetching = stages.iter().position(|stage| matches!(stage, JobStage::Fetching { .. }));
        if let Some(place) = fetching {
            self.fetch_outputs(index, place).await?;
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
        let places_key = format!("{}-{document}-{}.json", chunk.key, (self.tools.clock)().as_nanosecond());
        let held: Vec<Held> = self.fetch(&chunk.key).await?;
        let Some(call) = self.batch_call(document) else {
            return self.settle(index, place, attempts, JobStage::GivenUp).await;
        };
        let (customers, places) = self.customers(&held, document);
        let text = serde_json::to_string(&places).map_err(Retry::new)?;
        self.tools.payloads.store(&places_key, &text).await.map_err(|error| Retry::of(&error))?;
        let stage = if places.included.is_empty() {
            JobStage::Complete { job: None, places: places_key }
        } else {
            match self.tools.exstream.submit(call, &customers).await {
                Ok(job) => {
                    let since = (self.tools.clock)();
                    JobStage::Running { job, since, held: false, places: places_key }
                }
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
        let JobStage::Running { job, since, held, places } = stage else { return Ok(Step::Done) };
        let (document, attempts, since, held) = (*document, *attempts, *since, *held);
        let (job, places) = (job.clone(), places.clone());
        let Some(call) = self.batch_call(document) else {
            self.settle(index, place, attempts, JobStage::GivenUp).await?;
            return Ok(Step::Done);
        };
        let now = (self.tools.clock)();
        let stage = match self.tools.exstream.state(call, &job).await {
            Ok(JobState::Complete) => JobStage::Fetching { job, places, done: 0, failures: 0 },
            Ok(JobState::Holding) if held => return Ok(Step::Wait(HELD)),
            Ok(JobState::Holding) => {
                let what = "is held in Exstream: the run waits until somebody lets it go on or cancels it";
                self.note_job(&job, what);
                JobStage::Running { job, since: now, held: true, places }
            }
            // its time begins again
            Ok(JobState::Running) if held => JobStage::Running { job, since: now, held: false, places },
            Ok(JobState::Running) if self.is_recent(since) => return Ok(Step::Wait(self.pause(since))),
            Ok(JobState::Running) => {
                if let Err(error) = self.tools.exstream.stop(call, &job).await {
                    tracing::warn!(shop = %self.run.shop, error = chain(&error), "a batch job cannot be stopped");
                }
                self.again(attempts, "it takes too long")
            }
            Ok(JobState::Ended(how)) => self.again(attempts, how),
            Err(error @ ExstreamError::Refused { .. }) => self.again(attempts, &chain(&error)),
            Err(error) => return Err(Retry::of(&error)),
        };
        self.settle(index, place, attempts, stage).await?;
        Ok(Step::Done)
    }

    /// Fetches the next outputs of a job and stores those that prove whose they are.
    async fn fetch_outputs(&mut self, index: usize, place: usize) -> Result<(), Retry> {
        let Some((_, Job { document, attempts, stage })) = self.job(index, place) else { return Ok(()) };
        let JobStage::Fetching { job, places, done, failures } = stage else { return Ok(()) };
        let (document, attempts, done, failures) = (*document, *attempts, *done, *failures);
        let (job, places) = (job.clone(), places.clone());
        let Places { included, .. } = self.fetch(&places).await?;
        let Some(call) = self.batch_call(document) else {
            return self.settle(index, place, attempts, JobStage::GivenUp).await;
        };
        let step = match self.tools.exstream.step(call, &job).await {
            Ok(step) => step,
            Err(error) if is_final(&error) => {
                let stage = self.again(attempts, &chain(&error));
                return self.settle(index, place, attempts, stage).await;
            }
            Err(error) => return Err(Retry::of(&error)),
        };
        // where jobs are not traced, the record says what is assumed
        let template = self.tools.exstream.traced(call, &job).await.ok();
        let source = Source { document, step: &step, template: template.as_ref() };
        let found = self.slice(source, &included, done, &places).await;
        let mut keys: Vec<OutputKey> = Vec::with_capacity(found.len());
        let (mut unproven, mut missing) = (0, 0);
        for found in found {
            match found {
                Ok(Fetched::Stored(key)) => keys.push(Some(key)),
                Ok(Fetched::Unproven) => {
                    unproven += 1;
                    keys.push(None);
                }
                Ok(Fetched::Missing(error)) => {
                    tracing::warn!(shop = %self.run.shop, job = job.id, error = chain(&error), "an output of a batch job is missing");
                    missing += 1;
                    keys.push(None);
                }
                Err(retry) if failures < FAILURES => {
                    let stage = JobStage::Fetching { job, places, done, failures: failures + 1 };
                    self.settle(index, place, attempts, stage).await?;
                    return Err(retry);
                }
                Err(retry) => {
                    tracing::warn!(shop = %self.run.shop, job = job.id, reason = %retry.reason, "an output of a batch job cannot be fetched");
                    missing += 1;
                    keys.push(None);
                }
            }
        }
        let text = serde_json::to_string(&keys).map_err(Retry::new)?;
        let key = slice_key(&places, done);
        self.tools.payloads.store(&key, &text).await.map_err(|error| Retry::of(&error))?;
        if unproven > 0 {
            self.note_job(
                &job,
                "has outputs that do not prove whose they are: these documents are composed on demand",
            );
        }
        self.run.counts.unproven += unproven;
        self.run.counts.missing += missing;
        let done = done.saturating_add(u32::try_from(keys.len()).unwrap_or(u32::MAX));
        let is_last = usize::try_from(done).is_ok_and(|done| done >= included.len());
        let stage = if is_last {
            JobStage::Complete { job: Some(job), places }
        } else {
            JobStage::Fetching { job, places, done, failures: 0 }
        };
        self.settle(index, place, attempts, stage).await
    }

    /// What became of the outputs from account `done` on.
    async fn slice(
        &self,
        source: Source<'_>,
        included: &[Included],
        done: u32,
        places: &str,
    ) -> Vec<Result<Fetched, Retry>> {
        let ids: BTreeSet<_> = included.iter().map(|account| &account.communication).collect();
        let first = usize::try_from(done).unwrap_or(usize::MAX);
        let accounts = (0..).zip(included).skip(first).take(SLICE);
        let outputs = stream::iter(accounts).map(|(number, account)| {
            let key = format!("{places}-output-{number}");
            self.output(source, number, &account.communication, &ids, key)
        });
        outputs.buffered(AT_ONCE).collect().await
    }

    async fn output(
        &self,
        source: Source<'_>,
        number: u32,
        own: &CommunicationId,
        ids: &BTreeSet<&CommunicationId>,
        key: String,
    ) -> Result<Fetched, Retry> {
        let Source { document, step, template } = source;
        let call = self.batch_call(document).ok_or_else(|| Retry::new("the document was switched off"))?;
        let output = match self.tools.exstream.artifact(call, step, number).await {
            Ok(output) => output,
            Err(error) if is_final(&error) => return Ok(Fetched::Missing(error)),
            Err(error) => return Err(Retry::of(&error)),
        };
        let named = output.named();
        if !named.contains(own) || named.iter().any(|id| id != own && ids.contains(id)) {
            return Ok(Fetched::Unproven);
        }
        let kept = Kept { output, template: template.cloned() };
        let text = serde_json::to_string(&kept).map_err(Retry::new)?;
        self.tools.payloads.store(&key, &text).await.map_err(|error| Retry::of(&error))?;
        Ok(Fetched::Stored(key))
    }

    fn note_job(&mut self, job: &BatchJob, what: &str) {
        tracing::warn!(shop = %self.run.shop, run = crate::RUN, job = job.id, "the batch job {what}");
        let name = format!("batch job {}", job.id);
        if !self.run.problems.iter().any(|problem| problem.account == name && problem.what == what) {
            self.run.note(&name, what);
        }
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
            if id.is_none() {
                continue;
            }
            let outputs = self.output_keys(places, included.len()).await?;
            for (Included { place, driver_sha256, .. }, output) in included.into_iter().zip(outputs) {
                let Ok(place) = usize::try_from(place) else { continue };
                match (output, held.get(place)) {
                    (None, _) => _ = alone.insert(place),
                    (Some(_), None) => {}
                    (Some(output_key), Some(held)) => {
                        let composed = Composed { document: job.document, output_key, driver_sha256 };
                        items.push(Item { held: held.clone(), composed: Some(composed) });
                    }
                }
            }
        }
        let alone = alone.into_iter().filter_map(|place| held.get(place));
        items.extend(alone.map(|held| Item { held: held.clone(), composed: None }));
        self.send(items).await?;
        self.delete_jobs(index).await;
        self.run.chunks.get_mut(index).into_iter().for_each(|chunk| chunk.jobs.clear());
        self.save().await
    }

    async fn output_keys(&self, places: &str, count: usize) -> Result<Vec<OutputKey>, Retry> {
        let mut keys = Vec::with_capacity(count);
        while keys.len() < count {
            let done = u32::try_from(keys.len()).unwrap_or(u32::MAX);
            let slice: Vec<OutputKey> = self.fetch(&slice_key(places, done)).await?;
            if slice.is_empty() {
                return Err(Retry::new("the outputs of a batch job are not all there"));
            }
            keys.extend(slice);
        }
        Ok(keys)
    }

    /// What stays, somebody can still delete in Exstream.
    async fn delete_jobs(&self, index: usize) {
        for job in self.run.chunks.get(index).into_iter().flat_map(|chunk| &chunk.jobs) {
            if let JobStage::Complete { job: Some(batch_job), .. } = &job.stage
                && let Some(call) = self.batch_call(job.document)
                && let Err(error) = self.tools.exstream.delete(call, batch_job).await
            {
                tracing::warn!(shop = %self.run.shop, job = batch_job.id, error = chain(&error), "a batch job cannot be deleted");
            }
        }
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

    /// The driver data of all accounts that have the document.
    fn customers(&self, held: &[Held], document: Document) -> (Vec<Bytes>, Places) {
        let (mut customers, mut places) = (Vec::new(), Places::default());
        for (held, place) in held.iter().zip(0..) {
            match (self.tools.driver)(held.payload.get(), document, self.config) {
                Ok(Some(Driver { bytes, communication })) => {
                    places.included.push(Included {
                        place,
                        driver_sha256: sha256_hex(&bytes),
                        communication,
                    });
                    customers.push(bytes);
                }
                Ok(None) => {}
                // the flow finds the same, and records it
                Err(_) => places.failed.push(place),
            }
        }
        (customers, places)
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

fn slice_key(places: &str, done: u32) -> String {
    format!("{places}-outputs-{done}")
}

/// Whether an output will not be there later, either.
fn is_final(error: &ExstreamError) -> bool {
    match error {
        ExstreamError::Refused { .. }
        | ExstreamError::Failed(_)
        | ExstreamError::NoOutput
        | ExstreamError::NoContent { .. }
        | ExstreamError::TooLarge { .. }
        | ExstreamError::UnexpectedMediaType { .. }
        | ExstreamError::SeveralOutputs { .. } => true,
        error => error.class() == Class::Permanent,
    }
}
