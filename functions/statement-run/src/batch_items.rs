//! The work items of a chunk whose jobs have ended: one per account and document whose output is stored, which names
//! it; and one that names none per account that lacks an output, for which the flow composes by itself. Such an item
//! may lead to a document that another item has the output of; the two are one communication.

use crate::{
    items::{AccountWork, Composed, Item},
    session::Session,
    state::{DriverFile, FileEntry, JobStage, OutputKey, slice_key},
};
use comms::chain;
use std::collections::BTreeSet;
use work::Retry;

pub async fn send(session: &mut Session<'_>, chunk: usize) -> Result<(), Retry> {
    let items = items(session, chunk).await?;
    session.send(items).await?;
    delete_jobs(session, chunk).await;
    session.run.chunks.get_mut(chunk).into_iter().for_each(|chunk| chunk.jobs.clear());
    session.save().await
}

async fn items(session: &Session<'_>, chunk: usize) -> Result<Vec<Item>, Retry> {
    let Some(chunk) = session.run.chunks.get(chunk) else { return Ok(Vec::new()) };
    let accounts: Vec<AccountWork> = session.fetch(&chunk.key).await?;
    let mut items = Vec::new();
    let mut without_output = BTreeSet::new();
    for job in &chunk.jobs {
        let JobStage::Complete { job: batch_job, places } = &job.stage else {
            without_output.extend(0..accounts.len());
            continue;
        };
        let DriverFile { included, failed } = session.fetch(places).await?;
        without_output.extend(failed.into_iter().filter_map(|place| usize::try_from(place).ok()));
        if batch_job.is_none() {
            continue;
        }
        let outputs = output_keys(session, places, included.len()).await?;
        for (FileEntry { place, driver_sha256, .. }, output) in included.into_iter().zip(outputs) {
            let Ok(place) = usize::try_from(place) else { continue };
            match (output, accounts.get(place)) {
                (None, _) => _ = without_output.insert(place),
                (Some(_), None) => {}
                (Some(output_key), Some(account)) => {
                    let composed = Composed { document: job.document, output_key, driver_sha256 };
                    items.push(Item { account: account.clone(), composed: Some(composed) });
                }
            }
        }
    }
    let without_output = without_output.into_iter().filter_map(|place| accounts.get(place));
    items.extend(without_output.map(|account| Item { account: account.clone(), composed: None }));
    Ok(items)
}

async fn output_keys(session: &Session<'_>, places: &str, count: usize) -> Result<Vec<OutputKey>, Retry> {
    let mut keys = Vec::with_capacity(count);
    while keys.len() < count {
        let done = u32::try_from(keys.len()).unwrap_or(u32::MAX);
        let slice: Vec<OutputKey> = session.fetch(&slice_key(places, done)).await?;
        if slice.is_empty() {
            return Err(Retry::new("some outputs of a batch job are missing"));
        }
        keys.extend(slice);
    }
    Ok(keys)
}

/// A job that cannot be deleted stays in Exstream, where a person can delete it.
async fn delete_jobs(session: &Session<'_>, chunk: usize) {
    for job in session.run.chunks.get(chunk).into_iter().flat_map(|chunk| &chunk.jobs) {
        if let JobStage::Complete { job: Some(batch_job), .. } = &job.stage
            && let Some(call) = session.batch_call(job.document)
            && let Err(error) = session.tools.exstream.delete(call, batch_job).await
        {
            tracing::warn!(shop = %session.run.shop, job = batch_job.id, error = chain(&error), "a batch job cannot be deleted");
        }
    }
}
