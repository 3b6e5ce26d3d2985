//! What is to be published, held within bounds before anything is stored.

use crate::{Link, LinkedOutput, Sender, TokenHash};
use comms::{CommunicationId, Document, Format, ShopDomain, cut, one_line};
use jiff::{SignedDuration, Timestamp};

/// The largest document behind a link: what the function that serves it holds in memory several times.
pub const MAX_OUTPUT_BYTES: u64 = 25 * 1024 * 1024;

pub const MAX_OUTPUTS: usize = 8;

/// The longest life of a link.
pub const MAX_VALID_DAYS: u16 = 400;

/// For how long an item outlives its link, so that a customer reads "expired" and the openings can be looked up.
const KEPT_DAYS: i64 = 400;

const MAX_TEXT_BYTES: usize = 120;

/// Why something cannot be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unpublishable {
    #[error("a link shows 1 to {MAX_OUTPUTS} documents, not {0}")]
    Outputs(usize),
    #[error("the document has {0} bytes: more than the {MAX_OUTPUT_BYTES} that a link can show")]
    TooLarge(u64),
    #[error("a link shows PDF, HTML and plain text, not `{0}`")]
    MediaType(String),
    #[error("a link shows what is archived as `document.<extension>`")]
    FileName,
    #[error("a link is valid for 1 to {MAX_VALID_DAYS} days, not {0}")]
    ValidDays(u16),
}

/// What a link is to show, and for how long.
#[derive(Debug, Clone)]
pub struct Publication<'a> {
    pub communication: &'a CommunicationId,
    pub shop: &'a ShopDomain,
    pub document: Document,
    pub locale: &'a str,
    pub name: Option<&'a str>,
    pub sender: &'a Sender,
    pub outputs: &'a [LinkedOutput],
    pub valid_days: u16,
}

impl Publication<'_> {
    /// # Errors
    /// What the page could not show.
    pub fn check(&self) -> Result<(), Unpublishable> {
        if self.outputs.is_empty() || self.outputs.len() > MAX_OUTPUTS {
            return Err(Unpublishable::Outputs(self.outputs.len()));
        }
        if self.valid_days == 0 || self.valid_days > MAX_VALID_DAYS {
            return Err(Unpublishable::ValidDays(self.valid_days));
        }
        self.outputs.iter().try_for_each(check_output)
    }

    /// The link with this serial number. Texts are cut to what a page needs.
    pub(crate) fn link(&self, token_sha256: TokenHash, serial: u32, now: Timestamp) -> Link {
        let valid_until = now + SignedDuration::from_hours(24 * i64::from(self.valid_days));
        let kept_until = valid_until + SignedDuration::from_hours(24 * KEPT_DAYS);
        Link {
            v: 1,
            token_sha256,
            communication: self.communication.clone(),
            serial,
            shop: self.shop.clone(),
            document: self.document,
            locale: cut(self.locale, 35).to_owned(),
            name: self.name.map(bounded),
            sender: self.sender.bounded(),
            outputs: self.outputs.to_vec(),
            created_epoch_ms: now.as_millisecond(),
            valid_until_epoch_ms: valid_until.as_millisecond(),
            revoked: None,
            page_opens: 0,
            document_opens: 0,
            last_opened_epoch_ms: None,
            openings: Vec::new(),
            expires_epoch_s: kept_until.as_second(),
        }
    }
}

fn check_output(output: &LinkedOutput) -> Result<(), Unpublishable> {
    if output.bytes > MAX_OUTPUT_BYTES {
        return Err(Unpublishable::TooLarge(output.bytes));
    }
    if !Format::of(&output.media_type).is_some_and(Format::is_shown_by_browsers) {
        return Err(Unpublishable::MediaType(bounded(&output.media_type)));
    }
    // the role of the function that serves documents reads no other object: records stay out of its reach
    let extension = output.file().strip_prefix("document").and_then(|rest| rest.split_once('.'));
    match extension {
        Some((more, extension))
            if is_plain(more) && !extension.is_empty() && extension.len() <= 8 && is_plain(extension) =>
        {
            Ok(())
        }
        _ => Err(Unpublishable::FileName),
    }
}

fn is_plain(text: &str) -> bool {
    text.len() <= 20 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

pub(crate) fn bounded(text: &str) -> String {
    cut(&one_line(text), MAX_TEXT_BYTES).trim_end().to_owned()
}
