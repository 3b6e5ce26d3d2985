//! Addresses made from a base, a path template and values that may hold anything.

use crate::ExstreamError;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `text` as one path segment, one query value or one form value.
pub(crate) fn escape(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// `base` and `path`, with each `{name}` of `values` filled in. A value stays one path segment.
pub(crate) fn build(base: &str, path: &str, values: &[(&str, &str)]) -> Result<Url, ExstreamError> {
    let mut text = format!("{}/", base.trim_end_matches('/'));
    let mut rest = path.trim_start_matches('/');
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) =
            after.split_once('}').ok_or(ExstreamError::Settings("unclosed `{` in the path"))?;
        let &(_, value) = values
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or(ExstreamError::Settings("the path has a placeholder that is not known"))?;
        if matches!(value, "" | "." | "..") {
            return Err(ExstreamError::Settings("a value for the path is empty or a dot segment"));
        }
        text.push_str(before);
        text.push_str(&escape(value));
        rest = after;
    }
    text.push_str(rest);
    text.parse().map_err(|_| ExstreamError::Settings("base address and path are not a URL"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_one_segment() {
        let built = |value| build("https://x/", "/a/{domain}/b?name={domain}", &[("domain", value)]);
        assert_eq!(
            built("a/../b?c#d é&").unwrap().as_str(),
            "https://x/a/a%2F..%2Fb%3Fc%23d%20%C3%A9%26/b?name=a%2F..%2Fb%3Fc%23d%20%C3%A9%26"
        );
        assert_eq!(built("{service}").unwrap().path(), "/a/%7Bservice%7D/b");
        for bad in ["", ".", ".."] {
            assert!(built(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn mistakes_in_the_template_are_named() {
        for (path, what) in [("/{tenant}", "not known"), ("/{domain", "unclosed")] {
            let error = build("https://x", path, &[("domain", "d")]).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
        assert!(build("nowhere", "/", &[]).is_err());
    }
}
