//! For the demo and the tests: what the demo shop and the stand-ins know of each document.
//!
//! One file per document, `documents/<name>.toml`: the version of its template, the words of its letter that are its own,
//! and the demo shop's settings for it. The demo shop's configuration and the templates of Exstream's stand-in are made
//! from these files; tests name what a document lacks.

#![allow(
    clippy::panic,
    reason = "a file that cannot be read is a mistake in the file, and the message names it"
)]

use comms::Document;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::LazyLock};

/// The files, by the name of the document.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/documents.rs"));

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let mut entries: Vec<_> = FILES.iter().map(|(name, text)| Entry::parse(name, text)).collect();
    entries.sort_by_key(|entry| entry.document);
    entries
});

/// What is known of one document.
#[derive(Debug)]
pub struct Entry {
    pub document: Document,
    file: File,
    template: Template,
    /// The tables of the demo shop's configuration, as they are written.
    settings: &'static str,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    template_version: u32,
    /// What the template yields, if it is not one PDF, as the stand-in of Exstream is told it.
    #[serde(default)]
    queues: Vec<Queue>,
    /// The first sentence of its letter, after the greeting.
    opening: Translations,
    /// Labels of the fields that no other document has, by their key in driver data.
    #[serde(default)]
    labels: BTreeMap<String, Translations>,
    /// The demo shop's settings; the type of the configuration checks them.
    documents: BTreeMap<Document, toml::Table>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Queue {
    queue: String,
    mime: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pictures: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Translations {
    en: String,
    fr: String,
    de: String,
    ar: String,
}

#[derive(Debug, Deserialize)]
struct Template {
    communication: String,
    data_source: String,
}

impl Entry {
    fn parse(name: &str, text: &'static str) -> Self {
        let wrong = |what: String| -> ! { panic!("tests/demo-documents/documents/{name}.toml: {what}") };
        let document: Document =
            name.parse().unwrap_or_else(|error: comms::UnknownName| wrong(error.to_string()));
        let file: File = toml::from_str(text).unwrap_or_else(|error| wrong(error.to_string()));
        let (Some(settings), 1) = (file.documents.get(&document), file.documents.len()) else {
            wrong(format!("it has one table [documents.{name}]"))
        };
        let template =
            settings.clone().try_into().unwrap_or_else(|error: toml::de::Error| wrong(error.to_string()));
        let begin =
            text.find(&format!("[documents.{name}]")).unwrap_or_else(|| wrong("no settings".to_owned()));
        Self { document, template, settings: text[begin..].trim_end(), file }
    }
}

impl Translations {
    fn of(&self, language: &str) -> &str {
        match language {
            "fr" => &self.fr,
            "de" => &self.de,
            "ar" => &self.ar,
            _ => &self.en,
        }
    }
}

/// Every document that has a file, in the order of [`Document::ALL`].
pub fn entries() -> &'static [Entry] {
    &ENTRIES
}

/// The first sentence of a document's letter, in English, French, German or Arabic.
pub fn opening(document: Document, language: &str) -> Option<&'static str> {
    let entry = entries().iter().find(|entry| entry.document == document)?;
    Some(entry.file.opening.of(language))
}

/// The label of a field that only one document has.
pub fn label(key: &str, language: &str) -> Option<&'static str> {
    entries().iter().find_map(|entry| Some(entry.file.labels.get(key)?.of(language)))
}

/// The templates that the stand-in of Exstream has.
pub fn templates() -> Value {
    let template = |entry: &Entry| {
        let Template { communication, data_source } = &entry.template;
        let mut template = json!({
            "id": communication, "name": data_source, "version": entry.file.template_version,
            "data_source": data_source,
        });
        if !entry.file.queues.is_empty() {
            template["outputs"] = json!(entry.file.queues);
        }
        template
    };
    entries().iter().map(template).collect()
}

/// The demo shop's tables for all documents.
pub fn settings() -> String {
    entries().iter().map(|entry| entry.settings).collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, path::Path};

    /// Whoever adds a document gives it a file, and a table in it that switches it on.
    #[test]
    fn every_document_has_a_file() {
        let there: BTreeSet<_> = entries().iter().map(|entry| entry.document).collect();
        let missing: Vec<_> = Document::ALL
            .iter()
            .filter(|document| !there.contains(document))
            .map(|document| format!("tests/demo-documents/documents/{document}.toml"))
            .collect();
        assert!(missing.is_empty(), "not there: {missing:?}");
    }

    /// Two documents with one template would each be made with the other's data.
    #[test]
    fn every_document_has_a_template_of_its_own() {
        let own = |it: &'static Entry| [it.template.communication.as_str(), it.template.data_source.as_str()];
        let all: BTreeSet<_> = entries().iter().flat_map(own).collect();
        assert_eq!(all.len(), 2 * entries().len(), "{all:?}");
    }

    /// Otherwise the label of one is shown in the other.
    #[test]
    fn no_label_is_given_twice() {
        let keys: Vec<_> = entries().iter().flat_map(|entry| entry.file.labels.keys()).collect();
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "{keys:?}");
    }

    #[test]
    fn the_demo_shop_and_the_templates_are_made_from_the_files() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/local");
        let shop = folder.join("config/demo-shop.toml");
        contract::published_part(&shop, "documents", &settings());
        contract::published(&folder.join("communications.json"), &templates());
        let config = shop_config::ShopConfig::parse(&std::fs::read_to_string(shop).unwrap()).unwrap();
        for &document in Document::ALL {
            assert!(config.document(document).is_some(), "{document} is switched off");
        }
    }
}
