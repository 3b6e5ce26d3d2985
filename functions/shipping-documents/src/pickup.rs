//! The notice that goods can be fetched.
//!
//! Once per fulfillment order: goods that are at several places are told of for each place. The event says that
//! something of it was prepared, and Shopify keeps neither what nor when, so the notice lists what still waits.

use crate::{
    data::PRICES,
    items::{self, LineData, MethodData},
};
use comms::{CommunicationId, Document, Gid};
use driver::{AddressData, CustomerData, Envelope, OrderRef};
use flow::{Content, Event, Gather, GatherError, PlanError, Planned, Stop, Verdict};
use schemars::JsonSchema;
use serde::Serialize;
use shop_config::ShopConfig;
use shopify::{
    Order,
    fulfillment::{MethodType, Pickup, PickupState, Place},
};
use std::fmt;

pub const TOPICS: &[&str] = &["fulfillment_orders/line_items_prepared_for_pickup"];

const DOCUMENT: Document = Document::ReadyForPickupNotice;

/// One for each fulfillment order, which is the event's subject. Nothing of the payload is read.
pub fn plan(event: &Event<'_>) -> Result<Planned, PlanError> {
    event.item.subject.clone().of_kind("FulfillmentOrder")?;
    Ok(Planned::one(event.plan(DOCUMENT)))
}

/// Nothing of what suppresses it can change back.
pub fn judge(pickup: &Pickup, again: bool) -> Verdict {
    match (pickup.state, pickup.method.as_ref().map(|method| &method.kind)) {
        (PickupState::Cancelled, _) => Verdict::Suppress("the pickup is cancelled"),
        (_, Some(MethodType::PickUp | MethodType::PickupPoint | MethodType::Other(_)) | None) => {
            match pickup.state {
                PickupState::Closed if !again => Verdict::Suppress("the goods were handed over already"),
                _ if pickup.lines.is_empty() => Verdict::Suppress("nothing waits for the customer"),
                _ => Verdict::Write,
            }
        }
        _ => Verdict::Suppress("the customer does not pick it up"),
    }
}

pub async fn gather(gather: &Gather<'_>) -> Result<Content, Stop> {
    let asked = gather.shopify.pickup(gather.call(), &gather.plan.subject).await;
    let pickup = gather.found("fulfillment order", asked).await?;
    judge(&pickup, gather.is_asked_for()).or_stop(gather, Some(&pickup.order))?;
    let order = gather.order(&pickup.order).await?;
    let locale = gather.locale(&order.locales())?;
    let data = PickupData::new(&order, &pickup, gather.communication, &locale, gather.config)?;
    Ok(Content::about_order(gather, &order, locale, &data)?)
}

pub fn schema() -> serde_json::Value {
    driver::json_schema_without::<PickupData>(DOCUMENT, PRICES)
}

/// Goods that wait for the customer. What is not known is absent.
#[derive(Clone, Serialize, JsonSchema)]
pub struct PickupData {
    #[serde(flatten)]
    envelope: Envelope,
    /// The order the goods are of.
    order: OrderRef,
    /// Who fetches them.
    customer: CustomerData,
    /// How the goods reach the customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_method: Option<MethodData>,
    /// Where the goods wait.
    pickup: PlaceData,
    /// What waits there.
    items: Vec<LineData>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct PlaceData {
    /// Shopify's id of the fulfillment order.
    id: Gid,
    /// The place's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"Harbour Store")]
    name: Option<String>,
    /// The place's address and telephone number.
    address: AddressData,
}

/// Names the document and nothing of what it says, which is personal.
impl fmt::Debug for PickupData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PickupData")
            .field("communication", &self.envelope.communication)
            .field("shop", &self.envelope.shop)
            .field("pickup", &self.pickup.id)
            .finish_non_exhaustive()
    }
}

impl PickupData {
    /// # Errors
    /// When the order, read after the goods, lacks one of their lines: somebody changes it right now.
    pub fn new(
        order: &Order,
        pickup: &Pickup,
        communication: &CommunicationId,
        locale: &str,
        config: &ShopConfig,
    ) -> Result<Self, GatherError> {
        let lines = items::by_id(order);
        let items = pickup.lines.iter().enumerate().map(|(index, waiting)| {
            let line = items::known(&lines, &waiting.line)?;
            Ok(LineData::of(index + 1, line, waiting.quantity))
        });
        Ok(Self {
            envelope: Envelope::new(DOCUMENT, communication, locale, config),
            order: OrderRef::new(order, &config.time_zone),
            customer: CustomerData::new(order),
            delivery_method: pickup.method.as_ref().map(MethodData::new),
            pickup: PlaceData {
                id: pickup.id.clone(),
                name: pickup.place.name.clone(),
                address: address(&pickup.place),
            },
            items: items.collect::<Result<_, GatherError>>()?,
        })
    }
}

fn address(place: &Place) -> AddressData {
    AddressData {
        name: None,
        company: None,
        line1: place.address1.clone(),
        line2: place.address2.clone(),
        postal_code: place.zip.clone(),
        city: place.city.clone(),
        region: place.province.clone(),
        country: None,
        country_code: place.country_code.clone(),
        phone: place.phone.clone(),
    }
}
