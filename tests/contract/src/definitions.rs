//! The definitions of a schema: which of them its root leads to.

use serde_json::Value;
use std::collections::BTreeSet;

/// The definitions that nothing leads to from outside the definitions.
pub fn unused(schema: &Value) -> BTreeSet<String> {
    let Some(definitions) = schema["$defs"].as_object() else { return BTreeSet::new() };
    let mut unused: BTreeSet<String> = definitions.keys().cloned().collect();
    let mut ahead = vec![schema];
    while let Some(part) = ahead.pop() {
        match part {
            Value::Object(fields) => {
                ahead.extend(fields.iter().filter(|(name, _)| *name != "$defs").map(|(_, value)| value));
                let name = part["$ref"].as_str().and_then(|it| it.strip_prefix("#/$defs/"));
                if let Some(name) = name.filter(|name| unused.remove(*name)) {
                    ahead.extend(definitions.get(name));
                }
            }
            Value::Array(all) => ahead.extend(all),
            _ => {}
        }
    }
    unused
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_only_unused_definitions_lead_to_is_unused() {
        let part = |to: &str| json!({"items": {"$ref": format!("#/$defs/{to}")}});
        let mut schema = part("First");
        schema["$defs"] =
            json!({"First": part("Second"), "Second": part("First"), "Dead": part("Deader"), "Deader": {}});
        assert_eq!(unused(&schema), BTreeSet::from(["Dead".to_owned(), "Deader".to_owned()]));
    }
}
