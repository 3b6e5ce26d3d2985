//! What a document is called when it is saved. Its parts come from shops and customers, so whatever a file system or a
//! header could take for something else is left out.

use comms::{cut, one_line};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const MAX_BYTES: usize = 100;

/// `attr-char` of RFC 8187.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `Order confirmation 1001.pdf` of a title, a name and the file's extension.
pub fn file_name(title: &str, name: Option<&str>, extension: &str) -> String {
    let text = format!("{title} {}", name.unwrap_or_default());
    let is_safe = |c: &char| !matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '%' | '#');
    let safe: String = one_line(&text).chars().filter(is_safe).collect();
    let stem = cut(safe.trim(), MAX_BYTES).trim_matches(['.', ' ']);
    format!("{stem}.{extension}")
}

/// The header `Content-Disposition` (RFC 6266): the name for browsers of today, and a plain one for others.
pub fn disposition(name: &str, extension: &str) -> String {
    format!(
        "inline; filename=\"document.{extension}\"; filename*=UTF-8''{}",
        utf8_percent_encode(name, PLAIN)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn says_what_it_is() {
        assert_eq!(file_name("Order confirmation", Some("#1001"), "pdf"), "Order confirmation 1001.pdf");
        assert_eq!(file_name("Auftragsbestätigung", None, "html"), "Auftragsbestätigung.html");
        assert_eq!(
            disposition("Beleg ü 1.pdf", "pdf"),
            "inline; filename=\"document.pdf\"; filename*=UTF-8''Beleg%20%C3%BC%201.pdf"
        );
    }

    #[test]
    fn a_hostile_name_is_a_name() {
        for (name, expected) in [
            ("../../etc/passwd", "Receipt ....etcpasswd.pdf"),
            ("a\r\nSet-Cookie: x=y", "Receipt a Set-Cookie x=y.pdf"),
            ("\u{202e}fdp.exe", "Receipt fdp.exe.pdf"),
            ("\"; filename=evil.exe", "Receipt ; filename=evil.exe.pdf"),
            ("%00\0.", "Receipt 00.pdf"),
        ] {
            assert_eq!(file_name("Receipt", Some(name), "pdf"), expected);
        }
    }

    proptest! {
        #[test]
        fn a_header_is_one_line_of_ascii(name in any::<String>()) {
            let name = file_name("Receipt", Some(&name), "pdf");
            prop_assert!(name.len() <= MAX_BYTES + 4 && name.ends_with(".pdf"));
            let header = disposition(&name, "pdf");
            prop_assert!(header.bytes().all(|b| (b' '..=b'~').contains(&b)), "{header}");
            prop_assert_eq!(header.matches('"').count(), 2);
        }
    }
}
