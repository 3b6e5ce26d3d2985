//! `ctl config`: checking shop configurations, storing them, and what was stored before.
//!
//! A configuration is one object of the operations bucket, of which S3 keeps every version. Whoever stores one does so over
//! the version that they have seen (`put_over`), so of two people who change the same shop, one is told. What depends on it,
//! the schedules of its runs, is made after it, to match what is in force then. A crash in between leaves the schedules of
//! the configuration before; storing the same again, or `ctl setup`, makes them.

mod change;
mod diff;
mod history;
mod rollback;
#[cfg(test)]
mod tests;

use crate::{
    again::Decision,
    failure::Failure,
    out::{self, note, say},
    schedules,
    stack::Stack,
};
use comms::ShopDomain;
use decisions::{AuditEntry, Stage};
use shop_config::{
    ConfigHistory, Mistake, PutOutcome, ShopConfig, StoredBy, StoredText, config_key, parse_for_people,
};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

pub use change::{Plan, Stands};

#[derive(clap::Subcommand)]
pub enum ConfigCommand {
    /// Check files, and print all mistakes at once, each with its line and column. Needs no deployment.
    Check {
        /// Shop configurations.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// For how many days the deployment lets a document be kept: its output `MaxRetentionDays`.
        #[arg(long, env = "MAX_RETENTION_DAYS", default_value_t = shop_config::MAX_RETENTION_DAYS)]
        max_retention_days: u16,
        /// Print one JSON object per mistake instead.
        #[arg(long)]
        json: bool,
    },
    /// Check files, then store all of them, or none if one is wrong. Makes, changes and deletes the schedules of each
    /// shop to match. A file that says what is in force is not stored again.
    Push {
        /// Shop configurations.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        author: Author,
        /// Store it only over this version, as `ctl config history` shows it; of one file.
        #[arg(long)]
        over: Option<String>,
    },
    /// Show what a file would change, or what changed between two versions. Without either: what the version in force
    /// changed.
    Diff(diff::Question),
    /// Show the versions of a shop's configuration: when each was stored, by whom and why, its hash, and what it changed.
    History(history::Question),
    /// Store a former version again: after a check by this software, and a look at what changes. Refused if somebody stores
    /// another one meanwhile.
    Rollback(rollback::Order),
}

/// Who stores a configuration, and why. Both are kept with it.
#[derive(Clone, clap::Args)]
pub struct Author {
    /// Who stores it: a name or an account that your organisation can find again.
    #[arg(long, env = "CTL_ACTOR")]
    pub actor: String,
    /// Why, in a few words, without anything personal.
    #[arg(long, env = "CTL_REASON", default_value = "no reason was given")]
    pub reason: String,
}

impl Author {
    pub fn checked(self) -> Result<decisions::Decision, Failure> {
        Decision { actor: self.actor, reason: self.reason }.checked()
    }
}

/// The commands that need a deployment.
pub async fn run(stack: &Stack, command: ConfigCommand) -> Result<ExitCode, Failure> {
    match command {
        ConfigCommand::Check { files, max_retention_days, json } => check(&files, max_retention_days, json),
        ConfigCommand::Push { files, author, over } => push(stack, &files, author, over.as_deref()).await,
        ConfigCommand::Diff(question) => diff::run(stack, &question).await,
        ConfigCommand::History(question) => history::run(stack, &question).await,
        ConfigCommand::Rollback(order) => rollback::run(stack, order).await,
    }
}

/// A mistake, as `ctl config check --json` prints it. Fields are only added.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct MistakeRow<'a> {
    file: String,
    #[serde(flatten)]
    mistake: &'a Mistake,
}

pub fn check(files: &[PathBuf], max_retention_days: u16, json: bool) -> Result<ExitCode, Failure> {
    let mut code = ExitCode::SUCCESS;
    for file in files {
        match read(file, max_retention_days) {
            Ok((config, _)) if !json => {
                say!("{}: ok, {}, {} documents on", file.display(), config.shop, on(&config))
            }
            Ok(_) => {}
            Err(Unread::Mistakes { mistakes, .. }) if json => {
                for mistake in &mistakes {
                    let row = MistakeRow { file: file.display().to_string(), mistake };
                    out::json(&serde_json::to_string(&row)?);
                }
                code = ExitCode::FAILURE;
            }
            Err(error) => {
                note!("{error}");
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

/// Stores all files or, if one of them is wrong, none.
async fn push(
    stack: &Stack,
    files: &[PathBuf],
    author: Author,
    over: Option<&str>,
) -> Result<ExitCode, Failure> {
    if over.is_some() && files.len() > 1 {
        return Err("--over is for one file".into());
    }
    let decision = author.checked()?;
    let mut configs = Vec::with_capacity(files.len());
    let mut wrong = Vec::new();
    for file in files {
        match read(file, stack.outputs.max_retention_days()) {
            Ok(read) => configs.push(read),
            Err(error) => wrong.push(error.to_string()),
        }
    }
    if !wrong.is_empty() {
        return Err(format!("nothing was stored\n{}", wrong.join("\n")).into());
    }
    for (config, text) in configs {
        let seen = history(stack).in_force(&config.shop).await?;
        let version = seen.as_ref().map(|seen| seen.version.as_str());
        if let Some(over) = over
            && version != Some(over)
        {
            return Err(overtaken(&config.shop, seen.as_ref()));
        }
        let Stored { version, schedules, is_new } =
            put_over(stack, &config, &text, seen.as_ref(), "config-push", &decision).await?;
        let key = config_key(&config.shop);
        let unchanged = if is_new { "" } else { ", in force already" };
        say!("{key} version {version}{unchanged}, {} documents on, {schedules} schedules", on(&config));
    }
    Ok(ExitCode::SUCCESS)
}

/// A configuration that is in force, and how many schedules belong to it.
pub struct Stored {
    pub version: String,
    pub schedules: usize,
    /// Whether it was stored just now.
    pub is_new: bool,
}

pub fn history(stack: &Stack) -> ConfigHistory {
    ConfigHistory::new(stack.s3.clone(), stack.outputs.operations_bucket.clone())
}

/// Stores a configuration over the one that somebody has seen, and makes the schedules match. The act is on record before it
/// begins. What is in force already is not stored again, so all of it can be repeated.
pub async fn put_over(
    stack: &Stack,
    config: &ShopConfig,
    text: &str,
    seen: Option<&StoredText>,
    act: &str,
    decision: &decisions::Decision,
) -> Result<Stored, Failure> {
    let shop = &config.shop;
    let (version, is_new) = match seen.filter(|seen| seen.text == text) {
        Some(seen) => (seen.version.clone(), false),
        None => {
            let bucket = &stack.outputs.operations_bucket;
            AuditEntry::new(act, decision, config_key(shop)).put(&stack.s3, bucket, Stage::Begun).await?;
            let by = StoredBy {
                actor: decision.actor().to_owned(),
                reason: decision.reason().to_owned(),
                by: stack.command.to_owned(),
            };
            match history(stack).put(shop, text, &by, seen).await? {
                PutOutcome::Stored(version) => (version, true),
                PutOutcome::Overtaken => {
                    return Err(overtaken(shop, history(stack).in_force(shop).await?.as_ref()));
                }
            }
        }
    };
    let schedules = follow(stack, shop).await?;
    Ok(Stored { version, schedules, is_new })
}

/// Makes the schedules what is in force says. Two people may store one after the other and make schedules in the other
/// order, so what is in force is read again afterwards, until it is the same: whoever ends last has made those of it.
pub async fn follow(stack: &Stack, shop: &ShopDomain) -> Result<usize, Failure> {
    const MOST: usize = 5;
    let mut made = None;
    for _ in 0..MOST {
        let stored = history(stack).in_force(shop).await?.ok_or("the configuration was deleted meanwhile")?;
        match made {
            Some((version, schedules)) if version == stored.version => return Ok(schedules),
            _ => {}
        }
        let config = ShopConfig::parse_within(&stored.text, stack.outputs.max_retention_days())?;
        made = Some((stored.version, schedules::sync(stack, &config).await?));
    }
    Err("the configuration is stored again and again: run it once more".into())
}

fn overtaken(shop: &ShopDomain, stored: Option<&StoredText>) -> Failure {
    let what = match stored {
        Some(StoredText { version, by: Some(by), .. }) => {
            format!("version {version} by {} is in force ({})", by.actor, by.reason)
        }
        Some(StoredText { version, .. }) => format!("version {version} is in force"),
        None => "there is none now".to_owned(),
    };
    format!(
        "somebody else has changed the configuration of {shop}: {what}, so nothing was stored; look at `ctl config diff {shop}`, \
         and decide again"
    )
    .into()
}

/// Why a file is no configuration.
#[derive(Debug)]
pub enum Unread {
    File { file: String, error: std::io::Error },
    Mistakes { file: String, mistakes: Vec<Mistake> },
}

impl std::error::Error for Unread {}

/// One line per mistake, as compilers write them, so that editors lead to it.
impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File { file, error } => write!(f, "{file}: {error}"),
            Self::Mistakes { file, mistakes } => {
                for (index, mistake) in mistakes.iter().enumerate() {
                    let end = if index == 0 { "" } else { "\n" };
                    write!(f, "{end}{file}:{mistake}")?;
                }
                Ok(())
            }
        }
    }
}

/// A configuration file, checked, and its text.
pub fn read(file: &Path, max_retention_days: u16) -> Result<(ShopConfig, String), Unread> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| Unread::File { file: name.clone(), error })?;
    match parse_for_people(&text, max_retention_days) {
        Ok(config) => Ok((config, text)),
        Err(mistakes) => Err(Unread::Mistakes { file: name, mistakes }),
    }
}

fn on(config: &ShopConfig) -> usize {
    config.documents.values().filter(|document| document.enabled).count()
}
