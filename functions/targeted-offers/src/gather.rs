//! From a plan to a document: what Shopify says of the customer now.

use crate::{
    Cause, Firing, Promotion, Reminder, Statement,
    consent::{Permission, permission},
    data::{self, Addressee, ItemData, OfferData, PeriodData, PointsData},
    history_begins,
    points::{self, Period, Tier},
    replenish,
};
use comms::{Document, Gid};
use delivery::Recipient;
use driver::Envelope;
use flow::{Content, Gather, GatherError, Gathered};
use jiff::{SignedDuration, Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde::Serialize;
use shopify::marketing::Prospect;

/// The orders whose titles an offer may mention, and how old they may be.
const RECENT_ORDERS: usize = 3;
const RECENT: SignedDuration = SignedDuration::from_hours(365 * 24);
/// An event that comes later than this is checked against who is in the segment by now. Not earlier: Shopify may
/// not know yet what it has just announced.
const LATE: SignedDuration = SignedDuration::from_hours(1);

const NO_OFFER: &str = "the offer is not in the configuration any more";

pub fn segment_prefix(segment: &Gid) -> String {
    format!("segment-{}-", segment.number())
}

/// A customer, and what every document says of them.
struct Found {
    prospect: Prospect,
    locale: String,
    envelope: Envelope,
    addressee: Addressee,
}

pub async fn gather(gather: &Gather<'_>) -> Result<Gathered, GatherError> {
    let cause = Cause::read(gather.item, gather.payload).map_err(GatherError::permanent)?;
    if let Cause::Joined(segment) = &cause
        && has_left(gather, segment).await?
    {
        return Ok(Gathered::Nothing("the customer has left the segment".into()));
    }
    let document = gather.plan.document;
    let balance = gather.config.marketing.loyalty.as_ref().and_then(|loyalty| loyalty.balance());
    let balance = balance.filter(|_| document == Document::LoyaltyStatement);
    let asked = gather.shopify.prospect(gather.call(), &gather.plan.subject, balance).await;
    let Some(prospect) = asked.map_err(|error| GatherError::of(&error))? else {
        return Ok(Gathered::suppressed("Shopify has no such customer"));
    };
    let locale = gather.locale(&[prospect.customer.locale.as_deref()])?;
    let found = Found {
        envelope: Envelope::new(document, gather.communication, &locale, gather.config),
        addressee: Addressee::new(&prospect),
        prospect,
        locale,
    };
    match (document, &cause) {
        (Document::PromotionalOffer, cause) => promotion(gather, cause, found).await,
        (Document::LoyaltyStatement, Cause::Campaign(firing)) => statement(gather, firing, found).await,
        (Document::ReplenishmentReminder, Cause::Campaign(firing)) => reminder(gather, firing, found).await,
        (document, _) => Err(GatherError::permanent(format!("{document} does not follow from this event"))),
    }
}

/// Whether the customer has left the segment since an event that is late.
async fn has_left(gather: &Gather<'_>, segment: &Gid) -> Result<bool, GatherError> {
    let age = gather.item.trigger.triggered_at.map(|at| gather.now.duration_since(at));
    if age.is_none_or(|age| age < LATE) {
        return Ok(false);
    }
    let member = gather.shopify.is_member(gather.call(), &gather.plan.subject, segment).await;
    member.map(|member| !member).map_err(|error| GatherError::of(&error))
}

async fn promotion(gather: &Gather<'_>, cause: &Cause, found: Found) -> Result<Gathered, GatherError> {
    let config = gather.config;
    let name = match cause {
        Cause::Joined(segment) => gather.plan.revision.as_str().strip_prefix(&segment_prefix(segment)),
        Cause::Campaign(firing) => {
            config.marketing.campaigns.get(&firing.campaign).and_then(|campaign| campaign.offer.as_deref())
        }
    };
    let made = match cause {
        Cause::Joined(_) => today(gather, gather.item.trigger.triggered_at.unwrap_or(gather.now)),
        Cause::Campaign(firing) => firing.period,
    };
    let Some(offer) = name.and_then(|name| offer(gather, name, &found.locale, made)) else {
        return Ok(Gathered::suppressed(NO_OFFER));
    };
    if offer.has_expired(today(gather, gather.now)) {
        return Ok(Gathered::suppressed("the offer has expired"));
    }
    let since = gather.now.saturating_sub(RECENT).unwrap_or(Timestamp::UNIX_EPOCH);
    let purchases = gather.shopify.purchases(gather.call(), &gather.plan.subject, since, RECENT_ORDERS).await;
    let purchases = purchases.map_err(|error| GatherError::of(&error))?;
    let title = offer.title().to_owned();
    let data = Promotion {
        envelope: found.envelope,
        addressee: found.addressee,
        offer,
        recently_bought: data::recently_bought(&purchases),
    };
    ready(gather, &found.prospect, found.locale, title, &data)
}

async fn statement(gather: &Gather<'_>, firing: &Firing, found: Found) -> Result<Gathered, GatherError> {
    let Some(rules) = &gather.config.marketing.loyalty else {
        return Ok(Gathered::suppressed("the shop has no loyalty points any more"));
    };
    let zone = &gather.config.time_zone;
    let period = Period::before(firing.period, rules.months);
    let Some((period, bounds)) = period.and_then(|period| Some((period, period.bounds(zone)?))) else {
        return Err(GatherError::permanent("the campaign's date is at the end of the calendar"));
    };
    let kept = match rules.balance() {
        Some(_) => Some(points::kept_elsewhere(found.prospect.balance.as_deref()).ok_or_else(|| {
            GatherError::permanent("the metafield of marketing.loyalty.balance_metafield holds no number")
        })?),
        None => None,
    };
    // a balance that is kept elsewhere needs the period's payments only
    let since = kept.map(|_| bounds.0);
    let payments = gather.shopify.payments(gather.call(), &gather.plan.subject, since).await;
    let payments = payments.map_err(|error| GatherError::of(&error))?;
    if !payments.complete {
        return Err(GatherError::permanent(
            "the customer has more orders than points are counted of: let an app keep the balance (marketing.loyalty.balance_metafield)",
        ));
    }
    let account = points::account(&payments.orders, rules, bounds).map_err(GatherError::permanent)?;
    let balance = kept.unwrap_or(account.closing);
    if account.entries.is_empty() && balance == Decimal::ZERO {
        return Ok(Gathered::Nothing("the customer has no points".into()));
    }
    let at = if kept.is_some() { gather.now } else { bounds.1 };
    let data = Statement {
        envelope: found.envelope,
        addressee: found.addressee,
        period: PeriodData::new(period),
        movements: data::movements(&account, zone),
        points: PointsData::new(&account, kept, at, zone).map_err(GatherError::permanent)?,
        tier: Tier::of(balance, &rules.tiers),
        offer: campaign_offer(gather, firing, &found.locale),
    };
    ready(gather, &found.prospect, found.locale, firing.period.strftime("%Y-%m").to_string(), &data)
}

async fn reminder(gather: &Gather<'_>, firing: &Firing, found: Found) -> Result<Gathered, GatherError> {
    const NOT_DUE: &str = "nothing runs out yet";
    let Some(rules) = &gather.config.marketing.replenishment else {
        return Ok(Gathered::suppressed("the shop reminds of nothing any more"));
    };
    let zone = &gather.config.time_zone;
    let since = history_begins(firing.period, zone);
    let purchases = gather.shopify.purchases(gather.call(), &gather.plan.subject, since, usize::MAX).await;
    let purchases = purchases.map_err(|error| GatherError::of(&error))?;
    let due = replenish::due(&purchases, rules, firing.period, zone);
    let Some(due) = due.into_iter().find(|due| due.revision() == gather.plan.revision) else {
        return Ok(Gathered::Nothing(NOT_DUE.into()));
    };
    if let Some(why) = due.pointless {
        return Ok(Gathered::suppressed(why));
    }
    let data = Reminder {
        envelope: found.envelope,
        addressee: found.addressee,
        item: ItemData::new(&due),
        offer: campaign_offer(gather, firing, &found.locale),
    };
    ready(gather, &found.prospect, found.locale, due.title, &data)
}

fn today(gather: &Gather<'_>, at: Timestamp) -> Date {
    at.to_zoned(gather.config.time_zone.clone()).date()
}

fn offer(gather: &Gather<'_>, name: &str, locale: &str, made: Date) -> Option<OfferData> {
    let offer = gather.config.marketing.offers.get(name)?;
    Some(OfferData::new(name, offer, locale, gather.config, made))
}

/// The offer beside a statement or a reminder, as long as it is valid.
fn campaign_offer(gather: &Gather<'_>, firing: &Firing, locale: &str) -> Option<OfferData> {
    let name = gather.config.marketing.campaigns.get(&firing.campaign)?.offer.as_deref()?;
    let offer = offer(gather, name, locale, firing.period)?;
    (!offer.has_expired(today(gather, gather.now))).then_some(offer)
}

/// The document, with what may be known of the recipient.
fn ready(
    gather: &Gather<'_>,
    prospect: &Prospect,
    locale: String,
    name: String,
    data: &impl Serialize,
) -> Result<Gathered, GatherError> {
    let document = gather.plan.document;
    let settings = gather.config.documents.get(&document);
    let class = settings.map_or(document.default_class(), |settings| settings.class(document));
    let channels = settings.map_or(&[][..], |settings| &settings.channels);
    let Permission { consent, email } = permission(prospect, class, channels, &gather.config.marketing);
    let recipient = Recipient { name: prospect.customer.name(), email, locale };
    Ok(Gathered::Ready(Box::new(Content {
        name: Some(name),
        customer: Some(prospect.customer.id.clone()),
        consent,
        ..Content::of(format!("{document}/1"), data, recipient)?
    })))
}
