//! For tests: keeps published files equal to what the code says, and checks samples and schemas against each
//! other.
//!
//! A public contract is a file under `schemas/`, generated from the types and committed, so that a change to
//! a type shows up in review as a change to a contract. `UPDATE_CONTRACTS=1 cargo test` writes the files.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::expect_used,
    reason = "only tests call this, and a failure is a failed test"
)]

mod definitions;
mod dictionary;
mod driver;
mod everything;
mod huge;
mod keys;
mod sums;
mod walk;
mod xml_schema;

pub use driver::{driver_data, sent};
pub use huge::with_huge_amounts;
pub use keys::{bounds, keys, undescribed};
pub use sums::{SumError, adds_up};

use serde_json::Value;
use std::{fs, path::Path};

/// Fails unless the file `path` holds exactly `value`. A schema has no definition that nothing in it leads to.
pub fn published(path: &Path, value: &Value) {
    let unused = definitions::unused(value);
    assert!(unused.is_empty(), "{}: nothing leads to the definitions {unused:?}", path.display());
    let text = serde_json::to_string_pretty(value).expect("a JSON value can be written") + "\n";
    if std::env::var_os("UPDATE_CONTRACTS").is_some() {
        fs::create_dir_all(path.parent().expect("a contract lies in a folder"))
            .expect("the folder can be made");
        fs::write(path, text).expect("the contract can be written");
        return;
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    // compared as values: in which order keys come depends on what else is built with serde_json
    assert!(
        serde_json::from_str::<Value>(&found).is_ok_and(|found| found == *value),
        "{} is not what the code says: review the change, then run `UPDATE_CONTRACTS=1 cargo test`",
        path.display()
    );
}

/// Fails unless the file `path` holds exactly `text`.
pub fn published_text(path: &Path, text: &str) {
    if std::env::var_os("UPDATE_CONTRACTS").is_some() {
        fs::create_dir_all(path.parent().expect("a page lies in a folder")).expect("the folder can be made");
        fs::write(path, text).expect("the page can be written");
        return;
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    let line = found.lines().zip(text.lines()).take_while(|(found, text)| found == text).count() + 1;
    assert!(
        found == text,
        "{}: line {line} is not what the code says: review the change, then run `UPDATE_CONTRACTS=1 cargo test`",
        path.display()
    );
}

/// Fails unless the part `name` of the file `path` holds exactly `text`. The part stands between a comment that begins
/// with `generated: name` and one that says `end: name`; what is around it is written by hand.
pub fn published_part(path: &Path, name: &str, text: &str) {
    let page = fs::read_to_string(path).expect("the page is there");
    let line = |marks: [String; 2]| marks.iter().find_map(|mark| page.find(mark));
    let begin = line([format!("<!-- generated: {name}"), format!("# generated: {name}")]);
    let begin = begin.and_then(|at| Some(at + page[at..].find('\n')?));
    let end = line([format!("<!-- end: {name} -->"), format!("# end: {name}\n")]);
    let (Some(begin), Some(end)) = (begin, end) else {
        panic!("{}: has no part `{name}`", path.display());
    };
    published_text(path, &format!("{}\n\n{}\n\n{}", &page[..begin], text.trim(), &page[end..]));
}

/// Fails unless `sample` is valid under `schema`, and says at which place it is not.
pub fn conforms(schema: &Value, sample: &Value) {
    let validator = jsonschema::validator_for(schema).expect("the schema is a valid JSON Schema");
    let problems: Vec<_> =
        validator.iter_errors(sample).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(problems.is_empty(), "the sample does not conform:\n{}", problems.join("\n"));
}
