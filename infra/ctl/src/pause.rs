//! `ctl pause` and `ctl resume`: work that waits until a person says so. A whole function is paused by its event source
//! mapping, so its queue keeps the messages as they are; one shop's work of a flow is paused by the ledger, which the
//! function reads every minute, and put off unclaimed. Either is on record before it is done.

use crate::{
    again::Decision,
    failure::Failure,
    out::say,
    rows::{Standing, tell},
    stack::Stack,
};
use aws_sdk_lambda::types::EventSourceMappingConfiguration;
use comms::{Flow, ShopDomain};
use decisions::{AuditEntry, Stage};
use jiff::Timestamp;
use ledger::{Ill, Paused};
use std::process::ExitCode;

/// Queues' messages are deleted after 14 days, and what waits too long is given up after 13.
const LONGEST: &str = "its messages wait for 13 days at most";

#[derive(clap::Args)]
pub struct Target {
    /// The flow or other function that takes work from a queue, such as `order-confirmation` or `write-back`.
    function: String,
    /// Only this shop's work of the flow.
    #[arg(long)]
    shop: Option<ShopDomain>,
    #[command(flatten)]
    decision: Decision,
}

impl Target {
    fn flow(&self) -> Result<Flow, Failure> {
        let known = || Flow::ALL.iter().map(|flow| flow.name()).collect::<Vec<_>>().join(", ");
        self.function.parse().map_err(|_| format!("with --shop, name a flow: {}", known()).into())
    }
}

pub async fn pause(stack: &Stack, target: Target) -> Result<ExitCode, Failure> {
    let decision = target.decision.clone().checked()?;
    match &target.shop {
        Some(shop) => {
            let flow = target.flow()?;
            let (actor, reason) = (decision.actor().to_owned(), decision.reason().to_owned());
            let paused = Paused { since_epoch_ms: Timestamp::now().as_millisecond(), actor, reason };
            on_record(stack, "pause", &decision, format!("{flow} of {shop}")).await?;
            stack.ledger.pause(shop, flow, &paused).await?;
            say!("{flow} of {shop} is paused within a minute; {LONGEST}");
        }
        None => {
            on_record(stack, "pause", &decision, target.function.clone()).await?;
            switch(stack, &target.function, false).await?;
            say!("{} is paused once its running invocations have ended; {LONGEST}", target.function);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn on_record(
    stack: &Stack,
    act: &str,
    decision: &decisions::Decision,
    to: String,
) -> Result<(), Failure> {
    let bucket = &stack.outputs.operations_bucket;
    Ok(AuditEntry::new(act, decision, to).put(&stack.s3, bucket, Stage::Begun).await?)
}

pub async fn resume(stack: &Stack, target: Target) -> Result<ExitCode, Failure> {
    let decision = target.decision.clone().checked()?;
    match &target.shop {
        Some(shop) => {
            let flow = target.flow()?;
            on_record(stack, "resume", &decision, format!("{flow} of {shop}")).await?;
            if !stack.ledger.resume(shop, flow).await? {
                return Err(format!("{flow} of {shop} was not paused").into());
            }
            say!(
                "{flow} of {shop} continues; the last message within a quarter of the time it waited, 6 hours at most"
            );
        }
        None => {
            on_record(stack, "resume", &decision, target.function.clone()).await?;
            switch(stack, &target.function, true).await?;
            say!("{} continues", target.function);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn switch(stack: &Stack, function: &str, enabled: bool) -> Result<(), Failure> {
    let mapping = mapping(stack, function).await?;
    let id = mapping.uuid.ok_or("the event source mapping has no id")?;
    stack.lambda.update_event_source_mapping().uuid(id).enabled(enabled).send().await?;
    Ok(())
}

/// What feeds a function from its queue. The queue is compared: a function may follow something else, too.
async fn mapping(stack: &Stack, function: &str) -> Result<EventSourceMappingConfiguration, Failure> {
    let queue = stack.queue_url(function)?;
    let name = queue.rsplit('/').next().unwrap_or_default();
    let arn = stack.outputs.value(&crate::stack::output_of("Function", function))?;
    let answer = stack.lambda.list_event_source_mappings().function_name(arn).send().await?;
    let is_of_queue = |it: &EventSourceMappingConfiguration| {
        it.event_source_arn().is_some_and(|arn| arn.rsplit(':').next() == Some(name))
    };
    let found = answer.event_source_mappings.unwrap_or_default().into_iter().find(is_of_queue);
    found.ok_or_else(|| format!("nothing feeds {function} from a queue").into())
}

/// How an event source mapping stands, in words. While Lambda changes one, it is neither on nor paused for certain.
fn state_of(state: &str) -> &'static str {
    match state {
        "Enabled" => "on",
        "Disabled" => "paused",
        "Enabling" => "about to continue",
        "Disabling" => "about to be paused",
        "Creating" => "being made",
        "Updating" => "being changed",
        "Deleting" => "being deleted",
        _ => "in a state that is not known",
    }
}

/// Prints what is paused, and which services are ill.
pub async fn status(stack: &Stack, json: bool) -> Result<ExitCode, Failure> {
    for (name, url) in stack.work_queues() {
        let mapping = mapping(stack, &name).await?;
        let word = state_of(mapping.state.as_deref().unwrap_or_default());
        let waiting = crate::dlq::count(stack, url).await?;
        let dead = crate::dlq::count(stack, stack.dead_letter_queue(&name)?).await?;
        let (of, waiting_now, dead_letters) = (name.as_str(), Some(waiting), Some(dead));
        let row = Standing { of, state: word, waiting: waiting_now, dead_letters, ..Standing::default() };
        tell!(json, row, "{name}: {word}, {waiting} waiting, {dead} dead letters");
    }
    let now = Timestamp::now();
    for shop in stack.configs().shops().await? {
        let state = stack.ledger.shop_state(&shop).await?;
        for (flow, Paused { since_epoch_ms, actor, reason }) in &state.paused {
            let since = Timestamp::from_millisecond(*since_epoch_ms).unwrap_or(now);
            let row = Standing {
                of: flow.name(),
                state: "paused",
                shop: Some(shop.as_str()),
                since: Some(since.to_string()),
                actor: Some(actor),
                reason: Some(reason),
                ..Standing::default()
            };
            tell!(json, row, "{shop}: {flow} paused since {since:.0} by {actor}: {reason}");
        }
        for (service, Ill { until_epoch_ms, .. }) in &state.ill {
            let left = (until_epoch_ms - now.as_millisecond()).max(0) / 1000;
            let (shop_name, seconds_left) = (Some(shop.as_str()), Some(left));
            let row =
                Standing { of: service, state: "ill", shop: shop_name, seconds_left, ..Standing::default() };
            tell!(json, row, "{shop}: {service} is ill, tried again in {left} s");
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every state of Lambda's documentation of `EventSourceMappingConfiguration`.
    #[test]
    fn only_what_is_switched_off_is_called_paused() {
        let states =
            ["Creating", "Enabling", "Enabled", "Disabling", "Disabled", "Updating", "Deleting", "", "Other"];
        let paused: Vec<_> = states.into_iter().filter(|state| state_of(state) == "paused").collect();
        assert_eq!(paused, ["Disabled"]);
        let on: Vec<_> = states.into_iter().filter(|state| state_of(state) == "on").collect();
        assert_eq!(on, ["Enabled"]);
    }
}
