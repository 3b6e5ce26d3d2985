//! What requests are made from: addresses of a base, a path template and values that may hold anything; headers.

use crate::{ExstreamError, Outgoing, text::escape};
use bytes::Bytes;
use reqwest::{
    Method, Url,
    header::{HeaderMap, HeaderName, HeaderValue},
};

/// `base` and `path`, with each `{name}` of `values` filled in. A value stays one path segment.
pub(crate) fn url(base: &str, path: &str, values: &[(&str, &str)]) -> Result<Url, ExstreamError> {
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

/// The headers of the settings on top of the adapter's own.
pub(crate) fn headers<const N: usize>(
    settings: &shop_config::Exstream,
    own: [(HeaderName, &str); N],
) -> Result<HeaderMap, ExstreamError> {
    let mut headers = HeaderMap::new();
    for (name, value) in own {
        let value = HeaderValue::from_str(value)
            .map_err(|_| ExstreamError::Settings("a setting of the document cannot be sent as a header"))?;
        headers.insert(name, value);
    }
    for (name, value) in &settings.headers {
        let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) else {
            return Err(ExstreamError::Settings("one of `headers` cannot be sent as a header"));
        };
        headers.insert(name, value);
    }
    Ok(headers)
}

pub(crate) fn outgoing(
    url: Url,
    headers: HeaderMap,
    body: Bytes,
    settings: &shop_config::Exstream,
) -> Outgoing {
    Outgoing { method: Method::POST, url, headers, body, limit: settings.max_output_bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_one_segment() {
        let built = |value| url("https://x/", "/a/{domain}/b?name={domain}", &[("domain", value)]);
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
            let error = url("https://x", path, &[("domain", "d")]).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
        assert!(url("nowhere", "/", &[]).is_err());
    }
}
