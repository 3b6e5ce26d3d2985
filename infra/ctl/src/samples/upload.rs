//! Uploading samples to Exstream's design service. One that is refused, or whose answer is lost, concerns no other.

use super::command::{File, Row, failed};
use crate::{
    failure::Failure,
    preview::{Connection, Settings},
};
use exstream::{SampleCall, SampleStore};
use jiff::Timestamp;
use std::time::Duration;

/// For one upload, token included.
const TIME: Duration = Duration::from_secs(60);

/// The design service of a shop.
pub struct Designer {
    settings: Settings,
    store: SampleStore,
}

impl Designer {
    pub fn new(connection: &Connection) -> Result<Self, Failure> {
        let settings = connection.read()?;
        Ok(Self { settings, store: SampleStore::new(service::http()?) })
    }

    /// Uploads one file. What became of it is in the row.
    pub async fn upload(&mut self, file: File) -> Row {
        let Settings { shop, exstream, credentials, .. } = &self.settings;
        let (now, timeout) = (Timestamp::now(), TIME);
        let call = SampleCall {
            shop,
            settings: exstream,
            credentials,
            name: &file.name,
            content: &file.bytes,
            now,
            timeout,
        };
        match self.store.upload(call).await {
            Ok(id) => {
                Row { document: file.document, bytes: file.bytes.len(), name: file.name, id, error: None }
            }
            Err(error) => failed(file, &error),
        }
    }
}
