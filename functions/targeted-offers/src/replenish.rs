//! What runs out, and when. Pure.
//!
//! Every purchase of a SKU in `marketing.replenishment.days_by_sku` has one reminder, named by its order and SKU.
//! Which purchases are reminded of on a day follows from the day and from what had been bought by then, so that
//! the same message leads to the same communications however late it is delivered again: a purchase that was
//! due stays due, even if it has been made again or cancelled since; then the reminder is not sent.

use comms::{Gid, Revision};
use jiff::{Span, Timestamp, civil::Date, tz::TimeZone};
use sha2::{Digest, Sha256};
use shop_config::Replenishment;
use shopify::marketing::Purchase;
use std::collections::BTreeMap;

/// How far back purchases are looked at. What lasts longer is not reminded of.
pub const HISTORY_DAYS: i64 = 730;

/// A purchase that is about to run out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub order: Gid,
    pub order_name: String,
    pub sku: String,
    pub title: String,
    pub quantity: u64,
    pub bought: Date,
    /// The day it has run out.
    pub empty: Date,
    /// Why the reminder has become pointless.
    pub pointless: Option<&'static str>,
}

impl Due {
    pub fn revision(&self) -> Revision {
        let hash = hex::encode(&Sha256::digest(self.sku.as_bytes())[..8]);
        Revision::named(format!("replenish-{}-{hash}", self.order.number()))
    }
}

/// One SKU of one order.
struct Bought<'a> {
    purchase: &'a Purchase,
    title: &'a str,
    quantity: u64,
}

/// What is due on `day`, the longest due first.
pub fn due(purchases: &[Purchase], rules: &Replenishment, day: Date, zone: &TimeZone) -> Vec<Due> {
    let mut due = Vec::new();
    for (sku, &days) in &rules.days_by_sku {
        let bought = bought(purchases, sku);
        for (index, one) in bought.iter().enumerate() {
            let again = bought[index + 1..].iter().find(|later| later.purchase.cancelled_at.is_none());
            let again = again.map(|later| later.purchase.at);
            due.extend(reminder(one, sku, days, rules, again, day, zone));
        }
    }
    due.sort_by_key(|due: &Due| (due.empty, due.order.clone()));
    due
}

/// The purchases of a SKU, oldest first, those without a unit left out.
fn bought<'a>(purchases: &'a [Purchase], sku: &str) -> Vec<Bought<'a>> {
    let mut by_time: BTreeMap<(Timestamp, &str), Bought<'a>> = BTreeMap::new();
    for purchase in purchases {
        for line in purchase.lines.iter().filter(|line| line.quantity > 0 && line.sku.as_deref() == Some(sku))
        {
            by_time
                .entry((purchase.at, purchase.order.as_str()))
                .and_modify(|bought| bought.quantity = bought.quantity.saturating_add(line.quantity))
                .or_insert(Bought { purchase, title: &line.title, quantity: line.quantity });
        }
    }
    by_time.into_values().collect()
}

fn reminder(
    bought: &Bought<'_>,
    sku: &str,
    days: u16,
    rules: &Replenishment,
    again: Option<Timestamp>,
    day: Date,
    zone: &TimeZone,
) -> Option<Due> {
    let date = |at: Timestamp| at.to_zoned(zone.clone()).date();
    let on = date(bought.purchase.at);
    let lasts = i64::try_from(bought.quantity).ok()?.checked_mul(i64::from(days))?;
    // what lasts beyond the calendar never runs out
    let empty = plus_days(on, lasts)?;
    let remind = plus_days(empty, -i64::from(rules.lead_days))?;
    if day < remind || plus_days(remind, i64::from(rules.stale_days)).is_some_and(|stale| day > stale) {
        return None;
    }
    let mut pointless = None;
    for (at, why) in
        [(again, "it was bought again"), (bought.purchase.cancelled_at, "the order was cancelled")]
    {
        match at.map(date) {
            // before anybody was to be reminded of it
            Some(at) if at < remind => return None,
            Some(_) => pointless = Some(why),
            None => {}
        }
    }
    Some(Due {
        order: bought.purchase.order.clone(),
        order_name: bought.purchase.name.clone(),
        sku: sku.to_owned(),
        title: bought.title.to_owned(),
        quantity: bought.quantity,
        bought: on,
        empty,
        pointless,
    })
}

fn plus_days(date: Date, days: i64) -> Option<Date> {
    date.checked_add(Span::new().try_days(days).ok()?).ok()
}
