//! What a query costs, by the rules that explain every cost recorded from the real API.
//!
//! An object is 1 point, a scalar and money 0, a count 10, a mutation 10 with the first object of its
//! payload free. A connection is 2 plus its nodes' cost times `floor(2 ln n)`, at least 1, for `first: n`.
//! The actual cost is the same with the objects and the nodes that were really returned.

use apollo_compiler::{
    ExecutableDocument,
    ast::Value as Literal,
    executable::{Field, Operation, Selection, SelectionSet},
    response::JsonMap,
};
use serde_json::Value;

const COUNT: u32 = 10;
const MUTATION: u32 = 10;
const CONNECTION: u32 = 2;
/// A page size nobody gave; the schema makes `first` or `last` necessary nearly everywhere.
const DEFAULT_PAGE: u32 = 10;

pub(crate) struct Costs<'a> {
    pub document: &'a ExecutableDocument,
    pub variables: &'a JsonMap,
}

impl Costs<'_> {
    pub fn requested(&self, operation: &Operation) -> u32 {
        self.operation(operation, None)
    }

    pub fn actual(&self, operation: &Operation, data: &Value) -> u32 {
        self.operation(operation, Some(data))
    }

    fn operation(&self, operation: &Operation, data: Option<&Value>) -> u32 {
        if operation.is_query() {
            return self.selection(&operation.selection_set, data);
        }
        let mut cost = 0;
        self.fields(&operation.selection_set, data, &mut |field, value| {
            cost += MUTATION;
            self.fields(&field.selection_set, value, &mut |inner, value| {
                let payload = self.selection(&inner.selection_set, value);
                cost += if is_user_errors(inner) || value.is_some_and(Value::is_null) { 0 } else { payload };
            });
        });
        cost
    }

    /// The cost of the fields in a selection. Of the types an abstract object may have, the dearest counts.
    fn selection(&self, set: &SelectionSet, data: Option<&Value>) -> u32 {
        let mut cost = 0;
        self.fields(set, data, &mut |field, value| cost += self.field(field, value));
        cost
    }

    fn field(&self, field: &Field, data: Option<&Value>) -> u32 {
        if field.selection_set.selections.is_empty() || data.is_some_and(Value::is_null) {
            return 0;
        }
        let type_name = field.ty().inner_named_type().as_str();
        match type_name {
            "MoneyBag" | "MoneyV2" | "PageInfo" => 0,
            "Count" => COUNT,
            _ if is_user_errors(field) => 0,
            name if name.ends_with("Connection") => self.connection(field, data),
            _ => match data {
                Some(Value::Array(items)) => {
                    // a plain list costs as one object: the dearest of those returned
                    let dearest = items.iter().map(|i| self.selection(&field.selection_set, Some(i))).max();
                    dearest.map_or(0, |cost| cost + 1)
                }
                data => 1 + self.selection(&field.selection_set, data),
            },
        }
    }

    fn connection(&self, field: &Field, data: Option<&Value>) -> u32 {
        let mut per_node = 0;
        let mut outside = 0;
        let mut returned = 0;
        self.fields(&field.selection_set, data, &mut |inner, value| {
            if inner.name != "nodes" && inner.name != "edges" {
                outside += self.field(inner, value);
                return;
            }
            let items = value.and_then(Value::as_array);
            let dearest = match items {
                Some(items) => items.iter().map(|i| self.node(inner, Some(i))).max().unwrap_or(0),
                None => self.node(inner, None),
            };
            per_node += dearest;
            returned = returned.max(items.map_or(0, Vec::len));
        });
        let size = match data {
            Some(_) => returned as u32,
            None => self.page_size(field),
        };
        CONNECTION + outside + multiplier(size) * per_node
    }

    fn node(&self, field: &Field, data: Option<&Value>) -> u32 {
        if field.name == "nodes" {
            return 1 + self.selection(&field.selection_set, data);
        }
        self.selection(&field.selection_set, data)
    }

    fn page_size(&self, field: &Field) -> u32 {
        let argument = |name| field.specified_argument_by_name(name);
        match argument("first").or_else(|| argument("last")).map(|value| &**value) {
            Some(Literal::Int(number)) => number.try_to_i32().ok(),
            Some(Literal::Variable(name)) => {
                self.variables.get(name.as_str()).and_then(|v| v.as_i64()).and_then(|v| i32::try_from(v).ok())
            }
            _ => None,
        }
        .map_or(DEFAULT_PAGE, i32::unsigned_abs)
    }

    /// Calls `each` with the fields that count and the value each of them has in `data`. With data, only
    /// fields that were returned count; without, the alternatives of an abstract type do not add up.
    fn fields<'d>(
        &self,
        set: &SelectionSet,
        data: Option<&'d Value>,
        each: &mut dyn FnMut(&Field, Option<&'d Value>),
    ) {
        let mut alternatives: Vec<&SelectionSet> = Vec::new();
        for selection in &set.selections {
            match selection {
                Selection::Field(field) => match data {
                    None => each(field, None),
                    Some(data) => {
                        if let Some(value) = data.get(field.response_key().as_str()) {
                            each(field, Some(value));
                        }
                    }
                },
                Selection::InlineFragment(fragment) => alternatives.push(&fragment.selection_set),
                Selection::FragmentSpread(spread) => {
                    alternatives.extend(spread.fragment_def(self.document).map(|f| &f.selection_set));
                }
            }
        }
        if data.is_some() || alternatives.iter().all(|inner| inner.ty == set.ty) {
            alternatives.into_iter().for_each(|inner| self.fields(inner, data, each));
        } else if let Some(dearest) = alternatives.into_iter().max_by_key(|inner| self.selection(inner, None))
        {
            self.fields(dearest, None, each);
        }
    }
}

fn is_user_errors(field: &Field) -> bool {
    field.name.to_ascii_lowercase().ends_with("usererrors")
}

fn multiplier(nodes: u32) -> u32 {
    match nodes {
        0 => 0,
        n => ((2.0 * f64::from(n).ln()).floor() as u32).max(1),
    }
}
