//! Whether a file has the shape that its published schema says: keys, what kind of value each has, which words are known.
//!
//! One pass over the tree finds every mistake of shape. What is wrong is left out of the value that the pass makes, or
//! replaced by something of the right shape, and noted as a [`Gap`], so that whoever checks the rest knows which of its
//! findings would rest on that.

use super::{
    Mistake,
    kinds::{
        any_of, examples, is_of, is_required, is_type, nearest, out_of_range, properties, reader, refusal,
        required, words, words_of,
    },
    tree::{Content, Entry, Node},
};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Stands in the place of a text that is wrong or missing.
pub(super) const STAND_IN: &str = "stand-in-for-a-mistake";

/// A step from a table or list to what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// Something that is wrong or missing, and what could be right in its place; `None`: nothing at all. The first stands in the
/// value.
#[derive(Debug, Clone)]
pub(super) struct Gap {
    pub path: Vec<Step>,
    pub could_be: Vec<Option<Value>>,
}

/// As fields are written for people: lists are counted from 1.
pub(super) fn field(path: &[Step]) -> String {
    let mut field = String::new();
    for step in path {
        match step {
            Step::Key(key) if field.is_empty() => field.push_str(key),
            Step::Key(key) => {
                field.push('.');
                field.push_str(key);
            }
            Step::Index(index) => field.push_str(&format!("[{}]", index + 1)),
        }
    }
    field
}

pub(super) struct Shape<'a> {
    text: &'a str,
    schema: &'a Value,
    /// What the file's format calls a table.
    table: &'static str,
    /// A part of the file could not be read: nothing is said to be missing.
    pub is_partial: bool,
    pub mistakes: Vec<Mistake>,
    pub gaps: Vec<Gap>,
    /// Where each field stands.
    places: HashMap<String, usize>,
}

impl<'a> Shape<'a> {
    pub fn new(text: &'a str, schema: &'a Value, table: &'static str) -> Self {
        let (mistakes, gaps, places) = (Vec::new(), Vec::new(), HashMap::new());
        Self { text, schema, table, is_partial: false, mistakes, gaps, places }
    }

    /// Where a field stands, or else what it would stand in.
    pub fn place(&self, field: &str) -> usize {
        let mut known = field;
        loop {
            if let Some(at) = self.places.get(known) {
                return *at;
            }
            match known.rfind(['.', '[']) {
                Some(end) => known = known.get(..end).unwrap_or_default(),
                None => return 0,
            }
        }
    }

    /// The value of a file, as far as it has the right shape.
    pub fn read(&mut self, mut root: Node) -> Value {
        self.node(&mut root, self.schema, &mut Vec::new()).unwrap_or_else(|| Map::new().into())
    }

    fn wrong(&mut self, at: usize, path: &[Step], what: impl Into<String>) {
        self.mistakes.push(Mistake::at(self.text, at, &field(path), what));
    }

    /// `None` if it cannot be used, which has been said then.
    fn node(&mut self, node: &mut Node, schema: &'a Value, path: &mut Vec<Step>) -> Option<Value> {
        let (schema, name) = self.resolved(schema);
        if let Content::Leaf(Value::String(text)) = &node.content
            && let Some(what) = reader(schema, name).and_then(|name| refusal(name, text))
        {
            self.wrong(node.at, path, what);
            return None;
        }
        let options = self.options(schema);
        let words: Vec<&'a str> = options.iter().flat_map(|it| words(it)).collect();
        let of_type = |kind: &str| options.iter().copied().filter(|it| is_type(it, kind)).collect::<Vec<_>>();
        match &mut node.content {
            Content::Table(entries) => match self.which(entries, &of_type("object"), path) {
                Some(which) => Some(self.table(entries, &which, path)),
                None => self.no(node, &options, path),
            },
            Content::List(items) => match of_type("array").first() {
                Some(schema) => Some(self.list(items, schema, path)),
                None => self.no(node, &options, path),
            },
            Content::Leaf(Value::String(text)) if !words.is_empty() => {
                if words.contains(&text.as_str()) {
                    return Some(text.as_str().into());
                }
                let near = nearest(text, &words).map(|word| format!("; did you mean `{word}`?"));
                self.wrong(node.at, path, format!("must be {}{}", any_of(&words), near.unwrap_or_default()));
                None
            }
            Content::Leaf(value) => match options.iter().find(|schema| is_of(schema, value)) {
                Some(schema) => match out_of_range(schema, value) {
                    Some(what) => {
                        self.wrong(node.at, path, what);
                        None
                    }
                    None => Some(value.clone()),
                },
                None => self.no(node, &options, path),
            },
            Content::Time => {
                let what = "must be text: put it in double quotes";
                self.wrong(node.at, path, if of_type("string").is_empty() { "is a time" } else { what });
                None
            }
        }
    }

    /// Says of which kinds it may be.
    fn no(&mut self, node: &Node, options: &[&'a Value], path: &[Step]) -> Option<Value> {
        let words: Vec<&str> = options.iter().flat_map(|it| words(it)).collect();
        let mut kinds = Vec::new();
        if !words.is_empty() {
            kinds.push(any_of(&words));
        }
        for (kind, name) in [
            ("string", "text"),
            ("integer", "a whole number"),
            ("number", "a number"),
            ("boolean", "true or false"),
            ("array", "a list"),
            ("object", self.table),
        ] {
            let plain = |it: &&&Value| is_type(it, kind) && words_of(it).is_none();
            if options.iter().any(|it| plain(&it)) {
                kinds.push(name.to_owned());
            }
        }
        let is = match &node.content {
            Content::Table(_) => self.table,
            Content::List(_) => "a list",
            Content::Time => "a time",
            Content::Leaf(Value::String(_)) => "text",
            Content::Leaf(Value::Bool(_)) => "true or false",
            Content::Leaf(Value::Number(number)) if number.is_f64() => "a number with decimals",
            Content::Leaf(Value::Number(_)) => "a whole number",
            Content::Leaf(_) => "nothing",
        };
        self.wrong(node.at, path, format!("must be {}, and is {is}", kinds.join(" or ")));
        None
    }

    fn list(&mut self, items: &mut [Node], schema: &'a Value, path: &mut Vec<Step>) -> Value {
        let mut list = Vec::with_capacity(items.len());
        let of = schema.get("items").unwrap_or(&Value::Null);
        for (index, item) in items.iter_mut().enumerate() {
            path.push(Step::Index(index));
            self.places.insert(field(path), item.at);
            let value = self.node(item, of, path);
            // left in, so that the others keep their numbers
            list.extend(value.or_else(|| self.gap(path, of, true)));
            path.pop();
        }
        list.into()
    }

    fn table(&mut self, entries: &mut Vec<Entry>, which: &Which<'a>, path: &mut Vec<Step>) -> Value {
        let (schema, mut table) = (which.schema, Map::new());
        let known = properties(schema);
        let others = schema.get("additionalProperties").filter(|it| it.is_object());
        if others.is_none() {
            self.rename(entries, schema, path);
        }
        for entry in entries {
            let Some(of) = known.and_then(|known| known.get(&entry.key)).or(others) else { continue };
            path.push(Step::Key(entry.key.clone()));
            self.places.insert(field(path), entry.at);
            let is_required = others.is_none() && is_required(schema, &entry.key);
            let is_told = which.guessed_by == Some(entry.key.as_str());
            let value = if is_told { None } else { self.node(&mut entry.node, of, path) };
            if let Some(value) = value.or_else(|| self.gap(path, of, is_required)) {
                table.insert(entry.key.clone(), value);
            }
            path.pop();
        }
        for key in required(schema) {
            if table.contains_key(key) {
                continue;
            }
            let of = known.and_then(|known| known.get(key)).unwrap_or(&Value::Null);
            path.push(Step::Key(key.to_owned()));
            if which.guessed_by.is_none() && !self.is_partial {
                let at = self.place(&field(path));
                let what = format!("is missing{}", self.meaning(of));
                self.wrong(at, path, what);
            }
            if let Some(value) = self.gap(path, of, true) {
                table.insert(key.to_owned(), value);
            }
            path.pop();
        }
        table.into()
    }

    /// Says which keys are not known. What only one known key is near to is read as that one; a table whose name is also
    /// spelt right elsewhere, as in the header of a table within, is read as one with that.
    fn rename(&mut self, entries: &mut Vec<Entry>, schema: &Value, path: &mut Vec<Step>) {
        let Some(known) = properties(schema) else { return };
        let names: Vec<&str> = known.keys().map(String::as_str).collect();
        let (mut kept, unknown): (Vec<Entry>, Vec<Entry>) =
            std::mem::take(entries).into_iter().partition(|it| known.contains_key(&it.key));
        for mut entry in unknown {
            let near = nearest(&entry.key, &names);
            let same = near.and_then(|near| kept.iter_mut().find(|it| it.key == near));
            let what = match (near, same) {
                (Some(near), None) => {
                    path.push(Step::Key(std::mem::replace(&mut entry.key, near.to_owned())));
                    let at = entry.at;
                    kept.push(entry);
                    self.wrong(at, path, format!("is not known; did you mean `{near}`?"));
                    path.pop();
                    continue;
                }
                (Some(near), Some(same)) => match (&mut same.node.content, &mut entry.node.content) {
                    (Content::Table(right), Content::Table(wrong)) => {
                        right.append(wrong);
                        format!("is not known; did you mean `{near}`?")
                    }
                    _ => format!("is not known: delete it, `{near}` is there already"),
                },
                (None, _) => {
                    let free: Vec<&str> =
                        names.iter().copied().filter(|name| kept.iter().all(|it| it.key != *name)).collect();
                    match free.as_slice() {
                        [] => "is not known: delete it".to_owned(),
                        free => format!("is not known: delete it, or use {}", any_of(free)),
                    }
                }
            };
            path.push(Step::Key(entry.key));
            self.wrong(entry.at, path, what);
            path.pop();
        }
        *entries = kept;
    }

    /// Notes what is wrong or missing. Answers what stands in its place.
    fn gap(&mut self, path: &[Step], schema: &'a Value, is_required: bool) -> Option<Value> {
        let mut could_be: Vec<Option<Value>> = self.examples(schema, 0).into_iter().map(Some).collect();
        if !is_required || could_be.is_empty() {
            could_be.insert(0, None);
        }
        let first = could_be.first().cloned().flatten();
        self.gaps.push(Gap { path: path.to_vec(), could_be });
        first
    }

    /// Values of a schema's shape: all where they are few, as words are.
    fn examples(&self, schema: &'a Value, level: usize) -> Vec<Value> {
        const DEEPEST: usize = 8;
        let (schema, name) = self.resolved(schema);
        if level > DEEPEST {
            return Vec::new();
        }
        if let Some(texts) = reader(schema, name).and_then(examples) {
            return texts.iter().map(|text| (*text).into()).collect();
        }
        let mut all = Vec::new();
        for option in self.options(schema) {
            match words_of(option) {
                Some(words) => all.extend(words.into_iter().map(Value::from)),
                None if is_type(option, "object") => {
                    let known = properties(option);
                    let inner = required(option).filter_map(|key| {
                        let of = known.and_then(|known| known.get(key))?;
                        Some((key.to_owned(), self.examples(of, level + 1).into_iter().next()?))
                    });
                    all.push(Value::Object(inner.collect()));
                }
                None if is_type(option, "array") => all.push(Value::Array(Vec::new())),
                None if is_type(option, "boolean") => all.extend([false.into(), true.into()]),
                None if is_type(option, "integer") => {
                    all.extend([option.get("minimum").cloned().unwrap_or_else(|| 1.into())]);
                }
                None if is_type(option, "number") => all.push("1".into()),
                None => all.push(STAND_IN.into()),
            }
        }
        all
    }

    /// Which of several kinds of table this one is meant to be.
    fn which(&mut self, entries: &[Entry], tables: &[&'a Value], path: &mut Vec<Step>) -> Option<Which<'a>> {
        let fit = |schema: &&&'a Value| {
            let known = properties(schema);
            let of = entries.iter().filter(|it| known.is_some_and(|known| known.contains_key(&it.key)));
            let lacks = required(schema).filter(|key| entries.iter().all(|it| it.key != **key));
            let unknown = entries.len() - of.clone().count();
            (of.count(), usize::MAX - unknown, usize::MAX - lacks.count())
        };
        let closest = || tables.iter().rev().max_by_key(fit).copied();
        let first = tables.first()?;
        let words = |key: &str| -> Vec<&'a str> {
            let of_key = |schema: &&'a Value| properties(schema).and_then(|known| known.get(key));
            tables.iter().filter_map(of_key).flat_map(words).collect()
        };
        let tag = properties(first).into_iter().flatten().find(|(_, of)| of.get("const").is_some());
        let Some((tag, _)) = tag.filter(|_| tables.len() > 1) else {
            return closest().map(|schema| Which { schema, guessed_by: None });
        };
        let given = entries.iter().find(|it| it.key == *tag);
        let word = given.and_then(|it| match &it.node.content {
            Content::Leaf(Value::String(word)) => Some(word.as_str()),
            _ => None,
        });
        let is_this = |schema: &&&'a Value| {
            let of = properties(schema).and_then(|known| known.get(tag));
            word.is_some() && of.and_then(|of| of.get("const")).and_then(Value::as_str) == word
        };
        if let Some(schema) = tables.iter().find(is_this) {
            return Some(Which { schema, guessed_by: None });
        }
        path.push(Step::Key(tag.clone()));
        if given.is_none() && !self.is_partial {
            let at = self.place(&field(path));
            self.wrong(at, path, format!("is missing: {}", any_of(&words(tag))));
        } else if let Some(given) = given {
            self.wrong(given.node.at, path, format!("must be {}", any_of(&words(tag))));
        }
        path.pop();
        closest().map(|schema| Which { schema, guessed_by: Some(tag) })
    }

    /// What a schema refers to, and under which name.
    fn resolved(&self, mut schema: &'a Value) -> (&'a Value, Option<&'a str>) {
        let mut name = None;
        while let Some(to) = schema.get("$ref").and_then(Value::as_str) {
            name = to.rsplit('/').next();
            let found = name.and_then(|name| self.schema.get("$defs")?.get(name));
            let Some(found) = found else { break };
            schema = found;
        }
        (schema, name)
    }

    /// The schemas of which a value has to follow one. What allows nothing but `null` is left out: nothing is written so.
    fn options(&self, schema: &'a Value) -> Vec<&'a Value> {
        let (schema, _) = self.resolved(schema);
        let of = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array);
        match of {
            Some(of) => of.iter().flat_map(|it| self.options(it)).collect(),
            None if schema.get("type").and_then(Value::as_str) == Some("null") => Vec::new(),
            None => vec![schema],
        }
    }

    /// What a missing field is for, in the first sentence of its description.
    fn meaning(&self, schema: &'a Value) -> String {
        let own = schema.get("description").or_else(|| self.resolved(schema).0.get("description"));
        let text = own.and_then(Value::as_str).unwrap_or_default().replace('\n', " ");
        let text = text.split(". ").next().unwrap_or_default().trim_end_matches('.');
        if text.is_empty() { String::new() } else { format!(": {text}") }
    }
}

struct Which<'a> {
    schema: &'a Value,
    /// The key that should say which kind of table it is, and does not. Nothing can be said to be missing then.
    guessed_by: Option<&'a str>,
}
