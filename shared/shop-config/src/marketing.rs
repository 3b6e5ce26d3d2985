//! Offers: when they may be sent, to whom, and what they offer.

use crate::{Loyalty, Purchases, Replenishment, Texts, check::Check};
use comms::{Document, Flow, Gid, HttpsUrl};
use jiff::{Timestamp, civil, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Rules for documents of the class `marketing`, and the campaigns that send them.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Marketing {
    /// When nothing is sent.
    pub quiet_hours: Option<QuietHours>,
    /// How many offers a customer may get.
    pub frequency_cap: Option<FrequencyCap>,
    /// Customers with one of these tags get nothing.
    pub suppression_tags: Vec<String>,
    /// Customers with this tag agreed to offers on paper. Without it, paper goes to subscribers of e-mail marketing only,
    /// because Shopify has no consent to post.
    pub post_consent_tag: Option<String>,
    /// What is offered, by names of your own.
    pub offers: BTreeMap<String, Offer>,
    /// Sent to a customer who joins a segment.
    pub segments: Vec<SegmentOffer>,
    /// Sent on a schedule, by the campaign's name.
    pub campaigns: BTreeMap<String, Campaign>,
    /// Which orders count as purchases.
    pub purchases: Purchases,
    /// How points are earned. Loyalty statements need it.
    pub loyalty: Option<Loyalty>,
    /// How long goods last. Replenishment reminders need it.
    pub replenishment: Option<Replenishment>,
}

/// The hours of the day, in the shop's time zone, in which no offer is sent. At most 11 hours; they may pass midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// When they begin, such as `"21:00:00"`.
    #[schemars(with = "String", extend("format" = "local-time"))]
    pub from: civil::Time,
    /// When they end, such as `"08:00:00"`.
    #[schemars(with = "String", extend("format" = "local-time"))]
    pub to: civil::Time,
}

/// How many offers a customer gets at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FrequencyCap {
    /// At most so many offers.
    #[schemars(range(min = 1))]
    pub most: u8,
    /// Within so many days.
    #[schemars(range(min = 1, max = 365))]
    pub days: u16,
}

/// One offer, by a name of your own: lower-case letters, digits and hyphens.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// The title by locale. It needs one for `default_locale`.
    pub title: Texts,
    /// The text by locale.
    #[serde(default)]
    pub text: Texts,
    /// The discount code that redeems it.
    pub code: Option<String>,
    /// Where it is described.
    pub url: Option<HttpsUrl>,
    /// How many days it is valid after the customer joined the segment or the campaign was due.
    pub valid_days: Option<u16>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SegmentOffer {
    /// The segment's global id, such as `gid://shopify/Segment/610001`.
    pub segment: Gid,
    /// One of `offers`.
    pub offer: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Campaign {
    /// The document that is sent, of the flow targeted-offers.
    pub document: Document,
    /// EventBridge Scheduler's cron or rate expression, in the shop's time zone, such as `cron(0 9 1 * ? *)`.
    pub schedule: String,
    /// Who gets it.
    pub audience: Audience,
    /// One of `offers`. Promotional offers need one, the other documents may have one.
    pub offer: Option<String>,
}

/// The customers a campaign goes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// The global id of a segment in Shopify.
    Segment(Gid),
    /// A segment query, such as `customer_tags CONTAINS 'club'`.
    Query(String),
}

/// Longer ones would keep a message beyond what its queue allows.
const LONGEST_QUIET_HOURS: i64 = 11;

impl QuietHours {
    /// When the quiet hours that `now` is in end.
    pub fn until(self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let local = now.to_zoned(zone.clone());
        let time = local.time();
        let (quiet, tomorrow) = if self.from <= self.to {
            (self.from <= time && time < self.to, false)
        } else {
            (time >= self.from || time < self.to, time >= self.from)
        };
        if !quiet {
            return None;
        }
        let date = if tomorrow { local.date().tomorrow().ok()? } else { local.date() };
        let end = date.to_datetime(self.to);
        // an hour that is repeated ends twice, and the first end may be over
        let ended = zone.to_ambiguous_timestamp(end).compatible().ok()?;
        if ended > now { Some(ended) } else { zone.to_ambiguous_timestamp(end).later().ok() }
    }

    fn hours(self) -> i64 {
        let minutes = |time: civil::Time| i64::from(time.hour()) * 60 + i64::from(time.minute());
        (minutes(self.to) - minutes(self.from)).rem_euclid(24 * 60).div_euclid(60)
    }
}

impl Marketing {
    pub(crate) fn check(&self, check: &mut Check, default_locale: &str) {
        if let Some(hours) = self.quiet_hours
            && (hours.from == hours.to || hours.hours() > LONGEST_QUIET_HOURS)
        {
            let what = format!("must be different times, at most {LONGEST_QUIET_HOURS} hours apart");
            check.fail("marketing.quiet_hours", what);
        }
        if let Some(cap) = self.frequency_cap
            && (cap.most == 0 || !(1..=365).contains(&cap.days))
        {
            check.fail("marketing.frequency_cap", "needs `most` of 1 or more and `days` from 1 to 365");
        }
        check.tags("marketing.suppression_tags", &self.suppression_tags);
        check.tags("marketing.post_consent_tag", self.post_consent_tag.as_slice());
        for (name, offer) in &self.offers {
            let field = format!("marketing.offers.{name}");
            if !plain(name) {
                check.fail(&field, PLAIN);
            }
            // the last resort of every other locale
            if !offer.title.contains_key(default_locale) {
                check.fail(format!("{field}.title"), format!("needs a text for `{default_locale}`"));
            }
        }
        for (index, segment) in self.segments.iter().enumerate() {
            let field = format!("marketing.segments[{index}]");
            check_segment(check, &format!("{field}.segment"), &segment.segment);
            self.check_offer(check, &format!("{field}.offer"), &segment.offer);
        }
        if let Some(loyalty) = &self.loyalty {
            loyalty.check(check);
        }
        if let Some(replenishment) = &self.replenishment {
            replenishment.check(check);
        }
        self.check_campaigns(check);
    }

    fn check_campaigns(&self, check: &mut Check) {
        for (name, campaign) in &self.campaigns {
            let field = format!("marketing.campaigns.{name}");
            if let Audience::Segment(segment) = &campaign.audience {
                check_segment(check, &format!("{field}.audience.segment"), segment);
            }
            let rules = match campaign.document {
                Document::LoyaltyStatement if self.loyalty.is_none() => Some("marketing.loyalty"),
                Document::ReplenishmentReminder if self.replenishment.is_none() => {
                    Some("marketing.replenishment")
                }
                _ => None,
            };
            if let Some(rules) = rules {
                check.fail(format!("{field}.document"), format!("needs {rules}"));
            }
            if campaign.document.flow() != Flow::TargetedOffers {
                check.fail(format!("{field}.document"), "is not a document of the flow targeted-offers");
            }
            if !schedule(&campaign.schedule) {
                check.fail(format!("{field}.schedule"), SCHEDULE);
            }
            if !plain(name) {
                check.fail(&field, PLAIN);
            }
            match &campaign.offer {
                Some(offer) => self.check_offer(check, &format!("{field}.offer"), offer),
                None if campaign.document == Document::PromotionalOffer => {
                    check.fail(format!("{field}.offer"), "must name one of marketing.offers");
                }
                None => {}
            }
        }
    }

    fn check_offer(&self, check: &mut Check, field: &str, name: &str) {
        if !self.offers.contains_key(name) {
            check.fail(field, format!("`{name}` is not one of marketing.offers"));
        }
    }
}

fn check_segment(check: &mut Check, field: &str, segment: &Gid) {
    if segment.kind() != "Segment" {
        check.fail(field, "must be the id of a segment, `gid://shopify/Segment/<number>`");
    }
}

pub(crate) const SCHEDULE: &str =
    "must be a schedule of EventBridge Scheduler: cron(minute hour day month weekday year) or rate(n unit)";
pub(crate) const PLAIN: &str =
    "a name has 1 to 40 lower-case letters, digits and hyphens, and begins with a letter";

pub(crate) fn schedule(text: &str) -> bool {
    let inside = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
    inside("cron").is_some_and(|fields| fields.split_whitespace().count() == 6)
        || inside("rate").is_some_and(|fields| fields.split_whitespace().count() == 2)
}

pub(crate) fn plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= 40
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_end_in_the_shops_time_even_where_the_clock_changes() {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let hours = QuietHours { from: civil::time(21, 0, 0, 0), to: civil::time(8, 0, 0, 0) };
        let until = |at: &str| hours.until(at.parse().unwrap(), &zone).map(|end| end.to_string());
        assert_eq!(until("2026-11-22T19:59:59Z"), None);
        assert_eq!(until("2026-11-22T20:00:00Z").as_deref(), Some("2026-11-23T07:00:00Z"));
        assert_eq!(until("2026-11-23T06:59:59Z").as_deref(), Some("2026-11-23T07:00:00Z"));
        assert_eq!(until("2026-11-23T07:00:00Z"), None);
        // the night summer time ends, and the one it begins
        assert_eq!(until("2026-10-24T20:00:00Z").as_deref(), Some("2026-10-25T07:00:00Z"));
        assert_eq!(until("2026-03-28T20:00:00Z").as_deref(), Some("2026-03-29T06:00:00Z"));
        let noon = QuietHours { from: civil::time(12, 0, 0, 0), to: civil::time(13, 0, 0, 0) };
        assert!(noon.until("2026-11-22T11:30:00Z".parse().unwrap(), &zone).is_some());
        assert!(noon.until("2026-11-22T12:00:00Z".parse().unwrap(), &zone).is_none());
    }

    /// Three o'clock comes twice that night: quiet until half past two is quiet until the half past two to come.
    #[test]
    fn quiet_hours_that_end_in_a_repeated_hour_end_in_the_future() {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let hours = QuietHours { from: civil::time(22, 0, 0, 0), to: civil::time(2, 30, 0, 0) };
        let until = |at: &str| hours.until(at.parse().unwrap(), &zone).map(|end| end.to_string());
        assert_eq!(until("2026-10-24T23:00:00Z").as_deref(), Some("2026-10-25T00:30:00Z"));
        assert_eq!(until("2026-10-25T00:30:00Z"), None);
        assert_eq!(until("2026-10-25T01:10:00Z").as_deref(), Some("2026-10-25T01:30:00Z"));
        // the hour that is left out: quiet until then is quiet until the clock shows a time after it
        assert!(hours.until("2026-03-29T00:59:59Z".parse().unwrap(), &zone).is_some());
        assert_eq!(until("2026-03-29T01:00:00Z"), None);
    }

    fn problems(marketing: &str) -> Vec<String> {
        let text = format!(
            "version = 1\nshop = \"acme.myshopify.com\"\ntime_zone = \"Europe/Paris\"\ndefault_locale = \"en\"\n\
             [brand]\nname = \"Acme\"\n[exstream]\nadapter = \"orchestration\"\n\
             base_url = \"https://exstream.example\"\ndomain = \"d\"\ntoken = {{ mode = \"none\" }}\n\
             [documents]\n{marketing}"
        );
        match crate::ShopConfig::parse(&text) {
            Ok(_) => vec![],
            Err(crate::InvalidConfig::Problems(problems)) => {
                problems.into_iter().map(|problem| problem.field).collect()
            }
            Err(syntax) => panic!("{syntax}"),
        }
    }

    #[test]
    fn what_could_not_be_sent_is_found_when_the_file_is_written() {
        let fine = r#"
            [marketing.offers.spring]
            title = { en = "Spring" }
            [[marketing.segments]]
            segment = "gid://shopify/Segment/1"
            offer = "spring"
            [marketing.loyalty]
            points_per_unit = "0.5"
            balance_metafield = "$app:loyalty.balance"
            [marketing.replenishment]
            days_by_sku = { "SOAP" = 30 }
            lead_days = 7
            [marketing.campaigns.points]
            document = "loyalty-statement"
            schedule = "cron(0 9 1 * ? *)"
            audience = { query = "number_of_orders > 0" }
        "#;
        assert_eq!(problems(fine), Vec::<String>::new());
        for (from, to, field) in [
            ("{ en = \"Spring\" }", "{ fr = \"Printemps\" }", "marketing.offers.spring.title"),
            ("/Segment/1", "/Customer/1", "marketing.segments[0].segment"),
            ("offer = \"spring\"", "offer = \"summer\"", "marketing.segments[0].offer"),
            ("\"0.5\"", "\"0\"", "marketing.loyalty.points_per_unit"),
            ("\"0.5\"", "\"0.12345678\"", "marketing.loyalty.points_per_unit"),
            ("$app:loyalty.balance", "balance", "marketing.loyalty.balance_metafield"),
            ("= 30", "= 7", "marketing.replenishment.days_by_sku.SOAP"),
            ("loyalty-statement", "receipt", "marketing.campaigns.points.document"),
            ("cron(0 9 1 * ? *)", "monthly", "marketing.campaigns.points.schedule"),
            ("loyalty-statement", "promotional-offer", "marketing.campaigns.points.offer"),
        ] {
            assert_eq!(problems(&fine.replace(from, to)), [field], "{to}");
        }
    }

    #[test]
    fn schedules_are_recognised() {
        for (text, fine) in
            [("cron(0 9 1 * ? *)", true), ("rate(7 days)", true), ("0 9 1 * *", false), ("cron(0 9)", false)]
        {
            assert_eq!(schedule(text), fine, "{text}");
        }
    }
}
