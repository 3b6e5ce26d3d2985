//! From a plan to a document: what Shopify says of the customer now.

use crate::{
    Cause, Firing, Promotion, Reminder, Statement,
    consent::{Permission, permission},
    data::{self, Addressee, Balance, OfferData, PeriodData, PointsData, ProductData},
    due,
    points::{self, Account, History, Period, Tier},
    replenish::{self, Due},
};
use comms::{Class, CommunicationId, Document, Gid, Money};
use delivery::Recipient;
use driver::Envelope;
use flow::{Content, Gather, GatherError, Gathered, History as Earlier, Plan};
use jiff::{SignedDuration, Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde::Serialize;
use shop_config::Loyalty;
use shopify::{
    AdminError,
    marketing::{LineProduct, Prospect},
};
use std::collections::HashMap;

/// The orders whose titles an offer may mention, and how old they may be.
const RECENT_ORDERS: usize = 10;
const RECENT: SignedDuration = SignedDuration::from_hours(365 * 24);
/// An event that comes later than this is checked against who is in the segment by now. Not earlier: Shopify may
/// not know yet what it has just announced.
const LATE: SignedDuration = SignedDuration::from_hours(1);
/// How far back Shopify shows orders to an app without the scope `read_all_orders`.
const VISIBLE: SignedDuration = SignedDuration::from_hours(60 * 24);
/// Titles in the name of a reminder.
const TITLES: usize = 3;

/// What the revision of an offer for joining a segment begins with; the offer's name follows.
pub const OFFER: &str = "offer-";

const NO_OFFER: &str = "the offer is not in the configuration any more";

/// A customer, and what every document says of them.
struct Found {
    prospect: Prospect,
    locale: String,
    envelope: Envelope,
    addressee: Addressee,
}

/// `history` is absent for a preview, which shows what would be reminded of for the first time.
pub async fn gather(gather: &Gather<'_>, history: Option<Earlier<'_>>) -> Result<Gathered, GatherError> {
    let cause = Cause::read(gather.item, gather.payload).map_err(GatherError::unusable)?;
    if let Cause::Joined(segment) = &cause
        && has_left(gather, segment).await?
    {
        return Ok(Gathered::NotDue("the customer has left the segment".into()));
    }
    let document = gather.plan.document;
    let balance = gather.config.marketing.loyalty.as_ref().and_then(|loyalty| loyalty.balance());
    let balance = balance.filter(|_| document == Document::LoyaltyStatement);
    let asked = gather.shopify.prospect(gather.call(), &gather.plan.subject, balance).await;
    let Some(prospect) = asked.map_err(|error| GatherError::of(&error))? else {
        return no_customer(gather, &cause).await;
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
        (Document::ReplenishmentReminder, Cause::Campaign(firing)) => {
            reminder(gather, firing, found, history).await
        }
        (document, _) => Err(GatherError::permanent(format!("{document} does not follow from this event"))),
    }
}

/// Soon after somebody joined, Shopify may not show them yet: the work waits. Later they are deleted.
async fn no_customer(gather: &Gather<'_>, cause: &Cause) -> Result<Gathered, GatherError> {
    if matches!(cause, Cause::Joined(_)) {
        let error = gather.absent("customer").await;
        if error.class != Class::Permanent {
            return Err(error);
        }
    }
    Ok(Gathered::suppressed("Shopify has no such customer"))
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
        Cause::Joined(_) => gather.plan.revision.as_str().strip_prefix(OFFER),
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
        recently_bought: data::recently_bought(&purchases, config.marketing.purchases),
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
        Some(_) => {
            let points = points::kept_elsewhere(found.prospect.balance.as_deref()).ok_or_else(|| {
                GatherError::unusable("the metafield of marketing.loyalty.balance_metafield holds no number")
            })?;
            Some(points::whole(points, rules.rounding))
        }
        None => None,
    };
    let all_orders = sees_all_orders(gather).await?;
    let balance = match kept {
        Some(points) => Balance::Kept { points, at: gather.now, payments: all_orders },
        None if all_orders => Balance::Counted { until: last_moment(bounds.1) },
        None => {
            return Err(GatherError::unusable(
                "points cannot be counted without orders older than 60 days, which need the scope read_all_orders: grant it, or let an app keep the balance (marketing.loyalty.balance_metafield)",
            ));
        }
    };
    let account = account(gather, rules, bounds, kept.is_some(), all_orders).await?;
    if account.entries.is_empty() && balance.points(&account) == Decimal::ZERO {
        return Ok(Gathered::NotDue("the customer has no points".into()));
    }
    let data = Statement {
        envelope: found.envelope,
        addressee: found.addressee,
        period: PeriodData::new(period),
        movements: data::movements(&account, zone),
        not_counted: data::not_counted(&account, zone),
        points: PointsData::new(&account, balance, zone).map_err(GatherError::unusable)?,
        tier: Tier::of(balance.points(&account), &rules.tiers).map_err(GatherError::unusable)?,
        offer: campaign_offer(gather, firing, &found.locale),
    };
    ready(gather, &found.prospect, found.locale, firing.period.strftime("%Y-%m").to_string(), &data)
}

/// Whether no order of the customer is kept from the app. Nothing is missing of a customer who is not known for long.
async fn sees_all_orders(gather: &Gather<'_>) -> Result<bool, GatherError> {
    let all = gather.shopify.sees_all_orders(gather.call()).await.map_err(|error| GatherError::of(&error))?;
    if all {
        return Ok(true);
    }
    let since = gather.shopify.customer_since(gather.call(), &gather.plan.subject).await;
    let since = since.map_err(|error| GatherError::of(&error))?;
    Ok(since.is_some_and(|since| gather.now.duration_since(since) < VISIBLE))
}

/// What the customer's payments come to. A balance that is kept elsewhere needs those of the period only.
async fn account(
    gather: &Gather<'_>,
    rules: &Loyalty,
    bounds: (Timestamp, Timestamp),
    kept: bool,
    all_orders: bool,
) -> Result<Account, GatherError> {
    let mut orders = Vec::new();
    if all_orders {
        let since = kept.then_some(bounds.0);
        let parts = points::parts(rules);
        let payments = gather.shopify.payments(gather.call(), &gather.plan.subject, since, parts).await;
        let payments = payments.map_err(|error| GatherError::of(&error))?;
        if !payments.complete {
            return Err(GatherError::unusable(
                "the customer has more orders, or an order more lines, than points are counted of: let an app keep the balance (marketing.loyalty.balance_metafield)",
            ));
        }
        orders = payments.orders;
    }
    let history = History::new(&orders, rules);
    history.and_then(|history| Account::new(&history, bounds.0, bounds.1)).map_err(GatherError::unusable)
}

/// Before the first moment after a period.
fn last_moment(end: Timestamp) -> Timestamp {
    end.saturating_sub(SignedDuration::from_secs(1)).unwrap_or(end)
}

async fn reminder(
    gather: &Gather<'_>,
    firing: &Firing,
    found: Found,
    history: Option<Earlier<'_>>,
) -> Result<Gathered, GatherError> {
    if gather.config.marketing.replenishment.is_none() {
        return Ok(Gathered::suppressed("the shop reminds of nothing any more"));
    }
    let due = due(gather.shopify, gather.call(), &gather.plan.subject, firing, gather.config).await?;
    let mut due = replenish::of_revision(due, &gather.plan.revision);
    if let Some(history) = history {
        due = not_reminded(gather, history, due).await?;
    }
    let (pointless, due): (Vec<_>, Vec<_>) = due.into_iter().partition(|due| due.pointless.is_some());
    if due.is_empty() {
        let why = pointless.first().and_then(|due| due.pointless);
        return Ok(why.map_or(Gathered::NotDue("nothing runs out yet".into()), Gathered::suppressed));
    }
    let address = found.prospect.address.as_ref();
    let country = address.and_then(|address| address.country_code.as_deref());
    let mut products = products(gather, &due, country).await?;
    let data = Reminder {
        envelope: found.envelope,
        addressee: found.addressee,
        products: due
            .iter()
            .map(|due| {
                let (product, price) = products.remove(&due.line).unzip();
                ProductData::new(due, product, price.flatten())
            })
            .collect(),
        offer: campaign_offer(gather, firing, &found.locale),
    };
    let titles: Vec<_> = due.iter().take(TITLES).map(|due| due.title.as_str()).collect();
    let more = if due.len() > TITLES { ", …" } else { "" };
    ready(gather, &found.prospect, found.locale, format!("{}{more}", titles.join(", ")), &data)
}

/// Without what an earlier message reminded of: each covers its last day and all days before. A firing knows the one
/// before it, but not what else was fired, such as a day that a person names.
async fn not_reminded(
    gather: &Gather<'_>,
    history: Earlier<'_>,
    due: Vec<Due>,
) -> Result<Vec<Due>, GatherError> {
    for day in replenish::earlier_days(&due) {
        let Plan { document, subject, .. } = gather.plan;
        let earlier =
            CommunicationId::derive(&gather.item.shop, *document, subject, &replenish::revision_of(day));
        if history.entry(&earlier).await?.is_some() {
            return Ok(due.into_iter().filter(|due| due.remind > day).collect());
        }
    }
    Ok(due)
}

/// Pages, pictures and prices of what runs out. A reminder does without what the app may not see.
async fn products(
    gather: &Gather<'_>,
    due: &[Due],
    country: Option<&str>,
) -> Result<HashMap<Gid, (LineProduct, Option<Money>)>, GatherError> {
    let lines: Vec<_> = due.iter().map(|due| due.line.clone()).collect();
    let products = optional(gather.shopify.line_products(gather.call(), &lines).await)?;
    let variants: Vec<_> = products.values().filter_map(|product| product.variant.clone()).collect();
    let mut prices = HashMap::new();
    if !variants.is_empty() {
        prices = optional(gather.shopify.variant_prices(gather.call(), &variants, country).await)?;
    }
    let price = |product: &LineProduct| prices.get(product.variant.as_ref()?).copied();
    Ok(products.into_iter().map(|(line, product)| (line, (product.clone(), price(&product)))).collect())
}

fn optional<T: Default>(answer: Result<T, AdminError>) -> Result<T, GatherError> {
    match answer {
        Err(error) if error.is_denied() => {
            let error = comms::chain(&error);
            tracing::warn!(
                error,
                "a reminder goes without pages, pictures or prices: they need the scope read_products"
            );
            Ok(T::default())
        }
        answer => answer.map_err(|error| GatherError::of(&error)),
    }
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
        ..Content::new(gather, data, recipient)?
    })))
}
