//! What a template is made to read and write, as the design service says it: data sources, queues, characters.
//!
//! Nothing here is needed to compose. It is asked when a shop is set up, so that a name that is misspelt is found before
//! the first document. No I/O.

use crate::{ExstreamError, text::Text};
use serde::Deserialize;

/// A template's data sources, queues and characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The production data sources that driver data can be mapped to.
    pub data_sources: Vec<String>,
    pub queues: Vec<String>,
    /// Whether its texts can hold the characters of every script. `None` if the design service does not say.
    pub every_script: Option<bool>,
}

impl Manifest {
    /// Reads a manifest, which is bare, unlike other answers of the design service.
    pub(crate) fn read(body: &[u8]) -> Result<Self, ExstreamError> {
        let wire: Wire<'_> = serde_json::from_slice(body).map_err(|_| {
            ExstreamError::Unintelligible("the manifest of a template is not the documented JSON")
        })?;
        let sources = wire.dsnlist.into_iter().filter_map(|source| source.prod_dsn);
        Ok(Self {
            data_sources: sources.map(|Text(name)| name.into_owned()).collect(),
            queues: wire.queue_list.into_iter().map(|queue| queue.name.0.into_owned()).collect(),
            every_script: wire.character_encoding.map(|Text(encoding)| encoding.eq_ignore_ascii_case("DBCS")),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(borrow)]
    dsnlist: Vec<Source<'a>>,
    #[serde(borrow)]
    queue_list: Vec<Queue<'a>>,
    #[serde(borrow)]
    character_encoding: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source<'a> {
    #[serde(borrow)]
    prod_dsn: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Queue<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_documented_form_and_refuses_another() {
        let body = br#"{"dsnlist":[{"id":"1","name":"d","prodDsn":"orders","resourceId":"r","type":"DRIVER"}],
            "queueList":[{"id":"q","driver":"PDF","name":"Letter","prodFile":"f","use":"u"}],"characterEncoding":"SBCS"}"#;
        let read = Manifest::read(body).unwrap();
        let expected = Manifest {
            data_sources: vec!["orders".to_owned()],
            queues: vec!["Letter".to_owned()],
            every_script: Some(false),
        };
        assert_eq!(read, expected);
        for other in [&br#"{"status":"success","data":[]}"#[..], b"<html>", b"{}"] {
            assert!(Manifest::read(other).is_err());
        }
    }
}
