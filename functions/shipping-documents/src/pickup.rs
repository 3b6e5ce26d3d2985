//! The notice that goods can be fetched.
//!
//! Once per fulfillment order: goods that are at several places are told of for each place. The event says that
//! something of it was prepared, and Shopify keeps neither what nor when, so the notice lists what still waits.

use crate::items::{self, LineData, MethodData};
use comms::{CommunicationId, Document, Gid, Revision};
use delivery::Recipient;
use driver::{AddressData, CustomerData, Envelope, OrderRef};
use flow::{Content, Gather, GatherError, Gathered, Plan};
use schemars::JsonSchema;
use serde::Serialize;
use shop_config::ShopConfig;
use shopify::{
    Order,
    fulfillment::{MethodType, Pickup, PickupState, Place},
};
use std::fmt;

const DOCUMENT: Document = Document::ReadyForPickupNotice;

pub fn plan(goods: Gid, config: &ShopConfig) -> Plan {
    Plan {
        document: DOCUMENT,
        reported_on: goods.clone(),
        subject: goods,
        revision: Revision::Initial,
        wanted: config.document(DOCUMENT).is_some(),
    }
}

pub async fn gather(gather: &Gather<'_>) -> Result<Gathered, GatherError> {
    let found = gather.shopify.pickup(gather.call(), &gather.plan.subject).await;
    let Some(pickup) = found.map_err(|error| GatherError::of(&error))? else {
        return Err(gather.absent("fulfillment order").await);
    };
    if let Some(reason) = not_due(&pickup, gather.item.resend.is_some()) {
        return Ok(Gathered::Suppressed { reason: reason.into(), reported_on: Some(pickup.order) });
    }
    let order = crate::order(gather, &pickup.order).await?;
    content(gather, &order, &pickup).map(|content| Gathered::Ready(Box::new(content)))
}

/// Why goods are not told of; nothing of it can change back.
pub fn not_due(pickup: &Pickup, again: bool) -> Option<&'static str> {
    match (pickup.state, pickup.method.as_ref().map(|method| &method.kind)) {
        (PickupState::Cancelled, _) => Some("the pickup is cancelled"),
        (_, Some(MethodType::PickUp | MethodType::PickupPoint | MethodType::Other(_)) | None) => {
            match pickup.state {
                PickupState::Closed if !again => Some("the goods were handed over already"),
                _ if pickup.lines.is_empty() => Some("nothing waits for the customer"),
                _ => None,
            }
        }
        _ => Some("the customer does not pick it up"),
    }
}

fn content(gather: &Gather<'_>, order: &Order, pickup: &Pickup) -> Result<Content, GatherError> {
    let locale = gather.locale(&order.locales())?;
    let data = PickupData::new(order, pickup, gather.communication, &locale, gather.config)?;
    let recipient = Recipient { name: driver::recipient_name(order), email: driver::email(order), locale };
    Ok(Content {
        name: Some(order.name.clone()),
        customer: order.customer.as_ref().map(|customer| customer.id.clone()),
        reported_on: Some(order.id.clone()),
        test: gather.item.trigger.test || order.test,
        ..Content::of(data.envelope.schema.clone(), &data, recipient)?
    })
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

    /// The published JSON Schema of the driver data.
    pub fn json_schema() -> serde_json::Value {
        let mut schema = driver::json_schema::<Self>(DOCUMENT);
        crate::data::leave_out(&mut schema, crate::data::PRICES);
        schema
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
