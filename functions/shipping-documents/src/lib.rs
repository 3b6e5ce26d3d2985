//! Shipping notices, packing slips and delivery documents.
//!
//! | event | document | revision |
//! | --- | --- | --- |
//! | `fulfillments/create`, `fulfillments/update` | shipping-notice | the tracking |
//! | `fulfillments/create` | packing-slip | the first |
//! | `fulfillment_events/create`, `fulfillments/create`, `fulfillments/update` | delivery-document | the status |
//!
//! An event says which documents follow; what they say is what Shopify has when they are made. A notice's
//! revision is named after the tracking it tells of, so that an update which changes nothing else leads to the
//! communication there is, and a corrected number to another one. A notice is made only while its tracking is
//! the present one: an event that comes late leads to nothing, because the one that overtook it leads to the
//! notice in force. Two corrections that end where they began are told apart by nobody: the customer has that
//! notice already.

mod data;
mod revision;
mod rules;

pub use data::ShipmentData;
pub use revision::tracking_revision;

use comms::{Class, Document, Flow, Gid, Revision};
use delivery::Recipient;
use flow::{Content, DocumentFlow, Gather, GatherError, Gathered, LookUp, Plan, Planned};
use rules::Verdict;
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
    /// `tracking_company`, `tracking_number`, `tracking_numbers`, `tracking_url`, `tracking_urls`,
    /// `shipment_status` and, to know an answer that is older than the event, `updated_at`; all but the first
    /// may be absent. Without a payload, Shopify is asked. Of `fulfillment_events/create`: `fulfillment_id`,
    /// `order_id`, `status`.
    fn plan(&self, item: &WorkItem, payload: Option<&str>, config: &ShopConfig) -> Result<Planned, String> {
        let topic = item.trigger.topic.as_str();
        match (topic, payload) {
            ("fulfillments/create" | "fulfillments/update", None) => Ok(Planned::AskShopify),
            ("fulfillments/create" | "fulfillments/update", Some(payload)) => {
                let news = ShipmentNews::from_webhook(payload).map_err(|error| error.to_string())?;
                let shipment = item.subject.clone().of_kind("Fulfillment");
                let shipment = Shipment {
                    id: shipment.map_err(|error| error.to_string())?,
                    order: news.order,
                    tracking: news.tracking,
                    status: news.shipment_status,
                };
                Ok(Planned::These(shipment.plans(topic, config)))
            }
            ("fulfillment_events/create", Some(payload)) => {
                let news = DeliveryNews::from_webhook(payload).map_err(|error| error.to_string())?;
                let plan = delivery_document(&news.status, &news.fulfillment, &news.order, config);
                Ok(Planned::These(plan.into_iter().collect()))
            }
            ("fulfillment_events/create", None) => Err(format!("the event {topic} came without its payload")),
            _ => Err(format!("the topic {topic} leads to no document of this flow")),
        }
    }

    async fn look_up(&self, look_up: LookUp<'_>) -> Result<Vec<Plan>, GatherError> {
        let found = look_up.shopify.fulfillment(look_up.call(), &look_up.item.subject).await;
        let shipment = found.map_err(|error| GatherError::of(&error))?.ok_or_else(no_such_shipment)?;
        let tracking = shipment.tracking();
        let shipment = Shipment { id: shipment.id, order: shipment.order, tracking, status: shipment.shown };
        Ok(shipment.plans(&look_up.item.trigger.topic, look_up.config))
    }

    async fn gather(&self, gather: Gather<'_>) -> Result<Gathered, GatherError> {
        let plan = gather.plan;
        let found = gather.shopify.fulfillment(gather.call(), &plan.subject).await;
        let shipment = found.map_err(|error| GatherError::of(&error))?.ok_or_else(no_such_shipment)?;
        if shipment.order != plan.order {
            return Err(GatherError::permanent("the shipment is of another order than the event says"));
        }
        match rules::verdict(plan, gather.item.resend.is_some(), &shipment) {
            Verdict::Make => {}
            Verdict::Suppress(reason) => return Ok(Gathered::suppressed(reason)),
            Verdict::Nothing(_) if is_news(gather.item, gather.payload, &shipment) => {
                return Err(GatherError {
                    class: Class::transient(),
                    reason: "Shopify's answer is older than the event".to_owned(),
                });
            }
            Verdict::Nothing(reason) => return Ok(Gathered::Nothing(reason.into())),
        }
        let found = gather.shopify.order(gather.call(), &shipment.order).await;
        let order = found.map_err(|error| GatherError::of(&error))?;
        let order = order.ok_or_else(|| GatherError::permanent("Shopify has no such order"))?;
        content(&gather, &order, &shipment).map(|content| Gathered::Ready(Box::new(content)))
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
            order: self.order.clone(),
            wanted: config.document(document).is_some(),
        };
        let mut plans = vec![plan(Document::ShippingNotice, tracking_revision(&self.tracking))];
        if topic == "fulfillments/create" {
            plans.push(plan(Document::PackingSlip, Revision::Initial));
        }
        let status = self.status.as_deref().unwrap_or_default();
        plans.extend(delivery_document(status, &self.id, &self.order, config));
        plans
    }
}

/// None for what a customer is never told of, such as a label that was printed.
fn delivery_document(status: &str, shipment: &Gid, order: &Gid, config: &ShopConfig) -> Option<Plan> {
    let document = Document::DeliveryDocument;
    let event = DeliveryEvent::from_name(status)?;
    Some(Plan {
        document,
        subject: shipment.clone(),
        revision: Revision::named(event.name()),
        order: order.clone(),
        wanted: config.document(document).is_some() && config.shipping.delivery_events.contains(&event),
    })
}

/// Whether the event tells of a later change than Shopify's answer knows.
fn is_news(item: &WorkItem, payload: Option<&str>, shipment: &Fulfillment) -> bool {
    let about_shipment = item.trigger.topic.starts_with("fulfillments/");
    let news = payload.filter(|_| about_shipment).map(ShipmentNews::from_webhook);
    let told = news.and_then(|news| news.ok()?.updated_at);
    told.is_some_and(|told| told > shipment.updated_at)
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

fn no_such_shipment() -> GatherError {
    GatherError::permanent("Shopify has no such fulfillment")
}

#[cfg(test)]
mod tests;
