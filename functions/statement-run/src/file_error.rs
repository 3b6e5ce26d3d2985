//! Why reading a bulk operation's file ended early, by what has to follow.

use bulk_reader::ReadError;
use comms::chain;
use shopify::bulk::DownloadError;
use std::time::Duration;
use work::Retry;

pub enum FileError {
    Retry(Retry),
    Throttled(Option<Duration>),
    /// The file cannot be used; another bulk operation may give a better one.
    Restart(String),
}

impl From<Retry> for FileError {
    fn from(retry: Retry) -> Self {
        Self::Retry(retry)
    }
}

impl From<DownloadError> for FileError {
    fn from(error: DownloadError) -> Self {
        match error {
            DownloadError::Broken { .. } => Self::Retry(Retry::of(&error)),
            DownloadError::Gone { .. } | DownloadError::Status { .. } | DownloadError::Changed => {
                Self::Restart(error.to_string())
            }
        }
    }
}

impl From<ReadError> for FileError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Spill(_) => Self::Retry(Retry::new(chain(&error))),
            ReadError::LineTooLong { .. } | ReadError::Malformed { .. } | ReadError::NotGrouped { .. } => {
                Self::Restart(error.to_string())
            }
        }
    }
}
