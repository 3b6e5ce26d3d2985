//! What a print provider says of what it printed: the lines of its status files (`schemas/print-status.v1.json`). JSON
//! lines, one object per line, in any order. Reading them has no effect and never fails as a whole.

use comms::{CommunicationId, names};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longer lines are no lines of this format.
const MAX_LINE_BYTES: usize = 2 * 1024;

names! {
    /// What became of a letter.
    PrintStatus, "status", {
        /// The post has handed it over, or the provider has proof that it arrived.
        Delivered = "delivered",
        /// It came back, or could not be printed or posted.
        Returned = "returned",
    }
}

names! {
    /// Why a letter came back.
    ReturnReason, "reason", {
        Moved = "moved",
        UnknownAddress = "unknown-address",
        InsufficientAddress = "insufficient-address",
        Refused = "refused",
        Unclaimed = "unclaimed",
        Deceased = "deceased",
        NotPrinted = "not-printed",
        Other = "other",
    }
}

/// One line: what became of one letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PrintStatusLine {
    /// The version of this format: 1.
    pub v: u32,
    /// As the manifest names it.
    pub communication: CommunicationId,
    pub status: PrintStatus,
    /// When it was so, in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub at: Option<Timestamp>,
    /// Of a letter that came back. Nothing that names a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ReturnReason>,
}

/// Why a line says nothing. It is not quoted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadLine {
    #[error("longer than {MAX_LINE_BYTES} bytes")]
    TooLong,
    #[error("not a line of version 1: {0}")]
    NotALine(String),
    #[error("version {0}; this release reads 1")]
    Version(u32),
}

impl PrintStatusLine {
    /// The lines of a file with their numbers from 1. Empty ones are left out.
    pub fn read(file: &[u8]) -> impl Iterator<Item = (usize, Result<Self, BadLine>)> {
        let lines = file.split(|byte| *byte == b'\n').enumerate();
        lines
            .map(|(index, line)| (index.saturating_add(1), line.trim_ascii()))
            .filter(|(_, line)| !line.is_empty())
            .map(|(number, line)| (number, Self::of(line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line))))
    }

    fn of(line: &[u8]) -> Result<Self, BadLine> {
        if line.len() > MAX_LINE_BYTES {
            return Err(BadLine::TooLong);
        }
        // where in the line, and not what: a provider may write anything
        let place =
            |error: &serde_json::Error| format!("{:?} error at column {}", error.classify(), error.column());
        let line: Self = serde_json::from_slice(line).map_err(|error| BadLine::NotALine(place(&error)))?;
        if line.v == 1 { Ok(line) } else { Err(BadLine::Version(line.v)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SAMPLE: &str = include_str!("../samples/print-status.v1.jsonl");

    #[test]
    fn the_format_is_published_and_the_sample_conforms() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let schema = schemars::schema_for!(PrintStatusLine).to_value();
        contract::published(&folder.join("schemas/print-status.v1.json"), &schema);
        for (number, line) in PrintStatusLine::read(SAMPLE.as_bytes()) {
            contract::conforms(&schema, &serde_json::to_value(line.unwrap()).unwrap());
            assert!(number <= 3);
        }
    }

    #[test]
    fn a_bad_line_is_named_and_the_others_are_read() {
        let mut file = SAMPLE.as_bytes().to_vec();
        file.extend_from_slice(
            b"\r\n\n{\"v\":2}\n<xml>\n{\"v\":1,\"communication\":\"x\",\"status\":\"lost\"}\n\xff\n",
        );
        file.extend_from_slice(&[b'x'; 3000]);
        let read: Vec<_> = PrintStatusLine::read(&file).collect();
        let bad: Vec<_> = read.iter().filter(|(_, line)| line.is_err()).map(|(number, _)| *number).collect();
        assert_eq!(read.len() - bad.len(), 3);
        assert_eq!(bad.len(), 5, "{read:?}");
        let text = format!("{read:?}");
        assert!(!text.contains("lost") && !text.contains("xml"), "what is wrong is not quoted: {text}");
    }

    #[test]
    fn what_a_later_version_adds_is_no_mistake_and_windows_writes_such_files() {
        let line = "\u{feff}{\"v\":1,\"communication\":\"c4809f9b199959867b344883a5f958d0\",\"status\":\"delivered\",\"x\":1}\r\n";
        let read: Vec<_> = PrintStatusLine::read(line.as_bytes()).collect();
        assert!(read.len() == 1 && read[0].1.is_ok(), "{read:?}");
    }

    proptest! {
        #[test]
        fn no_file_breaks_the_reading(file in any::<Vec<u8>>()) {
            let lines = file.split(|byte| *byte == b'\n').count();
            prop_assert!(PrintStatusLine::read(&file).count() <= lines);
        }
    }
}
