//! Driver data as it arrives, JSON or XML, read with one set of tolerant accessors.
//!
//! The engine maps whatever it is given; so does this. An XML document becomes the JSON of the same
//! shape: a repeated element is a list, a text-only element a string. Accessors answer nothing instead
//! of failing, because a template that lacks a field still prints.

use quick_xml::{
    Reader, XmlVersion,
    escape::resolve_xml_entity,
    events::{BytesStart, Event},
};
use serde_json::{Map, Value};

#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    #[error("the driver data is empty")]
    Empty,
    #[error("the driver data is not valid JSON: {0}")]
    Json(String),
    #[error("the driver data is not valid XML: {0}")]
    Xml(String),
    #[error("the key `{0}` contains a space and cannot be mapped")]
    Key(String),
}

/// The customers of one driver file: the elements of `customers`, else the whole.
pub fn parse(body: &[u8], xml: bool) -> Result<Vec<Value>, DriverError> {
    match parse_whole(body, xml)? {
        Value::Object(mut map) if map.get("customers").is_some_and(|c| c.is_array() || c.is_object()) => {
            Ok(match map.remove("customers") {
                Some(Value::Array(customers)) => customers,
                one => one.into_iter().collect(),
            })
        }
        one => Ok(vec![one]),
    }
}

/// Whether the customers of a driver file stand in `customers`.
pub fn has_root(body: &[u8], xml: bool) -> bool {
    parse_whole(body, xml).is_ok_and(|whole| whole.get("customers").is_some())
}

fn parse_whole(body: &[u8], xml: bool) -> Result<Value, DriverError> {
    if body.trim_ascii().is_empty() {
        return Err(DriverError::Empty);
    }
    let value = if xml {
        parse_xml(body)?
    } else {
        serde_json::from_slice(body).map_err(|error| DriverError::Json(error.to_string()))?
    };
    if let Some(key) = unmappable(&value) {
        return Err(DriverError::Key(key.chars().take(80).collect()));
    }
    if !value.is_object() {
        return Err(DriverError::Json("the root is not an object".to_owned()));
    }
    Ok(value)
}

fn unmappable(value: &Value) -> Option<&str> {
    match value {
        Value::Object(map) => map
            .iter()
            .find_map(|(key, inner)| if key.contains(' ') { Some(key.as_str()) } else { unmappable(inner) }),
        Value::Array(items) => items.iter().find_map(unmappable),
        _ => None,
    }
}

/// How deep elements may stand in one another, as `serde_json` limits JSON.
const DEEPEST: usize = 128;

struct Element {
    name: String,
    children: Map<String, Value>,
    text: String,
}

/// The document as far as it has been read.
#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    root: Option<Value>,
}

impl Tree {
    fn start(&mut self, element: Element) -> Result<(), DriverError> {
        if self.root.is_some() {
            return Err(xml_error("a second root element"));
        }
        if self.open.len() >= DEEPEST {
            return Err(xml_error("more than 128 elements in one another"));
        }
        self.open.push(element);
        Ok(())
    }

    fn end(&mut self) -> Result<(), DriverError> {
        let element = self.open.pop().ok_or_else(|| xml_error("an end without a start"))?;
        let value = if element.children.is_empty() {
            Value::String(element.text)
        } else {
            Value::Object(element.children)
        };
        match self.open.last_mut() {
            Some(parent) => add(&mut parent.children, &element.name, value),
            None => self.root = Some(value),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), DriverError> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err(xml_error("text outside the root element")),
        }
        Ok(())
    }
}

fn xml_error(what: impl std::fmt::Display) -> DriverError {
    DriverError::Xml(what.to_string())
}

fn parse_xml(body: &[u8]) -> Result<Value, DriverError> {
    let text = std::str::from_utf8(body).map_err(xml_error)?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut tree = Tree::default();
    loop {
        match reader.read_event().map_err(xml_error)? {
            Event::Start(start) => tree.start(element(&start)?)?,
            Event::Empty(start) => {
                tree.start(element(&start)?)?;
                tree.end()?;
            }
            Event::End(_) => tree.end()?,
            Event::Text(text) => tree.text(&text)?,
            Event::CData(data) => tree.text(&data)?,
            Event::GeneralRef(reference) => match reference.resolve_char_ref().map_err(xml_error)? {
                Some(c) => tree.text(c.encode_utf8(&mut [0; 4]))?,
                None => {
                    let known = resolve_xml_entity(&reference)
                        .ok_or_else(|| xml_error(format_args!("unknown entity {}", &*reference)))?;
                    tree.text(known)?;
                }
            },
            Event::Eof => break,
            _ => {}
        }
    }
    if !tree.open.is_empty() {
        return Err(xml_error("an element is not closed"));
    }
    tree.root.ok_or(DriverError::Empty)
}

fn element(start: &BytesStart<'_>) -> Result<Element, DriverError> {
    let mut children = Map::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(xml_error)?;
        let text = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(xml_error)?;
        children.insert(attribute.key.as_ref().to_owned(), Value::String(text.into_owned()));
    }
    Ok(Element { name: start.name().as_ref().to_owned(), children, text: String::new() })
}

fn add(children: &mut Map<String, Value>, name: &str, value: Value) {
    match children.get_mut(name) {
        None => _ = children.insert(name.to_owned(), value),
        Some(Value::Array(items)) => items.push(value),
        Some(first) => *first = Value::Array(vec![first.take(), value]),
    }
}

/// The value at a path such as `["order", "name"]`.
pub fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |v, key| v.get(key)).filter(|v| !v.is_null())
}

/// A scalar as text; an absent or empty one is `None`.
pub fn text(value: &Value, path: &[&str]) -> Option<String> {
    scalar(at(value, path)?).filter(|t| !t.trim().is_empty())
}

pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// The items of a list. A single object counts as a list of one, and XML's wrapper (`lines` holding only
/// `line`) is looked through.
pub fn items<'a>(value: &'a Value, path: &[&str]) -> Vec<&'a Value> {
    at(value, path).map(list).unwrap_or_default()
}

fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(map) if map.len() == 1 => match map.values().next() {
            Some(inner @ (Value::Array(_) | Value::Object(_))) => list(inner),
            _ => vec![value],
        },
        Value::Null => Vec::new(),
        Value::String(text) if text.trim().is_empty() => Vec::new(),
        one => vec![one],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn xml_becomes_json_of_the_same_shape() {
        let xml = b"<?xml version=\"1.0\"?><driver><document>receipt</document><order id=\"1\"><name>#1 &amp; co &#233;</name></order><lines><line><title>A</title></line><line><title><![CDATA[B <b>]]></title></line></lines><note/></driver>";
        let parsed = parse(xml, true).unwrap();
        assert_eq!(
            parsed,
            [
                json!({"document": "receipt", "order": {"id": "1", "name": "#1 & co é"}, "lines": {"line": [{"title": "A"}, {"title": "B <b>"}]}, "note": ""})
            ]
        );
        assert_eq!(items(&parsed[0], &["lines"]).len(), 2);
    }

    #[test]
    fn what_the_engine_cannot_map_is_refused() {
        let refused = |body: &str, xml| parse(body.as_bytes(), xml).unwrap_err().to_string();
        assert!(refused("{\"a\":", false).contains("not valid JSON"));
        assert!(refused("<a><b></a>", true).contains("not valid XML"));
        assert!(refused("<a>&nope;</a>", true).contains("unknown entity"));
        assert!(refused(&"<a>".repeat(100_000), true).contains("more than 128"));
        assert!(refused(&"[".repeat(100_000), false).contains("recursion limit"));
        assert!(refused("<a/><b/>", true).contains("second root"));
        assert!(refused("{\"a\":[{\"first name\":1}]}", false).contains("`first name`"));
        assert!(refused("  ", false).contains("empty"));
    }

    #[test]
    fn a_file_may_hold_many_customers() {
        assert!(parse(b"[{\"a\":1},{\"a\":2}]", false).is_err());
        assert_eq!(parse(b"{\"customers\":[{\"a\":1},{\"a\":2},{\"a\":3}]}", false).unwrap().len(), 3);
        assert_eq!(parse(b"{\"a\":1}", false).unwrap().len(), 1);
    }
}
