//! A place inside a registered document: the shared document and the way to the value.
//!
//! Resolvers hand these around instead of copies of parts of an order.

use serde_json::Value;
use std::sync::Arc;

#[derive(Debug, Clone)]
enum Step {
    Key(String),
    Index(usize),
}

#[derive(Debug, Clone)]
pub(crate) struct Json {
    root: Arc<Value>,
    way: Vec<Step>,
}

impl Json {
    pub fn new(value: Value) -> Self {
        Self { root: Arc::new(value), way: Vec::new() }
    }

    pub fn is_root(&self) -> bool {
        self.way.is_empty()
    }

    pub fn value(&self) -> &Value {
        self.way.iter().fold(&*self.root, |value, step| match step {
            Step::Key(key) => value.get(key).unwrap_or(&Value::Null),
            Step::Index(index) => value.get(index).unwrap_or(&Value::Null),
        })
    }

    /// A key's value, if it is there; a present null is there.
    pub fn key(&self, key: &str) -> Option<Self> {
        self.value().get(key)?;
        Some(self.step(Step::Key(key.to_owned())))
    }

    /// The elements of a list.
    pub fn elements(&self) -> Vec<Self> {
        let count = self.value().as_array().map_or(0, Vec::len);
        (0..count).map(|index| self.step(Step::Index(index))).collect()
    }

    pub fn children(&self) -> Vec<Self> {
        match self.value() {
            Value::Object(map) => map.keys().map(|key| self.step(Step::Key(key.clone()))).collect(),
            _ => self.elements(),
        }
    }

    /// The nodes of a connection, however it was registered: a list, `nodes` or `edges`.
    pub fn nodes(&self) -> Vec<Self> {
        if let Some(nodes) = self.key("nodes") {
            nodes.elements()
        } else if let Some(edges) = self.key("edges") {
            edges.elements().iter().filter_map(|edge| edge.key("node")).collect()
        } else {
            self.elements()
        }
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        self.value().get(key)?.as_str()
    }

    fn step(&self, step: Step) -> Self {
        let mut way = self.way.clone();
        way.push(step);
        Self { root: Arc::clone(&self.root), way }
    }
}
