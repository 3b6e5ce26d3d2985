//! What the documents about a shipment have in common: what leads to them, and how they are made.

use crate::{
    data::ShipmentData,
    rules::{self, Judge, Request},
};
use comms::{Document, Gid, Revision};
use flow::{Content, Event, Gather, GatherError, Plan, PlanError, Planned, Stop, Verdict};
use shopify::{
    Order,
    fulfillment::{DeliveryNews, Fulfillment, ShipmentNews, Tracking},
};
use work::WorkItem;

/// The document that follows from what is told of a shipment, if it does.
pub type Follows = fn(&Event<'_>, &ShipmentFacts) -> Option<Plan>;

/// What is told of a shipment, by an event or by Shopify.
pub struct ShipmentFacts {
    pub id: Gid,
    pub order: Gid,
    /// None where only what happened on its way is told.
    pub tracking: Option<Tracking>,
    /// Where it is on its way, such as `out_for_delivery`.
    pub status: String,
}

impl ShipmentFacts {
    /// A document about the shipment.
    pub fn plan(&self, event: &Event<'_>, document: Document, revision: Revision) -> Plan {
        let (subject, reported_on) = (self.id.clone(), self.order.clone());
        Plan { subject, revision, reported_on, ..event.plan(document) }
    }
}

/// What an event leads to of a document about a shipment.
///
/// Reads of `fulfillments/create` and `fulfillments/update`, whose subject is the fulfillment: `order_id`,
/// `tracking_number`, `tracking_numbers`, `tracking_url`, `tracking_urls`, `shipment_status` and, to know an
/// answer that is older than the event, `updated_at`; all but the first may be absent. Without a payload that
/// can be read, Shopify is asked. Of `fulfillment_events/create`: `fulfillment_id`, `order_id`, `status` and,
/// to know an answer that is older, `id`.
pub fn plan(event: &Event<'_>, follows: Follows) -> Result<Planned, PlanError> {
    let facts = match event.topic() {
        "fulfillment_events/create" => {
            let DeliveryNews { fulfillment: id, order, status, .. } =
                DeliveryNews::from_webhook(event.payload()?)?;
            ShipmentFacts { id, order, tracking: None, status }
        }
        _ => {
            let id = event.item.subject.clone().of_kind("Fulfillment")?;
            let Some(Ok(news)) = event.payload.map(ShipmentNews::from_webhook) else {
                return Ok(Planned::AskShopify);
            };
            let status = news.shipment_status.unwrap_or_default();
            ShipmentFacts { id, order: news.order, tracking: Some(news.tracking), status }
        }
    };
    Ok(Planned::Known(follows(event, &facts).into_iter().collect()))
}

/// A document about a shipment for the buyer, if it is due.
pub async fn gather(gather: &Gather<'_>, judge: Judge) -> Result<Content, Stop> {
    let (shipment, order) = due(gather, judge).await?;
    Ok(content(gather, &shipment, &order)?)
}

/// The shipment and its order, if the document is due.
pub async fn due(gather: &Gather<'_>, judge: Judge) -> Result<(Fulfillment, Order), Stop> {
    let asked = gather.shopify.fulfillment(gather.call(), &gather.plan.subject).await;
    let shipment = gather.found("fulfillment", asked).await?;
    if shipment.order != gather.plan.reported_on {
        return Err(GatherError::unusable("the shipment is of another order than the event says").into());
    }
    let request = Request {
        again: gather.is_asked_for(),
        tells_out_for_delivery: gather.config.document(Document::OutForDeliveryNotice).is_some(),
    };
    let verdict = rules::verdict(gather.plan, request, &shipment, judge);
    let out_of_date = matches!(verdict, Verdict::ReplaceBy(_) | Verdict::NotDue(_));
    if out_of_date && gather.is_recent() && is_news(gather.item, gather.payload, &shipment) {
        return Err(GatherError::not_yet("Shopify's answer is older than the event").into());
    }
    verdict.or_stop(gather, None)?;
    let order = gather.order(&shipment.order).await?;
    rules::has_address(&shipment, &order).or_stop(gather, None)?;
    Ok((shipment, order))
}

/// What the document says, for the buyer.
pub fn content(gather: &Gather<'_>, shipment: &Fulfillment, order: &Order) -> Result<Content, GatherError> {
    let locale = gather.locale(&order.locales())?;
    let event = rules::event(gather.plan, shipment);
    let (document, communication) = (gather.plan.document, gather.communication);
    let data = ShipmentData::new(order, shipment, document, communication, &locale, gather.config, event)?;
    Content::about_order(gather, order, locale, &data)
}

/// Whether the event tells of something that Shopify's answer does not know.
pub fn is_news(item: &WorkItem, payload: Option<&str>, shipment: &Fulfillment) -> bool {
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
