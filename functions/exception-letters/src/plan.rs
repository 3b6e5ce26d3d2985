//! Which letter an event leads to.

use crate::{cancellation, dispute};
use comms::{Document, Gid, Revision};
use flow::{GatherError, LookUp, Plan, Planned};
use serde::Deserialize;
use shop_config::ShopConfig;
use work::WorkItem;

/// What of a payload is read. One that says it otherwise says nothing: Shopify is asked.
#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    order_id: Option<u64>,
}

#[derive(Deserialize)]
struct Kind {
    kind: String,
}

pub fn plan(item: &WorkItem, payload: Option<&str>, config: &ShopConfig) -> Result<Planned, String> {
    let document = match item.trigger.topic.as_str() {
        "refunds/create" => return Ok(Planned::AskShopify),
        "order_transactions/create" => match payload.and_then(read::<Kind>) {
            Some(it) if !is_refund(&it.kind) => Document::PaymentFailureLetter,
            _ => return Ok(Planned::AskShopify),
        },
        "subscription_billing_attempts/failure" => Document::PaymentFailureLetter,
        "orders/cancelled" => Document::CancellationLetter,
        "payment_schedules/due" => Document::PaymentOverdueLetter,
        "disputes/create" => Document::DisputeNotice,
        "disputes/update" => {
            return Ok(match payload.and_then(read::<dispute::State>) {
                Some(state) => {
                    let plans = dispute::after_update(&item.subject, &state, config);
                    Planned::Known(plans.into_iter().collect())
                }
                None => Planned::AskShopify,
            });
        }
        topic => return Err(format!("the topic {topic} leads to no document of this flow")),
    };
    // of a subscription's attempt, the payload names the order of a success
    let names_order = matches!(item.trigger.topic.as_str(), "order_transactions/create" | "disputes/create");
    let named = payload.filter(|_| names_order).and_then(read::<Named>);
    let order = named.and_then(|payload| payload.order_id).map(|id| Gid::new("Order", id));
    Ok(Planned::one(one(document, &item.subject, Revision::Initial, order, config)))
}

/// The letters a transaction leads to of which the event does not say what it is, or that gives money back.
pub async fn of_transaction(look_up: LookUp<'_>) -> Result<Vec<Plan>, GatherError> {
    let said = look_up.payload.and_then(read::<Kind>);
    if !said.is_some_and(|it| is_refund(&it.kind)) {
        let fetched = look_up.shopify.payment_attempt(look_up.call(), &look_up.item.subject).await;
        let Some(attempt) = fetched.map_err(|error| GatherError::of(&error))? else {
            return Err(look_up.absent("transaction").await);
        };
        if !is_refund(&attempt.payment.kind) {
            let order = attempt.order.map(|order| order.id);
            let (subject, config) = (&look_up.item.subject, look_up.config);
            return Ok(vec![one(Document::PaymentFailureLetter, subject, Revision::Initial, order, config)]);
        }
    }
    cancellation::look_up(look_up).await
}

fn is_refund(kind: &str) -> bool {
    kind.eq_ignore_ascii_case("refund")
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
        reported_on: order.unwrap_or_else(|| subject.clone()),
        wanted: config.document(document).is_some(),
    }
}

fn read<'a, T: Deserialize<'a>>(payload: &'a str) -> Option<T> {
    serde_json::from_str(payload).ok()
}
