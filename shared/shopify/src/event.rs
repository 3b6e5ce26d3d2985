//! One Shopify event as EventBridge delivers it.
//!
//! Reads both envelopes in use: that of classic webhooks (`X-Shopify-Topic: orders/create`, the resource as
//! payload) and that of the Events product (`shopify-topic: Order`, `shopify-action: create`, a query's
//! answer as payload). Promises that an event with the fields this system depends on is never refused for
//! anything else it contains, and that a refused one names the field.

mod metadata;
mod payload;

pub use payload::{EventsPayload, OrderEdit, PayloadKind};

use crate::{Malformed, decode::decode_bytes};
use comms::{Class, Classify, ShopDomain};
use jiff::Timestamp;
use metadata::Metadata;
use serde::Deserialize;
use serde_json::value::RawValue;

/// What EventBridge calls every event Shopify sends.
const DETAIL_TYPE: &str = "shopifyWebhook";

/// An event, normalised from either envelope. The payload is exactly the text Shopify wrote.
#[derive(Clone)]
pub struct Event {
    /// EventBridge's own id of the event.
    pub id: String,
    /// `aws.partner/shopify.com/<app id>/<name>`.
    pub source: String,
    /// `orders/create` in the classic form, a type's name such as `Order` in the Events form.
    pub topic: String,
    pub shop: ShopDomain,
    /// Identifies the delivery: the same for every repetition of it.
    pub webhook_id: String,
    /// Identifies the merchant's action; several topics can share one. Classic form only.
    pub event_id: Option<String>,
    pub triggered_at: Option<Timestamp>,
    /// The version the payload is written in, such as `2026-10`.
    pub api_version: Option<String>,
    /// Shopify marked it as a test.
    pub test: bool,
    /// `create`, `update` or `delete`. Events form only.
    pub action: Option<String>,
    pub payload: Box<RawValue>,
}

/// Names the field that keeps an event from being understood. Quotes nothing of the event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    #[error("the event cannot be read: {0}")]
    Malformed(Malformed),
    #[error("the event has no `{0}`")]
    Missing(&'static str),
    #[error("the event's `{field}` is not {expected}")]
    Invalid { field: &'static str, expected: &'static str },
    #[error("the payload of `{topic}` cannot be read: {source}")]
    Payload { topic: String, source: Malformed },
}

impl Classify for EventError {
    /// The event will not change.
    fn class(&self) -> Class {
        match self {
            Self::Malformed(_) | Self::Missing(_) | Self::Invalid { .. } | Self::Payload { .. } => {
                Class::Permanent
            }
        }
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    id: Option<String>,
    source: Option<String>,
    #[serde(rename = "detail-type")]
    detail_type: Option<String>,
    #[serde(borrow)]
    detail: Option<Detail<'a>>,
}

#[derive(Deserialize)]
struct Detail<'a> {
    metadata: Option<Metadata>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

impl Event {
    /// Reads one EventBridge event.
    ///
    /// # Errors
    /// [`EventError`], always permanent.
    pub fn parse(json: &[u8]) -> Result<Self, EventError> {
        let envelope: Envelope<'_> = decode_bytes(json).map_err(EventError::Malformed)?;
        let id = required(envelope.id, "id")?;
        let source = required(envelope.source, "source")?;
        if required(envelope.detail_type, "detail-type")? != DETAIL_TYPE {
            return Err(EventError::Invalid { field: "detail-type", expected: "`shopifyWebhook`" });
        }
        let detail = envelope.detail.ok_or(EventError::Missing("detail"))?;
        let metadata = detail.metadata.ok_or(EventError::Missing("detail.metadata"))?;
        let payload = detail.payload.ok_or(EventError::Missing("detail.payload"))?;
        if !payload.get().starts_with('{') {
            return Err(EventError::Invalid { field: "detail.payload", expected: "an object" });
        }
        let triggered_at = metadata
            .triggered_at
            .map(|text| text.parse().map_err(|_| invalid("shopify-triggered-at", "a point in time")))
            .transpose()?;
        Ok(Self {
            id,
            source,
            topic: required(metadata.topic, "shopify-topic")?,
            shop: required(metadata.shop_domain, "shopify-shop-domain")?
                .parse()
                .map_err(|_| invalid("shopify-shop-domain", "a shop's permanent domain"))?,
            webhook_id: required(metadata.webhook_id, "shopify-webhook-id")?,
            event_id: metadata.event_id,
            triggered_at,
            api_version: metadata.api_version,
            test: metadata.test.is_some_and(|text| text.eq_ignore_ascii_case("true")),
            action: metadata.action,
            payload: payload.to_owned(),
        })
    }

    /// What the payload is: a resource, only its id, or the answer to a query.
    ///
    /// # Errors
    /// [`EventError::Payload`].
    pub fn payload_kind(&self) -> Result<PayloadKind, EventError> {
        let kind = match self.action {
            Some(_) => payload::events(&self.topic, self.payload.get()).map(PayloadKind::Events),
            None => payload::classic(&self.topic, self.payload.get()),
        };
        kind.map_err(|source| EventError::Payload { topic: self.topic.clone(), source })
    }
}

/// Without the payload, which is about a customer.
impl std::fmt::Debug for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Event")
            .field("id", &self.id)
            .field("topic", &self.topic)
            .field("shop", &self.shop)
            .field("webhook_id", &self.webhook_id)
            .finish_non_exhaustive()
    }
}

fn required(value: Option<String>, field: &'static str) -> Result<String, EventError> {
    value.filter(|value| !value.trim().is_empty()).ok_or(EventError::Missing(field))
}

fn invalid(field: &'static str, expected: &'static str) -> EventError {
    EventError::Invalid { field, expected }
}

#[cfg(test)]
mod tests;
