//! The configuration in which one document is live and everything else is as it was: the same text but for the few values that
//! say so. Whatever the text looks like, the result is read again and compared; where it is not exactly what was meant, the
//! person is told what to write.

use crate::{config::Stands, failure::Failure};
use comms::Document;
use jiff::Timestamp;
use shop_config::ShopConfig;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// The text with the document live. A shop that is in a dry run as a whole stays in one, document by document.
pub fn live(
    text: &str,
    config: &ShopConfig,
    document: Document,
    now: Timestamp,
    most: u16,
) -> Result<String, Failure> {
    let stood = Stands::of(Some(config), document);
    let name = document.name();
    let mut edited = set(text, &["documents", name], "dry_run", "false", true)?;
    if stood == Stands::Off {
        edited = set(&edited, &["documents", name], "enabled", "true", true)?;
        if config.documents.get(&document).is_some_and(|it| it.since.is_none()) {
            // nothing is written of what happened before, however late its event comes
            edited = set(&edited, &["documents", name], "since", &format!("\"{now:.0}\""), false)?;
        }
    }
    if config.dry_run {
        edited = set(&edited, &[], "dry_run", "false", true)?;
        for other in config.documents.keys().filter(|it| **it != document) {
            edited = set(&edited, &["documents", other.name()], "dry_run", "true", false)?;
        }
    }
    let by_hand =
        || format!("write it yourself: `enabled = true` and `dry_run = false` in [documents.{name}]");
    let new = ShopConfig::parse_within(&edited, most).map_err(|error| format!("{error}; {}", by_hand()))?;
    let is_meant = Document::ALL.iter().all(|it| {
        let is = Stands::of(Some(&new), *it);
        if *it == document { is == Stands::Live } else { is == Stands::of(Some(config), *it) }
    });
    if is_meant { Ok(edited) } else { Err(by_hand().into()) }
}

/// Gives a key of a table a value, in its place. What is not there is put below the table's header, unless it `is_default`
/// anyway.
fn set(text: &str, table: &[&str], key: &str, value: &str, is_default: bool) -> Result<String, Failure> {
    let root = DeTable::parse(text)?;
    let (mut at, mut span) = (root.get_ref(), None::<Range<usize>>);
    for name in table {
        let found = at.get(*name).ok_or_else(|| missing(table))?;
        let DeValue::Table(inner) = found.get_ref() else { return Err(missing(table)) };
        (at, span) = (inner, Some(found.span()));
    }
    let mut edited = text.to_owned();
    if let Some(found) = at.get(key) {
        edited.replace_range(found.span(), value);
        return Ok(edited);
    }
    if is_default {
        return Ok(edited);
    }
    let span = span.ok_or_else(|| missing(table))?;
    let of_table = text.get(span.clone()).unwrap_or_default();
    match of_table.bytes().next() {
        Some(b'{') => edited.insert_str(span.start.saturating_add(1), &format!(" {key} = {value},")),
        Some(b'[') => {
            let rest = text.get(span.start..).unwrap_or_default();
            let line = rest.find('\n').map_or(text.len(), |end| span.start.saturating_add(end));
            edited.insert_str(line, &format!("\n{key} = {value}"));
        }
        _ => return Err(format!("write `{key} = {value}` into [{}] yourself", table.join(".")).into()),
    }
    Ok(edited)
}

fn missing(table: &[&str]) -> Failure {
    format!("the configuration has no [{}]: write it first, with `enabled = false`", table.join(".")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = include_str!("../../../../shared/shop-config/tests/fixtures/shop.toml");

    fn go(text: &str, document: Document) -> Result<String, String> {
        let config = ShopConfig::parse(text).unwrap();
        let now = "2026-11-28T10:00:00Z".parse().unwrap();
        live(text, &config, document, now, 4018).map_err(|error| error.to_string())
    }

    /// What was added and taken away, line by line.
    fn changed(old: &str, new: &str) -> Vec<String> {
        use shop_config::diff::{Line, lines};
        let changed = |line: &Line<'_>| match line {
            Line::Both(_) => None,
            Line::Removed(text) => Some(format!("-{text}")),
            Line::Added(text) => Some(format!("+{text}")),
        };
        lines(old, new).unwrap().iter().filter_map(changed).collect()
    }

    #[test]
    fn only_what_makes_it_live_is_changed() {
        let receipt = |lines: &str| {
            SHOP.replace("[documents.receipt]", &format!("[documents.receipt] # keep\n{lines}"))
        };
        let text = receipt("dry_run = true # until Monday");
        let found = changed(&text, &go(&text, Document::Receipt).unwrap());
        assert_eq!(found, ["-dry_run = true # until Monday", "+dry_run = false # until Monday"]);
        let text = receipt("enabled = false");
        let found = changed(&text, &go(&text, Document::Receipt).unwrap());
        assert_eq!(found, ["-enabled = false", "+since = \"2026-11-28T10:00:00Z\"", "+enabled = true"]);
        let text = receipt("enabled = false\nsince = \"2026-01-01T00:00:00Z\"");
        let found = changed(&text, &go(&text, Document::Receipt).unwrap());
        assert_eq!(found, ["-enabled = false", "+enabled = true"], "what was decided stays");
    }

    /// A shop that is in a dry run as a whole: the others stay in it.
    #[test]
    fn the_others_stay_as_they_were() {
        let text = SHOP.replace("version = 1", "version = 1\ndry_run = true");
        let edited = go(&text, Document::Receipt).unwrap();
        let config = ShopConfig::parse(&edited).unwrap();
        assert!(!config.dry_run && !config.is_dry_run(Document::Receipt));
        assert!(config.is_dry_run(Document::OrderConfirmation));
        let found = changed(&text, &edited);
        assert_eq!(found, ["-dry_run = true", "+dry_run = false", "+dry_run = true"]);
    }

    #[test]
    fn documents_may_be_written_in_any_way() {
        let inline = SHOP.split("[documents.receipt]").next().unwrap();
        let head = "version = 1";
        for written in [
            "documents.receipt = { communication = \"c\", data_source = \"d\", enabled = false }",
            "documents.receipt.communication = \"c\"\ndocuments.receipt.data_source = \"d\"\ndocuments.receipt.dry_run = true",
        ] {
            let head_part = inline.split("[documents.order-confirmation]").next().unwrap();
            let text = head_part.replace(head, &format!("{head}\n{written}"));
            let edited = go(&text, Document::Receipt).unwrap();
            let config = ShopConfig::parse(&edited).unwrap();
            assert_eq!(Stands::of(Some(&config), Document::Receipt), Stands::Live, "{edited}");
        }
        let error = go(SHOP, Document::PackingSlip).unwrap_err();
        assert!(error.contains("has no [documents.packing-slip]"), "{error}");
    }
}
