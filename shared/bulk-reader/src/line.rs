//! Lines, and which account a line belongs to.
//!
//! Most lines have a form that can be told without parsing: Shopify writes `id` first and `__parentId` last.
//! The byte patterns looked for cannot occur inside of a JSON text (a quote in a text has a backslash before
//! it), so for any valid JSON they find what a parser would find; every other form is parsed.

use crate::ReadError;
use memchr::{memchr, memmem, memrchr};
use serde::{
    Deserialize, Serialize,
    de::{Deserializer, Error, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

/// A place between two lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mark {
    /// Bytes before it.
    pub offset: u64,
    /// Lines before it.
    pub line: u64,
}

pub(crate) struct Lines {
    /// The beginning of a line whose end has not arrived.
    carry: Vec<u8>,
    mark: Mark,
    limit: usize,
}

#[derive(Clone, Copy)]
pub(crate) struct Line<'a> {
    /// Without line break and surrounding blanks; never empty.
    pub bytes: &'a [u8],
    pub begin: Mark,
    pub end: Mark,
}

impl Lines {
    pub fn new(from: Mark, limit: usize) -> Self {
        Self { carry: Vec::new(), mark: from, limit }
    }

    /// After the last complete line.
    pub const fn mark(&self) -> Mark {
        self.mark
    }

    pub fn feed(
        &mut self,
        chunk: &[u8],
        mut each: impl FnMut(Line<'_>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let mut rest = chunk;
        while let Some(at) = memchr(b'\n', rest) {
            let (head, tail) = rest.split_at(at + 1);
            rest = tail;
            self.check(head.len() - 1)?;
            let begin = self.mark;
            self.mark.offset += (self.carry.len() + head.len()) as u64;
            self.mark.line += 1;
            let end = self.mark;
            if self.carry.is_empty() {
                deliver(head, begin, end, &mut each)?;
            } else {
                self.carry.extend_from_slice(head);
                deliver(&self.carry, begin, end, &mut each)?;
                self.carry.clear();
            }
        }
        self.check(rest.len())?;
        self.carry.extend_from_slice(rest);
        Ok(())
    }

    /// The last line, if it has no line break.
    pub fn end(&mut self, mut each: impl FnMut(Line<'_>) -> Result<(), ReadError>) -> Result<(), ReadError> {
        let begin = self.mark;
        if !self.carry.is_empty() {
            self.mark.offset += self.carry.len() as u64;
            self.mark.line += 1;
        }
        let last = std::mem::take(&mut self.carry);
        deliver(&last, begin, self.mark, &mut each)
    }

    fn check(&self, more: usize) -> Result<(), ReadError> {
        if self.carry.len() + more > self.limit {
            return Err(ReadError::LineTooLong { line: self.mark.line + 1, limit: self.limit });
        }
        Ok(())
    }
}

fn deliver(
    bytes: &[u8],
    begin: Mark,
    end: Mark,
    each: &mut impl FnMut(Line<'_>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let bytes = bytes.trim_ascii();
    if bytes.is_empty() { Ok(()) } else { each(Line { bytes, begin, end }) }
}

/// What a line is.
pub(crate) enum Kind<'a> {
    Root { id: Cow<'a, str> },
    Child { parent: Cow<'a, str>, body: Body<'a> },
}

/// A child without its `__parentId`.
pub(crate) enum Body<'a> {
    /// All but the closing brace.
    Open(&'a [u8]),
    Whole(String),
}

impl Body<'_> {
    pub fn write(&self, into: &mut Vec<u8>) {
        match self {
            Self::Open(bytes) => {
                into.extend_from_slice(bytes);
                into.push(b'}');
            }
            Self::Whole(text) => into.extend_from_slice(text.as_bytes()),
        }
    }
}

const PARENT: &[u8] = b",\"__parentId\":";
const ID: &[u8] = b"{\"id\":\"";

impl<'a> Line<'a> {
    pub fn kind(self) -> Result<Kind<'a>, ReadError> {
        let quick = child(self.bytes).or_else(|| root(self.bytes));
        match quick {
            Some(kind) => Ok(kind),
            None => parse(self.bytes).ok_or(ReadError::Malformed { line: self.end.line }),
        }
    }
}

/// `{…,"__parentId":"…"}`. The last member before the last brace is one of the outermost object.
fn child(line: &[u8]) -> Option<Kind<'_>> {
    let rest = line.strip_suffix(b"\"}")?;
    let quote = memrchr(b'"', rest)?;
    let (before, value) = rest.split_at(quote);
    let open = before.strip_suffix(PARENT)?;
    let parent = plain(value.get(1..)?)?;
    (open.first() == Some(&b'{')).then_some(Kind::Child { parent: parent.into(), body: Body::Open(open) })
}

/// `{"id":"…"…}` in which no key can be `__parentId`, written out or with escapes.
fn root(line: &[u8]) -> Option<Kind<'_>> {
    let rest = line.strip_prefix(ID)?;
    let id = plain(rest.get(..memchr(b'"', rest)?)?)?;
    let named = memmem::find(line, b"__parentId").is_some() || memmem::find(line, b"\\u").is_some();
    (!named && line.ends_with(b"}")).then_some(Kind::Root { id: id.into() })
}

/// Text without escapes.
fn plain(text: &[u8]) -> Option<&str> {
    if text.is_empty() || memchr(b'\\', text).is_some() { None } else { std::str::from_utf8(text).ok() }
}

fn parse(line: &[u8]) -> Option<Kind<'_>> {
    let Object { id, parent, rest } = serde_json::from_slice(line).ok()?;
    match (parent, id) {
        (Some(parent), _) => Some(Kind::Child { parent, body: Body::Whole(rest) }),
        (None, Some(id)) => Some(Kind::Root { id }),
        (None, None) => None,
    }
}

/// A line's outermost object: its names, and the text of everything but `__parentId`.
struct Object<'a> {
    id: Option<Cow<'a, str>>,
    parent: Option<Cow<'a, str>>,
    rest: String,
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut object = Object { id: None, parent: None, rest: String::from("{") };
        while let Some(Text(key)) = map.next_key()? {
            if key == "__parentId" {
                let parent: Option<Text<'de>> = map.next_value()?;
                object.parent = parent.map(|Text(text)| text);
                continue;
            }
            let value: &RawValue = map.next_value()?;
            if key == "id" {
                let Text(id) = serde_json::from_str(value.get()).map_err(A::Error::custom)?;
                object.id = Some(id);
            }
            if object.rest.len() > 1 {
                object.rest.push(',');
            }
            object.rest.push_str(&serde_json::to_string(&key).map_err(A::Error::custom)?);
            object.rest.push(':');
            object.rest.push_str(value.get());
        }
        object.rest.push('}');
        Ok(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    fn read(line: &str) -> Option<(Option<String>, String)> {
        let mark = Mark::default();
        let line = Line { bytes: line.as_bytes(), begin: mark, end: Mark { line: 7, ..mark } };
        match line.kind() {
            Ok(Kind::Root { id }) => Some((None, id.into_owned())),
            Ok(Kind::Child { parent, body }) => {
                let mut bytes = Vec::new();
                body.write(&mut bytes);
                Some((Some(parent.into_owned()), String::from_utf8(bytes).unwrap()))
            }
            Err(error) => {
                assert_eq!(error.to_string(), "line 7 is not a JSON object with a text `id` or `__parentId`");
                None
            }
        }
    }

    fn root(id: &str) -> Option<(Option<String>, String)> {
        Some((None, id.to_owned()))
    }

    fn child(parent: &str, body: &str) -> Option<(Option<String>, String)> {
        Some((Some(parent.to_owned()), body.to_owned()))
    }

    #[test]
    fn finds_names_whatever_stands_around_them() {
        assert_eq!(read(r#"{"id":"gid://A/1","n":1}"#), root("gid://A/1"));
        assert_eq!(read(r#"{"n":1,"id":"a"}"#), root("a"));
        assert_eq!(read(r#"{"x":{"id":"b","__parentId":"c"},"id":"a"}"#), root("a"));
        assert_eq!(read(r#"{"id":"a","x":{"__parentId":"c"}}"#), root("a"));
        assert_eq!(read(r#"{"id":"a","__parentId":null}"#), root("a"));
        assert_eq!(read(r#"{"id":"a","note":"x\",\"__parentId\":\"c"}"#), root("a"));
        assert_eq!(read(r#"{"id":"a","note":"\",\"__parentId\":\"c"}"#), root("a"));
        assert_eq!(read(r#"{"id":"a","\",\"__parentId":"c"}"#), root("a"));
        assert_eq!(read(r#"{"id":"a","__parentId":"c"}"#), child("c", r#"{"id":"a"}"#));
        assert_eq!(
            read(r#"{"id":"a", "n":[1.10] , "__parentId" : "c"}"#),
            child("c", r#"{"id":"a","n":[1.10]}"#)
        );
        assert_eq!(read(r#"{"__parentId":"c"}"#), child("c", "{}"));
        assert_eq!(read(r#"{"__parentId":"c","id":"a"}"#), child("c", r#"{"id":"a"}"#));
        assert_eq!(read(r#"{"id":"a","\u005f_parentId":"c"}"#), child("c", r#"{"id":"a"}"#));
        assert_eq!(read(r#"{"id":"a","__parentId":"c\u0031"}"#), child("c1", r#"{"id":"a"}"#));
        assert_eq!(read(r#"{"id":"\u0061"}"#), root("a"));
    }

    #[test]
    fn refuses_what_names_nothing() {
        for bad in
            ["1", "[]", r#"{"n":1}"#, r#"{"id":1}"#, r#"{"id":"a""#, r#"{"id":"a"}x"#, "\"a\"", "\u{feff}"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    /// Text that tries to look like the patterns.
    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            Just("__parentId".to_owned()),
            Just("\",\"__parentId\":\"c\"}".to_owned()),
            Just(",\"__parentId\":\"c".to_owned()),
            Just("{\"id\":\"".to_owned()),
            "[\\\\\"{}:,a-c\u{e9}\n]{0,8}",
        ]
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![text().prop_map(Value::from), any::<i64>().prop_map(Value::from), Just(Value::Null)];
        leaf.prop_recursive(2, 8, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::vec((text(), inner), 0..3)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn agrees_with_a_parser(
            before in prop::collection::vec((text(), value()), 0..3),
            id in text(),
            middle in prop::collection::vec((text(), value()), 0..3),
            parent in prop::option::of(text()),
            after in prop::collection::vec((text(), value()), 0..2),
        ) {
            let mut members: Map<String, Value> = before.into_iter().collect();
            members.insert("id".into(), json!(id));
            members.extend(middle);
            members.remove("__parentId");
            if let Some(parent) = &parent {
                members.insert("__parentId".into(), json!(parent));
            }
            members.extend(after.into_iter().filter(|(key, _)| key != "__parentId" && key != "id"));
            let line = Value::Object(members.clone()).to_string();
            let found = read(&line).unwrap();
            members.shift_remove("__parentId");
            match (parent, found) {
                (None, (None, found)) => prop_assert_eq!(found, members["id"].as_str().unwrap()),
                (Some(parent), (Some(found), body)) => {
                    prop_assert_eq!(found, parent);
                    prop_assert_eq!(body, Value::Object(members).to_string());
                }
                (_, found) => prop_assert!(false, "{:?}", found),
            }
        }

        #[test]
        fn lines_do_not_depend_on_how_the_bytes_arrive(
            lines in prop::collection::vec("[a-c ]{0,6}", 0..8),
            cuts in prop::collection::vec(0..64usize, 0..8),
            ended in any::<bool>(),
        ) {
            let mut text = lines.join("\r\n");
            if ended { text.push('\n'); }
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let mut reader = Lines::new(Mark::default(), 100);
            let mut found = Vec::new();
            for pair in cuts.windows(2) {
                reader.feed(&text.as_bytes()[pair[0]..pair[1]], |line| { found.push(note(&line)); Ok(()) }).unwrap();
            }
            reader.end(|line| { found.push(note(&line)); Ok(()) }).unwrap();
            let expected: Vec<_> = lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
            prop_assert_eq!(found.iter().map(|(text, _, _)| text.as_str()).collect::<Vec<_>>(), expected);
            for (line, begin, end) in found {
                let cut = &text[usize::try_from(begin).unwrap()..usize::try_from(end).unwrap()];
                prop_assert_eq!(cut.trim(), line);
            }
            prop_assert_eq!(reader.mark().offset, text.len() as u64);
        }
    }

    fn note(line: &Line<'_>) -> (String, u64, u64) {
        (String::from_utf8(line.bytes.to_vec()).unwrap(), line.begin.offset, line.end.offset)
    }

    #[test]
    fn an_endless_line_costs_no_more_than_the_limit() {
        let mut reader = Lines::new(Mark { offset: 0, line: 4 }, 10);
        reader.feed(b"0123456789", |_| Ok(())).unwrap();
        let error = reader.feed(b"0", |_| Ok(())).unwrap_err();
        assert_eq!(error.to_string(), "line 5 is longer than 10 bytes");
    }
}
