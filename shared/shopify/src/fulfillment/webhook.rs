//! What an event says of a shipment. Only what decides which documents follow: their content is fetched.

use super::Tracking;
use crate::{
    Malformed,
    decode::{decode, list, text},
};
use comms::Gid;
use jiff::Timestamp;
use serde::Deserialize;

/// A `fulfillments/create` or `fulfillments/update` payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShipmentNews {
    pub order: Gid,
    pub tracking: Tracking,
    /// Where it is on its way, such as `out_for_delivery`.
    pub shipment_status: Option<String>,
    /// When Shopify last changed the shipment, as of the event.
    pub updated_at: Option<Timestamp>,
}

/// A `fulfillment_events/create` payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryNews {
    /// What happened, such as `gid://shopify/FulfillmentEvent/1`. Absent in what reconciliation makes up.
    pub event: Option<Gid>,
    pub fulfillment: Gid,
    pub order: Gid,
    /// Such as `out_for_delivery`.
    pub status: String,
}

impl ShipmentNews {
    /// # Errors
    /// When a field has another type than Shopify documents, or there is no order.
    pub fn from_webhook(payload: &str) -> Result<Self, Malformed> {
        #[derive(Deserialize)]
        struct Payload {
            order_id: u64,
            #[serde(default)]
            updated_at: Option<Timestamp>,
            #[serde(default, deserialize_with = "text")]
            shipment_status: Option<String>,
            // the first of each list; alone where there is but one
            #[serde(default, deserialize_with = "text")]
            tracking_number: Option<String>,
            #[serde(default, deserialize_with = "text")]
            tracking_url: Option<String>,
            #[serde(default, deserialize_with = "list")]
            tracking_numbers: Vec<Option<String>>,
            #[serde(default, deserialize_with = "list")]
            tracking_urls: Vec<Option<String>>,
        }
        let payload: Payload = decode(payload)?;
        fn texts<'a>(one: &'a Option<String>, more: &'a [Option<String>]) -> impl Iterator<Item = &'a str> {
            more.iter().chain([one]).filter_map(Option::as_deref)
        }
        Ok(Self {
            order: Gid::new("Order", payload.order_id),
            tracking: Tracking::new(
                texts(&payload.tracking_number, &payload.tracking_numbers),
                texts(&payload.tracking_url, &payload.tracking_urls),
            ),
            shipment_status: payload.shipment_status.map(|status| status.to_ascii_lowercase()),
            updated_at: payload.updated_at,
        })
    }
}

impl DeliveryNews {
    /// # Errors
    /// When a field is missing or has another type than Shopify documents.
    pub fn from_webhook(payload: &str) -> Result<Self, Malformed> {
        #[derive(Deserialize)]
        struct Payload {
            #[serde(default)]
            id: Option<u64>,
            fulfillment_id: u64,
            order_id: u64,
            status: String,
        }
        let Payload { id, fulfillment_id, order_id, status } = decode(payload)?;
        Ok(Self {
            event: id.map(|id| Gid::new("FulfillmentEvent", id)),
            fulfillment: Gid::new("Fulfillment", fulfillment_id),
            order: Gid::new("Order", order_id),
            status: status.to_ascii_lowercase(),
        })
    }
}
