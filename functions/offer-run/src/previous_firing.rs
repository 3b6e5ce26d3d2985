//! The date of a campaign's previous firing. Reminders cover all days since it, so each firing of such a campaign records
//! its own date where the next one finds it.

use crate::{firing::Firing, tools::Tools};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use work::{Retry, RunItem};

/// A campaign's latest firing, and the one before it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Latest {
    period: Date,
    since: Option<Date>,
}

/// The date of the firing before the one of `period`, if one is known; records this one. A crash right after that
/// changes nothing: this firing then finds itself.
pub async fn previous_firing(tools: &Tools, item: &RunItem, period: Date) -> Result<Option<Date>, Retry> {
    let key = Firing::latest_key(&item.shop, &item.run);
    let found = tools.checkpoints.load::<Latest>(&key).await?;
    let (since, version) = match found {
        Some((latest, _)) if latest.period == period => return Ok(latest.since),
        // a day that a person asks for again: the days before it had their own firings
        Some((latest, _)) if latest.period > period => return Ok(period.yesterday().ok()),
        Some((latest, version)) => (Some(latest.period), Some(version)),
        None => (None, None),
    };
    let latest = Latest { period, since };
    let saved = tools.checkpoints.save(&key, &latest, version.as_ref()).await;
    saved.map(|_| since).map_err(|error| Retry::of(&error))
}
