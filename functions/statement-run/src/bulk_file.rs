//! Reads a bulk operation's file: first all of it, to see whether it is grouped, then account by account.

use crate::{
    accounts, bulk_operation,
    file_error::FileError,
    session::{Session, Step},
    state::{CHUNKS, Layout, Stage},
    survey,
};
use comms::Gid;
use shopify::{
    AdminError,
    bulk::{BulkState, ResultUrl},
};
use std::{mem, time::Duration};
use work::Retry;

/// Continues with the file of a part until it is read, time is up, or enough accounts wait for Exstream.
pub async fn read(session: &mut Session<'_>, index: usize, operation: &Gid) -> Result<Step, Retry> {
    match continue_reading(session, index, operation).await {
        Ok(step) => Ok(step),
        Err(FileError::Retry(retry)) => Err(retry),
        Err(FileError::Throttled(wait)) => Ok(Step::throttled(wait)),
        Err(FileError::Restart(reason)) => {
            bulk_operation::restart(session, index, &reason);
            Ok(Step::Done)
        }
    }
}

async fn continue_reading(
    session: &mut Session<'_>,
    index: usize,
    operation: &Gid,
) -> Result<Step, FileError> {
    if session.run.chunks.len() >= CHUNKS {
        return Ok(Step::Wait(Duration::from_secs(10)));
    }
    let url = result_url(session, operation).await?;
    let stage = session.run.parts.get_mut(index).map(|part| mem::replace(&mut part.stage, Stage::Waiting));
    match stage {
        Some(Stage::Surveying { operation, file, survey }) => {
            survey::read(session, index, &url, operation, file, survey).await?;
            Ok(Step::Done)
        }
        Some(Stage::Reading { operation, file, layout }) => {
            session.set_stage(
                index,
                Stage::Reading { operation: operation.clone(), file: file.clone(), layout },
            );
            let mut reader = accounts::Reader::new(session, index, operation, file, layout);
            match layout {
                Layout::Grouped { at } => reader.grouped(&url, at).await,
                Layout::Scattered { accounts } => reader.scattered(&url, accounts).await,
            }
        }
        _ => Ok(Step::Done),
    }
}

/// The file's URL is a secret and expires: it is asked for each time, and not stored.
async fn result_url(session: &Session<'_>, operation: &Gid) -> Result<ResultUrl, FileError> {
    match session.tools.shopify.bulk_state(session.call(), operation).await {
        Ok(BulkState::Completed { url: Some(url), .. }) => Ok(url),
        Ok(BulkState::Completed { url: None, .. } | BulkState::Running) => {
            Err(FileError::Restart("the bulk operation has lost its result".to_owned()))
        }
        Ok(BulkState::Ended { reason }) => {
            Err(FileError::Restart(format!("the bulk operation ended: {reason}")))
        }
        Err(AdminError::Throttled { retry_after }) => Err(FileError::Throttled(retry_after)),
        Err(error) => Err(FileError::Retry(Retry::of(&error))),
    }
}
