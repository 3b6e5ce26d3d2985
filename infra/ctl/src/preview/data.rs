//! A designer's driver data: read, and checked against the document's schema. Every mistake is named at once, with the line and
//! column where it is.

use super::place::place;
use jsonschema::error::ValidationErrorKind;
use serde_json::{Value, json};

/// So many are named.
const MOST: usize = 50;

/// What is wrong, each as `line:column: path: what`.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistakes(pub Vec<String>);

/// The one customer in a file: alone, or below the root that requests have.
pub fn customer_of(text: &str, schema: &str) -> Result<Value, Mistakes> {
    let one = |mistake: String| Mistakes(vec![mistake]);
    let found: Value = serde_json::from_str(text).map_err(|error| {
        one(format!("{}:{}: is not JSON: {}", error.line(), error.column(), syntax(&error)))
    })?;
    let (sent, prefix) = match &found {
        Value::Object(fields) if fields.contains_key("customers") => (found.clone(), ""),
        Value::Object(_) => (json!({"customers": [found]}), "/customers/0"),
        _ => return Err(one("1:1: is no object".to_owned())),
    };
    if let Some(several) = sent["customers"].as_array().map(Vec::len).filter(|count| *count > 1) {
        let (line, column) = place(text, "/customers/1").unwrap_or((1, 1));
        return Err(one(format!("{line}:{column}: has {several} customers; a preview is of one")));
    }
    let schema = strict(&serde_json::from_str(schema).unwrap_or_default());
    let validator =
        jsonschema::validator_for(&schema).map_err(|error| one(format!("1:1: the schema: {error}")))?;
    let named = |path: &str, what: &str| {
        // what stands around a customer is not in the file
        let own = path.strip_prefix(prefix).unwrap_or(path);
        let (line, column) = place(text, own).unwrap_or((1, 1));
        format!("{line}:{column}: {}: {what}", if own.is_empty() { "/" } else { own })
    };
    let mistakes = validator.iter_errors(&sent).flat_map(|error| {
        let path = error.instance_path().to_string();
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                let field = |name: &String| format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
                unexpected.iter().map(|name| named(&field(name), "no document has this field")).collect()
            }
            _ => vec![named(&path, &error.to_string())],
        }
    });
    let mistakes = mistakes.take(MOST);
    match mistakes.collect::<Vec<_>>() {
        none if none.is_empty() => Ok(sent["customers"][0].clone()),
        mistakes => Err(Mistakes(mistakes)),
    }
}

/// What is wrong, without the place, which is said before.
fn syntax(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

/// The schema with no field but those it names: a misspelt optional field is a mistake here, whatever may be added later.
fn strict(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let mut strict: serde_json::Map<_, _> =
                fields.iter().map(|(name, value)| (name.clone(), strict(value))).collect();
            if fields.get("properties").is_some_and(Value::is_object)
                && fields.get("type").is_some_and(|it| it == "object")
            {
                strict.insert("additionalProperties".to_owned(), false.into());
            }
            Value::Object(strict)
        }
        Value::Array(all) => all.iter().map(strict).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{Which, published};
    use comms::Document;

    fn receipt() -> String {
        published(Document::Receipt).usual.to_owned()
    }

    fn mistakes(text: &str) -> Vec<String> {
        customer_of(text, published(Document::Receipt).schema).unwrap_err().0
    }

    #[test]
    fn every_published_sample_is_taken_with_and_without_its_root() {
        for document in Document::ALL {
            let published = published(*document);
            for which in [Which::Usual, Which::Everything] {
                let with_root = customer_of(published.text(which), published.schema);
                let alone = customer_of(&published.customer(which).to_string(), published.schema);
                assert_eq!(with_root, alone, "{document}");
                assert_eq!(with_root, Ok(published.customer(which)), "{document}");
            }
        }
    }

    #[test]
    fn all_mistakes_are_named_with_their_places() {
        let text = receipt()
            .replacen("\"locale\": \"fr\"", "\"locale\": 7", 1)
            .replacen("\"amount\": \"129.00\"", "\"amount\": 129.00", 1)
            .replacen("\"confirmation_number\"", "\"confirmation_nr\"", 1);
        let found = mistakes(&text);
        let line = |part: &str| text.lines().position(|line| line.contains(part)).unwrap() + 1;
        for (part, path) in [
            ("\"locale\": 7", "/customers/0/locale"),
            ("\"amount\": 129.00", "/customers/0/lines/0/unit_price/amount"),
        ] {
            let at = format!("{}:", line(part));
            assert!(
                found.iter().any(|it| it.starts_with(&at) && it.contains(&format!(" {path}: "))),
                "{found:#?}"
            );
        }
        let misspelt = format!("{}:", line("confirmation_nr"));
        assert!(
            found.iter().any(|it| it.starts_with(&misspelt) && it.contains("no document has")),
            "{found:#?}"
        );
        assert_eq!(found.len(), 3, "{found:#?}");
    }

    #[test]
    fn what_is_no_driver_data_is_refused() {
        let cut = &receipt()[..400];
        let found = mistakes(cut);
        assert!(
            found[0].contains("is not JSON") && found[0].starts_with(&format!("{}:", cut.lines().count())),
            "{found:?}"
        );
        assert_eq!(mistakes("[]"), ["1:1: is no object"]);
        let several = "{\"customers\": [\n{},\n{}]}".to_owned();
        assert_eq!(mistakes(&several), ["3:1: has 2 customers; a preview is of one"]);
        assert!(mistakes("{}").iter().any(|it| it.contains("\"order\" is a required property")));
    }
}
