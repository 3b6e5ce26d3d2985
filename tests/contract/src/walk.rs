//! Walks a JSON Schema of one of our types as the JSON that it describes: by fields, through references.

use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// A schema with what it refers to.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    root: &'a Value,
    schema: &'a Value,
}

impl<'a> Node<'a> {
    pub fn of(root: &'a Value) -> Self {
        Self { root, schema: root }.resolved()
    }

    fn at(self, schema: &'a Value) -> Self {
        Self { schema, ..self }.resolved()
    }

    /// Follows references, and of a type that may be absent the type.
    fn resolved(self) -> Self {
        if let Some(name) = self.schema.get("$ref").and_then(Value::as_str) {
            let pointer = name.trim_start_matches('#');
            let schema = self.root.pointer(pointer).expect("a schema refers to what it defines");
            return Self { schema, ..self }.resolved();
        }
        let known = self.schema.get("anyOf").and_then(Value::as_array);
        match known.and_then(|all| all.iter().find(|it| it["type"] != "null")) {
            Some(schema)
                if known.is_some_and(|all| all.len() == 2 && all.iter().any(|it| it["type"] == "null")) =>
            {
                Self { schema, ..self }.resolved()
            }
            _ => self,
        }
    }

    pub fn schema(self) -> &'a Value {
        self.schema
    }

    /// The fields of an object, those of its variants included.
    pub fn fields(self) -> Vec<(&'a str, Field<'a>)> {
        let mut fields: Vec<(&str, Field)> = Vec::new();
        let own = self.schema.get("properties").and_then(Value::as_object);
        for (name, schema) in own.into_iter().flat_map(Map::iter) {
            fields.push((name, Field { schema, node: self.at(schema) }));
        }
        for variant in
            ["oneOf", "anyOf", "allOf"].iter().filter_map(|name| self.schema[name].as_array()).flatten()
        {
            for (name, field) in self.at(variant).fields() {
                if !fields.iter().any(|(known, _)| *known == name) {
                    fields.push((name, field));
                }
            }
        }
        fields
    }

    /// Whether every object has this field. A field of a variant is only there where the variant is.
    pub fn requires(self, name: &str) -> bool {
        self.schema["required"].as_array().is_some_and(|all| all.iter().any(|it| it == name))
    }

    /// The values it can have, if they are listed, each with what is said of it.
    pub fn values(self) -> Vec<(&'a str, Option<&'a str>)> {
        let plain = self.schema["enum"].as_array().into_iter().flatten();
        let mut values: Vec<_> = plain.filter_map(|it| Some((it.as_str()?, None))).collect();
        for variant in ["oneOf", "anyOf"].iter().filter_map(|name| self.schema[name].as_array()).flatten() {
            let variant = self.at(variant);
            match variant.schema["const"].as_str() {
                Some(value) => values.push((value, variant.schema["description"].as_str())),
                None => values.extend(variant.values()),
            }
        }
        values
    }

    /// The forms that it can have.
    pub fn variants(self) -> Vec<Self> {
        let forms = self.schema["oneOf"].as_array().into_iter().flatten();
        forms.map(|form| self.at(form)).collect()
    }

    /// What the values of a table with free keys are.
    pub fn entries(self) -> Option<Self> {
        let pattern = self.schema["patternProperties"].as_object().and_then(|all| all.values().next());
        let entries = self.schema.get("additionalProperties").filter(|it| it.is_object()).or(pattern);
        entries.map(|entries| self.at(entries))
    }

    /// What the elements of a list are.
    pub fn items(self) -> Option<Self> {
        self.schema.get("items").map(|items| self.at(items))
    }

    pub fn is(self, kind: &str) -> bool {
        match &self.schema["type"] {
            Value::Array(kinds) => kinds.iter().any(|it| it == kind),
            it => it == kind,
        }
    }

    /// An amount of money.
    pub fn is_money(self) -> bool {
        let names: BTreeSet<&str> = self.fields().into_iter().map(|(name, _)| name).collect();
        names == BTreeSet::from(["amount", "currency"])
    }
}

/// A field, with what is said of it where it stands.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    schema: &'a Value,
    pub node: Node<'a>,
}

impl<'a> Field<'a> {
    /// Said of the field, or else of its type.
    pub fn says(self, key: &str) -> Option<&'a Value> {
        self.schema.get(key).or_else(|| self.node.schema().get(key))
    }

    pub fn description(self) -> Option<&'a str> {
        self.says("description").and_then(Value::as_str)
    }
}

/// Every place where the JSON can have something, such as `/lines/*/title`.
pub fn paths(node: Node<'_>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(node, String::new(), &mut found);
    found
}

fn collect(node: Node<'_>, path: String, found: &mut BTreeSet<String>) {
    for (name, field) in node.fields() {
        let path = format!("{path}/{name}");
        found.insert(path.clone());
        match field.node.items() {
            Some(items) => collect(items, format!("{path}/*"), found),
            None => collect(field.node, path, found),
        }
    }
}

/// Every place where `json` has something, in the same form.
pub fn places(json: &Value) -> BTreeSet<String> {
    fn collect(json: &Value, path: &str, found: &mut BTreeSet<String>) {
        match json {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let path = format!("{path}/{name}");
                    collect(value, &path, found);
                    found.insert(path);
                }
            }
            Value::Array(elements) => elements.iter().for_each(|it| collect(it, &format!("{path}/*"), found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    collect(json, "", &mut found);
    found
}
