//! Text from outside where people read it: a terminal, a log, a subject, a reason.
//!
//! Such text must not move the cursor, reverse its neighbours or hide something between its letters. Removed are
//! the control characters (C0 and C1), Unicode's format characters, bidirectional overrides and isolates among them,
//! and whatever else is drawn as nothing (`Default_Ignorable_Code_Point`). What Unicode draws stays, and so do
//! joiners and variation selectors where they shape the letters or the emoji they stand between. Documents get the
//! text as it is: there a template decides.

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory},
};
use std::borrow::Cow;

const ZERO_WIDTH_NON_JOINER: char = '\u{200C}';
const ZERO_WIDTH_JOINER: char = '\u{200D}';

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Drawn,
    /// Stands between words, or steers a device that is long gone.
    Space,
    Hidden,
}

/// The text, safe for a terminal: line feeds stay, other control characters and separators become spaces, what
/// hides is left out.
///
/// ```
/// assert_eq!(comms::printable("a\u{9b}2Jb\n\u{202e}gnp.exe"), "a 2Jb\ngnp.exe");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    if is_plain(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let kept = kinds(text).filter(|(_, kind)| *kind != Kind::Hidden);
    kept.map(|(c, kind)| if kind == Kind::Drawn || c == '\n' { c } else { ' ' }).collect::<String>().into()
}

/// The same as one line, its words with one space between them: for subjects, names, reasons and cells of a table.
///
/// ```
/// assert_eq!(comms::one_line(" Hello\r\nBcc: a@b.co\u{2028}\u{200b}x "), "Hello Bcc: a@b.co x");
/// ```
pub fn one_line(text: &str) -> String {
    printable(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a channel or another outside service says, without whom it is about: words with an `@` or a telephone
/// number's digits are covered.
///
/// ```
/// assert_eq!(comms::covered("550 <zoe@example.com> unknown, called +33600000000"), "550 *** unknown, called ***");
/// ```
pub fn covered(text: &str) -> String {
    let is_number = |word: &str| word.bytes().filter(u8::is_ascii_digit).count() >= 7;
    let cover = |word| if str::contains(word, '@') || is_number(word) { "***" } else { word };
    text.split(' ').map(cover).collect::<Vec<_>>().join(" ")
}

/// An e-mail address or a telephone number, as far as somebody who knows it recognises it: `z…@example.com`, `…89`.
///
/// ```
/// assert_eq!(comms::masked("zoe@example.com"), "z…@example.com");
/// assert_eq!(comms::masked("+49 30 1234567"), "…67");
/// assert_eq!(comms::masked("z@example.com"), "…@example.com");
/// ```
pub fn masked(address: &str) -> String {
    let address = one_line(address);
    match address.rsplit_once('@') {
        Some((local, host)) => {
            // of a name of one letter, the first letter is all
            let first = local.chars().next().filter(|_| local.chars().nth(1).is_some());
            format!("{}…@{host}", first.map(String::from).unwrap_or_default())
        }
        None => {
            let digits: Vec<char> = address.chars().filter(char::is_ascii_digit).collect();
            let shown = if digits.len() > 4 { digits.len() - 2 } else { digits.len() };
            format!("…{}", digits.into_iter().skip(shown).collect::<String>())
        }
    }
}

/// Whether people can read all there is of `text`, in one line.
pub fn is_one_line(text: &str) -> bool {
    kinds(text).all(|(c, kind)| kind == Kind::Drawn || c == ' ')
}

/// JSON whose characters can all be seen: the others are written as `\u…`, which means the same. Line feeds stay:
/// in JSON they stand between values only.
pub fn visible_json(json: &str) -> Cow<'_, str> {
    if is_plain(json.as_bytes()) {
        return Cow::Borrowed(json);
    }
    let mut visible = String::with_capacity(json.len());
    for c in json.chars() {
        if is_visible(c) {
            visible.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                visible.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    Cow::Owned(visible)
}

/// Printable ASCII and line feeds.
fn is_plain(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n'))
}

fn kinds(text: &str) -> impl Iterator<Item = (char, Kind)> {
    let mut before = None;
    let mut rest = text.chars().peekable();
    std::iter::from_fn(move || {
        let c = rest.next()?;
        let kind = kind(before, c, rest.peek().copied());
        before = Some(c).filter(|_| kind == Kind::Drawn);
        Some((c, kind))
    })
}

/// What `c` is between what was drawn before it and what comes after it.
fn kind(before: Option<char>, c: char, after: Option<char>) -> Kind {
    match c {
        ' '..='~' => Kind::Drawn,
        ZERO_WIDTH_JOINER | ZERO_WIDTH_NON_JOINER
            if before.is_some_and(joins) && after.is_some_and(joins) =>
        {
            Kind::Drawn
        }
        _ if is_variation(c) && before.is_some_and(|it| it != ' ' && !is_variation(it)) => Kind::Drawn,
        _ if c.is_control() || c.is_whitespace() => Kind::Space,
        _ if is_hidden(c) => Kind::Hidden,
        _ => Kind::Drawn,
    }
}

/// Drawn, or a space of any width.
fn is_visible(c: char) -> bool {
    let separates = c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    c == '\n' || kind(None, c, None) == Kind::Drawn || (c.is_whitespace() && !separates)
}

/// Letters of scripts that are joined, and emoji: no ASCII letter ever is.
fn joins(c: char) -> bool {
    !c.is_ascii() && !c.is_control() && !c.is_whitespace() && (is_variation(c) || !is_hidden(c))
}

/// Chooses a form of the character before it: of an emoji, or of a Han character in a name.
const fn is_variation(c: char) -> bool {
    matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
}

fn is_hidden(c: char) -> bool {
    let format = CodePointMapData::<GeneralCategory>::new().get(c) == GeneralCategory::Format;
    (format && !is_prefix(c)) || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Format characters that are drawn, such as the Arabic number sign (`Prepended_Concatenation_Mark`).
const fn is_prefix(c: char) -> bool {
    matches!(
        c,
        '\u{600}'..='\u{605}'
            | '\u{6DD}'
            | '\u{70F}'
            | '\u{890}'..='\u{891}'
            | '\u{8E2}'
            | '\u{110BD}'
            | '\u{110CD}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_steers_or_hides_never_gets_out() {
        for (name, harmful, expected) in [
            ("escape sequence", "a\u{1b}[2Jb", "a [2Jb"),
            ("C1 control sequence introducer", "a\u{9b}31mb", "a 31mb"),
            ("C1 operating system command", "a\u{9d}0;title\u{9c}b", "a 0;title b"),
            ("carriage return", "paid\rfree", "paid free"),
            ("delete", "a\u{7f}b", "a b"),
            ("header injection", "a\r\nBcc: b@c.co", "a Bcc: b@c.co"),
            ("next line, line and paragraph separator", "a\u{85}b\u{2028}c\u{2029}d", "a b c d"),
            ("right-to-left override", "a\u{202e}fdp.exe", "afdp.exe"),
            ("embeddings", "\u{202a}a\u{202b}b\u{202d}c\u{202c}", "abc"),
            ("isolates", "\u{2066}a\u{2067}b\u{2068}c\u{2069}", "abc"),
            ("marks of direction", "a\u{200e}b\u{200f}c\u{61c}d", "abcd"),
            ("zero-width space and word joiner", "a\u{200b}b\u{2060}c\u{feff}d", "abcd"),
            ("joiners between ASCII letters", "pay\u{200d}pal \u{200c}x", "paypal x"),
            ("joiners at the ends and in a row", "\u{200d}é\u{200d}\u{200d}ü\u{200d}", "éü"),
            ("soft hyphen", "a\u{ad}b", "ab"),
            ("invisible operators", "a\u{2061}\u{2063}b", "ab"),
            ("deprecated format characters", "a\u{206a}\u{206f}b", "ab"),
            ("tags", "a\u{e0001}\u{e0061}\u{e007f}b", "ab"),
            ("interlinear annotation", "a\u{fff9}b\u{fffb}", "ab"),
            ("fillers", "a\u{115f}\u{1160}\u{3164}\u{ffa0}b", "ab"),
            ("combining grapheme joiner", "a\u{34f}b", "ab"),
            ("a row of variation selectors", "a\u{fe0f}\u{fe0e}\u{e0101}b", "a\u{fe0f}b"),
            ("other spaces", "a\u{a0}b\u{3000}c\t d", "a b c d"),
        ] {
            assert_eq!(one_line(harmful), expected, "{name}");
            assert!(!is_one_line(harmful), "{name}");
        }
    }

    #[test]
    fn what_people_write_stays() {
        for text in [
            "Zoë Öztürk",
            "Łódź, Đà Nẵng",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "ශ්\u{200d}රී ලංකා",
            "👩\u{200d}👩\u{200d}👧",
            "🏳\u{fe0f}\u{200d}🌈 1\u{fe0f}\u{20e3}",
            "葛\u{e0100}城",
            "محمد \u{600}12",
            "שלום",
            "日本語 한국어",
            "",
        ] {
            assert_eq!(one_line(text), text);
            assert!(is_one_line(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_nothing_harmful_is_left(text in any::<String>()) {
            let line = one_line(&text);
            prop_assert!(is_one_line(&line), "{line:?}");
            prop_assert_eq!(one_line(&line), line.clone());
            let is_harmful = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
            prop_assert!(!line.contains(is_harmful));
            prop_assert_eq!(one_line(&printable(&text)), line);
        }

        /// Nothing is lost of what a log or `--json` says.
        #[test]
        fn visible_json_means_the_same(text in any::<String>(), hidden in "[\u{80}-\u{9f}\u{200b}-\u{202e}\u{e0001}]*") {
            let value = serde_json::json!({ "reason": format!("{text}{hidden}") });
            let json = value.to_string();
            let visible = visible_json(&json);
            prop_assert_eq!(&serde_json::from_str::<serde_json::Value>(&visible).unwrap(), &value);
            prop_assert!(!visible.contains(|c: char| c.is_control() || is_hidden(c)));
        }
    }
}
