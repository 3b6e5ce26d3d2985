//! Which days a pass looks at. A communication's day is that of its first claim, and it may be archived later: its
//! message waits, comes back, becomes a dead letter and is given back. So each pass looks at today and yesterday and at
//! one of the days before; in two days, all of them had their turn.
//!
//! Facts come later than records: a bounce after days, the first opening of a page after months. So each pass also looks
//! at one of the days before those.
//!
//! However many hours are between two passes, each day has its turn: their number is a prime.

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

/// For so many days after its first claim, a record is found: twice the 14 days that a queue keeps a message, for one
/// that became a dead letter on its last day and was given back on that one's last, and some.
const DAYS: i64 = 43;

/// For so many days after its communication's first claim, a fact is found: as long as a link can work, and what came
/// before. As a prime number of days has its turn, too, each has it within eighteen days.
const FACT_DAYS: i64 = 464;

/// The days, today first. `now` chooses the older ones.
pub fn to_look_at(now: Timestamp) -> Vec<Date> {
    let today = now.to_zoned(TimeZone::UTC).date();
    let hours = now.as_second().div_euclid(3600);
    let older = 2 + hours.rem_euclid(DAYS - 2);
    let oldest = DAYS + hours.rem_euclid(FACT_DAYS - DAYS);
    [0, 1, older, oldest].into_iter().filter_map(|days| today.checked_sub(days.days()).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_day_has_its_turn_within_two_days() {
        let begin: Timestamp = "2026-11-27T00:30:00Z".parse().unwrap();
        let mut seen = BTreeSet::new();
        for hour in 0..DAYS {
            let now = begin + jiff::SignedDuration::from_hours(hour);
            let days = to_look_at(now);
            assert_eq!(days[0], now.to_zoned(TimeZone::UTC).date());
            assert_eq!(days[1], days[0].yesterday().unwrap());
            seen.extend(days);
        }
        let mut day: Date = "2026-11-28".parse().unwrap();
        for _ in 0..DAYS - 1 {
            assert!(seen.contains(&day), "{day}");
            day = day.yesterday().unwrap();
        }
    }

    #[test]
    fn every_day_has_its_turn_whatever_the_hours_between_two_passes() {
        let begin: Timestamp = "2026-11-27T00:30:00Z".parse().unwrap();
        for period in [2, 3, 6, 12, 24, 19, 38] {
            let pass = |number| begin + jiff::SignedDuration::from_hours(number * period);
            let older = |at: Timestamp| (at.to_zoned(TimeZone::UTC).date() - to_look_at(at)[2]).get_days();
            let ages: BTreeSet<i32> = (0..DAYS - 2).map(|number| older(pass(number))).collect();
            assert_eq!(ages.len() as i64, DAYS - 2, "every {period} hours");
            let oldest = |at: Timestamp| (at.to_zoned(TimeZone::UTC).date() - to_look_at(at)[3]).get_days();
            let ages: BTreeSet<i32> = (0..FACT_DAYS - DAYS).map(|number| oldest(pass(number))).collect();
            assert_eq!(ages.len() as i64, FACT_DAYS - DAYS, "every {period} hours");
        }
    }
}
