//! The schedules of a shop's runs: one per campaign and one for its statements, in the shop's time zone.
//!
//! Made to match the configuration whenever it is pushed: what it names is created or changed, what it no
//! longer names is deleted. Names begin with the shop's, so no shop touches another's.

use crate::{failure::Failure, stack::Stack};
use aws_sdk_scheduler::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::{get_schedule::GetScheduleError, list_schedules::ListSchedulesError},
    types::{
        DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy, ScheduleState, Target,
    },
};
use serde_json::{Value, json};
use shop_config::ShopConfig;
use std::collections::BTreeMap;

#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    expression: String,
    queue: &'static str,
    run: String,
}

/// What AWS fills in for a schedule's target.
const SCHEDULED_TIME: &str = "<aws.scheduler.scheduled-time>";

/// Makes the schedules what the configuration says. Answers how many there are.
pub async fn sync(stack: &Stack, config: &ShopConfig) -> Result<usize, Failure> {
    let wanted = wanted(config);
    let outputs = &stack.outputs;
    let group = outputs.value("ScheduleGroup")?;
    let client = &stack.scheduler;
    let existing = existing(stack, config).await?;
    for name in existing.iter().filter(|name| !wanted.contains_key(*name)) {
        client.delete_schedule().group_name(group).name(name).send().await?;
    }
    for (name, schedule) in &wanted {
        put(client, stack, config, group, name, schedule, existing.contains(name)).await?;
    }
    Ok(wanted.len())
}

/// How the shop's schedules differ from what the configuration says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Difference {
    pub missing: Vec<String>,
    /// Of no run of the shop's.
    pub surplus: Vec<String>,
    /// Those with another time, time zone or target, or that are switched off.
    pub other: Vec<String>,
}

/// Looks into each schedule: one that was changed by hand has the right name.
pub async fn difference(stack: &Stack, config: &ShopConfig) -> Result<Difference, DifferenceError> {
    let wanted = wanted(config);
    let existing = existing(stack, config).await?;
    let mut difference = Difference::default();
    for (name, schedule) in &wanted {
        if !existing.contains(name) {
            difference.missing.push(name.clone());
        } else if !is_as_wanted(stack, config, name, schedule).await? {
            difference.other.push(name.clone());
        }
    }
    difference.surplus = existing.into_iter().filter(|name| !wanted.contains_key(name)).collect();
    Ok(difference)
}

/// Why schedules could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum DifferenceError {
    #[error("listing the schedules")]
    List(#[source] SdkError<ListSchedulesError>),
    #[error("reading the schedule {name}")]
    Read { name: String, source: SdkError<GetScheduleError> },
    #[error("{0}")]
    Deployment(Failure),
}

impl DifferenceError {
    /// Whether the person may not look.
    pub fn is_refusal(&self) -> bool {
        let code = match self {
            Self::List(error) => error.code(),
            Self::Read { source, .. } => source.code(),
            Self::Deployment(_) => None,
        };
        matches!(code, Some("AccessDenied" | "AccessDeniedException"))
    }
}

async fn is_as_wanted(
    stack: &Stack,
    config: &ShopConfig,
    name: &str,
    schedule: &Wanted,
) -> Result<bool, DifferenceError> {
    let group = stack.outputs.value("ScheduleGroup").map_err(DifferenceError::Deployment)?;
    let target = target(stack, config, schedule).map_err(DifferenceError::Deployment)?;
    let found = match stack.scheduler.get_schedule().group_name(group).name(name).send().await {
        Ok(found) => found,
        // deleted meanwhile
        Err(error) if error.code() == Some("ResourceNotFoundException") => return Ok(false),
        Err(source) => return Err(DifferenceError::Read { name: name.to_owned(), source }),
    };
    let is_target = found.target().is_some_and(|it| {
        let input = |target: &Target| serde_json::from_str::<Value>(target.input().unwrap_or_default()).ok();
        (it.arn(), it.role_arn(), input(it)) == (target.arn(), target.role_arn(), input(&target))
    });
    Ok(is_target
        && found.schedule_expression() == Some(&schedule.expression)
        && found.schedule_expression_timezone().unwrap_or("UTC") == zone(config)
        && found.state() == Some(&ScheduleState::Enabled))
}

/// What becomes of schedules where one configuration follows another: each name with what changes.
pub fn changes(old: Option<&ShopConfig>, new: &ShopConfig) -> Vec<(String, String)> {
    let of = |config: &ShopConfig| -> BTreeMap<String, String> {
        let said = |it: &Wanted| format!("{} {}", it.expression, zone(config));
        wanted(config).iter().map(|(name, it)| (name.clone(), said(it))).collect()
    };
    let (old, new) = (old.map(of).unwrap_or_default(), of(new));
    let gone =
        old.keys().filter(|name| !new.contains_key(*name)).map(|name| (name.clone(), "deleted".to_owned()));
    let here = new.iter().filter_map(|(name, said)| match old.get(name) {
        None => Some((name.clone(), format!("made, {said}"))),
        Some(was) if was != said => Some((name.clone(), format!("{was} -> {said}"))),
        Some(_) => None,
    });
    gone.chain(here).collect()
}

/// The names of the shop's schedules.
async fn existing(stack: &Stack, config: &ShopConfig) -> Result<Vec<String>, DifferenceError> {
    let group = stack.outputs.value("ScheduleGroup").map_err(DifferenceError::Deployment)?;
    let listed = stack.scheduler.list_schedules().group_name(group).name_prefix(prefix(config));
    let mut pages = listed.into_paginator().send();
    let mut names = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(DifferenceError::List)?;
        names.extend(page.schedules().iter().filter_map(|it| it.name().map(str::to_owned)));
    }
    Ok(names)
}

async fn put(
    client: &Client,
    stack: &Stack,
    config: &ShopConfig,
    group: &str,
    name: &str,
    schedule: &Wanted,
    exists: bool,
) -> Result<(), Failure> {
    let target = target(stack, config, schedule)?;
    let window = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build()?;
    let zone = zone(config);
    let result = if exists {
        let update = client.update_schedule().group_name(group).name(name).target(target);
        let update = update.flexible_time_window(window).schedule_expression_timezone(zone);
        let update = update.schedule_expression(&schedule.expression).state(ScheduleState::Enabled);
        update.send().await.map(drop).map_err(|error| error.message().map(str::to_owned))
    } else {
        let create = client.create_schedule().group_name(group).name(name).target(target);
        let create = create.flexible_time_window(window).schedule_expression_timezone(zone);
        let create = create.schedule_expression(&schedule.expression).state(ScheduleState::Enabled);
        create.send().await.map(drop).map_err(|error| error.message().map(str::to_owned))
    };
    result.map_err(|message| {
        let message = message.unwrap_or_else(|| "the request failed".to_owned());
        format!("the schedule {name} ({}): {message}", schedule.expression).into()
    })
}

/// What a schedule starts.
fn target(stack: &Stack, config: &ShopConfig, schedule: &Wanted) -> Result<Target, Failure> {
    let outputs = &stack.outputs;
    let message = json!({"v": 1, "shop": config.shop, "run": schedule.run, "scheduled_at": SCHEDULED_TIME});
    let arn = outputs.value(match schedule.queue {
        "statement-run" => "QueueArnStatementRun",
        _ => "QueueArnOfferRun",
    })?;
    Ok(Target::builder()
        .arn(arn)
        .role_arn(outputs.value("ScheduleRoleArn")?)
        .input(message.to_string())
        .dead_letter_config(DeadLetterConfig::builder().arn(outputs.value("ScheduleDeadLetterArn")?).build())
        .retry_policy(
            RetryPolicy::builder().maximum_event_age_in_seconds(3600).maximum_retry_attempts(10).build(),
        )
        .build()?)
}

fn zone(config: &ShopConfig) -> &str {
    config.time_zone.iana_name().unwrap_or("UTC")
}

fn wanted(config: &ShopConfig) -> BTreeMap<String, Wanted> {
    let prefix = prefix(config);
    let statements = config.statements.iter().map(|statements| {
        let run = "account-statements".to_owned();
        let expression = statements.schedule.clone();
        (format!("{prefix}statements"), Wanted { expression, queue: "statement-run", run })
    });
    let campaigns = config.marketing.campaigns.iter().map(|(name, campaign)| {
        let expression = campaign.schedule.clone();
        let wanted = Wanted { expression, queue: "offer-run", run: name.clone() };
        // a campaign may be called `statements`, too
        (format!("{prefix}offer.{name}"), wanted)
    });
    // EventBridge Scheduler takes names of 64 characters
    statements.chain(campaigns).map(|(name, wanted)| (fit(&name), wanted)).collect()
}

/// The shop's own name: no other shop's begins with it and a dot.
fn prefix(config: &ShopConfig) -> String {
    const MOST: usize = 40;
    let name = config.shop.as_str().split('.').next().unwrap_or_default();
    if name.len() <= MOST {
        return format!("{name}.");
    }
    let hash = archive::sha256_hex(name.as_bytes());
    format!("{}-{}.", comms::cut(name, MOST - 9), &hash[..8])
}

/// A name of at most 64 characters that stays different from others.
fn fit(name: &str) -> String {
    const MOST: usize = 64;
    if name.len() <= MOST {
        return name.to_owned();
    }
    let hash = archive::sha256_hex(name.as_bytes());
    format!("{}-{}", comms::cut(name, MOST - 9), &hash[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_schedule_a_campaign_and_one_for_the_statements() {
        let text = include_str!("../../local/config/demo-shop.toml");
        let config = ShopConfig::parse(text).unwrap();
        let wanted = wanted(&config);
        let statements = usize::from(config.statements.is_some());
        assert_eq!(wanted.len(), statements + config.marketing.campaigns.len());
        assert!(wanted.keys().all(|name| name.starts_with("northwind-demo.") && name.len() <= 64));
    }

    #[test]
    fn long_names_stay_different() {
        let (a, b) = (fit(&"a".repeat(80)), fit(&format!("{}b", "a".repeat(79))));
        assert!(a != b && a.len() == 64 && b.len() == 64);
    }
}
