//! The month a statement run is for. No clock: whoever asks says what time it is.

use crate::Period;
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPeriod {
    #[error("the period is not a month, such as 2026-10")]
    NotAMonth,
    /// A statement of it would lack what is still to come.
    #[error("the period {name} is not over in the shop's time zone")]
    NotOver { name: String },
}

/// The month called `name`, or the last whole month before `at`; and the day its documents are dated, which is
/// that of `at`.
pub fn period_of(
    name: Option<&str>,
    at: Timestamp,
    zone: &TimeZone,
) -> Result<(Period, Date), InvalidPeriod> {
    let today = at.to_zoned(zone.clone()).date();
    let from = match name {
        Some(name) => month(name).ok_or(InvalidPeriod::NotAMonth)?,
        None => today.first_of_month().checked_sub(1.month()).map_err(|_| InvalidPeriod::NotAMonth)?,
    };
    let period = Period::month(from);
    if period.to >= today {
        return Err(InvalidPeriod::NotOver { name: period.name });
    }
    Ok((period, today))
}

fn month(name: &str) -> Option<Date> {
    let (year, month) = name.split_once('-')?;
    let digits = |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(year, 4) || !digits(month, 2) {
        return None;
    }
    Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: Option<&str>, at: &str, zone: &str) -> Result<(String, String, String), InvalidPeriod> {
        let (period, issued) = period_of(name, at.parse().unwrap(), &TimeZone::get(zone).unwrap())?;
        assert!(period.from <= period.to && period.name.starts_with(&period.from.to_string()[..7]));
        Ok((period.from.to_string(), period.to.to_string(), issued.to_string()))
    }

    fn dates(from: &str, to: &str, issued: &str) -> Result<(String, String, String), InvalidPeriod> {
        Ok((from.into(), to.into(), issued.into()))
    }

    #[test]
    fn the_month_before_is_that_of_the_shops_own_clock() {
        let november = "2026-11-01T05:00:00Z";
        assert_eq!(of(None, november, "Europe/Paris"), dates("2026-10-01", "2026-10-31", "2026-11-01"));
        assert_eq!(
            of(None, november, "America/Los_Angeles"),
            dates("2026-09-01", "2026-09-30", "2026-10-31")
        );
        assert_eq!(
            of(None, "2026-12-31T23:30:00Z", "Pacific/Kiritimati"),
            dates("2026-12-01", "2026-12-31", "2027-01-01")
        );
        assert_eq!(of(None, "2028-03-31T12:00:00Z", "UTC"), dates("2028-02-01", "2028-02-29", "2028-03-31"));
        assert_eq!(of(None, "2026-01-01T00:00:00Z", "UTC"), dates("2025-12-01", "2025-12-31", "2026-01-01"));
        // the hour that there are two of
        assert_eq!(
            of(None, "2026-11-01T06:30:00Z", "America/New_York"),
            dates("2026-10-01", "2026-10-31", "2026-11-01")
        );
    }

    #[test]
    fn a_named_month_must_be_one_and_be_over() {
        let at = "2026-11-15T05:00:00Z";
        assert_eq!(of(Some("2026-02"), at, "UTC"), dates("2026-02-01", "2026-02-28", "2026-11-15"));
        assert_eq!(of(Some("2026-11"), at, "UTC"), Err(InvalidPeriod::NotOver { name: "2026-11".into() }));
        for bad in ["", "2026", "2026-13", "2026-1", "26-01", "../x", "2026-10-01", "+026-01"] {
            assert_eq!(of(Some(bad), at, "UTC"), Err(InvalidPeriod::NotAMonth), "{bad}");
        }
    }
}
