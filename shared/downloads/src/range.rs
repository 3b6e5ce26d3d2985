//! Which part of a document is asked for, and how much of it fits into one answer.
//!
//! Lambda answers with at most 6 MB, of which base64 takes a third. A larger document never leaves in another
//! way, such as by a signed address of the archive: the page's script fetches it in parts.

use bytes::Bytes;
use std::ops::Range;

/// The most of a document in one answer.
pub const PART_BYTES: u64 = 4 * 1024 * 1024;

#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    /// No range, or one that need not be understood.
    Whole,
    /// These bytes, which are there, and no more than fit.
    Bytes(Range<u64>),
    /// Beyond the end.
    Unsatisfiable,
}

impl Part {
    /// Reads the header `Range` (RFC 9110, section 14) of a document of `size` bytes. Several ranges are ignored, as
    /// are units other than bytes.
    pub fn of(header: Option<&str>, size: u64) -> Self {
        let Some((first, last)) = header.and_then(|it| it.trim().strip_prefix("bytes=")?.split_once('-'))
        else {
            return Self::Whole;
        };
        let number = |text: &str| -> Option<u64> {
            text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
        };
        let (start, end) = match (first, last) {
            ("", last) => match number(last) {
                Some(0) => return Self::Unsatisfiable,
                Some(length) => (size.saturating_sub(length), size),
                None => return Self::Whole,
            },
            (first, "") => match number(first) {
                Some(first) => (first, size),
                None => return Self::Whole,
            },
            (first, last) => match (number(first), number(last)) {
                (Some(first), Some(last)) if first <= last => (first, last.saturating_add(1)),
                _ => return Self::Whole,
            },
        };
        if start >= size {
            return Self::Unsatisfiable;
        }
        Self::Bytes(start..end.min(size).min(start.saturating_add(PART_BYTES)))
    }

    /// This part of a document, which is all of it if no part was asked for.
    pub fn cut(&self, document: &Bytes) -> Bytes {
        match self {
            Self::Bytes(range) => {
                let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(document.len());
                document.slice(index(range.start)..index(range.end))
            }
            Self::Whole | Self::Unsatisfiable => document.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_single_ranges_and_ignores_the_rest() {
        for (header, expected) in [
            (None, Part::Whole),
            (Some("bytes=0-3"), Part::Bytes(0..4)),
            (Some("bytes=2-"), Part::Bytes(2..10)),
            (Some("bytes=-3"), Part::Bytes(7..10)),
            (Some("bytes=-30"), Part::Bytes(0..10)),
            (Some("bytes=9-99"), Part::Bytes(9..10)),
            (Some("bytes=10-"), Part::Unsatisfiable),
            (Some("bytes=-0"), Part::Unsatisfiable),
            (Some("bytes=3-2"), Part::Whole),
            (Some("bytes=0-1,3-4"), Part::Whole),
            (Some("bytes=a-b"), Part::Whole),
            (Some("bytes=+1-2"), Part::Whole),
            (Some("bytes=99999999999999999999-"), Part::Whole),
            (Some("bytes=0-18446744073709551615"), Part::Bytes(0..10)),
            (Some("items=0-1"), Part::Whole),
            (Some(""), Part::Whole),
        ] {
            assert_eq!(Part::of(header, 10), expected, "{header:?}");
        }
    }

    #[test]
    fn a_part_fits_into_an_answer() {
        let size = 3 * PART_BYTES;
        assert_eq!(Part::of(Some("bytes=0-"), size), Part::Bytes(0..PART_BYTES));
        assert_eq!(Part::of(Some("bytes=1-"), size), Part::Bytes(1..PART_BYTES + 1));
        // base64 and headers of the largest part within Lambda's 6 MB
        assert!(PART_BYTES.div_ceil(3) * 4 + 8192 < 6 * 1024 * 1024);
    }

    proptest! {
        #[test]
        fn a_part_is_within_the_document(header in "bytes=[0-9]{0,20}-[0-9]{0,20}|.{0,40}", size in 0u64..30_000_000) {
            if let Part::Bytes(range) = Part::of(Some(&header), size) {
                prop_assert!(range.start < range.end && range.end <= size);
                prop_assert!(range.end - range.start <= PART_BYTES);
            }
        }
    }
}
