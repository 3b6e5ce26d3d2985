//! Which kind of page a document is.

use crate::{head::Head, letter::Letter, report::Report};
use serde_json::Value;

pub(crate) enum Document {
    Letter(Letter),
    Report(Report),
}

impl Document {
    pub fn of(driver: &Value) -> Self {
        Letter::of(driver).map_or_else(|| Self::Report(Report::of(driver)), Self::Letter)
    }

    pub fn head(&self) -> &Head {
        match self {
            Self::Letter(letter) => &letter.head,
            Self::Report(report) => &report.head,
        }
    }
}
