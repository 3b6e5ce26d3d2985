//! The data dictionary: a page for template designers per document, with every field that its driver data can have.

use crate::walk::{Field, Node};
use serde_json::Value;
use std::fmt::Write as _;

/// The page of a document. `everything` is the sample from which examples are taken.
pub fn page(document: &str, flow: &str, schema: &Value, everything: &Value) -> String {
    let root = Node::of(schema);
    let mut page = format!(
        "# `{document}`\n\n<!-- Generated from the schema: UPDATE_CONTRACTS=1 cargo test -p {flow} -->\n\n{}\n\n\
         [Schema](../../functions/{flow}/schemas/{document}.v1.json) · \
         [usual sample](../../functions/{flow}/samples/{document}.v1.json) · \
         [sample with every field](../../functions/{flow}/samples/{document}.everything.v1.json) · \
         [how to read this page](../template-designers.md#how-to-read-the-data-dictionary)\n",
        root.schema()["description"].as_str().map(one_line).unwrap_or_default()
    );
    let (groups, plain): (Vec<_>, Vec<_>) = fields(root).into_iter().partition(|it| is_group(it.field));
    section(&mut page, "Top level", "", plain.iter().map(|it| row(it, it.name, &everything[it.name])));
    for it in groups {
        let mut rows = Vec::new();
        below(it.field, it.name, &everything[it.name], &mut rows);
        let about = format!("{}: {}\n\n", kind(&it), text(it.field));
        section(&mut page, &format!("`{}`", it.name), &about, rows.into_iter());
    }
    page
}

struct Named<'a> {
    name: &'a str,
    field: Field<'a>,
    /// No document lacks it, if what it belongs to is there.
    always: bool,
}

fn fields(node: Node<'_>) -> Vec<Named<'_>> {
    let named = node.fields().into_iter();
    named.map(|(name, field)| Named { name, field, always: node.requires(name) }).collect()
}

/// An object or a list: something that holds further fields.
fn is_group(field: Field<'_>) -> bool {
    !field.node.is_money() && !field.node.items().unwrap_or(field.node).fields().is_empty()
}

/// The rows of what a group holds, and of the groups in it.
fn below(field: Field<'_>, path: &str, example: &Value, rows: &mut Vec<String>) {
    let (node, path, example) = match field.node.items() {
        Some(items) => (items, format!("{path}[]"), &example[0]),
        None => (field.node, path.to_owned(), example),
    };
    for it in fields(node) {
        let path = format!("{path}.{}", it.name);
        let example = &example[it.name];
        rows.push(row(&it, &path, example));
        if is_group(it.field) {
            below(it.field, &path, example, rows);
        }
    }
}

fn section(page: &mut String, title: &str, about: &str, rows: impl Iterator<Item = String>) {
    let rows: String = rows.collect();
    let head = "| field | what | meaning | example |\n| --- | --- | --- | --- |";
    write!(page, "\n## {title}\n\n{about}{head}\n{rows}").expect("text takes what is written");
}

fn row(it: &Named<'_>, path: &str, example: &Value) -> String {
    let example = match example {
        Value::Null | Value::Object(_) | Value::Array(_) => String::new(),
        Value::String(text) => format!(" `{}`", text.replace('|', "\\|")),
        other => format!(" `{other}`"),
    };
    format!("| `{path}` | {} | {} |{example} |\n", kind(it), text(it.field))
}

/// What kind of value it is, and whether it can be absent.
fn kind(it: &Named<'_>) -> String {
    let (field, name, node) = (it.field, it.name, it.field.node);
    let kind = match () {
        () if node.is_money() => match field.says("x-tax").and_then(Value::as_str) {
            Some("included") => "amount with tax",
            Some("excluded") => "amount without tax",
            Some("as_priced") => "amount as priced",
            Some("tax") => "amount of tax",
            _ => "amount paid or owed",
        },
        () if node.items().is_some() => "list",
        () if is_group(field) => "group",
        () if node.is("boolean") => "true or false",
        () if node.is("integer") => "whole number",
        () if node.is("number") => "number",
        () if !node.values().is_empty() => "one of these",
        () if name.ends_with("_on") => "date",
        () if name.ends_with("_at") || matches!(name, "at" | "date") => "date-time",
        () if name.ends_with("url") => "address of a page",
        () => "text",
    };
    format!("{kind}{}", if it.always { "" } else { ", optional" })
}

fn text(field: Field<'_>) -> String {
    let mut text = field.description().map(one_line).unwrap_or_default();
    let values = field.node.values();
    let listed = values.iter().map(|(value, about)| match about {
        Some(about) => format!("`{value}`: {}", one_line(about).trim_end_matches('.')),
        None => format!("`{value}`"),
    });
    let listed: Vec<String> = listed.collect();
    if values.len() > 1 {
        let separator = if values.iter().any(|(_, about)| about.is_some()) { "; " } else { ", " };
        write!(text, " Values: {}.", listed.join(separator)).expect("text takes what is written");
    }
    text.trim().replace('|', "\\|")
}

/// Doc comments break their lines where the source does.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
