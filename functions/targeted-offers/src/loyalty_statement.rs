//! Loyalty statements: a customer's points for whole months.

use crate::{
    addressee::{Customer, content},
    cause::{self, Cause},
    loyalty_data::{Balance, PeriodData, PointsData, Statement, movements, not_counted},
    offer::campaign_offer,
    points::{self, Account, History, Period, Tier},
};
use comms::Document;
use flow::{Content, Event, Gather, GatherError, PlanError, Planned, Stop};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use shop_config::Loyalty;
use shopify::marketing::Prospect;

const DOCUMENT: Document = Document::LoyaltyStatement;

pub const TOPICS: &[&str] = &[cause::CAMPAIGN];

/// How far back Shopify shows orders to an app without the scope `read_all_orders`.
const VISIBLE: SignedDuration = SignedDuration::from_hours(60 * 24);

pub fn plan(event: &Event<'_>) -> Result<Planned, PlanError> {
    match Cause::read(event.item, event.payload)? {
        Cause::Joined(_) => Ok(Planned::none()),
        Cause::Campaign(firing) => Ok(cause::campaign_plan(event, &firing, DOCUMENT)),
    }
}

pub fn schema() -> serde_json::Value {
    driver::json_schema::<Statement>(DOCUMENT)
}

pub async fn gather(gather: &Gather<'_>) -> Result<Content, Stop> {
    let (cause, firing) = cause::campaign(gather)?;
    let customer = Customer::of(gather, &cause).await?;
    let Some(rules) = &gather.config.marketing.loyalty else {
        return Err(Stop::suppressed("the shop has no loyalty points any more"));
    };
    let zone = &gather.config.time_zone;
    let period = Period::before(firing.period, rules.months);
    let Some((period, bounds)) = period.and_then(|period| Some((period, period.bounds(zone)?))) else {
        return Err(GatherError::permanent("the campaign's date is at the end of the calendar").into());
    };
    let kept = kept_balance(rules, &customer.prospect)?;
    let all_orders = sees_all_orders(gather).await?;
    let balance = match kept {
        Some(points) => Balance::Kept { points, at: gather.now, payments: all_orders },
        None if all_orders => Balance::Counted { until: last_moment(bounds.1) },
        None => {
            return Err(GatherError::unusable(
                "points cannot be counted without orders older than 60 days, which need the scope read_all_orders: grant it, or let an app keep the balance (marketing.loyalty.balance_metafield)",
            ).into());
        }
    };
    let account = account(gather, rules, bounds, kept.is_some(), all_orders).await?;
    if account.entries.is_empty() && balance.points(&account) == Decimal::ZERO {
        return Err(Stop::not_due("the customer has no points"));
    }
    let data = Statement {
        envelope: customer.envelope,
        addressee: customer.addressee,
        period: PeriodData::new(period),
        movements: movements(&account, zone),
        not_counted: not_counted(&account, zone),
        points: PointsData::new(&account, balance, zone).map_err(GatherError::unusable)?,
        tier: Tier::of(balance.points(&account), &rules.tiers).map_err(GatherError::unusable)?,
        offer: campaign_offer(gather, &firing, &customer.locale),
    };
    let name = firing.period.strftime("%Y-%m").to_string();
    Ok(content(gather, &customer.prospect, customer.locale, name, &data)?)
}

/// The balance that another app keeps, if the shop says that one does.
fn kept_balance(rules: &Loyalty, prospect: &Prospect) -> Result<Option<Decimal>, GatherError> {
    if rules.balance().is_none() {
        return Ok(None);
    }
    let points = points::kept_elsewhere(prospect.balance.as_deref()).ok_or_else(|| {
        GatherError::unusable("the metafield of marketing.loyalty.balance_metafield holds no number")
    })?;
    Ok(Some(points::whole(points, rules.rounding)))
}

/// Whether the app sees all orders of the customer. Nothing is missing of a customer who came less than 60 days ago.
async fn sees_all_orders(gather: &Gather<'_>) -> Result<bool, GatherError> {
    if gather.shopify.sees_all_orders(gather.call()).await? {
        return Ok(true);
    }
    let since = gather.shopify.customer_since(gather.call(), &gather.plan.subject).await?;
    Ok(since.is_some_and(|since| gather.now.duration_since(since) < VISIBLE))
}

/// The customer's points, from their payments. A balance that another app keeps needs those of the period only.
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
        let payments = gather.shopify.payments(gather.call(), &gather.plan.subject, since, parts).await?;
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
