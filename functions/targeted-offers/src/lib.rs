//! Promotional offers, loyalty statements and replenishment reminders.
//!
//! | cause | document | revision |
//! | --- | --- | --- |
//! | `customer.joined_segment`, for each offer of the segment | promotional-offer | segment and offer |
//! | `campaign`, which offer-run makes | promotional-offer, loyalty-statement | campaign and its date |
//! | `campaign` | replenishment-reminder, one for each purchase that runs out | order and SKU |
//!
//! Everything a document says is fetched when it is made: an event names the customer and the cause only. A
//! customer who left a segment and joined it again is offered nothing a second time, and no purchase is reminded of
//! twice, because the revisions name what was joined and what was bought. Consent is read with the customer and
//! checked, with everything else that forbids marketing, right before sending.

mod cause;
mod consent;
mod data;
mod gather;
mod points;
mod replenish;

pub use cause::{Cause, Firing};
pub use data::{Promotion, Reminder, Statement};

use comms::{Document, Flow, Revision};
use flow::{DocumentFlow, Gather, GatherError, Gathered, LookUp, Plan, Planned};
use jiff::{Span, Timestamp, civil::Date, tz::TimeZone};
use replenish::HISTORY_DAYS;
use shop_config::ShopConfig;
use work::WorkItem;

#[derive(Debug, Clone, Copy)]
pub struct TargetedOffers;

impl DocumentFlow for TargetedOffers {
    const FLOW: Flow = Flow::TargetedOffers;

    /// Reads `segment_id` of `customer.joined_segment`; `campaign`, `document` and `period` of `campaign`.
    fn plan(&self, item: &WorkItem, payload: Option<&str>, config: &ShopConfig) -> Result<Planned, String> {
        let plan = |document, revision: String, wanted: bool| Plan {
            document,
            subject: item.subject.clone(),
            revision: Revision::named(revision),
            order: item.subject.clone(),
            wanted: wanted && config.document(document).is_some(),
        };
        match Cause::read(item, payload)? {
            Cause::Joined(segment) => {
                let offers = config.marketing.segments.iter().filter(|it| it.segment == segment);
                let prefix = gather::segment_prefix(&segment);
                let plans =
                    offers.map(|it| plan(Document::PromotionalOffer, format!("{prefix}{}", it.offer), true));
                Ok(Planned::These(plans.collect()))
            }
            Cause::Campaign(firing) if firing.document == Document::ReplenishmentReminder => {
                Ok(Planned::AskShopify)
            }
            Cause::Campaign(firing) => {
                let Firing { campaign, period, document } = &firing;
                let revision = format!("{campaign}-{period}");
                Ok(Planned::one(plan(*document, revision, is_configured(&firing, config))))
            }
        }
    }

    /// Which purchases of the customer run out.
    async fn look_up(&self, look_up: LookUp<'_>) -> Result<Vec<Plan>, GatherError> {
        let LookUp { item, payload, config, .. } = look_up;
        let Cause::Campaign(firing) = Cause::read(item, payload).map_err(GatherError::permanent)? else {
            return Err(GatherError::permanent("an event of a segment says what it leads to"));
        };
        let Some(rules) = &config.marketing.replenishment else { return Ok(vec![]) };
        let since = history_begins(firing.period, &config.time_zone);
        let purchases = look_up.shopify.purchases(look_up.call(), &item.subject, since, usize::MAX).await;
        let purchases = purchases.map_err(|error| GatherError::of(&error))?;
        let document = Document::ReplenishmentReminder;
        let wanted = is_configured(&firing, config) && config.document(document).is_some();
        let due = replenish::due(&purchases, rules, firing.period, &config.time_zone);
        Ok(due
            .iter()
            .map(|due| Plan {
                document,
                subject: item.subject.clone(),
                revision: due.revision(),
                order: item.subject.clone(),
                wanted,
            })
            .collect())
    }

    async fn gather(&self, gather: Gather<'_>) -> Result<Gathered, GatherError> {
        gather::gather(&gather).await
    }
}

/// Whether the campaign still is what it was when it fired.
fn is_configured(firing: &Firing, config: &ShopConfig) -> bool {
    let campaign = config.marketing.campaigns.get(&firing.campaign);
    campaign.is_some_and(|campaign| campaign.document == firing.document)
}

fn history_begins(day: Date, zone: &TimeZone) -> Timestamp {
    let first = day.checked_sub(Span::new().days(HISTORY_DAYS)).ok();
    let first = first.and_then(|day| day.to_zoned(zone.clone()).ok());
    first.map_or(Timestamp::UNIX_EPOCH, |first| first.timestamp())
}

#[cfg(test)]
mod tests;
