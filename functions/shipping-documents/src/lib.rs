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
mod items;
mod pickup;
mod revision;
mod rules;

pub use data::ShipmentData;
pub use pickup::PickupData;
pub use revision::tracking_revision;

use comms::{Class, Document, Flow, Gid, Revision};
use delivery::Recipient;
use flow::{Content, DocumentFlow, Gather, GatherError, Gathered, LookUp, Plan, Planned};
use rules::{Request, Verdict};
use shop_config::{DeliveryEvent, ShopConfig};
use shopify::{
    Order,
    fulfillment::{DeliveryNews, Fulfillment, ShipmentNews, Tracking},
};
use work::WorkItem;

#[derive(Debug, Clone, Copy)]
pub struct ShippingDocuments;

impl DocumentFlow for ShippingDocuments {
    const FLOW: Flow = Flow::ShippingDocuments;

    /// Reads of `fulfillments/create` and `fulfillments/update`, whose subject is the fulfillment: `order_id`,
    /// `tracking_number`, `tracking_numbers`, `tracking_url`, `tracking_urls`, `shipment_status` and, to know an
    /// answer that is older than the event, `updated_at`; all but the first may be absent. Without a payload that
    /// can be read, Shopify is asked. Of `fulfillment_events/create`: `fulfillment_id`, `order_id`, `status` and,
    /// to know an answer that is older, `id`. Of `fulfillment_orders/line_items_prepared_for_pickup` nothing: its
    /// subject is the fulfillment order.
    fn plan(&self, item: &WorkItem, payload: Option<&str>, config: &ShopConfig) -> Result<Planned, String> {
        let topic = item.trigger.topic.as_str();
        match (topic, payload) {
            ("fulfillments/create" | "fulfillments/update", payload) => {
                let shipment = item.subject.clone().of_kind("Fulfillment");
                let id = shipment.map_err(|error| error.to_string())?;
                let Some(Ok(news)) = payload.map(ShipmentNews::from_webhook) else {
                    return Ok(Planned::AskShopify);
                };
                let ShipmentNews { order, tracking, shipment_status: status, .. } = news;
                Ok(Planned::Known(Shipment { id, order, tracking, status }.plans(topic, config)))
            }
            ("fulfillment_events/create", Some(payload)) => {
                let news = DeliveryNews::from_webhook(payload).map_err(|error| error.to_string())?;
                Ok(Planned::Known(on_its_way(&news.status, &news.fulfillment, &news.order, config)))
            }
            ("fulfillment_events/create", None) => Err(format!("the event {topic} came without its payload")),
            ("fulfillment_orders/line_items_prepared_for_pickup", _) => {
                let goods = item.subject.clone().of_kind("FulfillmentOrder");
                let goods = goods.map_err(|error| error.to_string())?;
                Ok(Planned::one(pickup::plan(goods, config)))
            }
            _ => Err(format!("the topic {topic} leads to no document of this flow")),
        }
    }

    async fn look_up(&self, look_up: LookUp<'_>) -> Result<Vec<Plan>, GatherError> {
        let found = look_up.shopify.fulfillment(look_up.call(), &look_up.item.subject).await;
        let Some(shipment) = found.map_err(|error| GatherError::of(&error))? else {
            return Err(look_up.absent("fulfillment").await);
        };
        let tracking = shipment.tracking();
        let shipment = Shipment { id: shipment.id, order: shipment.order, tracking, status: shipment.shown };
        Ok(shipment.plans(&look_up.item.trigger.topic, look_up.config))
    }

    async fn gather(&self, gather: Gather<'_>) -> Result<Gathered, GatherError> {
        if gather.plan.document == Document::ReadyForPickupNotice {
            return pickup::gather(&gather).await;
        }
        let plan = gather.plan;
        let found = gather.shopify.fulfillment(gather.call(), &plan.subject).await;
        let Some(shipment) = found.map_err(|error| GatherError::of(&error))? else {
            return Err(gather.absent("fulfillment").await);
        };
        if shipment.order != plan.reported_on {
            return Err(GatherError::unusable("the shipment is of another order than the event says"));
        }
        let request = Request {
            again: gather.item.resend.is_some(),
            tells_out_for_delivery: gather.config.document(Document::OutForDeliveryNotice).is_some(),
        };
        match rules::verdict(plan, request, &shipment) {
            Verdict::Make => {}
            Verdict::Suppress(reason) => return Ok(Gathered::suppressed(reason)),
            Verdict::Overtaken | Verdict::Nothing(_)
                if gather.is_recent() && is_news(gather.item, gather.payload, &shipment) =>
            {
                return Err(GatherError {
                    class: Class::transient(),
                    reason: "Shopify's answer is older than the event".to_owned(),
                });
            }
            Verdict::Overtaken => {
                let revision = tracking_revision(&shipment.tracking());
                return Ok(Gathered::Replaced(Box::new(Plan { revision, ..plan.clone() })));
            }
            Verdict::Nothing(reason) => return Ok(Gathered::NotDue(reason.into())),
        }
        let order = order(&gather, &shipment.order).await?;
        if let Some(reason) = rules::nowhere(&shipment, &order) {
            return Ok(Gathered::suppressed(reason));
        }
        content(&gather, &order, &shipment).map(|content| Gathered::Ready(Box::new(content)))
    }
}

async fn order(gather: &Gather<'_>, id: &Gid) -> Result<Order, GatherError> {
    let found = gather.shopify.order(gather.call(), id).await;
    match found.map_err(|error| GatherError::of(&error))? {
        Some(order) => Ok(order),
        None => Err(gather.absent("order").await),
    }
}

/// What decides which documents follow from a change of a shipment.
struct Shipment {
    id: Gid,
    order: Gid,
    tracking: Tracking,
    status: Option<String>,
}

impl Shipment {
    fn plans(&self, topic: &str, config: &ShopConfig) -> Vec<Plan> {
        let plan = |document, revision| Plan {
            document,
            subject: self.id.clone(),
            revision,
            reported_on: self.order.clone(),
            wanted: config.document(document).is_some(),
        };
        let mut plans = vec![plan(Document::ShippingNotice, tracking_revision(&self.tracking))];
        if topic == "fulfillments/create" {
            plans.push(plan(Document::PackingSlip, Revision::Initial));
        }
        let status = self.status.as_deref().unwrap_or_default();
        plans.extend(on_its_way(status, &self.id, &self.order, config));
        plans
    }
}

/// None for what a customer is never told of, such as a label that was printed.
fn on_its_way(status: &str, shipment: &Gid, order: &Gid, config: &ShopConfig) -> Vec<Plan> {
    let Ok(event) = status.parse::<DeliveryEvent>() else { return Vec::new() };
    let plan = |document, revision, wanted| Plan {
        document,
        subject: shipment.clone(),
        revision,
        reported_on: order.clone(),
        wanted: wanted && config.document(document).is_some(),
    };
    let wanted = config.shipping.delivery_events.contains(&event);
    let mut plans = vec![plan(Document::DeliveryDocument, Revision::named(event.name()), wanted)];
    if event == DeliveryEvent::OutForDelivery {
        plans.push(plan(Document::OutForDeliveryNotice, Revision::Initial, true));
    }
    plans
}

/// Whether the event tells of something that Shopify's answer does not know.
fn is_news(item: &WorkItem, payload: Option<&str>, shipment: &Fulfillment) -> bool {
    let Some(payload) = payload else { return false };
    match item.trigger.topic.as_str() {
        "fulfillment_events/create" => {
            let event = DeliveryNews::from_webhook(payload).ok().and_then(|news| news.event);
            event.is_some_and(|event| !shipment.knows_event(&event))
        }
        _ => {
            let told = ShipmentNews::from_webhook(payload).ok().and_then(|news| news.updated_at);
            told.is_some_and(|told| told > shipment.updated_at)
        }
    }
}

fn content(gather: &Gather<'_>, order: &Order, shipment: &Fulfillment) -> Result<Content, GatherError> {
    let document = gather.plan.document;
    let locale = gather.locale(&order.locales())?;
    let event = rules::event(gather.plan, shipment);
    let data =
        ShipmentData::new(order, shipment, document, gather.communication, &locale, gather.config, event)?;
    Ok(Content {
        name: Some(order.name.clone()),
        customer: order.customer.as_ref().map(|customer| customer.id.clone()),
        test: gather.item.trigger.test || order.test,
        ..Content::of(data.schema(), &data, recipient(document, order, locale))?
    })
}

/// A packing slip lies in the parcel: it is for whoever opens that, and goes to nobody's mailbox.
fn recipient(document: Document, order: &Order, locale: String) -> Recipient {
    let buyer = driver::recipient_name(order);
    if document == Document::PackingSlip {
        let receiver = order.shipping_address.as_ref().and_then(shopify::Address::name);
        return Recipient { name: receiver.or(buyer), email: None, locale };
    }
    Recipient { name: buyer, email: driver::email(order), locale }
}

/// Starts the function and serves its invocations until Lambda ends the process.
pub fn serve() -> service::Serving {
    flow::serve(ShippingDocuments)
}

#[cfg(test)]
mod tests;
