//! What runs out, and when. Pure.
//!
//! Every purchase of a SKU in `marketing.replenishment.days_by_sku` has one day on which to remind of it. A firing of the
//! campaign covers all days since the previous firing, in one message that is named by the last of them: however
//! late or often the item comes, it names the same message, and the message of a later day leaves out what this one
//! reminded of. Which days a firing covers follows from the firing and from what had been bought by then: a purchase
//! that was due stays due, even if it was bought again or cancelled since; then the reminder leaves it out.

use comms::{Gid, Revision};
use jiff::{Span, Timestamp, civil::Date, tz::TimeZone};
use shop_config::Marketing;
use shopify::marketing::{BoughtLine, Purchase};
use std::collections::{BTreeMap, BTreeSet};

/// How far back purchases count. What lasts longer gets no reminder.
pub const HISTORY_DAYS: i64 = 730;

const REVISION: &str = "replenish-";

/// A purchase that is about to run out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub order: Gid,
    pub order_name: String,
    pub line: Gid,
    pub sku: String,
    pub title: String,
    pub quantity: u64,
    pub bought: Date,
    /// The day to remind of it.
    pub remind: Date,
    /// The day it has run out.
    pub empty: Date,
    /// Why no reminder is needed any more.
    pub pointless: Option<&'static str>,
}

/// The days a firing reminds of.
#[derive(Debug, Clone, Copy)]
pub struct Days {
    pub last: Date,
    /// The day of the previous firing, which is not one of them. Without one, all days that are not stale.
    pub after: Option<Date>,
}

/// The issue of the reminder that covers all of these, if there are any.
pub fn revision(due: &[Due]) -> Option<Revision> {
    due.iter().map(|due| due.remind).max().map(revision_of)
}

/// The issue of the reminder whose last day this is.
pub fn revision_of(day: Date) -> Revision {
    Revision::named(format!("{REVISION}{day}"))
}

/// The days before the last one, the latest first: a reminder of one of them covered that day and all before it.
pub fn earlier_days(due: &[Due]) -> Vec<Date> {
    let days: BTreeSet<_> = due.iter().map(|due| due.remind).collect();
    days.into_iter().rev().skip(1).collect()
}

/// What of it the reminder of this issue covers.
pub fn of_revision(mut due: Vec<Due>, revision: &Revision) -> Vec<Due> {
    let last = revision.as_str().strip_prefix(REVISION).and_then(|last| last.parse::<Date>().ok());
    due.retain(|due| last.is_some_and(|last| due.remind <= last));
    due
}

/// One SKU of one order.
struct Bought<'a> {
    purchase: &'a Purchase,
    line: &'a BoughtLine,
    /// Of all its lines.
    quantity: u64,
}

/// What is due on `days`, the longest due first.
pub fn due(purchases: &[Purchase], marketing: &Marketing, days: Days, zone: &TimeZone) -> Vec<Due> {
    let Some(rules) = &marketing.replenishment else { return vec![] };
    let mut due = Vec::new();
    for (sku, &lasts) in &rules.days_by_sku {
        let counted = |purchase: &Purchase, line: &BoughtLine| {
            let paid = purchase.paid || !marketing.purchases.paid;
            if !paid {
                0
            } else if marketing.purchases.delivered {
                line.delivered
            } else {
                line.quantity
            }
        };
        // a customer who has ordered it again needs no reminder, even while that order is neither paid nor sent
        let ordered = bought(purchases, sku, |_, line| line.quantity);
        for one in bought(purchases, sku, counted) {
            let later = ordered.iter().map(|it| it.purchase).filter(|it| it.cancelled_at.is_none());
            let mut later = later
                .filter(|it| (it.at, it.order.as_str()) > (one.purchase.at, one.purchase.order.as_str()));
            due.extend(Reminder { bought: &one, again: later.next().map(|it| it.at), zone }.due(
                sku,
                lasts,
                rules.lead_days,
                rules.stale_days,
                days,
            ));
        }
    }
    due.sort_by_key(|due: &Due| (due.empty, due.order.clone(), due.sku.clone()));
    due
}

/// The purchases of a SKU of which anything counts, oldest first.
fn bought<'a>(
    purchases: &'a [Purchase],
    sku: &str,
    counted: impl Fn(&Purchase, &BoughtLine) -> u64,
) -> Vec<Bought<'a>> {
    let mut by_time: BTreeMap<(Timestamp, &str), Bought<'a>> = BTreeMap::new();
    for purchase in purchases {
        for line in purchase.lines.iter().filter(|line| line.sku.as_deref() == Some(sku)) {
            let quantity = counted(purchase, line);
            if quantity > 0 {
                by_time
                    .entry((purchase.at, purchase.order.as_str()))
                    .and_modify(|bought| bought.quantity = bought.quantity.saturating_add(quantity))
                    .or_insert(Bought { purchase, line, quantity });
            }
        }
    }
    by_time.into_values().collect()
}

struct Reminder<'a> {
    bought: &'a Bought<'a>,
    /// When it was ordered again.
    again: Option<Timestamp>,
    zone: &'a TimeZone,
}

impl Reminder<'_> {
    fn date(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }

    fn due(&self, sku: &str, lasts: u16, lead: u16, stale: u16, days: Days) -> Option<Due> {
        let Bought { purchase, line, quantity } = *self.bought;
        let bought = self.date(purchase.at);
        let lasts = i64::try_from(quantity).ok()?.checked_mul(i64::from(lasts))?;
        // what lasts beyond the calendar never runs out
        let empty = plus_days(bought, lasts)?;
        let remind = plus_days(empty, -i64::from(lead))?;
        let is_stale = plus_days(remind, i64::from(stale)).is_some_and(|end| days.last > end);
        if days.last < remind || is_stale || days.after.is_some_and(|after| remind <= after) {
            return None;
        }
        let mut pointless = None;
        for (at, why) in
            [(self.again, "it was bought again"), (purchase.cancelled_at, "the order was cancelled")]
        {
            match at.map(|at| self.date(at)) {
                // before the day of the reminder
                Some(at) if at < remind => return None,
                Some(_) => pointless = Some(why),
                None => {}
            }
        }
        Some(Due {
            order: purchase.order.clone(),
            order_name: purchase.name.clone(),
            line: line.id.clone(),
            sku: sku.to_owned(),
            title: line.title.clone(),
            quantity,
            bought,
            remind,
            empty,
            pointless,
        })
    }
}

fn plus_days(date: Date, days: i64) -> Option<Date> {
    date.checked_add(Span::new().try_days(days).ok()?).ok()
}
