//! Reads a file once, to see whether each account's lines stand together. A survey that ran out of time continues from
//! the offset in the state.

use crate::{
    file_error::FileError,
    session::Session,
    state::{Layout, RUN, Stage},
};
use bulk_reader::{Mark, Survey};
use comms::Gid;
use shopify::bulk::{BulkFile, Download, ResultUrl};

pub async fn read(
    session: &mut Session<'_>,
    index: usize,
    url: &ResultUrl,
    operation: Gid,
    file: BulkFile,
    mut survey: Box<Survey>,
) -> Result<(), FileError> {
    let restore = |session: &mut Session<'_>, file: &BulkFile, survey| {
        let (operation, file) = (operation.clone(), file.clone());
        session.set_stage(index, Stage::Surveying { operation, file, survey });
    };
    let mut download = Download::new(session.tools.http.clone(), url, survey.mark().offset, file);
    loop {
        if session.is_out_of_time() {
            restore(session, download.file(), survey);
            return Ok(());
        }
        match download.chunk().await {
            Ok(Some(chunk)) => survey.feed(&chunk)?,
            Ok(None) => break,
            Err(error) => {
                restore(session, download.file(), survey);
                return Err(error.into());
            }
        }
        if !survey.may_be_grouped() {
            break;
        }
    }
    let file = download.file().clone();
    let grouped = survey.may_be_grouped() && survey.end()?;
    let layout = if grouped {
        Layout::Grouped { at: Mark::default() }
    } else {
        tracing::warn!(shop = %session.run.shop, run = RUN, "the bulk result is not grouped: it is sorted first");
        Layout::Scattered { accounts: 0 }
    };
    session.set_stage(index, Stage::Reading { operation, file, layout });
    session.save().await?;
    Ok(())
}
