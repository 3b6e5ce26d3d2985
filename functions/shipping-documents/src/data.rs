//! The driver data of the documents about a shipment: what a template designer maps in Exstream. Public contracts:
//! `schemas/<document>.v1.json`.

use crate::{
    items::{self, LineData, MethodData},
    rules,
};
use comms::{CommunicationId, Document, Gid, is_web_link};
use driver::{AddressData, CustomerData, Envelope, Field, OrderRef, TextLine, day, iso, text_lines};
use flow::GatherError;
use jiff::{Timestamp, tz::TimeZone};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use shop_config::{DeliveryEvent, ShopConfig, text_in};
use shopify::{
    Order,
    fulfillment::{Fulfillment, Origin, Parcel},
};
use std::fmt;

/// A shipment of an order. Dates are ISO 8601 with the offset of the shop's time zone. What is not known is
/// absent.
#[derive(Clone, Serialize, JsonSchema)]
pub struct ShipmentData {
    #[serde(flatten)]
    envelope: Envelope,
    /// The order the shipment is of.
    order: OrderRef,
    /// Who bought it.
    customer: CustomerData,
    /// What is on its way.
    shipment: ShipmentHead,
    /// How it reaches the customer, where Shopify says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_method: Option<MethodData>,
    /// Where it goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<AddressData>,
    /// What is in this shipment.
    items: Vec<LineData>,
    /// What of the order was in no shipment yet and still will be.
    still_to_come: Vec<LineData>,
    /// Packing slips of shops that want prices on them: whether tax is in the prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    taxes_included: Option<bool>,
    /// What happened: delivery documents only.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<DeliveryData>,
    /// How to send something back, if the shop wants that said.
    #[serde(skip_serializing_if = "Option::is_none")]
    return_instructions: Option<ReturnData>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct ShipmentHead {
    /// Shopify's id of the fulfillment.
    id: Gid,
    /// The name the shop knows, such as `#1001-F1`.
    #[schemars(example = &"#1001-F1")]
    name: String,
    /// 1 for the first shipment of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<usize>,
    /// How many shipments the order makes, known once nothing is still to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<usize>,
    /// The carrier, where all parcels have the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"Chronopost")]
    carrier: Option<String>,
    /// One entry per parcel that can be followed.
    trackings: Vec<TrackingData>,
    /// When the carrier took it over; before that, when it was made up.
    shipped_at: String,
    /// The day of `shipped_at`.
    shipped_on: String,
    /// When it should arrive.
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_delivery: Option<String>,
    /// The day of `estimated_delivery`.
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_delivery_on: Option<String>,
    /// When it arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_at: Option<String>,
    /// The day of `delivered_at`.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_on: Option<String>,
    /// Where it left from.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<AddressData>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct TrackingData {
    /// Who brings this parcel.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"Chronopost")]
    carrier: Option<String>,
    /// The carrier's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"XY710000021FR")]
    number: Option<String>,
    /// Where to follow it, as `http://` or `https://`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"https://carrier.example/track/XY710000021FR")]
    url: Option<String>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct DeliveryData {
    /// Such as `delivered` or `attempted_delivery`.
    #[schemars(example = &"delivered")]
    status: &'static str,
    /// When it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    /// The day of `at`.
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<String>,
    /// The carrier's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"Left with the caretaker")]
    message: Option<String>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct ReturnData {
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"Put the slip into the parcel.")]
    text: Option<String>,
    /// The lines of the address returns go to.
    address: Vec<TextLine>,
    /// Where a return is started or followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"https://northwind.example/returns")]
    url: Option<String>,
}

/// What stands on packing slips only.
pub const PRICES: &[Field] = &[("LineData", "unit_price"), ("LineData", "total"), ("", "taxes_included")];
/// What whoever opens a parcel is not to read: how to write to the buyer, and the order's page with its key.
pub const PRIVATE: &[Field] =
    &[("CustomerData", "email"), ("CustomerData", "phone"), ("OrderRef", "status_url")];
/// What stands in delivery documents only.
pub const WHAT_HAPPENED: &[Field] = &[("", "delivery")];

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
        let lines = items::by_id(order);
        let is_slip = document == Document::PackingSlip;
        let prices = is_slip && config.shipping.prices_on_packing_slip;
        let items = items::shipped(shipment, &lines, prices)?;
        let still_to_come = items::still_to_come(order, shipment, &lines);
        let (mut customer, mut order_ref) = (CustomerData::new(order), OrderRef::new(order, zone));
        if is_slip {
            (customer.email, customer.phone, order_ref.status_url) = (None, None, None);
        }
        let inferred = || rules::method(shipment).map(|kind| MethodData::of_kind(&kind));
        Ok(Self {
            envelope: Envelope::new(document, communication, locale, config),
            order: order_ref,
            customer,
            shipment: ShipmentHead::new(shipment, still_to_come.is_empty(), zone),
            delivery_method: shipment.method.as_ref().map(MethodData::new).or_else(inferred),
            destination: order.shipping_address.as_ref().map(AddressData::new),
            items,
            still_to_come,
            taxes_included: prices.then_some(order.taxes_included),
            delivery: event.map(|event| DeliveryData::new(event, shipment, zone)),
            return_instructions: config.shipping.return_instructions.then(|| ReturnData::new(config, locale)),
        })
    }

    /// The published JSON Schema of a document's driver data, without what that document never has.
    pub fn schema(document: Document, without: &[&[Field]]) -> Value {
        driver::json_schema_without::<Self>(document, &without.concat())
    }
}

impl ShipmentHead {
    fn new(shipment: &Fulfillment, complete: bool, zone: &TimeZone) -> Self {
        let place = shipment.shipments.as_ref().and_then(|all| {
            let index = all.iter().position(|id| *id == shipment.id)?;
            Some((index + 1, all.len()))
        });
        let delivered = shipment.latest(DeliveryEvent::Delivered.name()).map(|event| event.happened_at);
        let delivered = shipment.delivered_at.or(delivered);
        let shipped = shipment.in_transit_at.unwrap_or(shipment.created_at);
        let (at, on) = (|at: Timestamp| iso(at, zone), |at: Timestamp| day(at, zone));
        Self {
            id: shipment.id.clone(),
            name: shipment.name.clone(),
            number: place.map(|(number, _)| number),
            of: place.filter(|_| complete).map(|(_, count)| count),
            carrier: common_carrier(&shipment.parcels),
            trackings: shipment.parcels.iter().filter_map(TrackingData::new).collect(),
            shipped_at: at(shipped),
            shipped_on: on(shipped),
            estimated_delivery: shipment.estimated_delivery_at.map(at),
            estimated_delivery_on: shipment.estimated_delivery_at.map(on),
            delivered_at: delivered.map(at),
            delivered_on: delivered.map(on),
            origin: shipment.origin.as_ref().map(origin),
        }
    }
}

/// `Other` is Shopify's word for a carrier it does not know.
fn carrier(parcel: &Parcel) -> Option<String> {
    parcel.company.clone().filter(|company| !company.trim().eq_ignore_ascii_case("other"))
}

/// None where two parcels have different ones: each parcel says its own.
fn common_carrier(parcels: &[Parcel]) -> Option<String> {
    let mut carriers = parcels.iter().filter_map(carrier);
    let first = carriers.next()?;
    let same = |other: String| other.trim().to_lowercase() == first.trim().to_lowercase();
    carriers.all(same).then_some(first)
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
        let (number, url) = (parcel.number.clone(), parcel.url.clone().filter(|url| is_web_link(url)));
        (number.is_some() || url.is_some()).then(|| Self { carrier: carrier(parcel), number, url })
    }
}

impl DeliveryData {
    fn new(event: DeliveryEvent, shipment: &Fulfillment, zone: &TimeZone) -> Self {
        let news = shipment.latest(event.name());
        let delivered = shipment.delivered_at.filter(|_| event == DeliveryEvent::Delivered);
        let at = news.map(|news| news.happened_at).or(delivered);
        Self {
            status: event.name(),
            at: at.map(|at| iso(at, zone)),
            on: at.map(|at| day(at, zone)),
            message: news.and_then(|news| news.message.clone()),
        }
    }
}

impl ReturnData {
    fn new(config: &ShopConfig, locale: &str) -> Self {
        let returns = &config.returns;
        Self {
            text: text_in(&returns.instructions, locale, &config.default_locale).map(str::to_owned),
            address: text_lines(&returns.address),
            url: returns.url.as_ref().map(ToString::to_string),
        }
    }
}
