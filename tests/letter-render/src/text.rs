//! Text as the built-in PDF fonts know it: WinAnsi bytes and their widths.
//!
//! Where the fonts of [`fonts`](super::fonts) are not installed, letters outside the encoding lose their accent,
//! and those of the Greek, Cyrillic, Hebrew and Arabic scripts are spelled with Latin ones. What is left becomes
//! `?`; control characters never reach the page.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    Regular,
    Bold,
}

/// U+0100 to U+017F without their accents, in order.
const LATIN_EXTENDED_A: &[u8; 128] = b"AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIiIiJjKkkLlLlLlLlLlNnNnNnnNnOoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";

/// WinAnsi 0x80 to 0x9F; a zero is an unused code.
const WIN_ANSI_HIGH: [char; 32] = [
    '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘', '’', '“',
    '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
];

/// Whether the built-in fonts show `text` as it is.
pub fn fits(text: &str) -> bool {
    text.chars().all(|c| match c {
        ' '..='~' | '\u{a0}'..='\u{ff}' | '\t' | '\n' | '\r' => true,
        '\u{2000}'..='\u{200b}' | '\u{202f}' | '\u{205f}' | '\u{2010}' | '\u{2011}' | '\u{2212}' => true,
        '\u{200e}' | '\u{200f}' | '\u{2032}' | '\u{2044}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => true,
        c => c.is_control() || WIN_ANSI_HIGH.contains(&c),
    })
}

/// The WinAnsi bytes of `text`, on one line.
pub fn encode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for c in text.chars() {
        push(&mut out, c);
    }
    out
}

/// What [`encode`] made of a text, as text again.
pub fn decode(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|&b| match b {
            0x80..=0x9f => WIN_ANSI_HIGH[usize::from(b - 0x80)],
            _ => char::from(b),
        })
        .collect()
}

fn push(out: &mut Vec<u8>, c: char) {
    match c {
        ' '..='~' | '\u{a1}'..='\u{ff}' => out.push(c as u32 as u8),
        '\t' | '\n' | '\r' => out.push(b' '),
        // the kinds of space and hyphen that numbers and dates of other locales contain
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => out.push(0xa0),
        '\u{2010}' | '\u{2011}' | '\u{2212}' => out.push(b'-'),
        '\u{2032}' => out.push(b'\''),
        '\u{2044}' => out.push(b'/'),
        // combining accents, joiners, direction marks and variation selectors have no width of their own
        '\u{300}'..='\u{36f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' => {}
        '\u{fe00}'..='\u{fe0f}' | '\u{feff}' => {}
        '\u{218}' => out.push(b'S'),
        '\u{219}' => out.push(b's'),
        '\u{21a}' => out.push(b'T'),
        '\u{21b}' => out.push(b't'),
        '\u{1e9e}' => out.extend_from_slice(b"SS"),
        '\u{fb01}' => out.extend_from_slice(b"fi"),
        '\u{fb02}' => out.extend_from_slice(b"fl"),
        c if c.is_control() => {}
        c => {
            let high = WIN_ANSI_HIGH.iter().position(|&known| known == c && known != '\0');
            match (high, c as u32) {
                (Some(index), _) => out.push(0x80 + index as u8),
                (None, code @ 0x100..=0x17f) => out.push(LATIN_EXTENDED_A[code as usize - 0x100]),
                (None, code) => out.extend_from_slice(spelled(code).unwrap_or("?").as_bytes()),
            }
        }
    }
}

/// A letter of another script in Latin letters; nothing for the marks that vowels are written with.
fn spelled(code: u32) -> Option<&'static str> {
    let table: (u32, &[&str]) = match code {
        0x391..=0x3c9 => (0x391, &GREEK),
        0x410..=0x44f => (0x410, &CYRILLIC),
        0x5d0..=0x5ea => (0x5d0, &HEBREW),
        0x621..=0x64a => (0x621, &ARABIC),
        0x401 => return Some("E"),
        0x451 => return Some("e"),
        0x591..=0x5c7 | 0x64b..=0x65f | 0x670 => return Some(""),
        0x60c => return Some(","),
        0x660..=0x669 => (0x660, &DIGITS),
        _ => return None,
    };
    table.1.get((code - table.0) as usize).copied()
}

const GREEK: [&str; 57] = [
    "A", "V", "G", "D", "E", "Z", "I", "Th", "I", "K", "L", "M", "N", "X", "O", "P", "R", "", "S", "T", "Y",
    "F", "Ch", "Ps", "O", "I", "Y", "a", "e", "i", "i", "y", "a", "v", "g", "d", "e", "z", "i", "th", "i",
    "k", "l", "m", "n", "x", "o", "p", "r", "s", "s", "t", "y", "f", "ch", "ps", "o",
];
const CYRILLIC: [&str; 64] = [
    "A", "B", "V", "G", "D", "E", "Zh", "Z", "I", "J", "K", "L", "M", "N", "O", "P", "R", "S", "T", "U", "F",
    "Kh", "Ts", "Ch", "Sh", "Shch", "", "Y", "", "E", "Yu", "Ya", "a", "b", "v", "g", "d", "e", "zh", "z",
    "i", "j", "k", "l", "m", "n", "o", "p", "r", "s", "t", "u", "f", "kh", "ts", "ch", "sh", "shch", "", "y",
    "", "e", "yu", "ya",
];
const HEBREW: [&str; 27] = [
    "a", "b", "g", "d", "h", "v", "z", "ch", "t", "y", "k", "k", "l", "m", "m", "n", "n", "s", "a", "p", "p",
    "ts", "ts", "k", "r", "sh", "t",
];
const ARABIC: [&str; 42] = [
    "'", "a", "a", "u", "i", "y", "a", "b", "a", "t", "th", "j", "h", "kh", "d", "dh", "r", "z", "s", "sh",
    "s", "d", "t", "z", "a", "gh", "", "", "", "", "", "", "f", "q", "k", "l", "m", "n", "h", "w", "a", "y",
];
const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// The width of encoded text in points.
pub fn width(bytes: &[u8], face: Face, size: f32) -> f32 {
    let units: u32 = bytes.iter().map(|&b| u32::from(glyph_width(b, face))).sum();
    units as f32 * size / 1000.0
}

/// Widths of 0x20 to 0x7E from Adobe's metrics of Helvetica.
const ASCII_REGULAR: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
    500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
    556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
    278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// Widths of 0x20 to 0x7E from Adobe's metrics of Helvetica Bold.
const ASCII_BOLD: [u16; 95] = [
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778, 722, 278,
    556, 722, 611, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584,
    556, 333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611, 611, 611, 389, 556,
    333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584,
];

/// Codes 0x80 to 0xBF, regular and bold; letters from 0xC0 on are as wide as their base letter.
const HIGH_REGULAR: [u16; 64] = [
    556, 350, 222, 556, 333, 1000, 556, 556, 333, 1000, 667, 333, 1000, 350, 611, 350, 350, 222, 222, 333,
    333, 350, 556, 1000, 333, 1000, 500, 333, 944, 350, 500, 667, 278, 333, 556, 556, 556, 556, 260, 556,
    333, 737, 370, 556, 584, 333, 737, 333, 400, 584, 333, 333, 333, 556, 537, 278, 333, 333, 365, 556, 834,
    834, 834, 611,
];
const HIGH_BOLD: [u16; 64] = [
    556, 350, 278, 556, 500, 1000, 556, 556, 333, 1000, 667, 333, 1000, 350, 611, 350, 350, 278, 278, 500,
    500, 350, 556, 1000, 333, 1000, 556, 333, 944, 350, 500, 667, 278, 333, 556, 556, 556, 556, 280, 556,
    333, 737, 370, 556, 584, 333, 737, 333, 400, 584, 333, 333, 333, 611, 556, 278, 333, 333, 365, 556, 834,
    834, 834, 611,
];

/// The letter whose width 0xC0 to 0xFF share; `.` marks the codes that have a width of their own.
const BASE_LETTERS: &[u8; 64] = b"AAAAAA.CEEEEIIII.NOOOOO..UUUUY..aaaaaa.ceeee.....nooooo..uuuuy.y";

fn glyph_width(byte: u8, face: Face) -> u16 {
    let (ascii, high) = match face {
        Face::Regular => (&ASCII_REGULAR, &HIGH_REGULAR),
        Face::Bold => (&ASCII_BOLD, &HIGH_BOLD),
    };
    let bold = face == Face::Bold;
    match byte {
        0x20..=0x7e => ascii[usize::from(byte - 0x20)],
        0x80..=0xbf => high[usize::from(byte - 0x80)],
        0xc6 => 1000,
        0xd0 => 722,
        0xd7 | 0xf7 => 584,
        0xd8 => 778,
        0xde => 667,
        0xdf => 611,
        0xe6 => 889,
        0xec..=0xef => 278,
        0xf0 | 0xfe => 556 + if bold { 55 } else { 0 },
        0xf8 => 611,
        0xc0..=0xff => ascii[usize::from(BASE_LETTERS[usize::from(byte - 0xc0)] - 0x20)],
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_encoding_has_survives_and_the_rest_stays_readable() {
        let round = |text: &str| decode(&encode(text));
        assert_eq!(round("Zoë Müller, 10,00 € – “œuvre”"), "Zoë Müller, 10,00 € – “œuvre”");
        assert_eq!(round("Łódź Őr Ştefan Čapek"), "Lódz Or Stefan Capek");
        assert_eq!(round("日本 🎁"), "?? ?");
        assert_eq!(round("Ωμέγα Юлия"), "Omega Yuliya");
        assert_eq!(round("דוד שלום, محمد"), "dvd shlvm, mhmd");
        assert_eq!(round("a\u{0}b\nc\u{202f}d"), "ab c\u{a0}d");
        assert_eq!(round("e\u{301}"), "e");
    }

    #[test]
    fn every_latin_extended_letter_has_a_plain_form() {
        for code in 0x100..=0x17f_u32 {
            let c = char::from_u32(code).unwrap();
            let bytes = encode(&c.to_string());
            assert_eq!(bytes.len(), 1, "{c}");
            assert!(bytes[0] != b'?', "{c}");
        }
        assert_eq!(encode("ŁłńŐžſ"), b"LlnO\x9es");
    }

    #[test]
    fn widths_are_the_published_metrics() {
        assert_eq!(width(b"Hello", Face::Regular, 1000.0), 722.0 + 556.0 + 222.0 + 222.0 + 556.0);
        assert_eq!(width(b"\xc9\xe9", Face::Bold, 1000.0), 667.0 + 556.0);
        assert!((0x20..=0xffu8).filter(|b| *b != 0x7f).all(|b| glyph_width(b, Face::Regular) > 0));
    }
}
