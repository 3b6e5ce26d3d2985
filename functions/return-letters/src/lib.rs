//! Letters about returns and refunds.
//!
//! | event | document | subject | revision |
//! | --- | --- | --- | --- |
//! | `returns/request`, if the return is open by now | as `returns/approve` | | |
//! | `returns/approve` | return-authorization | return | the first |
//! | | return-instructions | return | its labels |
//! | `reverse_deliveries/attach_deliverable` | return-instructions | return | its labels |
//! | `returns/decline` | return-declined | return | the first |
//! | `refunds/create`, a refund's `order_transactions/create` | refund-confirmation | refund | the first |
//!
//! Everything a letter says is what Shopify has when it is written. Cancelling, closing and processing a
//! return leads to no letter of its own: what a customer is told of these is what becomes of the money, and
//! that is the refund's event. A refund is confirmed once every payment of it has succeeded; until then
//! nothing is made and nothing recorded, so the event of the last payment, or reconciliation, finds the same
//! communication free. The refunds of one return share its fees, postage and exchange; each letter says what its own
//! refund bears of them. Revisions by label mean that instructions go out again when a label is added or
//! replaced, and only then.
//!
//! Shopify gives a return neither metafields nor tags, so its order carries the report, which names the
//! return or refund as its subject.

// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]

mod balance;
mod common;
mod label;
mod refund;
mod return_letter;
mod settlement;
mod share;

pub use refund::RefundData;
pub use return_letter::ReturnData;

use comms::{Class, Document, Flow, Gid, Revision};
use delivery::Recipient;
use flow::{Content, DocumentFlow, Event, Gather, GatherError, Gathered, LookUp, Plan, PlanError, Planned};
use jiff::SignedDuration;
use label::Address;
use serde::Serialize;
use settlement::{Attempts, Settlement};
use shop_config::ShopConfig;
use shopify::{
    Order,
    returns::{Ids, Refund, Return, ReturnLabels, ReturnStatus},
};

#[derive(Debug, Clone, Copy)]
pub struct ReturnLetters;

impl DocumentFlow for ReturnLetters {
    const FLOW: Flow = Flow::ReturnLetters;

    /// Reads of the payload `order.admin_graphql_api_id` or `order_id`, each optional, and of a reverse
    /// delivery `return.admin_graphql_api_id`; of a transaction nothing. An item without a payload is
    /// understood, too, except for a reverse delivery.
    fn plan(&self, event: &Event<'_>) -> Result<Planned, PlanError> {
        let Event { item, payload, config } = *event;
        let topic = item.trigger.topic.as_str();
        let kind = match topic {
            "refunds/create" => "Refund",
            "order_transactions/create" => "OrderTransaction",
            "reverse_deliveries/attach_deliverable" => "ReverseDelivery",
            _ => "Return",
        };
        item.subject.clone().of_kind(kind)?;
        let ids = ids(payload).map_err(|error| PlanError::Item(error.into()))?;
        let one = |document| Planned::one(first(document, &item.subject, ids.order.as_ref(), config));
        Ok(match topic {
            // without instructions in the configuration, no label matters
            "returns/request" | "returns/approve" => {
                match config.documents.contains_key(&Document::ReturnInstructions) {
                    true => Planned::AskShopify,
                    false => one(Document::ReturnAuthorization),
                }
            }
            "returns/decline" => one(Document::ReturnDeclined),
            "refunds/create" => one(Document::RefundConfirmation),
            "order_transactions/create" => Planned::AskShopify,
            "reverse_deliveries/attach_deliverable" => {
                match config.documents.contains_key(&Document::ReturnInstructions) {
                    true => Planned::AskShopify,
                    false => Planned::Known(vec![]),
                }
            }
            "returns/cancel" | "returns/close" | "returns/process" | "returns/reopen" | "returns/update" => {
                Planned::Known(vec![])
            }
            topic => return Err(PlanError::Topic { topic: topic.to_owned() }),
        })
    }

    async fn look_up(&self, look_up: LookUp<'_>) -> Result<Vec<Plan>, GatherError> {
        let item = look_up.item;
        let ids = ids(look_up.payload).map_err(GatherError::permanent)?;
        if item.trigger.topic == "order_transactions/create" {
            let found = look_up.shopify.refunds_of(look_up.call(), &item.subject).await;
            let found = found.map_err(|error| GatherError::of(&error))?;
            let Some(found) = found else { return Err(look_up.absent("transaction").await) };
            // later than that, money was paid back without a refund, which is nobody's matter here
            let age = item.trigger.triggered_at.map(|at| look_up.now.duration_since(at));
            if found.refunds.is_empty() && age.is_some_and(|age| age < PAYMENTS_FOLLOW) {
                return Err(waiting("the transaction belongs to no refund yet"));
            }
            let plan =
                |refund| first(Document::RefundConfirmation, refund, Some(&found.order), look_up.config);
            return Ok(found.refunds.iter().map(plan).collect());
        }
        let attached = item.trigger.topic == "reverse_deliveries/attach_deliverable";
        let subject = match (attached, ids.r#return) {
            (false, _) => item.subject.clone(),
            (true, Some(id)) => id,
            (true, None) => return Err(GatherError::permanent("the payload names no return")),
        };
        let found = labels_of(&look_up, &subject).await?;
        let order = found.as_ref().map(|(found, _)| &found.order).or(ids.order.as_ref());
        let (labels, address) = match &found {
            Some((found, address)) => (found.labels.as_slice(), *address),
            None => (&[][..], Address::Whole),
        };
        let mut plans = Vec::with_capacity(2);
        if !attached {
            plans.push(first(Document::ReturnAuthorization, &subject, order, look_up.config));
        }
        let wait = attached || look_up.config.returns.wait_for_label;
        if !(wait && labels.is_empty()) {
            let instructions = first(Document::ReturnInstructions, &subject, order, look_up.config);
            plans.push(Plan { revision: label::revision(labels, address), ..instructions });
        }
        // a request that waits for an answer, or a label of a return that is over
        let is_open = |status| matches!(status, ReturnStatus::Open | ReturnStatus::Unknown);
        let open = found.is_none_or(|(found, _)| is_open(found.status));
        Ok(if open || item.trigger.topic == "returns/approve" { plans } else { vec![] })
    }

    async fn gather(&self, gather: Gather<'_>) -> Result<Gathered, GatherError> {
        match gather.plan.document {
            Document::ReturnAuthorization | Document::ReturnInstructions | Document::ReturnDeclined => {
                return_letter(&gather).await
            }
            Document::RefundConfirmation => refund_confirmation(&gather).await,
            document => Err(GatherError::permanent(format!("{document} is no document of this flow"))),
        }
    }
}

/// The labels of a return, and how much of their addresses counts. Where a query could tell, they are read once more:
/// one that differs at every read tells nothing. None of a return that is gone for good, of which the documents
/// themselves then say so.
async fn labels_of(look_up: &LookUp<'_>, id: &Gid) -> Result<Option<(ReturnLabels, Address)>, GatherError> {
    let read = async || {
        let found = look_up.shopify.return_labels(look_up.call(), id).await;
        found.map_err(|error| GatherError::of(&error))
    };
    let Some(found) = read().await? else {
        let absent = look_up.absent("return").await;
        return if absent.class == Class::Permanent { Ok(None) } else { Err(absent) };
    };
    if !label::has_query(&found.labels) {
        return Ok(Some((found, Address::Whole)));
    }
    let again = read().await?.ok_or_else(|| waiting("the return was deleted while it was read"))?;
    let same = |address| label::revision(&found.labels, address) == label::revision(&again.labels, address);
    let address = if !same(Address::Whole) && same(Address::Path) { Address::Path } else { Address::Whole };
    Ok(Some((again, address)))
}

/// What is to come back, because Shopify shows the rest of it later.
fn waiting(reason: &str) -> GatherError {
    GatherError { class: Class::transient(), reason: reason.to_owned() }
}

fn ids(payload: Option<&str>) -> Result<Ids, String> {
    payload.map_or(Ok(Ids::default()), Ids::from_webhook).map_err(|error| error.to_string())
}

/// The first issue of a document about `subject`.
fn first(document: Document, subject: &Gid, order: Option<&Gid>, config: &ShopConfig) -> Plan {
    Plan {
        document,
        subject: subject.clone(),
        revision: Revision::Initial,
        reported_on: order.unwrap_or(subject).clone(),
        wanted: config.document(document).is_some(),
    }
}

async fn return_letter(gather: &Gather<'_>) -> Result<Gathered, GatherError> {
    let found = return_of(gather, &gather.plan.subject).await?;
    if let Some(not) = not_written(gather, &found)? {
        return Ok(not);
    }
    let order = order_of(gather, &found.order).await?;
    let locale = gather.locale(&order.locales())?;
    let data =
        ReturnData::new(&found, &order, gather.plan.document, gather.communication, &locale, gather.config)
            .map_err(GatherError::unusable)?;
    ready(gather, &order, locale, &data, order.test)
}

/// Why a letter about this return is not, or not yet, to be written.
fn not_written(gather: &Gather<'_>, found: &Return) -> Result<Option<Gathered>, GatherError> {
    let suppressed = |reason: &'static str| Gathered::Suppressed {
        reason: reason.into(),
        reported_on: owner(gather.plan, &found.order),
    };
    let nothing = |reason: &'static str| Gathered::NotDue(reason.into());
    // a request's event says nothing of an approval
    let approved = gather.item.trigger.topic != "returns/request" || found.approved_at.is_some();
    let declined = gather.plan.document == Document::ReturnDeclined;
    let not = match found.status {
        ReturnStatus::Unknown => {
            return Err(GatherError::unusable("the return is in a state that this release does not know"));
        }
        ReturnStatus::Declined if declined => None,
        ReturnStatus::Canceled if declined => Some(suppressed("the return is cancelled")),
        _ if declined => Some(nothing("the return is not declined")),
        ReturnStatus::Open => None,
        ReturnStatus::Requested => Some(nothing("the return is not approved yet")),
        ReturnStatus::Declined => Some(nothing("the return is declined")),
        ReturnStatus::Canceled if approved => Some(suppressed("the return is cancelled")),
        ReturnStatus::Closed if approved => Some(suppressed("the return is closed")),
        ReturnStatus::Canceled | ReturnStatus::Closed => Some(nothing("the return was never approved")),
    };
    let asked_for = gather.item.resend.is_some();
    let instructions = gather.plan.document == Document::ReturnInstructions;
    let planned =
        [Address::Whole, Address::Path].map(|it| label::revision(&found.labels, it) == gather.plan.revision);
    if not.is_none() && instructions && !asked_for && !planned.contains(&true) {
        // the event of the other label leads to the other revision
        return Ok(Some(nothing("the return has other labels by now")));
    }
    Ok(not)
}

/// After this long, a refund without a payment is one that pays nothing back.
const PAYMENTS_FOLLOW: SignedDuration = SignedDuration::from_hours(1);

async fn refund_confirmation(gather: &Gather<'_>) -> Result<Gathered, GatherError> {
    let refund = refund_of(gather, &gather.plan.subject).await?;
    let payments = match Attempts::of(&refund).settlement() {
        Settlement::Paid(payments) => payments,
        Settlement::Waiting(reason) => return Ok(Gathered::NotDue(reason.into())),
    };
    // the refund comes before its payments, which may not be on record yet
    let age = gather.now.duration_since(refund.processed_at);
    if payments.is_empty() && age < PAYMENTS_FOLLOW {
        return Ok(Gathered::NotDue("no payment of the refund is on record yet".into()));
    }
    if let Some(reason) = nothing_refunded(&refund, payments.is_empty()) {
        let owner = owner(gather.plan, &refund.order);
        return Ok(Gathered::Suppressed { reason: reason.into(), reported_on: owner });
    }
    let part_of = match &refund.r#return {
        Some(id) => Some(return_of(gather, id).await?),
        None => None,
    };
    let earlier = match &part_of {
        Some(part_of) => earlier_refunds(gather, part_of, &refund).await?,
        None => Vec::new(),
    };
    let order = order_of(gather, &refund.order).await?;
    let locale = gather.locale(&order.locales())?;
    let about = refund::About {
        refund: &refund,
        part_of: part_of.as_ref(),
        earlier: &earlier,
        payments: &payments,
        order: &order,
    };
    let data = RefundData::new(about, gather.communication, &locale, gather.config)
        .map_err(|error| GatherError::unusable(format!("the refund's amounts: {error}")))?;
    let test = order.test || payments.iter().any(|payment| payment.test);
    ready(gather, &order, locale, &data, test)
}

/// The refunds of the return that were made before this one, in their order: what they bear of the return's costs, this
/// one does not. What they pay is as good as known once their payments are on record.
async fn earlier_refunds(
    gather: &Gather<'_>,
    part_of: &Return,
    refund: &Refund,
) -> Result<Vec<Refund>, GatherError> {
    let place = |at: jiff::Timestamp, id: &Gid| (at, id.number().parse::<u64>().unwrap_or_default());
    let mut before: Vec<_> =
        part_of.refunds.iter().map(|it| (place(it.created_at, &it.id), &it.id)).collect();
    before.retain(|(at, id)| *at < place(refund.created_at, &refund.id) && **id != refund.id);
    before.sort();
    let mut earlier = Vec::with_capacity(before.len());
    for (_, id) in before {
        let found = refund_of(gather, id).await?;
        let age = gather.now.duration_since(found.processed_at);
        if Attempts::of(&found).meant().is_empty() && age < PAYMENTS_FOLLOW {
            return Err(waiting("no payment of an earlier refund of the return is on record yet"));
        }
        earlier.push(found);
    }
    Ok(earlier)
}

/// Taking something out of an order that was never paid is a refund to Shopify, and none to the customer. An
/// exchange may be even: then the letter says what was given back for what.
fn nothing_refunded(refund: &Refund, unpaid: bool) -> Option<&'static str> {
    let zero = settlement::is_zero(refund);
    match (unpaid, refund.lines.is_empty()) {
        (_, true) if zero => Some("nothing was refunded"),
        (true, false) if refund.r#return.is_none() => Some("no money was paid back"),
        _ => None,
    }
}

fn ready(
    gather: &Gather<'_>,
    order: &Order,
    locale: String,
    data: &impl Serialize,
    test: bool,
) -> Result<Gathered, GatherError> {
    let recipient = Recipient { name: driver::recipient_name(order), email: driver::email(order), locale };
    Ok(Gathered::Ready(Box::new(Content {
        name: Some(order.name.clone()),
        customer: order.customer.as_ref().map(|customer| customer.id.clone()),
        reported_on: owner(gather.plan, &order.id),
        test: gather.item.trigger.test || test,
        ..Content::new(gather, data, recipient)?
    })))
}

/// The order, where the event did not name it.
fn owner(plan: &Plan, order: &Gid) -> Option<Gid> {
    (plan.reported_on != *order).then(|| order.clone())
}

async fn refund_of(gather: &Gather<'_>, id: &Gid) -> Result<Refund, GatherError> {
    match gather.shopify.refund(gather.call(), id).await.map_err(|error| GatherError::of(&error))? {
        Some(found) => Ok(found),
        None => Err(gather.absent("refund").await),
    }
}

async fn return_of(gather: &Gather<'_>, id: &Gid) -> Result<Return, GatherError> {
    match gather.shopify.return_(gather.call(), id).await.map_err(|error| GatherError::of(&error))? {
        Some(found) => Ok(found),
        None => Err(gather.absent("return").await),
    }
}

async fn order_of(gather: &Gather<'_>, id: &Gid) -> Result<Order, GatherError> {
    match gather.shopify.order(gather.call(), id).await.map_err(|error| GatherError::of(&error))? {
        Some(found) => Ok(found),
        None => Err(gather.absent("order").await),
    }
}

/// Starts the function and serves its invocations until Lambda ends the process.
pub fn serve() -> service::Serving {
    flow::serve(ReturnLetters)
}

#[cfg(test)]
mod tests;
