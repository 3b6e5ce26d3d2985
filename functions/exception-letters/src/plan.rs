//! Which letter an event leads to.

use crate::dispute;
use comms::{Document, Gid, Revision};
use flow::{Plan, Planned};
use serde::Deserialize;
use shop_config::ShopConfig;
use work::WorkItem;

#[derive(Deserialize)]
struct OfOrder {
    #[serde(default)]
    order_id: Option<u64>,
}

pub fn plan(item: &WorkItem, payload: Option<&str>, config: &ShopConfig) -> Result<Planned, String> {
    let document = match item.trigger.topic.as_str() {
        "refunds/create" => return Ok(Planned::AskShopify),
        "order_transactions/create" if payload.is_some_and(is_refund) => return Ok(Planned::AskShopify),
        "order_transactions/create" | "subscription_billing_attempts/failure" => {
            Document::PaymentFailureLetter
        }
        "orders/cancelled" => Document::CancellationLetter,
        "payment_schedules/due" => Document::PaymentOverdueLetter,
        "disputes/create" => Document::DisputeNotice,
        "disputes/update" => {
            return match payload {
                Some(payload) => {
                    let state: dispute::State = read(item, payload)?;
                    let plans = dispute::after_update(&item.subject, &state, config);
                    Ok(Planned::These(plans.into_iter().collect()))
                }
                None => Ok(Planned::AskShopify),
            };
        }
        topic => return Err(format!("the topic {topic} leads to no document of this flow")),
    };
    // of a subscription's attempt, the payload names the order of a success
    let named = match item.trigger.topic.as_str() {
        "order_transactions/create" | "disputes/create" => payload,
        _ => None,
    };
    let order = named.map(|payload| read::<OfOrder>(item, payload)).transpose()?;
    let order = order.and_then(|payload| payload.order_id).map(|id| Gid::new("Order", id));
    Ok(Planned::one(one(document, &item.subject, Revision::Initial, order, config)))
}

/// A transaction that takes no money but gives it back. One that cannot be read is told by Shopify what it is.
fn is_refund(payload: &str) -> bool {
    #[derive(Deserialize)]
    struct Transaction {
        kind: String,
    }
    serde_json::from_str(payload).is_ok_and(|it: Transaction| it.kind.eq_ignore_ascii_case("refund"))
}

/// A plan of a document about `subject`, which belongs to `order`, if that is known.
pub fn one(
    document: Document,
    subject: &Gid,
    revision: Revision,
    order: Option<Gid>,
    config: &ShopConfig,
) -> Plan {
    Plan {
        document,
        subject: subject.clone(),
        revision,
        order: order.unwrap_or_else(|| subject.clone()),
        wanted: config.document(document).is_some(),
    }
}

/// The message of the error names the topic and no more: a payload is a customer's.
fn read<'a, T: Deserialize<'a>>(item: &WorkItem, payload: &'a str) -> Result<T, String> {
    serde_json::from_str(payload)
        .map_err(|_| format!("the payload of {} has fields of unexpected types", item.trigger.topic))
}
