//! Errors as text.

use crate::printable;

/// No log line, ledger reason or dead letter needs more of an error than this.
const MAX_BYTES: usize = 600;

/// An error and its causes, outermost first, printable and cut to a bounded length.
///
/// ```
/// let error = "x".parse::<comms::ShopDomain>().unwrap_err();
/// assert!(comms::chain(&error).starts_with("`x` is not a shop domain"));
/// ```
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    cut(&printable(&text), MAX_BYTES).to_owned()
}

/// The longest beginning of `text` that has at most `bytes` bytes and ends between two characters.
pub fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_between_characters() {
        assert_eq!((cut("aé", 2), cut("aé", 3), cut("aé", 9)), ("a", "aé", "aé"));
    }
}
