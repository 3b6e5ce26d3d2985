//! The letters that follow from what only Shopify knows.

use crate::{
    cancellation, dispute, payment,
    plan::{about, gives_back, is_refund},
};
use flow::{GatherError, LookUp, Plan};

/// The letters of an item of which the event does not say what it leads to.
pub async fn look_up(look_up: LookUp<'_>) -> Result<Vec<Plan>, GatherError> {
    match look_up.item.trigger.topic.as_str() {
        "disputes/update" => dispute::look_up(look_up).await,
        "order_transactions/create" => of_transaction(look_up).await,
        _ => cancellation::look_up(look_up).await,
    }
}

/// The letters a transaction leads to of which the event does not say what it is, or that gives money back.
async fn of_transaction(look_up: LookUp<'_>) -> Result<Vec<Plan>, GatherError> {
    if gives_back(&look_up.event()) != Some(true) {
        let fetched = look_up.shopify.payment_attempt(look_up.call(), &look_up.item.subject).await?;
        let Some(attempt) = fetched else { return Err(look_up.absent("transaction").await) };
        if !is_refund(&attempt.payment.kind) {
            let order = attempt.order.map(|order| order.id);
            return Ok(vec![about(&look_up.event(), payment::DOCUMENT, order)]);
        }
    }
    cancellation::look_up(look_up).await
}
