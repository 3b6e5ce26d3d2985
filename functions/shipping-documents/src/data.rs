//! The driver data of shipping notices, packing slips and delivery documents: what a template designer maps in
//! Exstream. Public contracts: `schemas/<document>.v1.json`.

use comms::{Class, CommunicationId, Document, Gid, Money};
use driver::{AddressData, AttributeData, CustomerData, Envelope, OrderRef, attributes, iso};
use flow::GatherError;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Serialize;
use shop_config::{DeliveryEvent, ShopConfig, text_in};
use shopify::{
    LineItem, Order,
    fulfillment::{Fulfillment, Origin, Parcel, ShippedLine},
};
use std::{collections::HashMap, fmt};

/// A shipment of an order. Dates are ISO 8601 with the offset of the shop's time zone. What is not known is
/// absent.
#[derive(Clone, Serialize, JsonSchema)]
pub struct ShipmentData {
    #[serde(flatten)]
    envelope: Envelope,
    order: OrderRef,
    customer: CustomerData,
    shipment: ShipmentHead,
    /// Where it goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<AddressData>,
    /// What is in this shipment.
    items: Vec<ItemData>,
    /// What of the order was in no shipment yet and still will be.
    still_to_come: Vec<ItemData>,
    /// Delivery documents only.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<DeliveryData>,
    /// How to send something back, if the shop wants that said.
    #[serde(skip_serializing_if = "Option::is_none")]
    return_instructions: Option<ReturnData>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct ShipmentHead {
    id: Gid,
    /// The name the shop knows, such as `#1001-F1`.
    name: String,
    /// 1 for the first shipment of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<usize>,
    /// How many shipments the order makes, known once nothing is still to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    carrier: Option<String>,
    /// One entry a parcel that can be followed.
    trackings: Vec<TrackingData>,
    /// When the carrier took it over; before that, when it was made up.
    shipped_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_delivery: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_at: Option<String>,
    /// Where it left from.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<AddressData>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct TrackingData {
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    /// Where to follow it, as `http://` or `https://`.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct ItemData {
    /// 1 for the first item.
    number: usize,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<String>,
    quantity: u64,
    properties: Vec<AttributeData>,
    /// Packing slips of shops that want prices on them. Before discounts, in the currency the customer saw.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit_price: Option<Money>,
    /// The same, of all units in this shipment after the line's own discounts, without those of the whole order.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<Money>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct DeliveryData {
    /// Such as `delivered` or `attempted_delivery`.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    /// The carrier's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct ReturnData {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The lines of the address returns go to.
    address: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

/// Names the document and nothing of what it says, which is personal.
impl fmt::Debug for ShipmentData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShipmentData")
            .field("communication", &self.envelope.communication)
            .field("shop", &self.envelope.shop)
            .field("shipment", &self.shipment.id)
            .finish_non_exhaustive()
    }
}

impl ShipmentData {
    /// `event` is what a delivery document tells of.
    ///
    /// # Errors
    /// When the order, read after the shipment, lacks one of its lines: somebody changes it right now.
    pub fn new(
        order: &Order,
        shipment: &Fulfillment,
        document: Document,
        communication: &CommunicationId,
        locale: &str,
        config: &ShopConfig,
        event: Option<DeliveryEvent>,
    ) -> Result<Self, GatherError> {
        let zone = &config.time_zone;
        let lines: HashMap<&Gid, &LineItem> = order.lines.iter().map(|line| (&line.id, line)).collect();
        let prices = document == Document::PackingSlip && config.shipping.prices_on_packing_slip;
        let items = shipment.lines.iter().enumerate().map(|(index, shipped)| {
            let line = lines.get(&shipped.line).ok_or_else(|| GatherError {
                class: Class::transient(),
                reason: "the order lacks a line of the shipment".to_owned(),
            })?;
            Ok(ItemData::shipped(index + 1, line, shipped, prices))
        });
        let still_to_come = still_to_come(order, shipment, &lines);
        Ok(Self {
            envelope: Envelope::new(document, communication, locale, config),
            order: OrderRef::new(order, zone),
            customer: CustomerData::new(order),
            shipment: ShipmentHead::new(shipment, still_to_come.is_empty(), zone),
            destination: order.shipping_address.as_ref().map(AddressData::new),
            items: items.collect::<Result<_, GatherError>>()?,
            still_to_come,
            delivery: event.map(|event| DeliveryData::new(event, shipment, zone)),
            return_instructions: config.shipping.return_instructions.then(|| ReturnData::new(config, locale)),
        })
    }

    pub fn schema(&self) -> &str {
        &self.envelope.schema
    }

    /// The published JSON Schema of a document's driver data.
    pub fn json_schema(document: Document) -> serde_json::Value {
        driver::json_schema::<Self>(document)
    }
}

/// What needs shipping, is still ordered, and was in no shipment. Nothing of a cancelled order.
fn still_to_come(order: &Order, shipment: &Fulfillment, lines: &HashMap<&Gid, &LineItem>) -> Vec<ItemData> {
    if order.cancelled_at.is_some() {
        return Vec::new();
    }
    let unshipped = shipment.unshipped.iter().filter_map(|unshipped| {
        let line = lines.get(&unshipped.line).filter(|line| line.requires_shipping)?;
        let quantity = unshipped.quantity.min(line.current_quantity);
        (quantity > 0).then_some((line, quantity))
    });
    unshipped.enumerate().map(|(index, (line, quantity))| ItemData::of(index + 1, line, quantity)).collect()
}

impl ShipmentHead {
    fn new(shipment: &Fulfillment, complete: bool, zone: &TimeZone) -> Self {
        let place = shipment.shipments.as_ref().and_then(|all| {
            let index = all.iter().position(|id| *id == shipment.id)?;
            Some((index + 1, all.len()))
        });
        let delivered = shipment.latest(DeliveryEvent::Delivered.name()).map(|event| event.happened_at);
        Self {
            id: shipment.id.clone(),
            name: shipment.name.clone(),
            number: place.map(|(number, _)| number),
            of: place.filter(|_| complete).map(|(_, count)| count),
            carrier: shipment.parcels.iter().find_map(carrier),
            trackings: shipment.parcels.iter().filter_map(TrackingData::new).collect(),
            shipped_at: iso(shipment.in_transit_at.unwrap_or(shipment.created_at), zone),
            estimated_delivery: shipment.estimated_delivery_at.map(|at| iso(at, zone)),
            delivered_at: shipment.delivered_at.or(delivered).map(|at| iso(at, zone)),
            origin: shipment.origin.as_ref().map(origin),
        }
    }
}

/// `Other` is Shopify's word for a carrier it does not know.
fn carrier(parcel: &Parcel) -> Option<String> {
    parcel.company.clone().filter(|company| !company.trim().eq_ignore_ascii_case("other"))
}

fn origin(origin: &Origin) -> AddressData {
    AddressData {
        name: None,
        company: None,
        line1: origin.address1.clone(),
        line2: origin.address2.clone(),
        postal_code: origin.zip.clone(),
        city: origin.city.clone(),
        region: origin.province_code.clone(),
        country: None,
        country_code: origin.country_code.clone(),
        phone: None,
    }
}

impl TrackingData {
    fn new(parcel: &Parcel) -> Option<Self> {
        // what an app or a person entered becomes a link: it leads to the web or nowhere
        let is_web = |url: &String| {
            let scheme = url.split_once("://").map(|(scheme, _)| scheme);
            scheme.is_some_and(|it| it.eq_ignore_ascii_case("https") || it.eq_ignore_ascii_case("http"))
        };
        let (number, url) = (parcel.number.clone(), parcel.url.clone().filter(is_web));
        (number.is_some() || url.is_some()).then_some(Self { number, url })
    }
}

impl ItemData {
    fn of(number: usize, line: &LineItem, quantity: u64) -> Self {
        Self {
            number,
            title: line.title.clone(),
            variant: line.variant.clone(),
            sku: line.sku.clone(),
            quantity,
            properties: attributes(&line.properties),
            unit_price: None,
            total: None,
        }
    }

    fn shipped(number: usize, line: &LineItem, shipped: &ShippedLine, prices: bool) -> Self {
        Self {
            unit_price: prices.then_some(line.unit_price.presentment),
            total: prices.then_some(shipped.total.presentment),
            ..Self::of(number, line, shipped.quantity)
        }
    }
}

impl DeliveryData {
    fn new(event: DeliveryEvent, shipment: &Fulfillment, zone: &TimeZone) -> Self {
        let news = shipment.latest(event.name());
        let delivered = shipment.delivered_at.filter(|_| event == DeliveryEvent::Delivered);
        Self {
            status: event.name(),
            at: news.map(|news| news.happened_at).or(delivered).map(|at| iso(at, zone)),
            message: news.and_then(|news| news.message.clone()),
        }
    }
}

impl ReturnData {
    fn new(config: &ShopConfig, locale: &str) -> Self {
        let returns = &config.returns;
        Self {
            text: text_in(&returns.instructions, locale, &config.default_locale).map(str::to_owned),
            address: returns.address.clone(),
            url: returns.url.clone(),
        }
    }
}
