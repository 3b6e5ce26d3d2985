//! `ctl run`: begins a statement run or a campaign by hand, and follows it.

use crate::{
    failure::Failure,
    out::{note, say},
    stack::Stack,
};
use account_statements::period_of;
use comms::ShopDomain;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::Value;
use std::{
    process::ExitCode,
    time::{Duration, Instant},
};
use work::{Message, RunItem};

/// The run of account statements; every other run is a campaign.
const STATEMENTS: &str = "account-statements";

pub async fn run(
    stack: &Stack,
    shop: ShopDomain,
    name: String,
    period: Option<String>,
    wait: Option<Duration>,
) -> Result<ExitCode, Failure> {
    let loaded = stack.configs().get(&shop, Timestamp::now()).await?;
    let known = match name.as_str() {
        STATEMENTS => loaded.config.statements.is_some(),
        campaign => loaded.config.marketing.campaigns.contains_key(campaign),
    };
    if !known {
        let campaigns: Vec<_> = loaded.config.marketing.campaigns.keys().map(String::as_str).collect();
        let what = format!("{shop} has no such run; its campaigns: {}", campaigns.join(", "));
        return Err(what.into());
    }
    check_period(&name, period.as_deref(), &loaded.config.time_zone, Timestamp::now())?;
    let queue = if name == STATEMENTS { "statement-run" } else { "offer-run" };
    let begun = Timestamp::now();
    let item = RunItem {
        v: RunItem::VERSION,
        shop: shop.clone(),
        run: name.clone(),
        period: period.clone(),
        scheduled_at: Some(begun),
        ticket: None,
    };
    stack.queue(queue)?.send(&Message::of(&item)?).await?;
    note!("the run {name} of {shop} is queued");
    match wait {
        Some(wait) => {
            let run = Run { shop: &shop, name: &name, period: period.as_deref(), begun };
            follow(stack, &run, wait).await
        }
        None => Ok(ExitCode::SUCCESS),
    }
}

/// Refuses a period that no run could be of: before it is queued, because a message that is never right ends as a dead
/// letter, and a campaign of a day to come would keep that day's own from being sent.
fn check_period(name: &str, period: Option<&str>, zone: &TimeZone, now: Timestamp) -> Result<(), Failure> {
    let Some(text) = period else { return Ok(()) };
    if name == STATEMENTS {
        period_of(Some(text), now, zone)?;
        return Ok(());
    }
    let day: Date =
        text.parse().map_err(|_| format!("the period {text} is not a day, such as 2026-10-31"))?;
    if day > now.to_zoned(zone.clone()).date() {
        return Err(format!("the day {day} has not come in the shop's time zone").into());
    }
    Ok(())
}

/// A run to follow.
struct Run<'a> {
    shop: &'a ShopDomain,
    name: &'a str,
    /// Where it is not named, the run's state is the one that changes.
    period: Option<&'a str>,
    begun: Timestamp,
}

/// Prints the run's state whenever it changes, until it is done or has failed.
async fn follow(stack: &Stack, run: &Run<'_>, wait: Duration) -> Result<ExitCode, Failure> {
    let (from, mut shown) = (Instant::now(), String::new());
    while from.elapsed() < wait {
        if let Some((state, fresh)) = state(stack, run).await? {
            let line = summary(&state);
            if line != shown {
                say!("{line}");
                shown = line;
            }
            // a campaign has one stage, a statement run an outcome once it has ended
            match state["stage"].as_str().or(state["outcome"]["is"].as_str()) {
                Some("done") => return Ok(ExitCode::SUCCESS),
                // an earlier one failed; this one has not begun
                Some("failed") if !fresh => {}
                Some("failed") => return Ok(ExitCode::FAILURE),
                _ => {}
            }
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    note!("ctl: the run is not over within {} s", wait.as_secs());
    Ok(ExitCode::FAILURE)
}

/// What a person wants to see of a run's state.
fn summary(state: &Value) -> String {
    let parts = state["parts"].as_array().into_iter().flatten();
    let parts: Vec<_> = parts
        .map(|part| {
            let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
            format!("{} {}", text(&part["source"]["of"]), text(&part["stage"]["is"]))
        })
        .collect();
    let mut words = parts;
    for name in ["stage", "members", "counts", "outcome"] {
        match &state[name] {
            Value::Null => {}
            Value::String(text) => words.push(text.clone()),
            other => words.push(format!("{name} {other}")),
        }
    }
    words.join(", ")
}

/// The run's state, if it has one already, and whether it changed since this run was asked for.
async fn state(stack: &Stack, run: &Run<'_>) -> Result<Option<(Value, bool)>, Failure> {
    let bucket = &stack.outputs.operations_bucket;
    let prefix = format!("runs/{}/{}/", run.shop, run.name);
    let page = stack.s3.list_objects_v2().bucket(bucket).prefix(&prefix).send().await?;
    let of_run = |object: &&aws_sdk_s3::types::Object| match run.period {
        Some(period) => object.key() == Some(&format!("{prefix}{period}.json")),
        None => object.last_modified().is_some_and(|at| at.secs() >= run.begun.as_second() - 1),
    };
    let changed = page.contents().iter().filter(of_run);
    let last = changed.max_by_key(|object| object.last_modified().map(|at| at.as_nanos()));
    let Some(key) = last.and_then(|object| object.key()) else { return Ok(None) };
    let object = stack.s3.get_object().bucket(bucket).key(key).send().await?;
    let fresh = object.last_modified().is_some_and(|at| at.secs() >= run.begun.as_second() - 1);
    Ok(Some((serde_json::from_slice(&object.body.collect().await?.into_bytes())?, fresh)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_impossible_period_is_refused() {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        // the first of November in Paris
        let now: Timestamp = "2026-10-31T23:30:00Z".parse().unwrap();
        for (name, period, is_possible) in [
            (STATEMENTS, Some("2026-10"), true),
            (STATEMENTS, Some("2026-11"), false),
            (STATEMENTS, Some("2026-13"), false),
            (STATEMENTS, Some("2026-10-01"), false),
            (STATEMENTS, None, true),
            ("winter", Some("2026-11-01"), true),
            ("winter", Some("2026-11-02"), false),
            ("winter", Some("2026-10"), false),
            ("winter", None, true),
        ] {
            assert_eq!(check_period(name, period, &zone, now).is_ok(), is_possible, "{name} {period:?}");
        }
    }
}
