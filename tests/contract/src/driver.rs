//! The rules for driver data, which template designers map: one place for all documents.

use crate::{
    conforms, dictionary, everything, published, published_text,
    walk::{self, Field, Node},
    xml_schema,
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, path::Path};

/// What an amount is with regard to tax, as its field says in `x-tax`.
const TAX: [&str; 5] = [
    // tax is in it
    "included",
    // tax is not in it
    "excluded",
    // as `taxes_included` of the document says
    "as_priced",
    // it is tax
    "tax",
    // it moved, or is owed: no sale, so no tax
    "payment",
];

/// Publishes a document's schema, the XML Schema of its XML form, its sample and a sample that has everything, in the form in which they are sent (see
/// [`sent`]), with its page of the data dictionary (`docs/data/`), and checks them against each other:
/// every field described, every place of the schema in the sample that has everything, no place in the sample that
/// the schema does not know, no list of plain values, and no table in which amounts with and without tax stand
/// beside each other.
///
/// `folder` is the crate's own.
pub fn driver_data(folder: &Path, document: &str, schema: &Value, sample: &Value) {
    let everything = everything::sample(schema);
    let schema_sent = schema_sent(schema);
    published(&folder.join(format!("schemas/{document}.v1.json")), &schema_sent);
    published_text(&folder.join(format!("schemas/{document}.v1.xsd")), &xml_schema::of(&schema_sent));
    for (name, one) in [(document.to_owned(), sample), (format!("{document}.everything"), &everything)] {
        let sent = sent(one);
        published(&folder.join(format!("samples/{name}.v1.json")), &sent);
        conforms(schema, one);
        conforms(&schema_sent, &sent);
    }
    let flow = folder.file_name().and_then(|name| name.to_str()).expect("a crate has a folder");
    let page = dictionary::page(document, flow, schema, &everything);
    published_text(&folder.join(format!("../../docs/data/{document}.md")), &page);
    let known = walk::paths(Node::of(schema));
    let mut problems = Vec::new();
    for (which, json) in [("the sample", sample), ("the sample that has everything", &everything)] {
        let unknown: BTreeSet<_> = walk::places(json).difference(&known).cloned().collect();
        problems.extend(unknown.iter().map(|path| format!("{path}: {which} has it, the schema does not")));
        nulls(json, String::new(), &mut problems);
    }
    let missing: Vec<_> = known.difference(&walk::places(&everything)).cloned().collect();
    problems.extend(missing.iter().map(|path| format!("{path}: in no sample")));
    object(Node::of(schema), String::new(), false, &mut problems);
    assert!(problems.is_empty(), "{document}: {} problems\n{}", problems.len(), problems.join("\n"));
}

/// A driver file of one customer, as it is sent where the configuration says nothing else (`exstream.driver_root`). A
/// data map matches whole paths from the root, so a designer's sample has to have it.
pub fn sent(customer: &Value) -> Value {
    json!({ "customers": [customer] })
}

/// The schema of such a file.
fn schema_sent(schema: &Value) -> Value {
    let mut customer = schema.clone();
    let mut sent = json!({
        "type": "object",
        "properties": {
            "customers": {
                "type": "array",
                "minItems": 1,
                "description": "One element for each customer: one on demand, many in a batch job.",
            },
        },
        "required": ["customers"],
    });
    // what the parts refer to stays at the root
    for shared in ["$schema", "title", "$defs"] {
        if let Some(value) = customer.as_object_mut().and_then(|it| it.shift_remove(shared)) {
            sent[shared] = value;
        }
    }
    sent["properties"]["customers"]["items"] = customer;
    sent
}

fn nulls(json: &Value, path: String, problems: &mut Vec<String>) {
    match json {
        Value::Null => problems.push(format!("{path}: null; what is not known is absent")),
        Value::Object(fields) => {
            fields.iter().for_each(|(name, it)| nulls(it, format!("{path}/{name}"), problems))
        }
        Value::Array(all) => all.iter().for_each(|it| nulls(it, format!("{path}/*"), problems)),
        _ => {}
    }
}

fn object(node: Node<'_>, path: String, in_table: bool, problems: &mut Vec<String>) {
    let mut kinds = BTreeSet::new();
    for (name, field) in node.fields() {
        let path = format!("{path}/{name}");
        self::field(name, field, &path, problems);
        if field.node.is_money() {
            match field.says("x-tax").and_then(Value::as_str) {
                Some(kind) if TAX.contains(&kind) => drop(kinds.insert(kind)),
                _ => problems.push(format!("{path}: does not say in `x-tax` whether tax is in it")),
            }
            continue;
        }
        match field.node.items() {
            Some(items) if items.fields().is_empty() => {
                problems.push(format!("{path}: a list of plain values; Exstream maps lists of objects"));
            }
            Some(items) => object(items, format!("{path}/*"), true, problems),
            None => object(field.node, path, false, problems),
        }
    }
    let mixed: Vec<_> = kinds.iter().filter(|kind| !matches!(**kind, "tax" | "payment")).collect();
    if in_table && mixed.len() > 1 {
        problems.push(format!("{path}: amounts of different kinds in one table: {mixed:?}"));
    }
}

fn field(name: &str, field: Field<'_>, path: &str, problems: &mut Vec<String>) {
    if !name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_') {
        problems.push(format!("{path}: a name is lower-case letters, digits and `_`"));
    }
    if field.description().is_none_or(|text| text.trim().is_empty()) {
        problems.push(format!("{path}: is not described"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_of_what_is_sent_knows_what_its_parts_refer_to() {
        let schema = json!({
            "type": "object", "properties": {"a": {"$ref": "#/$defs/Name"}}, "required": ["a"],
            "$defs": {"Name": {"type": "string"}},
        });
        let schema = schema_sent(&schema);
        conforms(&schema, &sent(&json!({"a": "x"})));
        for wrong in [json!({"a": "x"}), json!({"customers": []}), sent(&json!({"a": 1})), sent(&json!({}))] {
            assert!(std::panic::catch_unwind(|| conforms(&schema, &wrong)).is_err(), "{wrong}");
        }
    }
}
