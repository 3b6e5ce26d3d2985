//! A page with its pictures in it: what Exstream lays out as HTML comes with image files of its own, and nobody who gets
//! the page gets those.
//!
//! Each reference to a file of the same composition becomes a `data:` address. What is left refers to nothing outside
//! but by `https://`: any other reference would be a hole in the page, and is refused. The tokenizer is that of the
//! HTML standard; only tags and styles with such a reference are written anew, all else stays as it was to the byte. The
//! page's size is bounded, however often it shows a picture.

mod style;

use crate::Output;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use html5gum::{Span, StartTag, Token, Tokenizer, emitters::default::DefaultEmitter};
use percent_encoding::percent_decode_str;
use reqwest::Url;
use std::ops::Range;

/// Why a page cannot be shown as it is. Names no file: Exstream may call one after its customer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    #[error("`{what}` refers to a{kind} that is neither in the composition nor at an https address")]
    Missing { what: String, kind: String },
    #[error("`{what}` refers to a file name that several files of the composition have")]
    Ambiguous { what: String },
    #[error("`{what}` refers to a file of the composition that is no picture of its type, {media_type}")]
    NotAPicture { what: String, media_type: String },
    #[error("with its pictures, the page is larger than the {limit} bytes the shop allows")]
    TooLarge { limit: usize },
}

/// The page `html` with the files of its composition that it refers to. Of two files of the same name, that of the
/// page's own queue is meant.
///
/// # Errors
/// [`PageError`]
pub(crate) fn complete(html: &Output, files: &[Output], limit: usize) -> Result<Bytes, PageError> {
    let files = Files { queue: html.queue.as_deref(), files };
    let mut changes = Changes { made: Vec::new(), grown: html.bytes.len(), limit };
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    emitter.naively_switch_states(true);
    let mut style = None;
    for token in Tokenizer::new_with_emitter(&html.bytes[..], emitter) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => {
                style = (*tag.name == b"style"[..] && !tag.self_closing).then_some(tag.span.end);
                if let Some(written) = written(&tag, &files)? {
                    changes.push(range(&tag.span), written)?;
                }
            }
            Token::EndTag(tag) => {
                if let Some(start) = style.take() {
                    changes.style(html, start..tag.span.start, &files)?;
                }
            }
            Token::String(_) | Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    if let Some(start) = style {
        changes.style(html, start..html.bytes.len(), &files)?;
    }
    Ok(changes.apply(&html.bytes))
}

fn range(span: &Span<usize>) -> Range<usize> {
    span.start..span.end
}

/// What takes the place of which bytes, in the order of the page.
struct Changes {
    made: Vec<(Range<usize>, Vec<u8>)>,
    grown: usize,
    limit: usize,
}

impl Changes {
    fn push(&mut self, place: Range<usize>, written: Vec<u8>) -> Result<(), PageError> {
        self.grown = self.grown.saturating_add(written.len());
        if self.grown > self.limit {
            return Err(PageError::TooLarge { limit: self.limit });
        }
        self.made.push((place, written));
        Ok(())
    }

    /// A style sheet in the page.
    fn style(&mut self, html: &Output, place: Range<usize>, files: &Files<'_>) -> Result<(), PageError> {
        let css = html.bytes.get(place.clone()).unwrap_or_default();
        match style::complete(css, |address| files.address("style url()", address))? {
            Some(written) => self.push(place, written),
            None => Ok(()),
        }
    }

    fn apply(self, page: &Bytes) -> Bytes {
        if self.made.is_empty() {
            return page.clone();
        }
        let mut out = Vec::with_capacity(self.grown);
        let mut at = 0;
        for (place, written) in self.made {
            out.extend_from_slice(page.get(at..place.start).unwrap_or_default());
            out.extend_from_slice(&written);
            at = place.end;
        }
        out.extend_from_slice(page.get(at..).unwrap_or_default());
        out.into()
    }
}

/// The tag with its references completed; nothing, if it has none that change.
fn written(tag: &StartTag<usize>, files: &Files<'_>) -> Result<Option<Vec<u8>>, PageError> {
    let element = String::from_utf8_lossy(&tag.name);
    let mut changed = false;
    let mut out = Vec::with_capacity(64);
    out.push(b'<');
    out.extend_from_slice(&tag.name);
    for (name, value) in &tag.attributes {
        let attribute = String::from_utf8_lossy(name);
        let text = String::from_utf8_lossy(value);
        let completed = completed(&element, &attribute, &text, tag, files)?;
        changed |= completed.is_some();
        out.push(b' ');
        out.extend_from_slice(name);
        out.extend_from_slice(b"=\"");
        match &completed {
            Some(completed) => escape(completed.as_bytes(), &mut out),
            None => escape(value, &mut out),
        }
        out.push(b'"');
    }
    out.extend_from_slice(if tag.self_closing { b" />" } else { b">" });
    Ok(changed.then_some(out))
}

fn completed(
    element: &str,
    attribute: &str,
    value: &str,
    tag: &StartTag<usize>,
    files: &Files<'_>,
) -> Result<Option<String>, PageError> {
    let what = format!("{element} {attribute}");
    match Kind::of(element, attribute, tag) {
        Kind::None => Ok(None),
        Kind::Address => files.address(&what, value),
        Kind::Addresses => srcset(value, |address| files.address(&what, address)),
        Kind::Style => {
            let css = style::complete(value.as_bytes(), |address| files.address(&what, address))?;
            Ok(css.map(|css| String::from_utf8_lossy(&css).into_owned()))
        }
    }
}

/// What an attribute refers to files with.
enum Kind {
    None,
    Address,
    /// Several, each with a size.
    Addresses,
    Style,
}

impl Kind {
    fn of(element: &str, attribute: &str, tag: &StartTag<usize>) -> Self {
        let is = |name: &str, value: &str| {
            let found = tag.attributes.get(name.as_bytes());
            found.is_some_and(|it| it.eq_ignore_ascii_case(value.as_bytes()))
        };
        match (element, attribute) {
            (_, "style") => Self::Style,
            (_, "background") => Self::Address,
            ("img" | "source", "srcset") | ("link", "imagesrcset") => Self::Addresses,
            (
                "img" | "source" | "audio" | "video" | "track" | "embed" | "iframe" | "frame" | "script",
                "src",
            )
            | ("video", "poster")
            | ("object", "data")
            | ("image" | "feimage", "href" | "xlink:href") => Self::Address,
            ("input", "src") if is("type", "image") => Self::Address,
            ("link", "href") if is("rel", "stylesheet") => Self::Address,
            _ => Self::None,
        }
    }
}

fn escape(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        match byte {
            b'&' => out.extend_from_slice(b"&amp;"),
            b'"' => out.extend_from_slice(b"&quot;"),
            byte => out.push(*byte),
        }
    }
}

/// A list of addresses, each with a size behind it. An address may hold commas, and does where it is a `data:` one: it
/// ends at white space.
fn srcset(
    value: &str,
    mut complete: impl FnMut(&str) -> Result<Option<String>, PageError>,
) -> Result<Option<String>, PageError> {
    let (mut out, mut changed) = (Vec::new(), false);
    let mut rest = value;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{c}', ',']);
        if rest.is_empty() {
            break;
        }
        let (address, after) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
        let bare = address.trim_end_matches(',');
        let (size, after) = match address.len() > bare.len() {
            true => ("", after),
            false => after.split_at(after.find(',').unwrap_or(after.len())),
        };
        let completed = complete(bare)?;
        changed |= completed.is_some();
        out.push(format!("{} {}", completed.as_deref().unwrap_or(bare), size.trim()).trim_end().to_owned());
        rest = after;
    }
    Ok(changed.then(|| out.join(", ")))
}

/// The files that came with the page.
struct Files<'a> {
    queue: Option<&'a str>,
    files: &'a [Output],
}

impl Files<'_> {
    /// The address that takes the place of `address`; nothing, if it may stay.
    fn address(&self, what: &str, address: &str) -> Result<Option<String>, PageError> {
        let address = address.trim();
        let scheme = address.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            Some("data") => return Ok(None),
            Some("https") if is_absolute(address) => return Ok(None),
            // a place in the page itself
            _ if address.starts_with('#') => return Ok(None),
            _ => {}
        }
        let path = address.split(['?', '#']).next().unwrap_or_default();
        let path = percent_decode_str(path).decode_utf8_lossy();
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
        let Some(file) = self.named(what, name)? else {
            return Err(PageError::Missing { what: what.to_owned(), kind: kind(name) });
        };
        if !is_picture(file) {
            let media_type = file.mime_type.clone();
            return Err(PageError::NotAPicture { what: what.to_owned(), media_type });
        }
        Ok(Some(format!("data:{};base64,{}", file.mime_type, BASE64_STANDARD.encode(&file.bytes))))
    }

    fn named(&self, what: &str, name: &str) -> Result<Option<&Output>, PageError> {
        let has_name = |file: &&Output| {
            let own = file.file_name.as_deref().and_then(|name| name.rsplit(['/', '\\']).next());
            !name.is_empty() && own == Some(name) && is_embeddable(file)
        };
        let found: Vec<_> = self.files.iter().filter(has_name).collect();
        let of_queue: Vec<_> =
            found.iter().copied().filter(|file| file.queue.as_deref() == self.queue).collect();
        match (&of_queue[..], &found[..]) {
            ([file], _) | ([], [file]) => Ok(Some(file)),
            ([], []) => Ok(None),
            _ => Err(PageError::Ambiguous { what: what.to_owned() }),
        }
    }
}

fn is_absolute(address: &str) -> bool {
    // `https:x` is read as an address, too, and means something else in a page
    address.get(6..8) == Some("//") && Url::parse(address).is_ok_and(|url| url.has_host())
}

/// The ending of a name that has a usual one, for the message.
fn kind(name: &str) -> String {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    match ending.filter(|it| it.len() <= 5 && it.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
        Some(ending) => format!(" file (.{ending})"),
        None => " file".to_owned(),
    }
}

/// Whether an output can be part of a page: a picture, or a font.
pub(crate) fn is_embeddable(output: &Output) -> bool {
    ["image/", "font/"].iter().any(|kind| output.mime_type.starts_with(kind))
}

/// Whether the file begins as those of its type do.
fn is_picture(file: &Output) -> bool {
    let bytes = &file.bytes[..];
    let begins = |beginnings: &[&[u8]]| beginnings.iter().any(|it| bytes.starts_with(it));
    match file.mime_type.as_str() {
        "image/png" => begins(&[b"\x89PNG\r\n\x1a\n"]),
        "image/jpeg" | "image/jpg" => begins(&[b"\xff\xd8\xff"]),
        "image/gif" => begins(&[b"GIF87a", b"GIF89a"]),
        "image/webp" => begins(&[b"RIFF"]),
        "image/svg+xml" => !begins(&[b"%PDF-"]) && bytes.windows(4).any(|it| it == b"<svg"),
        _ => !bytes.trim_ascii().is_empty(),
    }
}

#[cfg(test)]
mod tests;
