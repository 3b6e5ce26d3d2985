//! Reads the text of a PDF that this crate wrote.

use crate::text::decode;

/// The text of each page of a PDF that this crate wrote, one line per shown string.
pub fn read_text(pdf: &[u8]) -> Vec<String> {
    const OPEN: &[u8] = b"stream\n";
    let mut pages = Vec::new();
    let mut at = 0;
    while let Some(start) = find(&pdf[at..], OPEN).map(|found| at + found) {
        let head = String::from_utf8_lossy(&pdf[start.saturating_sub(120)..start]);
        let length = head
            .rsplit("/Length ")
            .next()
            .and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<usize>().ok());
        let body = start + OPEN.len();
        let end = length.map_or(pdf.len(), |length| body + length).min(pdf.len());
        if !["/Padding", "/FlateDecode"].iter().any(|other| head.contains(other)) {
            pages.push(shown(&pdf[body..end]));
        }
        at = end + b"\nendstream".len();
        if at >= pdf.len() {
            break;
        }
    }
    pages
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// The operands of every `Tj` in a content stream; of a line with embedded fonts, the text it stands for.
fn shown(content: &[u8]) -> String {
    let mut lines = Vec::new();
    let mut spoken = false;
    for line in content.split(|&b| b == b'\n') {
        if let Some(operand) = line.trim_ascii_start().strip_prefix(b"/Says ") {
            spoken = true;
            let bytes = string_operand(operand);
            lines.push(match bytes.strip_prefix(b"\xfe\xff") {
                Some(wide) => {
                    let units: Vec<u16> =
                        wide.chunks_exact(2).map(|u| u16::from_be_bytes([u[0], u[1]])).collect();
                    String::from_utf16_lossy(&units)
                }
                None => decode(&bytes),
            });
        } else if line == b"EMC" {
            spoken = false;
        } else if let Some(operand) = line.strip_suffix(b" Tj").filter(|_| !spoken) {
            lines.push(decode(&string_operand(operand)));
        }
    }
    lines.join("\n")
}

fn string_operand(operand: &[u8]) -> Vec<u8> {
    let inner = operand.get(1..operand.len().saturating_sub(1)).unwrap_or_default();
    if operand.starts_with(b"<") {
        return hex::decode(inner).unwrap_or_default();
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => out.extend(bytes.next()),
            other => out.push(other),
        }
    }
    out
}
