//! What another configuration changes: lines, fields, documents that are switched, schedules that are made or deleted. For
//! people, before they decide, and afterwards.

use crate::{out::say, schedules};
use comms::Document;
use schemars::JsonSchema;
use serde::Serialize;
use shop_config::{
    ShopConfig,
    diff::{Line, lines},
};
use std::collections::BTreeMap;

/// Unchanged lines that are shown around a change.
const AROUND: usize = 3;

/// A field that is not the same in two configurations, as `ctl config diff --json` prints it. Fields are only added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    /// Its path, such as `documents.receipt.channels`.
    pub field: String,
    /// As TOML. Absent if it was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// As TOML. Absent if it is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The fields that differ. What is not TOML has none.
pub fn changes(before: &str, after: &str) -> Vec<Change> {
    let (old, new) = (fields(before), fields(after));
    let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
    let mut changes: Vec<Change> = names
        .filter(|name| old.get(*name) != new.get(*name))
        .map(|name| {
            let of = |all: &BTreeMap<String, toml::Value>| all.get(name).map(ToString::to_string);
            Change { field: name.clone(), before: of(&old), after: of(&new) }
        })
        .collect();
    changes.sort_by(|a, b| a.field.cmp(&b.field));
    changes
}

/// All values but tables, by their paths.
fn fields(text: &str) -> BTreeMap<String, toml::Value> {
    fn put(all: &mut BTreeMap<String, toml::Value>, path: &str, value: toml::Value) {
        match value {
            toml::Value::Table(table) if !table.is_empty() => {
                for (key, value) in table {
                    let path = if path.is_empty() { key } else { format!("{path}.{key}") };
                    put(all, &path, value);
                }
            }
            value => {
                all.insert(path.to_owned(), value);
            }
        }
    }
    let mut all = BTreeMap::new();
    if let Ok(table) = toml::from_str::<toml::Table>(text) {
        put(&mut all, "", toml::Value::Table(table));
    }
    all
}

/// How a document stands in a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    Off,
    /// Composed and archived under `test/`.
    DryRun,
    Live,
}

impl Stands {
    pub fn of(config: Option<&ShopConfig>, document: Document) -> Self {
        match config {
            Some(config) if config.document(document).is_none() => Self::Off,
            Some(config) if config.is_dry_run(document) => Self::DryRun,
            Some(_) => Self::Live,
            None => Self::Off,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::DryRun => "dry run",
            Self::Live => "live",
        }
    }
}

/// What storing a configuration over another one would do.
pub struct Plan<'a> {
    pub before: &'a str,
    pub after: &'a str,
    /// `None` where there is none, or it is not valid for this software.
    pub old: Option<&'a ShopConfig>,
    pub new: &'a ShopConfig,
}

impl Plan<'_> {
    pub fn print(&self) {
        print_lines(self.before, self.after);
        for sentence in self.sentences() {
            say!("{sentence}");
        }
    }

    /// What follows beside the text: documents and schedules.
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        for document in Document::ALL {
            let (was, is) = (Stands::of(self.old, *document), Stands::of(Some(self.new), *document));
            if was != is {
                sentences.push(format!("document {document}: {} -> {}", was.name(), is.name()));
            }
        }
        for (name, change) in schedules::changes(self.old, self.new) {
            sentences.push(format!("schedule {name}: {change}"));
        }
        sentences
    }
}

/// Every change with the lines around it.
pub fn print_lines(before: &str, after: &str) {
    let Some(lines) = lines(before, after) else {
        say!("the texts are too long to be compared");
        return;
    };
    let is_change = |line: &Line<'_>| !matches!(line, Line::Both(_));
    let mut last = None;
    for (at, line) in lines.iter().enumerate() {
        let from = at.saturating_sub(AROUND);
        let near = lines.iter().skip(from).take((at - from).saturating_add(AROUND + 1)).any(is_change);
        if !near {
            continue;
        }
        if last.is_some_and(|last: usize| last.saturating_add(1) != at) {
            say!("  …");
        }
        last = Some(at);
        match line {
            Line::Both(text) => say!("  {text}"),
            Line::Removed(text) => say!("- {text}"),
            Line::Added(text) => say!("+ {text}"),
        }
    }
}
