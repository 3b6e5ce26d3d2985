//! Promotional offers: for joining a segment, or of a campaign. An offer for joining goes to a customer once, whichever
//! segments lead to it and however often they are joined; a campaign offers it again on each of its dates.

use crate::{
    addressee::{Addressee, Customer, content},
    cause::{self, Cause},
    offer::{OfferData, day_in_shop, offer},
};
use comms::{Document, Gid, Revision};
use driver::{Envelope, TextLine};
use flow::{Content, Event, Gather, GatherError, Plan, PlanError, Planned, Stop, Verdict};
use jiff::{SignedDuration, Timestamp, civil::Date};
use schemars::JsonSchema;
use serde::Serialize;
use shop_config::Purchases;
use shopify::marketing::Purchase;
use std::collections::{BTreeSet, HashSet};

const DOCUMENT: Document = Document::PromotionalOffer;

pub const TOPICS: &[&str] = &[cause::JOINED_SEGMENT, cause::CAMPAIGN];

/// What the revision of an offer for joining a segment begins with; the offer's name follows.
const OFFER: &str = "offer-";
/// The orders whose titles an offer may mention, and how old they may be.
const RECENT_ORDERS: usize = 10;
const RECENT: SignedDuration = SignedDuration::from_hours(365 * 24);
/// An event that comes later than this is checked against who is in the segment by now. Not earlier: Shopify may
/// not know yet what it has just announced.
const LATE: SignedDuration = SignedDuration::from_hours(1);
/// Titles of what was bought lately: enough for a sentence.
const TITLES: usize = 5;

/// An offer to a customer.
#[derive(Clone, Serialize, JsonSchema)]
pub struct Promotion {
    #[serde(flatten)]
    pub envelope: Envelope,
    #[serde(flatten)]
    pub addressee: Addressee,
    /// What is offered.
    pub offer: OfferData,
    /// Titles of what the customer bought lately, newest first: what was paid and delivered, if the shop does not say
    /// otherwise.
    pub recently_bought: Vec<TextLine>,
}

/// One communication per offer of the segment, or the campaign's on its date.
pub fn plan(event: &Event<'_>) -> Result<Planned, PlanError> {
    match Cause::read(event.item, event.payload)? {
        Cause::Joined(segment) => {
            let segments = event.config.marketing.segments.iter().filter(|it| it.segment == segment);
            let offers: BTreeSet<_> = segments.map(|it| it.offer.as_str()).collect();
            let revisions = offers.into_iter().map(|offer| Revision::named(format!("{OFFER}{offer}")));
            let plans = revisions.map(|revision| Plan { revision, ..event.plan(DOCUMENT) });
            Ok(Planned::Known(plans.collect()))
        }
        Cause::Campaign(firing) => Ok(cause::campaign_plan(event, &firing, DOCUMENT)),
    }
}

pub fn schema() -> serde_json::Value {
    driver::json_schema::<Promotion>(DOCUMENT)
}

pub async fn gather(gather: &Gather<'_>) -> Result<Content, Stop> {
    let cause = Cause::read(gather.item, gather.payload).map_err(GatherError::unusable)?;
    if let Cause::Joined(segment) = &cause
        && has_left(gather, segment).await?
    {
        return Err(Stop::not_due("the customer has left the segment"));
    }
    let customer = Customer::of(gather, &cause).await?;
    let offer = offer_of(gather, &cause, &customer.locale);
    judge(offer.as_ref(), day_in_shop(gather, gather.now)).or_stop(gather, None)?;
    let Some(offer) = offer else { return Err(Stop::suppressed(NO_OFFER)) };
    let since = gather.now.saturating_sub(RECENT).unwrap_or(Timestamp::UNIX_EPOCH);
    let purchases =
        gather.shopify.purchases(gather.call(), &gather.plan.subject, since, RECENT_ORDERS).await?;
    let title = offer.title().to_owned();
    let data = Promotion {
        envelope: customer.envelope,
        addressee: customer.addressee,
        offer,
        recently_bought: recently_bought(&purchases, gather.config.marketing.purchases),
    };
    Ok(content(gather, &customer.prospect, customer.locale, title, &data)?)
}

const NO_OFFER: &str = "the offer is not in the configuration any more";

fn judge(offer: Option<&OfferData>, today: Date) -> Verdict {
    match offer {
        None => Verdict::Suppress(NO_OFFER),
        Some(offer) if offer.has_expired(today) => Verdict::Suppress("the offer has expired"),
        Some(_) => Verdict::Write,
    }
}

fn offer_of(gather: &Gather<'_>, cause: &Cause, locale: &str) -> Option<OfferData> {
    let (name, made) = match cause {
        Cause::Joined(_) => {
            let joined = gather.item.trigger.triggered_at.unwrap_or(gather.now);
            (gather.plan.revision.as_str().strip_prefix(OFFER), day_in_shop(gather, joined))
        }
        Cause::Campaign(firing) => {
            let campaign = gather.config.marketing.campaigns.get(&firing.campaign);
            (campaign.and_then(|campaign| campaign.offer.as_deref()), firing.period)
        }
    };
    offer(gather, name?, locale, made)
}

/// Whether the customer has left the segment since an event that is late.
async fn has_left(gather: &Gather<'_>, segment: &Gid) -> Result<bool, GatherError> {
    let age = gather.item.trigger.triggered_at.map(|at| gather.now.duration_since(at));
    if age.is_none_or(|age| age < LATE) {
        return Ok(false);
    }
    Ok(!gather.shopify.is_member(gather.call(), &gather.plan.subject, segment).await?)
}

/// The titles of what was bought last and kept, each once.
fn recently_bought(purchases: &[Purchase], counts: Purchases) -> Vec<TextLine> {
    let mut seen = HashSet::new();
    let kept = purchases.iter().filter(|it| it.cancelled_at.is_none() && (it.paid || !counts.paid));
    let lines = kept.flat_map(|purchase| &purchase.lines);
    let lines = lines.filter(|line| line.quantity > 0 && (line.delivered > 0 || !counts.delivered));
    let titles = lines.map(|line| line.title.as_str()).filter(|title| seen.insert(*title));
    titles.take(TITLES).map(|title| TextLine { text: title.to_owned() }).collect()
}
