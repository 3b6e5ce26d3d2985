//! What a statement run says about its items, beside the account itself.

use crate::error::InvalidPayload;
use comms::Document;
use flow::BatchOutput;
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

/// Read by `plan`: of a large payload only what names the communications.
#[derive(Deserialize)]
pub(crate) struct Head {
    period: Named,
    pub composed: Option<Composed>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// The item is one customer's output of a batch job, of this one document.
#[derive(Deserialize)]
pub(crate) struct Composed {
    #[serde(flatten)]
    pub output: BatchOutput,
    pub document: Document,
}

/// Read by `gather`.
#[derive(Deserialize)]
pub(crate) struct Run {
    pub period: Period,
    pub issued_on: Date,
}

impl Head {
    pub fn parse(payload: &str) -> Result<Self, InvalidPayload> {
        let head: Self = serde_json::from_str(payload).map_err(|_| InvalidPayload::NoPeriod)?;
        let name = head.name();
        // it becomes part of an identity
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if plain && (1..=32).contains(&name.len()) { Ok(head) } else { Err(InvalidPayload::PeriodName) }
    }

    pub fn name(&self) -> &str {
        &self.period.name
    }
}

impl Run {
    pub fn parse(payload: &str) -> Result<Self, InvalidPayload> {
        let run: Self = serde_json::from_str(payload).map_err(|_| InvalidPayload::NoDays)?;
        if run.period.from > run.period.to {
            return Err(InvalidPayload::EndsBeforeItBegins);
        }
        Ok(run)
    }
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
