//! The format of encrypted objects. No I/O.
//!
//! ```text
//! 0    8   89 53 58 4B 0D 0A 1A 0A
//! 8    1   version: 1
//! 9    3   zero
//! 12   4   segment size, big endian: how many bytes of the content a segment holds
//! 16  16   the id of the secret
//! 32  32   salt: random
//! 64       segments: AES-256-GCM, each with its tag of 16 bytes; all full but the last, of which there is always one
//! ```
//!
//! The key belongs to one object alone: HKDF-SHA256 over the customer's secret, with the salt, and with the purpose, the
//! header and the object's name as information. So a header that was changed, and content that lies under another
//! name, do not open. The nonce of a segment is its number (8 bytes, big endian) and whether it is the last one (4 bytes): a segment that is left
//! out, moved, repeated, or cut off at the end is refused by the tag of the next one that is read.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    rand,
};
use bytes::Bytes;
use commitments::{CommitmentSecret, KeyId};
use std::ops::Range;

const MAGIC: [u8; 8] = *b"\x89SXK\r\n\x1a\n";
const VERSION: u8 = 1;
const PURPOSE: &[u8] = b"shopify-exstream document/1";
const TAG_BYTES: usize = 16;
/// What is written. A reader takes up to [`MAX_SEGMENT_BYTES`].
const SEGMENT_BYTES: u32 = 64 * 1024;
const MAX_SEGMENT_BYTES: u32 = 1024 * 1024;
/// How long a header is.
pub const HEADER_BYTES: usize = 64;

/// Why an object cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// No such header, or one of a later version.
    #[error("it has no header that this release reads")]
    Header,
    /// Changed, cut off, put elsewhere, or encrypted with another secret.
    #[error("it is not what was encrypted with this key under this name")]
    Refused,
    /// The library could not derive a key, or the operating system gave no randomness.
    #[error("no key or no randomness")]
    Library,
}

/// What stands in front of the segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Whose secret opens it.
    pub key_id: KeyId,
    segment: u32,
    salt: [u8; 32],
}

/// Whether something is encrypted in this format.
pub fn is_sealed(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

impl Header {
    /// The header of an object that begins with these bytes.
    ///
    /// # Errors
    /// [`EnvelopeError::Header`].
    pub fn of(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let field = |range: Range<usize>| bytes.get(range).ok_or(EnvelopeError::Header);
        if field(0..8)? != MAGIC || field(8..12)? != [VERSION, 0, 0, 0] {
            return Err(EnvelopeError::Header);
        }
        let segment = u32::from_be_bytes(field(12..16)?.try_into().map_err(|_| EnvelopeError::Header)?);
        if segment == 0 || segment > MAX_SEGMENT_BYTES {
            return Err(EnvelopeError::Header);
        }
        Ok(Self {
            key_id: KeyId(field(16..32)?.try_into().map_err(|_| EnvelopeError::Header)?),
            segment,
            salt: field(32..64)?.try_into().map_err(|_| EnvelopeError::Header)?,
        })
    }

    fn bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let parts: [&[u8]; 5] =
            [&MAGIC, &[VERSION, 0, 0, 0], &self.segment.to_be_bytes(), &self.key_id.0, &self.salt];
        for (to, from) in bytes.iter_mut().zip(parts.concat()) {
            *to = from;
        }
        bytes
    }

    fn key(&self, secret: &CommitmentSecret, name: &str) -> Result<LessSafeKey, EnvelopeError> {
        let key = secret.derive(&self.salt, &[PURPOSE, &self.bytes(), name.as_bytes()]);
        let key = UnboundKey::new(&AES_256_GCM, &key.ok_or(EnvelopeError::Library)?);
        key.map(LessSafeKey::new).map_err(|_| EnvelopeError::Library)
    }

    /// How many bytes of content an object of so many bytes has. None if no object is so long.
    pub fn content_length(&self, object: u64) -> Option<u64> {
        let body = object.checked_sub(HEADER_BYTES as u64)?;
        let tag = TAG_BYTES as u64;
        let whole = u64::from(self.segment).checked_add(tag)?;
        // a tag alone is a segment only where it is the first one
        let last = body.checked_rem(whole)?;
        if body != tag && last != 0 && last <= tag {
            return None;
        }
        body.checked_sub(body.div_ceil(whole).max(1).checked_mul(tag)?)
    }
}

fn nonce(number: u64, last: bool) -> Nonce {
    let mut nonce = [0; 12];
    let parts = [&number.to_be_bytes()[..], &u32::from(last).to_be_bytes()[..]].concat();
    nonce.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    Nonce::assume_unique_for_key(nonce)
}

/// Encrypts `content`, which can be opened under this `name` only.
///
/// # Errors
/// [`EnvelopeError::Library`].
pub fn seal(secret: &CommitmentSecret, name: &str, content: &[u8]) -> Result<Bytes, EnvelopeError> {
    let mut salt = [0; 32];
    rand::fill(&mut salt).map_err(|_| EnvelopeError::Library)?;
    seal_with(secret, name, content, Header { key_id: secret.key_id(), segment: SEGMENT_BYTES, salt })
}

fn seal_with(
    secret: &CommitmentSecret,
    name: &str,
    content: &[u8],
    header: Header,
) -> Result<Bytes, EnvelopeError> {
    let key = header.key(secret, name)?;
    let size = usize::try_from(header.segment).map_err(|_| EnvelopeError::Header)?;
    let segments = content.len().div_ceil(size).max(1);
    let length =
        segments.saturating_mul(TAG_BYTES).saturating_add(content.len()).saturating_add(HEADER_BYTES);
    let mut sealed = Vec::with_capacity(length);
    sealed.extend_from_slice(&header.bytes());
    let mut rest = content;
    for number in 0..segments {
        let (segment, after) = rest.split_at(size.min(rest.len()));
        rest = after;
        let start = sealed.len();
        sealed.extend_from_slice(segment);
        let nonce = nonce(number as u64, rest.is_empty());
        let place = sealed.get_mut(start..).ok_or(EnvelopeError::Library)?;
        let tag = key.seal_in_place_separate_tag(nonce, Aad::empty(), place);
        sealed.extend_from_slice(tag.map_err(|_| EnvelopeError::Library)?.as_ref());
    }
    Ok(sealed.into())
}

/// The content of an object.
///
/// # Errors
/// When it is not, to the last byte, what was encrypted under this `name`.
pub fn open(secret: &CommitmentSecret, name: &str, object: &[u8]) -> Result<Bytes, EnvelopeError> {
    let header = Header::of(object)?;
    let length = header.content_length(object.len() as u64).ok_or(EnvelopeError::Refused)?;
    open_range(secret, name, header, object.len() as u64, 0..length, |range| {
        let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        object.get(index(range.start)..index(range.end))
    })
}

/// Which bytes of an object have to be read for a range of its content.
pub fn object_range(header: &Header, range: &Range<u64>) -> Range<u64> {
    let (segment, tag) = (u64::from(header.segment), TAG_BYTES as u64);
    let first = range.start.checked_div(segment).unwrap_or_default();
    let after = range.end.div_ceil(segment).max(first.saturating_add(1));
    let at =
        |number: u64| number.saturating_mul(segment.saturating_add(tag)).saturating_add(HEADER_BYTES as u64);
    at(first)..at(after)
}

/// A range of the content of an object of `object_bytes`, of which `read` gives what is asked for (see [`object_range`]).
/// Each segment that it touches is checked, and that the last one is the last.
///
/// # Errors
/// When a segment is not what was encrypted in its place.
pub fn open_range<'a>(
    secret: &CommitmentSecret,
    name: &str,
    header: Header,
    object_bytes: u64,
    range: Range<u64>,
    read: impl FnOnce(Range<u64>) -> Option<&'a [u8]>,
) -> Result<Bytes, EnvelopeError> {
    let refused = EnvelopeError::Refused;
    let key = header.key(secret, name)?;
    let segment = u64::from(header.segment);
    let whole = segment.checked_add(TAG_BYTES as u64).ok_or(refused)?;
    let needed = object_range(&header, &range);
    let end = needed.end.min(object_bytes);
    let mut rest = read(needed.start..end).ok_or(refused)?;
    let mut number = range.start.checked_div(segment).ok_or(refused)?;
    let skip = usize::try_from(range.start.checked_rem(segment).ok_or(refused)?).map_err(|_| refused)?;
    let mut opened = Vec::with_capacity(rest.len());
    let mut at = needed.start;
    loop {
        let size = usize::try_from(whole).map_err(|_| refused)?.min(rest.len());
        let (sealed, after) = rest.split_at(size);
        at = at.saturating_add(size as u64);
        rest = after;
        let mut place = sealed.to_vec();
        let content = key.open_in_place(nonce(number, at == object_bytes), Aad::empty(), &mut place);
        opened.extend_from_slice(content.map_err(|_| refused)?);
        number = number.saturating_add(1);
        if rest.is_empty() {
            break;
        }
    }
    let length = usize::try_from(range.end.saturating_sub(range.start)).map_err(|_| refused)?;
    let opened = Bytes::from(opened);
    if skip.saturating_add(length) > opened.len() {
        return Err(refused);
    }
    Ok(opened.slice(skip..skip.saturating_add(length)))
}

#[cfg(test)]
mod tests;
