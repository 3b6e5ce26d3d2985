//! On-demand composition: one call in, whole and checked documents out.
//!
//! The adapters say how a request looks and how an answer is read; which answers are documents is
//! decided here, once: an output of the expected media type whose bytes agree with it. Nothing is kept
//! between calls, so a crash loses no more than the composition.

use crate::{
    Budget, Credentials, ExstreamError, Fault, Output, TokenCall, TokenSource, answer::is_unauthorized,
    driver_file, exchange::media_type, orchestration, sgw,
};
use bytes::Bytes;
use comms::{Format, ShopDomain};
use jiff::Timestamp;
use reqwest::{
    Client,
    header::{CONNECTION, HeaderValue},
};
use shop_config::Adapter;
use std::sync::Arc;

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
            // be one whose outcome is unknown
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
        check(outputs, call.document.primary_media_type())
    }
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
    match Format::of(&output.mime_type) {
        Some(format) => format.fits(&output.bytes),
        None => !output.bytes.trim_ascii().is_empty(),
    }
}
