//! Order confirmations and receipts.
//!
//! | event | document | revision |
//! | --- | --- | --- |
//! | `orders/create` | order-confirmation | the first |
//! | `orders/edited`, if the shop wants it | order-confirmation | the edit |
//! | `orders/paid` | receipt | the first |
//!
//! The events of a new order carry everything; after an edit, and when Shopify's event was too large to
//! carry anything, the order is fetched. No confirmation goes out for an order that is already cancelled.

mod data;

pub use data::{OrderData, Payment};

use comms::{Class, Document, Revision};
use delivery::Recipient;
use flow::{Content, DocumentFlow, Gather, GatherError, Gathered, Plan};
use shop_config::ShopConfig;
use shopify::{Order, OrderEdit};
use work::WorkItem;

#[derive(Debug, Clone, Copy)]
pub struct OrderConfirmation;

impl DocumentFlow for OrderConfirmation {
    fn plan(&self, item: &WorkItem, config: &ShopConfig) -> Vec<Plan> {
        let (document, revision) = match item.trigger.topic.as_str() {
            "orders/create" => (Document::OrderConfirmation, Revision::Initial),
            "orders/paid" => (Document::Receipt, Revision::Initial),
            "orders/edited" => match edit_of(item) {
                Some(edit) => (Document::OrderConfirmation, Revision::Named(format!("edit-{edit}"))),
                None => return Vec::new(),
            },
            _ => return Vec::new(),
        };
        let wanted = config
            .document(document)
            .is_some_and(|settings| revision == Revision::Initial || settings.after_edits);
        if !wanted {
            return Vec::new();
        }
        vec![Plan { document, subject: item.subject.clone(), revision, order: item.subject.clone() }]
    }

    async fn gather(&self, gather: Gather<'_>) -> Result<Gathered, GatherError> {
        let order = order(&gather).await?;
        if order.id != gather.item.subject {
            return Err(GatherError::permanent("the payload is about another order than the event"));
        }
        let document = gather.plan.document;
        if document == Document::OrderConfirmation && order.cancelled_at.is_some() {
            return Ok(Gathered::Suppressed("the order is cancelled"));
        }
        let locale = gather.config.locale(order.locale.as_deref()).to_owned();
        let data = OrderData::new(&order, document, gather.communication, &locale, gather.config)
            .map_err(GatherError::permanent)?;
        let driver = serde_json::to_vec(&data).map_err(GatherError::permanent)?;
        let recipient = Recipient { name: data.recipient_name(), email: order.email.clone(), locale };
        Ok(Gathered::Ready(Box::new(Content {
            schema: data.schema(),
            driver: driver.into(),
            recipient,
            order_name: Some(order.name.clone()),
            customer: order.customer.as_ref().map(|customer| customer.id.clone()),
            test: gather.item.trigger.test || order.test,
        })))
    }
}

/// The order in the payload, or the one Shopify has now where the payload holds none.
async fn order(gather: &Gather<'_>) -> Result<Order, GatherError> {
    match gather.payload {
        Some(payload) if gather.item.trigger.topic != "orders/edited" => {
            Order::from_webhook(payload.as_bytes()).map_err(GatherError::permanent)
        }
        _ => {
            let fetched = gather.shopify.order(gather.call(), &gather.item.subject).await;
            let order = fetched.map_err(|error| GatherError::of(&error))?;
            order.ok_or(GatherError {
                class: Class::Permanent,
                reason: "Shopify has no such order".to_owned(),
            })
        }
    }
}

fn edit_of(item: &WorkItem) -> Option<String> {
    let payload = item.payload.as_ref()?;
    OrderEdit::from_webhook(payload.get()).ok().map(|edit| edit.edit)
}

#[cfg(test)]
mod tests;
