//! The tables of a configuration's keys, from its schema: one section per table of the file.

use crate::{
    dictionary::one_line,
    walk::{Field, Node},
};
use serde_json::Value;

const HEAD: &str = "| key | value | default | meaning |\n| --- | --- | --- | --- |\n";

/// The sections for every table of the configuration that `schema` describes, one after the other.
pub fn keys(schema: &Value) -> String {
    let mut text = String::new();
    Tables { text: &mut text, written: Vec::new() }.section("The file", "", None, Node::of(schema));
    text
}

struct Tables<'a> {
    text: &'a mut String,
    /// The kinds of tables that were written, with where.
    written: Vec<(*const Value, String)>,
}

impl Tables<'_> {
    /// A table of the file and, after it, those in it. `path` is empty for the file itself.
    fn section(&mut self, title: &str, path: &str, field: Option<Field<'_>>, node: Node<'_>) {
        let fields = node.fields().into_iter();
        let (below, plain): (Vec<_>, Vec<_>) = fields.partition(|(_, field)| table(field.node).is_some());
        if !plain.is_empty() || is_choice(node) {
            let about = field.map_or_else(|| node.schema()["description"].as_str(), Field::description);
            let about = about.map(|text| format!("{}\n\n", one_line(text))).unwrap_or_default();
            self.text.push_str(&format!("\n### {title}\n\n{about}"));
        }
        let kind: *const Value = node.schema();
        if let Some((_, known)) = self.written.iter().find(|(written, _)| *written == kind) {
            self.text.push_str(&format!("The same keys as {known}.\n"));
            return;
        }
        self.written.push((kind, title.to_owned()));
        if is_choice(node) {
            return self.choice(node);
        }
        if !plain.is_empty() {
            self.text.push_str(HEAD);
        }
        for (name, field) in plain {
            self.text.push_str(&row(name, field, node.requires(name)));
        }
        for (name, field) in below {
            let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            if let Some((title, inner)) = table(field.node) {
                let title = title.replace("{}", &path);
                // below a table that has one for each of several names, they are named, too
                let path = title.trim_matches(['`', '[', ']']).to_owned();
                self.section(&title, &path, Some(field), inner);
            }
        }
    }

    fn choice(&mut self, node: Node<'_>) {
        self.text.push_str("| value | further keys | meaning |\n| --- | --- | --- |\n");
        for form in node.variants() {
            let fields = form.fields();
            let mode =
                fields.iter().find_map(|(name, it)| Some((*name, it.node.schema()["const"].as_str()?)));
            let others = fields.iter().filter(|(name, _)| mode.is_some_and(|(key, _)| key != *name));
            let keys: Vec<String> =
                others.map(|(name, it)| further(name, *it, form.requires(name))).collect();
            let value = mode.map_or_else(
                || format!("`{{ {} = … }}`", fields.first().map_or("", |(name, _)| name)),
                |(key, value)| format!("`{key} = \"{value}\"`"),
            );
            let about = form.schema()["description"].as_str().map(one_line).unwrap_or_default();
            let row = format!("| {value} | {} | {about} |\n", keys.join("; "));
            self.text.push_str(&row.replace("|  |", "| |"));
        }
    }
}

/// A key that one form of a table has.
fn further(name: &str, field: Field<'_>, required: bool) -> String {
    let about = field.description().map(|text| format!(": {}", one_line(text).trim_end_matches('.')));
    let default = if required { String::new() } else { format!(" (default {})", default(field, false)) };
    format!("`{name}`{default}{}", about.unwrap_or_default())
}

/// How a value that is a table by itself is headed, and what is in it; the value of a plain key is none.
fn table(node: Node<'_>) -> Option<(String, Node<'_>)> {
    let has_keys = |node: Node<'_>| !node.fields().is_empty();
    if let Some(items) = node.items().filter(|it| has_keys(*it)) {
        return Some(("`[[{}]]`".to_owned(), items));
    }
    if let Some(values) = node.entries().filter(|it| has_keys(*it)) {
        return Some(("`[{}.<name>]`".to_owned(), values));
    }
    let fields = node.fields();
    // one kind of table under each of several names
    let alike =
        |first: Field<'_>| fields.iter().all(|(_, it)| std::ptr::eq(it.node.schema(), first.node.schema()));
    let named = fields.first().filter(|(_, it)| fields.len() > 1 && has_keys(it.node) && alike(*it));
    if let Some((_, first)) = named {
        return Some(("`[{}.<name>]`".to_owned(), first.node));
    }
    has_keys(node)
        .then(|| if is_choice(node) { ("`{}`".to_owned(), node) } else { ("`[{}]`".to_owned(), node) })
}

/// Whether it is one of several tables, each with keys of its own.
fn is_choice(node: Node<'_>) -> bool {
    node.schema().get("oneOf").is_some()
}

fn row(name: &str, field: Field<'_>, required: bool) -> String {
    let meaning = field.description().map(one_line).unwrap_or_default();
    let values = field.node.items().unwrap_or(field.node).values();
    let described: Vec<String> = values
        .iter()
        .filter_map(|(value, about)| about.map(|about| format!("`{value}`: {}", one_line(about))))
        .collect();
    let meaning = format!("{meaning} {}", described.join(" "));
    format!("| `{name}` | {} | {} | {} |\n", value(field), default(field, required), meaning.trim())
        .replace("||", "\\|\\|")
}

fn value(field: Field<'_>) -> String {
    let node = field.node;
    let listed = |node: Node<'_>| {
        let values: Vec<String> = node.values().iter().map(|(value, _)| format!("`{value}`")).collect();
        values.join(", ")
    };
    match () {
        () if !node.values().is_empty() => listed(node),
        () if node.items().is_some_and(|it| !it.values().is_empty()) => {
            format!("list of {}", node.items().map(listed).unwrap_or_default())
        }
        () if node.items().is_some_and(|it| it.is("integer")) => "list of whole numbers".to_owned(),
        () if node.items().is_some() => "list of texts".to_owned(),
        () if node.is("boolean") => "`true`, `false`".to_owned(),
        () if node.is("integer") => number(field),
        () if node.is("number") => "number, also as text".to_owned(),
        () if node.is("object") => match node.entries() {
            Some(entries) if entries.is("integer") => "table of whole numbers".to_owned(),
            Some(entries) if entries.items().is_some() => "table of lists of texts".to_owned(),
            Some(entries) if entries.entries().is_some() => "table of tables of texts".to_owned(),
            _ => "table of texts".to_owned(),
        },
        () => "text".to_owned(),
    }
}

fn number(field: Field<'_>) -> String {
    match own_bounds(field) {
        (None, None) => "whole number".to_owned(),
        (Some(least), None) => format!("whole number, at least {least}"),
        (None, Some(most)) => format!("whole number, at most {most}"),
        (Some(least), Some(most)) => format!("whole number, {least} to {most}"),
    }
}

fn default(field: Field<'_>, required: bool) -> String {
    match field.says("default") {
        _ if required => "required".to_owned(),
        None | Some(Value::Null) => "none".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "none".to_owned(),
        Some(Value::Array(all)) if all.is_empty() => "none".to_owned(),
        Some(Value::Object(all)) if all.is_empty() => "none".to_owned(),
        Some(Value::String(text)) => format!("`{text}`"),
        Some(other) => format!("`{other}`"),
    }
}

/// The keys without a description, each with its place in the file.
pub fn undescribed(schema: &Value) -> Vec<String> {
    fn collect(node: Node<'_>, path: &str, found: &mut Vec<String>) {
        for (name, field) in node.fields() {
            let path = format!("{path}.{name}");
            let fixed = field.node.schema().get("const").is_some();
            // of a table that is one of several by its only key, the form is described
            let described = node.variants().iter().any(|form| {
                matches!(form.fields().as_slice(), [(only, _)] if *only == name)
                    && form.schema().get("description").is_some()
            });
            if !fixed && !described && field.description().is_none_or(|text| text.trim().is_empty()) {
                found.push(path.trim_start_matches('.').to_owned());
            }
            let inner = field.node.items().or_else(|| field.node.entries()).unwrap_or(field.node);
            collect(inner, &path, found);
        }
    }
    let mut found = Vec::new();
    collect(Node::of(schema), "", &mut found);
    found
}

/// The whole numbers with bounds of their own: place in the file, least, most.
pub fn bounds(schema: &Value) -> Vec<(String, Option<u64>, Option<u64>)> {
    fn collect(node: Node<'_>, path: &str, found: &mut Vec<(String, Option<u64>, Option<u64>)>) {
        for (name, field) in node.fields() {
            let path = format!("{path}.{name}");
            if field.node.is("integer") {
                let (least, most) = own_bounds(field);
                if least.is_some() || most.is_some() {
                    found.push((path.trim_start_matches('.').to_owned(), least, most));
                }
            }
            collect(field.node.items().or_else(|| field.node.entries()).unwrap_or(field.node), &path, found);
        }
    }
    let mut found = Vec::new();
    collect(Node::of(schema), "", &mut found);
    found
}

/// The bounds of a number, where they are narrower than those of how it is kept.
fn own_bounds(field: Field<'_>) -> (Option<u64>, Option<u64>) {
    let bound = |name: &str| field.says(name).and_then(Value::as_u64);
    let kept = [u64::from(u8::MAX), u64::from(u16::MAX), u64::from(u32::MAX)];
    (bound("minimum").filter(|it| *it > 0), bound("maximum").filter(|it| !kept.contains(it)))
}
