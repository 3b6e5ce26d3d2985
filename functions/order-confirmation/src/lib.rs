//! Order confirmations and receipts.
//!
//! | event | document | revision |
//! | --- | --- | --- |
//! | `orders/create` | order-confirmation | the first |
//! | `orders/edited`, if the shop wants it | order-confirmation | the edit |
//! | `orders/paid` | receipt | the first |
//!
//! A confirmation shows the order as it was placed, which its event carries; after an edit, as it is now. A receipt
//! shows what is still ordered, and the payments, which only Shopify knows. `source` says which of the two is asked
//! for what. An order that is cancelled in the data at hand gets no confirmation.

// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]

mod data;
mod source;

pub use data::{OrderData, Payment, State};

use comms::{Document, Flow, Revision};
use delivery::Recipient;
use flow::{Content, DocumentFlow, Gather, GatherError, Gathered, Plan, Planned};
use shop_config::ShopConfig;
use shopify::OrderEdit;
use source::Source;
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
        Ok(Planned::one(Plan { document, subject, revision, reported_on: order, wanted }))
    }

    async fn gather(&self, gather: Gather<'_>) -> Result<Gathered, GatherError> {
        let Source { order, state } = source::of(&gather).await?;
        if order.id != gather.item.subject {
            return Err(GatherError::unusable("Shopify answered with another order than it was asked for"));
        }
        let document = gather.plan.document;
        if document == Document::OrderConfirmation && order.cancelled_at.is_some() {
            return Ok(Gathered::suppressed("the order is cancelled"));
        }
        let locale = gather.locale(&order.locales())?;
        let data = OrderData::new(&order, state, document, gather.communication, &locale, gather.config)
            .map_err(GatherError::unusable)?;
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

/// Starts the function and serves its invocations until Lambda ends the process.
pub fn serve() -> service::Serving {
    flow::serve(OrderConfirmation)
}

#[cfg(test)]
mod tests;
