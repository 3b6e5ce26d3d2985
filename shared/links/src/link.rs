//! A link as it is stored: a versioned contract (`schemas/link.v1.json`). It names no customer.

use crate::publication::bounded;
use crate::{MAX_OPENINGS, TokenHash};
use comms::{CommunicationId, Document, ShopDomain};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt, str::FromStr};

/// One link of a communication: what it shows, until when, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    /// The version of this format: 1.
    pub v: u32,
    pub token_sha256: TokenHash,
    pub communication: CommunicationId,
    /// Counts the links of the communication, from 0. Each replaces the one before it.
    pub serial: u32,
    pub shop: ShopDomain,
    pub document: Document,
    /// The language of the document, and of the page that shows it.
    pub locale: String,
    /// What the customer calls what the document is about, such as the order's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub sender: Sender,
    /// What was archived, each at its exact version. The first is the document itself.
    pub outputs: Vec<LinkedOutput>,
    pub created_epoch_ms: i64,
    /// From this moment on it opens nothing.
    pub valid_until_epoch_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revocation>,
    /// How often the page was opened, and how often a document.
    #[serde(default)]
    pub page_opens: u32,
    #[serde(default)]
    pub document_opens: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_opened_epoch_ms: Option<i64>,
    /// The first openings, at most 50. Nothing is kept of who opened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub openings: Vec<Opening>,
    /// When DynamoDB may delete the item, in seconds: long after the link's end, so that it can be told apart from one
    /// that never was.
    pub expires_epoch_s: i64,
}

/// Who published the document, as the page shows it. A copy, so that what serves pages reads no configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sender {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The shop's own page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The colour of the page's head, such as `#1a5f7a`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<String>,
}

impl Sender {
    /// Cut to what a page needs.
    pub(crate) fn bounded(&self) -> Self {
        let text = |text: &String| bounded(text);
        Self {
            name: bounded(&self.name),
            email: self.email.as_ref().map(text),
            phone: self.phone.as_ref().map(text),
            url: self.url.as_ref().map(text),
            colour: self.colour.as_ref().map(text),
        }
    }
}

/// A document in the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LinkedOutput {
    pub object: String,
    pub version_id: String,
    pub media_type: String,
    pub bytes: u64,
    pub sha256: String,
}

impl LinkedOutput {
    /// What it is called behind the link: the last part of its key, such as `document.pdf`.
    pub fn file(&self) -> &str {
        self.object.rsplit('/').next().unwrap_or_default()
    }
}

/// Who took a link back, and why. It is kept with the link and never shown to a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Revocation {
    pub at_epoch_ms: i64,
    pub actor: String,
    pub reason: String,
}

/// Whether a link opens something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    Live,
    Expired,
    Revoked,
}

impl Link {
    pub fn state(&self, now: Timestamp) -> LinkState {
        match &self.revoked {
            Some(_) => LinkState::Revoked,
            None if self.valid_until_epoch_ms <= now.as_millisecond() => LinkState::Expired,
            None => LinkState::Live,
        }
    }

    pub fn output(&self, file: &str) -> Option<&LinkedOutput> {
        self.outputs.iter().find(|output| output.file() == file)
    }

    /// Whether further openings are only counted.
    pub(crate) fn is_full(&self) -> bool {
        self.openings.len() >= MAX_OPENINGS
    }
}

/// What was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    Page,
    /// A document, by its file name.
    File(String),
}

/// One opening: `1790000000000 page`, `1790000004000 document.pdf`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Opening {
    pub at_epoch_ms: i64,
    pub what: Opened,
}

impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            Opened::Page => write!(f, "{} page", self.at_epoch_ms),
            Opened::File(file) => write!(f, "{} {file}", self.at_epoch_ms),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an opening: expected a time in milliseconds and what was opened")]
pub struct InvalidOpening;

impl FromStr for Opening {
    type Err = InvalidOpening;

    fn from_str(text: &str) -> Result<Self, InvalidOpening> {
        let (at, what) = text.split_once(' ').ok_or(InvalidOpening)?;
        let what = if what == "page" { Opened::Page } else { Opened::File(what.to_owned()) };
        Ok(Self { at_epoch_ms: at.parse().map_err(|_| InvalidOpening)?, what })
    }
}

impl TryFrom<String> for Opening {
    type Error = InvalidOpening;

    fn try_from(text: String) -> Result<Self, InvalidOpening> {
        text.parse()
    }
}

impl From<Opening> for String {
    fn from(opening: Opening) -> Self {
        opening.to_string()
    }
}

impl JsonSchema for Opening {
    fn schema_name() -> Cow<'static, str> {
        "Opening".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "When, in milliseconds since 1970, and what: `page`, or the file's name.",
            "pattern": "^[0-9]{1,15} [a-z0-9.-]{1,40}$"
        })
    }
}
