//! Letters about what went wrong: failed payments, cancelled orders, disputes, overdue payments.
//!
//! | event | document | subject, revision |
//! | --- | --- | --- |
//! | `order_transactions/create` of a charge that failed | payment-failure-letter | the transaction |
//! | `subscription_billing_attempts/failure` | payment-failure-letter | the attempt |
//! | `orders/cancelled` | cancellation-letter | the order |
//! | `refunds/create`, a refund's `order_transactions/create`, after the letter | cancellation-letter | the order; the last refund |
//! | `disputes/create` | dispute-notice | the dispute |
//! | `disputes/update`: it became another kind of dispute | dispute-notice | the dispute; the kind |
//! | `disputes/update`: it is decided | dispute-resolution | the dispute; the outcome |
//! | `payment_schedules/due` | payment-overdue-letter | the instalment |
//!
//! What a letter says is fetched when it is made, because events come late and out of order: a payment made
//! since, an order cancelled since, a dispute decided since suppresses the letter, with the reason on record.
//! Where Shopify does not show yet what an event says, nothing is recorded, so that reconciliation finds it.

// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]

mod cancellation;
mod cause;
mod dispute;
mod letter;
mod look_up;
mod overdue;
mod payment;
mod plan;
mod subscription;

pub use cancellation::is_correction;
pub use cause::Cause;

use flow::{Content, Gather, GatherError, Stop};
use letter::{Letter, Letterhead};
use schemars::JsonSchema;
use serde::Serialize;
use shopify::Order;

flow::documents! {
    ExceptionLetters {
        PaymentFailureLetter => payment,
        CancellationLetter => cancellation,
        DisputeNotice => dispute::notice,
        DisputeResolution => dispute::resolution,
        PaymentOverdueLetter => overdue,
    }
    look_up: look_up::look_up
}

/// The letter on an order, for the pipeline.
fn about_order<M: Serialize + JsonSchema>(
    gather: &Gather<'_>,
    order: &Order,
    locale: String,
    matter: M,
) -> Result<Content, GatherError> {
    let letter = Letter::about_order(&Letterhead::of(gather, &locale), order, matter);
    let content = Content::about_order(gather, order, locale, &letter)?;
    Ok(Content { reported_on: Some(order.id.clone()), ..content })
}

/// What follows where Shopify knows no order of the subject. If the event named one, the app may not see it, or not
/// yet; else there is nobody to write to.
async fn without_order(gather: &Gather<'_>) -> Stop {
    if gather.plan.reported_on.kind() == "Order" {
        return gather.absent("order").await.into();
    }
    Stop::suppressed("it belongs to no order: there is nobody to write to")
}

#[cfg(test)]
mod tests;
