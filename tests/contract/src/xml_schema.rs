//! XML Schema 1.0 of the XML form of driver data, from its JSON Schema: an object is a sequence of its fields, a list a repeated
//! element, and what a schema defines a type of its name. What the JSON Schema has and XML Schema cannot say fails the test.

use serde_json::Value;
use std::fmt::Write as _;

/// Keywords that say nothing of what is allowed.
const NOTES: [&str; 6] = ["description", "examples", "title", "$schema", "$defs", "x-tax"];

pub fn of(schema: &Value) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!-- Generated from the JSON Schema beside it: see driver_data in tests/contract. -->\n\
         <xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" elementFormDefault=\"qualified\">\n",
    );
    let mut writer = Writer { text: &mut text, depth: 1 };
    writer.element("driver", schema, Occurs { least: 1, most_is_one: true });
    for (name, definition) in schema["$defs"].as_object().into_iter().flatten() {
        writer.kind(Some(name), definition);
    }
    text.push_str("</xs:schema>\n");
    text
}

#[derive(Clone, Copy)]
struct Occurs {
    least: u64,
    most_is_one: bool,
}

struct Writer<'a> {
    text: &'a mut String,
    depth: usize,
}

impl Writer<'_> {
    fn line(&mut self, line: &str) {
        writeln!(self.text, "{:indent$}{line}", "", indent = self.depth * 2)
            .expect("text takes what is written");
    }

    fn nested(&mut self, open: &str, close: &str, write: impl FnOnce(&mut Writer<'_>)) {
        self.line(open);
        write(&mut Writer { text: &mut *self.text, depth: self.depth + 1 });
        self.line(close);
    }

    fn element(&mut self, name: &str, schema: &Value, occurs: Occurs) {
        if let Some(items) = schema.get("items") {
            let least = schema["minItems"].as_u64().unwrap_or(0).min(occurs.least);
            check(schema, &["type", "items", "minItems"]);
            return self.element(name, items, Occurs { least, most_is_one: false });
        }
        let schema_of_value = present(schema);
        let mut attributes = format!("name=\"{name}\"");
        // the root of a file occurs once by itself
        if self.depth > 1 {
            if occurs.least == 0 {
                attributes.push_str(" minOccurs=\"0\"");
            }
            if !occurs.most_is_one {
                attributes.push_str(" maxOccurs=\"unbounded\"");
            }
        }
        if let Some(kind) = named(schema_of_value).or_else(|| plain(schema_of_value).map(str::to_owned)) {
            return match schema["description"].as_str() {
                Some(about) => self.nested(
                    &format!("<xs:element {attributes} type=\"{kind}\">"),
                    "</xs:element>",
                    |it| it.about(about),
                ),
                None => self.line(&format!("<xs:element {attributes} type=\"{kind}\"/>")),
            };
        }
        self.nested(&format!("<xs:element {attributes}>"), "</xs:element>", |it| {
            if let Some(about) = schema["description"].as_str() {
                it.about(about);
            }
            it.kind(None, schema_of_value);
        });
    }

    fn about(&mut self, about: &str) {
        let about = about.split_whitespace().collect::<Vec<_>>().join(" ");
        self.line(&format!(
            "<xs:annotation><xs:documentation>{}</xs:documentation></xs:annotation>",
            escaped(&about)
        ));
    }

    /// A type, of its own name or where it stands.
    fn kind(&mut self, name: Option<&str>, schema: &Value) {
        let attribute = name.map(|name| format!(" name=\"{name}\"")).unwrap_or_default();
        let about = schema["description"].as_str().filter(|_| name.is_some());
        if let Some(fields) = schema["properties"].as_object() {
            check(schema, &["type", "properties", "required"]);
            return self.nested(&format!("<xs:complexType{attribute}>"), "</xs:complexType>", |it| {
                about.into_iter().for_each(|about| it.about(about));
                it.nested("<xs:sequence>", "</xs:sequence>", |it| {
                    for (field, schema_of_field) in fields {
                        let required =
                            schema["required"].as_array().is_some_and(|all| all.iter().any(|it| it == field));
                        it.element(
                            field,
                            schema_of_field,
                            Occurs { least: u64::from(required), most_is_one: true },
                        );
                    }
                });
            });
        }
        self.nested(&format!("<xs:simpleType{attribute}>"), "</xs:simpleType>", |it| {
            about.into_iter().for_each(|about| it.about(about));
            it.restriction(schema);
        });
    }

    fn restriction(&mut self, schema: &Value) {
        check(schema, &["type", "const", "enum", "oneOf", "pattern", "minimum", "format"]);
        let values = values(schema);
        let pattern = schema["pattern"].as_str();
        let least = schema["minimum"].as_i64();
        let base = base(schema);
        if values.is_empty() && pattern.is_none() && least.is_none() {
            return self.line(&format!("<xs:restriction base=\"{base}\"/>"));
        }
        self.nested(&format!("<xs:restriction base=\"{base}\">"), "</xs:restriction>", |it| {
            for value in values {
                it.line(&format!("<xs:enumeration value=\"{}\"/>", escaped(value)));
            }
            if let Some(pattern) = pattern {
                // a pattern of XML Schema is of the whole value anyway
                let own = pattern.strip_prefix('^').and_then(|it| it.strip_suffix('$'));
                let own = own.unwrap_or_else(|| panic!("the pattern {pattern} is not of the whole value"));
                assert!(
                    !own.contains("(?") && !own.contains(['^', '$']),
                    "the pattern {pattern} is of another language"
                );
                it.line(&format!("<xs:pattern value=\"{}\"/>", escaped(own)));
            }
            if let Some(least) = least {
                it.line(&format!("<xs:minInclusive value=\"{least}\"/>"));
            }
        });
    }
}

/// Of a value that may be absent, the value: what is absent has no element.
fn present(schema: &Value) -> &Value {
    let Some(forms) = schema["anyOf"].as_array() else { return schema };
    let mut others = forms.iter().filter(|it| it["type"] != "null");
    match (others.next(), others.next()) {
        (Some(one), None) => one,
        _ => panic!("a value of several forms: {schema}"),
    }
}

fn named(schema: &Value) -> Option<String> {
    schema["$ref"].as_str()?.strip_prefix("#/$defs/").map(str::to_owned)
}

/// The type of XML Schema, for a value of which nothing else is said.
fn plain(schema: &Value) -> Option<&'static str> {
    let limits = ["properties", "const", "enum", "oneOf", "pattern", "minimum"];
    let is_limited = limits.iter().any(|it| schema.get(it).is_some());
    (!is_limited).then(|| base(schema))
}

/// The type of XML Schema for a plain value.
fn base(schema: &Value) -> &'static str {
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|it| *it != "null"),
        kind => Some(kind),
    };
    match kind.and_then(Value::as_str) {
        Some("integer") => "xs:integer",
        Some("number") => "xs:decimal",
        Some("boolean") => "xs:boolean",
        // listed values are texts
        Some("string") | None => "xs:string",
        Some(other) => panic!("a value of the type {other}"),
    }
}

/// The values that are listed.
fn values(schema: &Value) -> Vec<&str> {
    let own = schema.get("const").into_iter().chain(schema["enum"].as_array().into_iter().flatten());
    let mut values: Vec<&str> = own.map(|it| it.as_str().expect("listed values are texts")).collect();
    values.extend(schema["oneOf"].as_array().into_iter().flatten().flat_map(self::values));
    values
}

fn check(schema: &Value, known: &[&str]) {
    let fields = schema.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    let unknown: Vec<_> = fields.filter(|name| !known.contains(name) && !NOTES.contains(name)).collect();
    assert!(unknown.is_empty(), "XML Schema is not told of {unknown:?}: {schema}");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_object_a_list_and_a_value_have_their_forms() {
        let schema = json!({
            "type": "object", "properties": {"customers": {"type": "array", "minItems": 1, "items": {
                "type": "object", "required": ["name"],
                "properties": {
                    "name": {"$ref": "#/$defs/Name"}, "note": {"type": ["string", "null"], "description": "a < b"},
                    "rows": {"type": "array", "items": {"type": "integer", "minimum": 0}},
                },
            }}},
            "required": ["customers"], "$defs": {"Name": {"type": "string", "pattern": "^[a-z]+$"}},
        });
        let text = of(&schema);
        for part in [
            "<xs:element name=\"driver\">",
            "<xs:element name=\"customers\" maxOccurs=\"unbounded\">",
            "<xs:element name=\"name\" type=\"Name\"/>",
            "<xs:element name=\"note\" minOccurs=\"0\" type=\"xs:string\">",
            "<xs:documentation>a &lt; b</xs:documentation>",
            "<xs:element name=\"rows\" minOccurs=\"0\" maxOccurs=\"unbounded\">",
            "<xs:minInclusive value=\"0\"/>",
            "<xs:pattern value=\"[a-z]+\"/>",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }

    #[test]
    #[should_panic(expected = "maxLength")]
    fn what_would_be_lost_is_refused() {
        of(&json!({"type": "object", "properties": {"a": {"type": "string", "maxLength": 2, "minimum": 0}}}));
    }
}
