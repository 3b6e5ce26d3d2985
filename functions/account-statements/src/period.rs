//! The days that a document covers.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The days a document covers, in the shop's time zone, the last included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Period {
    /// Such as `2026-10`.
    #[schemars(extend("examples" = ["2026-10"]))]
    pub name: String,
    /// The first day.
    #[schemars(with = "String", extend("examples" = ["2026-10-01"]))]
    pub from: Date,
    /// The last day.
    #[schemars(with = "String", extend("examples" = ["2026-10-31"]))]
    pub to: Date,
}

impl Period {
    /// The month that a day is in.
    pub fn month(day: Date) -> Self {
        let from = day.first_of_month();
        Self { name: format!("{:04}-{:02}", from.year(), from.month()), from, to: from.last_of_month() }
    }

    /// The month before it began.
    pub fn before(&self) -> Option<Self> {
        self.from.first_of_month().yesterday().ok().map(Self::month)
    }

    pub(crate) fn contains(&self, day: Date) -> bool {
        (self.from..=self.to).contains(&day)
    }
}

/// The day of a moment.
pub(crate) fn day(at: Timestamp, zone: &TimeZone) -> Date {
    at.to_zoned(zone.clone()).date()
}
