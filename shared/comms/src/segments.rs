//! How many segments a text message takes, by 3GPP TS 23.038 and 23.040.
//!
//! One character outside GSM's alphabet makes the whole message UCS-2, of which a segment holds less than half. A
//! message of several segments gives seven bytes of each to their order. Neither an escaped character nor a surrogate
//! pair is parted by the end of a segment.

/// The alphabet of GSM, without its escape character.
const ALPHABET: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
    ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// What takes two places, because it is escaped.
const ESCAPED: &str = "\u{c}^{}\\[~]|€";

/// What a text takes as a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segments {
    /// How many messages are sent and charged.
    pub count: usize,
    /// Whether all of it is in GSM's alphabet.
    pub is_gsm: bool,
}

impl Segments {
    /// What `text` takes.
    ///
    /// ```
    /// use comms::Segments;
    ///
    /// assert_eq!(Segments::of(&"a".repeat(160)).count, 1);
    /// assert_eq!(Segments::of(&"a".repeat(161)).count, 2);
    /// // one letter outside GSM's alphabet
    /// assert_eq!(Segments::of(&format!("ł{}", "a".repeat(70))).count, 2);
    /// ```
    pub fn of(text: &str) -> Self {
        match text.chars().map(septets).collect::<Option<Vec<_>>>() {
            Some(sizes) => Self { count: count(&sizes, 160, 153), is_gsm: true },
            None => {
                let sizes: Vec<_> = text.chars().map(char::len_utf16).collect();
                Self { count: count(&sizes, 70, 67), is_gsm: false }
            }
        }
    }
}

/// The places of a character in GSM's alphabet.
fn septets(c: char) -> Option<usize> {
    match c {
        c if ALPHABET.contains(c) => Some(1),
        c if ESCAPED.contains(c) => Some(2),
        _ => None,
    }
}

/// How many segments hold characters of these sizes: all of them in one of `alone` places, or in several of `part`.
fn count(sizes: &[usize], alone: usize, part: usize) -> usize {
    if sizes.iter().sum::<usize>() <= alone {
        return 1;
    }
    let (mut count, mut used) = (1_usize, 0_usize);
    for &size in sizes {
        if used.saturating_add(size) > part {
            (count, used) = (count.saturating_add(1), 0);
        }
        used = used.saturating_add(size);
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_alphabet_has_its_size() {
        assert_eq!(ALPHABET.chars().count(), 127, "all but the escape character");
        assert_eq!(ESCAPED.chars().count(), 10);
        for (text, count, is_gsm) in [
            (String::new(), 1, true),
            ("a".repeat(160), 1, true),
            ("a".repeat(161), 2, true),
            ("a".repeat(306), 2, true),
            ("a".repeat(307), 3, true),
            ("€".repeat(80), 1, true),
            ("€".repeat(81), 2, true),
            // 153 places hold 76 escaped characters
            ("€".repeat(152), 2, true),
            ("€".repeat(153), 3, true),
            ("ł".repeat(70), 1, false),
            ("ł".repeat(71), 2, false),
            ("ł".repeat(134), 2, false),
            ("ł".repeat(135), 3, false),
            ("😀".repeat(35), 1, false),
            ("😀".repeat(36), 2, false),
            // 67 places hold 33 pairs
            ("😀".repeat(66), 2, false),
            ("😀".repeat(67), 3, false),
            ("Votre reçu".to_owned(), 1, false),
        ] {
            assert_eq!(Segments::of(&text), Segments { count, is_gsm }, "{text}");
        }
    }
}
