//! What a query must be to be run in bulk, with the messages recorded from the real API.

use crate::schema::AdminSchema;
use apollo_compiler::{
    ExecutableDocument,
    executable::{Field, Selection, SelectionSet},
    validation::Valid,
};

const MAX_CONNECTIONS: usize = 5;
const MAX_DEPTH: usize = 2;

/// The parsed query, or every reason why it cannot be run.
pub(crate) fn check(schema: &AdminSchema, query: &str) -> Result<Valid<ExecutableDocument>, Vec<String>> {
    let bare: Vec<&str> =
        query.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    match bare.first() {
        None => return Err(vec!["Invalid bulk query: syntax error, unexpected end of file".to_owned()]),
        Some(first) if first.starts_with("mutation") || first.starts_with("subscription") => {
            return Err(vec!["Invalid operation type. Only `query` operations are supported.".to_owned()]);
        }
        Some(_) => {}
    }
    let document =
        ExecutableDocument::parse_and_validate(&schema.schema, query, "bulk.graphql").map_err(|found| {
            found.errors.iter().map(|d| format!("Invalid bulk query: {}", d.error)).collect::<Vec<_>>()
        })?;
    let Ok(operation) = document.operations.get(None) else {
        return Err(vec!["Invalid bulk query: exactly one operation is expected".to_owned()]);
    };
    let mut walk = Walk::new(&document);
    walk.selection(&operation.selection_set, 0, false);
    let errors = walk.errors(&operation.selection_set);
    if errors.is_empty() { Ok(document) } else { Err(errors) }
}

struct Walk<'a> {
    document: &'a ExecutableDocument,
    connections: usize,
    depth: usize,
    in_list: bool,
    without_edges: Vec<String>,
    without_id: Vec<String>,
}

impl<'a> Walk<'a> {
    const fn new(document: &'a ExecutableDocument) -> Self {
        Self {
            document,
            connections: 0,
            depth: 0,
            in_list: false,
            without_edges: Vec::new(),
            without_id: Vec::new(),
        }
    }

    /// Looks through a selection inside so many connections; answers whether it holds a connection.
    fn selection(&mut self, set: &'a SelectionSet, depth: usize, in_list: bool) -> bool {
        let mut holds = false;
        for field in fields(self.document, set) {
            if is_connection(field) {
                holds = true;
                self.connections += 1;
                self.depth = self.depth.max(depth);
                self.in_list |= in_list;
                self.connection(field, depth);
            } else {
                let in_list = in_list || field.ty().is_list();
                holds |= self.selection(&field.selection_set, depth, in_list);
            }
        }
        holds
    }

    fn connection(&mut self, field: &'a Field, depth: usize) {
        let inner = fields(self.document, &field.selection_set);
        let edges = inner.iter().filter(|f| f.name == "edges");
        let nodes: Vec<&Field> = edges
            .flat_map(|edges| fields(self.document, &edges.selection_set))
            .filter(|f| f.name == "node")
            .collect();
        if nodes.is_empty() || inner.iter().any(|f| f.name == "nodes") {
            self.without_edges.push(field.name.to_string());
        }
        for node in nodes {
            let holds = self.selection(&node.selection_set, depth + 1, false);
            let own = fields(self.document, &node.selection_set);
            if holds && !own.iter().any(|f| f.name == "id" && f.alias.is_none()) {
                self.without_id.push(field.name.to_string());
            }
        }
    }

    fn errors(&self, root: &SelectionSet) -> Vec<String> {
        let mut errors = Vec::new();
        for field in fields(self.document, root) {
            if matches!(field.name.as_str(), "node" | "nodes") {
                errors.push(format!("Bulk queries cannot contain a top level `{}` field.", field.name));
            }
        }
        if self.connections == 0 {
            errors.push("Bulk queries must contain at least one connection.".to_owned());
        }
        if self.connections > MAX_CONNECTIONS {
            errors.push(format!("Bulk queries cannot contain more than {MAX_CONNECTIONS} connections."));
        }
        if self.depth > MAX_DEPTH {
            errors.push(format!(
                "Bulk queries cannot contain connections with a nesting depth greater than {MAX_DEPTH}."
            ));
        }
        if self.in_list {
            let message =
                "Queries that contain a connection field within a list field are not currently supported.";
            errors.push(message.to_owned());
        }
        if let Some(first) = self.without_edges.first() {
            errors.push(format!(
                "All connection fields in a bulk query must select their contents using 'edges' > 'node', e.g: '{first} {{ edges {{ node {{'. Selecting via 'nodes' is not supported. Invalid connection fields: '{}'.",
                self.without_edges.join("', '")
            ));
        }
        if !self.without_id.is_empty() {
            errors.push(format!(
                "The parent 'node' field for a nested connection must select the 'id' field without an alias and must be of 'ID' return type. Connection fields without 'id': {}.",
                self.without_id.join(", ")
            ));
        }
        errors
    }
}

pub(crate) fn is_connection(field: &Field) -> bool {
    !field.ty().is_list() && field.ty().inner_named_type().ends_with("Connection")
}

/// The fields of a selection, those of its fragments included.
pub(crate) fn fields<'a>(document: &'a ExecutableDocument, set: &'a SelectionSet) -> Vec<&'a Field> {
    let mut found: Vec<&Field> = Vec::new();
    for selection in &set.selections {
        match selection {
            Selection::Field(field) => found.push(field),
            Selection::InlineFragment(fragment) => found.extend(fields(document, &fragment.selection_set)),
            Selection::FragmentSpread(spread) => {
                found.extend(
                    spread
                        .fragment_def(document)
                        .into_iter()
                        .flat_map(|f| fields(document, &f.selection_set)),
                );
            }
        }
    }
    found
}
