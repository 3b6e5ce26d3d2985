//! The lines of a result: every node of every connection is an object of its own, that of a nested
//! connection with the `__parentId` of the node it belongs to.
//!
//! Grouped, the children of a node stand right behind it. Ungrouped, a child comes somewhere after its
//! parent and the children of different parents are mixed, because nothing else is promised.

use crate::{
    bulk_check,
    bulk_content::{BulkError, Content},
    execution::Execution,
    options::ShopifySettings,
    query::QueryRoot,
    schema::AdminSchema,
    shop::Shop,
};
use apollo_compiler::{
    ExecutableDocument,
    executable::{Field, SelectionSet},
    request::coerce_variable_values,
    resolvers,
    response::JsonMap,
    validation::Valid,
};
use serde_json::{Map, Value, json};
use std::{
    cell::RefCell,
    collections::VecDeque,
    sync::{Arc, Mutex},
};

/// Executes a checked query over a shop.
pub(crate) fn execute(
    schema: &Arc<AdminSchema>,
    shop: &Arc<Mutex<Shop>>,
    settings: Arc<ShopifySettings>,
    document: &Valid<ExecutableDocument>,
    group: bool,
) -> Result<Content, BulkError> {
    let operation = document.operations.get(None).map_err(|_| BulkError::Operation)?;
    let variables = coerce_variable_values(&schema.schema, operation, &JsonMap::new())
        .map_err(|_| BulkError::Variables)?;
    let now = jiff::Timestamp::now();
    let execution =
        Execution { schema, shop, settings, base: "", now, bulk: true, search: RefCell::default() };
    let root = QueryRoot { execution: &execution };
    let response = resolvers::Execution::new(&schema.schema, document)
        .operation(operation)
        .implementers_map(&schema.implementers)
        .coerced_variable_values(&variables)
        .execute_sync(&root)
        .map_err(|error| BulkError::Execution(error.to_graphql_error(&document.sources).message))?;
    if let Some(error) = response.errors.first() {
        let path = serde_json::to_string(&error.path).unwrap_or_default();
        return Err(BulkError::Field { message: error.message.clone(), path });
    }
    let data = serde_json::to_value(response.data).unwrap_or_default();
    let empty = Map::new();
    let reader = Reader { document };
    let (_, roots) = reader.split(&[&operation.selection_set], data.as_object().unwrap_or(&empty));
    let mut writer = Writer::default();
    let root_objects = roots.len() as u64;
    if group {
        roots.into_iter().for_each(|line| writer.grouped(line, None));
    } else {
        writer.mixed(roots);
    }
    Ok(Content::text(writer.out, writer.objects, root_objects))
}

/// A node without its connections, and the nodes of these.
struct Line {
    object: Map<String, Value>,
    children: Vec<Line>,
}

struct Reader<'a> {
    document: &'a ExecutableDocument,
}

impl<'a> Reader<'a> {
    fn split(&self, sets: &[&'a SelectionSet], data: &Map<String, Value>) -> (Map<String, Value>, Vec<Line>) {
        let fields: Vec<&Field> =
            sets.iter().flat_map(|set| bulk_check::fields(self.document, set)).collect();
        let (mut own, mut children) = (Map::new(), Vec::new());
        for (key, value) in data {
            let same: Vec<&Field> =
                fields.iter().copied().filter(|f| f.response_key().as_str() == key).collect();
            let inner: Vec<&SelectionSet> = same.iter().map(|field| &field.selection_set).collect();
            match value {
                Value::Object(connection) if same.iter().any(|field| bulk_check::is_connection(field)) => {
                    children.extend(self.nodes(&inner, connection));
                }
                Value::Object(object) => {
                    let (object, nested) = self.split(&inner, object);
                    own.insert(key.clone(), Value::Object(object));
                    children.extend(nested);
                }
                other => _ = own.insert(key.clone(), other.clone()),
            }
        }
        (own, children)
    }

    fn nodes(&self, sets: &[&'a SelectionSet], connection: &Map<String, Value>) -> Vec<Line> {
        let below = |sets: &[&'a SelectionSet], name: &str| -> Vec<&'a SelectionSet> {
            let fields = sets.iter().flat_map(|set| bulk_check::fields(self.document, set));
            fields.filter(|field| field.name == name).map(|field| &field.selection_set).collect()
        };
        let sets = below(&below(sets, "edges"), "node");
        let edges = connection.get("edges").and_then(Value::as_array).into_iter().flatten();
        edges
            .filter_map(|edge| edge["node"].as_object())
            .map(|node| {
                let (object, children) = self.split(&sets, node);
                Line { object, children }
            })
            .collect()
    }
}

#[derive(Default)]
struct Writer {
    out: String,
    objects: u64,
}

impl Writer {
    /// Writes one line; answers the id that its children name as their parent.
    fn line(&mut self, mut object: Map<String, Value>, parent: Option<&Value>) -> Value {
        if let Some(parent) = parent {
            object.insert("__parentId".to_owned(), parent.clone());
        }
        let id = object.get("id").cloned().unwrap_or_default();
        self.out += &json!(object).to_string();
        self.out.push('\n');
        self.objects += 1;
        id
    }

    fn grouped(&mut self, line: Line, parent: Option<&Value>) {
        let id = self.line(line.object, parent);
        line.children.into_iter().for_each(|child| self.grouped(child, Some(&id)));
    }

    fn mixed(&mut self, roots: Vec<Line>) {
        let mut waiting: VecDeque<(Value, VecDeque<Line>)> = VecDeque::new();
        let mut roots = roots.into_iter();
        let mut turn = 0_usize;
        loop {
            turn += 1;
            // a root twice out of three times as long as there are any, else one child of each parent in turn
            let root = if turn.is_multiple_of(3) && !waiting.is_empty() { None } else { roots.next() };
            let (line, parent) = if let Some(root) = root {
                (root, None)
            } else if let Some((parent, mut lines)) = waiting.pop_front() {
                let Some(line) = lines.pop_front() else { continue };
                if !lines.is_empty() {
                    waiting.push_back((parent.clone(), lines));
                }
                (line, Some(parent))
            } else {
                return;
            };
            let id = self.line(line.object, parent.as_ref());
            if !line.children.is_empty() {
                waiting.push_back((id, line.children.into()));
            }
        }
    }
}
