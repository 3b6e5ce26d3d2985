//! Batch mode: a chunk of accounts becomes one Exstream job per document, then its work items.
//!
//! A chunk is an object with the accounts' data, written before anything is handed to Exstream; driver files
//! are made from it, and made again where a job is repeated. Items are sent once every job of the chunk has ended; then
//! the jobs are deleted. A job that fails twice, or takes too long, is given up, and the flow composes its documents.

use crate::{
    batch_items,
    chunk::JobAt,
    items::AccountWork,
    outputs,
    session::{Session, Step},
    state::{DriverFile, FileEntry, Job, JobStage},
};
use account_statements::Driver;
use archive::sha256_hex;
use bytes::Bytes;
use comms::{Class, Classify, Document, chain};
use exstream::{ExstreamError, JobState};
use jiff::SignedDuration;
use std::time::Duration;
use work::Retry;

/// A job that takes longer is stopped.
const LONGEST_JOB: SignedDuration = SignedDuration::from_hours(6);
/// How long to wait before asking again about a job that a person holds.
const HELD: Duration = Duration::from_secs(5 * 60);

/// Does what can be done for a chunk. A chunk whose items are sent has no jobs any more.
pub async fn advance(session: &mut Session<'_>, chunk: usize) -> Result<Step, Retry> {
    let Some(jobs) = session.run.chunks.get(chunk).map(|chunk| &chunk.jobs) else { return Ok(Step::Done) };
    let first = |is: fn(&JobStage) -> bool| {
        let job = jobs.iter().position(|job| is(&job.stage))?;
        Some(JobAt { chunk, job })
    };
    let waiting = first(|stage| matches!(stage, JobStage::Waiting));
    let fetching = first(|stage| matches!(stage, JobStage::Fetching { .. }));
    let running = first(|stage| matches!(stage, JobStage::Running { .. }));
    match (waiting, fetching, running) {
        (Some(at), ..) => submit(session, at).await?,
        (_, Some(at), _) => outputs::fetch(session, at).await?,
        (.., Some(at)) => return follow(session, at).await,
        (None, None, None) => batch_items::send(session, chunk).await?,
    }
    Ok(Step::Done)
}

/// Hands a driver file to Exstream. A crash before the state is written submits it again; the first job is then
/// nobody's.
async fn submit(session: &mut Session<'_>, at: JobAt) -> Result<(), Retry> {
    let Some(chunk) = session.run.chunks.get(at.chunk) else { return Ok(()) };
    let Some(job) = chunk.jobs.get(at.job) else { return Ok(()) };
    let (document, attempts) = (job.document, job.attempts + 1);
    let places = format!("{}-{document}-{}.json", chunk.key, (session.tools.clock)().as_nanosecond());
    let accounts: Vec<AccountWork> = session.fetch(&chunk.key).await?;
    let Some(call) = session.batch_call(document) else {
        return session.set_job(at, attempts, JobStage::GivenUp).await;
    };
    let (customers, file) = driver_file(session, &accounts, document);
    session.store(&places, &file).await?;
    if file.included.is_empty() {
        return session.set_job(at, attempts, JobStage::Complete { job: None, places }).await;
    }
    let stage = match session.tools.exstream.submit(call, &customers).await {
        Ok(job) => JobStage::Running { job, since: (session.tools.clock)(), held: false, places },
        Err(error) if matches!(error.class(), Class::Transient { .. }) => return Err(Retry::of(&error)),
        Err(error) => session.job_failed(attempts, &chain(&error)),
    };
    session.set_job(at, attempts, stage).await
}

/// The driver data of all accounts that have the document, and which these are.
fn driver_file(
    session: &Session<'_>,
    accounts: &[AccountWork],
    document: Document,
) -> (Vec<Bytes>, DriverFile) {
    let (mut customers, mut file) = (Vec::new(), DriverFile::default());
    for (account, place) in accounts.iter().zip(0..) {
        match (session.tools.driver)(account.payload.get(), document, session.config) {
            Ok(Some(Driver { bytes, communication })) => {
                file.included.push(FileEntry { place, driver_sha256: sha256_hex(&bytes), communication });
                customers.push(bytes);
            }
            Ok(None) => {}
            // the flow finds the same, and records it
            Err(_) => file.failed.push(place),
        }
    }
    (customers, file)
}

/// Asks what has become of a job.
async fn follow(session: &mut Session<'_>, at: JobAt) -> Result<Step, Retry> {
    let Some(Job { document, attempts, stage }) = session.job(at) else { return Ok(Step::Done) };
    let JobStage::Running { job, since, held, places } = stage else { return Ok(Step::Done) };
    let (document, attempts, since, held) = (*document, *attempts, *since, *held);
    let (job, places) = (job.clone(), places.clone());
    let Some(call) = session.batch_call(document) else {
        session.set_job(at, attempts, JobStage::GivenUp).await?;
        return Ok(Step::Done);
    };
    let now = (session.tools.clock)();
    let stage = match session.tools.exstream.state(call, &job).await {
        Ok(JobState::Complete) => JobStage::Fetching { job, places, done: 0, failures: 0 },
        Ok(JobState::Holding) if held => return Ok(Step::Wait(HELD)),
        Ok(JobState::Holding) => {
            let what = "is held in Exstream: the run waits until a person releases or cancels it";
            session.note_job(&job, what);
            JobStage::Running { job, since: now, held: true, places }
        }
        // its time begins again
        Ok(JobState::Running) if held => JobStage::Running { job, since: now, held: false, places },
        Ok(JobState::Running) if now - LONGEST_JOB < since => return Ok(Step::Wait(session.pause(since))),
        Ok(JobState::Running) => {
            if let Err(error) = session.tools.exstream.stop(call, &job).await {
                tracing::warn!(shop = %session.run.shop, error = chain(&error), "a batch job cannot be stopped");
            }
            session.job_failed(attempts, "it takes too long")
        }
        Ok(JobState::Ended(how)) => session.job_failed(attempts, how),
        Err(error @ ExstreamError::Refused { .. }) => session.job_failed(attempts, &chain(&error)),
        Err(error) => return Err(Retry::of(&error)),
    };
    session.set_job(at, attempts, stage).await?;
    Ok(Step::Done)
}
