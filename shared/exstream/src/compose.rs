//! On-demand composition: one call in, whole and checked documents out.
//!
//! The adapters say how a request looks and how an answer is read; which outputs are the document is decided for both
//! in `select.rs`. Nothing is kept between calls, so a crash loses no more than the composition.

use crate::{
    Budget, Composed, Credentials, ExstreamError, Fault, TokenCall, TokenSource,
    answer::is_unauthorized,
    driver_file, orchestration,
    select::{as_made, select},
    sgw,
};
use bytes::Bytes;
use comms::ShopDomain;
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

impl Exstream {
    pub fn new(http: Client, tokens: Arc<TokenSource>) -> Self {
        Self { http, tokens }
    }

    /// Composes one document.
    ///
    /// # Errors
    /// Everything but whole documents, one for each required output; see [`ExstreamError`].
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
        let wanted = call.document.outputs();
        match call.sends {
            // it was sent as it is, so it is archived as it is
            true => as_made(&outputs, &wanted),
            false => select(outputs, &wanted, call.settings.max_output_bytes),
        }
    }
}
