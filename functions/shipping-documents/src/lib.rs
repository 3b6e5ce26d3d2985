//! Shipping notices, packing slips, delivery documents, and notices of goods that can be fetched or are being
//! delivered by the shop.
//!
//! | event | document | revision |
//! | --- | --- | --- |
//! | `fulfillments/create`, `fulfillments/update` | shipping-notice | the tracking |
//! | `fulfillments/create` | packing-slip | the first |
//! | `fulfillment_events/create`, `fulfillments/create`, `fulfillments/update` | delivery-document | the status |
//! | the same, with the status `out_for_delivery` | out-for-delivery-notice | the first |
//! | `fulfillment_orders/line_items_prepared_for_pickup` | ready-for-pickup-notice | the first |
//!
//! An event says which documents follow; what they say is what Shopify has when they are made. A notice's
//! revision is named after the tracking it tells of, so that an update which changes nothing else leads to the
//! communication there is, and a corrected number to another one. An event whose tracking is not the present one
//! leads to the notice of the present one: whichever event is lost, late or last, the tracking in force is told,
//! once. Two corrections that end where they began are told apart by nobody: the customer has that notice already.

// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]

mod data;
mod delivery_document;
mod items;
mod look_up;
mod out_for_delivery;
mod packing_slip;
mod pickup;
mod revision;
mod rules;
mod shipment;
mod shipping_notice;

pub use revision::tracking_revision;

flow::documents! {
    ShippingDocuments {
        ShippingNotice => shipping_notice,
        PackingSlip => packing_slip,
        DeliveryDocument => delivery_document,
        OutForDeliveryNotice => out_for_delivery,
        ReadyForPickupNotice => pickup,
    }
    look_up: look_up::look_up
}

#[cfg(test)]
mod tests;
