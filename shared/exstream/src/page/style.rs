//! Addresses in style sheets: `url(…)` and what `@import` names.
//!
//! Strings and comments are passed over as CSS has them, so an address in a comment is none. Escapes in an address are
//! not read: such an address is that of no file here, and is refused like one.

use super::PageError;

/// The style sheet with its addresses completed; nothing, if none changes.
pub(super) fn complete(
    css: &[u8],
    mut complete: impl FnMut(&str) -> Result<Option<String>, PageError>,
) -> Result<Option<Vec<u8>>, PageError> {
    let (mut out, mut copied, mut at) = (Vec::new(), 0, 0);
    while let Some(byte) = css.get(at) {
        let rest = css.get(at..).unwrap_or_default();
        if rest.starts_with(b"/*") {
            at += 2 + end(&rest[2..], b"*/");
        } else if is_name(css, at, b"url(") {
            let (address, length) = url(&rest[4..]);
            at += 4 + length;
            if let Some(completed) = complete(&address)? {
                out.extend_from_slice(&css[copied..at - length]);
                out.extend_from_slice(format!("\"{completed}\")").as_bytes());
                copied = at;
            }
        } else if is_name(css, at, b"@import") {
            at += 7;
            let space = css[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            if let Some(quote @ (b'"' | b'\'')) = css.get(at + space) {
                let text = css.get(at + space + 1..).unwrap_or_default();
                let length = string(text, *quote);
                at += space + 1 + length;
                let address =
                    String::from_utf8_lossy(text.get(..length.saturating_sub(1)).unwrap_or_default());
                if let Some(completed) = complete(&address)? {
                    out.extend_from_slice(&css[copied..at - length]);
                    out.extend_from_slice(completed.as_bytes());
                    out.push(*quote);
                    copied = at;
                }
            }
        } else if matches!(byte, b'"' | b'\'') {
            at += 1 + string(&rest[1..], *byte);
        } else {
            at += if *byte == b'\\' { 2 } else { 1 };
        }
    }
    if copied == 0 {
        return Ok(None);
    }
    out.extend_from_slice(css.get(copied..).unwrap_or_default());
    Ok(Some(out))
}

/// Whether `name` is here, and not the end of a longer name.
fn is_name(css: &[u8], at: usize, name: &[u8]) -> bool {
    let here = css.get(at..at + name.len()).is_some_and(|it| it.eq_ignore_ascii_case(name));
    let before = at.checked_sub(1).and_then(|before| css.get(before));
    here && !before
        .is_some_and(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_') || !it.is_ascii())
}

/// How many bytes there are up to and with `what`, or all.
fn end(css: &[u8], what: &[u8]) -> usize {
    let found = css.windows(what.len()).position(|it| it == what);
    found.map_or(css.len(), |at| at + what.len())
}

/// How many bytes a string has with its closing quote. A line's end ends it, too.
fn string(css: &[u8], quote: u8) -> usize {
    let mut at = 0;
    while let Some(byte) = css.get(at) {
        match byte {
            b'\\' => at += 2,
            b'\n' => return at,
            byte if *byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    css.len()
}

/// The address behind `url(`, and how many bytes it takes with the closing bracket.
fn url(css: &[u8]) -> (String, usize) {
    let space = css.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let text = css.get(space..).unwrap_or_default();
    let (address, taken) = match text.first() {
        Some(quote @ (b'"' | b'\'')) => {
            let length = string(&text[1..], *quote);
            (text.get(1..length).unwrap_or_default(), 1 + length)
        }
        _ => {
            let length = text.iter().position(|byte| *byte == b')').unwrap_or(text.len());
            (text.get(..length).unwrap_or_default(), length)
        }
    };
    let closing = end(text.get(taken..).unwrap_or_default(), b")");
    (String::from_utf8_lossy(address).trim().to_owned(), space + taken + closing)
}
