//! Text in answers, borrowed where it can be, and text in addresses, escaped.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use std::borrow::Cow;

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Text that stays in the buffer it was read from, unless it holds escapes.
#[derive(Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

pub(crate) fn nonempty(text: Option<Text<'_>>) -> Option<String> {
    text.map(|Text(text)| text.into_owned()).filter(|text| !text.is_empty())
}

/// `text` as one path segment, one query value or one form value.
pub(crate) fn escape(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_borrowed_also_behind_an_option() {
        #[derive(Deserialize)]
        struct Wire<'a> {
            #[serde(borrow)]
            content: Option<Text<'a>>,
        }
        let wire: Wire<'_> = serde_json::from_str(r#"{"content":"JVBERi0="}"#).unwrap();
        assert!(matches!(wire.content, Some(Text(Cow::Borrowed(_)))));
    }
}
