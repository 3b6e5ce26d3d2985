//! The rows that commands print with `--json`, one object per line, as far as they belong to no other module. Each is a
//! published contract (`schemas/`): fields are only added.

use crate::{failure::Failure, out};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// Prints a row with `--json`, and otherwise the text for people.
macro_rules! tell {
    ($json:expr, $row:expr, $($text:tt)*) => {
        match $json {
            true => $crate::rows::print(&$row)?,
            false => $crate::out::say!($($text)*),
        }
    };
}

/// Says something about all rows: beside them with `--json`, where programs read nothing but rows.
macro_rules! remark {
    ($json:expr, $($text:tt)*) => {
        match $json {
            true => $crate::out::note!($($text)*),
            false => $crate::out::say!($($text)*),
        }
    };
}

pub(crate) use {remark, tell};

/// Prints a row.
pub fn print(row: &impl Serialize) -> Result<(), Failure> {
    out::json(&serde_json::to_string(row)?);
    Ok(())
}

/// A communication that is held or was released: `ctl hold`, `ctl release`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Hold {
    pub communication: String,
    pub document: String,
    /// The versions of objects that belong to it.
    pub objects: usize,
    /// What it is held for. With none it is free.
    pub matters: Vec<String>,
    /// Whether that changed just now.
    pub changed: bool,
}

/// Expired evidence: `ctl dispose`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Expired {
    pub communication: String,
    pub document: String,
    pub expired_at: String,
    /// The class of retention.
    pub class: String,
}

/// A privacy request: `ctl privacy list`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PrivacyRequest {
    pub request: String,
    pub topic: String,
    pub at: String,
    pub outcome: String,
    /// How many communications were erased.
    pub erased: usize,
    /// Those that were not.
    pub kept: Vec<Kept>,
}

/// What the law keeps.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Kept {
    pub communication: String,
    pub document: String,
    pub until: String,
    pub legal_basis: String,
}

/// What documents were composed with for a while: `ctl templates history`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InForce<'a> {
    pub first: String,
    pub last: String,
    pub documents: usize,
    pub template: &'a str,
    pub parts: &'a str,
    pub configuration: &'a str,
    pub software: &'a str,
}

/// What AWS charges per month for one thing: `ctl cost`. The last row is the `total`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Cost<'a> {
    pub name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<f64>,
    /// A decimal.
    pub cost: String,
    pub currency: &'a str,
}

/// A link to a document: `ctl link`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Link<'a> {
    pub communication: &'a str,
    pub serial: u32,
    /// Opens the document. Absent if it is revoked, or was made with another key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// `live`, `expired` or `revoked`.
    pub state: &'static str,
    pub valid_until: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_reason: Option<&'a str>,
    pub page_opens: u64,
    pub document_opens: u64,
    pub openings: Vec<Opening>,
}

/// When a link was opened.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Opening {
    pub at: String,
    /// `page`, or the file's name.
    pub what: String,
}

/// Where two records differ: `ctl diff`.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Difference {
    /// The field of the driver data, or what else of the record or file it is.
    pub of: String,
    /// What the older one has; `null` if it has nothing there.
    pub old: Value,
    pub new: Value,
}

/// What waits or is paused: `ctl status` without arguments.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Standing<'a> {
    /// A function that takes work from a queue, a flow, or a service.
    pub of: &'a str,
    /// `on`, `paused` or `ill`; or what Lambda is changing, such as `about to be paused`.
    pub state: &'static str,
    /// The shop, for what concerns one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shop: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_letters: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    /// When an ill service is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<i64>,
}

/// Whether a customer gets marketing: `ctl suppress`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Suppression {
    pub customer: String,
    pub is_suppressed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A file that was saved and what was compared: `ctl show`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SavedFile {
    pub file: String,
    pub bytes: usize,
    /// `output`, `record` or `fact`.
    pub what: &'static str,
    /// What an output is for.
    pub uses: Vec<String>,
    pub sha256: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cli;
    use clap::{Command, CommandFactory};
    use std::path::Path;

    /// Commands that print no rows, each with the reason.
    const WITHOUT: &[(&str, &str)] = &[
        ("ctl proof", "writes one file, and says in sentences what it proves"),
        (
            "ctl verify",
            "says in sentences what holds, for a person who compares; programs have the exit code",
        ),
        ("ctl pause", "says one sentence; `ctl status --json` has the state"),
        ("ctl resume", "says one sentence; `ctl status --json` has the state"),
        ("ctl dlq redrive", "prints a plan for a person to confirm; `ctl dlq list --json` has the counts"),
        ("ctl dlq discard", "prints a plan for a person to confirm; `ctl dlq list --json` has the counts"),
        ("ctl privacy fetch", "writes one file and prints its name"),
        ("ctl config push", "names mistakes with their places, as compilers do"),
        (
            "ctl config rollback",
            "prints a plan for a person to confirm; `ctl config history --json` has the versions",
        ),
        ("ctl go-live", "prints a plan for a person to confirm; `ctl doctor --json` has what was looked at"),
        ("ctl completions", "prints a script"),
        ("ctl man", "writes pages"),
    ];

    fn each(command: &Command, path: &str, found: &mut Vec<(String, bool)>) {
        for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
            let path = format!("{path} {}", command.get_name());
            if command.has_subcommands() {
                each(command, &path, found);
            } else {
                found.push((path, command.get_arguments().any(|it| it.get_long() == Some("json"))));
            }
        }
    }

    #[test]
    fn every_command_has_rows_or_a_reason_why_not() {
        let mut found = Vec::new();
        each(&Cli::command(), "ctl", &mut found);
        let neither: Vec<_> = found
            .iter()
            .filter(|(path, has_rows)| !has_rows && !WITHOUT.iter().any(|(known, _)| known == path))
            .map(|(path, _)| path)
            .collect();
        assert!(neither.is_empty(), "give these `--json`, or a reason: {neither:?}");
        for (path, reason) in WITHOUT {
            assert!(found.iter().any(|(known, _)| known == path), "{path} is no command");
            assert!(!reason.is_empty());
        }
    }

    #[test]
    fn rows_are_published_contracts() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
        let publish = |name: &str, schema: schemars::Schema| {
            contract::published(&folder.join(format!("{name}-row.v1.json")), &schema.to_value());
        };
        publish("hold", schemars::schema_for!(Hold));
        publish("expired", schemars::schema_for!(Expired));
        publish("privacy-request", schemars::schema_for!(PrivacyRequest));
        publish("in-force", schemars::schema_for!(InForce<'static>));
        publish("cost", schemars::schema_for!(Cost<'static>));
        publish("link", schemars::schema_for!(Link<'static>));
        publish("difference", schemars::schema_for!(Difference));
        publish("standing", schemars::schema_for!(Standing<'static>));
        publish("suppression", schemars::schema_for!(Suppression));
        publish("saved-file", schemars::schema_for!(SavedFile));
    }
}
