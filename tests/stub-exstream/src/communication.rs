//! Communications of the design repository, what they consist of, and the record of each document made.

use serde::{Deserialize, Serialize};

/// A communication of the design repository.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Communication {
    pub id: String,
    pub name: String,
    #[serde(default = "one")]
    pub version: u32,
    /// The production data source it accepts; any, if absent.
    #[serde(default)]
    pub data_source: Option<String>,
    /// One per queue; a PDF queue, if absent.
    #[serde(default = "pdf_queue")]
    pub outputs: Vec<Output>,
    /// What it refers to; a document, a design and a paragraph of version 1, if absent.
    #[serde(default)]
    pub parts: Option<Vec<Part>>,
}

/// A part of a communication, with its own version and dates (as epoch milliseconds).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Part {
    pub id: String,
    pub version: u32,
    #[serde(rename = "type")]
    pub kind: String,
    pub name: String,
    #[serde(default)]
    pub effective_start: Option<i64>,
    #[serde(default)]
    pub effective_end: Option<i64>,
}

/// A queue and the type of the documents in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    pub queue: String,
    pub mime: String,
    /// Of a page: the files that it shows, which come with it.
    #[serde(default)]
    pub pictures: Vec<String>,
}

pub(crate) const fn one() -> u32 {
    1
}

pub(crate) fn pdf_queue() -> Vec<Output> {
    vec![Output { queue: "PDF".to_owned(), mime: "application/pdf".to_owned(), pictures: Vec::new() }]
}

/// One document that left the stub.
#[derive(Debug, Clone, Serialize)]
pub struct OutputRecord {
    /// The communication id that the driver data names; empty if it names none.
    pub communication: String,
    /// The id of the Exstream communication (the template).
    pub template: String,
    pub mime: String,
    pub sha256: String,
    pub bytes: usize,
    pub at: jiff::Timestamp,
}
