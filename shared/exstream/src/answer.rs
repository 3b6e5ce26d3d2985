//! What the answers of both adapters have in common: outputs, their content, and failures that come with HTTP success.

use crate::{ExstreamError, Fault, Reply, exchange::media_type, fault::says_unauthorized, text::Text};
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Written as text, its bytes are base64.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Output {
    #[serde(with = "base64_text")]
    pub bytes: Bytes,
    /// In lower case, without parameters.
    pub mime_type: String,
    pub queue: Option<String>,
    pub file_name: Option<String>,
    pub customer_number: Option<String>,
}

/// Also looks into short success answers: Exstream has been seen to put the status there.
pub(crate) fn is_unauthorized(reply: &Reply) -> bool {
    reply.status == 401 || (reply.is_success() && reply.body.len() <= 4096 && says_unauthorized(&reply.body))
}

/// The failure a success answer reports.
pub(crate) fn reported_failure(body: &[u8], driver: &[u8]) -> ExstreamError {
    match Fault::read(body, driver) {
        (Some(status), fault) => ExstreamError::from_status(status, None, fault),
        (None, fault) => ExstreamError::Failed(fault),
    }
}

/// What a success answer that could not be parsed is: cut off, a reported failure, or something foreign.
pub(crate) fn unparsable(error: &serde_json::Error, body: &[u8], driver: &[u8]) -> ExstreamError {
    if error.is_eof() {
        return ExstreamError::CutOff { received: body.len() };
    }
    match Fault::read(body, driver) {
        (None, fault) if fault == Fault::default() => {
            ExstreamError::Unintelligible("not the documented JSON")
        }
        (None, fault) => ExstreamError::Failed(fault),
        (Some(status), fault) => ExstreamError::from_status(status, None, fault),
    }
}

/// The content of output `index`. Line breaks, which some encoders insert, are tolerated.
pub(crate) fn decode(index: usize, content: Option<Text<'_>>) -> Result<Bytes, ExstreamError> {
    const BASE64: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let Text(content) =
        content.filter(|Text(text)| !text.is_empty()).ok_or(ExstreamError::NoContent { index })?;
    let content: Cow<'_, str> =
        if content.contains(['\r', '\n']) { content.replace(['\r', '\n'], "").into() } else { content };
    BASE64.decode(content.as_bytes()).map(Bytes::from).map_err(|_| ExstreamError::Undecodable { index })
}

/// A remote media type in a form that is safe to keep and to log.
pub(crate) fn remote_media_type(text: Option<&str>) -> String {
    let kept: String = media_type(text.unwrap_or_default())
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '+' | '-'))
        .take(80)
        .collect();
    if kept.is_empty() { "no media type".to_owned() } else { kept }
}

/// `filename` of a `Content-Disposition`, without a path.
pub(crate) fn file_name(disposition: &str) -> Option<String> {
    let (_, rest) = disposition.split_once("filename=")?;
    let name = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => rest.split(';').next()?.trim(),
    };
    let name = name.rsplit(['/', '\\']).next()?;
    (!name.is_empty()).then(|| name.to_owned())
}

mod base64_text {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64_STANDARD.decode(text).map(Bytes::from).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_lose_their_path() {
        for (header, name) in [
            (r#"attachment; filename="a b.pdf""#, Some("a b.pdf")),
            ("attachment; filename=c.pdf; size=1", Some("c.pdf")),
            (r#"attachment; filename="..\..\etc/passwd""#, Some("passwd")),
            (r#"attachment; filename="""#, None),
            ("inline", None),
        ] {
            assert_eq!(file_name(header).as_deref(), name, "{header}");
        }
    }
}
