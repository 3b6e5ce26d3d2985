//! Which firing of a campaign is meant by a message, and the work that follows for one member. Pure.

use comms::{Document, Flow, Gid, ShopDomain};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Serialize;
use serde_json::value::to_raw_value;
use work::{RunItem, Trigger, WorkItem};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the period of an offer run is a date, such as 2026-11-22")]
pub struct InvalidPeriod;

/// One firing of a campaign's schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Firing {
    /// When it was scheduled.
    pub at: Timestamp,
    /// Its date in the shop's time zone. Two firings of one date are one.
    pub period: Date,
}

impl Firing {
    /// # Errors
    /// When the message names a period that is no date.
    pub fn new(item: &RunItem, zone: &TimeZone, now: Timestamp) -> Result<Self, InvalidPeriod> {
        let at = item.scheduled_at.unwrap_or(now);
        let period = match &item.period {
            Some(period) => period.parse().map_err(|_| InvalidPeriod)?,
            None => at.to_zoned(zone.clone()).date(),
        };
        Ok(Self { at, period })
    }

    /// Where the checkpoint is. The campaign is one of the configuration, whose names are plain.
    pub(crate) fn key(&self, shop: &ShopDomain, campaign: &str) -> String {
        format!("runs/{shop}/{campaign}/{}.json", self.period)
    }

    /// Where the campaign's latest firing is.
    pub(crate) fn latest_key(shop: &ShopDomain, campaign: &str) -> String {
        format!("runs/{shop}/{campaign}.json")
    }
}

#[derive(Serialize)]
struct Payload<'a> {
    campaign: &'a str,
    document: Document,
    period: Date,
    /// The date of the previous firing.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Date>,
}

/// The work for one member. The payload says what the flow needs in order to name the communication, so that
/// one that was begun is settled even if the campaign is taken out of the configuration meanwhile.
pub fn work_item(
    shop: &ShopDomain,
    campaign: &str,
    document: Document,
    firing: &Firing,
    since: Option<Date>,
    customer: &Gid,
) -> Result<WorkItem, serde_json::Error> {
    let period = firing.period;
    let payload = Payload { campaign, document, period, since };
    Ok(WorkItem {
        v: WorkItem::VERSION,
        shop: shop.clone(),
        flow: Flow::TargetedOffers,
        trigger: Trigger {
            topic: "campaign".to_owned(),
            webhook_id: format!("{campaign}-{period}-{}", customer.number()),
            event_id: None,
            triggered_at: Some(firing.at),
            test: false,
        },
        subject: customer.clone(),
        payload: Some(to_raw_value(&payload)?),
        payload_key: None,
        resend: None,
        next_channel: None,
        request: None,
        trace: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn period(zone: &str, at: &str) -> String {
        let item = RunItem {
            v: 1,
            shop: "acme.myshopify.com".parse().unwrap(),
            run: "spring".to_owned(),
            period: None,
            scheduled_at: Some(at.parse().unwrap()),
            ticket: None,
        };
        let firing = Firing::new(&item, &TimeZone::get(zone).unwrap(), Timestamp::UNIX_EPOCH).unwrap();
        firing.period.to_string()
    }

    #[test]
    fn a_period_is_the_date_in_the_shop() {
        assert_eq!(period("Europe/Paris", "2026-11-22T22:59:59Z"), "2026-11-22");
        assert_eq!(period("Europe/Paris", "2026-11-22T23:00:00Z"), "2026-11-23");
        assert_eq!(period("America/Los_Angeles", "2026-11-23T07:59:59Z"), "2026-11-22");
        assert_eq!(period("Pacific/Kiritimati", "2026-11-22T10:00:00Z"), "2026-11-23");
        // midnight of the day summer time begins, and of the day it ends
        assert_eq!(period("Europe/Paris", "2026-03-28T23:00:00Z"), "2026-03-29");
        assert_eq!(period("Europe/Paris", "2026-10-24T22:00:00Z"), "2026-10-25");
        // where midnight does not exist, because summer time begins at it
        assert_eq!(period("Asia/Beirut", "2026-03-28T22:00:00Z"), "2026-03-29");
    }

    #[test]
    fn a_period_that_a_person_gives_is_a_date() {
        let mut item: RunItem =
            serde_json::from_value(json!({"v": 1, "shop": "acme.myshopify.com", "run": "spring"})).unwrap();
        let firing = |item: &RunItem| Firing::new(item, &TimeZone::UTC, Timestamp::UNIX_EPOCH);
        assert_eq!(firing(&item).unwrap().period.to_string(), "1970-01-01");
        item.period = Some("2026-02-28".to_owned());
        assert_eq!(
            firing(&item).unwrap().key(&item.shop, "spring"),
            "runs/acme.myshopify.com/spring/2026-02-28.json"
        );
        for bad in ["2026-02-29", "2026-11", "../2026-11-22", ""] {
            item.period = Some(bad.to_owned());
            assert_eq!(firing(&item), Err(InvalidPeriod), "{bad}");
        }
    }
}
