//! On-demand composition: one call in, whole and checked documents out.
//!
//! The adapters say how a request looks and how an answer is read; what makes an answer a document is
//! decided here, once: an output of the expected media type whose bytes agree with it. Nothing is kept
//! between calls, so a crash loses no more than the composition.

use crate::{
    Budget, Credentials, ExstreamError, Fault, Outgoing, Reply, TokenCall, TokenSource, driver_file,
    exchange::media_type, fault::says_unauthorized, orchestration, sgw,
};
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use comms::ShopDomain;
use jiff::Timestamp;
use reqwest::{
    Client,
    header::{CONNECTION, HeaderMap, HeaderName, HeaderValue},
};
use serde::{Deserialize, Serialize};
use shop_config::Adapter;
use std::{borrow::Cow, sync::Arc};

pub struct Exstream {
    http: Client,
    tokens: Arc<TokenSource>,
}

/// One document to compose.
#[derive(Clone)]
pub struct ComposeCall<'a> {
    pub shop: &'a ShopDomain,
    pub settings: &'a shop_config::Exstream,
    pub document: &'a shop_config::DocumentConfig,
    pub credentials: &'a Credentials,
    /// The customer's driver data as JSON. It is put below the configured root, and converted if the document is
    /// configured for XML.
    pub driver: Bytes,
    /// Whether composing also sends (channel `exstream`). Such a request asks for a connection of its own.
    pub sends: bool,
    pub now: Timestamp,
    /// For everything, token included; not later than the invocation's deadline.
    pub budget: Budget,
}

/// What Exstream made: at least one output, exactly one of them of the expected media type.
#[derive(Debug)]
pub struct Composed {
    pub outputs: Vec<Output>,
}

/// Written as text, its bytes are base64.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Output {
    #[serde(with = "base64_text")]
    pub bytes: Bytes,
    /// In lower case, without parameters.
    pub mime_type: String,
    pub queue: Option<String>,
    pub file_name: Option<String>,
    pub customer_number: Option<String>,
}

impl Composed {
    /// The output of media type `mime`.
    ///
    /// # Errors
    /// [`ExstreamError::UnexpectedMediaType`] if there is none, [`ExstreamError::SeveralOutputs`] if there are
    /// more than one; never for the document's own output type.
    pub fn expected(&self, mime: &str) -> Result<&Output, ExstreamError> {
        let expected = media_type(mime);
        let found: Vec<_> = self.outputs.iter().filter(|output| output.mime_type == expected).collect();
        match found[..] {
            [output] => Ok(output),
            [] => Err(ExstreamError::UnexpectedMediaType {
                expected,
                found: self.outputs.iter().map(|it| it.mime_type.as_str()).collect::<Vec<_>>().join(", "),
            }),
            _ => Err(ExstreamError::SeveralOutputs { media_type: expected, count: found.len() }),
        }
    }
}

impl Exstream {
    pub fn new(http: Client, tokens: Arc<TokenSource>) -> Self {
        Self { http, tokens }
    }

    /// Composes one document.
    ///
    /// # Errors
    /// Everything but a whole document of the expected media type; see [`ExstreamError`].
    pub async fn compose(&self, call: ComposeCall<'_>) -> Result<Composed, ExstreamError> {
        let customer = std::slice::from_ref(&call.driver);
        let driver = driver_file(call.settings.driver_root, call.document.driver_format, customer)
            .map_err(ExstreamError::Driver)?;
        let mut outgoing = match call.settings.adapter {
            Adapter::Orchestration => orchestration::request(call.settings, call.document, driver)?,
            Adapter::Sgw => sgw::request(call.settings, call.document, &driver)?,
        };
        if call.sends {
            // a connection kept while the process was frozen may be dead, and a document written to it would
            // be one of which nobody knows
            outgoing.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let token = TokenCall {
            shop: call.shop,
            token: &call.settings.token,
            credentials: call.credentials,
            now: call.now,
            budget: call.budget,
        };
        let mut reply = self.tokens.exchange(&self.http, token, &outgoing, is_unauthorized).await?;
        if !reply.is_success() {
            let (_, fault) = Fault::read(&reply.body, &call.driver);
            return Err(ExstreamError::from_status(reply.status, reply.retry_after, fault));
        }
        let room = reply.room.take();
        let mut outputs = match call.settings.adapter {
            Adapter::Orchestration => orchestration::read(reply, call.document, &call.driver)?,
            Adapter::Sgw => sgw::read(&reply, &call.driver)?,
        };
        if let Some(room) = room {
            for output in &mut outputs {
                output.bytes = room.clone().hold(std::mem::take(&mut output.bytes));
            }
        }
        check(outputs, &call.document.output)
    }
}

/// Also looks into short success answers: Exstream has been seen to put the status there.
pub(crate) fn is_unauthorized(reply: &Reply) -> bool {
    reply.status == 401 || (reply.is_success() && reply.body.len() <= 4096 && says_unauthorized(&reply.body))
}

fn check(outputs: Vec<Output>, expected: &str) -> Result<Composed, ExstreamError> {
    if outputs.is_empty() {
        return Err(ExstreamError::NoOutput);
    }
    let composed = Composed { outputs };
    composed.expected(expected)?;
    for output in &composed.outputs {
        if !looks_right(output) {
            return Err(ExstreamError::NotTheType { expected: output.mime_type.clone() });
        }
    }
    Ok(composed)
}

fn looks_right(output: &Output) -> bool {
    match output.mime_type.as_str() {
        "application/pdf" => output.bytes.starts_with(b"%PDF-"),
        _ => !output.bytes.trim_ascii().is_empty(),
    }
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

/// A remote media type in a form that is safe to keep and to log.
pub(crate) fn remote_media_type(text: Option<&str>) -> String {
    let kept: String = media_type(text.unwrap_or_default())
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '+' | '-'))
        .take(80)
        .collect();
    if kept.is_empty() { "no media type".to_owned() } else { kept }
}

pub(crate) fn nonempty(text: Option<Text<'_>>) -> Option<String> {
    text.map(|Text(text)| text.into_owned()).filter(|text| !text.is_empty())
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

/// Text that stays in the buffer it was read from, unless it holds escapes.
#[derive(Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

pub(crate) fn outgoing(
    url: reqwest::Url,
    headers: HeaderMap,
    body: Bytes,
    settings: &shop_config::Exstream,
) -> Outgoing {
    Outgoing { method: reqwest::Method::POST, url, headers, body, limit: settings.max_output_bytes }
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
    fn text_is_borrowed_also_behind_an_option() {
        #[derive(Deserialize)]
        struct Wire<'a> {
            #[serde(borrow)]
            content: Option<Text<'a>>,
        }
        let wire: Wire<'_> = serde_json::from_str(r#"{"content":"JVBERi0="}"#).unwrap();
        assert!(matches!(wire.content, Some(Text(Cow::Borrowed(_)))));
    }

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
