//! Order confirmations and receipts.
//!
//! | event | document | revision |
//! | --- | --- | --- |
//! | `orders/create` | order-confirmation | the first |
//! | `orders/edited`, if the shop wants it | order-confirmation | the edit |
//! | `orders/paid` | receipt | the first |
//!
//! The events of a new order carry everything, unless the order has no language and the customer's is to be asked
//! for; after an edit, and when Shopify's event was too large to carry anything, the order is fetched. An order that is cancelled in the data at hand gets no confirmation.

mod data;

pub use data::{OrderData, Payment};

use comms::{Document, Flow, Revision};
use delivery::Recipient;
use flow::{Content, DocumentFlow, Gather, GatherError, Gathered, Plan, Planned};
use shop_config::ShopConfig;
use shopify::{Order, OrderEdit};
use work::WorkItem;

#[derive(Debug, Clone, Copy)]
pub struct OrderConfirmation;

impl DocumentFlow for OrderConfirmation {
    const FLOW: Flow = Flow::OrderConfirmation;

    fn plan(&self, item: &WorkItem, payload: Option<&str>, config: &ShopConfig) -> Result<Planned, String> {
        let (document, revision) = match item.trigger.topic.as_str() {
            "orders/create" => (Document::OrderConfirmation, Revision::Initial),
            "orders/paid" => (Document::Receipt, Revision::Initial),
            "orders/edited" => {
                let payload = payload.ok_or("the event orders/edited came without its payload")?;
                let edit = OrderEdit::from_webhook(payload).map_err(|error| error.to_string())?.edit;
                (Document::OrderConfirmation, Revision::named(format!("edit-{edit}")))
            }
            topic => return Err(format!("the topic {topic} leads to no document of this flow")),
        };
        let wanted = config
            .document(document)
            .is_some_and(|settings| revision == Revision::Initial || settings.after_edits);
        let (subject, order) = (item.subject.clone(), item.subject.clone());
        Ok(Planned::one(Plan { document, subject, revision, order, wanted }))
    }

    async fn gather(&self, gather: Gather<'_>) -> Result<Gathered, GatherError> {
        let order = order(&gather).await?;
        if order.id != gather.item.subject {
            return Err(GatherError::permanent("the payload is about another order than the event"));
        }
        let document = gather.plan.document;
        if document == Document::OrderConfirmation && order.cancelled_at.is_some() {
            return Ok(Gathered::suppressed("the order is cancelled"));
        }
        let locale = gather.locale(&order.locales())?;
        let data = OrderData::new(
            &order,
            document,
            gather.communication,
            &locale,
            gather.config,
            gather.plan.revision != Revision::Initial,
        )
        .map_err(GatherError::permanent)?;
        let recipient =
            Recipient { name: driver::recipient_name(&order), email: driver::email(&order), locale };
        Ok(Gathered::Ready(Box::new(Content {
            name: Some(order.name.clone()),
            customer: order.customer.as_ref().map(|customer| customer.id.clone()),
            test: gather.item.trigger.test || order.test,
            ..Content::of(data.schema(), &data, recipient)?
        })))
    }
}

/// The order in the payload, or the one Shopify has now where the payload holds none or lacks the language.
async fn order(gather: &Gather<'_>) -> Result<Order, GatherError> {
    if let Some(payload) = gather.payload.filter(|_| gather.item.trigger.topic != "orders/edited") {
        let order = Order::from_webhook(payload.as_bytes()).map_err(GatherError::permanent)?;
        if order.locale.is_some() || order.customer.is_none() {
            return Ok(order);
        }
    }
    let fetched = gather.shopify.order(gather.call(), &gather.item.subject).await;
    let order = fetched.map_err(|error| GatherError::of(&error))?;
    order.ok_or_else(|| GatherError::permanent("Shopify has no such order"))
}

#[cfg(test)]
mod tests;
