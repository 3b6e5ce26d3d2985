//! A shipment of an order: what left, how it can be followed, and what has not left yet.
//!
//! Owns what an event says of a shipment, as far as it decides which documents follow, and the shipment as
//! Shopify has it now, from which documents are made. Both know the same [`Tracking`], so that an event can be
//! told from one that is out of date. Beside it, goods that the customer fetches ([`Pickup`]), and how goods reach
//! the customer ([`DeliveryMethod`]).

mod graphql;
mod method;
mod pickup;
mod webhook;

#[cfg(test)]
pub(crate) use pickup::LINES as PICKUP_LINES;

pub use graphql::FulfillmentPage;
pub use method::{DeliveryMethod, MethodType};
pub use pickup::{Pickup, PickupPage, PickupState, Place};
pub use webhook::{DeliveryNews, ShipmentNews};

use crate::{
    AdminApi, AdminError, Call, MoneyBag,
    admin::Operation,
    connection::{self, Differs},
    decode::text,
};
use comms::Gid;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeSet;

const FULFILLMENT: Operation = Operation {
    name: "FulfillmentForDocuments",
    text: include_str!("../graphql/fulfillment_for_documents.graphql"),
};

/// Lines per page, of the shipment and of its order: what a single query may cost by the published rule.
pub(crate) const LINES: u32 = 240;

/// How many of a shipment's newest events are looked at.
const EVENTS: usize = 20;

/// How many shipments of the order are looked at.
const SHIPMENTS: usize = 25;

/// A shipment as Shopify has it now. Shopify calls it a fulfillment.
#[derive(Clone, PartialEq)]
pub struct Fulfillment {
    pub id: Gid,
    /// The name Shopify shows, such as `#1001-F1`.
    pub name: String,
    pub state: State,
    /// What Shopify shows of its way, in lower case, such as `in_transit`.
    pub shown: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub in_transit_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    pub estimated_delivery_at: Option<Timestamp>,
    /// Whether anything in it needs shipping.
    pub requires_shipping: bool,
    /// How it reaches the customer. None where Shopify does not say, or the app may not see fulfillment orders.
    pub method: Option<DeliveryMethod>,
    pub parcels: Vec<Parcel>,
    pub origin: Option<Origin>,
    /// The newest news of its way, at most 20.
    pub events: Vec<ShipmentEvent>,
    pub lines: Vec<ShippedLine>,
    pub order: Gid,
    order_updated_at: Timestamp,
    /// What of the order's lines has not been shipped at all.
    pub unshipped: Vec<UnshippedLine>,
    /// What of that is not going to be sent, but fetched or carried out.
    pub unsent: Vec<UnshippedLine>,
    /// The order's shipments that are sent and were neither cancelled nor failed, this one included, in the
    /// order they were made. None where the order has more than can be looked at.
    pub shipments: Option<Vec<Gid>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A fulfilment service has not handed it over yet.
    Pending,
    /// Handed over, or in a state that is not known here.
    Shipped,
    Cancelled,
    Failed,
}

/// One parcel that can be followed. Any of the three can be missing.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Parcel {
    #[serde(deserialize_with = "text")]
    pub company: Option<String>,
    #[serde(deserialize_with = "text")]
    pub number: Option<String>,
    #[serde(deserialize_with = "text")]
    pub url: Option<String>,
}

/// Where the shipment left from.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    #[serde(deserialize_with = "text")]
    pub address1: Option<String>,
    #[serde(deserialize_with = "text")]
    pub address2: Option<String>,
    #[serde(deserialize_with = "text")]
    pub city: Option<String>,
    #[serde(deserialize_with = "text")]
    pub province_code: Option<String>,
    #[serde(deserialize_with = "text")]
    pub zip: Option<String>,
    /// ISO 3166-1, two letters.
    #[serde(deserialize_with = "text")]
    pub country_code: Option<String>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct ShipmentEvent {
    pub id: Gid,
    /// In lower case, such as `out_for_delivery`.
    pub status: String,
    pub happened_at: Timestamp,
    /// The carrier's words.
    pub message: Option<String>,
}

/// A line of the order, as far as it is in the shipment.
#[derive(Debug, Clone, PartialEq)]
pub struct ShippedLine {
    pub line: Gid,
    pub quantity: u64,
    /// What these units cost after the line's own discounts, without those of the whole order.
    pub total: MoneyBag,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnshippedLine {
    pub line: Gid,
    pub quantity: u64,
}

impl Fulfillment {
    /// It has reached the customer.
    pub fn is_delivered(&self) -> bool {
        self.delivered_at.is_some() || self.shown.as_deref() == Some("delivered")
    }

    /// There is nothing left to announce: delivered, or fetched by the customer.
    pub fn is_handed_over(&self) -> bool {
        self.is_delivered() || self.shown.as_deref() == Some("picked_up")
    }

    /// The newest news of this kind.
    pub fn latest(&self, status: &str) -> Option<&ShipmentEvent> {
        self.events.iter().filter(|event| event.status == status).max_by_key(|event| event.happened_at)
    }

    /// Whether the event is among its news, or may be one of those before that are not known here.
    pub fn knows_event(&self, id: &Gid) -> bool {
        self.events.len() >= EVENTS || self.events.iter().any(|event| event.id == *id)
    }

    /// The newest news of all.
    pub fn newest(&self) -> Option<&ShipmentEvent> {
        self.events.iter().max_by_key(|event| event.happened_at)
    }

    pub fn tracking(&self) -> Tracking {
        let all = |part: fn(&Parcel) -> Option<&str>| self.parcels.iter().filter_map(part);
        Tracking::new(all(|parcel| parcel.number.as_deref()), all(|parcel| parcel.url.as_deref()))
    }
}

/// How a shipment can be followed, without regard to how and in which order it was written down.
///
/// Two ways to write the same tracking are equal: numbers differ neither by case nor by blanks. The carrier does
/// not count: one API names it, guesses it or gives each parcel its own where the other says nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Tracking {
    pub numbers: BTreeSet<String>,
    pub urls: BTreeSet<String>,
}

impl Tracking {
    fn new<'a>(numbers: impl Iterator<Item = &'a str>, urls: impl Iterator<Item = &'a str>) -> Self {
        let filled = |text: &String| !text.is_empty();
        let number =
            |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_uppercase();
        Self {
            numbers: numbers.map(number).filter(filled).collect(),
            urls: urls.map(|url| url.trim().to_owned()).filter(filled).collect(),
        }
    }

    pub fn is_none(&self) -> bool {
        self.numbers.is_empty() && self.urls.is_empty()
    }
}

impl AdminApi {
    /// The shipment with all its lines, or nothing if Shopify has none of this id or keeps it from the app. Without
    /// a scope for fulfillment orders, it has no delivery method.
    ///
    /// # Errors
    /// [`AdminError::Changed`] if the shipment or its order was changed between two pages.
    pub async fn fulfillment(&self, call: Call<'_>, id: &Gid) -> Result<Option<Fulfillment>, AdminError> {
        let (mut after, mut order_after): (Option<String>, Option<String>) = (None, None);
        let mut methods = true;
        let page = async || {
            let data = loop {
                let variables = json!({
                    "id": id, "first": LINES, "after": after, "orderAfter": order_after, "methods": methods,
                });
                match self.execute(call, FULFILLMENT, variables).await {
                    // perhaps only the fulfillment orders are kept from the app
                    Err(error) if methods && error.is_denied() => methods = false,
                    answer => break answer?,
                }
            };
            let page = Fulfillment::from_graphql(data.json())
                .map_err(|source| AdminError::Malformed { operation: FULFILLMENT.name, source })?;
            let Some(page) = page else { return Ok(None) };
            after = page.after.or(after.take());
            order_after = page.order_after.or(order_after.take());
            Ok(Some((page.fulfillment, page.more)))
        };
        connection::whole(page, |whole: &mut Fulfillment, page| {
            whole.lines.extend(page.lines);
            whole.unshipped.extend(page.unshipped);
            let is_same =
                whole.updated_at == page.updated_at && whole.order_updated_at == page.order_updated_at;
            if is_same { Ok(()) } else { Err(Differs) }
        })
        .await
    }
}

// With a tracking number, a stranger learns where a parcel goes.
discreet! {
    Fulfillment: id, state, shown, updated_at;
    Parcel:;
    Origin: country_code;
    ShipmentEvent: status, happened_at;
    Tracking:;
}

#[cfg(test)]
mod tests;
