//! Whose an output is, by what it says itself.
//!
//! The communication id is part of the driver data. A template that puts it into the output (as the customer number,
//! into the file name, or anywhere into the document, visible or not) lets the output prove that it is the one that
//! was asked for. Nothing else does: neither the order of customers nor a number that the engine counted. An id that
//! is in the document but cannot be read (a font without a usual encoding, encryption) is no proof, and a false
//! proof would take an id of 128 bits by chance.

use crate::Output;
use comms::CommunicationId;
use flate2::read::ZlibDecoder;
use std::{collections::BTreeSet, io::Read};

const ID: usize = 32;
/// Of one stream of a PDF. Text is not longer; pictures and fonts are, and name nobody.
const STREAM_BYTES: u64 = 4 * 1024 * 1024;
const MAX_STREAMS: usize = 10_000;

impl Output {
    /// Everything that may be a communication id in the output's customer number, file name or text.
    pub fn named(&self) -> BTreeSet<CommunicationId> {
        let mut ids = BTreeSet::new();
        for text in [&self.customer_number, &self.file_name].into_iter().flatten() {
            collect(text.to_ascii_lowercase().as_bytes(), &mut ids);
        }
        if self.bytes.starts_with(b"%PDF-") {
            of_pdf(&self.bytes, &mut ids);
        } else {
            collect(&self.bytes, &mut ids);
        }
        ids
    }
}

/// Each run of hexadecimal digits that is as long as an id.
fn collect(text: &[u8], ids: &mut BTreeSet<CommunicationId>) {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    for run in text.split(|byte| !is_digit(byte)).filter(|run| run.len() == ID) {
        ids.extend(std::str::from_utf8(run).ok().and_then(|text| text.parse().ok()));
    }
}

fn of_pdf(pdf: &[u8], ids: &mut BTreeSet<CommunicationId>) {
    let mut rest = pdf;
    for _ in 0..MAX_STREAMS {
        let Some(start) = find(rest, b"stream") else { break };
        let (outside, stream) = rest.split_at(start);
        of_text(outside, ids);
        let stream = stream.strip_prefix(b"stream").unwrap_or_default();
        let stream = stream.strip_prefix(b"\r").unwrap_or(stream);
        let stream = stream.strip_prefix(b"\n").unwrap_or(stream);
        let end = find(stream, b"endstream").unwrap_or(stream.len());
        let (body, after) = stream.split_at(end);
        of_stream(body, ids);
        rest = after.strip_prefix(b"endstream").unwrap_or_default();
    }
    of_text(rest, ids);
}

fn of_stream(body: &[u8], ids: &mut BTreeSet<CommunicationId>) {
    // the first byte of what `FlateDecode` reads
    if body.first().is_some_and(|byte| byte & 0x0f == 8) {
        let mut text = Vec::new();
        // what came before a fault is as good
        let _ = ZlibDecoder::new(body).take(STREAM_BYTES).read_to_end(&mut text);
        of_text(&text, ids);
    } else {
        of_text(body, ids);
    }
}

/// As it stands, and as the strings in it say it: pieces that are shown as one (`[(ab) -12 (cd)] TJ`) are put together.
fn of_text(text: &[u8], ids: &mut BTreeSet<CommunicationId>) {
    collect(text, ids);
    let mut shown = Vec::new();
    let (mut at, mut in_array) = (0, false);
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'(' => at = literal(text, at, &mut shown),
            b'<' if text.get(at) != Some(&b'<') => at = hexadecimal(text, at, &mut shown),
            b'<' => at += 1,
            b'[' => in_array = true,
            b']' => in_array = false,
            _ => continue,
        }
        if !in_array {
            shown.push(b' ');
        }
    }
    // text of two bytes a character; an id has none of more than one
    shown.retain(|byte| *byte != 0);
    collect(&shown, ids);
}

/// Answers where the string that begins at `at` has ended.
fn literal(text: &[u8], mut at: usize, shown: &mut Vec<u8>) -> usize {
    let mut depth = 1;
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'\\' => {
                at = match text.get(at..at + 3) {
                    Some(octal) if octal.iter().all(|digit| (b'0'..=b'7').contains(digit)) => {
                        let value = octal.iter().fold(0_u32, |sum, digit| sum * 8 + u32::from(digit - b'0'));
                        shown.extend(u8::try_from(value));
                        at + 3
                    }
                    _ => at + 1,
                };
                continue;
            }
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        shown.push(*byte);
    }
    at
}

fn hexadecimal(text: &[u8], at: usize, shown: &mut Vec<u8>) -> usize {
    let digits = text.get(at..).unwrap_or_default();
    let end = digits.iter().position(|byte| *byte == b'>').unwrap_or(digits.len());
    let digits: Vec<_> = digits
        .iter()
        .take(end)
        .filter_map(|digit| char::from(*digit).to_digit(16))
        .filter_map(|digit| u8::try_from(digit).ok())
        .collect();
    shown.extend(digits.chunks(2).map(|pair| pair.iter().fold(0, |sum, digit| sum << 4 | digit)));
    at + end + 1
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::ZlibEncoder};
    use proptest::prelude::*;
    use std::io::Write;

    const OWN: &str = "0123456789abcdef0123456789abcdef";

    fn output(bytes: &[u8]) -> Output {
        Output {
            bytes: bytes.to_vec().into(),
            mime_type: String::new(),
            queue: None,
            file_name: None,
            customer_number: None,
        }
    }

    fn names(output: &Output) -> Vec<String> {
        output.named().into_iter().map(String::from).collect()
    }

    fn pdf(content: &[u8], compress: bool) -> Output {
        let mut body = content.to_vec();
        if compress {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(content).unwrap();
            body = encoder.finish().unwrap();
        }
        output(
            &[b"%PDF-1.7\n1 0 obj <</Length 9>>\nstream\r\n", &body[..], b"\nendstream endobj\n%%EOF"]
                .concat(),
        )
    }

    #[test]
    fn an_id_is_found_where_templates_put_it() {
        let hex: String = OWN.bytes().map(|byte| format!("{byte:02X}")).collect();
        let wide: String = OWN.bytes().map(|byte| format!("00{byte:02x} ")).collect();
        let octal: String = OWN.bytes().map(|byte| format!("\\{byte:03o}")).collect();
        for content in [
            format!("BT (Ref. {OWN}) Tj ET"),
            format!("BT <{hex}> Tj ET"),
            format!("BT <{wide}> Tj ET"),
            format!("BT ({octal}) Tj ET"),
            format!("BT [(x {}) -12.5 ({}) 3 ({})] TJ ET", &OWN[..5], &OWN[5..6], &OWN[6..]),
            format!("<xmp:Identifier>{OWN}</xmp:Identifier>"),
        ] {
            for compress in [false, true] {
                assert_eq!(names(&pdf(content.as_bytes(), compress)), [OWN], "{content} {compress}");
            }
        }
        assert_eq!(names(&output(format!("%PDF-1.7 <</Keywords ({OWN})>>").as_bytes())), [OWN]);
        assert_eq!(names(&output(format!("<p data-ref=\"{OWN}\">").as_bytes())), [OWN]);
        let named = Output { file_name: Some(format!("{OWN}_PDF.pdf")), ..output(b"%PDF-1.7") };
        assert_eq!(names(&named), [OWN]);
        let numbered = Output { customer_number: Some(OWN.to_uppercase()), ..output(b"") };
        assert_eq!(names(&numbered), [OWN]);
    }

    #[test]
    fn parts_of_other_texts_are_no_ids() {
        for text in [
            format!("({} {})", &OWN[..16], &OWN[16..]),
            format!("({OWN}{OWN})"),
            format!("({}) Tj ({}) Tj", &OWN[..16], &OWN[16..]),
            format!("({OWN}0)"),
        ] {
            assert!(names(&pdf(text.as_bytes(), true)).is_empty(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_too_broken_to_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            output(&[b"%PDF-".as_slice(), &bytes].concat()).named();
            pdf(&bytes, false).named();
            pdf(&bytes, true).named();
        }
    }
}
