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
mod overdue;
mod payment;
mod plan;
mod subscription;

pub use cancellation::{CancellationMatter, is_correction};
pub use cause::Cause;
pub use dispute::{NoticeMatter, ResolutionMatter};
pub use letter::Letter;
pub use overdue::OverdueMatter;
pub use payment::PaymentFailureMatter;

use comms::{Class, Document, Flow, Gid};
use delivery::Recipient;
use flow::{Content, DocumentFlow, Gather, GatherError, Gathered, History, LookUp, Plan, Planned};
use jiff::Timestamp;
use letter::Letterhead;
use schemars::JsonSchema;
use serde::Serialize;
use shop_config::ShopConfig;
use shopify::Order;
use std::time::Duration;
use work::WorkItem;

#[derive(Debug, Clone, Copy)]
pub struct ExceptionLetters;

impl DocumentFlow for ExceptionLetters {
    const FLOW: Flow = Flow::ExceptionLetters;

    /// Of a payload, no more is read than this; where it is not there, or is of another type, Shopify is asked.
    ///
    /// | topic | fields |
    /// | --- | --- |
    /// | `order_transactions/create` | `kind`, `order_id` |
    /// | `disputes/create`, `refunds/create` | `order_id` |
    /// | `disputes/update` | `order_id`, `type`, `status`, `finalized_on` |
    /// | the others | none |
    fn plan(&self, item: &WorkItem, payload: Option<&str>, config: &ShopConfig) -> Result<Planned, String> {
        plan::plan(item, payload, config)
    }

    async fn look_up(&self, look_up: LookUp<'_>) -> Result<Vec<Plan>, GatherError> {
        match look_up.item.trigger.topic.as_str() {
            "disputes/update" => dispute::look_up(look_up).await,
            "order_transactions/create" => plan::of_transaction(look_up).await,
            _ => cancellation::look_up(look_up).await,
        }
    }

    async fn gather_after(&self, gather: Gather<'_>, history: History<'_>) -> Result<Gathered, GatherError> {
        match is_correction(gather.plan) {
            true => cancellation::correct(gather, history).await,
            false => self.gather(gather).await,
        }
    }

    async fn gather(&self, gather: Gather<'_>) -> Result<Gathered, GatherError> {
        match (gather.plan.document, gather.plan.subject.kind()) {
            (Document::PaymentFailureLetter, "SubscriptionBillingAttempt") => {
                subscription::gather(gather).await
            }
            (Document::PaymentFailureLetter, _) => payment::gather(gather).await,
            (Document::CancellationLetter, _) => cancellation::gather(gather).await,
            (Document::DisputeNotice | Document::DisputeResolution, _) => dispute::gather(gather).await,
            (Document::PaymentOverdueLetter, _) => overdue::gather(gather).await,
            (document, _) => Err(GatherError::permanent(format!("{document} is no document of this flow"))),
        }
    }
}

/// What is to become of a letter, from what Shopify has now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Write,
    /// There is no use for it any more. On record, and final.
    Never(&'static str),
    /// Shopify shows nothing to write about. Not on record: it may come.
    NotNow(&'static str),
    /// Too early to tell, for the reason.
    Wait(Timestamp, &'static str),
}

impl Verdict {
    /// Nothing, if the letter is to be written.
    fn ends(self, gather: &Gather<'_>, owner: Option<&Gid>) -> Result<Option<Gathered>, GatherError> {
        match self {
            Self::Write => Ok(None),
            Self::Never(reason) => {
                Ok(Some(Gathered::Suppressed { reason: reason.into(), reported_on: owner.cloned() }))
            }
            Self::NotNow(reason) => Ok(Some(Gathered::NotDue(reason.into()))),
            Self::Wait(until, reason) => {
                let wait = Duration::try_from(until.duration_since(gather.now)).unwrap_or_default();
                Err(GatherError {
                    class: Class::Transient { retry_after: Some(wait) },
                    reason: reason.to_owned(),
                })
            }
        }
    }
}

/// The letter on an order, for the pipeline.
fn about_order<M: Serialize + JsonSchema>(
    gather: &Gather<'_>,
    order: &Order,
    locale: String,
    matter: M,
) -> Result<Gathered, GatherError> {
    let head = Letterhead::of(gather, &locale);
    let letter = Letter::about_order(&head, order, matter);
    let recipient = Recipient { name: driver::recipient_name(order), email: driver::email(order), locale };
    Ok(Gathered::Ready(Box::new(Content {
        name: Some(order.name.clone()),
        customer: order.customer.as_ref().map(|customer| customer.id.clone()),
        reported_on: Some(order.id.clone()),
        test: gather.item.trigger.test || order.test,
        ..Content::of(letter.schema(), &letter, recipient)?
    })))
}

/// An order that something is known to be about.
async fn order(gather: &Gather<'_>, id: &Gid) -> Result<Order, GatherError> {
    let fetched = gather.shopify.order(gather.call(), id).await;
    let order = fetched.map_err(|error| GatherError::of(&error))?;
    match order {
        Some(order) => Ok(order),
        None => Err(gather.absent("order").await),
    }
}

/// What follows where Shopify knows no order of the subject. If the event named one, the app may not see it, or not
/// yet; else there is nobody to write to.
async fn without_order(gather: &Gather<'_>) -> Result<Gathered, GatherError> {
    if gather.plan.reported_on.kind() == "Order" {
        return Err(gather.absent("order").await);
    }
    Ok(Gathered::suppressed("it belongs to no order: there is nobody to write to"))
}

/// A person asked for this issue of the letter: what only spares a customer letters does not apply.
fn is_asked_for(gather: &Gather<'_>) -> bool {
    gather.item.resend.is_some()
}

/// Starts the function and serves its invocations until Lambda ends the process.
pub fn serve() -> service::Serving {
    flow::serve(ExceptionLetters)
}

#[cfg(test)]
mod tests;
