//! Driver data in the format a template was mapped with.
//!
//! Flows make JSON. A template that was mapped to XML gets the same shape as elements below `<driver>`: an
//! object's fields become child elements, an array repeats its element, `null` is an empty element. The
//! conversion streams, without a tree in between. Text stays text: it is escaped, and characters XML cannot
//! hold are dropped.

use crate::text::Text;
use bytes::Bytes;
use quick_xml::{
    Writer,
    escape::partial_escape,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};
use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use shop_config::{DriverFormat, DriverRoot};
use std::{borrow::Cow, fmt};

const ROOT: &str = "driver";

#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    #[error("the driver data is not JSON")]
    NotJson(#[source] serde_json::Error),
    #[error("the driver data is not a JSON object")]
    NotAnObject,
    #[error("a driver file without a root element holds one customer, not several and not none")]
    NoRoot,
    /// The key itself is not repeated: it may be a customer's text.
    #[error("a key in `{parent}` cannot be the name of an XML element")]
    Name { parent: String },
}

/// JSON driver data in `format`. JSON is passed on as it is, without a copy.
///
/// ```
/// use shop_config::DriverFormat::Xml;
/// let json = br#"{"order":{"name":"A & B","lines":[{"sku":"1"},{"sku":"2"}]}}"#;
/// assert_eq!(
///     exstream::encode_driver(Xml, &json.as_slice().into()).unwrap(),
///     concat!(
///         r#"<?xml version="1.0" encoding="UTF-8"?>"#,
///         "<driver><order><name>A &amp; B</name>",
///         "<lines><sku>1</sku></lines><lines><sku>2</sku></lines></order></driver>",
///     )
/// );
/// ```
///
/// # Errors
/// [`DriverError`], for XML only.
pub fn encode(format: DriverFormat, json: &Bytes) -> Result<Bytes, DriverError> {
    match format {
        DriverFormat::Json => Ok(json.clone()),
        DriverFormat::Xml => to_xml(json).map(Bytes::from),
    }
}

/// A driver file of these customers, each a JSON object. A data map matches whole paths from the root, so the root
/// is the same for one customer on demand and for many in a batch.
///
/// ```
/// use shop_config::{DriverFormat::{Json, Xml}, DriverRoot::Customers};
/// let customers = [r#"{"a":"1"}"#, r#"{"a":"2"}"#].map(Into::into);
/// let file = |format| exstream::driver_file(Customers, format, &customers).unwrap();
/// assert_eq!(file(Json), r#"{"customers":[{"a":"1"},{"a":"2"}]}"#);
/// assert!(file(Xml).ends_with(b"<driver><customers><a>1</a></customers><customers><a>2</a></customers></driver>"));
/// ```
///
/// # Errors
/// [`DriverError`]. A file without a root has exactly one customer.
pub fn file(root: DriverRoot, format: DriverFormat, customers: &[Bytes]) -> Result<Bytes, DriverError> {
    let is_object = |json: &Bytes| json.trim_ascii_start().first() == Some(&b'{');
    if !customers.iter().all(is_object) {
        return Err(DriverError::NotAnObject);
    }
    match (root, customers) {
        (DriverRoot::Customers, _) => {
            let mut json = Vec::with_capacity(customers.iter().map(|one| one.len() + 1).sum::<usize>() + 16);
            json.extend_from_slice(br#"{"customers":["#);
            for (index, customer) in customers.iter().enumerate() {
                if index > 0 {
                    json.push(b',');
                }
                json.extend_from_slice(customer);
            }
            json.extend_from_slice(b"]}");
            encode(format, &json.into())
        }
        (DriverRoot::None, [one]) => encode(format, one),
        (DriverRoot::None, _) => Err(DriverError::NoRoot),
    }
}

fn to_xml(json: &[u8]) -> Result<Vec<u8>, DriverError> {
    if json.trim_ascii_start().first().is_some_and(|&first| first != b'{') {
        return Err(DriverError::NotAnObject);
    }
    let mut sink = Sink { writer: Writer::new(Vec::with_capacity(json.len() * 3 / 2)), bad_key_in: None };
    let mut source = serde_json::Deserializer::from_slice(json);
    let written = sink
        .writer
        .write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))
        .map_err(serde_json::Error::io)
        .and_then(|()| Element { name: ROOT, in_array: false, sink: &mut sink }.deserialize(&mut source))
        .and_then(|()| source.end());
    match (written, sink.bad_key_in) {
        (Ok(()), _) => Ok(sink.writer.into_inner()),
        (Err(_), Some(parent)) => Err(DriverError::Name { parent }),
        (Err(error), None) => Err(DriverError::NotJson(error)),
    }
}

struct Sink {
    writer: Writer<Vec<u8>>,
    bad_key_in: Option<String>,
}

/// One JSON value on its way to an element called `name`, or to several if it is an array.
struct Element<'a> {
    name: &'a str,
    /// An array inside an array gets an element around it, so that it stays one item.
    in_array: bool,
    sink: &'a mut Sink,
}

impl Element<'_> {
    fn event<E: Error>(&mut self, event: Event<'_>) -> Result<(), E> {
        self.sink.writer.write_event(event).map_err(E::custom)
    }

    fn start<E: Error>(&mut self) -> Result<(), E> {
        let name = self.name;
        self.event(Event::Start(BytesStart::new(name)))
    }

    fn end<E: Error>(&mut self) -> Result<(), E> {
        let name = self.name;
        self.event(Event::End(BytesEnd::new(name)))
    }

    fn text<E: Error>(mut self, text: &str) -> Result<(), E> {
        self.start()?;
        self.event(Event::Text(BytesText::from_escaped(partial_escape(printable(text)))))?;
        self.end()
    }
}

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Element<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<(), A::Error> {
        self.start()?;
        while let Some(Text(key)) = fields.next_key::<Text<'de>>()? {
            if !is_name(&key) {
                self.sink.bad_key_in = Some(self.name.to_owned());
                return Err(A::Error::custom("not a name"));
            }
            fields.next_value_seed(Element { name: &key, in_array: false, sink: self.sink })?;
        }
        self.end()
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        if self.in_array {
            self.start()?;
        }
        while items.next_element_seed(Element { name: self.name, in_array: true, sink: self.sink })?.is_some()
        {
        }
        if self.in_array { self.end() } else { Ok(()) }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.text(text)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.text(if value { "true" } else { "false" })
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.text(&value.to_string())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.text(&value.to_string())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.text(&value.to_string())
    }

    fn visit_unit<E: Error>(mut self) -> Result<(), E> {
        let name = self.name;
        self.event(Event::Empty(BytesStart::new(name)))
    }
}

/// `text` without the characters XML 1.0 has no way to write.
fn printable(text: &str) -> Cow<'_, str> {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..);
    if text.chars().all(allowed) {
        text.into()
    } else {
        text.chars().filter(|&c| allowed(c)).collect::<String>().into()
    }
}

/// XML 1.0 names, without the colon: a prefix would need a namespace.
fn is_name(key: &str) -> bool {
    let start = |c: char| {
        matches!(c, 'A'..='Z' | 'a'..='z' | '_'
            | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}'
            | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}'
            | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
    };
    let rest = |c: char| {
        start(c)
            || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
    };
    let mut chars = key.chars();
    chars.next().is_some_and(start) && chars.all(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use quick_xml::Reader;

    fn xml(json: &serde_json::Value) -> String {
        let json = Bytes::from(serde_json::to_vec(json).unwrap());
        String::from_utf8(encode(DriverFormat::Xml, &json).unwrap().to_vec()).unwrap()
    }

    /// What an XML parser reads back from the only text element.
    fn read_back(xml: &str) -> String {
        let mut reader = Reader::from_str(xml);
        let mut text = String::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Text(part) => text.push_str(part.as_ref()),
                Event::GeneralRef(part) => match part.resolve_char_ref().unwrap() {
                    Some(c) => text.push(c),
                    None => {
                        text.push_str(quick_xml::escape::resolve_predefined_entity(part.as_ref()).unwrap())
                    }
                },
                Event::Eof => return text,
                _ => {}
            }
        }
    }

    #[test]
    fn keeps_the_shape() {
        let json = serde_json::json!({
            "id": 18446744073709551615_u64, "n": -1, "yes": true, "none": null, "empty": "", "list": [], "nested": [[1, 2], [3]],
            "lines": [{"sku": "a"}, {"sku": "b"}],
        });
        insta::assert_snapshot!(xml(&json), @r#"<?xml version="1.0" encoding="UTF-8"?><driver><id>18446744073709551615</id><n>-1</n><yes>true</yes><none/><empty></empty><nested><nested>1</nested><nested>2</nested></nested><nested><nested>3</nested></nested><lines><sku>a</sku></lines><lines><sku>b</sku></lines></driver>"#);
    }

    #[test]
    fn hostile_text_stays_text() {
        for text in [
            "</x>",
            "]]>",
            "a & b &amp; &#60;",
            "<!DOCTYPE x><?pi?><!-- -->",
            "\u{202e}abc\u{2066}",
            "\u{1f600} Zo\u{eb}",
            "tab\tline\nreturn\r\n",
            "'\"",
        ] {
            assert_eq!(read_back(&xml(&serde_json::json!({"note": text}))), text);
        }
        assert_eq!(read_back(&xml(&serde_json::json!({"note": "a\0b\u{1b}c\u{b}d\u{ffff}e"}))), "abcde");
    }

    #[test]
    fn names_are_checked_and_never_repeated() {
        for key in ["", "a b", "1a", "a>", "a:b", "-a", "</driver>", "\0"] {
            let json = serde_json::to_vec(&serde_json::json!({"lines": {key: 1}})).unwrap();
            let error = encode(DriverFormat::Xml, &json.into()).unwrap_err();
            assert_eq!(error.to_string(), "a key in `lines` cannot be the name of an XML element");
        }
        assert!(xml(&serde_json::json!({"Größe_1.a-b": 1})).contains("<Größe_1.a-b>1</Größe_1.a-b>"));
    }

    #[test]
    fn only_a_json_object_is_driver_data() {
        let error =
            |json: &'static str| encode(DriverFormat::Xml, &Bytes::from_static(json.as_bytes())).unwrap_err();
        assert!(matches!(error("[]"), DriverError::NotAnObject));
        assert!(matches!(error("\"a\""), DriverError::NotAnObject));
        for bad in ["", "{", "{\"a\":1", "{} {}"] {
            assert!(matches!(error(bad), DriverError::NotJson(_)), "{bad}");
        }
    }

    #[test]
    fn json_is_passed_on_without_a_copy() {
        let json = Bytes::from_static(b"{}");
        assert_eq!(encode(DriverFormat::Json, &json).unwrap().as_ptr(), json.as_ptr());
    }
}
