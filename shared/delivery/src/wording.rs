//! What an e-mail says around its document: subject, text and the name of the attached file, in the recipient's language.
//!
//! The shop's texts are trusted, what is filled into them is not: a name of an order becomes part of no header, path or
//! second placeholder, and every result is bounded.

use crate::{SendCall, SendOutput};
use comms::{Format, one_line};
use shop_config::{Placeholders, text_in};
use std::collections::BTreeMap;

const HEADER_CHARS: usize = 200;
const STEM_CHARS: usize = 60;
/// With its extension, and in the longest characters, within the 255 bytes that file systems take.
const FILE_NAME_CHARS: usize = 60;

/// One line of bounded length that hides nothing: what it becomes part of cannot be given another header, or be read
/// in another order than it is written. Joiners stay where they shape a word or an emoji.
pub(crate) fn header_text(text: &str) -> String {
    one_line(text).chars().take(HEADER_CHARS).collect()
}

/// The configured text in the recipient's language, else in the shop's, filled in.
fn text(call: &SendCall<'_>, texts: &BTreeMap<String, String>) -> Option<String> {
    let found = text_in(texts, &call.recipient.locale, &call.config.default_locale)?;
    Some(filled(call, found))
}

/// A text of the shop's with its placeholders filled.
pub(crate) fn filled(call: &SendCall<'_>, text: &str) -> String {
    let brand = &call.config.brand(call.document).name;
    let name = one_line(call.order_name.unwrap_or_default());
    Placeholders {
        name: &name,
        brand,
        link: call.link.unwrap_or_default(),
        unsubscribe: call.unsubscribe_url.unwrap_or_default(),
    }
    .fill(text)
}

/// A configured text of several lines, filled in.
pub(crate) fn lines(call: &SendCall<'_>, texts: &BTreeMap<String, String>) -> Option<String> {
    Some(plain(&text(call, texts)?))
}

/// Lines without what hides or steers.
pub(crate) fn plain(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(one_line).collect();
    lines.join("\n").trim().to_owned()
}

/// The subject; the brand's name where none is configured.
pub(crate) fn subject(call: &SendCall<'_>) -> String {
    let text = text(call, &call.settings.subject);
    header_text(text.as_deref().unwrap_or(&call.config.brand(call.document).name))
}

/// The text of an e-mail whose document is attached. Where none is configured, the subject, which is in the recipient's
/// language, and the brand's name.
pub(crate) fn message(call: &SendCall<'_>) -> String {
    let text = lines(call, &call.settings.message).unwrap_or_else(|| {
        format!("{}\n\n{}", subject(call), header_text(&call.config.brand(call.document).name))
    });
    match call.unsubscribe_url.filter(|url| !text.contains(*url)) {
        // marketing never goes without it
        Some(url) => format!("{text}\n\n{}: {url}\n", unsubscribe(&call.recipient.locale)),
        None => format!("{text}\n"),
    }
}

/// What stands before the address that ends marketing, where the shop's text has no place for it.
fn unsubscribe(locale: &str) -> &'static str {
    match locale.split(['-', '_']).next().unwrap_or_default() {
        "de" => "Abmelden",
        "fr" => "Se désabonner",
        "ar" => "إلغاء الاشتراك",
        "he" | "iw" => "הסרה",
        _ => "Unsubscribe",
    }
}

/// The names of attached files, in their order. No two are the same.
pub(crate) fn file_names(call: &SendCall<'_>, outputs: &[&SendOutput<'_>]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(outputs.len());
    for output in outputs {
        let extension = Format::of(output.media_type).map_or("bin", Format::extension);
        let stem = stem(call, output, extension);
        let numbered = (2..).map(|number| format!("{stem}-{number}.{extension}"));
        let mut free = std::iter::once(format!("{stem}.{extension}")).chain(numbered);
        names.extend(free.find(|name| !names.contains(name)));
    }
    names
}

fn stem(call: &SendCall<'_>, output: &SendOutput<'_>, extension: &str) -> String {
    let configured = text(call, output.file_name);
    let stem = configured.as_deref().map(|name| name.strip_suffix(extension).unwrap_or(name));
    stem.map(portable).filter(|stem| !stem.is_empty()).unwrap_or_else(|| short(call))
}

/// A name that every system can keep a file under, without the characters that are a path or a command somewhere.
fn portable(name: &str) -> String {
    let name: String = one_line(name)
        .chars()
        .map(|c| if r#"/\:*?"<>|%$`'&;"#.contains(c) { '-' } else { c })
        .take(FILE_NAME_CHARS)
        .collect();
    name.trim_matches(['.', ' ', '-']).to_owned()
}

/// The order's name in letters and digits, else the document's name.
fn short(call: &SendCall<'_>) -> String {
    let name: String = call
        .order_name
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' })
        .take(STEM_CHARS)
        .collect();
    let name = name.trim_matches('-');
    if name.is_empty() { call.document.name().to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_text_is_one_bounded_line() {
        assert_eq!(
            header_text(" Your order\r\nBcc: a@b.co\u{0}\u{85}\u{2028}x\t "),
            "Your order Bcc: a@b.co x"
        );
        assert_eq!(header_text(&"é".repeat(500)).chars().count(), 200);
        assert_eq!(header_text("Invoice \u{202e}fdp.\u{200b}exe\u{9b}2J"), "Invoice fdp.exe 2J");
    }

    #[test]
    fn a_file_name_is_no_path_and_no_command() {
        for (name, kept) in [
            ("Receipt #1001", "Receipt #1001"),
            ("Reçu n° 1001", "Reçu n° 1001"),
            ("../../etc/passwd", "etc-passwd"),
            ("a\u{202e}fdp.exe", "afdp.exe"),
            ("a\r\nb", "a b"),
            ("$(reboot) `x` 'y'; & | \"", "(reboot) -x- -y"),
            (" .. ", ""),
            ("", ""),
        ] {
            assert_eq!(portable(name), kept, "{name:?}");
        }
        assert_eq!(portable(&"長".repeat(200)).chars().count(), FILE_NAME_CHARS);
    }
}
