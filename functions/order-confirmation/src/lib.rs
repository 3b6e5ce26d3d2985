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

mod confirmation;
mod data;
mod receipt;
mod source;

use data::OrderData;
use flow::{Content, Gather, GatherError};
use source::Source;

flow::documents! {
    OrderConfirmation {
        OrderConfirmation => confirmation,
        Receipt => receipt,
    }
}

/// The document about the order of this source.
fn content(gather: &Gather<'_>, Source { order, state }: &Source) -> Result<Content, GatherError> {
    let locale = gather.locale(&order.locales())?;
    let (document, communication) = (gather.plan.document, gather.communication);
    let data = OrderData::new(order, *state, document, communication, &locale, gather.config)
        .map_err(GatherError::unusable)?;
    Content::about_order(gather, order, locale, &data)
}

#[cfg(test)]
mod tests;
