//! What a PDF says of itself: whether it is all there, how many pages it has, which standards it claims.
//!
//! A claim is what the file's metadata says; whether it keeps the standard, only a validator such as veraPDF can
//! tell. Reading is bounded whatever the file holds: streams that would unpack to more than the limits below are not
//! unpacked, nesting and cycles end, and a fault of the library is no fault of the message. Such a file counts as not
//! examined.

use comms::{Class, Classify};
use lopdf::{DecompressError, Document, LoadOptions, Object, Stream};
use quick_xml::{
    NsReader,
    events::Event,
    name::{Namespace, ResolveResult},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{cell::Cell, panic::AssertUnwindSafe};

/// What one stream of the file's structure may unpack to, and all of them.
const STREAM_BYTES: usize = 2 * 1024 * 1024;
const STRUCTURE_BYTES: usize = 16 * 1024 * 1024;
const METADATA_BYTES: usize = 1024 * 1024;
/// The end of a file, in which its end is marked.
const TAIL: usize = 1024;
const PDF_A: &str = "http://www.aiim.org/pdfa/ns/id/";
const PDF_UA: &str = "http://www.aiim.org/pdfua/ns/id/";
/// The longest language tags in use are shorter.
const MAX_LANGUAGE_BYTES: usize = 35;

/// What a PDF says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pdf {
    /// The part and level of PDF/A that it claims to conform to, such as `3b`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pdf_a: Option<String>,
    /// The part of PDF/UA that it claims to conform to, such as `1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pdf_ua: Option<String>,
    /// The language of its text, such as `de-DE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Encrypted, but readable without a password.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub encrypted: bool,
}

/// A PDF that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// How many it has; at least one.
    pub pages: u32,
    /// What it says of itself.
    pub pdf: Pdf,
}

/// Why a file is not a document that somebody could read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PdfFault {
    /// No end of file.
    #[error("the PDF is cut off: its end is missing")]
    CutOff,
    /// A reader could not find its objects.
    #[error("the PDF is damaged: its cross-reference table does not fit its content")]
    Damaged,
    /// Encrypted with a password that nobody knows here.
    #[error("the PDF cannot be opened without a password")]
    Locked,
    /// Nothing to read.
    #[error("the PDF has no pages")]
    NoPages,
}

impl Classify for PdfFault {
    /// A file that lost bytes on its way comes whole when it is composed again. What Exstream made that way, it
    /// makes again.
    fn class(&self) -> Class {
        match self {
            Self::CutOff | Self::Damaged => Class::transient(),
            Self::Locked | Self::NoPages => Class::Permanent,
        }
    }
}

thread_local! {
    /// What the structure of the file that is read may still unpack to.
    static STRUCTURE: Cell<usize> = const { Cell::new(0) };
}

/// Reads a PDF. Answers nothing where that would take too much.
///
/// # Errors
/// [`PdfFault`]
pub fn examine(bytes: &[u8]) -> Result<Option<Examined>, PdfFault> {
    let tail = &bytes[bytes.len().saturating_sub(TAIL)..];
    if memchr::memmem::rfind(tail, b"%%EOF").is_none() || memchr::memmem::rfind(tail, b"startxref").is_none()
    {
        return Err(PdfFault::CutOff);
    }
    std::panic::catch_unwind(AssertUnwindSafe(|| read(bytes))).unwrap_or(Ok(None))
}

fn read(bytes: &[u8]) -> Result<Option<Examined>, PdfFault> {
    STRUCTURE.set(STRUCTURE_BYTES);
    let options = LoadOptions {
        filter: Some(structure),
        max_decompressed_size: Some(STREAM_BYTES),
        ..LoadOptions::default()
    };
    let document = match Document::load_mem_with_options(bytes, options) {
        Ok(document) => document,
        Err(lopdf::Error::Decompress(DecompressError::MemoryLimitExceeded { .. })) => return Ok(None),
        Err(lopdf::Error::InvalidPassword) => return Err(PdfFault::Locked),
        Err(_) => return Err(PdfFault::Damaged),
    };
    if STRUCTURE.get() == 0 {
        return Ok(None);
    }
    if document.is_encrypted() {
        return Err(PdfFault::Locked);
    }
    if document.xref_recovery.is_some() {
        return Err(PdfFault::Damaged);
    }
    let pages = u32::try_from(document.page_iter().count()).unwrap_or(u32::MAX);
    if pages == 0 {
        return Err(PdfFault::NoPages);
    }
    let (pdf_a, pdf_ua) = metadata(&document).map(|xmp| claims(&xmp)).unwrap_or_default();
    let pdf =
        Pdf { pdf_a, pdf_ua, language: language(&document), encrypted: document.encryption_state.is_some() };
    Ok(Some(Examined { pages, pdf }))
}

/// Keeps what says how the file is made, and drops the content of its pages.
fn structure(id: (u32, u16), object: &mut Object) -> Option<((u32, u16), Object)> {
    match object {
        Object::Dictionary(_) | Object::Array(_) => Some((id, object.clone())),
        Object::Stream(stream) if stream.dict.has_type(b"ObjStm") => {
            // what is kept of a stream is itself, not what is answered
            fits(stream).then_some((id, Object::Null))
        }
        Object::Stream(stream) => stream.dict.has_type(b"Metadata").then_some((id, Object::Null)),
        _ => None,
    }
}

/// Whether the objects in `stream` may still be unpacked.
fn fits(stream: &Stream) -> bool {
    let left = STRUCTURE.get();
    if left == 0 {
        return false;
    }
    // one that is too large by itself ends the reading in the library
    let size = stream.get_plain_content_with_limit(STREAM_BYTES).map_or(0, |content| content.len());
    STRUCTURE.set(left.saturating_sub(size));
    size < left
}

fn metadata(document: &Document) -> Option<String> {
    let metadata = document.catalog().ok()?.get_deref(b"Metadata", document).ok()?.as_stream().ok()?;
    String::from_utf8(metadata.get_plain_content_with_limit(METADATA_BYTES).ok()?).ok()
}

fn language(document: &Document) -> Option<String> {
    let text = lopdf::decode_text_string(document.catalog().ok()?.get_deref(b"Lang", document).ok()?).ok()?;
    let tag: String = text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    Some(comms::cut(&tag, MAX_LANGUAGE_BYTES).to_owned()).filter(|tag| !tag.is_empty())
}

/// The claims in XMP metadata, whose properties are elements or attributes.
fn claims(xmp: &str) -> (Option<String>, Option<String>) {
    let mut claims = Claims::default();
    let mut reader = NsReader::from_str(xmp);
    let mut open: Option<(Standard, String)> = None;
    // metadata that is not well-formed claims nothing beyond the fault
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(element) | Event::Empty(element) => {
                for attribute in element.attributes().flatten() {
                    let (namespace, name) = reader.resolver().resolve_attribute(attribute.key);
                    if let Some(standard) = standard(&namespace) {
                        claims.note(standard, name.as_ref(), &attribute.value);
                    }
                }
                let (namespace, name) = reader.resolver().resolve_element(element.name());
                open = standard(&namespace).map(|standard| (standard, name.as_ref().to_owned()));
            }
            Event::Text(text) => {
                if let Some((standard, name)) = &open {
                    claims.note(*standard, name, &text);
                }
            }
            Event::End(_) => open = None,
            Event::Eof => break,
            _ => {}
        }
    }
    claims.said()
}

#[derive(Clone, Copy)]
enum Standard {
    A,
    Ua,
}

fn standard(namespace: &ResolveResult<'_>) -> Option<Standard> {
    match namespace {
        ResolveResult::Bound(Namespace(PDF_A)) => Some(Standard::A),
        ResolveResult::Bound(Namespace(PDF_UA)) => Some(Standard::Ua),
        _ => None,
    }
}

#[derive(Default)]
struct Claims {
    part: Option<char>,
    level: Option<char>,
    ua: Option<char>,
}

impl Claims {
    fn note(&mut self, standard: Standard, name: &str, value: &str) {
        // parts are one digit, levels one letter
        let mut value = value.trim().chars();
        let (Some(value), None) = (value.next(), value.next()) else { return };
        let value = value.to_ascii_lowercase();
        match (standard, name) {
            (Standard::A, "part") if value.is_ascii_digit() => self.part = Some(value),
            (Standard::A, "conformance") if value.is_ascii_lowercase() => self.level = Some(value),
            (Standard::Ua, "part") if value.is_ascii_digit() => self.ua = Some(value),
            _ => {}
        }
    }

    /// A level without a part is no claim.
    fn said(self) -> (Option<String>, Option<String>) {
        let a = self.part.map(|part| part.to_string() + &self.level.map(String::from).unwrap_or_default());
        (a, self.ua.map(String::from))
    }
}

#[cfg(test)]
mod tests;
