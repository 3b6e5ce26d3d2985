//! The outputs of a batch job that is complete, fetched in slices and stored.
//!
//! Only outputs that prove whose they are are stored: each names the communication of its own account, and of no other
//! account of its file. For any other, and for one that is missing, the flow composes by itself.

use crate::{
    chunk::JobAt,
    session::Session,
    state::{DriverFile, FileEntry, Job, JobStage, OutputKey, slice_key},
};
use comms::{Class, Classify, CommunicationId, Document, chain};
use exstream::{BatchJob, ExstreamError, Kept, Output, Template};
use futures::{StreamExt, stream};
use std::collections::BTreeSet;
use work::Retry;

/// Outputs fetched in one step.
const SLICE: usize = 64;
/// Of these, outputs in memory at once.
const AT_ONCE: usize = 4;
/// Failed attempts to fetch a slice, after which what cannot be fetched is composed on demand.
const FAILURES: u32 = 5;

/// Where the outputs of a job are, and what made them.
#[derive(Clone, Copy)]
struct JobOutputs<'a> {
    document: Document,
    step: &'a str,
    template: Option<&'a Template>,
}

/// What became of an account's output.
enum FetchedOutput {
    Stored(String),
    /// It does not say that it is the account's, or says that it is another's, too.
    Unproven,
    Missing(ExstreamError),
}

/// The accounts of one slice: an output's key where there is one.
#[derive(Default)]
struct Slice {
    keys: Vec<OutputKey>,
    unproven: u64,
    missing: u64,
}

/// Fetches the next outputs of a job.
pub async fn fetch(session: &mut Session<'_>, at: JobAt) -> Result<(), Retry> {
    let Some(Job { document, attempts, stage }) = session.job(at) else { return Ok(()) };
    let JobStage::Fetching { job, places, done, failures } = stage else { return Ok(()) };
    let (document, attempts, done, failures) = (*document, *attempts, *done, *failures);
    let (job, places) = (job.clone(), places.clone());
    let DriverFile { included, .. } = session.fetch(&places).await?;
    let Some(call) = session.batch_call(document) else {
        return session.set_job(at, attempts, JobStage::GivenUp).await;
    };
    let step = match session.tools.exstream.step(call, &job).await {
        Ok(step) => step,
        Err(error) if is_final(&error) => {
            let stage = session.job_failed(attempts, &chain(&error));
            return session.set_job(at, attempts, stage).await;
        }
        Err(error) => return Err(Retry::of(&error)),
    };
    // where jobs are not traced, the record says what is assumed
    let template = session.tools.exstream.traced(call, &job).await.ok();
    let outputs = JobOutputs { document, step: &step, template: template.as_ref() };
    let fetched = fetch_slice(session, outputs, &included, done, &places).await;
    let slice = match Slice::of(session, &job, fetched, failures >= FAILURES) {
        Ok(slice) => slice,
        Err(retry) => {
            let stage = JobStage::Fetching { job, places, done, failures: failures + 1 };
            session.set_job(at, attempts, stage).await?;
            return Err(retry);
        }
    };
    session.store(&slice_key(&places, done), &slice.keys).await?;
    count(session, &job, &slice);
    let done = done.saturating_add(u32::try_from(slice.keys.len()).unwrap_or(u32::MAX));
    let is_last = usize::try_from(done).is_ok_and(|done| done >= included.len());
    let stage = if is_last {
        JobStage::Complete { job: Some(job), places }
    } else {
        JobStage::Fetching { job, places, done, failures: 0 }
    };
    session.set_job(at, attempts, stage).await
}

impl Slice {
    /// # Errors
    /// When an output may be fetched later; not if this was the `last` attempt.
    fn of(
        session: &Session<'_>,
        job: &BatchJob,
        fetched: Vec<Result<FetchedOutput, Retry>>,
        last: bool,
    ) -> Result<Self, Retry> {
        let shop = &session.run.shop;
        let mut slice = Self::default();
        for output in fetched {
            let key = match output {
                Ok(FetchedOutput::Stored(key)) => Some(key),
                Ok(FetchedOutput::Unproven) => {
                    slice.unproven += 1;
                    None
                }
                Ok(FetchedOutput::Missing(error)) => {
                    tracing::warn!(%shop, job = job.id, error = chain(&error), "an output of a batch job is missing");
                    slice.missing += 1;
                    None
                }
                Err(retry) if !last => return Err(retry),
                Err(retry) => {
                    tracing::warn!(%shop, job = job.id, reason = %retry.reason, "an output of a batch job cannot be fetched");
                    slice.missing += 1;
                    None
                }
            };
            slice.keys.push(key);
        }
        Ok(slice)
    }
}

fn count(session: &mut Session<'_>, job: &BatchJob, slice: &Slice) {
    if slice.unproven > 0 {
        let what = "has outputs that do not prove whose they are: these documents are composed on demand";
        session.note_job(job, what);
    }
    session.run.counts.unproven += slice.unproven;
    session.run.counts.missing += slice.missing;
}

/// What became of the outputs from account `done` on.
async fn fetch_slice(
    session: &Session<'_>,
    outputs: JobOutputs<'_>,
    included: &[FileEntry],
    done: u32,
    places: &str,
) -> Vec<Result<FetchedOutput, Retry>> {
    let ids: BTreeSet<_> = included.iter().map(|account| &account.communication).collect();
    let first = usize::try_from(done).unwrap_or(usize::MAX);
    let accounts = (0..).zip(included).skip(first).take(SLICE);
    let outputs = stream::iter(accounts).map(|(number, account)| {
        let key = format!("{places}-output-{number}");
        fetch_output(session, outputs, number, &account.communication, &ids, key)
    });
    outputs.buffered(AT_ONCE).collect().await
}

async fn fetch_output(
    session: &Session<'_>,
    outputs: JobOutputs<'_>,
    number: u32,
    own: &CommunicationId,
    ids: &BTreeSet<&CommunicationId>,
    key: String,
) -> Result<FetchedOutput, Retry> {
    let JobOutputs { document, step, template } = outputs;
    let call = session.batch_call(document).ok_or_else(|| Retry::new("the document was switched off"))?;
    let outputs = match session.tools.exstream.artifact(call, step, number).await {
        Ok(outputs) => outputs,
        Err(error) if is_final(&error) => return Ok(FetchedOutput::Missing(error)),
        Err(error) => return Err(Retry::of(&error)),
    };
    let is_own = |output: &Output| {
        let named = output.named();
        named.contains(own) && !named.iter().any(|id| id != own && ids.contains(id))
    };
    if !outputs.iter().all(is_own) {
        return Ok(FetchedOutput::Unproven);
    }
    session.store(&key, &Kept { outputs, template: template.cloned() }).await?;
    Ok(FetchedOutput::Stored(key))
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
        | ExstreamError::SeveralOutputs { .. }
        | ExstreamError::MissingOutput { .. }
        | ExstreamError::Page(_) => true,
        error => error.class() == Class::Permanent,
    }
}
