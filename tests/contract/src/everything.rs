//! A sample that has everything: each field of a schema once, each list with two rows. A template designer can only
//! map what the sample has.

use crate::walk::Node;
use serde_json::{Map, Value, json};

pub fn sample(schema: &Value) -> Value {
    value(Node::of(schema), "", 1)
}

fn value(node: Node<'_>, name: &str, row: usize) -> Value {
    let schema = node.schema();
    if let Some(fixed) = schema.get("const") {
        return fixed.clone();
    }
    if let Some(example) =
        schema["examples"].as_array().and_then(|all| all.get(row - 1).or_else(|| all.first()))
    {
        return example.clone();
    }
    if let Some(first) = schema["enum"].as_array().and_then(|all| all.get((row - 1) % all.len())) {
        return first.clone();
    }
    if let Some(items) = node.items() {
        return json!([value(items, name, 1), value(items, name, 2)]);
    }
    let fields = node.fields();
    if !fields.is_empty() {
        let fields = fields.into_iter().map(|(name, field)| {
            let own = field.says("examples").and_then(Value::as_array);
            let example = own.and_then(|all| all.get(row - 1).or_else(|| all.first()));
            (name.to_owned(), example.cloned().unwrap_or_else(|| value(field.node, name, row)))
        });
        return Value::Object(fields.collect::<Map<_, _>>());
    }
    if let Some(one) = ["oneOf", "anyOf"].iter().filter_map(|it| schema[it].as_array()).flatten().next() {
        return one.get("const").cloned().unwrap_or(Value::Null);
    }
    match () {
        () if schema["pattern"].as_str().is_some_and(|it| it.starts_with("^gid://shopify/")) => {
            format!("gid://shopify/Order/{}", 1000 + row).into()
        }
        () if node.is("boolean") => true.into(),
        () if node.is("integer") || node.is("number") => row.into(),
        // the fields of the driver data's own conventions; everything else says what it is
        () if name.ends_with("_on") => "2026-11-22".into(),
        () if name.ends_with("_at") || name == "at" || name == "date" => "2026-11-22T10:00:00+01:00".into(),
        () if name.ends_with("url") => {
            format!("https://shop.example/{}/{row}", name.trim_end_matches("_url")).into()
        }
        () => format!("{} {row}", name.replace('_', " ")).into(),
    }
}
