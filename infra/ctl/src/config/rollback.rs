//! `ctl config rollback`: a former version is stored again, as a version of its own.

use super::{Plan, Stored, Unread, diff::version_of, history, put_over};
use crate::{again::Decision, ask, failure::Failure, out::say, stack::Stack};
use comms::ShopDomain;
use shop_config::{ShopConfig, config_key, parse_for_people};
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Order {
    /// The shop.
    pub shop: ShopDomain,
    /// The version, as `ctl config history` shows it.
    pub version: String,
    #[command(flatten)]
    pub decision: Decision,
    /// Show what would change, and change nothing.
    #[arg(long)]
    pub plan: bool,
    /// Do not ask.
    #[arg(long, conflicts_with = "plan")]
    pub yes: bool,
}

/// Shows what changes, asks, and stores it over the version that was shown. Dying at any point leaves one of the two in
/// force, whole; running it again ends it, and stores nothing twice.
pub async fn run(stack: &Stack, order: Order) -> Result<ExitCode, Failure> {
    let Order { shop, version, decision, plan, yes } = order;
    let decision = decision.checked()?;
    let former = version_of(stack, &shop, &version).await?;
    let most = stack.outputs.max_retention_days();
    let config = parse_for_people(&former.text, most)
        .map_err(|mistakes| Unread::Mistakes { file: format!("version {version}"), mistakes })?;
    if config.shop != shop {
        return Err(format!("version {version} is the configuration of {}", config.shop).into());
    }
    let seen = history(stack).in_force(&shop).await?;
    let before = seen.as_ref().map(|seen| seen.text.as_str()).unwrap_or_default();
    if before != former.text {
        let old = ShopConfig::parse_within(before, most).ok();
        Plan { before, after: &former.text, old: old.as_ref(), new: &config }.print();
        let question = format!("store version {version} of {} again", config_key(&shop));
        if plan || !(yes || ask::is_wanted(&question)) {
            return Ok(if plan { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
    }
    let stored = put_over(stack, &config, &former.text, seen.as_ref(), "config-rollback", &decision).await?;
    let Stored { version: now, schedules, is_new } = stored;
    match is_new {
        true => say!("version {version} is in force again, as version {now}, {schedules} schedules"),
        false => say!("version {version} is in force already, {schedules} schedules"),
    }
    Ok(ExitCode::SUCCESS)
}
