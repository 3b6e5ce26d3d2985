//! The documents that follow from a shipment of which only Shopify knows.

use crate::{
    delivery_document, out_for_delivery, packing_slip,
    shipment::{Follows, ShipmentFacts},
    shipping_notice,
};
use flow::{Event, GatherError, LookUp, Plan};
use shopify::fulfillment::Fulfillment;

/// All documents that follow from a shipment of which the event says nothing.
pub async fn look_up(look_up: LookUp<'_>) -> Result<Vec<Plan>, GatherError> {
    let found = look_up.shopify.fulfillment(look_up.call(), &look_up.item.subject).await?;
    let Some(shipment) = found else { return Err(look_up.absent("fulfillment").await) };
    Ok(plans(&look_up.event(), shipment))
}

/// The documents that follow from a shipment as Shopify has it, in the order of the flow's list.
pub fn plans(event: &Event<'_>, shipment: Fulfillment) -> Vec<Plan> {
    let tracking = Some(shipment.tracking());
    let status = shipment.shown.unwrap_or_default();
    let facts = ShipmentFacts { id: shipment.id, order: shipment.order, tracking, status };
    let all: [Follows; 4] = [
        shipping_notice::follows,
        packing_slip::follows,
        delivery_document::follows,
        out_for_delivery::follows,
    ];
    all.iter().filter_map(|follows| follows(event, &facts)).collect()
}
