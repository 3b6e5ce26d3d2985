//! Promotional offers, loyalty statements and replenishment reminders.
//!
//! | cause | document | revision |
//! | --- | --- | --- |
//! | `customer.joined_segment`, for each offer of the segment | promotional-offer | the offer |
//! | `campaign`, which offer-run makes | promotional-offer, loyalty-statement | campaign and its date |
//! | `campaign` | replenishment-reminder, one for all that is to be reminded of | the last day to remind of |
//!
//! Everything a document says is fetched when it is made: an event names the customer and the cause only. An offer for
//! joining goes to a customer once, whichever segments lead to it and however often they are joined; a campaign offers
//! it again on each of its dates. No purchase is reminded of twice. Consent is read with the customer and checked,
//! with everything else that forbids marketing, right before sending.

// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "an overflow is a failed test"))]

mod cause;
mod consent;
mod data;
mod gather;
mod points;
mod replenish;

pub use cause::{Cause, Firing};
pub use data::{Promotion, Reminder, Statement};

use comms::{Document, Flow, Gid, Revision};
use flow::{DocumentFlow, Event, Gather, GatherError, Gathered, LookUp, Plan, PlanError, Planned};
use jiff::{Span, Timestamp, civil::Date, tz::TimeZone};
use replenish::{Days, Due, HISTORY_DAYS};
use shop_config::ShopConfig;
use shopify::{AdminApi, Call};
use std::collections::BTreeSet;

#[derive(Debug, Clone, Copy)]
pub struct TargetedOffers;

impl DocumentFlow for TargetedOffers {
    const FLOW: Flow = Flow::TargetedOffers;

    /// Reads `segment_id` of `customer.joined_segment`; `campaign`, `document` and `period` of `campaign`.
    fn plan(&self, event: &Event<'_>) -> Result<Planned, PlanError> {
        let Event { item, payload, config } = *event;
        let plan = |document, revision: String, wanted: bool| Plan {
            document,
            subject: item.subject.clone(),
            revision: Revision::named(revision),
            reported_on: item.subject.clone(),
            wanted: wanted && config.document(document).is_some(),
        };
        match Cause::read(item, payload).map_err(|error| PlanError::Item(error.into()))? {
            Cause::Joined(segment) => {
                let segments = config.marketing.segments.iter().filter(|it| it.segment == segment);
                let offers: BTreeSet<_> = segments.map(|it| it.offer.as_str()).collect();
                let plans = offers.into_iter().map(|offer| format!("{}{offer}", gather::OFFER));
                let plans = plans.map(|revision| plan(Document::PromotionalOffer, revision, true));
                Ok(Planned::Known(plans.collect()))
            }
            Cause::Campaign(firing) if firing.document == Document::ReplenishmentReminder => {
                Ok(Planned::AskShopify)
            }
            Cause::Campaign(firing) => {
                let Firing { campaign, period, document, .. } = &firing;
                let revision = format!("{campaign}-{period}");
                Ok(Planned::one(plan(*document, revision, is_configured(&firing, config))))
            }
        }
    }

    /// Whether anything that the customer bought runs out.
    async fn look_up(&self, look_up: LookUp<'_>) -> Result<Vec<Plan>, GatherError> {
        let LookUp { item, payload, config, .. } = look_up;
        let Cause::Campaign(firing) = Cause::read(item, payload).map_err(GatherError::permanent)? else {
            return Err(GatherError::permanent("an event of a segment says what it leads to"));
        };
        let document = Document::ReplenishmentReminder;
        let due = due(look_up.shopify, look_up.call(), &item.subject, &firing, config).await?;
        let plan = |revision| Plan {
            document,
            subject: item.subject.clone(),
            revision,
            reported_on: item.subject.clone(),
            wanted: is_configured(&firing, config) && config.document(document).is_some(),
        };
        Ok(replenish::revision(&due).map(plan).into_iter().collect())
    }

    async fn gather(&self, gather: Gather<'_>) -> Result<Gathered, GatherError> {
        gather::gather(&gather, gather.history).await
    }
}

/// Whether the campaign still is what it was when it fired.
fn is_configured(firing: &Firing, config: &ShopConfig) -> bool {
    let campaign = config.marketing.campaigns.get(&firing.campaign);
    campaign.is_some_and(|campaign| campaign.document == firing.document)
}

/// What a firing has to remind a customer of.
async fn due(
    shopify: &AdminApi,
    call: Call<'_>,
    customer: &Gid,
    firing: &Firing,
    config: &ShopConfig,
) -> Result<Vec<Due>, GatherError> {
    if config.marketing.replenishment.is_none() {
        return Ok(vec![]);
    }
    let since = history_begins(firing.period, &config.time_zone);
    let purchases = shopify.purchases(call, customer, since, usize::MAX).await;
    let purchases = purchases.map_err(|error| GatherError::of(&error))?;
    let days = Days { last: firing.period, after: firing.since };
    Ok(replenish::due(&purchases, &config.marketing, days, &config.time_zone))
}

fn history_begins(day: Date, zone: &TimeZone) -> Timestamp {
    let first = day.checked_sub(Span::new().days(HISTORY_DAYS)).ok();
    let first = first.and_then(|day| day.to_zoned(zone.clone()).ok());
    first.map_or(Timestamp::UNIX_EPOCH, |first| first.timestamp())
}

/// Starts the function and serves its invocations until Lambda ends the process.
pub fn serve() -> service::Serving {
    flow::serve(TargetedOffers)
}

#[cfg(test)]
mod tests;
