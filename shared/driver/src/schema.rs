//! The published JSON Schemas of driver data, made from the types.

use comms::Document;
use schemars::JsonSchema;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The name of a document's schema, version 1, such as `receipt/1`.
pub fn schema_name(document: Document) -> String {
    format!("{document}/1")
}

/// A field of a part, or of the document itself where the part is empty.
pub type Field = (&'static str, &'static str);

/// The published JSON Schema of a document's driver data, version 1, whose type flattens [`Envelope`](crate::Envelope).
pub fn json_schema<T: JsonSchema>(document: Document) -> Value {
    json_schema_without::<T>(document, &[])
}

/// The same without what the document, of several that have the type, never has.
pub fn json_schema_without<T: JsonSchema>(document: Document, fields: &[Field]) -> Value {
    let mut value = schemars::schema_for!(T).to_value();
    let schema = schema_name(document);
    value["title"] = schema.as_str().into();
    for (name, fixed) in [("schema", schema.as_str()), ("document", document.name())] {
        let description = value["properties"][name]["description"].take();
        value["properties"][name] = json!({"const": fixed, "description": description});
    }
    for (part, field) in fields {
        let part = if part.is_empty() { &mut value } else { &mut value["$defs"][*part] };
        if let Some(fields) = part["properties"].as_object_mut() {
            // the order is that of the XML form's elements
            fields.shift_remove(*field);
        }
    }
    remove_unused(&mut value);
    value
}

/// Removes the definitions that nothing refers to, such as the list of all documents.
fn remove_unused(schema: &mut Value) {
    let mut used = BTreeSet::new();
    let mut found = Vec::new();
    referred_to(schema, &mut found);
    while let Some(name) = found.pop() {
        if let Some(definition) = schema["$defs"].get(&name)
            && used.insert(name)
        {
            referred_to(definition, &mut found);
        }
    }
    if let Some(definitions) = schema["$defs"].as_object_mut() {
        definitions.retain(|name, _| used.contains(name));
    }
}

/// The definitions that a schema refers to outside of its own definitions.
fn referred_to(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(fields) => {
            for (name, value) in fields.iter().filter(|(name, _)| *name != "$defs") {
                match value.as_str().and_then(|it| it.strip_prefix("#/$defs/")) {
                    Some(definition) if name == "$ref" => found.push(definition.to_owned()),
                    _ => referred_to(value, found),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|it| referred_to(it, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_stays_only_if_the_document_leads_to_it() {
        let part = |to: &str| json!({"properties": {"part": {"$ref": format!("#/$defs/{to}")}}});
        let mut schema = part("First");
        schema["$defs"] = json!({
            "First": {"items": {"$ref": "#/$defs/Second"}}, "Second": part("First"),
            "Island": part("Lake"), "Lake": part("Island"), "Unused": part("Second"),
        });
        remove_unused(&mut schema);
        let left: Vec<_> = schema["$defs"].as_object().unwrap().keys().collect();
        assert_eq!(left, ["First", "Second"]);
    }
}
