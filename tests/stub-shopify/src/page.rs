//! Pages of connections: cursors, what is before and after, and the nodes themselves.

use crate::{
    execution::{Execution, fail},
    json::Json,
};
use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

/// A page of a connection.
pub(crate) struct Page<'a> {
    execution: &'a Execution<'a>,
    type_name: String,
    nodes: Vec<(usize, Json)>,
    has_next: bool,
    has_previous: bool,
    total: usize,
}

struct Edge<'a> {
    page: &'a Page<'a>,
    type_name: String,
    index: usize,
    node: Json,
}

impl ObjectValue for Page<'_> {
    fn type_name(&self) -> &str {
        &self.type_name
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let definition = info.field_definition();
        match info.field_name() {
            "nodes" => {
                let item = definition.ty.item_type();
                let nodes = self.nodes.iter().map(|(_, json)| json.clone());
                let values: Vec<_> = nodes.map(|json| self.execution.value(item, json)).collect();
                Ok(ResolvedValue::List(Box::new(values.into_iter())))
            }
            "edges" => {
                let type_name = definition.ty.inner_named_type().to_string();
                let edges = self.nodes.iter().map(move |(index, node)| {
                    let edge =
                        Edge { page: self, type_name: type_name.clone(), index: *index, node: node.clone() };
                    Ok(ResolvedValue::object(edge))
                });
                Ok(ResolvedValue::List(Box::new(edges)))
            }
            "pageInfo" => {
                let cursor = |entry: Option<&(usize, Json)>| entry.map(|(index, _)| cursor(*index));
                let info = json!({
                    "hasNextPage": self.has_next,
                    "hasPreviousPage": self.has_previous,
                    "startCursor": cursor(self.nodes.first()),
                    "endCursor": cursor(self.nodes.last()),
                });
                self.execution.value(&definition.ty, Json::new(info))
            }
            "totalCount" => Ok(ResolvedValue::leaf(self.total as i64)),
            other => Err(fail(format!("the stub does not serve {}.{other}", self.type_name))),
        }
    }
}

impl ObjectValue for Edge<'_> {
    fn type_name(&self) -> &str {
        &self.type_name
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        match info.field_name() {
            "node" => self.page.execution.value(&info.field_definition().ty, self.node.clone()),
            "cursor" => Ok(ResolvedValue::leaf(cursor(self.index))),
            other => Err(fail(format!("the stub does not serve {}.{other}", self.type_name))),
        }
    }
}

impl Execution<'_> {
    /// The page of `nodes`, which are in their order, that the arguments ask for. A bulk operation takes
    /// no notice of them and gets everything.
    pub(crate) fn page<'a>(&'a self, type_name: &str, nodes: Vec<Json>, arguments: &Value) -> Page<'a> {
        let total = nodes.len();
        let position = |name: &str| {
            let text = arguments[name].as_str()?;
            let index = String::from_utf8(BASE64_STANDARD.decode(text).ok()?).ok()?.parse::<usize>().ok()?;
            (index < total).then_some(index)
        };
        let count = |name: &str| arguments[name].as_u64().map(|n| n as usize);
        let (mut from, mut to) = (0, total);
        if !self.bulk {
            from = position("after").map_or(0, |at| at + 1);
            to = position("before").unwrap_or(total).max(from);
            match (count("first"), count("last")) {
                (Some(first), _) => to = to.min(from + first),
                (None, Some(last)) => from = from.max(to.saturating_sub(last)),
                (None, None) => {}
            }
        }
        let window = nodes.into_iter().enumerate().skip(from).take(to - from);
        Page {
            execution: self,
            type_name: type_name.to_owned(),
            has_previous: from > 0,
            has_next: to < total,
            nodes: window.collect(),
            total,
        }
    }
}

fn cursor(index: usize) -> String {
    BASE64_STANDARD.encode(index.to_string())
}
