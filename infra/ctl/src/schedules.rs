//! The schedules of a shop's runs: one per campaign and one for its statements, in the shop's time zone.
//!
//! Made to match the configuration whenever it is pushed: what it names is created or changed, what it no
//! longer names is deleted. Names begin with the shop's, so no shop touches another's.

use crate::{failure::Failure, stack::Stack};
use aws_sdk_scheduler::{
    Client,
    error::ProvideErrorMetadata,
    types::{
        DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy, ScheduleState, Target,
    },
};
use serde_json::json;
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

/// The schedules that the configuration names and that are not there, and those that it does not name.
pub async fn difference(stack: &Stack, config: &ShopConfig) -> Result<(Vec<String>, Vec<String>), Failure> {
    let wanted = wanted(config);
    let existing = existing(stack, config).await?;
    let missing = wanted.keys().filter(|name| !existing.contains(name)).cloned().collect();
    Ok((missing, existing.into_iter().filter(|name| !wanted.contains_key(name)).collect()))
}

/// The names of the shop's schedules.
async fn existing(stack: &Stack, config: &ShopConfig) -> Result<Vec<String>, Failure> {
    let group = stack.outputs.value("ScheduleGroup")?;
    let listed = stack.scheduler.list_schedules().group_name(group).name_prefix(prefix(config));
    let mut pages = listed.into_paginator().send();
    let mut names = Vec::new();
    while let Some(page) = pages.next().await {
        names.extend(page?.schedules().iter().filter_map(|it| it.name().map(str::to_owned)));
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
    let outputs = &stack.outputs;
    let message = json!({"v": 1, "shop": config.shop, "run": schedule.run, "scheduled_at": SCHEDULED_TIME});
    let arn = outputs.value(match schedule.queue {
        "statement-run" => "QueueArnStatementRun",
        _ => "QueueArnOfferRun",
    })?;
    let target = Target::builder()
        .arn(arn)
        .role_arn(outputs.value("ScheduleRoleArn")?)
        .input(message.to_string())
        .dead_letter_config(DeadLetterConfig::builder().arn(outputs.value("ScheduleDeadLetterArn")?).build())
        .retry_policy(
            RetryPolicy::builder().maximum_event_age_in_seconds(3600).maximum_retry_attempts(10).build(),
        )
        .build()?;
    let window = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build()?;
    let zone = config.time_zone.iana_name().unwrap_or("UTC");
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
