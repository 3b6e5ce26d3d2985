//! `ctl config history`: the versions of a shop's configuration.

use super::{change::changes, history};
use crate::{
    failure::Failure,
    out::{self, say},
    stack::Stack,
};
use comms::ShopDomain;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use shop_config::StoredText;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Question {
    /// The shop.
    shop: ShopDomain,
    /// The most versions to show.
    #[arg(long, default_value_t = 20)]
    most: u16,
    /// Print one JSON object per line instead of a list.
    #[arg(long)]
    json: bool,
}

/// A version, as `ctl config history --json` prints it. Fields are only added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct VersionRow {
    /// Its id, which evidence records name, too.
    pub version: String,
    /// When it was stored.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Whether it is the one in force.
    pub in_force: bool,
    /// Whether the configuration was deleted then.
    pub deleted: bool,
    /// Who stored it. Absent if it was not stored by `ctl`, or by one that did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Why, as they said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The command that stored it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The text's SHA-256 in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The fields that it changed, of all but the first version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<Vec<String>>,
}

pub async fn run(stack: &Stack, question: &Question) -> Result<ExitCode, Failure> {
    let rows = rows(stack, &question.shop, question.most).await?;
    for row in &rows {
        match question.json {
            true => out::json(&serde_json::to_string(row)?),
            false => print(row),
        }
    }
    if rows.is_empty() && !question.json {
        say!("{} has had no configuration", question.shop);
    }
    Ok(ExitCode::SUCCESS)
}

/// The newest first.
pub async fn rows(stack: &Stack, shop: &ShopDomain, most: u16) -> Result<Vec<VersionRow>, Failure> {
    let history = history(stack);
    // one more, for what the last one changed
    let versions = history.versions(shop, usize::from(most).saturating_add(1)).await?;
    let mut rows = Vec::with_capacity(versions.len());
    let mut before: Option<String> = None;
    for version in versions.iter().rev() {
        let stored = match version.is_deletion {
            true => None,
            false => history.text(shop, &version.id).await?,
        };
        let text = stored.as_ref().map(|stored| stored.text.clone()).unwrap_or_default();
        let changed = before.map(|before| changes(&before, &text).into_iter().map(|it| it.field).collect());
        let sha256 = stored.as_ref().map(|stored| archive::sha256_hex(stored.text.as_bytes()));
        let by = stored.and_then(|StoredText { by, .. }| by);
        let (actor, reason, by) = match by {
            Some(by) => (Some(by.actor), Some(by.reason), Some(by.by)),
            None => (None, None, None),
        };
        rows.push(VersionRow {
            version: version.id.clone(),
            at: version.at,
            in_force: version.is_in_force && !version.is_deletion,
            deleted: version.is_deletion,
            actor,
            reason,
            by,
            sha256,
            changed,
        });
        before = Some(text);
    }
    rows.reverse();
    rows.truncate(most.into());
    Ok(rows)
}

/// More fields are not named in a line.
const NAMED: usize = 6;

fn print(row: &VersionRow) {
    let mark = if row.in_force { "  in force" } else { "" };
    say!("{:.0}  {}{mark}", row.at, row.version);
    let actor = row.actor.as_deref().unwrap_or("somebody");
    let reason = row.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let by = row.by.as_deref().map(|by| format!(" ({by})")).unwrap_or_default();
    match row.deleted {
        true => say!("    deleted"),
        false => say!("    by {actor}{by}{reason}"),
    }
    if let Some(sha256) = &row.sha256 {
        say!("    sha256 {sha256}");
    }
    match row.changed.as_deref() {
        Some([]) => say!("    changed no value"),
        Some(changed) => {
            let named: Vec<&str> = changed.iter().take(NAMED).map(String::as_str).collect();
            let more = changed.len().saturating_sub(named.len());
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            say!("    changed {}{more}", named.join(", "));
        }
        None => {}
    }
}
